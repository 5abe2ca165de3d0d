"""An impossible sequence in a plan over years is caught, even if its figures are consistent."""

from dataclasses import replace

import pytest

from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.rules.estate.services import Capital, Sequence
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes


@pytest.fixture(scope="module")
def answer():
    """S leaves B1 (10,000) in 2027 for B2 (1,000), fitted out in 2026; B1 is sold, and its receipt
    of 4,000 comes a year later, a year in which it costs 100 to hold."""
    services = [{"service_id": "S", "area_base_m2": 10.0, "moving_cost_gbp": 500.0}]
    sold = {
        "capital_receipt_gbp": 4_000.0,
        "sale_lag_years": 1,
        "holding_cost_gbp_per_year": 100.0,
    }
    target = building("B2", 1_000, status="candidate", fit_out_gbp_per_m2=100.0)
    here = town([building("B1", 10_000, **sold), target], services)
    asked = scenario(
        Sequence(moves_per_year=1), Capital(pot_gbp=2_000), year=2026, decided=3, rate=0.0
    )
    return solve(here, minutes(here, drive=[[10.0, 10.0]] * 2), asked)


def broken(answer, **changes):
    """Numbers of the checks that fail after changing cells: table -> [(year, id, column,
    value)]."""
    tables = dict(answer.plan.tables)
    for name, cells in changes.items():
        rows = tables[name] = tables[name].astype(object)
        for year, i, column, value in cells:
            rows.loc[(rows["year"] == year) & (rows["building_id"] == i), column] = value
    plan = replace(answer.plan, tables=tables)
    found = verify(answer.place, answer.times, answer.scenario, plan)
    return {c.number: c.detail for c in found.broken}


def moved(year, away, to):
    """S hosted at ``to`` instead of ``away`` in a year, with all residents sent there."""
    return {
        "services_by_year": [(year, away, "hosted", "no"), (year, to, "hosted", "yes")],
        "buildings_by_year": [(year, away, "state", "held"), (year, to, "state", "open")],
        "assignment_by_year": [(year, away, "building_id", to)],
    }


def test_the_plan_moves_once_and_sells(answer):
    b1 = answer.plan.buildings.set_index("building_id").loc["B1"]
    assert (b1["closes_year"], b1["disposal_year"], b1["receipt_year"]) == (2027, 2027, 2028)
    assert answer.result.objective == pytest.approx(10_000 + 1_000 + 500 + 2 * 1_000 + 100 - 4_000)
    assert answer.verification.ok


def test_a_lease_that_ends_between_its_break_dates_is_caught():
    """B2's lease ends in 2026, a break date if no interval is stated, but not if the next is in
    2027; the verified plan is the same."""
    lease = {"tenure": "leasehold", "holding_cost_gbp_per_year": 100.0, "lease_break_year": 2024}
    here = town([building("B1", 1_000), building("B2", 30_000, **lease)])
    asked, times = scenario(year=2026, decided=2), minutes(here, drive=[[10.0, 10.0]] * 2)
    plan = solve(here, times, asked).plan
    assert verify(here, times, asked, plan).ok
    here.buildings["lease_break_every_years"] = [0, 3]
    found = " ".join(check.detail for check in verify(here, times, asked, plan).broken)
    assert "the lease of building B2 cannot end in 2026" in found


def test_a_building_may_not_open_again(answer):
    cells = [(2028, "B1", "state", "open")]
    assert "opens again in 2028" in broken(answer, buildings_by_year=cells)[""]


def test_a_disposal_is_final(answer):
    cells = [(2028, "B1", "state", "held")]
    assert "disposed of before 2028 and not then" in broken(answer, buildings_by_year=cells)[""]


def test_a_service_may_not_move_before_its_floor_is_fitted_out(answer):
    found = broken(answer, **moved(2026, "B1", "B2"))
    assert "moves into B2 in 2026, before it is fitted" in found["E12"]


def test_moves_of_a_year_are_counted(answer):
    asked = answer.scenario.model_copy(
        update={
            "rules": tuple(
                Sequence(moves_per_year=0) if rule.name == "sequence" else rule
                for rule in answer.scenario.rules
            )
        }
    )
    found = verify(answer.place, answer.times, asked, answer.plan)
    told = {check.number: check.detail for check in found.broken}
    assert told.pop("E12") == "1 moves in 2027"
    assert told == {"": "reasons B1: moves_used_up is not stated"}


def test_capital_may_not_be_borrowed_from_a_later_year(answer):
    asked = answer.scenario.model_copy(
        update={
            "rules": tuple(
                Capital(pot_gbp=(0.0, 2_000.0, 0.0)) if rule.name == "capital" else rule
                for rule in answer.scenario.rules
            )
        }
    )
    found = verify(answer.place, answer.times, asked, answer.plan)
    assert [check.number for check in found.broken] == ["E10"]
    assert "in 2026" in found.broken[0].detail


def test_a_receipt_in_another_year_is_caught(answer):
    cash = answer.plan.cash_flow
    early = cash.assign(year=cash["year"].where(cash["line"] != "receipts", 2027))
    plan = replace(answer.plan, tables={**answer.plan.tables, "cash_flow": early})
    found = verify(answer.place, answer.times, answer.scenario, plan)
    assert [check.number for check in found.broken] == [""]


def test_a_service_hosted_in_between_has_row_and_capital():
    """S waits in B2 (4,000 a year, 10 m2 at 50) in 2027, for B3 (100 a year, 10 m2 at 300) can be
    paid for with the pot of that year only: 10,000 + 4,000 + 100 + 500 + 3,000."""
    places = [
        building("B1", 10_000),
        building("B2", 4_000, status="candidate", fit_out_gbp_per_m2=50.0),
        building("B3", 100, status="candidate", fit_out_gbp_per_m2=300.0),
    ]
    here = town(places, [{"service_id": "S", "area_base_m2": 10.0}])
    rules = Sequence(moves_per_year=1), Capital(pot_gbp=(500, 3_000, 0))
    asked = scenario(*rules, year=2026, decided=3, rate=0.0)
    answer = solve(here, minutes(here, drive=[[10.0, 10.0, 10.0]] * 2), asked)
    assert answer.verification.ok
    assert answer.result.objective == pytest.approx(17_600)
    rows = answer.plan.services.set_index("building_id")
    assert rows["decision"].to_dict() == {"B1": "moves_out", "B2": "in_between", "B3": "moves_in"}
    assert rows["capital_gbp"].to_dict() == pytest.approx({"B1": 0, "B2": 500, "B3": 3_000})
