"""What comes back from a location problem: the sites, who goes where, and what is proven."""

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

    ``facilities`` and ``assignment`` are the answer in the problem's own ids. The arrays behind
    them go by position: ``positions``, columns of the opened sites, ascending; ``assigned``, for
    each customer the column of its site, -1 = none (uncovered), or None where customers may be
    split, who are then in ``flows``, the CSR (customers, sites) of shares.

    ``objective`` and ``bound`` are in the sense in which people speak of the problem: for maximal
    covering and p-dispersion the bound lies above.
    ``seconds``: ``first`` (plan), ``best`` (plan), ``proof`` (only where proven), ``total``, wall
    clock, and ``cpu``. ``trace``: (seconds, objective, bound) each time one of them improved.
    ``repeats``: whether another run gives the same plan; not where time ended part of a search.
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
        """For each opened site the ids of the customers who go there, in the problem's order.

        A customer who is split over sites is listed with each of them.
        """
        ids, names = self.problem.customer_ids, self.problem.site_ids
        listed: dict[Any, list[Any]] = {names[j]: [] for j in self.positions}
        for i, j in zip(*self._sent()[:2], strict=True):
            listed[names[j]].append(ids[i])
        return {site: tuple(customers) for site, customers in listed.items()}

    @property
    def covers(self) -> dict[Any, tuple[Any, ...]] | None:
        """For each opened site the ids of all customers within the radius, whoever serves them.

        A customer near several sites is listed with each. None where the problem has no radius.
        """
        problem = self.problem
        if problem.radius is None:
            return None
        reach = min(problem.radius, np.inf if problem.ceiling is None else problem.ceiling)
        near = problem.distances.of_sites(np.asarray(self.positions, np.int64)) <= reach
        ids = np.array([*problem.customer_ids, None], dtype=object)[:-1]
        return {site: tuple(ids[here]) for site, here in zip(self.facilities, near.T, strict=True)}

    def table(self) -> pd.DataFrame:
        """A row for each customer and site that serves it, customers in the problem's order.

        Columns: customer_id, site_id, share (below 1 where a customer is split), distance, weight.
        Customers whom nobody serves have no row.
        """
        import pandas as pd

        rows, columns, share = self._sent()
        _, far = self._weights_and_distances()
        ids, names = self.problem.customer_ids, self.problem.site_ids
        return pd.DataFrame(
            {
                "customer_id": [ids[i] for i in rows],
                "site_id": [names[j] for j in columns],
                "share": share,
                "distance": far,
                "weight": self.problem.weights[rows],
            }
        )

    @property
    def mean_distance(self) -> float | None:
        """The mean distance to the site people go to, by weight; None where nobody goes anywhere.

        Those who go nowhere (uncovered) are left out, as is who has no weight.
        """
        weight, far = self._weights_and_distances()
        total = float(weight.sum())
        return float(weight @ far) / total if total > 0 else None

    @property
    def covered_share(self) -> float | None:
        """The share of all weight that goes to a site within the radius, 0 to 1.

        With an outer radius the share in between counts in part. None where the problem has no
        radius, no weight or no plan.
        """
        total = float(self.problem.weights.sum())
        if self.problem.radius is None or total <= 0 or self.objective is None:
            return None
        weight, far = self._weights_and_distances()
        return float(weight @ self.problem.coverage(far)) / total

    def _sent(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """(customer, site, share) of all that is sent, by position, customers ascending."""
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
        """Of all that is sent, the weight and how far it goes."""
        rows, columns, share = self._sent()
        far = np.zeros(len(rows))
        for j in np.unique(columns):
            here = columns == j
            far[here] = self.problem.distances.of_sites(np.array([j]))[rows[here], 0]
        return self.problem.weights[rows] * share, far

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is unknown is None."""
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
        """One line for a person."""
        if self.objective is None:
            return f"{self.problem.name or self.problem.kind}: {self.status} {self.message}".strip()
        proof = "proven optimal" if self.proven else f"best known, gap {self.gap:.3%}"
        return (
            f"{self.problem.name or self.problem.kind}: {self.objective:,.6g} ({proof}), "
            f"{len(self.positions)} sites, {self.seconds.get('total', 0):.2f} s{self._moments()}"
            + ("" if self.repeats else "; time ended part of the search, another run may differ")
        )

    def _moments(self) -> str:
        words = {"first": "first plan", "best": "best", "proof": "proof"}
        told = [
            f"{word} after {self.seconds[key]:.2f} s"
            for key, word in words.items()
            if key in self.seconds
        ]
        return f" ({', '.join(told)})" if told else ""


def gap_between(objective: float | None, bound: float) -> float:
    """|objective - bound| / |objective|; inf where there is no plan or bound."""
    if objective is None or not np.isfinite(bound):
        return np.inf
    if objective == bound:
        return 0.0
    return abs(objective - bound) / abs(objective) if objective else np.inf


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
