"""The counterfactual of B9: an agency's own best plan for the same outcomes, today, or the most
that it could keep; worked by hand, compared with the reference model, and checked by the
verifier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from placeopt.budget import solve
from placeopt.budget.verify import verify
from placeopt.engine import Status
from placeopt.place import read_place
from placeopt.report.narrative.narrative import headline
from placeopt.scenario import read_scenario
from placeopt.scenario.rules.budget.money import NobodyWorseOff, OneBudget, Outcomes
from tests.budget.places import by_year, place_over_years, random_place, scenario_of, solved
from tests.budget.test_agreement import reference  # noqa: F401
from tests.support.places import place_of

pytestmark = pytest.mark.filterwarnings("ignore:PULP_CBC_CMD:DeprecationWarning")


def rule(**given) -> NobodyWorseOff:
    return NobodyWorseOff(rule="nobody_worse_off", **given)


def two_agencies(**benefit):
    """The nhs has the open grant of 200 and runs homecare (100 today); the council has the lamp
    fund of 50, which only its lights may have (100 today, 50 of them from the grant)."""
    place = place_over_years(1)
    tables = {key: rows.to_dict("records") for key, rows in place.tables.items() if len(rows)}
    for row, agency in zip(tables["streams"], ("nhs", "council"), strict=True):
        row["agency_id"] = agency
    if benefit:
        tables["benefits"] = [{"benefit_id": "b", "outcome_id": "falls", "unit_value_gbp": 50,
                               "cashable_share": 1.0, **benefit}]  # fmt: skip
    return place_of(**tables)


def stands(answer):
    return answer.plan.tables["positions"].set_index("agency_id")


@pytest.mark.parametrize("counterfactual", ["alone_for_outcomes", "today"])
def test_one_pot_needs_a_payment_back(counterfactual):
    """The nhs's grant leaves the lights only where the council is paid for it.

    A pound of homecare is worth 0.005 ranges, of the lights 0.0025: without the rule homecare gets
    all 200 of the grant. Alone the nhs pays the lights 50 as today and homecare 150, and the
    council gets those 50: positions alone -50 and 50 (as today). With 200 for homecare the council
    is 50 short, and the nhs, which has spent all, has no money for a transfer. A pound kept for a
    transfer does less than a pound for the lights, so they get their 50: homecare 150.
    """
    free = solved(two_agencies(), years=1)
    assert by_year(free, "homecare") == [200]
    answer = solved(two_agencies(), rule(counterfactual=counterfactual), years=1)
    assert by_year(answer, "homecare") == [150]
    assert by_year(answer, "lights") == [100]
    rows = stands(answer)
    assert rows["alone_gbp"].to_dict() == pytest.approx({"council": 50, "nhs": -50})
    assert rows["paid_by_others_gbp"].to_dict() == pytest.approx({"council": 50, "nhs": 0})
    assert rows["paid_for_others_gbp"].to_dict() == pytest.approx({"council": 0, "nhs": 50})
    assert answer.plan.tables["transfers"].empty


def test_a_cash_benefit_replaces_a_lost_payment():
    """A fall prevented saves the council 50 in cash: with 200 for homecare (one fall fewer than
    today) it has 50 of cash and nothing of the grant, against 0 + 50 alone: just as much."""
    answer = solved(two_agencies(agency_id="council"), rule(), years=1)
    assert by_year(answer, "homecare") == [200]
    rows = stands(answer)
    assert rows.loc["council", "cashable_gbp"] == pytest.approx(50)
    assert rows.loc["council", "alone_gbp"] == pytest.approx(50)


def test_saved_cash_funds_transfers():
    """The same 50 of cash saved by the nhs: alone it prevents half a fall with 150 (25 of cash,
    less the 50 for the lights: -25); with 200 it saves 50 and pays them to the council: 0 and 50.
    """
    answer = solved(two_agencies(agency_id="nhs"), rule(), years=1)
    assert by_year(answer, "homecare") == [200]
    rows = stands(answer)
    assert rows["alone_gbp"].to_dict() == pytest.approx({"council": 50, "nhs": -25})
    assert rows["transfers_gbp"].to_dict() == pytest.approx({"council": 50, "nhs": -50})
    assert rows["plan_gbp"].to_dict() == pytest.approx({"council": 50, "nhs": 0})


def test_ring_fenced_money_pays_no_transfers():
    """A further 50 of the nhs, of no use to homecare (200 at most): open, it pays for the lights in
    place of the grant (or is paid over); fenced for a programme that does nothing, it does neither,
    and the grant has to pay them again."""
    place = two_agencies()
    tables = {key: rows.to_dict("records") for key, rows in place.tables.items() if len(rows)}
    tables["programmes"][0]["maximum_gbp_per_year"] = 200
    tables["programmes"].append({"programme_id": "idle", "agency_id": "nhs"})
    tables["stream_amounts"].append({"stream_id": "more", "year": 2026, "amount_gbp": 50})
    tables["stream_programmes"].append({"stream_id": "more", "programme_id": "idle"})
    for fenced, homecare in ((False, 200), (True, 150)):
        added_in_words = {"stream_id": "more", "agency_id": "nhs", "ring_fenced": fenced}
        changed = place_of(**{**tables, "streams": [*tables["streams"], added_in_words]})
        answer = solved(changed, rule(), years=1)
        assert by_year(answer, "homecare") == [homecare]
        assert by_year(answer, "lights") == [100]


def test_money_cut_by_the_total_pays_no_transfers():
    """A total of 180 takes 20 of what the grant brings in on paper.

    The council lacks the 50 that the grant pays for its lights. Homecare has the largest effect of
    a pound, so it loses only those 50: 130 for homecare, 50 for lights. The 20 that seem unspent in
    the grant do not exist (180 - 130 - 50 = 0) and pay no transfers.
    """
    answer = solved(two_agencies(), OneBudget(rule="one_budget", total_gbp=180), rule(), years=1)
    assert by_year(answer, "homecare") == [130]
    assert by_year(answer, "lights") == [50]
    assert answer.verification.ok
    assert answer.plan.tables["transfers"].empty
    rows = stands(answer)
    assert rows["paid_by_others_gbp"].to_dict() == pytest.approx({"council": 50, "nhs": 0})
    assert rows.loc["nhs", "unspent_gbp"] == pytest.approx(20)


def test_saved_cash_funds_transfers_though_the_total_binds():
    """As above, but a fall prevented saves the nhs 50 in cash: h for homecare saves (h - 100) / 2.

    It pays those to the council, and the lights 180 - h: (h - 100) / 2 + 180 - h = 50 with h = 160,
    which saves 30, in addition to the 20 for lights; with the 20 that the total took it would be
    200.
    """
    place = two_agencies(agency_id="nhs")
    answer = solved(place, OneBudget(rule="one_budget", total_gbp=180), rule(), years=1)
    assert answer.verification.ok
    assert by_year(answer, "homecare") == [160]
    rows = stands(answer)
    assert rows["transfers_gbp"].to_dict() == pytest.approx({"council": 30, "nhs": -30}, abs=0.01)


@pytest.mark.parametrize("share", [None, 0.0])
def test_marlshire_can_leave_nobody_worse_off_without_a_cut(data, share):
    """With no cut at all a plan exists in which no agency of the shipped place is worse off."""
    place = read_place(data / "marlshire")
    scenario = read_scenario(data / "marlshire" / "scenarios" / "budget.toml")
    rules = tuple(one for one in scenario.rules if one.name != "one_budget")
    if share is not None:
        rules = (*rules, OneBudget(rule="one_budget", reduction_share=share))
    answer = solve(place, scenario.model_copy(update={"rules": (*rules, rule())}))
    assert answer.result.status is Status.OPTIMAL
    assert answer.verification.ok


def test_positions_alone_are_shown_where_rules_clash():
    """Nine falls need all 200 of the grant for homecare, and the council 50 of it: no plan, but the
    explanation has both stand-alone positions and the least relaxation."""
    falls = Outcomes(rule="outcomes", outcome={"falls": {"minimum_standard": 9}})
    answer = solved(two_agencies(), falls, rule(only_together=("falls",)), years=1)
    assert answer.result.status is Status.INFEASIBLE
    alone = answer.explanation.tables["positions_alone"].set_index("agency_id")["alone_gbp"]
    assert alone.to_dict() == pytest.approx({"council": 50, "nhs": -50})
    assert set(answer.explanation.tables["alone_objectives"]["agency_id"]) == {"council", "nhs"}
    gives = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert "council would be £50 worse off than alone" in gives["nobody_worse_off"]


def random_agencies(seed: int):
    """A random place of two agencies, some streams fenced, with cash benefits to either."""
    rng = np.random.default_rng(seed)
    place = random_place(seed, programmes=3, streams=3, whole=True)
    tables = {key: rows.to_dict("records") for key, rows in place.tables.items() if len(rows)}
    fenced = rng.random(3) < 0.3
    for number, stream in enumerate(tables["streams"]):
        stream |= {"ring_fenced": bool(fenced[number]), "agency_id": "ab"[number % 2]}
    for number, programme in enumerate(tables["programmes"]):
        programme["agency_id"] = "ab"[int(rng.integers(2))] if number else "a"
    tables["stream_programmes"] = [
        {"stream_id": stream["stream_id"], "programme_id": programme["programme_id"]}
        for stream in tables["streams"]
        for programme in tables["programmes"]
        if stream["ring_fenced"]
    ]
    tables["benefits"] = [
        {"benefit_id": f"{one['outcome_id']}{agency}", "outcome_id": one["outcome_id"],
         "agency_id": agency, "unit_value_gbp": float(rng.integers(0, 30)),
         "cashable_share": 0.5, "deadweight_share": 0.2}
        for one in tables["outcomes"]
        for agency in "ab"
        if rng.random() < 0.6
    ]  # fmt: skip
    tables = {name: rows for name, rows in tables.items() if rows}
    return place_of(**tables)


def agrees(seed: int, reference) -> None:  # noqa: F811
    """Engine and reference model agree on stand-alone positions, on feasibility and on the
    value."""
    place = random_agencies(seed)
    total = 0.9 * float(place.spending["amount_gbp"].sum())
    budget = OneBudget(rule="one_budget", total_gbp=total)
    answer = solve(place, scenario_of(rules=[budget, rule()]))
    tables, positions = dict(place.tables), {}
    found = answer.plan.tables["positions"] if answer.plan is not None else None
    if found is None:
        found = answer.explanation.tables["positions_alone"]
    for agency, gbp in zip(found["agency_id"], found["alone_gbp"], strict=True):
        ends = reference.alone(tables, agency, total)
        assert (ends is None) == np.isnan(gbp), (seed, agency)
        if ends is not None:
            assert ends[0] - 0.05 <= gbp <= ends[1] + 0.05, (seed, agency)
            positions[agency] = gbp
    best = reference.solve(tables, total, positions={a: gbp - 1e-4 for a, gbp in positions.items()})
    if answer.plan is None:
        tight = {a: gbp + 1e-3 for a, gbp in positions.items()}
        assert best is None or reference.solve(tables, total, positions=tight) is None, seed
        return
    assert best is not None, seed
    assert answer.verification.ok
    assert answer.result.objective == pytest.approx(best, abs=2e-4 * max(1, abs(best))), seed
    rows, moved = answer.plan.tables["positions"], answer.plan.tables["transfers"]
    paid = moved.groupby("from_agency_id")["amount_gbp"].sum() if len(moved) else {}
    left = total - answer.plan.tables["spending"]["after_gbp"].sum()
    for row in rows.itertuples():
        has = row.unspent_gbp + row.cashable_gbp + row.given_back_gbp
        assert paid.get(row.agency_id, 0.0) <= max(0.0, has) + 0.01, seed
        left -= max(0.0, paid.get(row.agency_id, 0.0) - max(0.0, row.cashable_gbp))
    assert not len(moved) or left >= -0.01, seed


@pytest.mark.parametrize("seed", range(8))
def test_engine_and_reference_agree_on_nobody_worse_off(seed, reference):  # noqa: F811
    """A seeded sample of small places, each also read by the verifier."""
    agrees(seed, reference)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(8, 508))
def test_all_places_agree_on_nobody_worse_off(seed, reference):  # noqa: F811
    """The same of 500 more places."""
    agrees(seed, reference)


LIES = {
    "positions": (
        *("alone_gbp", "alone_low_gbp", "alone_high_gbp", "cashable_gbp", "freed_gbp"),
        *("paid_by_others_gbp", "paid_for_others_gbp", "given_back_gbp", "unspent_gbp"),
        *("plan_before_transfers_gbp", "transfers_gbp", "plan_gbp"),
    ),
    "transfers": ("amount_gbp",),
    "alone_spending": ("before_gbp", "alone_gbp"),
    "alone_payments": ("before_gbp", "alone_gbp"),
    "alone_objectives": ("alone",),
}


@pytest.fixture(scope="module")
def paid_back():
    return solved(two_agencies(agency_id="nhs"), rule(), years=1)


@pytest.mark.parametrize("table", LIES)
def test_a_wrong_position_is_caught(table, paid_back):
    """A small change of any figure of these tables fails."""
    plan = paid_back.plan
    for column in LIES[table]:
        for row in range(len(plan.tables[table])):
            for by in (3.0, -3.0):
                rows = plan.tables[table].copy()
                rows[column] = rows[column].astype(float)
                rows.loc[row, column] += by
                if (column, by) in (("alone_low_gbp", -3.0), ("alone_high_gbp", 3.0)):
                    rows.loc[row, column] += by  # a range of 2 GBP is rounding
                lie = replace(plan, tables={**plan.tables, table: rows})
                found = verify(paid_back.place, paid_back.scenario, lie)
                assert not found.ok, (table, column, row, by)


def test_the_terminal_names_the_counterfactual(paid_back):
    """One sentence says what positions are compared with."""
    assert headline(paid_back).count("its own best plan for the same objective") == 1
