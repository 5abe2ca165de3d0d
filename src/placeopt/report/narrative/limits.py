"""The limits of a budget in words: how far it can fall, and what a step of each limit changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.money import pounds
from placeopt.scenario.wording import figure, per_cent, with_sign

if TYPE_CHECKING:
    import pandas as pd


def order_of_breaking_in_words(
    order: pd.DataFrame, years: tuple[int, ...], rate: float
) -> list[str]:
    """Describe the order in which standards break as the budget falls.

    Args:
        order: What ``order_of_breaking`` returned, a row for each step.
        years: The decided years.
        rate: Discount rate, a share a year.

    Returns:
        A line on what money is meant, then a line for each row.
    """
    first, today = years[0], pounds(order["today_gbp"].iloc[0])
    if len(years) == 1:
        lines = [f"The least money of {first}, against {today} today:"]
    else:
        money = (
            f"The least money of the {len(years)} years from {first} on, discounted at {rate:.1%}"
        )
        lines = [f"{money}, against {today} for as many years as today:"]
    row: Any
    for row in order.itertuples():
        side = "below" if row.cut_share >= 0 else "above"
        least = f"{pounds(row.least_gbp)}, {per_cent(abs(row.cut_share))} {side} today"
        proof = f"proven: {pounds(math.floor(row.bound_gbp))} is not enough"
        if row.name:
            consequence = f"below it {row.name} breaks{' first' if row.step == 1 else ' next'}"
            if not row.proven_first:
                consequence += " (that no other can break in its stead is not proven)"
        else:
            remaining = "every standard" if row.step == 1 else "no standard"
            consequence = f"below it floors and other rules break; {remaining} is still to break"
            if row.step == 1:
                consequence = (
                    "below it floors or other rules break, while every standard could hold"
                )
        lines.append(f"{row.step}. {least} ({proof}); {consequence}")
    return lines


def path_of_cuts_in_words(path: pd.DataFrame | str, years: tuple[int, ...]) -> str:
    """Describe the range of ``path_of_cuts``; a text instead of a table explains why there is
    none."""
    if isinstance(path, str):
        return f"No path_of_cuts.csv: {path}"
    low, high = (pounds(path["total_gbp"].agg(bound)) for bound in ("min", "max"))
    note = "" if len(years) == 1 else ", the same in every year"
    return f"path_of_cuts.csv: what the best plan is worth from {low} to {high}{note}"


def prices_in_words(prices: pd.DataFrame) -> list[str]:
    """Describe what a step of each limit changes.

    Args:
        prices: What ``resolved_prices`` returned, a row for each limit.

    Returns:
        A heading with the objective, its unit and which direction is better; a line for each step
        proven to change the objective; and one line that lists the others.
    """
    if not len(prices):
        return ["No rule of this scenario has a limit that can be priced."]
    first: Any = next(prices.itertuples())
    lines = [
        f"What a step changes in {first.objective}, today's rules giving "
        f"{_figure(first.objective_before, first.unit)}; below 0 is better:"
    ]
    unchanged = []
    row: Any
    for row in prices.itertuples():
        step = pounds(row.step) if row.per == "GBP" else f"{figure(row.step, 2)} {row.per}"
        suffix = "" if str(row.what).endswith(str(row.id)) else f": {row.name}"
        limit = f"{row.rule} {row.what}{suffix}"
        low, change, high = (
            price * row.step for price in (row.lowest, row.change_in_objective, row.highest)
        )
        if not math.isnan(change) and low <= 0 <= high:
            unchanged.append(limit)
            continue
        lines.append(f"{limit}, by {step}: {_change_in_words(low, change, high, row.unit)}")
    if unchanged:
        lines.append(
            f"No change is proven for a step of {len(unchanged)} other limits: "
            + "; ".join(unchanged)
        )
    return lines


def _change_in_words(low: float, change: float, high: float, unit: str) -> str:
    if math.isnan(change):
        return "no answer within the time limit"
    if math.isinf(change):
        return "no plan is left"
    best, lowest, highest = (_figure(value, unit, short=True) for value in (change, low, high))
    return best if lowest == highest == best else f"{best} (proven: {lowest} to {highest})"


def _figure(value: float, unit: str, short: bool = False) -> str:
    text = pounds(value) if unit.startswith("gbp") else figure(value, 3 if short else 4)
    if short:
        return with_sign(text, value)
    return text if unit.startswith("gbp") else f"{text} {unit}"
