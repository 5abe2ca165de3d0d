"""The solution of a location problem: the sites, the assignment, and what is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.engine.result import Status
from placeopt.location.statement import Problem

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Solution:
    """A plan for one location problem with the bound that proves it.

    ``facilities`` and ``assignment`` are the answer in the problem's own ids; the arrays behind
    them use positions. ``objective`` and ``bound`` are in the problem's usual sense: for maximal
    covering and p-dispersion the bound lies above.

    Attributes:
        problem: The problem.
        status: Whether the plan is proven, or why there is none.
        objective: Objective of the plan; None if there is none.
        bound: What no plan can be better than.
        positions: Columns of the open sites, ascending.
        assigned: Column of each customer's site, (customers,), -1 = none (uncovered); None if
            customers may be split.
        flows: Share of each customer served from each site, (customers, sites), if customers may be
            split.
        seconds: Wall-clock seconds: ``first`` (plan), ``best`` (plan), ``proof`` (only if proven),
            ``total``; and ``cpu``.
        trace: (seconds, objective, bound) each time one of them improved.
        method: The method used.
        engine: The engine used.
        message: Further remarks.
        counts: Nodes, rounds and the like.
        repeats: Whether another run gives the same plan; False if the time limit ended part of the
            search.
    """

    problem: Problem
    status: Status
    objective: float | None = None
    bound: float = -np.inf
    positions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    assigned: NDArray[np.int64] | None = None
    flows: sparse.csr_array | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    trace: tuple[tuple[float, float, float], ...] = ()
    method: str = ""
    engine: str = "placeopt"
    message: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)
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
        """The ids of the opened sites."""
        return tuple(self.problem.site_ids[j] for j in self.positions)

    @property
    def assignment(self) -> tuple[Any, ...] | None:
        """For each customer, in the order of ``customer_ids``, the id of its site; None = none.

        None altogether where customers may be split: see ``flows``.
        """
        if self.assigned is None:
            return None
        ids = self.problem.site_ids
        return tuple(None if j < 0 else ids[j] for j in self.assigned)

    @property
    def customers_of(self) -> dict[Any, tuple[Any, ...]]:
        """For each open site the ids of the customers assigned to it, in the problem's order.

        A customer split over sites is listed with each of them.
        """
        ids, site_ids = self.problem.customer_ids, self.problem.site_ids
        listed: dict[Any, list[Any]] = {site_ids[j]: [] for j in self.positions}
        for i, j in zip(*self._assigned_shares()[:2], strict=True):
            listed[site_ids[j]].append(ids[i])
        return {site: tuple(customers) for site, customers in listed.items()}

    @property
    def covers(self) -> dict[Any, tuple[Any, ...]] | None:
        """For each open site the ids of all customers within the radius, assigned to it or not.

        A customer near several sites is listed with each. None if the problem has no radius.
        """
        problem = self.problem
        if problem.radius is None:
            return None
        reach = min(problem.radius, np.inf if problem.ceiling is None else problem.ceiling)
        is_covered = problem.distances.of_sites(np.asarray(self.positions, np.int64)) <= reach
        ids = np.array([*problem.customer_ids, None], dtype=object)[:-1]
        return {
            site: tuple(ids[is_here])
            for site, is_here in zip(self.facilities, is_covered.T, strict=True)
        }

    def table(self) -> pd.DataFrame:
        """A row for each customer and site that serves it, customers in the problem's order.

        Columns: customer_id, site_id, share (below 1 where a customer is split), distance, weight.
        Unserved customers have no row.
        """
        import pandas as pd

        rows, columns, share = self._assigned_shares()
        _, distance = self._weights_and_distances()
        ids, site_ids = self.problem.customer_ids, self.problem.site_ids
        return pd.DataFrame(
            {
                "customer_id": [ids[i] for i in rows],
                "site_id": [site_ids[j] for j in columns],
                "share": share,
                "distance": distance,
                "weight": self.problem.weights[rows],
            }
        )

    @property
    def mean_distance(self) -> float | None:
        """The mean distance to the assigned site, by weight; None if no customer is assigned.

        Unserved customers and customers without weight are left out.
        """
        weight, distance = self._weights_and_distances()
        total = float(weight.sum())
        return float(weight @ distance) / total if total > 0 else None

    @property
    def covered_share(self) -> float | None:
        """The share of all weight that is assigned to a site within the radius, 0 to 1.

        With an outer radius the zone in between counts in part. None if the problem has no radius,
        no weight or no plan.
        """
        total = float(self.problem.weights.sum())
        if self.problem.radius is None or total <= 0 or self.objective is None:
            return None
        weight, distance = self._weights_and_distances()
        return float(weight @ self.problem.coverage(distance)) / total

    def _assigned_shares(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """(customer, site, share) of all assignments, by position, customers ascending."""
        if self.flows is not None:
            shares = sparse.csr_array(self.flows).tocoo()
            order = np.lexsort((shares.coords[1], shares.coords[0]))
            rows, columns = (np.asarray(axis)[order].astype(np.int64) for axis in shares.coords)
            return rows, columns, np.asarray(shares.data, float)[order]
        if self.assigned is None:
            none = np.zeros(0, np.int64)
            return none, none, np.zeros(0)
        rows = np.flatnonzero(np.asarray(self.assigned) >= 0)
        return rows, np.asarray(self.assigned, np.int64)[rows], np.ones(len(rows))

    def _weights_and_distances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weight and distance of each assignment."""
        rows, columns, share = self._assigned_shares()
        distance = np.zeros(len(rows))
        for j in np.unique(columns):
            is_here = columns == j
            distance[is_here] = self.problem.distances.of_sites(np.array([j]))[rows[is_here], 0]
        return self.problem.weights[rows] * share, distance

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; unknown values are None."""
        return {
            "problem": self.problem.kind,
            "instance": self.problem.name,
            "customers": self.problem.customers,
            "sites": self.problem.sites,
            "p": self.problem.p,
            "status": str(self.status),
            "objective": None if self.objective is None else _finite(self.objective),
            "bound": _finite(self.bound),
            "gap": _finite(self.gap),
            "maximised": self.problem.maximised,
            "best_known": self.problem.best_known,
            "facilities": list(self.facilities),
            "assignment": None if self.assignment is None else list(self.assignment),
            "customers_of": [[site, list(some)] for site, some in self.customers_of.items()],
            "mean_distance": self.mean_distance,
            "covered_share": self.covered_share,
            "seconds": {key: float(value) for key, value in self.seconds.items()},
            "method": self.method,
            "engine": self.engine,
            "message": self.message,
            "repeats": self.repeats,
            "counts": dict(self.counts),
        }

    def summary(self) -> str:
        """One line to print."""
        if self.objective is None:
            return f"{self.problem.name or self.problem.kind}: {self.status} {self.message}".strip()
        proof = "proven optimal" if self.proven else f"best known, gap {self.gap:.3%}"
        return (
            f"{self.problem.name or self.problem.kind}: {self.objective:,.6g} ({proof}), "
            f"{len(self.positions)} sites, {self.seconds.get('total', 0):.2f} s{self._timings()}"
            + ("" if self.repeats else "; time ended part of the search, another run may differ")
        )

    def _timings(self) -> str:
        words = {"first": "first plan", "best": "best", "proof": "proof"}
        parts = [
            f"{word} after {self.seconds[key]:.2f} s"
            for key, word in words.items()
            if key in self.seconds
        ]
        return f" ({', '.join(parts)})" if parts else ""


def gap_between(objective: float | None, bound: float) -> float:
    """|objective - bound| / |objective|; inf where there is no plan or bound."""
    if objective is None or not np.isfinite(bound):
        return np.inf
    if objective == bound:
        return 0.0
    return abs(objective - bound) / abs(objective) if objective else np.inf


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
