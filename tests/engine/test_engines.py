"""Every engine: the same optimum, valid bounds, and refusals that name an engine that can."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from small_models import p_median, random_mixed

from placeopt.base.errors import EngineError, EngineMissing
from placeopt.engine import ENGINES, Arrays, Model, Result, Status, solve, solve_by_enumeration
from placeopt.engine.duality import dual_bound
from placeopt.engine.ortools_engines import scale_to_integers
from placeopt.engine.registry import engine as engine_named
from placeopt.engine.settings import Settings
from placeopt.engine.solve import recheck
from placeopt.scenario.scenario import is_engine

FREE = [name for name, engine in ENGINES.items() if engine.licence != "commercial"]
INTEGER = [name for name in FREE if ENGINES[name].integers]
LINEAR = [name for name in FREE if ENGINES[name].continuous]


def line(lower: float, upper: float, cost: float = 1.0, integer: bool = False) -> Model:
    """One column x, one row lower <= x <= upper."""
    model = Model("line")
    x = model.add_columns("x", size=1, lower=-np.inf, cost=cost, integer=integer)
    model.add_rows("row", rule="1", size=1, lower=lower, upper=upper, terms=[(0, x.all, 1)])
    return model


@pytest.mark.parametrize("engine", INTEGER)
def test_every_engine_proves_the_same_p_median(engine: str):
    best = solve_by_enumeration(opens_only())
    result = solve(p_median(), Settings(engine=engine, gap=0))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best.objective)
    assert result.bound == pytest.approx(best.objective)
    assert result.engine == engine
    assert result.version
    assert {"build", "transfer", "solve"} <= set(result.seconds)


def opens_only() -> Model:
    """The p-median with serve continuous: as good, and few enough integers to enumerate."""
    model = p_median()
    model._integer[1][:] = False
    return model


@pytest.mark.parametrize("engine", LINEAR)
def test_every_engine_for_continuous_columns_agrees_on_the_relaxation(engine: str):
    result = solve(p_median(integer=False), Settings(engine=engine, gap=0))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(solve(p_median(integer=False)).objective, rel=1e-5)


@pytest.mark.parametrize("engine", [name for name in FREE if ENGINES[name].duals])
def test_prices_say_what_one_more_unit_costs(engine: str):
    model = p_median(6, 2, integer=False)
    result = solve(model, Settings(engine=engine, duals=True))
    arrays = model.arrays()
    assert dual_bound(arrays, result.row_duals) == pytest.approx(result.objective, abs=1e-3)
    row = model.rows["count"].start
    for step in (1.0, -1.0):
        side = arrays.row_lower.copy()
        side[row] += step
        upper = np.where(np.arange(len(side)) == row, side, arrays.row_upper)
        moved = solve(replace(arrays, row_lower=side, row_upper=upper)).objective
        assert moved >= result.objective + result.row_duals[row] * step - 1e-3  # it is convex
    assert result.row_duals[row] < 0  # one more building makes the journeys shorter


def test_prices_that_break_strong_duality_are_not_returned():
    model = p_median(6, 2, integer=False)
    good = solve(model)
    arrays = model.arrays()
    for wrong in (-good.row_duals, arrays.matrix @ good.values, np.zeros(len(arrays.row_lower))):
        result = recheck(arrays, replace(good, row_duals=wrong), 1e-6)
        assert result.row_duals is None
        assert result.reduced_costs is None


@pytest.mark.parametrize("engine", FREE)
def test_an_infeasible_model_is_called_infeasible(engine: str):
    model = Model("none")
    x = model.add_columns("x", size=2, upper=1, cost=1, integer=ENGINES[engine].integers)
    model.add_rows("row", rule="1", size=1, lower=3, terms=[(0, x.all, 1)])
    result = solve(model, Settings(engine=engine))
    assert result.status is Status.INFEASIBLE
    assert not result.has_plan


def test_a_log_of_cbc_that_stops_short_proves_nothing():
    from types import SimpleNamespace

    import pulp

    from placeopt.engine.pulp_engines import _result

    model = Model("odd")
    model.add_columns("x", size=2, upper=1, integer=True)
    said = SimpleNamespace(sol_status=pulp.LpSolutionInfeasible, status=pulp.LpStatusInfeasible)
    cut = "Welcome to the CBC MILP Solver\nCbc0010I After 0 nodes, 1 on tree"
    proof = f"{cut}\nResult - Problem proven infeasible"
    statuses = [_result(said, model.arrays(), log).status for log in (cut, proof)]
    assert statuses == [Status.NO_PLAN, Status.INFEASIBLE]


@pytest.mark.parametrize("integer", [False, True])
def test_unbounded_and_infeasible_are_distinguished(integer: bool):
    assert solve(line(-np.inf, 5, integer=integer)).status is Status.UNBOUNDED
    both = line(1, 0, integer=integer)
    both.add_columns("y", size=1, lower=-np.inf, cost=1)
    assert solve(both).status is Status.INFEASIBLE


def test_an_unsupported_request_names_an_engine_that_supports_it():
    with pytest.raises(EngineError, match="glop cannot take whole-number columns; highs can"):
        solve(p_median(), Settings(engine="glop"))
    with pytest.raises(EngineError, match="cp-sat cannot take continuous columns; highs can"):
        solve(p_median(integer=False), Settings(engine="cp-sat"))
    with pytest.raises(EngineError, match="cbc cannot take a plan to start from; highs can"):
        solve(p_median(), Settings(engine="cbc", warm_start=np.zeros(72)))
    with pytest.raises(EngineError, match="scip cannot take prices of rows; highs can"):
        solve(p_median(integer=False), Settings(engine="scip", duals=True))
    with pytest.raises(EngineError, match="a model with integers has no prices"):
        solve(p_median(), Settings(duals=True))


def test_an_unknown_or_missing_engine_says_what_to_do():
    with pytest.raises(EngineError, match="did you mean 'highs'"):
        solve(p_median(), Settings(engine="higs"))
    with pytest.raises(EngineError, match="PuLP knows no solver 'NONE'; it knows"):
        solve(p_median(), Settings(engine="pulp:NONE"))
    with pytest.raises(EngineMissing, match="xpress is not installed: pip install xpress"):
        solve(p_median(), Settings(engine="xpress"))


def test_any_solver_of_pulp_is_taken_but_never_called_optimal_without_a_bound():
    result = solve(p_median(), Settings(engine="pulp:HiGHS", gap=0))
    assert result.status is Status.FEASIBLE
    assert result.objective == pytest.approx(solve(p_median(), Settings(gap=0)).objective)
    assert "no bound" in result.message


def test_scenarios_know_the_registered_names():
    assert all(is_engine(name) for name in ENGINES)
    assert is_engine("pulp:GLPK_CMD")
    assert not is_engine("pulp:")
    assert all(re.search(r"\w", engine_named(name).licence) for name in ENGINES)


def test_cp_sat_refuses_rows_that_have_no_scale_to_integers():
    model = Model("thirds")
    x = model.add_columns("x", size=3, upper=1, cost=-1, integer=True)
    model.add_rows("row", rule="1", size=1, upper=0.5, terms=[(0, x.all, 1 / 3)])
    with pytest.raises(EngineError, match="row 0 has coefficients with more than 6 decimal"):
        solve(model, Settings(engine="cp-sat"))
    unbounded = Model("unbounded")
    unbounded.add_columns("x", size=1, cost=1, integer=True)
    with pytest.raises(EngineError, match="finite bounds"):
        solve(unbounded, Settings(engine="cp-sat"))


def test_cp_sat_bounds_allow_for_rounded_costs():
    model = Model("rounded")
    cost = np.random.default_rng(3).random(12)
    x = model.add_columns("x", size=12, upper=1, cost=cost, integer=True)
    model.add_rows("row", rule="1", size=1, lower=4.05, terms=[(0, x.all, 1.01)])
    whole = scale_to_integers(model.arrays())
    assert 0 < whole.error < 1e-4
    result = solve(model, Settings(engine="cp-sat", gap=1e-3))
    best = solve_by_enumeration(model).objective
    assert result.objective == pytest.approx(best, abs=1e-4)
    assert result.bound <= best + 1e-9


@pytest.mark.parametrize("engine", ["highs", "cp-sat", "scip"])
def test_a_start_is_checked_and_taken(engine: str):
    model = p_median()
    best = solve(model, Settings(gap=0))
    result = solve(model, Settings(engine=engine, warm_start=best.values, gap=0))
    assert result.objective == pytest.approx(best.objective)
    with pytest.raises(EngineError, match="the start breaks a row or bound by 1"):
        solve(model, Settings(engine=engine, warm_start=np.zeros(72)))
    with pytest.raises(EngineError, match="shape"):
        solve(model, Settings(engine=engine, warm_start=np.zeros(3)))


def test_values_that_break_a_row_fail_whatever_the_engine_says():
    arrays = p_median().arrays()
    claimed = Result(Status.OPTIMAL, bound=0.0, values=np.zeros(len(arrays.cost)))
    assert recheck(arrays, claimed, 0.1).status is Status.FAILED
    nothing = Result(Status.OPTIMAL, bound=0.0, values=np.full(len(arrays.cost), np.nan))
    assert recheck(arrays, nothing, 0.1).status is Status.FAILED


def test_optimal_is_kept_only_where_the_bound_shows_it():
    arrays = p_median().arrays()
    best = solve(arrays, Settings(gap=0))
    assert recheck(arrays, replace(best, bound=-np.inf), 0.01).status is Status.FEASIBLE
    assert recheck(arrays, replace(best, bound=best.objective * 0.9), 0.2).status is Status.OPTIMAL
    above = recheck(arrays, replace(best, bound=best.objective + 5), 0.01)
    assert above.status is Status.FEASIBLE
    assert "discarded" in above.message


def test_rounding_that_breaks_a_row_is_mended_by_the_continuous_columns():
    model = Model("big")
    on = model.add_columns("on", size=1, upper=1, cost=1, integer=True)
    flow = model.add_columns("flow", size=1, upper=50, cost=-1)
    more = model.add_columns("more", size=1, upper=50, cost=2)
    model.add_rows("linked", rule="1", size=1, upper=0, terms=[(0, flow.all, 1), (0, on.all, -20)])
    model.add_rows("need", rule="2", size=1, lower=21, terms=[(0, flow.all, 1), (0, more.all, 1)])
    arrays = model.arrays()
    claimed = Result(Status.FEASIBLE, bound=-np.inf, values=np.array([0.9, 18.0, 3.0]))
    mended = recheck(arrays, claimed, 0.1)
    assert mended.status is Status.FEASIBLE
    assert mended.values.tolist() == [1.0, 18.0, 3.0]
    claimed = replace(claimed, values=np.array([1.1, 22.0, 0.0]))
    assert recheck(arrays, claimed, 0.1).values.tolist() == [1.0, 20.0, 1.0]


@pytest.mark.parametrize("seed", range(200))
def test_engine_and_enumeration_agree_on_random_mixed_models(seed: int):
    model = random_mixed(seed)
    best = solve_by_enumeration(model)
    result = solve(model, Settings(gap=0))
    assert result.status is best.status
    assert result.objective == pytest.approx(best.objective, abs=1e-6)


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_scip_and_cbc_agree_with_enumeration_too(seed: int):
    model = random_mixed(seed)
    best = solve_by_enumeration(model)
    for engine in ("scip", "cbc"):
        result = solve(model, Settings(engine=engine, gap=0))
        assert result.has_plan is best.has_plan
        assert result.objective == pytest.approx(best.objective, abs=1e-6)


def test_highs_is_not_the_version_whose_presolve_is_wrong():
    """HiGHS 1.14.0 called 15 optimal here (HiGHS issue 3043); the best is x = 4.5, z = 0."""
    model = Model("presolve")
    x = model.add_columns("x", size=1, upper=10, cost=2)
    z = model.add_columns("z", size=1, upper=10, cost=3, integer=True)
    model.add_rows("row", rule="1", size=1, lower=4.5, terms=[(0, x.all, 1), (0, z.all, 1)])
    assert solve(model).objective == pytest.approx(9)


def test_threads_may_change_from_solve_to_solve():
    for threads in (1, 2, 1):
        assert solve(p_median(), Settings(threads=threads, gap=0)).status is Status.OPTIMAL


def test_a_model_without_columns_is_its_offset():
    model = Model("empty")
    model.offset = 3.0
    result = solve(model)
    assert (result.status, result.objective) == (Status.OPTIMAL, 3.0)


def test_arrays_measure_a_breach_on_the_scale_of_the_row():
    model = Model("scaled")
    x = model.add_columns("x", size=1, upper=1)
    model.add_rows("row", rule="1", size=1, upper=0, terms=[(0, x.all, 1e6)])
    arrays: Arrays = model.arrays()
    assert arrays.violation(np.array([1e-6])) == pytest.approx(1e-6)
    assert arrays.violation(np.array([-0.5])) == pytest.approx(0.5)
