"""Check travel times; each warning has a count and names examples.

- points further than ``MAX_SNAP_M`` from their street
- zones and buildings without any connection
- minutes shorter than the straight line at the mode's top speed
- residents near the edge of the network, whose nearest building may lie outside it
- walking along motorways
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding
from placeopt.base.findings import warning
from placeopt.place import Place
from placeopt.travel.speeds import KMH, TOP_KMH, metres_per_minute
from placeopt.travel.times import TravelTimes

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

MAX_SNAP_M = 500.0
MAX_NAMES = 5  # ids named in a message
MAX_NAMES_NEAR_EDGE = 60


def add_findings(
    place: Place, times: TravelTimes, notes: Mapping[str, Mapping[str, Any]]
) -> TravelTimes:
    """Return the times with all warnings added; ``notes[mode]`` are the notes of the search."""
    findings = [*times.findings]
    for mode in times.modes:
        note = notes.get(mode, {})
        findings += snapped_far(place, mode, note)
        findings += unreachable(times, mode)
        findings += faster_than_straight_line(place, times, mode)
        findings += near_network_edge(place, times, mode, note)
        for finding in note.get("found", []):
            findings.append(Finding(**{**finding, "ids": tuple(finding.get("ids", ()))}))
        findings += [_warn(mode, None, None, text, remedy) for text, remedy in note.get("said", [])]
    return replace(times, findings=tuple(findings))


def snapped_far(place: Place, mode: str, note: Mapping[str, Any]) -> list[Finding]:
    """Warnings for zones and buildings further than ``MAX_SNAP_M`` from the nearest street."""
    findings = []
    for table, key in (("zones", "zone_id"), ("buildings", "building_id")):
        far: Mapping[str, float] = note.get(f"far_{table}", {})
        frame = place.tables[table]
        keys = [coordinate_key(x, y) for x, y in zip(frame["x_m"], frame["y_m"], strict=True)]
        examples = [
            (far[point_key], f"{key_of} ({far[point_key]:,.0f} m)", str(key_of))
            for point_key, key_of in zip(keys, frame[key], strict=True)
            if point_key in far
        ]
        if table == "zones":  # sample points of zones that are not the zone's own point
            examples += [(m, f"point {s} ({m:,.0f} m)", s) for s, m in far.items() if s not in keys]
        if examples:
            examples.sort(reverse=True)
            names = [name for _, name, _ in examples]
            findings.append(
                _warn(mode, key, _first_names(names), f"{len(names)} of {table} lie further than "
                      f"{MAX_SNAP_M:g} m from the nearest street for this mode",
                      "check the coordinates, or that the street file covers them",
                      [id_ for _, _, id_ in examples])
            )  # fmt: skip
    return findings


def unreachable(times: TravelTimes, mode: str) -> list[Finding]:
    """Warnings for zones and buildings without any connection within the cut-off."""
    reached = np.isfinite(times.matrix(mode))
    findings = []
    for key, ids, is_isolated, description in (
        ("zone_id", times.zone_ids, ~reached.any(axis=1), "zones reach no building"),
        (
            "building_id",
            times.building_ids,
            ~reached.any(axis=0),
            "buildings are reached by no zone",
        ),
    ):
        names = [ids[i] for i in np.flatnonzero(is_isolated)]
        if names and reached.size:
            findings.append(
                _warn(mode, key, _first_names(names), f"{len(names)} {description} within "
                      f"{times.cutoff_minutes:g} minutes", "raise the cut-off or check the points",
                      names)
            )  # fmt: skip
    return findings


def faster_than_straight_line(place: Place, times: TravelTimes, mode: str) -> list[Finding]:
    """A warning for pairs faster than the straight line at the mode's top speed."""
    from scipy.spatial.distance import cdist

    top = TOP_KMH.get(mode)
    if top is None:
        return []
    minutes = times.matrix(mode)
    minimum = cdist(_xy(place, "zones"), _xy(place, "buildings")) / metres_per_minute(top)
    z, b = np.nonzero(minutes < minimum - 1e-6)
    if not len(z):
        return []
    worst = int(np.argmax(minimum[z, b] - minutes[z, b]))
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

    Returns:
    Columns kind, zone_id, population, minutes, edge_minutes: for each kind of building the zones
        whose nearest building is further in minutes than the edge of the network, which is measured
        in a straight line at the mode's usual speed.
    """
    import pandas as pd
    from shapely import distance, points

    distance_m = distance(points(_xy(place, "zones")), edge.boundary)
    edge_minutes = distance_m / metres_per_minute(KMH.get(mode, KMH["drive"]))
    rows = []
    for kind in sorted(place.buildings["kind"].unique()):
        of_kind = (place.buildings["kind"] == kind).to_numpy()
        minutes = np.fmin.reduce(times.matrix(mode)[:, of_kind], axis=1)
        for z in np.flatnonzero(~(minutes <= edge_minutes)):
            rows.append((kind, place.zones["zone_id"].iloc[z], place.zones["population"].iloc[z],
                         minutes[z], edge_minutes[z]))  # fmt: skip
    columns = ["kind", "zone_id", "population", "minutes", "edge_minutes"]
    return pd.DataFrame(rows, columns=columns)


def near_network_edge(
    place: Place, times: TravelTimes, mode: str, note: Mapping[str, Any]
) -> list[Finding]:
    """A warning with the zones and residents that may have a nearer building outside the
    network."""
    from shapely import from_wkt

    if not note.get("edge"):
        return []
    table = edge_table(place, times, mode, from_wkt(note["edge"]))
    if not len(table):
        return []
    # Zones affected for the most kinds of building come first.
    zones = table["zone_id"].value_counts().index
    people = table.drop_duplicates("zone_id")["population"].sum()
    counts = ", ".join(f"{k} {n}" for k, n in table["kind"].value_counts(sort=False).items())
    return [
        _warn(mode, "zone_id", _first_names(list(zones), MAX_NAMES_NEAR_EDGE),
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
    return warning(f"minutes by {mode}", fault, remedy, column=column, value=value, ids=ids)


def _first_names(names: Sequence[str], limit: int = MAX_NAMES) -> str:
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")


def coordinate_key(x: float, y: float) -> str:
    return f"{x:.3f} {y:.3f}"


def _xy(place: Place, table: str) -> NDArray[np.float64]:
    return place.tables[table][["x_m", "y_m"]].to_numpy(float)
