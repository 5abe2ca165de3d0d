"""Measure a place: minutes from every zone to every building by each mode asked for.

Crow-fly minutes and the user's own matrix are made anew each time; minutes over streets are kept
beside the place (``.placeopt/``) and used again as long as the coordinates, the settings and the
content of the street file are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.errors import Finding, InputError, UsageError
from placeopt.place import Place
from placeopt.travel import crs as systems
from placeopt.travel.complete import Watch, computed_once, points_of, today
from placeopt.travel.crow import crow_minutes
from placeopt.travel.parts import hash_of_file
from placeopt.travel.speeds import MODES, check_speeds, speed_of
from placeopt.travel.times import TravelTimes

METHODS = ("crow_fly", "streets", "matrix")


def measure(
    place: Place,
    method: str = "crow_fly",
    modes: Sequence[str] = ("walk", "drive"),
    cutoff_minutes: float = 120.0,
    detour: float = 1.3,
    speeds_kmh: Mapping[str, float] | None = None,
    file: str | Path | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    progress: Watch | None = None,
) -> TravelTimes:
    """Minutes from zones to buildings.

    ``method``: "crow_fly" (straight line x ``detour`` at one speed a mode), "streets" (shortest
    paths over the layers edges and nodes of ``file``, by default the place's ``streets.gpkg``)
    or "matrix" (the minutes of ``file``, by default ``minutes.parquet`` or ``minutes.csv``).
    ``file`` is relative to the place. ``speeds_kmh`` replaces speeds (see ``speeds``);
    ``columns`` names the columns of the street layers (see ``layers.COLUMNS``). Pairs beyond
    ``cutoff_minutes`` are NaN. Raises ``InputError`` with every fault of the files and
    ``UsageError`` for a method, mode or speed that there is not.
    """
    check_speeds(speeds_kmh)
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown and method != "matrix":
        raise UsageError(f"no mode {unknown[0]!r}; there are {', '.join(MODES)}")
    if method not in METHODS:
        raise UsageError(f"no travel method {method!r}; there are {', '.join(METHODS)}")
    if method == "matrix":
        from placeopt.travel.matrix import read_matrix

        return read_matrix(
            place, _file(place, file, ("minutes.parquet", "minutes.csv")), modes, cutoff_minutes
        )
    require_measurable(place)
    if method == "crow_fly":
        return _by_crow(place, modes, cutoff_minutes, detour, speeds_kmh)
    street_file = _file(place, file, ("streets.gpkg",))
    return _by_streets(place, modes, cutoff_minutes, speeds_kmh, street_file, columns, progress)


def require_measurable(place: Place) -> None:
    """``InputError`` unless the place counts in metres and every point has coordinates."""
    systems.require_metres(place.info.crs, "place.toml")
    findings = []
    for table, key in (("zones", "zone_id"), ("buildings", "building_id")):
        frame = place.tables[table]
        systems.require_not_degrees(frame["x_m"], frame["y_m"], table)
        missing = ~(np.isfinite(frame["x_m"]) & np.isfinite(frame["y_m"]))
        findings += [
            Finding("error", table, int(row) + 2, "x_m, y_m", None,
                    f"{frame[key].iloc[row]} has no coordinates", "give them or leave the row out")
            for row in np.flatnonzero(missing)
        ]  # fmt: skip
    if findings:
        raise InputError(findings, "points that cannot be measured")


def _by_crow(
    place: Place,
    modes: Sequence[str],
    cutoff_minutes: float,
    detour: float,
    speeds_kmh: Mapping[str, float] | None,
) -> TravelTimes:
    if not detour >= 1:
        raise UsageError(f"detour is {detour}; give 1 or more")
    minutes, provenance = {}, {}
    for mode in modes:
        kmh = speed_of(mode, speeds_kmh)
        minutes[mode] = crow_minutes(
            points_of(place, "zones"), points_of(place, "buildings"), kmh, detour, cutoff_minutes
        )
        provenance[mode] = {
            "method": "crow_fly",
            "speed_kmh": kmh,
            "detour": detour,
            "cutoff_minutes": cutoff_minutes,
            "source": "straight lines between the place's points",
            "date": today(),
        }
    return _times(place, minutes, {}, cutoff_minutes, provenance)


def _by_streets(
    place: Place,
    modes: Sequence[str],
    cutoff_minutes: float,
    speeds_kmh: Mapping[str, float] | None,
    file: Path,
    columns: Mapping[str, str] | None,
    progress: Watch | None,
) -> TravelTimes:
    """Minutes over streets; the network is read only if something is still to be computed."""
    from functools import cache

    from placeopt.travel.graph import graph_of
    from placeopt.travel.layers import read_layers
    from placeopt.travel.paths import StreetSearch

    streets = cache(lambda: read_layers(file, place.info.crs, columns=columns))
    file_hash = hash_of_file(file)
    minutes, worst, provenance = {}, {}, {}
    for mode in modes:
        facts = {
            "method": "streets",
            "source": file.name,
            "source_sha256": file_hash,
            "speeds_kmh": _speeds_used(mode, speeds_kmh),
            "columns": dict(columns or {}),
            "cutoff_minutes": cutoff_minutes,
        }
        search = StreetSearch(lambda mode=mode: graph_of(streets(), mode, speeds_kmh))  # type: ignore[misc]
        minutes[mode], slow, provenance[mode] = computed_once(
            place, mode, facts, search, cutoff_minutes, progress
        )
        if slow is not None:
            worst[mode] = slow
    return _times(place, minutes, worst, cutoff_minutes, provenance)


def _speeds_used(mode: str, speeds_kmh: Mapping[str, float] | None) -> dict[str, float]:
    """What the user said of this mode's speeds; the defaults are those of this version."""
    given = speeds_kmh or {}
    return {k: float(v) for k, v in given.items() if mode in (k.split(".")[0], k.split(".")[-1])}


def _file(place: Place, file: str | Path | None, usual: tuple[str, ...]) -> Path:
    """The file meant, relative to the place; ``InputError`` where it is not there."""
    home = place.folder
    if home is not None and not home.is_dir():
        home = home.parent
    if file is not None:
        candidates = [Path(file) if home is None else home / file]
    else:
        candidates = [] if home is None else [home / name for name in usual]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = " or ".join(str(c) for c in candidates) or " or ".join(usual)
    raise InputError(
        [Finding("error", looked, None, None, None, "is not there",
                 "put the file beside the place or name another with file=")]
    )  # fmt: skip


def _times(
    place: Place,
    minutes: Mapping[str, NDArray[np.float64]],
    worst: Mapping[str, NDArray[np.float64]],
    cutoff_minutes: float,
    provenance: Mapping[str, Mapping[str, Any]],
) -> TravelTimes:
    return TravelTimes(
        zone_ids=tuple(place.zones["zone_id"]),
        building_ids=tuple(place.buildings["building_id"]),
        minutes=dict(minutes),
        cutoff_minutes=cutoff_minutes,
        provenance=dict(provenance),
        worst=dict(worst),
    )
