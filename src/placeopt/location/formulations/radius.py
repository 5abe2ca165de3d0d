"""The radius formulation of a problem in candidate lists, for an engine.

For customer i let D[i,1] < D[i,2] < ... be the distinct costs in its list. z[i,k] = 1 means: no
site within D[i,k] is open, so that the customer pays at least the next cost.

    (R1) minimise  sum_j f[j] y[j] + sum_i D[i,1] + sum_i,k (D[i,k+1] - D[i,k]) z[i,k]
    (R2) z[i,k] + sum_{j: c[i,j] = D[i,k]} y[j] >= z[i,k-1]     with z[i,0] = 1
    (R3) sum_j y[j] = p

Its linear relaxation is as tight as the usual one and it has one column for each distinct cost
instead of one for each pair. With multipliers u and bound L of the Lagrangian, a plan below a
cutoff serves no customer at more than ``u[i] + cutoff - L``, which shortens the lists to a small
part.

Source: Cornuejols, Nemhauser and Wolsey (1980); Elloumi (2010), "A tighter formulation of the
p-median problem", Journal of Combinatorial Optimization 19; Garcia, Labbe and Marin (2011).
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.engine import Block, Model
from placeopt.location.uncapacitated.candidate_lists import CandidateArrays


def is_within_reach(start: Ints, cost: Floats, max_cost: Floats) -> Bools:
    """Which entries cost their customer at most ``max_cost`` (customers,); (entries,)."""
    return cost <= np.repeat(max_cost, np.diff(start))


def radius_model(
    lists: CandidateArrays, may_be_unserved: Bools, name: str = "radius"
) -> tuple[Model, Block]:
    """The radius formulation.

    Args:
        lists: The problem.
        may_be_unserved: Customers who may be unserved, at ``outside``, (customers,).
        name: Name of the model.

    Returns:
        The model and its block of openings.
    """
    start, site, cost, outside, opening_cost, p = lists
    customer = np.repeat(np.arange(len(start) - 1), np.diff(start))
    entries = len(customer)
    new_customer = np.diff(customer, prepend=-1) != 0
    new_level = new_customer | (np.diff(cost, prepend=-1.0) != 0)
    level_of_entry = np.cumsum(new_level) - 1
    first_entry = np.flatnonzero(new_level)
    levels = len(first_entry)
    level_customer = customer[first_entry]
    level_cost = cost[first_entry]
    is_last = np.append(level_customer[1:] != level_customer[:-1], True)[:levels]
    next_cost = np.where(is_last, outside[level_customer], np.append(level_cost[1:], 0.0)[:levels])
    is_first = np.diff(level_customer, prepend=-1) != 0

    model = Model(name)
    y = model.add_columns(
        "open", size=len(opening_cost), upper=1.0, cost=opening_cost, integer=True
    )
    z = model.add_columns(
        "beyond",
        size=levels,
        upper=np.where(is_last & ~may_be_unserved[level_customer], 0.0, 1.0),
        cost=np.where(is_last & ~may_be_unserved[level_customer], 0.0, next_cost - level_cost),
    )
    is_unlisted = np.diff(start) == 0
    model.offset = float(level_cost[is_first].sum() + outside[is_unlisted].sum())
    later_level = np.flatnonzero(~is_first)
    model.add_rows(
        "reach",
        rule="R2",
        size=levels,
        terms=[
            (np.arange(levels), z.all, 1.0),
            (level_of_entry, y.at(site[np.arange(entries)]), 1.0),
            (later_level, z.at(later_level - 1), -1.0),
        ],
        lower=is_first.astype(float),
    )
    if p >= 0:
        zeros = np.zeros(len(opening_cost), np.int64)
        model.add_rows("count", rule="R3", size=1, terms=[(zeros, y.all, 1.0)], lower=p, upper=p)
    return model, y
