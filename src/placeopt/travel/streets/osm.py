"""Read streets from an OpenStreetMap extract (``.osm.pbf``) with GDAL's reader.

Ways are split where they share a coordinate with another way, at barriers, and about every
``MAX_EDGE_M`` metres, so that points have a node nearby. Who may use a way follows the tags as the
OpenStreetMap wiki describes them for Great Britain ("Key:access", "OSM tags for routing/Access
restrictions"): see ``osm_tags``. Turn restrictions, opening hours and lifts out of order are
ignored.
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

from placeopt.base.errors import InputError
from placeopt.base.findings import error
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
    """Read the street network of an extract.

    Args:
        file: The extract.
        crs: The coordinate system of the result, in metres.

    Raises:
        InputError: The file is truncated, not an extract, without streets or outside the area of
            ``crs``.
    """
    require_complete(file)
    tags, way, lon, lat = _read_ways(file)
    if not len(lon):
        raise _fault(file, "holds no streets", "give an extract with ways tagged highway=*")
    is_outside = systems.outside_area_of_use(lon, lat, crs)
    if is_outside.any():
        i = int(np.flatnonzero(is_outside)[0])
        raise _fault(
            file,
            f"lies outside the area of {crs}, at {lat[i]:.3f} N {lon[i]:.3f} E",
            "cut the extract to the place and its surroundings",
        )
    x, y = systems.project_points(lon, lat, crs)
    vertex, xy, has_barrier = _vertices(file, lon, lat, np.column_stack([x, y]))
    edges = _split_ways(way, vertex, xy, has_barrier)
    return _streets(file, tags, edges, xy, has_barrier)


def require_complete(file: Path) -> None:
    """Raise ``InputError`` unless the file is a complete sequence of an extract's blocks.

    A block is a length (4 bytes, big endian), a header that states the size of the data, and the
    data (OpenStreetMap wiki, "PBF Format"); a truncated download ends inside a block.
    """
    if not file.exists():
        raise _fault(file, "is not there", "name the extract, for example county.osm.pbf")
    size, position, blocks = file.stat().st_size, 0, 0
    with file.open("rb") as stream:
        while position < size:
            head = stream.read(4)
            length = struct.unpack(">I", head)[0] if len(head) == 4 else 0
            header = stream.read(length) if 0 < length < 65_536 else b""
            data = _data_size(header)
            if blocks == 0 and b"OSMHeader" not in header:
                raise _fault(file, "is no .osm.pbf extract", "give a file in that format")
            if data is None or position + 4 + length + data > size:
                raise _fault(
                    file,
                    f"is cut short: block {blocks + 1} ends beyond its {size:,} bytes",
                    "download it again",
                )
            position += 4 + length + data
            stream.seek(position)
            blocks += 1
    if blocks < 2:
        raise _fault(file, "holds no data", "download it again")


def _data_size(header: bytes) -> int | None:
    """Field 3 (varint) of a block's header, the number of bytes of data; None if unreadable."""
    position = 0
    while position < len(header):
        key, position = _varint(header, position)
        value, position = _varint(header, position)
        if key == 0x18:  # field 3, varint
            return value
        if key & 7 == 2:  # text or bytes: skip
            position += value
    return None


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            break
    return value, position


def _read_ways(file: Path) -> tuple[Tags, Ints, NDArray[np.float64], NDArray[np.float64]]:
    """The tags of ways (arrays of text), and (vertices,) way, longitude and latitude."""
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
        with _gdal_config():
            meta, _, geometry, fields = raw.read(file, layer=layer, where=where)
    except (DataLayerError, DataSourceError, FeatureError) as error:
        raise _fault(file, f"cannot be read ({error})", "download it again") from None
    return meta, geometry, fields


@contextmanager
def _gdal_config() -> Iterator[None]:
    """Configure GDAL to report the relevant tags as columns."""
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
    """Number distinct locations: (vertex of each point, xy, whether closed to cars)."""
    import shapely

    grid = _on_grid(lon, lat)
    locations, first, vertex = np.unique(grid, return_index=True, return_inverse=True)
    kinds = ", ".join(f"'{kind}'" for kind in BARRIERS)
    meta, geometry, fields = _read(file, "points", f"barrier IN ({kinds})")
    has_barrier = np.zeros(len(locations), bool)
    if len(geometry):
        names = [str(name) for name in meta["fields"]]
        passable = np.isin(
            np.array([str(v) for v in fields[names.index("motor_vehicle")]]), ["yes", "permissive"]
        )
        points = shapely.get_coordinates(shapely.from_wkb(geometry))[~passable]
        has_barrier[np.isin(locations, _on_grid(points[:, 0], points[:, 1]))] = True
    return vertex, xy[first], has_barrier


