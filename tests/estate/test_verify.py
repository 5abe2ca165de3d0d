"""The verifier catches plans that were tampered with, and reports what today's estate breaks."""

from dataclasses import replace

import numpy as np
import pytest

from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.place.synth import synthesise
from placeopt.scenario.rules.estate.services import Access, Capital, Network, Revenue
from tests.estate.places import scenario
from tests.support.places import crow_minutes


@pytest.fixture(scope="module")
def answer():
    place = synthesise(zones=14, buildings=30, seed=3)
    asked = scenario(
        Access(services="all", minutes=30, share=0.6),
        Capital(pot_gbp=4e6, recycled_share=0.5),
        Revenue(share_of_today=0.9),
        Network(at_most=25),
        gap=0.05,
        seconds=20,
        years=30,
    )
    return solve(place, crow_minutes(place, cutoff=120), asked)


def tampered(answer, **changes):
    """The verification after each named table is changed by its function."""
    tables = dict(answer.plan.tables)
    for name, change in changes.items():
        tables[name] = tables[name].copy()
        change(tables[name])
    return verify(answer.place, answer.times, answer.scenario, replace(answer.plan, tables=tables))


def broken(verification):
    return {check.number or check.name for check in verification.broken}


def test_a_plan_as_solved_holds_and_its_totals_are_found_again(answer):
    assert answer.verification.ok
    stated = answer.plan.objectives.set_index("objective")["plan"]
    for name in stated.index:
        assert answer.verification.totals[name] == pytest.approx(stated[name], rel=1e-6)
    assert answer.plan.summary["running_cost_after_gbp_per_year"] == pytest.approx(
        answer.verification.totals["running_cost"], rel=1e-6
    )


def test_the_money_table_adds_up_to_the_running_costs(answer):
    money, totals = answer.plan.money, answer.verification
    assert money["after_gbp_per_year"].sum() == pytest.approx(totals.totals["running_cost"])
    assert money["before_gbp_per_year"].sum() == pytest.approx(totals.do_nothing["running_cost"])


def test_every_resident_is_in_one_band(answer):
    people = answer.place.zones["population"].sum()
    for _, bands in answer.plan.bands.groupby("service_id"):
        assert bands["residents_before"].sum() == pytest.approx(people)
        assert bands["residents_after"].sum() == pytest.approx(people)


def test_every_building_has_a_reason(answer):
    assert (answer.plan.buildings["why"].str.len() > 10).all()


def test_a_visit_taken_away_breaks_served(answer):
    def change(rows):
        rows.loc[0, "share"] = 0.5

    assert "E1" in broken(tampered(answer, assignment_by_year=change))


def test_a_visit_sent_to_a_building_without_it_breaks_hosted(answer):
    """A visit sent to a building without the service breaks hosted."""
    closed = answer.plan.buildings.query("decision == 'close'")["building_id"].iloc[0]

    def change(rows):
        rows.loc[0, "building_id"] = closed

    assert "E2" in broken(tampered(answer, assignment_by_year=change))


def test_closing_a_building_that_hosts_breaks_opened(answer):
    hosts = answer.plan.services.query("after")["building_id"].iloc[0]

    def change(rows):
        rows.loc[rows["building_id"] == hosts, "state"] = "held"

    assert "E3" in broken(tampered(answer, buildings_by_year=change))


def test_an_end_state_other_than_the_last_year_fails(answer):
    """An end state that is not the last year breaks the arithmetic."""

    def change(rows):
        rows.loc[rows["decision"] == "keep", "decision"] = "close"

    assert broken(tampered(answer, buildings=change)) == {"arithmetic"}


def test_a_wrong_figure_breaks_the_arithmetic(answer):
    for column in ("running_cost_after_gbp_per_year", "capital_gbp", "area_used_m2"):

        def change(rows, column=column):
            rows.loc[0, column] += 10.0

        assert "arithmetic" in broken(tampered(answer, buildings=change))


def test_tighter_rules_than_the_plan_was_made_for_are_broken(answer):
    spent = answer.verification.totals
    for rule, number in (
        (Capital(pot_gbp=0), "E10"),
        (Revenue(ceiling_gbp_per_year=0.5 * spent["running_cost"]), "E11"),
        (Network(at_most=1), "E9"),
        (Access(services="all", minutes=1, share=1.0), "E7"),
    ):
        asked = scenario(rule, years=30)
        found = verify(answer.place, answer.times, asked, answer.plan)
        assert number in broken(found)


def test_what_today_breaks_is_reported_and_never_stops_a_plan(answer):
    names = {check.number for check in answer.verification.broken_today}
    assert {"E9", "E11"} <= names


def test_shares_and_minutes_of_the_assignment_are_whole(answer):
    rows = answer.plan.assignment
    total = rows.groupby(["zone_id", "service_id"])["share"].sum()
    assert np.allclose(total, 1)
    assert rows["minutes"].notna().all()
