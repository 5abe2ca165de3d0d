"""What may be wrong with minutes: warnings, each with a count and the names concerned.

- a point that snaps further than ``MAX_SNAP_M`` to its street
- zones and buildings that nothing joins
- minutes shorter than the straight line at the mode's top speed: no one travels so fast
- people near the edge of the network, whose nearest building may lie outside it
- walking along motorways
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding
from placeopt.place import Place
from placeopt.travel.speeds import KMH, TOP_KMH, metres_per_minute
from placeopt.travel.times import TravelTimes

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

MAX_SNAP_M = 500.0
MAX_NAMES = 5  # ids named in one message; the count says how many there are
MAX_NAMES_NEAR_EDGE = 60


def add_findings(
    place: Place, times: TravelTimes, notes: Mapping[str, Mapping[str, Any]]
) -> TravelTimes:
    """The times with every warning added. ``notes[mode]``: what the search noted (``notes_of``)."""
    findings = [*times.findings]
    for mode in times.modes:
        note = notes.get(mode, {})
        findings += snapped_far(place, mode, note)
        findings += unreachable(times, mode)
        findings += faster_than_straight_line(place, times, mode)
        findings += near_the_edge(place, times, mode, note)
        for found in note.get("found", []):
            findings.append(Finding(**{**found, "ids": tuple(found.get("ids", ()))}))
        findings += [_warn(mode, None, None, text, remedy) for text, remedy in note.get("said", [])]
    return replace(times, findings=tuple(findings))


def snapped_far(place: Place, mode: str, note: Mapping[str, Any]) -> list[Finding]:
    """Zones and buildings further than ``MAX_SNAP_M`` from the street they enter by."""
    findings = []
    for table, key in (("zones", "zone_id"), ("buildings", "building_id")):
        far: Mapping[str, float] = note.get(f"far_{table}", {})
        frame = place.tables[table]
        spots = [coordinate_key(x, y) for x, y in zip(frame["x_m"], frame["y_m"], strict=True)]
        named = [
            (far[spot], f"{key_of} ({far[spot]:,.0f} m)", str(key_of))
            for spot, key_of in zip(spots, frame[key], strict=True)
            if spot in far
        ]
        if table == "zones":  # sample points of zones that are not the zone's own point
            named += [(m, f"point {s} ({m:,.0f} m)", s) for s, m in far.items() if s not in spots]
        if named:
            named.sort(reverse=True)
            names = [name for _, name, _ in named]
            findings.append(
                _warn(mode, key, _some(names), f"{len(names)} of {table} lie further than "
                      f"{MAX_SNAP_M:g} m from the nearest street for this mode",
                      "check the coordinates, or that the street file covers them",
                      [id_ for _, _, id_ in named])
            )  # fmt: skip
    return findings


def unreachable(times: TravelTimes, mode: str) -> list[Finding]:
    """Zones that reach no building and buildings that no zone reaches within the cut-off."""
    reached = np.isfinite(times.matrix(mode))
    findings = []
    for key, ids, lost, what in (
        ("zone_id", times.zone_ids, ~reached.any(axis=1), "zones reach no building"),
        (
            "building_id",
            times.building_ids,
            ~reached.any(axis=0),
            "buildings are reached by no zone",
        ),
    ):
        names = [ids[i] for i in np.flatnonzero(lost)]
        if names and reached.size:
            findings.append(
                _warn(mode, key, _some(names), f"{len(names)} {what} within "
                      f"{times.cutoff_minutes:g} minutes", "raise the cut-off or check the points",
                      names)
            )  # fmt: skip
    return findings


def faster_than_straight_line(place: Place, times: TravelTimes, mode: str) -> list[Finding]:
    """Pairs whose minutes are shorter than the straight line at the mode's top speed."""
    from scipy.spatial.distance import cdist

    top = TOP_KMH.get(mode)
    if top is None:
        return []
    minutes = times.matrix(mode)
    least = cdist(_xy(place, "zones"), _xy(place, "buildings")) / metres_per_minute(top)
    z, b = np.nonzero(minutes < least - 1e-6)
    if not len(z):
        return []
    worst = int(np.argmax(least[z, b] - minutes[z, b]))
    pair = f"{times.zone_ids[z[worst]]} to {times.building_ids[b[worst]]}"
    shortest = f"{minutes[z[worst], b[worst]]:.1f} minutes"
    return [
        _warn(mode, "minutes", pair, f"{shortest} would be faster than {top:g} km/h in a "
              f"straight line; {len(z)} pairs are",
              "check ids, coordinates and units (seconds, hours?)",
              [f"{times.zone_ids[i]}/{times.building_ids[j]}" for i, j in zip(z, b, strict=True)])
    ]  # fmt: skip


def edge_table(place: Place, times: TravelTimes, mode: str, edge: BaseGeometry) -> pd.DataFrame:
    """Zones that may have a nearer building outside the network.

    Columns: kind, zone_id, population, minutes, edge_minutes.
    For each kind of building: the minutes to the nearest, and to the nearest edge of the network
    as the crow flies at the mode's usual speed; listed where the edge is nearer.
    """
    import pandas as pd
    from shapely import distance, points

    away = distance(points(_xy(place, "zones")), edge.boundary)
    edge_minutes = away / metres_per_minute(KMH.get(mode, KMH["drive"]))
    rows = []
    for kind in sorted(place.buildings["kind"].unique()):
        of_kind = (place.buildings["kind"] == kind).to_numpy()
        minutes = np.fmin.reduce(times.matrix(mode)[:, of_kind], axis=1)
        for z in np.flatnonzero(~(minutes <= edge_minutes)):
            rows.append((kind, place.zones["zone_id"].iloc[z], place.zones["population"].iloc[z],
                         minutes[z], edge_minutes[z]))  # fmt: skip
    columns = ["kind", "zone_id", "population", "minutes", "edge_minutes"]
    return pd.DataFrame(rows, columns=columns)


def near_the_edge(
    place: Place, times: TravelTimes, mode: str, note: Mapping[str, Any]
) -> list[Finding]:
    """How many zones and people may have a nearer building outside, which zones, of which kinds."""
    from shapely import from_wkt

    if not note.get("edge"):
        return []
    table = edge_table(place, times, mode, from_wkt(note["edge"]))
    if not len(table):
        return []
    # The zones that this concerns for most kinds of building come first.
    zones = table["zone_id"].value_counts().index
    people = table.drop_duplicates("zone_id")["population"].sum()
    counts = ", ".join(f"{k} {n}" for k, n in table["kind"].value_counts(sort=False).items())
    return [
        _warn(mode, "zone_id", _some(list(zones), MAX_NAMES_NEAR_EDGE),
              f"{people:,.0f} people in {len(zones)} zones live nearer to the "
              "edge of the streets than to the nearest building of some kind, so that a nearer "
              f"one may lie outside (zones by kind: {counts})",
              "add the buildings and streets of the neighbours", list(zones))
    ]  # fmt: skip


def _warn(
    mode: str,
    column: str | None,
    value: str | None,
    fault: str,
    remedy: str,
    ids: Sequence[str] = (),
) -> Finding:
    told = tuple(map(str, ids))
    return Finding("warning", f"minutes by {mode}", None, column, value, fault, remedy, told)


def _some(names: Sequence[str], most: int = MAX_NAMES) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def coordinate_key(x: float, y: float) -> str:
    return f"{x:.3f} {y:.3f}"


def _xy(place: Place, table: str) -> NDArray[np.float64]:
    return place.tables[table][["x_m", "y_m"]].to_numpy(float)
