"""Flow refuelling: stations on a road network so that trips get there and back with their range.

Let q be the trips, f[q] their volume, L[q] the length of their path, R the range of a vehicle, and
S the set of stations. A trip is refuelled if its vehicles can go there and back repeatedly on their
own path: the first station is at most R / 2 from the origin, the last at most R / 2
from the destination, and neighbours on the path are at most R apart.

    maximise   sum_q f[q] y[q]   with |S| <= p, y[q] the share of q that is refuelled
    ``by_distance``      f[q] L[q] in place of f[q]
    ``capacities``       a station refuels at most Q[j]: trip q takes e[q] g[q,j] f[q] of each
                         station that it uses; g = 1 at its ends, 2 between (there and back),
                         e = 1 / (times there and back on a full tank), at most 1
    ``threshold``        maximise  a sum_o w[o] n[o] + (1 - a) (the above), n[o] = 1 where the
                         threshold's share of the volume that sets out from o is refuelled; w[o]
                         is o's share of all volume

Without capacities a trip is refuelled or not; with them shares of it may use different stations.

Sources: Kuby and Lim (2005), "The flow-refueling location problem for alternative-fuel vehicles",
Socio-Economic Planning Sciences 39; capacities: Upchurch, Kuby and Lim (2009), Geographical
Analysis 41; threshold: Hong (2015), "A threshold coverage flow-refueling location model", Arizona
State University, and Hong and Kuby (2016).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.base.errors import UsageError
from placeopt.location.flow_refuelling.paths import (
    InvalidNetwork,
    Paths,
    find_paths,
    read_network,
    read_trips,
)
from placeopt.location.labels import UnclearIds, chosen_positions, values_by_id
from placeopt.location.statement import is_number

FLOW_REFUELLING = "flow-refuelling"
NAMES = (FLOW_REFUELLING, "flow-refueling", "frlm")
TOLERANCE = 1e-9  # by how much of itself a distance may pass the range


@dataclass(frozen=True)
class FlowRefuelling:
    """One flow refuelling problem; see the module's text.

    Attributes:
        roads: Roads in both directions: a data frame with the columns from, to, length, or rows
            of the three, or a square matrix of lengths. Their ends are the sites.
        flows: Trips: a data frame with the columns origin, destination, volume and, if wished,
            path (ids), rows of these, or {(origin, destination): volume}.
        p: The most stations, those opened before among them.
        vehicle_range: How far a full tank goes, in the unit of the roads.
        capacities: Capacity of a station, in the unit of the flows: one number, or one a node.
        threshold: The share of a node's outgoing volume that makes the node count as covered.
        node_weight: a of the module's text, 0 to 1; only with a threshold.
        count_destinations: Whether w counts the volume that arrives as well.
        by_distance: Whether a trip counts by volume times length.
        opened: Ids of nodes that have a station already.
        closed: Ids of nodes that can have none.

    Raises ``UsageError`` with what makes the question senseless.
    """

    roads: Any
    flows: Any
    p: int
    vehicle_range: float
    capacities: Floats | None = None
    threshold: float | None = None
    node_weight: float = 0.99
    count_destinations: bool = False
    by_distance: bool = False
    opened: tuple[Any, ...] = ()
    closed: tuple[Any, ...] = ()
    name: str = ""
    node_ids: tuple[Any, ...] = field(init=False)
    origin: Ints = field(init=False)
    destination: Ints = field(init=False)
    volume: Floats = field(init=False)
    paths: Paths = field(init=False)
    opened_positions: tuple[int, ...] = field(init=False)
    closed_positions: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        faults = _number_faults(self)
        try:
            ids, roads = read_network(self.roads)
            origin, destination, volume, given = read_trips(self.flows, ids)
            paths = find_paths(roads, origin, destination, given, ids)
        except InvalidNetwork as error:
            raise self._refused([*faults, str(error)]) from None
        made: dict[str, Any] = {"node_ids": ids, "origin": origin, "destination": destination}
        made |= {"volume": volume, "paths": paths}
        for name in ("opened", "closed"):
            try:
                made[f"{name}_positions"] = chosen_positions(getattr(self, name), ids)
            except UnclearIds as error:
                faults.append(f"{name}: {str(error).replace('site', 'node')}")
        if self.capacities is not None:
            try:
                made["capacities"] = values_by_id(self.capacities, ids, "node")
                if not (made["capacities"] >= 0).all():
                    faults.append("capacities must be 0 or more")
            except UnclearIds as error:
                faults.append(f"capacities: {error}")
        if not faults and set(made["opened_positions"]) & set(made["closed_positions"]):
            faults.append("a node is to be both opened and closed")
        if faults:
            raise self._refused(faults)
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def _refused(self, faults: list[str]) -> UsageError:
        return UsageError(f"{self.name or FLOW_REFUELLING}: " + "; ".join(faults))

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_ids)

    @property
    def trip_value(self) -> Floats:
        """(trips,) what refuelling all of a trip counts for, before any threshold."""
        return self.volume * self.paths.lengths if self.by_distance else self.volume

    @property
    def station_use(self) -> Floats:
        """What all of a trip takes of each station on its path, as ``paths.node``: e g f."""
        paths = self.paths
        there_and_back = np.floor(self.vehicle_range / (2 * paths.lengths) * (1 + TOLERANCE))
        often = self.volume / np.maximum(there_and_back, 1.0)
        ends = np.zeros(len(paths.node), bool)
        ends[paths.start[:-1]] = ends[paths.start[1:] - 1] = True
        return often[paths.trip] * np.where(ends, 1.0, 2.0)

    @property
    def node_shares(self) -> Floats:
        """(nodes,) w of the module's text."""
        ends = [self.origin, self.destination] if self.count_destinations else [self.origin]
        total = np.bincount(np.concatenate(ends), np.tile(self.volume, len(ends)), self.nodes)
        return np.asarray(total / max(float(total.sum()), 1e-300))


def is_flow_refuelling(kind: Any) -> bool:
    """Whether a name stands for this problem."""
    return str(kind).strip().lower().replace("_", "-").replace(" ", "-") in NAMES


def _number_faults(problem: FlowRefuelling) -> list[str]:
    faults = []
    p, reach, threshold = problem.p, problem.vehicle_range, problem.threshold
    if not isinstance(p, int | np.integer) or isinstance(p, bool) or p < 1:
        faults.append(f"p is {p!r}; give a whole number of 1 or more")
    if not is_number(reach) or not 0 < reach < np.inf:
        faults.append(f"vehicle_range is {reach!r}; give a distance above 0")
    if threshold is not None and not (is_number(threshold) and 0 < threshold <= 1):
        faults.append(f"threshold is {threshold!r}; give a share above 0 and at most 1")
    if not is_number(problem.node_weight) or not 0 <= problem.node_weight <= 1:
        faults.append(f"node_weight is {problem.node_weight!r}; give a share from 0 to 1")
    for name, usual in (("node_weight", 0.99), ("count_destinations", False)):
        if threshold is None and getattr(problem, name) != usual:
            faults.append(f"{name}: without a threshold there is none; leave it out")
    for name in ("count_destinations", "by_distance"):
        if not isinstance(getattr(problem, name), bool | np.bool_):
            faults.append(f"{name} is {getattr(problem, name)!r}; give True or False")
    return faults