def _on_grid(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) a whole number for each location on OpenStreetMap's grid."""
    grid_x, grid_y = np.rint(lon * SCALE).astype(np.int64), np.rint(lat * SCALE).astype(np.int64)
    return (grid_x << 32) + (grid_y + 2**31)


@dataclass(frozen=True)
class _Edges:
    """Edges made by splitting ways.

    Attributes:
        way: (edges,) the way.
        tail: (edges,) first vertex.
        head: (edges,) last vertex.
        length_m: (edges,) metres.
    """

    way: Ints
    tail: Ints
    head: Ints
    length_m: NDArray[np.float64]


def _split_ways(
    way: Ints, vertex: Ints, xy: NDArray[np.float64], has_barrier: NDArray[np.bool_]
) -> _Edges:
    """Split ways where they meet or cross themselves, at barriers, and about every MAX_EDGE_M."""
    starts = np.ones(len(way), bool)
    starts[1:] = way[1:] != way[:-1]
    ends = np.roll(starts, -1)
    step = np.zeros(len(way))
    step[1:] = np.hypot(*(xy[vertex[1:]] - xy[vertex[:-1]]).T)
    step[starts] = 0.0
    distance = np.cumsum(step)
    distance -= np.repeat(distance[starts], np.diff(np.append(np.flatnonzero(starts), len(way))))
    is_shared = np.bincount(vertex)[vertex] > 1
    exceeds_length = np.zeros(len(way), bool)
    exceeds_length[1:] = np.floor(distance[1:] / MAX_EDGE_M) > np.floor(distance[:-1] / MAX_EDGE_M)
    node = np.flatnonzero(starts | ends | is_shared | has_barrier[vertex] | exceeds_length)
    same = way[node[1:]] == way[node[:-1]]
    first, last = node[:-1][same], node[1:][same]
    return _Edges(way[first], vertex[first], vertex[last], distance[last] - distance[first])


def _streets(
    file: Path, tags: Tags, edges: _Edges, xy: NDArray[np.float64], has_barrier: NDArray[np.bool_]
) -> Streets:
    """Make the network, without unusable ways, loops and vertices inside edges."""
    road_class, direction = tags["highway"], directions(tags)
    is_known_class = routable(tags)
    is_usable = np.any([way != CLOSED for way in direction.values()], axis=0)
    is_loop = edges.tail == edges.head
    keep = is_known_class[edges.way] & is_usable[edges.way] & ~is_loop
    unknown_class, is_closed = ~is_known_class[edges.way], (is_known_class & ~is_usable)[edges.way]
    dropped = (
        Dropped("edges", int(unknown_class.sum()), "of a class that is no street"),
        Dropped("edges", int(is_closed.sum()), "closed to every mode"),
        Dropped(
            "edges",
            int((is_loop & ~unknown_class & ~is_closed).sum()),
            "start and end at one place",
        ),
    )
    way, tail, head = edges.way[keep], edges.tail[keep], edges.head[keep]
    length, modes = edges.length_m[keep], {m: d[way] for m, d in direction.items()}
    classes, speed = road_class[way], speed_limit_kmh(tags["maxspeed"])[way]
    tail, head, links, barrier = _around_barriers(tail, head, has_barrier, len(xy))
    if len(links):
        zeros = np.zeros(len(links))
        xy = np.vstack([xy, xy[barrier]])
        tail, head = np.append(tail, links[:, 0]), np.append(head, links[:, 1])
        length, speed = np.append(length, zeros), np.append(speed, zeros + np.nan)
        classes = np.append(classes, np.full(len(links), "path", object))
        link_direction = {"walk": BOTH, "cycle": BOTH, "drive": CLOSED}
        modes = {
            m: np.append(d, np.full(len(links), link_direction[m], np.int8))
            for m, d in modes.items()
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
    tail: Ints, head: Ints, has_barrier: NDArray[np.bool_], vertices: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Give every edge that ends at a barrier an end node of its own, linked to the barrier.

    Returns:
    Tails; heads; (links, 2) links from new end to barrier, for walking and cycling only; (links,)
        the barrier of each new end.
    """
    ends = np.concatenate([tail, head])
    ends_at_barrier = np.flatnonzero(has_barrier[ends])
    barrier = ends[ends_at_barrier]
    new_ends = vertices + np.arange(len(ends_at_barrier))
    ends[ends_at_barrier] = new_ends
    return ends[: len(tail)], ends[len(tail) :], np.column_stack([new_ends, barrier]), barrier


def _fault(file: Path, fault: str, remedy: str) -> InputError:
    return InputError([error(file.name, fault, remedy)])
