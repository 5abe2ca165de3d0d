"""Every rule B1 to B13 binding and relaxed: both values worked by hand, the second no worse.

``two_programmes``: a pound of homecare (h) is worth 0.005 ranges, a pound of lights (l) 0.0025 up
to 150; both have 100 today, so a plan's value is -(0.005 (h - 100) + 0.0025 (l - 100)). An open
grant of 200, fenced money of 50 for the lights.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from placeopt.budget import solve
from placeopt.place import Place
from placeopt.scenario.rules.budget.money import (
    Capital,
    Commissioning,
    Continuity,
    NobodyWorseOff,
    Outcomes,
    Pace,
    Prevention,
    Reinvestment,
    Statutory,
    Streams,
    ThroughThePlace,
    Uncertainty,
)
from placeopt.scenario.rules.rule import RULES
from tests.budget.places import one_budget, scenario_of, two_programmes
from tests.support.places import place_of


@dataclass(frozen=True)
class Case:
    """A question with a rule that binds, the same with the rule relaxed, and both values."""

    place: Place
    tight: tuple
    loose: tuple
    value: float
    relaxed: float
    relaxed_place: Place | None = None
    objective: str = "weighted_outcomes"
    dropped: tuple[str, ...] = ()  # of the relaxed question


def place_with(**tables) -> Place:
    place = two_programmes()
    rows = {key: table.to_dict("records") for key, table in place.tables.items() if len(table)}
    for name, changes in tables.items():
        old = rows.get(name, [])
        rows[name] = changes if isinstance(changes, list) else [
            {**row, **changes.get(row["programme_id"], {})} for row in old
        ]  # fmt: skip
    return place_of(**rows)


def worth(h: float, l: float) -> float:
    return -(0.005 * (h - 100) + 0.0025 * (l - 100))


def one_budget_case() -> Case:
    # the lights go first, and 10 more pounds go to homecare
    two = (one_budget(180),), (one_budget(190),)
    return Case(two_programmes(), *two, worth(180, 0), worth(190, 0))


def streams_case() -> Case:
    # of 230 only 200 may pay for homecare; released, all of it may
    released = (one_budget(230), Streams(rule="streams", release=("lamp_fund",)))
    return Case(two_programmes(), (one_budget(230),), released, worth(200, 30), worth(230, 0))


def statutory_case() -> Case:
    floors = (Statutory(rule="statutory", floors_gbp={"lights": gbp}) for gbp in (60, 30))
    tight, loose = ((one_budget(180), rule) for rule in floors)
    return Case(two_programmes(), tight, loose, worth(120, 60), worth(150, 30))


def outcomes_case() -> Case:
    # 49.8 lets the lights lose 0.2 of their 0.5 points: 60 pounds stay; 49.65 needs only 30
    standards = (
        Outcomes(rule="outcomes", outcome={"safe": {"minimum_standard": level}})
        for level in (49.8, 49.65)
    )
    tight, loose = ((one_budget(180), rule) for rule in standards)
    return Case(two_programmes(), tight, loose, worth(120, 60), worth(150, 30))


def pace_case() -> Case:
    paces = (Pace(rule="pace", largest_cut_share=cut) for cut in (0.3, 0.5))
    tight, loose = ((one_budget(180), rule) for rule in paces)
    return Case(two_programmes(), tight, loose, worth(110, 70), worth(130, 50))


def prevention_case() -> Case:
    # 31 bed days need 38 on community care (half a day a pound, at most 20 days at 40). With whole
    # wards 31 days need four, 30 days three: 40 and a hospital of 100 - 25 is cheapest. Freed of
    # wards the hospital would cost nothing: 38 is enough.
    place = place_of(
        programmes=[{"programme_id": "hospital"}, {"programme_id": "community"}],
        streams=[{"stream_id": "grant"}],
        stream_amounts=[{"stream_id": "grant", "year": 2026, "amount_gbp": 200}],
        spending=[
            {"year": 2025, "programme_id": key, "stream_id": "grant", "amount_gbp": gbp}
            for key, gbp in (("hospital", 100), ("community", 20))
        ],
        outcomes=[
            {"outcome_id": "beds", "unit": "days", "direction": "lower", "baseline": 40,
             "minimum_standard": 31, "target": 30}
        ],
        provision=[
            {"programme_id": "hospital", "outcome_id": "beds", "unit_capacity": 10,
             "unit_cost_gbp_per_year": 25}
        ],
        curves=[{"programme_id": "community", "outcome_id": "beds", "form": "points"}],
        curve_points=[
            {"programme_id": "community", "outcome_id": "beds", "spend_gbp": 40, "effect": 20}
        ],
    )  # fmt: skip
    rules = (one_budget(200), Prevention(rule="prevention"))
    return Case(place, rules, rules[:1], 115, 38, objective="least_money")


def reinvestment_case() -> Case:
    # lights preventive, 150 in all: they keep their 100 and get a fifth of what homecare loses:
    # l = 100 + 0.2 (100 - h), h + l = 150 gives l = 112.5; without a share l = 100
    place = place_with(programmes={"lights": {"kind": "preventive"}})
    shares = (Reinvestment(rule="reinvestment", share=share) for share in (0.2, 0.0))
    tight, loose = ((one_budget(150), rule) for rule in shares)
    return Case(place, tight, loose, worth(37.5, 112.5), worth(50, 100))


def through_the_place_case() -> Case:
    # the council's streams bring 250: three tenths are 75 for the pooled lights, two tenths 50
    place = place_with(programmes={"lights": {"pooled": True}})
    shares = (ThroughThePlace(rule="through_the_place", share=share) for share in (0.3, 0.2))
    tight, loose = ((one_budget(180), rule) for rule in shares)
    return Case(place, tight, loose, worth(105, 75), worth(130, 50))


def nobody_worse_off_case() -> Case:
    # alone the nhs keeps 130 of its grant (20 for homecare's floor, 50 to the lights as today)
    # and the council all its 50: together they let 70 of the 250 be spent
    place = two_programmes()
    place = place.replace(streams=place.streams.assign(agency_id=["nhs", "council"]))
    rule = NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep")
    return Case(place, (rule,), (), worth(70, 0), worth(200, 50))


def commissioning_case() -> Case:
    # 20 of 220 would be left for the lights, whose efficient scale is 60: none is bought
    place = place_with(programmes={"lights": {"minimum_scale_gbp_per_year": 60}})
    rules = (one_budget(220), Commissioning(rule="commissioning"))
    given = {"dropped": ("commissioning",)}
    return Case(place, rules, rules[:1], worth(200, 0), worth(200, 20), **given)


def capital_case() -> Case:
    # telecare prevents 0.02 falls a pound (0.01 ranges) up to 50, needs 40 of capital; there are
    # 30, and with a receipt of 10 enough: 50 to telecare, 130 to homecare
    place = two_programmes()
    rows = {key: table.to_dict("records") for key, table in place.tables.items() if len(table)}
    rows["programmes"].append({"programme_id": "telecare", "capital_gbp": 40})
    rows["streams"].append({"stream_id": "build", "purpose": "capital"})
    rows["stream_amounts"].append({"stream_id": "build", "year": 2026, "amount_gbp": 30})
    key = {"programme_id": "telecare", "outcome_id": "falls"}
    rows["curves"].append({**key, "form": "points"})
    rows["curve_points"].append({**key, "spend_gbp": 50, "effect": 1.0})
    rules = (Capital(rule="capital", receipts_gbp=gbp) for gbp in (0, 10))
    tight, loose = ((one_budget(180), rule) for rule in rules)
    return Case(place_of(**rows), tight, loose, worth(180, 0), worth(130, 0) - 0.5)


def uncertainty_case() -> Case:
    # a standard of 49.75 lets the lights lose 0.25 points, 50 pounds; if a pound may be
    # worth up to `most` times the stated value, only 50 / most
    rules = [
        Uncertainty(rule="uncertainty", spread_by_grade={"": size}, scenarios=20)
        for size in (0.3, 0.0)
    ]
    held = Outcomes(rule="outcomes", outcome={"safe": {"minimum_standard": 49.75}})
    most = max(draw[1] for draw in rules[0].factors(["", ""]))
    kept = 100 - 50 / most
    tight, loose = ((one_budget(180), held, rule) for rule in rules)
    return Case(two_programmes(), tight, loose, worth(180 - kept, kept), worth(130, 50))


def continuity_case() -> Case:
    # 60 are contracted for the lights; were it 30, 30 more would go to homecare
    places = [
        place_with(commitments=[{"programme_id": "lights", "year": 2026, "amount_gbp": gbp}])
        for gbp in (60, 30)
    ]
    rules = (one_budget(180), Continuity(rule="continuity"))
    return Case(places[0], rules, rules, worth(120, 60), worth(150, 30), places[1])


CASES = {
    "one_budget": one_budget_case,
    "streams": streams_case,
    "statutory": statutory_case,
    "outcomes": outcomes_case,
    "pace": pace_case,
    "prevention": prevention_case,
    "reinvestment": reinvestment_case,
    "through_the_place": through_the_place_case,
    "nobody_worse_off": nobody_worse_off_case,
    "commissioning": commissioning_case,
    "capital": capital_case,
    "uncertainty": uncertainty_case,
    "continuity": continuity_case,
}


def test_every_registered_rule_has_a_case_that_binds_and_relaxes():
    assert set(CASES) == {rule.name for rule in RULES.values() if rule.problem == "budget"}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_binds_and_relaxing_it_is_never_worse(name):
    case = CASES[name]()
    bound = solve(case.place, scenario_of(case.objective, rules=case.tight))
    free = solve(
        case.relaxed_place or case.place,
        scenario_of(case.objective, rules=case.loose, drop=case.dropped),
    )
    assert bound.verification.ok
    assert free.verification.ok
    near = 1e-4 * max(1, abs(case.value))
    assert bound.result.objective == pytest.approx(case.value, abs=near)
    assert free.result.objective == pytest.approx(case.relaxed, abs=near)
    assert free.result.objective < bound.result.objective
