"""Read streets from an OpenStreetMap extract (``.osm.pbf``) through GDAL's own reader.

Ways are cut where they meet, at barriers and about every ``MAX_EDGE_M`` metres of their drawn
shape (so that points find a node nearby); ways meet where they share a coordinate. Who may use a
way follows the tags as the OpenStreetMap wiki describes them for Great Britain ("Key:access",
"OSM tags for routing/Access restrictions"): see ``osm_tags``. Turn restrictions, opening hours
and lifts out of order are not read: minutes know nothing of them.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding, InputError
from placeopt.travel import crs as systems
from placeopt.travel.streets.arrays import BOTH, CLOSED, Dropped, Streets
from placeopt.travel.streets.osm_tags import (
    BARRIERS,
    TAGS,
    Tags,
    directions,
    routable,
    speed_limit_kmh,
)

MAX_EDGE_M = 150.0
SCALE = 1e7  # OpenStreetMap's own grid: ten million steps to a degree
Ints = NDArray[np.intp]


def read_osm(file: Path, crs: str) -> Streets:
    """The street network of an extract, in metres of the system ``crs``.

    Raises ``InputError`` for a file that is cut short, is no extract, holds no street or lies
    outside the area of ``crs``.
    """
    require_complete(file)
    tags, way, lon, lat = _read_ways(file)
    if not len(lon):
        raise _fault(file, "holds no streets", "give an extract with ways tagged highway=*")
    strange = systems.outside_area_of_use(lon, lat, crs)
    if strange.any():
        at = int(np.flatnonzero(strange)[0])
        raise _fault(
            file,
            f"lies outside the area of {crs}, at {lat[at]:.3f} N {lon[at]:.3f} E",
            "cut the extract to the place and its surroundings",
        )
    x, y = systems.project_points(lon, lat, crs)
    vertex, xy, barred = _vertices(file, lon, lat, np.column_stack([x, y]))
    pieces = _cut(way, vertex, xy, barred)
    return _streets(file, tags, pieces, xy, barred)


def require_complete(file: Path) -> None:
    """``InputError`` unless the file is a complete sequence of an extract's blocks.

    A block is a length (4 bytes, big endian), a header that states the size of the data, and the
    data (OpenStreetMap wiki, "PBF Format"); a download cut short ends inside one.
    """
    if not file.exists():
        raise _fault(file, "is not there", "name the extract, for example county.osm.pbf")
    size, at, blocks = file.stat().st_size, 0, 0
    with file.open("rb") as stream:
        while at < size:
            head = stream.read(4)
            length = struct.unpack(">I", head)[0] if len(head) == 4 else 0
            header = stream.read(length) if 0 < length < 65_536 else b""
            data = _data_size(header)
            if blocks == 0 and b"OSMHeader" not in header:
                raise _fault(file, "is no .osm.pbf extract", "give a file in that format")
            if data is None or at + 4 + length + data > size:
                raise _fault(
                    file,
                    f"is cut short: block {blocks + 1} ends beyond its {size:,} bytes",
                    "download it again",
                )
            at += 4 + length + data
            stream.seek(at)
            blocks += 1
    if blocks < 2:
        raise _fault(file, "holds no data", "download it again")


def _data_size(header: bytes) -> int | None:
    """Field 3 (varint) of a block's header: how many bytes of data follow; None if unreadable."""
    at = 0
    while at < len(header):
        key, at = _varint(header, at)
        value, at = _varint(header, at)
        if key == 0x18:  # field 3, varint
            return value
        if key & 7 == 2:  # text or bytes: skip
            at += value
    return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value, at


def _read_ways(file: Path) -> tuple[Tags, Ints, NDArray[np.float64], NDArray[np.float64]]:
    """Tags of each way (arrays of text) and, for every vertex, its way, longitude, latitude."""
    import shapely

    meta, geometry, fields = _read(file, "lines", "highway IS NOT NULL")
    names = [str(name) for name in meta["fields"]]
    tags = {
        name: np.array(
            ["" if value is None else value for value in fields[names.index(name)]], object
        )
        for name in TAGS
    }
    coordinates, way = shapely.get_coordinates(shapely.from_wkb(geometry), return_index=True)
    return tags, way, coordinates[:, 0], coordinates[:, 1]


def _read(file: Path, layer: str, where: str) -> tuple[dict[str, Any], Any, list[Any]]:
    from pyogrio import raw
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    try:
        with _all_tags():
            meta, _, geometry, fields = raw.read(file, layer=layer, where=where)
    except (DataLayerError, DataSourceError, FeatureError) as error:
        raise _fault(file, f"cannot be read ({error})", "download it again") from None
    return meta, geometry, fields


@contextmanager
def _all_tags() -> Iterator[None]:
    """Have GDAL report the tags that matter as columns of their own."""
    import pyogrio

    settings = (
        "closed_ways_are_polygons=building\nattribute_name_laundering=no\n"
        f"[points]\nosm_id=yes\nattributes={','.join(('barrier', *TAGS[1:]))}\n"
        f"[lines]\nosm_id=yes\nattributes={','.join(TAGS)}\n"
        "[multipolygons]\nosm_id=yes\n[multilinestrings]\nosm_id=yes\n[other_relations]\nosm_id=yes\n"
    )
    before = pyogrio.get_gdal_config_option("OSM_CONFIG_FILE")
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "osmconf.ini"
        ini.write_text(settings, encoding="utf-8")
        pyogrio.set_gdal_config_options({"OSM_CONFIG_FILE": str(ini)})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"OSM_CONFIG_FILE": before})


