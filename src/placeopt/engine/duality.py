"""The bound that row prices prove, whatever the engine that gave them.

For prices y, reduced costs d = c - A'y:

    bound = offset + sum_i max-free( y_i+ row_lower_i - y_i- row_upper_i )
                   + sum_j           d_j+ lower_j     - d_j- upper_j

is below every feasible objective (weak duality); where it meets the objective of a plan, the
plan is optimal and the prices are right, sign and all. Source: Chvatal (1983), ch. 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.engine.model import Arrays

ZERO = 1e-6  # a price this small, relative to the costs, against an infinite side counts as zero


def dual_bound(arrays: Arrays, row_prices: NDArray[np.float64]) -> float:
    """The objective below which ``row_prices`` prove that no plan lies; -inf if they prove none.

    Shapes: ``row_prices`` (rows,). Integrality is not used: the bound is the relaxation's.
    """
    if row_prices.shape != arrays.row_lower.shape or not np.isfinite(row_prices).all():
        return -np.inf
    reduced = arrays.cost - arrays.matrix.T @ row_prices
    scale = ZERO * max(1.0, float(np.abs(arrays.cost).max(initial=0.0)))
    total = arrays.offset
    for price, low, high in (
        (row_prices, arrays.row_lower, arrays.row_upper),
        (reduced, arrays.lower, arrays.upper),
    ):
        side = np.where(price > 0, low, high)
        ends = np.isfinite(side)
        if np.any(~ends & (np.abs(price) > scale)):
            return -np.inf
        total += float(price[ends] @ side[ends])
    return total
