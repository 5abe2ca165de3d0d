"""Candidate lists by site hold the same pairs as by customer."""

from __future__ import annotations

import numpy as np

from placeopt.location.uncapacitated.transpose import transpose
from tests.location.uncapacitated.lists import dense_costs, random_lists


def test_lists_by_site_hold_the_same_pairs() -> None:
    for seed in range(10):
        lists = random_lists(seed, with_p=True)
        by_site, dense = transpose(lists.arrays), np.full((lists.customers, lists.sites), np.inf)
        for j in range(lists.sites):
            entries = slice(by_site.start[j], by_site.start[j + 1])
            assert (np.diff(by_site.customer[entries]) > 0).all()
            dense[by_site.customer[entries], j] = by_site.cost[entries]
        assert (dense == dense_costs(lists)).all()
