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

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.engine import Block, Model, Result, solve
from placeopt.engine.settings import Settings
from placeopt.location.capacitated.arrays import CapacitatedArrays

LEAST_SHARE = 1e-9  # shares below it are 0


def solve_compact_model(
    arrays: CapacitatedArrays,
    rows: Ints,
    columns: Ints,
    *,
    fixed: Bools | None = None,
    must: Bools | None = None,
    caps: Floats | float = 1.0,
    seconds: float,
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
    model.add_rows("served", rule="F2", size=n, lower=1.0, upper=1.0, terms=[(rows, x.all, 1.0)])
    loads = (columns, x.all, arrays.demand[rows])
    capacities = (np.arange(m), y.all, -arrays.capacity)
    model.add_rows("capacity", rule="F3", size=m, upper=0.0, terms=[loads, capacities])
    if fixed is None:
        _only_open_sites_serve(model, arrays, rows, columns, x, y, caps)
        _enough_capacity(model, arrays, y)
        _as_many_as_asked(model, arrays, y)
    result = solve(model, Settings(seconds, gap=0.0, threads=1))
    shares = result.value(x) if result.has_plan else np.zeros(len(rows))
    is_used = shares > LEAST_SHARE
    flows = sparse.coo_array(
        (shares[is_used], (rows[is_used], columns[is_used])), shape=(n, m)
    ).tocsr()
    return result, flows


def _only_open_sites_serve(
    model: Model,
    arrays: CapacitatedArrays,
    rows: Ints,
    columns: Ints,
    x: Block,
    y: Block,
    caps: Floats | float,
) -> None:
    """(F4) Only open sites serve; for customers without demand alone where serving has no cost."""
    has_cost = arrays.cost[rows, columns].any()
    linked = np.arange(len(rows)) if has_cost else np.flatnonzero(arrays.demand[rows] <= 0)
    row, largest = np.arange(len(linked)), np.broadcast_to(caps, len(rows))[linked]
    served = (row, x.at(linked), 1.0)
    if_open = (row, y.at(columns[linked]), -largest)
    model.add_rows("only_open", rule="F4", size=len(linked), upper=0.0, terms=[served, if_open])


def _enough_capacity(model: Model, arrays: CapacitatedArrays, y: Block) -> None:
    """(F3), added up: all open capacity holds all demand."""
    zeros = np.zeros(y.size, np.int64)
    model.add_rows("enough", rule="F3", size=1, lower=arrays.demand.sum(),
                   terms=[(zeros, y.all, arrays.capacity)])  # fmt: skip


def _as_many_as_asked(model: Model, arrays: CapacitatedArrays, y: Block) -> None:
    """(F5) As many sites as asked are open."""
    if arrays.has_fixed_size:
        zeros = np.zeros(y.size, np.int64)
        model.add_rows("count", rule="F5", size=1, lower=arrays.p, upper=arrays.p,
                       terms=[(zeros, y.all, 1.0)])  # fmt: skip
