"""Candidate lists seen from the sites, compiled."""

# mypy: disable-error-code="assignment"

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled


@compiled
def turn(start, site, cost, sites):
    """The lists by site: (start, customer, cost), customers ascending."""
    begin = np.zeros(sites + 1, np.int64)
    for k in range(len(site)):
        begin[site[k] + 1] += 1
    for j in range(sites):
        begin[j + 1] += begin[j]
    fill = begin[:-1].copy()
    customer = np.empty(len(site), np.int32)
    by_site = np.empty(len(site), np.float64)
    for i in range(len(start) - 1):
        for k in range(start[i], start[i + 1]):
            j = site[k]
            customer[fill[j]] = i
            by_site[fill[j]] = cost[k]
            fill[j] += 1
    return begin, customer, by_site
