"""A street network as frozen arrays: edges, their length, and who may use them in which direction.

The readers ``layers`` and ``osm`` make one from files; ``graph`` makes the network of one mode from
it.
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
    """What was left out in reading or cleaning.

    Attributes:
        what: What was left out, such as "edges" or "nodes".
        count: How many.
        why: The reason.
        mode: The mode whose network it concerns; "" for all.
    """

    what: str
    count: int
    why: str
    mode: str = ""


@dataclass(frozen=True)
class Streets:
    """Nodes and edges of a street network in metres.

    Attributes:
        node_ids: (nodes,) texts.
        xy: (nodes, 2) metres in the place's system.
        tail: (edges,) node positions.
        head: (edges,) node positions.
        length_m: (edges,) metres.
        road_class: (edges,) values of OpenStreetMap's ``highway`` where known.
        direction: Mode -> (edges,) int8: CLOSED, FORWARD (tail to head), BACKWARD or BOTH.
        speed_kmh: (edges,) driving speed stated by the source, NaN if none.
        minutes: Mode -> (edges,) minutes stated by the source, NaN if none.
        source: File, kind and hash.
        dropped: What was left out in reading.
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
