"""The next year's question in words: what is actual, what is contracted, what is still open."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.report.money import pounds
from placeopt.report.tables.formats import listed
from placeopt.scenario.rules.budget.money import Commissioning

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Plan
    from placeopt.place import Place
    from placeopt.scenario import Scenario


def year_on_in_words(
    place: Place,
    scenario: Scenario,
    plan: Plan,
    year: int,
    reported: tuple[str, ...],
    files: tuple[Path, Path],
) -> list[str]:
    """Describe the place and the question that ``budget.tables.roll_forward`` made of ``plan``.

    Args:
        place: The next year's place.
        scenario: The next year's question.
        plan: The plan that was rolled forward.
        year: The year that has passed.
        reported: Programmes whose actual spending in ``year`` was given.
        files: Where the place and the question were written.

    Returns:
        Lines of text.
    """
    names = dict(zip(place.programmes["programme_id"], place.programmes["name"], strict=True))
    names = {key: name or key for key, name in names.items()}
    last = int(scenario.year or year) + scenario.years - 1
    rows = place.commitments[place.commitments["kind"] == "actual"]
    spent = _gbp_in_year(rows, "amount_gbp", year)
    planned = _gbp_in_year(plan.tables["spending_by_year"], "plan_gbp", year)
    total = sum(spent.values()) - sum(planned.values())
    comparison = (
        "as planned"
        if abs(total) < 0.5
        else f"{pounds(abs(total))} {_more_or_less(total)} than planned"
    )
    lines = [f"{year} is actual now: {pounds(sum(spent.values()))} was spent, {comparison}."]
    for key in reported:
        if abs(spent[key] - planned[key]) >= 0.5:
            lines.append(f"  {names[key]}: {pounds(spent[key])}, planned {pounds(planned[key])}")
    unreported = [names[key] for key in names if key not in reported]
    if unreported:
        lines.append(f"Not in the file and taken as spent as planned: {listed(unreported)}.")
    lines += _contracts_in_words(place, scenario, year, names)
    years = f"{year + 1}" if last == year + 1 else f"{year + 1} to {last}"
    lines.append(f"To be decided anew: {years}. The place is in {files[0]}.")
    file, answer = (shlex.quote(str(path)) for path in (files[1], files[1].parent / "plan"))
    return [*lines, f"Next: placeopt solve {file} --out {answer}"]


def _contracts_in_words(
    place: Place, scenario: Scenario, year: int, names: dict[str, str]
) -> list[str]:
    """Return a line for each programme with money that is contracted in the years ahead."""
    contracted = place.commitments.query("kind == 'contracted' and year > @year").sort_values(
        "year"
    )
    lines = [
        f"  {names[key]}: at least "
        + listed(_amounts_by_year(contracted[contracted["programme_id"] == key]))
        for key in names
        if key in set(contracted["programme_id"])
    ]
    with_contract = place.programmes.dropna(subset="contract_until_year")
    until = zip(with_contract["programme_id"], with_contract["contract_until_year"], strict=True)
    if scenario.of(Commissioning):
        lines += [
            f"  {names[key]}: at least what it had in {place.spending['year'].max()}, to {end}"
            for key, end in until
            if end > year
        ]  # fmt: skip
    if not lines:
        return ["Nothing is kept as contracted: no contract was stated for the years ahead."]
    return ["Kept as contracted:", *lines]


def _gbp_in_year(rows: pd.DataFrame, column: str, year: int) -> dict[str, float]:
    rows = rows[rows["year"] == year]
    pairs = zip(rows["programme_id"], rows[column], strict=True)
    return {str(key): float(gbp) for key, gbp in pairs}


def _amounts_by_year(rows: pd.DataFrame) -> list[str]:
    pairs = zip(rows["amount_gbp"], rows["year"], strict=True)
    return [f"{pounds(amount)} in {year}" for amount, year in pairs]


def _more_or_less(change_gbp: float) -> str:
    return "less" if change_gbp < 0 else "more"
