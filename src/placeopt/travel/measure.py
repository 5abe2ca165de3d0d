"""Measure a place: minutes from every zone to every building by each mode.

Straight-line minutes and the user's own matrix are computed or read every time. Minutes over
streets are cached beside the place (``.placeopt/``) and reused while the coordinates, the settings
and the content of the street file are unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import InputError, UsageError
from placeopt.base.findings import error, row_number
from placeopt.place import Place
from placeopt.travel import crs as systems
from placeopt.travel.fill_missing import ProgressCallback, Workers, coordinates_of, today
from placeopt.travel.origins import POINTS_FILE
from placeopt.travel.speeds import MODES, check_speeds, speed_of
from placeopt.travel.straight_line import straight_line_minutes
from placeopt.travel.times import TravelTimes

if TYPE_CHECKING:
    from placeopt.travel.transit.door_to_door import Transit

MAX_STORED_MINUTES = 400_000_000  # zones x buildings x modes in memory: 3.2 GB
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
    points: str | Path | None = None,
    transit: Transit | None = None,
    engine: str = "scipy",
    progress: ProgressCallback | None = None,
    workers: Workers | None = None,
) -> TravelTimes:
    """Measure minutes from zones to buildings.

    Args:
        place: The place; files are relative to its folder.
        method: "crow_fly" (straight line x ``detour`` at one speed for each mode), "streets"
            (shortest paths over ``file``) or "matrix" (the minutes of ``file``).
        modes: The modes; "transit" needs ``transit``.
        cutoff_minutes: Longer journeys are NaN.
        detour: Street length over straight-line length.
        speeds_kmh: Speeds that replace the defaults (see ``speeds``).
        file: An .osm.pbf extract or a file with layers edges and nodes, by default the place's
            ``streets.gpkg`` or ``streets.osm.pbf``; for a matrix by default ``minutes.parquet`` or
            ``minutes.csv``.
        columns: The columns of the street layers (see ``layers.COLUMNS``).
        points: A CSV file of sample points (see ``origins``); by default the place's
            ``zone_points.csv``, if there is one.
        transit: Feeds, date and window of departures.
        engine: The engine for shortest paths (see ``engines``).
        progress: Called after each block of pairs.
        workers: Distributes the work (see ``parallel``).

    Raises:
        InputError: With every fault of the files.
        UsageError: An unknown method, mode, engine or speed, or more pairs than
            ``MAX_STORED_MINUTES``.
    """
    check_speeds(speeds_kmh)
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown and method != "matrix":
        raise UsageError(f"no mode {unknown[0]!r}; there are {', '.join(MODES)}")
    if method not in METHODS:
        raise UsageError(f"no travel method {method!r}; there are {', '.join(METHODS)}")
    if not 0 < cutoff_minutes < float("inf"):
        raise UsageError(
            f"cutoff is {cutoff_minutes:g} minutes; give a number above 0, such as 120"
        )
    _require_memory(place, modes)
    if method == "matrix":
        from placeopt.travel.checks import add_findings
        from placeopt.travel.matrix import read_matrix

        matrix_file = _find_file(place, file, ("minutes.parquet", "minutes.csv"))
        return add_findings(place, read_matrix(place, matrix_file, modes, cutoff_minutes), {})
    require_measurable(place)
    if method == "crow_fly":
        return _measure_straight_lines(place, modes, cutoff_minutes, detour, speeds_kmh)
    from placeopt.travel.networks import NetworkFiles, measure_over_networks

    files = NetworkFiles(
        streets=_find_file(place, file, ("streets.gpkg", "streets.osm.pbf")),
        columns=columns or {},
        points=_points_file(place, points),
        gtfs=()
        if transit is None
        else tuple(_find_file(place, feed, ()) for feed in transit.feeds),
        transit=transit,
    )
    return measure_over_networks(
        place, modes, cutoff_minutes, speeds_kmh, files, engine, progress, workers
    )


def _require_memory(place: Place, modes: Sequence[str]) -> None:
    """Raise ``UsageError`` if the minutes of all pairs would not fit into memory."""
    zones, buildings = len(place.zones), len(place.buildings)
    minutes = zones * buildings * len(modes)
    if minutes > MAX_STORED_MINUTES:
        raise UsageError(
            f"{zones:,} zones x {buildings:,} buildings x {len(modes)} modes are {minutes:,} "
            f"minutes ({minutes * 8 / 1e9:,.0f} GB); at most {MAX_STORED_MINUTES:,} are held: ask "
            "of larger zones, of one district at a time, or of the buildings that a plan may change"
        )


def require_measurable(place: Place) -> None:
    """Raise ``InputError`` unless the place is in metres and every point has coordinates."""
    systems.require_metres(place.info.crs, "place.toml")
    findings = []
    for table, key in (("zones", "zone_id"), ("buildings", "building_id")):
        frame = place.tables[table]
        systems.require_not_degrees(frame["x_m"], frame["y_m"], table)
        missing = ~(np.isfinite(frame["x_m"]) & np.isfinite(frame["y_m"]))
        findings += [
            error(table, f"{frame[key].iloc[row]} has no coordinates",
                  "give them or leave the row out", row=row_number(row), column="x_m, y_m")
            for row in np.flatnonzero(missing)
        ]  # fmt: skip
    if findings:
        raise InputError(findings, "points that cannot be measured")


def _measure_straight_lines(
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
        minutes[mode] = straight_line_minutes(
            coordinates_of(place, "zones"),
            coordinates_of(place, "buildings"),
            kmh,
            detour,
            cutoff_minutes,
        )
        provenance[mode] = {
            "method": "crow_fly",
            "speed_kmh": kmh,
            "detour": detour,
            "cutoff_minutes": cutoff_minutes,
            "source": "straight lines between the place's points",
            "use": "screening only: a standard is not shown to be met by straight lines",
            "date": today(),
        }
    return TravelTimes(
        tuple(place.zones["zone_id"]),
        tuple(place.buildings["building_id"]),
        minutes,
        cutoff_minutes,
        provenance,
    )


def _find_file(place: Place, file: str | Path | None, default_names: tuple[str, ...]) -> Path:
    """Find a file relative to the place; ``InputError`` if it does not exist."""
    folder = place.folder
    if folder is not None and not folder.is_dir():
        folder = folder.parent
    if file is not None:
        candidates = [Path(file) if folder is None else folder / file]
    else:
        candidates = [] if folder is None else [folder / name for name in default_names]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
        if candidate.is_dir():
            remedy = "name a file; of a feed its zip"
            raise InputError([error(str(candidate), "is a folder", remedy)])
    first_candidate = str(candidates[0]) if candidates else default_names[0]
    alternatives = (
        f", or as {' or '.join(default_names[1:])}" if file is None and default_names[1:] else ""
    )
    raise InputError(
        [error(first_candidate, "is not there",
               f"put the file beside the place{alternatives}, or name another")]
    )  # fmt: skip


def _points_file(place: Place, points: str | Path | None) -> Path | None:
    """The file of sample points: the one named, else the place's own, else None."""
    if points is not None:
        return _find_file(place, points, ())
    default_file = None if place.folder is None else place.folder / POINTS_FILE
    return default_file if default_file is not None and default_file.exists() else None
