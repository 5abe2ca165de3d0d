"""What comes back from a location problem: the sites, who goes where, and what is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.engine.result import Status
from placeopt.location.problems import Problem


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

    @property
    def gap(self) -> float:
        """|objective - bound| / |objective|; inf where there is no plan or bound."""
        if self.objective is None or not np.isfinite(self.bound):
            return np.inf
        if self.objective == self.bound:
            return 0.0
        return abs(self.objective - self.bound) / abs(self.objective) if self.objective else np.inf

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
            "seconds": {key: float(value) for key, value in self.seconds.items()},
            "method": self.method,
            "engine": self.engine,
            "message": self.message,
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
        )

    def _moments(self) -> str:
        words = {"first": "first plan", "best": "best", "proof": "proof"}
        told = [
            f"{word} after {self.seconds[key]:.2f} s"
            for key, word in words.items()
            if key in self.seconds
        ]
        return f" ({', '.join(told)})" if told else ""


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
