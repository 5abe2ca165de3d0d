"""The same model in PuLP, .lp and .mps keeps its optimum and its names."""

from __future__ import annotations

import re

import numpy as np
import pulp
import pytest
from small_models import p_median, random_mixed

from placeopt.base.errors import EngineError
from placeopt.engine import Model, from_pulp, solve, to_pulp, write_model
from placeopt.engine.convert import names
from placeopt.engine.settings import Settings


@pytest.mark.parametrize("seed", range(40))
def test_there_and_back_through_pulp_keeps_the_optimum(seed: int):
    model = random_mixed(seed)
    there, back = solve(model, Settings(gap=0)), solve(from_pulp(to_pulp(model)), Settings(gap=0))
    assert back.status is there.status
    assert back.objective == pytest.approx(there.objective, abs=1e-6)


def test_a_problem_that_maximises_comes_with_the_other_sign():
    problem = pulp.LpProblem("most", pulp.LpMaximize)
    x = problem.add_variable("x", 0, 4)
    y = problem.add_variable("y", 0, 4, cat="Integer")
    problem += 3 * x + 2 * y + 1
    problem += x + y <= 5.5, "room"
    problem += x - y == -0.5, "apart"
    arrays = from_pulp(problem)
    assert arrays.offset == -1
    assert solve(arrays, Settings(gap=0)).objective == pytest.approx(-(3 * 2.5 + 2 * 3 + 1))


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_a_written_model_reads_back_with_its_names_and_optimum(tmp_path, suffix: str):
    import highspy

    model = p_median()
    path = write_model(model, tmp_path / f"model{suffix}")
    text = path.read_text()
    assert "open_B_3" in text
    assert "hosted_2_17" in text
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.readModel(str(path))
    highs.run()
    best = solve(model, Settings(gap=0)).objective
    assert highs.getInfo().objective_function_value == pytest.approx(best)


def test_only_lp_and_mps_are_written(tmp_path):
    with pytest.raises(EngineError, match="written as"):
        write_model(p_median(), tmp_path / "model.txt")


def test_names_are_plain_and_unique():
    model = Model("names")
    ids = np.array(["a b", "a-b", "a_b", "é/ü", "x" * 400, "x" * 401])
    x = model.add_columns("share", labels={"zone_id": ids}, upper=1)
    model.add_rows("sum", rule="E1", size=1, upper=3, terms=[(0, x.all, 1)])
    columns, rows = names(model)
    assert len(set(columns)) == 6
    assert all(re.fullmatch(r"\w{1,220}", name) for name in columns + rows)
    assert rows == ["n_sum_E1"]
