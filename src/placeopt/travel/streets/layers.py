"""Read a street network given as two layers, nodes and edges.

Column names vary between sources. ``COLUMNS`` lists the known names of each field, and
``columns={"length": "shape_len"}`` names another. For a mode without a column that says who may use
an edge, the road class decides (``is_open_to``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import InputError
from placeopt.base.findings import error, row_number
from placeopt.base.reading import layer_names
from placeopt.travel import crs as systems
from placeopt.travel.speeds import KMH_PER_MPH
from placeopt.travel.streets import openroads
from placeopt.travel.streets.arrays import BACKWARD, BOTH, CLOSED, FORWARD, Dropped, Streets

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

EDGES = ("edges", "road_edges", "links", "road_link")  # ignoring case and "_"
NODES = ("nodes", "road_nodes", "road_node")
COLUMNS = {
    "node": ("node_id", "id", "osmid", "osm_id", "identifier", "fid"),
    "from": ("u", "from", "from_node", "from_id", "source", "start_node", "startNode"),
    "to": ("v", "to", "to_node", "to_id", "target", "end_node", "endNode"),
    "length": ("length_m", "length", "metres"),
    "class": ("highway", "road_class", "class", "fclass", "type"),
    "oneway": ("oneway", "one_way"),
    "kmh": ("speed_kmh", "kmh", "maxspeed_kmh"),
    "mph": ("speed_mph_used", "speed_mph", "mph", "maxspeed_mph"),
    "walk": ("walk", "foot", "walkable"),
    "cycle": ("cycle", "bicycle", "cyclable"),
    "drive": ("drive", "car", "motor_vehicle", "driveable"),
    "walk_minutes": ("walk_min", "walk_minutes"),
    "cycle_minutes": ("cycle_min", "cycle_minutes", "bike_min"),
    "drive_minutes": ("drive_min", "drive_minutes", "car_min"),
}
CLASSES_FOR_WALKING_ONLY = ("footway", "pedestrian", "steps", "corridor", "elevator", "platform")
CLASSES_WITHOUT_CARS = (
    *CLASSES_FOR_WALKING_ONLY,
    "path",
    "bridleway",
    "cycleway",
    "track",
    "busway",
)
CLASSES_WITHOUT_WALKING = ("motorway", "motorway_link", "busway")
OPEN_VALUES = {"1", "1.0", "true", "yes", "y", "t", "-1", "-1.0", "designated", "permissive"}
FORWARD_VALUES = {"1", "1.0", "true", "yes", "y", "t", "f", "forward", "indirection"}
BACKWARD_VALUES = {"-1", "-1.0", "b", "reverse", "backward", "inoppositedirection"}


def is_open_to(mode: str, road_class: NDArray[np.object_]) -> NDArray[np.bool_]:
    """(edges,) whether edges of these classes are open to ``mode`` by default."""
    closed = {
        "walk": CLASSES_WITHOUT_WALKING,
        "cycle": (*CLASSES_WITHOUT_WALKING, *CLASSES_FOR_WALKING_ONLY),
        "drive": CLASSES_WITHOUT_CARS,
    }[mode]
    return ~np.isin(road_class.astype(str), closed)


def read_layers(
    file: Path,
    crs: str,
    *,
    edges_layer: str | None = None,
    nodes_layer: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Streets:
    """Read the street network of a GeoPackage or other file with layers.

    Edges with an unknown node, loops and edges without length are dropped and counted.

    Args:
        file: The file.
        crs: The coordinate system of the result, in metres.
        edges_layer: The layer of edges; by default one of ``EDGES``.
        nodes_layer: The layer of nodes; by default one of ``NODES``.
        columns: Field of ``COLUMNS`` -> the column that holds it.

    Raises:
        InputError: With every fault: missing layers or columns, repeated ids, no coordinate system.
    """
    import geopandas as gpd

    edges_name, nodes_name = _layers(file, edges_layer, nodes_layer)
    edges: gpd.GeoDataFrame = gpd.read_file(file, layer=edges_name)
    nodes: gpd.GeoDataFrame = gpd.read_file(file, layer=nodes_name)
    return from_frames(edges, nodes, crs, file=file.name, columns=columns)


def from_frames(
    edges: gpd.GeoDataFrame,
    nodes: gpd.GeoDataFrame,
    crs: str,
    *,
    file: str = "streets",
    columns: Mapping[str, str] | None = None,
) -> Streets:
    """Make a street network of two data frames; see ``read_layers``."""
    import pandas as pd

    kind = "edge and node layers"
    if openroads.is_open_roads(edges):
        edges, kind = openroads.add_highway_classes(edges), openroads.KIND
    names = _columns(edges, nodes, file, columns or {})
    nodes = systems.project_layer(nodes, crs, f"{file} nodes")
    xy = np.column_stack([nodes.geometry.x, nodes.geometry.y])
    node_ids = nodes[names["node"]].astype(str).to_numpy(object)
    index = pd.Index(node_ids)
    if index.has_duplicates:
        row = int(np.flatnonzero(index.duplicated())[0])
        raise InputError(
            [error(f"{file} nodes", "is given twice", "give every node once",
                   row=row_number(row), column=names["node"], value=node_ids[row])]
        )  # fmt: skip
    tail = index.get_indexer(edges[names["from"]].astype(str))
    head = index.get_indexer(edges[names["to"]].astype(str))
    length = _lengths(edges, names, crs, file)
    keep, dropped = _usable(tail, head, length)
    kept = edges[keep]
    direction = _directions(kept, names)
    minutes = {
        mode: _numbers(kept, names[f"{mode}_minutes"])
        for mode in direction
        if f"{mode}_minutes" in names
    }
    return Streets(
        node_ids=node_ids,
        xy=xy,
        tail=tail[keep].astype(np.int32),
        head=head[keep].astype(np.int32),
        length_m=length[keep],
        road_class=_text(kept, names.get("class")),
        direction=direction,
        speed_kmh=_speed(kept, names),
        minutes=minutes,
        source={"kind": kind, "file": file},
        dropped=dropped,
    )


def _layers(file: Path, edges: str | None, nodes: str | None) -> tuple[str, str]:
    """Find the names of the two layers; ``InputError`` if one is missing."""
    layer_list = layer_names(file)
    chosen, findings = [], []
    for description, requested, known in (("edges", edges, EDGES), ("nodes", nodes, NODES)):
        by_plain_name = {name.lower().replace("_", ""): name for name in layer_list}
        candidates = (
            [requested]
            if requested
            else [by_plain_name.get(n.lower().replace("_", "")) for n in known]
        )
        found = next((name for name in candidates if name in layer_list), None)
        if found is None:
            findings.append(
                error(file.name, "is not there",
                      f"name one of {', '.join(layer_list)} as {description}_layer",
                      column=f"layer {requested or description}")
            )  # fmt: skip
        chosen.append(found or "")
    if findings:
        raise InputError(findings)
    return chosen[0], chosen[1]


def _columns(
    edges: pd.DataFrame, nodes: pd.DataFrame, file: str, given: Mapping[str, str]
) -> dict[str, str]:
    """Field of ``COLUMNS`` -> the column that holds it."""
    names: dict[str, str] = {}
    findings = []
    for field, variants in COLUMNS.items():
        frame, layer = (nodes, "nodes") if field == "node" else (edges, "edges")
        names_tried = (given[field],) if field in given else variants
        found = next((name for name in names_tried if name in frame.columns), None)
        if found is not None:
            names[field] = found
        elif field in given or field in ("node", "from", "to"):
            column_list = ", ".join(map(str, frame.columns))
            findings.append(
                error(
                    f"{file} {layer}",
                    f"has no {' or '.join(names_tried)}",
                    f'name the column with columns={{"{field}": ...}}; there are {column_list}',
                    column=field,
                )
            )
    if findings:
        raise InputError(findings)
    if "node" not in given:  # of several possible id columns, the one that edges refer to
        ends = set(edges[names["from"]].astype(str))
        candidates = [name for name in COLUMNS["node"] if name in nodes.columns]
        names["node"] = max(candidates, key=lambda c: len(ends & set(nodes[c].astype(str))))
    return names


def _lengths(
    edges: gpd.GeoDataFrame, names: Mapping[str, str], crs: str, file: str
) -> NDArray[np.float64]:
    """(edges,) metres by the length column, else by the geometry in the place's system."""
    if "length" in names:
        return _numbers(edges, names["length"])
    projected = systems.project_layer(edges, crs, f"{file} edges")
    metres: NDArray[np.float64] = projected.length.to_numpy(float)
    return metres


