"""Pseudo-costs choose the site whose branches promise most."""

from __future__ import annotations

import numpy as np

from placeopt.location.uncapacitated.branch_and_bound import Origin, PseudoCosts
from placeopt.location.uncapacitated.node import CLOSED, OPEN


def test_without_observations_the_most_undecided_site_is_chosen() -> None:
    costs = PseudoCosts(sites=4, least_distance=0.02)
    assert costs.choose_site(np.array([0.9, 0.5, -1.0, 0.1])) == 1


def test_a_site_that_raised_the_bound_is_chosen_again() -> None:
    costs = PseudoCosts(sites=3, least_distance=0.02)
    for choice in (OPEN, CLOSED):
        costs.record(Origin(2, choice, 0.5), 100.0)
        costs.record(Origin(0, choice, 0.5), 1.0)
        costs.record(Origin(1, choice, 0.5), 1.0)
    assert costs.choose_site(np.array([0.5, 0.5, 0.4])) == 2
