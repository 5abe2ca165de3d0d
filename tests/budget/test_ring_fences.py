"""Ring-fenced money that would go back pays first, where no agency is worse off by it."""

from __future__ import annotations

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.problem.build import build_problem
from placeopt.budget.search.ring_fences import use_returnable_money_first
from placeopt.scenario.rules.budget.money import Streams, ThroughThePlace
from tests.budget.places import one_budget, scenario_of, two_programmes

CARRIED = Streams(rule="streams", unspent="carried")
RELEASED = Streams(rule="streams", release=("lamp_fund",))
SHARES = ThroughThePlace(rule="through_the_place", share=0.1)


def paid(fund_agency: str, *rules) -> dict[tuple[str, str], float]:
    """The lights cost 60: 40 by the council's grant, 20 by a fund of 50 that goes back."""
    place = two_programmes()
    streams = place.streams.copy()
    streams.loc[streams["stream_id"] == "lamp_fund", "agency_id"] = fund_agency
    place = place.replace(streams=streams)
    scenario = scenario_of(rules=[one_budget(180), *rules], drop=("commissioning",))
    problem = build_problem(place, scenario)
    before = {
        ("homecare", "grant"): 100.0,
        ("lights", "grant"): 40.0,
        ("lights", "lamp_fund"): 20.0,
    }
    pairs = list(
        zip(
            problem.programmes.ids[problem.pairs.programme],
            problem.streams.ids[problem.pairs.stream],
            strict=True,
        )
    )
    pay = np.array([[before.get((str(p), str(f)), 0.0) for p, f in pairs]])
    after = use_returnable_money_first(problem, pay, place, scenario)[0]
    return {(str(p), str(f)): float(gbp) for (p, f), gbp in zip(pairs, after, strict=True) if gbp}


@pytest.mark.parametrize(
    ("agency", "rules", "fund"),
    [
        ("council", (), 50),  # all of the fund, and the grant keeps what it need not pay
        ("", (), 50),  # a fund of no agency: nobody is worse off
        ("nhs", (), 20),  # the health service would pay for the council's lights
        ("council", (CARRIED,), 20),  # nothing goes back
        ("council", (RELEASED,), 20),
        ("", (SHARES,), 20),  # what the council's own streams pay is counted
    ],
)
def test_money_that_goes_back_pays_first_where_nobody_is_worse_off(agency, rules, fund):
    after = paid(agency, *rules)
    assert after["lights", "lamp_fund"] == pytest.approx(fund)
    assert after["lights", "grant"] == pytest.approx(60 - fund)
    assert after["homecare", "grant"] == pytest.approx(100)


def test_a_plan_returns_nothing_that_a_stream_of_its_agency_pays_for():
    answer = solve(two_programmes(), scenario_of(rules=[one_budget(150)]))
    payments = answer.plan.tables["payments"].set_index(["programme_id", "stream_id"])["after_gbp"]
    streams = answer.plan.tables["streams"].set_index("stream_id")
    assert answer.verification.ok
    back = streams.at["lamp_fund", "returned_gbp"]
    assert back == 0 or payments.get(("lights", "grant"), 0.0) == 0
