"""Minutes over streets and timetables, cached beside the place.

Files are read only if the cache lacks something: a place measured before with the same files,
settings and coordinates is answered from the cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import UsageError
from placeopt.place import Place
from placeopt.travel.cache import hash_of_file
from placeopt.travel.checks import add_findings
from placeopt.travel.fill_missing import ProgressCallback, Search, Workers, cached_minutes
from placeopt.travel.origins import read_origins
from placeopt.travel.streets.arrays import Streets
from placeopt.travel.streets.graph import Graph, make_graph
from placeopt.travel.streets.paths import StreetSearch
from placeopt.travel.times import TravelTimes

if TYPE_CHECKING:
    from placeopt.travel.transit.door_to_door import Transit


@dataclass(frozen=True)
class NetworkFiles:
    """The files from which minutes are computed.

    Attributes:
        streets: The street file.
        columns: The columns of its layers.
        points: The sample points of the zones, if any.
        gtfs: The public transport feeds.
        transit: The settings for public transport.
    """

    streets: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    points: Path | None = None
    gtfs: tuple[Path, ...] = ()
    transit: Transit | None = None


def measure_over_networks(
    place: Place,
    modes: Sequence[str],
    cutoff_minutes: float,
    speeds_kmh: Mapping[str, float] | None,
    files: NetworkFiles,
    engine: str = "scipy",
    progress: ProgressCallback | None = None,
    workers: Workers | None = None,
) -> TravelTimes:
    """Return minutes by each mode, with warnings about snapping, reach and the network's edge."""
    origins = read_origins(place, files.points)
    searches = make_searches(place, modes, speeds_kmh, files, engine)
    hashes = {file: hash_of_file(file) for file in (files.streets, *files.gtfs)}
    minutes, worst, provenance, notes = {}, {}, {}, {}
    for mode in modes:
        facts: dict[str, Any] = {
            "method": "timetable and streets" if mode == "transit" else "streets",
            "source": files.streets.name,
            "source_sha256": hashes[files.streets],
            "columns": dict(files.columns),
            "speeds_kmh": _given_speeds("walk" if mode == "transit" else mode, speeds_kmh),
            "cutoff_minutes": cutoff_minutes,
            "engine": engine,
        }
        if mode == "transit" and files.transit is not None:
            feed_hashes = [hashes[feed] for feed in files.gtfs]
            sha256 = feed_hashes[0] if len(feed_hashes) == 1 else feed_hashes
            facts |= {**files.transit.facts(), "gtfs_sha256": sha256}
        result = cached_minutes(
            place, origins, mode, facts, searches[mode], cutoff_minutes, progress, workers
        )
        minutes[mode], provenance[mode], notes[mode] = (
            result.minutes,
            result.provenance,
            result.notes,
        )
        if result.worst is not None:
            worst[mode] = result.worst
    times = TravelTimes(
        tuple(place.zones["zone_id"]),
        tuple(place.buildings["building_id"]),
        minutes,
        cutoff_minutes,
        provenance,
        worst,
    )
    return add_findings(place, times, notes)


def read_streets(file: Path, crs: str, columns: Mapping[str, str] | None = None) -> Streets:
    """Read a street network in the system ``crs``.

    Args:
        file: An ``.osm.pbf`` extract, or a file with layers of edges and nodes.
        crs: The coordinate system, in metres.
        columns: The columns of the layers (see ``layers.COLUMNS``).
    """
    if file.suffix == ".pbf":
        from placeopt.travel.streets.osm import read_osm

        return read_osm(file, crs)
    from placeopt.travel.streets.layers import read_layers

    return read_layers(file, crs, columns=columns)


def make_searches(
    place: Place,
    modes: Sequence[str],
    speeds_kmh: Mapping[str, float] | None,
    files: NetworkFiles,
    engine: str = "scipy",
) -> dict[str, Search]:
    """Return a search for each mode; the street file is read once, when first needed."""
    streets = cache(lambda: read_streets(files.streets, place.info.crs, files.columns))

    @cache
    def network(mode: str) -> Graph:
        return make_graph(streets(), mode, speeds_kmh)

    return {
        mode: _transit(place, files, network)
        if mode == "transit"
        else StreetSearch(lambda mode=mode: network(mode), engine)  # type: ignore[misc]
        for mode in modes
    }


def _transit(place: Place, files: NetworkFiles, network: Any) -> Search:
    if files.transit is None or not files.gtfs:
        raise UsageError(
            "mode 'transit' needs a timetable: give transit=Transit(gtfs=, date=), or measure with "
            'placeopt travel first and use method "matrix"'
        )
    from placeopt.travel.transit.door_to_door import TransitSearch
    from placeopt.travel.transit.gtfs import read_gtfs

    feeds, date = files.gtfs, files.transit.day
    timetable = cache(lambda: read_gtfs(feeds, date, place.info.crs))
    return TransitSearch(files.transit, lambda: network("walk"), timetable)


def _given_speeds(mode: str, speeds_kmh: Mapping[str, float] | None) -> dict[str, float]:
    """The user's speeds that concern a mode."""
    given = speeds_kmh or {}
    return {k: float(v) for k, v in given.items() if mode in (k.split(".")[0], k.split(".")[-1])}
