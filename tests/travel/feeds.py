"""Write small OpenStreetMap extracts and GTFS feeds for this room's tests."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from placeopt.travel import crs

EAST, NORTH = 400_000.0, 300_000.0  # the tests' own corner of EPSG:27700


def degrees(x: float, y: float) -> tuple[float, float]:
    """(longitude, latitude) of metres east and north of the tests' corner."""
    lon, lat = crs.unproject_points(np.array([EAST + x]), np.array([NORTH + y]), "EPSG:27700")
    return float(lon[0]), float(lat[0])


def write_pbf(
    file: Path,
    nodes: dict[str, tuple[float, float]],
    ways: list[tuple[str, dict[str, str]]],
    barriers: dict[str, dict[str, str]] | None = None,
) -> None:
    """An extract: nodes at metres from the corner, ways as ("a b c", tags), tagged nodes."""
    import osmium
    from osmium.osm.mutable import Node, Way

    number = {name: i for i, name in enumerate(nodes, 1)}
    file.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(file)) as writer:
        for name, (x, y) in nodes.items():
            tags = (barriers or {}).get(name, {})
            writer.add_node(Node(id=number[name], location=degrees(x, y), tags=tags))
        for i, (path, tags) in enumerate(ways, 1):
            refs = [number[name] for name in path.split()]
            writer.add_way(Way(id=i, nodes=refs, tags=tags))


def write_gtfs(
    file: Path,
    stops: dict[str, tuple[float, float]],
    trips: dict[str, str],
    /,
    **more: str,
) -> None:
    """A feed for the whole of June 2026, Mondays to Fridays.

    ``stops`` at metres from the corner; ``trips``: "A 07:10, B 07:20-07:21, C 07:30" (one time
    for both arrival and departure, "-" between different ones, empty where the feed has none).
    ``more`` gives further tables as text, by name without ".txt".
    """
    rows = ["trip_id,stop_id,stop_sequence,arrival_time,departure_time"]
    for trip, text in trips.items():
        for sequence, call in enumerate(text.split(","), 1):
            stop, _, times = call.strip().partition(" ")
            arrive, _, depart = times.partition("-")
            full = [f"{t}:00" if t else "" for t in (arrive, depart or arrive)]
            rows.append(f"{trip},{stop},{sequence},{full[0]},{full[1]}")
    where = {name: degrees(*xy) for name, xy in stops.items()}
    tables = {
        "agency": "agency_id,agency_name\n1,Buses\n",
        "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
        + "".join(f"{name},{name},{lat:.7f},{lon:.7f}\n" for name, (lon, lat) in where.items()),
        "routes": "route_id,agency_id,route_type\nr,1,3\n",
        "trips": "route_id,service_id,trip_id\n" + "".join(f"r,week,{trip}\n" for trip in trips),
        "stop_times": "\n".join(rows) + "\n",
        "calendar": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,"
        "start_date,end_date\nweek,1,1,1,1,1,0,0,20260601,20260630\n",
        **more,
    }
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in tables.items():
            if text:
                archive.writestr(f"{name}.txt", text)
