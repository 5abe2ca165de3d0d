"""The compact model of facilities with capacities, over chosen pairs of customer and site.

(F1) minimise sum_j f[j] y[j] + sum_ij c[i,j] x[i,j]
(F2) sum_j x[i,j] = 1                     every customer is served
(F3) sum_i q[i] x[i,j] <= Q[j] y[j]       a site serves no more than its capacity
(F4) x[i,j] <= y[j]                       only open sites serve
(F5) sum_j y[j] = p                       capacitated p-median only

(F4) strengthens the relaxation where serving has a cost. Where it has none (a covering with
capacities), (F3) implies (F4) for customers with demand, and (F4) is left out for them: it would
only make the model large.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from placeopt.engine import Model, Result, solve
from placeopt.engine.settings import Settings
from placeopt.location.capacitated.arrays import CapacitatedArrays


def solve_compact_model(
    arrays: CapacitatedArrays, rows, columns, *, fixed=None, must=None, caps=1.0, seconds: float
) -> tuple[Result, sparse.csr_array]:
    """Solve (F1) to (F5) over the pairs (``rows``, ``columns``).

    Args:
        arrays: The problem.
        rows: Customer of each pair, (pairs,).
        columns: Site of each pair, (pairs,).
        fixed: Open sites, (sites,), if these are given; (F4) and (F5) are then left out.
        must: Sites that must open, (sites,); those of ``arrays`` by default.
        caps: Largest share of each pair, (pairs,) or a number.
        seconds: Time limit.

    Returns:
        The engine's result and the shares, (customers, sites).
    """
    n, m = arrays.cost.shape
    model = Model("capacitated")
    lower = (arrays.must_open if must is None else must).astype(float)
    upper = arrays.may_open.astype(float)
    if fixed is not None:
        lower, upper = fixed.astype(float), fixed.astype(float)
    y = model.add_columns("open", size=m, lower=lower, upper=upper, cost=arrays.opening_cost,
                          integer=fixed is None)  # fmt: skip
    x = model.add_columns("serve", size=len(rows), upper=caps, cost=arrays.cost[rows, columns],
                          integer=not arrays.is_splittable)  # fmt: skip
    pairs = np.arange(len(rows))
    model.add_rows("served", rule="F2", size=n, lower=1.0, upper=1.0, terms=[(rows, x.all, 1.0)])
    loads = (columns, x.all, arrays.demand[rows])
    capacities = (np.arange(m), y.all, -arrays.capacity)
    model.add_rows("capacity", rule="F3", size=m, upper=0.0, terms=[loads, capacities])
    if fixed is None:
        linked = (
            pairs if arrays.cost[rows, columns].any() else np.flatnonzero(arrays.demand[rows] <= 0)
        )
        row, largest = np.arange(len(linked)), np.broadcast_to(caps, len(rows))[linked]
        only_open: list[tuple] = [(row, x.at(linked), 1.0), (row, y.at(columns[linked]), -largest)]
        model.add_rows("only_open", rule="F4", size=len(linked), upper=0.0, terms=only_open)
        zeros = np.zeros(m, np.int64)
        model.add_rows("enough", rule="F3", size=1, lower=arrays.demand.sum(),
                       terms=[(zeros, y.all, arrays.capacity)])  # fmt: skip
        if arrays.p >= 0:
            model.add_rows("count", rule="F5", size=1, lower=arrays.p, upper=arrays.p,
                           terms=[(zeros, y.all, 1.0)])  # fmt: skip
    result = solve(model, Settings(time_limit_seconds=seconds, gap=0.0, threads=1))
    shares = result.value(x) if result.has_plan else np.zeros(len(rows))
    is_used = shares > 1e-9
    flows = sparse.coo_array(
        (shares[is_used], (rows[is_used], columns[is_used])), shape=(n, m)
    ).tocsr()
    return result, flows
