"""How values look in text and in Excel, by the format that ``columns.csv`` gives their column."""

from __future__ import annotations

import math
from typing import Any

from placeopt.report.money import EXCEL_GBP, pounds
from placeopt.scenario.wording import (
    NOT_STATED,
    count,
    figure,
    listed,
    minutes_in_words,
    per_cent,
    signed,
    with_sign,
)

__all__ = [
    "CODE_WORDS",
    "EXCEL_FORMATS",
    "NUMBER_FORMATS",
    "STATE_WORDS",
    "count",
    "empty_cell",
    "figure",
    "format_in_row",
    "format_value",
    "in_words",
    "is_missing",
    "listed",
    "minutes_in_words",
    "per_cent",
    "shown_without_decimals",
    "unit_in_words",
    "yes_no",
]

NUMBER_FORMATS = frozenset(
    (
        *("gbp", "minutes", "change", "share", "count", "area", "coordinate"),
        *("tonnes", "decimal", "figure", "general", "year"),
    )
)

EXCEL_FORMATS = {
    "gbp": EXCEL_GBP,
    "minutes": "0.0",
    "change": "+0.0;-0.0;0.0",
    "share": "0.0%",
    "count": "#,##0",
    "area": "#,##0",
    "coordinate": "0",
    "tonnes": "#,##0.0",
    "decimal": "#,##0.00",
    "figure": "#,##0.00",
    "general": "General",
    "year": "0",
    "id": "@",
}

CODE_WORDS = {
    "keep": "Stays open",
    "close": "Closes",
    "given_up": "Given up",
    "hub": "Takes in services or gets a tier",
    "open": "Opens",
    "stay_vacant": "Stays empty",
    "not_used": "Not used",
    "vacant": "Empty",
    "candidate": "Possible site",
    "stays": "Stays",
    "moves_in": "Moves in",
    "moves_out": "Moves out",
    "in_between": "There for some years only",
    "sold": "Sold",
    "lease_ended": "Lease ended",
    "held": "Held empty",
    "replaced": "In use under its other entry",
    "cost": "Net present cost",
    "visit_minutes": "Minutes of all visits",
    "buildings": "Open buildings",
    "carbon": "Carbon",
    "worst_off": "Minutes of the worst-off",
    "weighted": "Objectives, weighted and added up",
    "weighted_outcomes": "Outcomes gained, weighted (below 0 is better)",
    "least_money": "Money spent",
    "fairest": "Shortfall of the outcome furthest from its target",
    "least_disruption": "Money moved up or down",
    "childrens_centre": "Children's centre",
}


UNSTATED_COLUMNS = (
    frozenset(  # columns in which an empty cell is a figure that the place does not state
        (
            *("backlog_gbp", "energy_kwh_per_year", "energy_kwh", "carbon_tco2e_per_year"),
            *("carbon_tco2e", "energy_before_kwh_per_year", "energy_after_kwh_per_year"),
            *("carbon_before_tco2e_per_year", "carbon_after_tco2e_per_year"),
        )
    )
)
OUT_OF_REACH_COLUMNS = frozenset(  # columns in which an empty cell is a way that some cannot go
    ("longest_served_minutes", "longest_nearest_minutes"),
)
SOME_OUT_OF_REACH = "some out of reach"
STATE_WORDS = {"open": "Open", "disposed": "Given up"}  # a building's state, not a decision


def in_words(code: str) -> str:
    """Return a code of a table in words: ``stay_vacant`` -> "Stays empty"."""
    code = str(code)
    return CODE_WORDS.get(
        code, code.replace("_", " ").strip()[:1].upper() + code.replace("_", " ")[1:]
    )


def format_in_row(kind: str, unit: str) -> str:
    """Return the format of a value whose row states its unit: money, or plain figures."""
    return "gbp" if kind == "figure" and unit.startswith(("GBP", "£")) else kind


def unit_in_words(unit: str) -> str:
    """Return a unit in words: ``GBP/year`` -> "£ a year"."""
    if not unit.startswith("GBP"):
        return unit
    return "£" + unit.removeprefix("GBP").replace("/year", " a year")


def shown_without_decimals(number: float) -> bool:
    """Whether a figure is shown without decimals."""
    return abs(number) >= 10_000 or number == round(number)


def is_missing(value: Any) -> bool:
    """Whether a value is absent, NaN or infinite."""
    import pandas as pd

    if value is None or value is pd.NA:
        return True
    return isinstance(value, float) and not math.isfinite(value)


def is_unstated_figure(column: str, row: Any = None) -> bool:
    """Whether an empty cell of a plan's table is a figure that the place does not state.

    Args:
        column: Name of the column.
        row: The cell's row, where the row names the objective that is measured.
    """
    return column in UNSTATED_COLUMNS or (
        column in ("do_nothing", "plan") and row is not None and row.get("objective") == "carbon"
    )


def empty_cell(column: str, row: Any = None) -> str:
    """Return what an empty cell of a plan's table says; "" where it says nothing.

    Args:
        column: Name of the column.
        row: The cell's row, where the row names the objective that is measured.
    """
    if column in OUT_OF_REACH_COLUMNS:
        return SOME_OUT_OF_REACH
    return NOT_STATED if is_unstated_figure(column, row) else ""


def format_value(value: Any, kind: str) -> str:
    """Return a value as text by its format ``kind``; empty where it is missing."""
    if is_missing(value):
        return ""
    if kind == "yes_no":
        return yes_no(value)
    if kind not in NUMBER_FORMATS or isinstance(value, str):
        return str(value)
    number = float(value)
    if kind == "gbp":
        return pounds(number)
    if kind == "general":
        return figure(number)
    size, decimals = abs(number), _decimals(kind, number)
    if kind == "share":
        return signed(f"{100 * size:.1f}%", number < 0)
    if kind in ("coordinate", "year"):
        return signed(f"{size:.0f}", number < 0)
    text = signed(f"{size:,.{decimals}f}", number < 0)
    return with_sign(text, number) if kind == "change" else text


def _decimals(kind: str, number: float) -> int:
    """Return the number of decimals of a format."""
    if kind in ("change", "minutes", "tonnes"):
        return 1
    if kind == "decimal":
        return 2
    return 0 if kind != "figure" or shown_without_decimals(number) else 2


def yes_no(value: Any) -> str:
    """Return a boolean as yes or no; text, which some tables hold already, stays."""
    if isinstance(value, str):
        return value
    return "yes" if value else "no"
