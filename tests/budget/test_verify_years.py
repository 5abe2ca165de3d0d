"""A hand-worked plan over three years is verified; each wrong figure in it is caught.

The place, the plan and their arithmetic are in ``care_town``; no solver is used.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from placeopt.budget.verify import verify
from placeopt.budget.verify.change import reinvestment
from placeopt.budget.verify.outcomes import lagged_effects, paid_back, rewards
from placeopt.budget.verify.partners import nobody_worse_off
from placeopt.budget.verify.registry import CHECKS
from placeopt.budget.verify.timeline import discount_factors, plan_timeline, whole_units
from placeopt.scenario.rules.budget.money import (
    Capital,
    Commissioning,
    NobodyWorseOff,
    OneBudget,
    Outcomes,
    Pace,
    Reinvestment,
    Statutory,
    Streams,
    ThroughThePlace,
)
from placeopt.scenario.rules.rule import RULES as REGISTERED
from tests.budget.care_town import DF, asked, care_town, plan_by_hand


def tampered(plan, table: str, row: int, column: str, value):
    rows = plan.tables[table].copy()
    rows[column] = rows[column].astype(object)
    rows.loc[row, column] = value
    return replace(plan, tables={**plan.tables, table: rows})


def test_the_plan_worked_by_hand_is_verified_with_its_totals():
    found = verify(care_town(), asked(), plan_by_hand())
    assert [f"{check.name}: {check.detail}" for check in found.broken] == []
    assert found.totals["weighted_outcomes"] == pytest.approx(-(0 + 10 + 15) / 20 / 3)
    assert found.totals["least_money"] == pytest.approx(160 + 143 * DF[1] + 152 * DF[2])
    assert found.totals["fairest"] == pytest.approx((40 - 20) / 20)
    assert found.totals["least_disruption"] == pytest.approx(40 + 20 + 10)
    assert found.do_nothing["least_money"] == pytest.approx(120 * sum(DF))


FIGURES = {
    "spending": ("before_gbp", "after_gbp", "one_off_gbp"),
    "payments": ("after_gbp",),
    "streams": ("spent_after_gbp",),
    "outcomes": ("after",),
    "agencies": ("after_gbp",),
    "objectives": ("do_nothing", "plan"),
    "spending_by_year": (
        *("do_nothing_gbp", "plan_gbp", "change_gbp", "one_off_gbp", "capital_gbp"),
    ),
    "outcomes_by_year": ("do_nothing", "plan", "minimum_standard", "target"),
    "reserves": ("opening_gbp", "in_gbp", "out_gbp", "clawback_gbp", "closing_gbp"),
    "positions": (
        *("cashable_gbp", "freed_gbp", "paid_by_others_gbp", "paid_for_others_gbp"),
        *("given_back_gbp", "unspent_gbp"),
        *("plan_before_transfers_gbp", "transfers_gbp", "plan_gbp"),
    ),
    "transfers": ("amount_gbp",),
    "alone_spending": ("before_gbp", "alone_gbp", "units"),
    "alone_payments": ("before_gbp", "alone_gbp"),
    "cash_flow": ("do_nothing_gbp", "plan_gbp", "saving_gbp"),
    "benefits_chain": (
        *("improvement", "counted", "gross_gbp", "net_gbp", "cashable_gbp"),
        *("discount_factor", "present_gbp", "correction_share"),
    ),
}


@pytest.mark.parametrize("table", FIGURES)
def test_a_wrong_figure_in_any_column_is_caught(table):
    place, scenario, plan = care_town(), asked(), plan_by_hand()
    last = len(plan.tables[table]) - 1
    for column in FIGURES[table]:
        for row in {0, last // 2, last}:
            by = 2.5 if row % 2 else -2.5
            right = float(plan.tables[table].loc[row, column])
            wrong = tampered(plan, table, row, column, right + by)
            assert not verify(place, scenario, wrong).ok, (table, row, column, by)


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("spending_by_year", 3, "units", 2.0),  # hospital in 2027: demand needs three wards
        ("spending_by_year", 3, "units", 3.4),
        ("spending_by_year", 3, "units", float("nan")),
        ("outcomes_by_year", 0, "standard_met", "no"),
        ("outcomes_by_year", 2, "target_met", "yes"),
        ("payments", 0, "stream_id", "council_tax"),
        ("payments", 0, "stream_id", "nobody"),
        ("payments", 0, "year", 2027),
        ("transfers", 0, "to_agency_id", "nhs"),
        ("transfers", 0, "year", 2028),
        ("positions", 0, "alone_gbp", 9.0),
        ("positions", 0, "alone_gbp", 3.0),  # its plan reaches 5
        ("alone_spending", 1, "programme_id", "community"),  # not its to decide
        ("alone_payments", 1, "stream_id", "council_tax"),
        ("transfers", 0, "from_agency_id", "council"),
        ("benefits_chain", 1, "agency_id", "council"),
        ("benefits_chain", 1, "year", 2026),
    ],
)
def test_a_figure_in_the_wrong_place_is_caught(table, row, column, value):
    plan = tampered(plan_by_hand(), table, row, column, value)
    assert not verify(care_town(), asked(), plan).ok


def test_a_missing_row_is_caught():
    plan = plan_by_hand()
    for table in (
        "payments",
        "spending_by_year",
        "reserves",
        "positions",
        "cash_flow",
        "benefits_chain",
    ):
        rows = plan.tables[table].drop(index=1).reset_index(drop=True)
        assert not verify(
            care_town(), asked(), replace(plan, tables={**plan.tables, table: rows})
        ).ok


TIGHTER = {  # each a hair too tight for the plan
    # 2026 spends 160 of 147 and a reserve of 10
    "one_budget": OneBudget(
        rule="one_budget", total_gbp=(147, 157, 152), opening_reserve_gbp=10, carry_over=True
    ),
    "statutory": Statutory(rule="statutory", floors_gbp={"hospital": 82}),
    "outcomes": Outcomes(rule="outcomes", outcome={"bed_days": {"minimum_standard": 38}}),
    "pace": Pace(rule="pace", largest_cut_share=0.18),
    "through_the_place": ThroughThePlace(rule="through_the_place", share=0.06),
    "capital": Capital(rule="capital", pots="streams"),
    "commissioning": Commissioning(rule="commissioning", coherent=(("community", "hub"),)),
}


@pytest.mark.parametrize("name", TIGHTER)
def test_a_rule_a_little_tighter_is_broken(name):
    broken = verify(care_town(), asked(**{name: TIGHTER[name]}), plan_by_hand()).broken
    assert TIGHTER[name].number in {check.number for check in broken}


def test_savings_that_do_not_go_to_prevention_are_caught():
    # community care left at its 20 of today: a fifth of the hospital's saving of 20 is missing
    timeline = plan_timeline(care_town(), asked(), plan_by_hand())
    spend = tuple({**year, "community": 20.0} for year in timeline.spend)
    rule = Reinvestment(rule="reinvestment", share=0.2)
    lazy = reinvestment(care_town(), asked(), rule, replace(timeline, spend=spend))
    assert [breach[0] for breach in lazy] == [0, 4, 2]  # the hub takes 10 of 2028's saving
    full = reinvestment(care_town(), asked(), rule, timeline)
    assert [breach[0] for breach in full] == [-40, 4 - 40, 2 - 40]


def test_reserves_stay_positive_and_end_at_their_start():
    # without a reserve at the start 2026 would be 8 short: 152 - 160
    rule = OneBudget(rule="one_budget", total_gbp=152, carry_over=True)
    found = verify(care_town(), asked(one_budget=rule), plan_by_hand())
    assert "the reserve of 2026: £8 too far" in {check.detail for check in found.broken}
    # 28 at the start and 150 a year: 28 + 450 - 455 = 23 at the end
    rule = OneBudget(rule="one_budget", total_gbp=150, opening_reserve_gbp=28, carry_over=True)
    found = verify(care_town(), asked(one_budget=rule), plan_by_hand())
    assert any("at the end" in check.detail for check in found.broken)


def test_notice_and_double_running_hold_units_and_money():
    place = care_town()
    programmes = place.programmes.copy()
    programmes.loc[0, "notice_years"] = 2  # the hospital may not fall before 2028
    found = verify(place.replace(programmes=programmes), asked(), plan_by_hand())
    assert "notice of Hospital in 2027: £20 too far" in {check.detail for check in found.broken}
    # a year beside the new: the ward that 2026 needed may close in 2028 only
    rule = Pace(rule="pace", largest_cut_share=0.2, double_running_years=1)
    found = verify(place, asked(pace=rule), plan_by_hand())
    assert "units of Hospital in 2027: 1 ward too far" in {check.detail for check in found.broken}


def test_money_freed_beyond_the_closed_ward_is_caught():
    place = care_town()
    provision = place.provision.assign(unit_cost_gbp_per_year=15.0)  # a ward frees 15, not 20
    found = verify(place.replace(provision=provision), asked(), plan_by_hand())
    assert {check.number for check in found.broken} == {"B6"}
    assert "£5 too far" in found.broken[0].detail


def test_contracts_alternatives_and_commitments_are_checked():
    place, plan = care_town(), plan_by_hand()
    programmes = place.programmes.copy()
    programmes.loc[0, "contract_until_year"] = 2027  # the hospital is cut to 80 that year
    broken = verify(place.replace(programmes=programmes), asked(), plan).broken
    assert [check.number for check in broken] == ["B10"]
    assert "contract of Hospital in 2027: £20 too far" in broken[0].detail
    programmes = place.programmes.assign(one_of=["", "care", "care"])
    broken = verify(place.replace(programmes=programmes), asked(), plan).broken
    assert "alternatives of care bought in 2028" in broken[0].detail
    for kind, gbp in (("contracted", 83.0), ("actual", 77.0)):
        commitments = place.commitments.assign(amount_gbp=gbp, kind=kind)
        broken = verify(place.replace(commitments=commitments), asked(), plan).broken
        numbers = ["B9", "B13"] if kind == "actual" else ["B13"]  # the nhs alone spends 100
        assert sorted(check.number for check in broken) == sorted(numbers)


def test_streams_are_returned_or_carried_and_ring_fences_hold():
    place, plan = care_town(), plan_by_hand()
    rows = place.stream_amounts.copy()
    council = rows["stream_id"] == "council_tax"
    rows.loc[council, "amount_gbp"] = [60.0, 43.0, 47.0]  # 2028 pays 52: 5 left over from 2026
    broken = verify(place.replace(stream_amounts=rows), asked(), plan).broken
    assert "B2" in {check.number for check in broken}
    carried = asked(streams=Streams(rule="streams", unspent="carried"))
    broken = verify(place.replace(stream_amounts=rows), carried, plan).broken
    assert "B2" not in {check.number for check in broken}
    streams = place.streams.assign(ring_fenced=[True, False, False])
    broken = verify(place.replace(streams=streams), asked(), plan).broken
    names = {"streams", "positions alone", "cells of streams"}
    assert {check.name for check in broken} == names  # the nhs alone breaches it too
    named = [{"stream_id": "nhs_money", "programme_id": p} for p in ("hospital", "community")]
    allowed = place.stream_programmes.from_records(named)
    fenced = place.replace(streams=streams, stream_programmes=allowed)
    streams = plan.tables["streams"].assign(
        ring_fenced=[True, False, False], returned_gbp=[10.0, 0, 0], left_gbp=[0.0, 8, 30]
    )
    plan = replace(plan, tables={**plan.tables, "streams": streams})
    assert verify(fenced, asked(), plan).broken == ()


@pytest.mark.parametrize("table", plan_by_hand().tables)
def test_incomplete_tables_are_refused_in_words(table):
    """Unknown ids, duplicate rows and missing tables."""
    place, plan = care_town(), plan_by_hand()
    rows = plan.tables[table]
    left = {name: other for name, other in plan.tables.items() if name != table}
    twice = {**plan.tables, table: pd.concat([rows, rows.iloc[:1]], ignore_index=True)}
    for tables in (left, twice) if len(rows) else (left,):  # a table without rows has none twice
        broken = verify(place, asked(), replace(plan, tables=tables)).broken
        assert [check.name for check in broken] == ["rows"]
    for column in [name for name in rows if name.endswith("_id")]:
        for other in ("nowhere", np.nan, 3):
            broken = verify(place, asked(), tampered(plan, table, 0, column, other)).broken
            assert broken[0].name == "rows" or column == "agency_id"  # money without an agency
    if "year" in rows:
        for other in (2025, 2031, 2026.5, np.nan, "2026"):
            broken = verify(place, asked(), tampered(plan, table, 0, "year", other)).broken
            assert [check.name for check in broken] == ["rows"]


def test_what_streams_carry_is_in_their_amounts_of_the_last_year():
    # the council has 60 each year and pays 55, 43, 52: it carries 5 and 17 and has 82 in the end
    plan = plan_by_hand()
    carried = asked(streams=Streams(rule="streams", unspent="carried"))
    streams = plan.tables["streams"].assign(
        amount_gbp=[110.0 + 5 + 10, 60.0 + 5 + 17, 30.0], left_gbp=[25.0, 30.0, 30.0]
    )
    found = verify(care_town(), carried, replace(plan, tables={**plan.tables, "streams": streams}))
    assert found.broken == ()
    names = [check.name for check in verify(care_town(), carried, plan).broken]
    assert names == ["cells of streams"]


def test_nobody_worse_off_over_the_horizon_is_of_discounted_sums():
    # the nhs stands at 5, 13 and 22: 5 worse off than alone in 2026, 3 better in 2027; in 2028 12
    # better, or 2.2: 5 > 3 / 1.035 + 2.2 / 1.035^2 = 4.95 is not enough
    for last, kept in ((10.0, True), (22.0 - 2.2, False)):
        plan = plan_by_hand()
        for row, alone in ((0, 10.0), (2, 10.0), (4, last)):
            plan = tampered(plan, "positions", row, "alone_gbp", alone)
        for when in ("horizon", "every_year"):
            rule = NobodyWorseOff(
                rule="nobody_worse_off", counterfactual="most_it_could_keep", when=when
            )
            timeline = plan_timeline(care_town(), asked(), plan)
            found = nobody_worse_off(care_town(), asked(), rule, timeline, plan)
            worse = max(over for over, _, _, _ in found)
            assert bool(worse <= 0) is (kept and when == "horizon")


def test_an_agency_without_position_pays_from_streams():
    # the council has 5, 17 and 8 unspent: 5 of 2026 may be paid, 6 may not unless streams carry
    # (then 22 by 2027), and over the horizon 5 + 17 / 1.035 + 8 / 1.035^2
    rule = NobodyWorseOff(rule="nobody_worse_off", counterfactual="most_it_could_keep")
    horizon = NobodyWorseOff(
        rule="nobody_worse_off", counterfactual="most_it_could_keep", when="horizon"
    )
    carried = asked(streams=Streams(rule="streams", unspent="carried"))
    for year, gbp, scenario, given, over in (
        (2026, 5.0, asked(), rule, 0.0),
        (2026, 6.5, asked(), rule, 1.5),
        (2027, 22.0, asked(), rule, 5.0),
        (2027, 22.0, carried, rule, 0.0),
        (2028, 25.0, asked(), horizon, 25 * DF[2] - 5 - 17 * DF[1] - 8 * DF[2]),
    ):
        plan = plan_by_hand()
        paid = plan.tables["transfers"].assign(
            year=year, from_agency_id="council", to_agency_id="nhs", amount_gbp=gbp
        )
        plan = replace(plan, tables={**plan.tables, "transfers": paid})
        timeline = plan_timeline(care_town(), scenario, plan)
        found = nobody_worse_off(care_town(), scenario, given, timeline, plan)
        worst = max(over for over, _, what, _ in found if "without a position" in what)
        assert worst == pytest.approx(over)


def test_effects_wait_for_their_lag_and_build_up_with_persistence():
    assert lagged_effects([8.0, 8.0, 8.0], 0, 0.0) == [8, 8, 8]
    assert lagged_effects([8.0, 8.0, 8.0], 1, 0.0) == [0, 8, 8]
    assert lagged_effects([8.0, 8.0, 8.0], 0, 0.5) == [4, 6, 7]
    assert lagged_effects([8.0, 0.0, 0.0], 0, 0.5) == [4, 2, 1]
    assert lagged_effects([8.0, 0.0, 0.0], 1, 0.25) == [0, 6, 1.5]


def test_demand_that_drifts_is_grown_from_the_base_year():
    # 40 bed days growing by 10 % a year: 44, 48.4 - 10, 53.24 - 15
    place = care_town()
    outcomes = place.outcomes.assign(growth_share_per_year=0.1)
    found = verify(place.replace(outcomes=outcomes), asked(), plan_by_hand())
    check = next(check for check in found.broken if check.name == "outcomes by year")
    assert "2026, bed_days: the plan says 40, the tables give 44" in check.detail
    assert "2027, bed_days: the plan says 30, the tables give 38.4" in check.detail
    assert "2028, bed_days: the plan says 25, the tables give 38.24" in check.detail


def test_rewards_come_in_a_year_later_and_their_deferred_part_two():
    # target 35, stretch 28, 3 GBP a day: 2027 is 5 days beyond (30), 2028 is 7 (25, at the stretch)
    place = care_town()
    outcomes = place.outcomes.assign(target=35.0, stretch=28.0, reward_gbp_per_unit=3.0)
    place = place.replace(outcomes=outcomes)
    timeline = plan_timeline(place, asked(), plan_by_hand())
    assert rewards(place, asked(), timeline) == [0, 0, 15]
    deferred = asked(outcomes=Outcomes(rule="outcomes", deferred_share=0.4))
    assert rewards(place, deferred, timeline) == pytest.approx([0, 0, 9])


def test_clawback_of_a_missed_result_by_hand():
    # target 28: 40, 30 and 25 days are 12, 2 and 0 above it; 3 GBP a day, at most down to 36
    place, timeline = care_town(), plan_timeline(care_town(), asked(), plan_by_hand())
    outcomes = place.outcomes.assign(target=28.0, clawback_gbp_per_unit=3.0)
    place = place.replace(outcomes=outcomes)
    assert paid_back(place, asked(), timeline) == pytest.approx([0, 36, 6])
    place = place.replace(outcomes=outcomes.assign(clawback_until=36.0))
    assert paid_back(place, asked(), timeline) == pytest.approx([0, 24, 6])
    place = place.replace(outcomes=outcomes.assign(target=20.0))  # the last year sets its own aside
    assert paid_back(place, asked(), timeline) == pytest.approx([0, 60, 30 + 15])


def test_discounting_follows_the_declining_schedule():
    factor = discount_factors(asked(), 78)
    assert factor[1] == pytest.approx(1 / 1.035)
    assert factor[30] == pytest.approx(1.035**-30)
    assert factor[31] == pytest.approx(1.035**-30 / 1.03)
    assert factor[77] == pytest.approx(1.035**-30 * 1.03**-45 * 1.025**-2)


def test_units_are_whole_and_rounding_is_not_a_ward():
    assert [whole_units(d, 10) for d in (0, 1, 10, 10.000001, 10.1, 40)] == [0, 1, 1, 1, 2, 4]


def test_every_registered_budget_rule_has_a_check():
    names = {rule.name for rule in REGISTERED.values() if rule.problem == "budget"}
    assert names == {*CHECKS, "nobody_worse_off"}


KEPT = OneBudget(rule="one_budget", total_gbp=152, opening_reserve_gbp=20, carry_over=True)
LOST = OneBudget(rule="one_budget", total_gbp=165)


@pytest.mark.parametrize(
    ("budget", "unspent", "payer", "year", "gbp", "over"),
    [
        (KEPT, "returned", "nhs", 2027, 9.0, 0.0),
        (KEPT, "returned", "nhs", 2027, 10.0, 1.0),
        (LOST, "returned", "nhs", 2028, 12.0, 0.0),
        (LOST, "returned", "council", 2026, 5.5, 0.5),
        (LOST, "returned", "council", 2027, 23.0, 1.0),
        (LOST, "carried", "council", 2027, 27.0, 0.0),
        (LOST, "carried", "council", 2027, 28.0, 1.0),
    ],
)
def test_transfers_fit_in_what_the_one_budget_leaves(budget, unspent, payer, year, gbp, over):
    """The plan pays 160, 143 and 152; the nhs saves 0, 8 and 12 in cash, the council nothing.

    A total of 165 leaves 5, 22 and 13: the council pays at most these, or 27 by 2027 where streams
    carry; the nhs pays the 12 that it saved in any case. With 152 and a reserve that is carried
    over, the reserve is 12, 21 and 21, and must be 20 at the end: 1 is left, so that in 2027 the
    nhs may pay 8 + 1.
    """
    scenario = asked(one_budget=budget, streams=Streams(rule="streams", unspent=unspent))
    rule = NobodyWorseOff(rule="nobody_worse_off", counterfactual="today")
    plan = plan_by_hand()
    other = "nhs" if payer == "council" else "council"
    paid = plan.tables["transfers"].assign(
        year=year, from_agency_id=payer, to_agency_id=other, amount_gbp=gbp
    )
    plan = replace(plan, tables={**plan.tables, "transfers": paid})
    found = nobody_worse_off(
        care_town(), scenario, rule, plan_timeline(care_town(), scenario, plan), plan
    )
    worst = max((by for by, _, what, _ in found if "does not leave" in what), default=0.0)
    assert max(0.0, worst) == pytest.approx(over)
