"""Convert the road classes of Ordnance Survey Open Roads to those of OpenStreetMap.

The layers are ``road_link`` and ``road_node`` (GeoPackage). Open Roads has no paths, one-way
streets
or speed limits: every road except motorways (drivers only) is open both ways to all modes, and both
lines of a dual carriageway can be driven either way. Walking times miss every short cut; where
paths
matter, use an OpenStreetMap extract.
Source: OS Open Roads technical specification, "roadFunction", "formOfWay".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FUNCTION = ("road_function", "roadFunction", "function")
FORM = ("form_of_way", "formOfWay")
CLASSES = {
    "motorway": "motorway",
    "a road": "primary",
    "b road": "secondary",
    "minor road": "tertiary",
    "local road": "residential",
    "local access road": "service",
    "secondary access road": "service",
    "restricted local access road": "service",
}
KIND = "OS Open Roads"
LIMITATIONS = "OS Open Roads has no footpaths, one-ways or speed limits"


def is_open_roads(edges: pd.DataFrame) -> bool:
    """Whether the layer has the columns that only Open Roads has."""
    return any(name in edges for name in FUNCTION) and any(name in edges for name in FORM)


def add_highway_classes(edges: pd.DataFrame) -> pd.DataFrame:
    """Return the edges with a column ``highway``; slip roads become ``_link`` classes."""
    function = next(name for name in FUNCTION if name in edges)
    form = next(name for name in FORM if name in edges)
    road_class = edges[function].fillna("").str.lower().map(CLASSES).fillna("unclassified")
    slip = edges[form].fillna("").str.lower().eq("slip road")
    linked = road_class.isin(["motorway", "primary", "secondary", "tertiary"])
    name = np.where(slip & linked, road_class + "_link", road_class)
    return edges.assign(highway=name)
