"""Minutes of residents without a car, as sent and to the nearest: by hand, and in random places
against the tables; a figure that is changed is found."""

from dataclasses import replace

import numpy as np
import pytest

from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.rules.estate.services import Behaviour, Network, Pinned
from tests.estate.places import random_place, scenario
from tests.estate.town import building, town
from tests.support.places import crow_minutes, minutes

FAR = np.nan


def closing(shares, **by_mode):
    """A of three buildings closes; each zone has 1,000 visits and a share of residents no car."""
    place = town([building(i, 10.0) for i in ("A", "B", "C")])
    place = place.replace(zones=place.zones.assign(without_car_share=shares))
    rules = (
        Pinned(close=("A",), keep=("B", "C")),
        Network(service="S", at_least=2),
        Behaviour(residents="nearest"),
    )
    answer = solve(place, minutes(place, **by_mode), scenario(*rules))
    assert answer.verification.ok
    return answer


def test_means_and_visits_out_of_reach_by_hand():
    """A fifth of Z1 walks 10 minutes to A, then 40 to B; half of Z2 walks 20 minutes to A, then
    cannot get to C: 500 visits out of reach, which are in no mean."""
    drive = [[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]]
    summary = closing([0.2, 0.5], drive=drive, walk=[[10.0, 40.0, FAR], [20.0, FAR, FAR]])
    summary = summary.plan.summary
    assert summary["residents_without_car"] == pytest.approx(70)
    for measure in ("minutes_as_sent", "minutes_to_nearest"):
        before, after = (summary[f"without_car_{measure}_{when}"] for when in ("before", "after"))
        assert before == pytest.approx((200 * 10 + 500 * 20) / 700)
        assert after == pytest.approx(40)
    for measure in ("sent", "nearest"):
        key = f"without_car_{measure}_out_of_reach_visits_per_year"
        assert summary[f"{key}_before"] == 0
        assert summary[f"{key}_after"] == pytest.approx(500)


def test_without_other_ways_all_their_visits_are_out_of_reach():
    summary = closing([0.2, 0.5], drive=[[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]]).plan.summary
    assert np.isnan(summary["without_car_minutes_as_sent_after"])
    assert summary["without_car_sent_out_of_reach_visits_per_year_after"] == pytest.approx(700)


def test_nothing_is_stated_where_everybody_has_a_car_or_nobody_drives():
    drive = [[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]]
    for answer in (closing([0.0, 0.0], drive=drive), closing([0.2, 0.5], walk=drive)):
        assert not [key for key in answer.plan.summary if "without_car" in key]


def test_a_figure_that_is_changed_or_left_out_is_found():
    """In random places every figure verifies; each of them changed, or taken out, does not."""
    changed = 0
    for seed in range(12):
        place = random_place(seed, 3, 3, 2)
        times = crow_minutes(place)
        answer = solve(place, times, scenario())
        if answer.plan is None:
            continue
        assert answer.verification.ok, answer.verification.broken
        summary = answer.plan.summary
        for key in [key for key in summary if "without_car" in key]:
            value = summary[key]
            lies = [{**summary, key: 5.0 + (0.0 if value != value else 2 * value)}]
            lies.append({other: x for other, x in summary.items() if other != key})
            for lie in lies:
                plan = replace(answer.plan, summary=lie)
                assert not verify(place, times, answer.scenario, plan).ok, (seed, key)
                changed += 1
    assert changed > 40
