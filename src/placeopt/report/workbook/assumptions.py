"""Assumptions behind a budget's benefits, as blocks of the sheet "Inputs".

The blocks hold the corrections for optimism by evidence grade (the place's own, or the shipped
ones) and the declining discount schedule with the factor of every counted year:

    rate    = step of the schedule x the scenario's rate / the schedule's first step
    factor  = factor of the year before / (1 + rate);  1 / (1 + rate)^0 in the first

Every cell that depends on another is a formula, so that changing a correction, a step or the
scenario's rate changes the benefits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.budget.appraisal.optimism_bias import by_grade
from placeopt.scenario.discount import discount_factors, discount_schedule

if TYPE_CHECKING:
    from placeopt.engine import Answer
    from placeopt.report.workbook.input_cells import Inputs

CORRECTIONS = "corrections of benefits"  # names of the blocks in ``Inputs.positions``
SCHEDULE = "discount schedule"


def write_assumptions(
    page: Any, styles: Any, answer: Answer, row: int, inputs: Inputs, heading_style: dict[str, Any]
) -> None:
    """Write both blocks from ``row`` on for a plan with benefits; add their cells to ``inputs``."""
    if answer.plan is None or not len(answer.plan.tables.get("benefits_chain", ())):
        return
    row = _write_corrections(page, styles, answer, row, inputs, heading_style)
    _write_schedule(page, styles, answer, row, inputs, heading_style)


def _write_corrections(
    page: Any, styles: Any, answer: Answer, row: int, inputs: Inputs, heading_style: dict[str, Any]
) -> int:
    """Write one row per grade: the correction in force and its source; return the next free row."""
    has_own = "benefit" in set(answer.place.optimism_bias["kind"])
    text = (
        "the place's table optimism_bias"
        if has_own
        else "shipped with placeopt (optimism_bias.csv)"
    )
    title = "corrections for optimism: benefit x (1 - correction)"
    headings = ("Evidence grade", "Correction", "Source")
    _write_headings(page, styles, row, title, heading_style, headings)
    row += 2
    for grade, share in sorted(by_grade(answer.place, "benefit").items()):
        page.write_number(row, 0, grade, styles("count"))
        cell = inputs.address("optimism_bias", f"benefit, {grade}", "correction_share")
        if has_own and cell:
            page.write_formula(row, 1, f"={cell.removeprefix('Inputs!')}", styles("general"), share)
        else:
            page.write_number(row, 1, share, styles("general"))
        page.write_string(row, 2, text, styles())
        inputs.positions[CORRECTIONS, str(grade), "grade"] = (row, 0)
        inputs.positions[CORRECTIONS, str(grade), "correction_share"] = (row, 1)
        row += 1
    return row + 1


def _write_schedule(
    page: Any, styles: Any, answer: Answer, row: int, inputs: Inputs, heading_style: dict[str, Any]
) -> None:
    """Write one row per counted year: step of the schedule, rate and factor, also for health."""
    assert answer.plan is not None
    years = sorted({int(year) for year in answer.plan.tables["benefits_chain"]["year"]})
    rate = answer.scenario.money.discount_rate
    factors_by_schedule = [
        discount_factors(len(years), rate, health=health) for health in (False, True)
    ]
    title = "discounting: the Green Book's declining schedule, scaled to the scenario's rate"
    headings = (
        *("Year", "Years on", "Step", "Rate", "Factor"),
        *("Step, health", "Rate, health", "Factor, health"),
    )
    _write_headings(page, styles, row, title, heading_style, headings)
    row += 2
    rate_cell = inputs.address("scenario", "", "money, discount_rate").removeprefix("Inputs!")
    first = row
    for on, year in enumerate(years):
        page.write_number(row, 0, year, styles("id"))
        page.write_number(row, 1, on, styles("count"))
        step = next(step for step in discount_schedule() if max(1, on) <= step[1])
        for column, step_rate, factors, name in (
            (2, step[2], factors_by_schedule[0], "factor"),
            (5, step[3], factors_by_schedule[1], "health_factor"),
        ):
            step_cell, next_cell = _cell(row, column), _cell(row, column + 1)
            base = _cell(first, 2)  # health has its own steps, scaled like the standard ones
            page.write_number(row, column, step_rate, styles("general"))
            scaled = step_rate * rate / discount_schedule()[0][2]
            page.write_formula(
                row, column + 1, f"={step_cell}*{rate_cell}/{base}", styles("general"), scaled
            )
            before = _cell(row - 1, column + 2)
            formula = (
                f"=1/(1+{next_cell})^{_cell(row, 1)}" if on == 0 else f"={before}/(1+{next_cell})"
            )
            page.write_formula(row, column + 2, formula, styles("general"), float(factors[on]))
            inputs.positions[SCHEDULE, str(year), name] = (row, column + 2)
        row += 1


def _write_headings(
    page: Any,
    styles: Any,
    row: int,
    title: str,
    heading_style: dict[str, Any],
    names: tuple[str, ...],
) -> None:
    page.write_string(row, 0, title, styles(bold=True, font_size=12))
    for column, name in enumerate(names):
        page.write_string(row + 1, column, name, styles(**heading_style))


def _cell(row: int, column: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(row, column, True, True))
