"""The solution of a flow refuelling problem: the stations and the trips they refuel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.result import Status
from placeopt.location.flow_refuelling.statement import FLOW_REFUELLING, FlowRefuelling
from placeopt.location.solution import gap_between

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Trip:
    """A share of a trip and the stations where it stops.

    Attributes:
        flow: Position of the trip in the flows.
        share: Share of the trip.
        stations: Positions of the nodes where it stops.
    """

    flow: int
    share: float
    stations: tuple[int, ...]


@dataclass(frozen=True)
class StationPlan:
    """Stations with the bound that proves them; the bound lies above.

    Attributes:
        problem: The problem.
        status: Whether the plan is proven, or why there is none.
        objective: Objective of the plan; None if there is none.
        bound: What no plan can exceed.
        positions: Nodes with a station, ascending.
        trips: Every refuelled trip and its stops; without capacities every station on its path.
        seconds: Wall-clock seconds.
        method: The method used.
        engine: The engine used.
        message: Further remarks.
        repeats: Whether another run gives the same plan.
    """

    problem: FlowRefuelling
    status: Status
    objective: float | None = None
    bound: float = np.inf
    positions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    trips: tuple[Trip, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    engine: str = "highs"
    message: str = ""
    repeats: bool = True

    @property
    def gap(self) -> float:
        """|objective - bound| / |objective|; inf where there is no plan or bound."""
        return gap_between(self.objective, self.bound)

    @property
    def proven(self) -> bool:
        """Whether the plan is proven to be the best (within the gap asked for)."""
        return self.status is Status.OPTIMAL

    @property
    def facilities(self) -> tuple[Any, ...]:
        """The ids of the nodes with a station."""
        return tuple(self.problem.node_ids[j] for j in self.positions)

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of each trip that is refuelled, (trips,)."""
        flows = np.array([trip.flow for trip in self.trips], np.int64)
        share = np.array([trip.share for trip in self.trips], float)
        return np.bincount(flows, share, len(self.problem.volume)).clip(0.0, 1.0)

    @property
    def refuelled_share(self) -> float | None:
        """The share of all volume that is refuelled; None where there is no volume or plan."""
        total = float(self.problem.volume.sum())
        if self.objective is None or total <= 0:
            return None
        return float(self.shares @ self.problem.volume) / total

    @property
    def refuelled_distance_share(self) -> float | None:
        """The share of all volume times length that is refuelled."""
        volume_distance = self.problem.volume * self.problem.paths.lengths
        if self.objective is None or volume_distance.sum() <= 0:
            return None
        return float(self.shares @ volume_distance) / float(volume_distance.sum())

    @property
    def covered_nodes(self) -> tuple[Any, ...]:
        """Ids of the origins that reach the threshold; none without one."""
        problem = self.problem
        if problem.threshold is None or self.objective is None:
            return ()
        return tuple(problem.node_ids[o] for o in nodes_covered(problem, self.shares))

    @property
    def loads(self) -> NDArray[np.float64]:
        """Capacity used at each station, (nodes,)."""
        problem = self.problem
        total = np.zeros(problem.nodes)
        stops, paths = problem.station_use, problem.paths
        for trip in self.trips:
            entries = slice(paths.start[trip.flow], paths.start[trip.flow + 1])
            is_stop = np.isin(paths.node[entries], trip.stations)
            total[paths.node[entries][is_stop]] += trip.share * stops[entries][is_stop]
        return total

    def table(self) -> pd.DataFrame:
        """A row for each trip with its volume, length, refuelled share and stations (ids)."""
        import pandas as pd

        problem, ids = self.problem, self.problem.node_ids
        is_stop: list[set[int]] = [set() for _ in problem.volume]
        for trip in self.trips:
            is_stop[trip.flow] |= set(trip.stations)
        return pd.DataFrame(
            {
                "origin": [ids[o] for o in problem.origin],
                "destination": [ids[d] for d in problem.destination],
                "volume": problem.volume,
                "length": problem.paths.lengths,
                "refuelled_share": self.shares,
                "stations": [
                    tuple(ids[j] for j in sorted(stations_used)) for stations_used in is_stop
                ],
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; unknown values are None."""
        table = self.table().astype({"stations": object})
        table["stations"] = [list(stations_used) for stations_used in table["stations"]]
        return {
            "problem": FLOW_REFUELLING,
            "instance": self.problem.name,
            "p": int(self.problem.p),
            "status": str(self.status),
            "objective": self.objective,
            "bound": float(self.bound) if np.isfinite(self.bound) else None,
            "gap": float(self.gap) if np.isfinite(self.gap) else None,
            "maximised": True,
            "facilities": list(self.facilities),
            "refuelled_share": self.refuelled_share,
            "refuelled_distance_share": self.refuelled_distance_share,
            "covered_nodes": list(self.covered_nodes),
            "loads": [[self.problem.node_ids[j], float(self.loads[j])] for j in self.positions],
            "trips": table.to_dict("records"),
            "seconds": {key: float(value) for key, value in self.seconds.items()},
            "method": self.method,
            "engine": self.engine,
            "message": self.message,
            "repeats": self.repeats,
        }

    def summary(self) -> str:
        """One line to print."""
        name = self.problem.name or FLOW_REFUELLING
        if self.objective is None:
            return f"{name}: {self.status} {self.message}".strip()
        proof = "proven optimal" if self.proven else f"best known, gap {self.gap:.3%}"
        text = f"{name}: {self.objective:,.6g} ({proof}), {len(self.positions)} stations"
        if self.refuelled_share is not None:
            text += f", {self.refuelled_share:.1%} of the volume refuelled"
        return text + f", {self.seconds.get('total', 0):.2f} s"


def nodes_covered(
    problem: FlowRefuelling, shares: NDArray[np.float64], slack: float = 1e-6
) -> NDArray[np.int64]:
    """Positions of the origins whose refuelled share reaches the threshold."""
    outgoing = np.bincount(problem.origin, problem.volume, problem.nodes)
    refuelled = np.bincount(problem.origin, problem.volume * shares, problem.nodes)
    needed = float(problem.threshold or 0.0) * outgoing
    return np.flatnonzero((outgoing > 0) & (refuelled >= needed * (1 - slack)))