def _usable(
    tail: NDArray[np.intp], head: NDArray[np.intp], length: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], tuple[Dropped, ...]]:
    """(edges,) whether an edge is kept, and what was dropped."""
    dangling = (tail < 0) | (head < 0)
    loops = ~dangling & (tail == head)
    no_length = ~dangling & ~loops & ~(length >= 0)
    dropped = (
        Dropped("edges", int(dangling.sum()), "name a node that is not there"),
        Dropped("edges", int(loops.sum()), "start and end at the same node"),
        Dropped("edges", int(no_length.sum()), "have no length"),
    )
    return ~(dangling | loops | no_length), tuple(d for d in dropped if d.count)


def _directions(edges: pd.DataFrame, names: Mapping[str, str]) -> dict[str, NDArray[np.int8]]:
    """Mode -> (edges,) allowed directions; one-way streets do not restrict walking."""
    road_class = _text(edges, names.get("class"))
    wheels_direction = np.full(len(edges), BOTH, np.int8)
    if "oneway" in names:
        oneway = _text(edges, names["oneway"])
        lowered = np.array([value.replace(" ", "").lower() for value in oneway], object)
        wheels_direction[np.isin(lowered.astype(str), list(FORWARD_VALUES))] = FORWARD
        wheels_direction[np.isin(lowered.astype(str), list(BACKWARD_VALUES))] = BACKWARD
    direction = {}
    for mode in ("walk", "cycle", "drive"):
        if mode in names:
            oneway = _text(edges, names[mode])
            allowed = np.isin([value.lower() for value in oneway], list(OPEN_VALUES))
        elif mode == "cycle" and "walk" in names and "class" not in names:
            continue  # the source does not say where one may cycle
        else:
            allowed = is_open_to(mode, road_class)
        both = np.full(len(edges), BOTH, np.int8)
        direction[mode] = np.where(
            allowed, both if mode == "walk" else wheels_direction, CLOSED
        ).astype(np.int8)
    return direction


def _speed(edges: pd.DataFrame, names: Mapping[str, str]) -> NDArray[np.float64]:
    """(edges,) driving speed in km/h stated by the source, NaN if none."""
    if "kmh" in names:
        return _numbers(edges, names["kmh"])
    if "mph" in names:
        return _numbers(edges, names["mph"]) * KMH_PER_MPH
    return np.full(len(edges), np.nan)


def _numbers(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    import pandas as pd

    return pd.to_numeric(frame[column], errors="coerce").to_numpy(float)


def _text(frame: pd.DataFrame, column: str | None) -> NDArray[np.object_]:
    """The column as text, "" where empty or if there is no such column."""
    if column is None:
        return np.full(len(frame), "", object)
    return (
        frame[column].astype(object).where(frame[column].notna(), "").astype(str).to_numpy(object)
    )
