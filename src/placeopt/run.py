"""Runs from files to folders: read, check, measure, solve, verify, explain and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding, ScenarioError, UsageError, errors_among
from placeopt.base.files import atomic_folder, require_writable
from placeopt.engine import Answer, Plan
from placeopt.engine.settings import ProgressCallback
from placeopt.place import Place, read_leniently, read_place, write_place
from placeopt.scenario import Scenario, check_scenario, read_scenario
from placeopt.scenario.check.all_checks import add_lines
from placeopt.study.answer import answer_checked, engine_findings, solve

if TYPE_CHECKING:
    import pandas as pd


def solve_file(
    scenario_file: Path,
    out: Path,
    progress: ProgressCallback | None = None,
    *,
    plain_csv: bool = False,
) -> Answer:
    """Answer a scenario file and write all results into ``out``.

    Args:
        scenario_file: The scenario; its place is found beside it.
        out: The folder, made if absent.
        progress: Called with the best plan and bound while the search runs.
        plain_csv: As in ``write_results``.

    Returns:
        The answer.
    """
    from placeopt.report.write import write_results

    require_writable(out)
    scenario = read_scenario(scenario_file)
    place, findings = read_leniently(scenario_file.parent / scenario.place)
    answer = answer_checked(place, findings, scenario, progress)
    write_results(answer, out, plain_csv=plain_csv)
    return answer


def least_money_file(scenario_file: Path, out: Path, *, plain_csv: bool = False) -> list[str]:
    """Find how far a budget can fall and which standard breaks first.

    Args:
        scenario_file: A budget scenario; its place is found beside it.
        out: Folder for order_of_breaking.csv and, where the problem is a linear program,
            path_of_cuts.csv.
        plain_csv: As in ``write_results``.

    Returns:
        The result as lines of text.
    """
    from placeopt.budget.explain.minimum_budget import order_of_breaking, path_of_cuts
    from placeopt.budget.problem.money import decided_years
    from placeopt.report.narrative.limits import order_of_breaking_in_words, path_of_cuts_in_words

    place, scenario = _read_budget(scenario_file, "least money is asked")
    require_writable(out)
    order = order_of_breaking(place, scenario)
    tables = {"order_of_breaking.csv": order}
    years = tuple(int(year) for year in decided_years(place, scenario))
    path: pd.DataFrame | str
    try:
        path = path_of_cuts(place, scenario, tolerance=1e-3)
        tables["path_of_cuts.csv"] = path
    except UsageError as reason:
        path = str(reason)
    _write_tables(tables, out, plain_csv)
    lines = order_of_breaking_in_words(order, years, scenario.money.discount_rate)
    return [*lines, path_of_cuts_in_words(path, years)]


def prices_file(scenario_file: Path, out: Path, *, plain_csv: bool = False) -> list[str]:
    """Return the change from a step of each limit of a budget, solved again for each.

    Args:
        scenario_file: A budget scenario; its place is found beside it.
        out: Folder for prices.csv.
        plain_csv: As in ``write_results``.

    Returns:
        The result as lines of text.
    """
    from placeopt.budget.explain.resolved_prices import resolved_prices
    from placeopt.report.narrative.limits import prices_in_words

    place, scenario = _read_budget(scenario_file, "prices of limits are asked")
    require_writable(out)
    table = resolved_prices(place, scenario)
    _write_tables({"prices.csv": table}, out, plain_csv)
    return prices_in_words(table)


def _write_tables(tables: dict[str, pd.DataFrame], out: Path, plain_csv: bool) -> None:
    from placeopt.report.write import write_table

    with atomic_folder(out) as made:
        for name, table in tables.items():
            write_table(table, made / name, plain_csv)


def year_on_file(
    scenario_file: Path,
    actual: Path,
    out: Path,
    *,
    plan: Path | None = None,
    contracted: tuple[str, ...] = (),
    rolls: bool = False,
    progress: ProgressCallback | None = None,
) -> list[str]:
    """Write the next year's place and question.

    Args:
        scenario_file: This year's budget scenario.
        actual: CSV file of actual spending and contracts.
        out: Folder for the next year's place and scenario.
        plan: Folder of the plan in force; by default the scenario is solved.
        contracted: Programmes whose planned money is contracted.
        rolls: Whether the last decided year moves one year on, too.
        progress: Called with the best plan and bound while the search runs.

    Returns:
        What was kept, as lines of text.
    """
    from placeopt.budget.problem.checks import require
    from placeopt.budget.tables.actuals import read_actual
    from placeopt.budget.tables.roll_forward import (
        require_programmes,
        roll_forward,
        with_commitments,
        years_ahead,
    )
    from placeopt.report.narrative.year_on import year_on_in_words
    from placeopt.scenario.write import write_scenario
    from placeopt.store.earlier import earlier_plan

    place, scenario = _read_budget(scenario_file, "the next year is asked")
    target = out / "place", out / scenario_file.name
    for new, source in zip(target, (scenario.place_path, scenario_file), strict=True):
        if new.resolve() == source.resolve():
            raise UsageError(f"{new} is this year's and would be lost: name another --out")
    ahead = years_ahead(place, scenario, rolls=rolls)
    spent, contracts, findings = read_actual(place, actual, ahead[0])
    require_programmes(place, contracted)
    twice = sorted(set(contracted) & set(contracts["programme_id"]))
    if twice:
        raise UsageError(f"{twice[0]} is contracted in {actual} and by --contracted: say it once")
    if plan is not None:
        plan_in_force = earlier_plan(plan, place, scenario)
    else:
        plan_in_force = _plan_of(solve(place, scenario, progress=progress), scenario_file)
    place, scenario = roll_forward(
        with_commitments(place, contracts), scenario, plan_in_force,
        actual_gbp=spent, contracted=contracted, rolls=rolls,
    )  # fmt: skip
    scenario = scenario.model_copy(update={"place": "place"})
    require(place, scenario)
    write_place(place, target[0])
    note = f"Made by placeopt year-on from {scenario_file.name}: {ahead[0]} is actual."
    write_scenario(scenario, target[1], note)
    lines = [f"{finding.severity}: {finding}" for finding in findings]
    return lines + year_on_in_words(place, scenario, plan_in_force, ahead[0], tuple(spent), target)


def _plan_of(answer: Answer, scenario_file: Path) -> Plan:
    if answer.plan is None:
        hint = f"placeopt solve {scenario_file} says why"
        raise UsageError(f"the scenario has no plan to go on from ({answer.result.status}): {hint}")
    return answer.plan


def _read_budget(scenario_file: Path, request: str) -> tuple[Place, Scenario]:
    """Read a budget scenario and its place; ``UsageError`` where the scenario is not a budget."""
    scenario = read_scenario(scenario_file)
    if scenario.problem != "budget":
        raise UsageError(f"{request} of a budget; this scenario is of {scenario.problem}")
    return read_place(scenario_file.parent / scenario.place), scenario


def check_files(place: Path, scenario: Path | None = None) -> list[Finding]:
    """Return every finding on a place's files and, where given, on a scenario.

    Args:
        place: Folder, GeoPackage or workbook of the place.
        scenario: Scenario file to check against it.
    """
    read, findings = read_leniently(place, minutes=True)
    if scenario is None:
        return findings
    try:
        stated = read_scenario(scenario)
    except ScenarioError as error:
        return [*findings, *error.findings]
    if read is None or errors_among(findings):
        return findings  # ids are compared only in tables without errors
    findings = [*findings, *check_scenario(read, stated), *engine_findings(stated)]
    if stated.problem == "budget" and not errors_among(findings):
        from placeopt.budget.problem.build import problem_faults
        from placeopt.budget.problem.checks import check as check_budget

        findings += check_budget(read, stated)
        if not errors_among(findings):
            findings += add_lines(stated, problem_faults(read, stated))
    return findings


def demo_scenarios() -> dict[str, Path]:
    """Return problem -> scenario file of the place that ships with the software."""
    package = Path(__file__).parent
    folders = [package / "_data", package.parent.parent / "data"]  # installed, or a checkout
    data = next(folder for folder in folders if (folder / "marlshire").is_dir())
    folder = data / "marlshire" / "scenarios"
    return {problem: folder / f"{problem}.toml" for problem in ("estate", "budget")}
