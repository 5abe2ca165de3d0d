"""The radius formulation of a problem in candidate lists, for an integer-programming engine.

For customer i let D[i,1] < D[i,2] < ... be the distinct costs in its list. z[i,k] = 1 means: no
site within D[i,k] is open, so that the customer pays at least the next cost.

    (R1) minimise  sum_j f[j] y[j] + sum_i D[i,1] + sum_i,k (D[i,k+1] - D[i,k]) z[i,k]
    (R2) z[i,k] + sum_{j: c[i,j] = D[i,k]} y[j] >= z[i,k-1]     with z[i,0] = 1
    (R3) sum_j y[j] = p

Its linear relaxation is as tight as the usual one and it has one column for each distinct cost
instead of one for each pair. With prices u and bound L of the Lagrangian, a plan below a cut-off
serves nobody at more than ``u[i] + cutoff - L``, which cuts the lists to a small part.

Source: Cornuejols, Nemhauser and Wolsey (1980); Elloumi (2010), "A tighter formulation of the
p-median problem", Journal of Combinatorial Optimization 19; Garcia, Labbe and Marin (2011).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Block, Model

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def within_reach(start: Ints, cost: Floats, reach: Floats) -> NDArray[np.bool_]:
    """Which entries of the lists cost their customer at most ``reach[i]``."""
    return cost <= np.repeat(reach, np.diff(start))


def radius_model(
    start: Ints,
    site: Ints,
    cost: Floats,
    outside: Floats,
    opening: Floats,
    p: int,
    outside_allowed: NDArray[np.bool_],
    name: str = "radius",
) -> tuple[Model, Block]:
    """The model and its block of openings. ``outside_allowed[i]``: customer i may be served by
    no site of its list, at ``outside[i]``. ``p = -1``: any number of sites."""
    customer = np.repeat(np.arange(len(start) - 1), np.diff(start))
    entries = len(customer)
    new_customer = np.diff(customer, prepend=-1) != 0
    new_level = new_customer | (np.diff(cost, prepend=-1.0) != 0)
    level = np.cumsum(new_level) - 1
    first_entry = np.flatnonzero(new_level)
    levels = len(first_entry)
    of_customer = customer[first_entry]
    here = cost[first_entry]
    is_last = np.append(of_customer[1:] != of_customer[:-1], True)[:levels]
    following = np.where(is_last, outside[of_customer], np.append(here[1:], 0.0)[:levels])
    is_first = np.diff(of_customer, prepend=-1) != 0

    model = Model(name)
    y = model.add_columns("open", size=len(opening), upper=1.0, cost=opening, integer=True)
    z = model.add_columns(
        "beyond",
        size=levels,
        upper=np.where(is_last & ~outside_allowed[of_customer], 0.0, 1.0),
        cost=np.where(is_last & ~outside_allowed[of_customer], 0.0, following - here),
    )
    alone = np.diff(start) == 0
    model.offset = float(here[is_first].sum() + outside[alone].sum())
    later = np.flatnonzero(~is_first)
    model.add_rows(
        "reach",
        rule="R2",
        size=levels,
        terms=[
            (np.arange(levels), z.all, 1.0),
            (level, y.at(site[np.arange(entries)]), 1.0),
            (later, z.at(later - 1), -1.0),
        ],
        lower=is_first.astype(float),
    )
    if p >= 0:
        zeros = np.zeros(len(opening), np.int64)
        model.add_rows("count", rule="R3", size=1, terms=[(zeros, y.all, 1.0)], lower=p, upper=p)
    return model, y
