"""Candidate lists by site instead of by customer, compiled."""

# mypy: disable-error-code="assignment"

from __future__ import annotations

import numpy as np

from placeopt.base.compiled import compiled


@compiled
def transpose(start, site, cost, sites):
    """The lists by site: (site_start, customer, site_cost), customers ascending."""
    site_start = np.zeros(sites + 1, np.int64)
    for k in range(len(site)):
        site_start[site[k] + 1] += 1
    for j in range(sites):
        site_start[j + 1] += site_start[j]
    fill = site_start[:-1].copy()
    customer = np.empty(len(site), np.int32)
    site_cost = np.empty(len(site), np.float64)
    for i in range(len(start) - 1):
        for k in range(start[i], start[i + 1]):
            j = site[k]
            customer[fill[j]] = i
            site_cost[fill[j]] = cost[k]
            fill[j] += 1
    return site_start, customer, site_cost
