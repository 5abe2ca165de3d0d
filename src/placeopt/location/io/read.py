"""Read a file in any of the known formats as a location problem."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from placeopt.base.errors import UsageError
from placeopt.location.distances import METRICS, Metric
from placeopt.location.io.facility import read_single_source, read_ufllib
from placeopt.location.io.orlib import read_cap, read_pmed, read_pmedcap
from placeopt.location.io.place import is_place, read_place_problem
from placeopt.location.io.points import read_city, read_tsplib
from placeopt.location.io.tables import read_table
from placeopt.location.statement import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    FACILITY_LOCATION,
    MAXIMAL_COVERING,
    NEEDS_P,
    NEEDS_RADIUS,
    P_CENTRE,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
    fields_used_by,
    kind_of,
)

UNUSED_VALUES = {
    "p": None, "radius": None, "outer_radius": None, "ceiling": None, "share": 1.0,
    "backup": False, "k_nearest": None, "fill_opened": False,
    "weights": None, "fixed_costs": None, "demands": None, "capacities": None,
}  # fmt: skip
FORMATS = ("pmed", "cap", "pmedcap", "ufllib", "single-source", "tsplib", "city", "table")


def read_problem(
    kind: str,
    path: str | Path,
    *,
    p: int | None = None,
    radius: float | None = None,
    metric: Metric | None = None,
    capacity: float | None = None,
    form: str | None = None,
    **options: Any,
) -> Problem:
    """The problem of ``kind`` that the file at ``path`` states.

    A file of any format serves any problem, for example p-centre on pmed files; what the file
    states and the problem does not use is left out. Customers and sites are named by the numbers
    of the file, from 1, or by the ids of a table or a place. A place or a scenario is read for one
    ``service`` (``io.place``).

    Args:
        kind: Kind of problem.
        path: The file, place or scenario.
        p: Number of sites, if the file leaves it open or it is to be replaced.
        radius: Radius, if the file leaves it open.
        metric: Metric of points.
        capacity: Capacity, if the file leaves it open.
        form: One of FORMATS, if the file itself does not show its format.
        **options: ``sites``, a table of sites beside a table, and further fields of ``Problem``.

    Raises:
        UsageError: If the file cannot be read as such a problem.
    """
    path = Path(path)
    kind = kind_of(kind)
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    if is_place(path):
        of_files = {
            "metric": metric,
            "capacity": capacity,
            "form": form,
            "sites": options.get("sites"),
        }
        if ignored := [name for name, value in of_files.items() if value is not None]:
            raise UsageError(f"{', '.join(ignored)}: a place has none; leave it out")
        return read_place_problem(path, kind, **_without_none(p=p, radius=radius, **options))
    if stray := {"service", "modes", "keep"} & set(options):
        raise UsageError(f"{', '.join(sorted(stray))}: only a place or a scenario has services")
    if stray := {"flows", "vehicle_range", "threshold", "by_distance"} & set(options):
        raise UsageError(f"{', '.join(sorted(stray))}: only flow-refuelling has trips")
    form = form or _detect_format(path, kind)
    if form not in FORMATS:
        raise UsageError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    _check_options(path, kind, form, p=p, radius=radius, metric=metric, capacity=capacity)
    if form != "table" and options.get("sites") is not None:
        raise UsageError(f"sites: {path.name} is a {form} file, which states its sites itself")
    if form == "table":
        return read_table(path, kind, metric, **_without_none(p=p, radius=radius, **options))
    try:
        problem = _read(form, path, p, radius, metric, capacity, kind)
    except (ValueError, IndexError) as error:
        raise UsageError(f"{path.name} does not read as a {form} file: {error}") from error
    numbers = {  # these files count from 1
        "customer_ids": range(1, problem.customers + 1),
        "site_ids": range(1, problem.sites + 1),
    }
    changes = numbers | _without_none(p=p, radius=radius, **options)
    if kind != problem.kind:  # fields that this kind does not use are left out
        named = {field.name: getattr(problem, field.name) for field in fields(Problem)}
        kept = fields_used_by(kind, named)
        left_out = {name: UNUSED_VALUES[name] for name in named if name not in kept}
        changes = {"kind": kind, **left_out, **changes}
        if kind in (P_MEDIAN, P_CENTRE, MAXIMAL_COVERING) and form in ("cap", "single-source"):
            raise UsageError(f"{path.name} holds costs of serving all demand, not distances")
    return problem.replace(**changes)


def _check_options(path: Path, kind: str, form: str, **given: Any) -> None:
    """Raise ``UsageError`` if an option is missing, or is given and would be ignored."""
    faults = []
    if form in ("tsplib", "city"):
        needed = {"p": NEEDS_P, "radius": NEEDS_RADIUS}
        faults += [
            f"{name}: a {form} file knows none; give it"
            for name, kinds in needed.items()
            if kind in kinds and given[name] is None
        ]
    if given["metric"] is not None and form not in ("tsplib", "table"):
        faults.append(f"metric: a {form} file says how it is measured; leave it out")
    if given["metric"] is not None and given["metric"] not in METRICS:
        faults.append(f"metric: there is no {given['metric']!r}; there are {', '.join(METRICS)}")
    if given["capacity"] is not None and form != "cap":
        faults.append(f"capacity: only cap files leave it open, and this is a {form} file")
    if given["p"] is not None and kind not in NEEDS_P:
        faults.append(f"p: {kind} has none; leave it out")
    if given["radius"] is not None and kind not in NEEDS_RADIUS:
        faults.append(f"radius: {kind} has none; leave it out, or give it as ceiling")
    if faults:
        raise UsageError(f"{path.name}: " + "; ".join(faults))


def _read(
    form: str,
    path: Path,
    p: int | None,
    radius: float | None,
    metric: Metric | None,
    capacity: float | None,
    kind: str,
) -> Problem:
    if form == "pmed":
        return read_pmed(path, p)
    if form == "cap":
        return read_cap(path, 1.0 if kind == FACILITY_LOCATION and capacity is None else capacity)
    if form == "pmedcap":
        return read_pmedcap(path, p)
    if form == "ufllib":
        return read_ufllib(path)
    if form == "single-source":
        return read_single_source(path)
    if form == "tsplib":
        usual: Metric = "round" if kind == P_CENTRE else "floor"
        return read_tsplib(path, p or 1, metric or usual)
    if form == "city":
        return read_city(path, p or 1, radius or 0.0)
    raise UsageError(f"no format {form!r}; there are {', '.join(FORMATS)}")


def _detect_format(path: Path, kind: str) -> str:
    """The format of a file, from its suffix and its first lines."""
    if path.suffix in (".csv", ".parquet", ".npy", ".npz"):
        return "table"
    with path.open(errors="replace") as file:
        heading = file.read(2000)
    if "NODE_COORD_SECTION" in heading:
        return "city" if "MCLP" in heading else "tsplib"
    if heading.startswith("FILE:"):
        return "ufllib"
    if "capacity" in heading:
        return "cap"
    lines = [line.split() for line in heading.splitlines() if line.strip()]
    widths = [len(line) for line in lines[:3]]
    if widths[:2] == [2, 3]:
        return "pmedcap"
    if widths[:2] == [3, 3]:
        return "pmed"
    if widths[:2] == [2, 2] and kind in (CAPACITATED, SINGLE_SOURCE, FACILITY_LOCATION):
        return "cap"
    if widths[:1] == [2] and re.fullmatch(r"\d+", lines[0][0]):
        return "single-source"
    if kind == CAPACITATED_P_MEDIAN:
        return "pmedcap"
    raise UsageError(f"{path.name} follows no known format; name one of {', '.join(FORMATS)}")


def _without_none(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
