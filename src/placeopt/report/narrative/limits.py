"""The limits of a budget in words: how far it can fall, and what a step of each limit changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.money import pounds
from placeopt.scenario.wording import figure, per_cent, with_sign

if TYPE_CHECKING:
    import pandas as pd


def breaking_in_words(order: pd.DataFrame, years: tuple[int, ...], rate: float) -> list[str]:
    """A line for each row of ``order_of_breaking``, under one that says what money is meant."""
    first, today = years[0], pounds(order["today_gbp"].iloc[0])
    if len(years) == 1:
        lines = [f"The least money of {first}, against {today} today:"]
    else:
        what = (
            f"The least money of the {len(years)} years from {first} on, discounted at {rate:.1%}"
        )
        lines = [f"{what}, against {today} for as many years as today:"]
    row: Any
    for row in order.itertuples():
        side = "below" if row.cut_share >= 0 else "above"
        least = f"{pounds(row.least_gbp)}, {per_cent(abs(row.cut_share))} {side} today"
        sure = f"proven: {pounds(math.floor(row.bound_gbp))} is not enough"
        if row.name:
            then = f"below it {row.name} breaks{' first' if row.step == 1 else ' next'}"
            if not row.proven_first:
                then += " (that no other can break in its stead is not proven)"
        else:
            held = "every standard" if row.step == 1 else "no standard"
            then = f"below it floors and other rules break; {held} is still to break"
            if row.step == 1:
                then = "below it floors or other rules break, while every standard could hold"
        lines.append(f"{row.step}. {least} ({sure}); {then}")
    return lines


def path_in_words(path: pd.DataFrame | str, years: tuple[int, ...]) -> str:
    """What ``path_of_cuts`` holds, or why there is none."""
    if isinstance(path, str):
        return f"No path_of_cuts.csv: {path}"
    low, high = (pounds(path["total_gbp"].agg(end)) for end in ("min", "max"))
    each = "" if len(years) == 1 else ", the same in every year"
    return f"path_of_cuts.csv: what the best plan is worth from {low} to {high}{each}"


def prices_in_words(prices: pd.DataFrame) -> list[str]:
    """A line for each step that is proven to change the objective, and one for those that are not.

    The heading says what the objective is, in which unit, and which way is better.
    """
    if not len(prices):
        return ["No rule of this scenario has a limit that can be priced."]
    first: Any = next(prices.itertuples())
    lines = [
        f"What a step changes in {first.objective}, today's rules giving "
        f"{_figure(first.objective_before, first.unit)}; below 0 is better:"
    ]
    idle = []
    row: Any
    for row in prices.itertuples():
        step = pounds(row.step) if row.per == "GBP" else f"{figure(row.step, 2)} {row.per}"
        of = "" if str(row.what).endswith(str(row.id)) else f": {row.name}"
        what = f"{row.rule} {row.what}{of}"
        low, change, high = (
            one * row.step for one in (row.lowest, row.change_in_objective, row.highest)
        )
        if not math.isnan(change) and low <= 0 <= high:
            idle.append(what)
            continue
        lines.append(f"{what}, by {step}: {_change(low, change, high, row.unit)}")
    if idle:
        lines.append(
            f"No change is proven for a step of {len(idle)} other limits: {'; '.join(idle)}"
        )
    return lines


def _change(low: float, change: float, high: float, unit: str) -> str:
    if math.isnan(change):
        return "no answer within the time limit"
    if math.isinf(change):
        return "no plan is left"
    said, *between = (_figure(one, unit, short=True) for one in (change, low, high))
    same = between == [said, said]
    return said if same else f"{said} (proven: {between[0]} to {between[1]})"


def _figure(value: float, unit: str, short: bool = False) -> str:
    text = pounds(value) if unit.startswith("gbp") else figure(value, 3 if short else 4)
    if short:
        return with_sign(text, value)
    return text if unit.startswith("gbp") else f"{text} {unit}"