def _vertices(
    file: Path, lon: NDArray[np.float64], lat: NDArray[np.float64], xy: NDArray[np.float64]
) -> tuple[Ints, NDArray[np.float64], NDArray[np.bool_]]:
    """Vertices as numbers of distinct places: (vertex of each point, xy, barred to cars)."""
    import shapely

    grid = _on_grid(lon, lat)
    places, first, vertex = np.unique(grid, return_index=True, return_inverse=True)
    kinds = ", ".join(f"'{kind}'" for kind in BARRIERS)
    meta, geometry, fields = _read(file, "points", f"barrier IN ({kinds})")
    barred = np.zeros(len(places), bool)
    if len(geometry):
        names = [str(name) for name in meta["fields"]]
        passable = np.isin(
            np.array([str(v) for v in fields[names.index("motor_vehicle")]]), ["yes", "permissive"]
        )
        points = shapely.get_coordinates(shapely.from_wkb(geometry))[~passable]
        barred[np.isin(places, _on_grid(points[:, 0], points[:, 1]))] = True
    return vertex, xy[first], barred


def _on_grid(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """One whole number for each place on OpenStreetMap's grid."""
    across, up = np.rint(lon * SCALE).astype(np.int64), np.rint(lat * SCALE).astype(np.int64)
    return (across << 32) + (up + 2**31)


@dataclass(frozen=True)
class _Pieces:
    """Ways cut into edges: the way, first and last vertex and metres of each."""

    way: Ints
    tail: Ints
    head: Ints
    length_m: NDArray[np.float64]


def _cut(way: Ints, vertex: Ints, xy: NDArray[np.float64], barred: NDArray[np.bool_]) -> _Pieces:
    """Cut where ways meet or cross themselves, at barriers, and before pieces get too long."""
    starts = np.ones(len(way), bool)
    starts[1:] = way[1:] != way[:-1]
    ends = np.roll(starts, -1)
    step = np.zeros(len(way))
    step[1:] = np.hypot(*(xy[vertex[1:]] - xy[vertex[:-1]]).T)
    step[starts] = 0.0
    along = np.cumsum(step)
    along -= np.repeat(along[starts], np.diff(np.append(np.flatnonzero(starts), len(way))))
    met = np.bincount(vertex)[vertex] > 1
    overdue = np.zeros(len(way), bool)
    overdue[1:] = np.floor(along[1:] / MAX_EDGE_M) > np.floor(along[:-1] / MAX_EDGE_M)
    node = np.flatnonzero(starts | ends | met | barred[vertex] | overdue)
    same = way[node[1:]] == way[node[:-1]]
    first, last = node[:-1][same], node[1:][same]
    return _Pieces(way[first], vertex[first], vertex[last], along[last] - along[first])


def _streets(
    file: Path, tags: Tags, pieces: _Pieces, xy: NDArray[np.float64], barred: NDArray[np.bool_]
) -> Streets:
    """The record, without ways that nobody may use, loops and vertices inside edges."""
    road_class, direction = tags["highway"], directions(tags)
    known = routable(tags)
    usable = np.any([way != CLOSED for way in direction.values()], axis=0)
    loop = pieces.tail == pieces.head
    keep = known[pieces.way] & usable[pieces.way] & ~loop
    strange, shut = ~known[pieces.way], (known & ~usable)[pieces.way]
    dropped = (
        Dropped("edges", int(strange.sum()), "of a class that is no street"),
        Dropped("edges", int(shut.sum()), "closed to every mode"),
        Dropped("edges", int((loop & ~strange & ~shut).sum()), "start and end at one place"),
    )
    way, tail, head = pieces.way[keep], pieces.tail[keep], pieces.head[keep]
    length, modes = pieces.length_m[keep], {m: d[way] for m, d in direction.items()}
    classes, speed = road_class[way], speed_limit_kmh(tags["maxspeed"])[way]
    tail, head, links, owner = _around_barriers(tail, head, barred, len(xy))
    if len(links):
        zeros = np.zeros(len(links))
        xy = np.vstack([xy, xy[owner]])
        tail, head = np.append(tail, links[:, 0]), np.append(head, links[:, 1])
        length, speed = np.append(length, zeros), np.append(speed, zeros + np.nan)
        classes = np.append(classes, np.full(len(links), "path", object))
        passage = {"walk": BOTH, "cycle": BOTH, "drive": CLOSED}
        modes = {
            m: np.append(d, np.full(len(links), passage[m], np.int8)) for m, d in modes.items()
        }
    nodes, ends = np.unique(np.concatenate([tail, head]), return_inverse=True)
    return Streets(
        node_ids=nodes.astype(str).astype(object),
        xy=xy[nodes],
        tail=ends[: len(tail)].astype(np.int32),
        head=ends[len(tail) :].astype(np.int32),
        length_m=length,
        road_class=classes,
        direction=modes,
        speed_kmh=speed,
        source={"kind": "OpenStreetMap extract", "file": file.name},
        dropped=tuple(d for d in dropped if d.count),
    )


def _around_barriers(
    tail: Ints, head: Ints, barred: NDArray[np.bool_], vertices: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Give every edge that ends at a barrier an end of its own, linked to the barrier.

    Returns tails, heads, the links (new end, barrier) that only feet and bicycles may use, and
    the barrier each new end stands at.
    """
    ends = np.concatenate([tail, head])
    at = np.flatnonzero(barred[ends])
    owner = ends[at]
    fresh = vertices + np.arange(len(at))
    ends[at] = fresh
    return ends[: len(tail)], ends[len(tail) :], np.column_stack([fresh, owner]), owner


def _fault(file: Path, fault: str, remedy: str) -> InputError:
    return InputError([Finding("error", file.name, None, None, None, fault, remedy)])
