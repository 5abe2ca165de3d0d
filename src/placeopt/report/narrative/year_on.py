"""A year on, in words: what is actual now, what is kept as contracted, what is decided anew."""

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
    named: tuple[str, ...],
    written: tuple[Path, Path],
) -> list[str]:
    """Lines about the place and question that ``budget.rolling.a_year_on`` made of ``plan``.

    ``year``: the one that is past now; ``named``: programmes whose spending in it was given;
    ``written``: where the place and the question stand.
    """
    names = dict(zip(place.programmes["programme_id"], place.programmes["name"], strict=True))
    names = {key: name or key for key, name in names.items()}
    last = int(scenario.year or year) + scenario.years - 1
    rows = place.commitments[place.commitments["kind"] == "actual"]
    spent = _in_year(rows, "amount_gbp", year)
    planned = _in_year(plan.tables["spending_by_year"], "plan_gbp", year)
    total = sum(spent.values()) - sum(planned.values())
    less = "as planned" if abs(total) < 0.5 else f"{pounds(abs(total))} {_side(total)} than planned"
    lines = [f"{year} is actual now: {pounds(sum(spent.values()))} was spent, {less}."]
    for key in named:
        if abs(spent[key] - planned[key]) >= 0.5:
            lines.append(f"  {names[key]}: {pounds(spent[key])}, planned {pounds(planned[key])}")
    assumed = [names[key] for key in names if key not in named]
    if assumed:
        lines.append(f"Not in the file and taken as spent as planned: {listed(assumed)}.")
    lines += _kept(place, scenario, year, names)
    ahead = f"{year + 1}" if last == year + 1 else f"{year + 1} to {last}"
    lines.append(f"To be decided anew: {ahead}. The place is in {written[0]}.")
    file, answer = (shlex.quote(str(path)) for path in (written[1], written[1].parent / "plan"))
    return [*lines, f"Next: placeopt solve {file} --out {answer}"]


def _kept(place: Place, scenario: Scenario, year: int, names: dict[str, str]) -> list[str]:
    """A line for each programme with money that is bound in the years ahead."""
    bound = place.commitments.query("kind == 'contracted' and year > @year").sort_values("year")
    lines = [
        f"  {names[key]}: at least {listed(_by_year(bound[bound['programme_id'] == key]))}"
        for key in names if key in set(bound["programme_id"])
    ]  # fmt: skip
    held = place.programmes.dropna(subset="contract_until_year")
    until = zip(held["programme_id"], held["contract_until_year"], strict=True)
    if scenario.of(Commissioning):
        lines += [
            f"  {names[key]}: at least what it had in {place.spending['year'].max()}, to {end}"
            for key, end in until
            if end > year
        ]  # fmt: skip
    if not lines:
        return ["Nothing is kept as contracted: no contract was stated for the years ahead."]
    return ["Kept as contracted:", *lines]


def _in_year(rows: pd.DataFrame, column: str, year: int) -> dict[str, float]:
    rows = rows[rows["year"] == year]
    pairs = zip(rows["programme_id"], rows[column], strict=True)
    return {str(key): float(gbp) for key, gbp in pairs}


def _by_year(rows: pd.DataFrame) -> list[str]:
    pairs = zip(rows["amount_gbp"], rows["year"], strict=True)
    return [f"{pounds(amount)} in {year}" for amount, year in pairs]


def _side(change_gbp: float) -> str:
    return "less" if change_gbp < 0 else "more"
