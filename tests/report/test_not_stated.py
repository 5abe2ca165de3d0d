"""Missing values of a place (maintenance due, energy, carbon) are "not stated", never 0."""

from __future__ import annotations

import math
import re

import openpyxl
import pandas as pd
import pytest

from placeopt.base.errors import UsageError
from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.place.count import count_place
from placeopt.report.count import write_count
from placeopt.report.tables.saving_parts import omission_notes
from placeopt.report.write import write_results
from placeopt.scenario import check_scenario
from placeopt.scenario.rules.estate.services import Carbon
from placeopt.scenario.scenario import Money
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes

DUE, TONNES, KWH = "backlog_gbp", "carbon_tco2e_per_year", "energy_kwh_per_year"
PINNED = {"pinned": "keep"}


def here(*buildings):
    return town(list(buildings))


def answered(place, *rules, **settings):
    """The answer for a place in which everything is 10 minutes away."""
    times = minutes(place, drive=[[10.0] * len(place.buildings)] * 2)
    return solve(place, times, scenario(*rules, **settings))


@pytest.fixture(scope="module")
def partly():
    """Both buildings stay; B1 states 5,000 of maintenance, 7 t and 900 kWh, B2 none of these."""
    stated = {DUE: 5_000.0, TONNES: 7.0, KWH: 900.0}
    return answered(here(building("B1", 10, **stated, **PINNED), building("B2", 20, **PINNED)))


def test_missing_stays_missing_in_the_plans_tables(partly):
    rows = partly.plan.tables["buildings"].set_index("building_id")
    by_year = partly.plan.tables["buildings_by_year"].set_index("building_id")
    for column in ("carbon_before_tco2e_per_year", "carbon_after_tco2e_per_year"):
        assert rows.loc["B1", column] == 7
        assert math.isnan(rows.loc["B2", column])
    for table, column in ((rows, DUE), (by_year, DUE)):
        assert table.loc["B1", column] == 5_000
        assert math.isnan(table.loc["B2", column])
    assert math.isnan(rows.loc["B2", "energy_after_kwh_per_year"])
    assert math.isnan(by_year.loc["B2", "carbon_tco2e"])


def test_sums_count_what_is_stated_and_say_so(partly):
    """Maintenance of 5,000 is counted, in the cost too: (10 + 20) + 5,000 = 5,030 in one year."""
    summary = partly.plan.summary
    assert summary["backlog_after_gbp"] == 5_000
    assert summary["net_present_cost_plan_gbp"] == pytest.approx(5_030)
    assert (summary["backlog_stated_buildings"], summary["buildings_in_all"]) == (1, 2)
    assert partly.plan.objectives.set_index("objective").loc["carbon", "plan"] == 7
    said = " ".join(omission_notes(partly))
    assert "Maintenance already due is stated for 1 of 2 buildings" in said
    assert "Carbon is stated for 1 of 2 buildings" in said


def test_a_figure_that_is_not_stated_is_not_zero(partly):
    """A plan with 0 for a value that the place does not state fails verification."""
    for column in (DUE, "carbon_after_tco2e_per_year", "energy_after_kwh_per_year"):
        tables = dict(partly.plan.tables)
        tables["buildings"] = tables["buildings"].assign(
            **{column: tables["buildings"][column].fillna(0.0)}
        )
        plan = type(partly.plan)(tables=tables, summary=partly.plan.summary)
        assert not verify(partly.place, partly.times, partly.scenario, plan).ok, column


def test_a_place_that_states_nothing_has_no_such_sums():
    answer = answered(here(building("B1", 10), building("B2", 20)))
    assert answer.verification.ok
    assert math.isnan(answer.plan.summary["backlog_before_gbp"])
    assert math.isnan(answer.plan.objectives.set_index("objective").loc["carbon", "plan"])


def test_page_and_workbook_say_not_stated(partly, tmp_path):
    write_results(partly, tmp_path / "out")
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Maintenance already due (stated for 1 of 2 buildings)" in html
    book = openpyxl.load_workbook(tmp_path / "out" / "workbook.xlsx", read_only=True)
    cells = [c for row in book["Buildings"].iter_rows(values_only=True) for c in row]
    assert cells.count("not stated") == 5  # maintenance, energy and carbon before and after
    assert not re.search(r"£nan|\bnan\b", html)


def test_a_count_says_for_how_many_it_is_stated(partly, tmp_path):
    tables = count_place(partly.place)
    (row,) = tables["estate_by_kind"].to_dict("records")
    assert (row[DUE], row["backlog_stated_count"], row["buildings_count"]) == (5_000, 1, 2)
    assert math.isnan(tables["buildings"][DUE].iloc[1])
    write_count(partly.place.replace(zones=partly.place.zones.assign(x_m=[0.0, 9.0])), tmp_path)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Required maintenance is £5,000 (stated for 1 of 2 buildings)." in html
    assert "<td>not stated</td>" in html


@pytest.mark.parametrize(
    ("rules", "settings", "label"),
    [
        ((Carbon(share_of_today=0.5),), {}, "rules[0]"),
        ((), {"minimise": ("cost", "carbon"), "slack": (0.1,)}, "objective.minimise"),
        ((), {"minimise": ("weighted",), "weights": {"cost": 1.0, "carbon": 9.0}},
         "objective.weights"),
    ],
)  # fmt: skip
def test_carbon_that_is_asked_for_and_unknown_is_a_fault(rules, settings, label):
    """The finding names the building; a solve from Python refuses with the same words."""
    place = here(building("B1", 10, **{TONNES: 7.0}), building("B2", 20))
    (found,) = check_scenario(place, scenario(*rules, **settings))
    assert found.column == label
    assert found.severity == "error"
    assert found.message == "carbon_tco2e_per_year of buildings is not stated for 1 of 2: B2"
    with pytest.raises(UsageError, match="not stated for 1 of 2: B2"):
        answered(place, *rules, **settings)
    known = place.replace(buildings=place.buildings.fillna({TONNES: 0.0}))
    assert check_scenario(known, scenario(*rules, **settings)) == []


def test_pricing_carbon_needs_one_building_that_states_it():
    priced = scenario().model_copy(update={"money": Money(carbon_values=True)})
    values = pd.DataFrame(
        [(year, 300.0, "the test") for year in range(2020, 2100)],
        columns=["year", "gbp_per_tco2e", "source"],
    )
    none = here(building("B1", 10), building("B2", 20)).replace(carbon_values=values)
    (found,) = check_scenario(none, priced)
    assert found.column == "money.carbon_values"
    some = here(building("B1", 10, **{TONNES: 7.0}), building("B2", 20))
    assert check_scenario(some.replace(carbon_values=values), priced) == []
