"""Candidate lists by site instead of by customer, compiled."""

# mypy: disable-error-code="assignment"

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placeopt.base.arrays import Floats, Ints, ShortInts
from placeopt.base.compiled import compiled
from placeopt.location.uncapacitated.candidate_lists import CandidateArrays


class SiteLists(NamedTuple):
    """Candidate lists by site: those of site j are entries ``start[j]`` to ``start[j + 1]``.

    Attributes:
        start: First entry of each site, (sites + 1,).
        customer: Customer of each entry, ascending for each site, (entries,).
        cost: Cost of each entry, (entries,).
    """

    start: Ints
    customer: ShortInts
    cost: Floats


@compiled
def transpose(lists: CandidateArrays) -> SiteLists:
    """The same lists by site."""
    start, site, cost = lists.start, lists.site, lists.cost
    sites = len(lists.opening_cost)
    site_start = np.zeros(sites + 1, np.int64)
    for k in range(len(site)):
        site_start[site[k] + 1] += 1
    for j in range(sites):
        site_start[j + 1] += site_start[j]
    next_entry = site_start[:-1].copy()
    customer = np.empty(len(site), np.int32)
    site_cost = np.empty(len(site), np.float64)
    for i in range(len(start) - 1):
        for k in range(start[i], start[i + 1]):
            j = site[k]
            customer[next_entry[j]] = i
            site_cost[next_entry[j]] = cost[k]
            next_entry[j] += 1
    return SiteLists(site_start, customer, site_cost)
