"""Rules over years worked by hand: each in a town in which it binds, the plan it rejects in the
comment."""

import pytest

from placeopt.scenario.estate_rules import Sequence
from tests.estate.town import building, cost_of, town


def test_sequence_says_nothing_of_one_year():
    """(E12) Of one year; test_years.py has the rule over years."""
    here = town([building("B1", 10_000), building("B2", 7_000)])
    for rule in (Sequence(), Sequence(moves_per_year=0, double_running_years=1)):
        assert cost_of(here, rule) == pytest.approx(7_000)
