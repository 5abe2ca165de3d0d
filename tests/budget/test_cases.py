"""Published cases with known answers, each read through its documented path.

Optima are not unique: objectives are compared, never the allocation.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from placeopt import engine
from placeopt.base.errors import PlaceError
from placeopt.budget import solve
from placeopt.budget.explain.shadow_prices import strong_duality_holds
from placeopt.budget.published_cases import read_hiptool, read_pabulib, read_package, read_s_curves
from placeopt.engine import Status
from tests.support.pages import blocks_of


@pytest.mark.parametrize("case", range(10))
def test_s_shaped_cases_are_proven_optimal(case, shared):
    """Local optimisers stop short of these optima."""
    path = shared / "cases" / "s_curves.json"
    place, scenario = read_s_curves(path, case)
    answer = solve(place, scenario)
    today = float(place.outcomes["baseline"].iloc[0])
    value, bound = today - 100 * answer.result.objective, today - 100 * answer.result.bound
    known = json.loads(path.read_text())["cases"][case]
    optimum = known["optimum_by_dynamic_programming"]
    assert answer.result.status is Status.OPTIMAL
    assert value == pytest.approx(optimum, rel=2e-4)
    # the dynamic programme's plan is one of ours, so no proven bound lies below it
    assert bound >= optimum * (1 - 1e-9)
    assert bound - value <= 1e-4 * abs(value - today) + 1e-6
    if known["slsqp_from_equal_split"] < 0.99 * optimum:
        assert value > 1.01 * known["slsqp_from_equal_split"]


def test_the_demonstration_of_hiptool_has_its_known_answer(shared):
    folder = shared / "cases" / "hiptool"
    paths = folder / "Demo interventions.xlsx", folder / "Demo BoD.xlsx"
    place, scenario = read_hiptool(*paths)
    answer = solve(place, scenario)
    dalys = answer.plan.outcomes.set_index("outcome_id").loc["dalys"]
    assert dalys["baseline"] == pytest.approx(643_339, abs=2)  # it adds 0.0001 to ICERs
    assert dalys["after"] == pytest.approx(1_755_446.67, abs=1)
    assert (answer.plan.spending["after_gbp"] > 1).sum() == 35
    assert answer.result.gap < 1e-6
    # a ranking by DALYs only would avert more with the same money
    place, scenario = read_hiptool(*paths, risk_weight=0, equity_weight=0)
    dalys = solve(place, scenario).plan.outcomes.set_index("outcome_id").loc["dalys"]
    assert dalys["after"] == pytest.approx(1_755_569.72, abs=1)


@pytest.mark.parametrize("name", ["France_Toulouse_2022.pb", "Poland_Warszawa_2020_Wawer.pb"])
def test_elections_are_knapsacks_with_their_known_values(name, shared):
    folder = shared / "cases" / "pabulib"
    known = json.loads((folder / "expected.json").read_text())[name]
    place, scenario = read_pabulib(folder / name)
    assert len(place.programmes) == known["projects"]
    scenario = scenario.model_copy(
        update={"solver": scenario.solver.model_copy(update={"gap": 1e-6})}
    )
    answer = solve(place, scenario)
    votes = float(place.outcomes["target"].iloc[0])
    assert -answer.result.objective * votes == pytest.approx(known["card"]["optimal_value"])
    assert answer.plan.payments["after_gbp"].sum() <= known["budget"]


@pytest.mark.parametrize("shift", [0, 1])
def test_the_uganda_package_has_its_known_objective_and_prices(shift, shared):
    folder = shared / "cases" / "uganda_package"
    model = read_package(folder / f"lp_feascov0_taskshift{shift}.json")
    result = engine.solve(model)
    known = json.loads((folder / "expected_highs.json").read_text())
    known = known[f"feascov=0,taskshift={shift}"]
    assert result.status is Status.OPTIMAL
    assert -result.objective == pytest.approx(known["obj"], rel=1e-9)
    assert strong_duality_holds(model.arrays(), result)
    # the first row is the consumables budget, the next eight are pools of staff time
    assert -result.row_duals[0] == pytest.approx(known["dual_drug"], rel=1e-6)
    assert -result.row_duals[1:9] == pytest.approx(known["dual_hr"], rel=1e-6)
    stated = json.loads((folder / f"lp_feascov0_taskshift{shift}.json").read_text())
    assert -result.objective == pytest.approx(stated["objval"], rel=1e-6)


def test_an_unreadable_cell_is_an_error(tmp_path):
    text = "META\nkey;value\nbudget;10\nPROJECTS\nproject_id;cost;votes\n1;5;7\n2;5\nVOTES\n"
    (tmp_path / "bad.pb").write_text(text)
    with pytest.raises(PlaceError, match=r"bad\.pb row 7: 2 fields where the heading has 3"):
        read_pabulib(tmp_path / "bad.pb")
    (tmp_path / "worse.pb").write_text("META\nkey;value\n")
    with pytest.raises(PlaceError, match="has no section"):
        read_pabulib(tmp_path / "worse.pb")


def test_the_documented_commands_give_the_known_answers(shared, tmp_path):
    page = Path(__file__).parents[2] / "docs" / "budget.md"
    (block,) = [one.text for one in blocks_of(page) if "read_hiptool" in one.text]
    (tmp_path / "cases").symlink_to(shared / "cases")
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    curves, hiptool, toulouse, uganda = done.stdout.split("\n", 3)
    assert float(curves.split()[1]) == pytest.approx(248.7998, rel=2e-4)
    assert "1755446.6" in hiptool
    assert toulouse == "Toulouse: 9984.0 votes"
    assert uganda.startswith("Uganda: 26714031.87")
    assert "1.03477614e+04" in uganda or "10347.76" in uganda


def test_an_upper_case_y_in_hiptool_is_an_error(shared, tmp_path):
    """The published tool silently left such rows out of its own shipped analysis."""
    import openpyxl

    folder = shared / "cases" / "hiptool"
    book = openpyxl.load_workbook(folder / "Demo interventions.xlsx")
    book.active["A5"] = "Y"
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(PlaceError, match=r"mine\.xlsx row 5: .* is 'Y': says neither 0 nor 1"):
        read_hiptool(tmp_path / "mine.xlsx", folder / "Demo BoD.xlsx")
    book = openpyxl.load_workbook(folder / "Demo interventions.xlsx")
    column = [cell.value for cell in book.active[1]].index("ICER") + 1
    book.active.cell(7, column).value = "1,200"
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(PlaceError, match=r"mine\.xlsx row 7: ICER is '1,200'"):
        read_hiptool(tmp_path / "mine.xlsx", folder / "Demo BoD.xlsx")
