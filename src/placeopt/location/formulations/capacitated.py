"""The compact model of facilities with capacities, over chosen pairs of customer and site.

(F1) minimise sum_j f[j] y[j] + sum_ij c[i,j] x[i,j]
(F2) sum_j x[i,j] = 1                     everybody is served
(F3) sum_i q[i] x[i,j] <= Q[j] y[j]       nobody holds more than it can
(F4) x[i,j] <= y[j]                       only open sites serve
(F5) sum_j y[j] = p                       capacitated p-median only

(F4) strengthens the relaxation where serving costs something. Where it costs nothing (a covering
with capacities) (F3) says the same of all who bring demand, and (F4) is left out for them: it
would only make the model large.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from placeopt.engine import Model, Result, solve
from placeopt.location.capacitated.arrays import Work


def compact(
    work: Work, rows, columns, *, fixed=None, must=None, caps=1.0, seconds: float
) -> tuple[Result, sparse.csr_array]:
    """Solve (F1) to (F5) over the pairs (rows, columns): (result, shares)."""
    n, m = work.cost.shape
    model = Model("capacitated")
    lower = (work.must if must is None else must).astype(float)
    upper = work.may.astype(float)
    if fixed is not None:
        lower, upper = fixed.astype(float), fixed.astype(float)
    y = model.add_columns("open", size=m, lower=lower, upper=upper, cost=work.opening,
                          integer=fixed is None)  # fmt: skip
    x = model.add_columns("serve", size=len(rows), upper=caps, cost=work.cost[rows, columns],
                          integer=not work.split)  # fmt: skip
    pairs = np.arange(len(rows))
    model.add_rows("served", rule="F2", size=n, lower=1.0, upper=1.0, terms=[(rows, x.all, 1.0)])
    holds = (columns, x.all, work.size[rows])
    offers = (np.arange(m), y.all, -work.room)
    model.add_rows("capacity", rule="F3", size=m, upper=0.0, terms=[holds, offers])
    if fixed is None:
        some = pairs if work.cost[rows, columns].any() else np.flatnonzero(work.size[rows] <= 0)
        at, most = np.arange(len(some)), np.broadcast_to(caps, len(rows))[some]
        only: list[tuple] = [(at, x.at(some), 1.0), (at, y.at(columns[some]), -most)]
        model.add_rows("only_open", rule="F4", size=len(some), upper=0.0, terms=only)
        zeros = np.zeros(m, np.int64)
        model.add_rows("enough", rule="F3", size=1, lower=work.size.sum(),
                       terms=[(zeros, y.all, work.room)])  # fmt: skip
        if work.p >= 0:
            model.add_rows("count", rule="F5", size=1, lower=work.p, upper=work.p,
                           terms=[(zeros, y.all, 1.0)])  # fmt: skip
    result = solve(model, time_limit_seconds=seconds, gap=0.0, threads=1)
    shares = result.value(x) if result.has_plan else np.zeros(len(rows))
    used = shares > 1e-9
    flows = sparse.coo_array((shares[used], (rows[used], columns[used])), shape=(n, m)).tocsr()
    return result, flows
