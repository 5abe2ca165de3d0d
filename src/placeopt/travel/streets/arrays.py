"""A street network as frozen arrays: who may use each edge in which direction, how long it is.

Readers (``layers``, later ``osm`` and ``openroads``) make one from files; ``graph`` makes from it
the network of one mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLOSED, FORWARD, BACKWARD, BOTH = 0, 1, 2, 3  # bits: 1 tail to head, 2 head to tail


@dataclass(frozen=True)
class Dropped:
    """What a reader or a cleaner left out, and why."""

    what: str  # "edges", "nodes"
    count: int
    why: str
    mode: str = ""  # of one mode's network only


@dataclass(frozen=True)
class Streets:
    """Nodes and edges of a street network in metres.

    ``node_ids`` (nodes,) text; ``xy`` (nodes, 2) metres in the place's system; ``tail`` and
    ``head`` (edges,) node positions; ``length_m`` (edges,); ``road_class`` (edges,) text, values
    of OpenStreetMap's ``highway`` where known; ``direction[mode]`` (edges,) int8: CLOSED, FORWARD
    (tail to head), BACKWARD or BOTH; ``speed_kmh`` (edges,) driving speed stated by the source,
    NaN where it states none; ``minutes[mode]`` (edges,) minutes stated by the source, NaN where
    none. ``source`` states file, kind and hash; ``dropped`` what was left out in reading.
    """

    node_ids: NDArray[np.object_]
    xy: NDArray[np.float64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_m: NDArray[np.float64]
    road_class: NDArray[np.object_]
    direction: Mapping[str, NDArray[np.int8]]
    speed_kmh: NDArray[np.float64]
    minutes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()

    @property
    def modes(self) -> tuple[str, ...]:
        return tuple(self.direction)
