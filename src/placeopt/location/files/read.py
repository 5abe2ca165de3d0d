"""Read a file as one of the location problems, whatever standard it follows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from placeopt.errors import UsageError
from placeopt.location.files.facility import read_single_source, read_ufllib
from placeopt.location.files.orlib import read_cap, read_pmed, read_pmedcap
from placeopt.location.files.place import is_place, read_place_problem
from placeopt.location.files.points import read_city, read_tsplib
from placeopt.location.files.tables import read_table
from placeopt.location.problems import (
    CAPACITATED,
    CAPACITATED_P_MEDIAN,
    FACILITY_LOCATION,
    KINDS,
    MAXIMAL_COVERING,
    P_CENTRE,
    P_MEDIAN,
    SINGLE_SOURCE,
    Problem,
)

FORMATS = ("pmed", "cap", "pmedcap", "ufllib", "single-source", "tsplib", "city", "table")


def read_problem(
    kind: str,
    path: str | Path,
    *,
    p: int | None = None,
    radius: float | None = None,
    metric: str | None = None,
    capacity: float | None = None,
    form: str | None = None,
    **options: Any,
) -> Problem:
    """The problem of ``kind`` that the file at ``path`` states.

    ``p``, ``radius`` and ``capacity`` fill in what a file leaves open (or replace its own p);
    ``metric`` is one of the metrics of points; ``form`` is one of FORMATS where the file's own
    look does not tell; ``options`` are further fields of ``Problem``. Distances of a file of any
    family serve any problem: p-centre on pmed files, say. Customers and sites go by the numbers
    of the file, from 1, or by the ids of a table or a place. A place or a scenario is read for
    one ``service`` (``files.place``). Raises ``UsageError``.
    """
    path = Path(path)
    if kind not in KINDS:
        raise UsageError(f"no problem {kind!r}; there are {', '.join(KINDS)}")
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    if is_place(path):
        return read_place_problem(path, kind, **_given(p=p, radius=radius, **options))
    if stray := {"service", "modes", "keep"} & set(options):
        raise UsageError(f"{', '.join(sorted(stray))}: only a place or a scenario has services")
    form = form or _form(path, kind)
    if form == "table":
        return read_table(path, kind, **_given(p=p, radius=radius, **options))
    try:
        problem = _read(form, path, p, radius, metric, capacity, kind)
    except (ValueError, IndexError) as error:
        raise UsageError(f"{path.name} does not read as a {form} file: {error}") from error
    numbers = {  # these files count from 1
        "customer_ids": range(1, problem.customers + 1),
        "site_ids": range(1, problem.sites + 1),
    }
    changes = numbers | _given(p=p, radius=radius, **options)
    if kind != problem.kind:
        changes["kind"] = kind
        if kind in (P_MEDIAN, P_CENTRE, MAXIMAL_COVERING) and form in ("cap", "single-source"):
            raise UsageError(f"{path.name} holds costs of serving all demand, not distances")
    return problem.replace(**changes)


def _read(
    form: str,
    path: Path,
    p: int | None,
    radius: float | None,
    metric: str | None,
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
        usual = "round" if kind == P_CENTRE else "floor"
        return read_tsplib(path, p or 1, metric or usual)  # type: ignore[arg-type]
    if form == "city":
        return read_city(path, p or 1, radius or 0.0)
    raise UsageError(f"no format {form!r}; there are {', '.join(FORMATS)}")


def _form(path: Path, kind: str) -> str:
    """What a file is, from its name's end and its first lines."""
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


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
