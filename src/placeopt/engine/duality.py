"""The bound that row duals prove, whichever engine gave them.

For duals y, reduced costs d = c - A'y:

    bound = offset + sum_i max-free( y_i+ row_lower_i - y_i- row_upper_i )
                   + sum_j           d_j+ lower_j     - d_j- upper_j

is below every feasible objective (weak duality). Where it equals the objective of a plan, the
plan is optimal and the duals are right, including their signs. Source: Chvatal (1983), ch. 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.model import Arrays

ZERO_DUAL_TOLERANCE = (
    1e-6  # relative to the costs: a dual below it counts as 0 against an infinite side
)


def dual_bound(arrays: Arrays, row_duals: NDArray[np.float64]) -> float:
    """The bound that ``row_duals`` (rows,) prove; -inf if they prove none.

    Integrality is not used: this is a bound of the relaxation.
    """
    if row_duals.shape != arrays.row_lower.shape or not np.isfinite(row_duals).all():
        return -np.inf
    reduced_costs = arrays.cost - arrays.matrix.T @ row_duals
    tolerance = ZERO_DUAL_TOLERANCE * max(1.0, float(np.abs(arrays.cost).max(initial=0.0)))
    total = arrays.offset
    for dual, low, high in (
        (row_duals, arrays.row_lower, arrays.row_upper),
        (reduced_costs, arrays.lower, arrays.upper),
    ):
        side = np.where(dual > 0, low, high)
        is_finite = np.isfinite(side)
        if np.any(~is_finite & (np.abs(dual) > tolerance)):
            return -np.inf
        total += float(dual[is_finite] @ side[is_finite])
    return total
