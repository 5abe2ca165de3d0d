"""What a budget's benefits rest on beside the place's tables, as blocks of the sheet "Inputs".

Corrections for optimism by evidence grade (the place's own, or the shipped ones), and the declining
discount schedule with the factor of every counted year:

    rate    = step of the schedule x the scenario's rate / the schedule's first step
    factor  = factor of the year before / (1 + rate);  1 / (1 + rate)^0 in the first

Every cell that follows from another one is a formula, so a reader who changes a correction, a step
or the scenario's rate sees the benefits change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.budget.appraisal.optimism_bias import by_grade
from placeopt.scenario.discount import discount_factors, schedule

if TYPE_CHECKING:
    from placeopt.engine import Answer
    from placeopt.report.workbook.input_cells import Inputs

CORRECTIONS = "corrections of benefits"  # names of the blocks in ``Inputs.at``
SCHEDULE = "discount schedule"


def write_assumptions(
    page: Any, styles: Any, answer: Answer, row: int, found: Inputs, head: dict[str, Any]
) -> None:
    """Write both blocks from ``row`` on, of a plan with benefits; note where their cells stand."""
    if answer.plan is None or not len(answer.plan.tables.get("benefits_chain", ())):
        return
    row = _write_corrections(page, styles, answer, row, found, head)
    _write_schedule(page, styles, answer, row, found, head)


def _write_corrections(
    page: Any, styles: Any, answer: Answer, row: int, found: Inputs, head: dict[str, Any]
) -> int:
    """A row a grade: the correction in force, and where it comes from."""
    own = "benefit" in set(answer.place.optimism_bias["kind"])
    text = "the place's table optimism_bias" if own else "shipped with placeopt (optimism_bias.csv)"
    _heads(page, styles, row, "corrections for optimism: benefit x (1 - correction)", head,
           ("Evidence grade", "Correction", "Source"))  # fmt: skip
    row += 2
    for grade, share in sorted(by_grade(answer.place, "benefit").items()):
        page.write_number(row, 0, grade, styles("count"))
        cell = found.address("optimism_bias", f"benefit, {grade}", "correction_share")
        if own and cell:
            page.write_formula(row, 1, f"={cell.removeprefix('Inputs!')}", styles("general"), share)
        else:
            page.write_number(row, 1, share, styles("general"))
        page.write_string(row, 2, text, styles())
        found.at[CORRECTIONS, str(grade), "grade"] = (row, 0)
        found.at[CORRECTIONS, str(grade), "correction_share"] = (row, 1)
        row += 1
    return row + 1


def _write_schedule(
    page: Any, styles: Any, answer: Answer, row: int, found: Inputs, head: dict[str, Any]
) -> None:
    """A row a counted year: step of the schedule, rate and factor, and the same for health."""
    assert answer.plan is not None
    years = sorted({int(year) for year in answer.plan.tables["benefits_chain"]["year"]})
    rate = answer.scenario.money.discount_rate
    known = [discount_factors(len(years), rate, health=health) for health in (False, True)]
    _heads(page, styles, row, "discounting: the Green Book's declining schedule, scaled to the "
           "scenario's rate", head,
           ("Year", "Years on", "Step", "Rate", "Factor", "Step, health", "Rate, health",
            "Factor, health"))  # fmt: skip
    row += 2
    asked = found.address("scenario", "", "money, discount_rate").removeprefix("Inputs!")
    first = row
    for on, year in enumerate(years):
        page.write_number(row, 0, year, styles("id"))
        page.write_number(row, 1, on, styles("count"))
        step = next(step for step in schedule() if max(1, on) <= step[1])
        for column, of_step, factors, name in (
            (2, step[2], known[0], "factor"),
            (5, step[3], known[1], "health_factor"),
        ):
            at_step, at_rate = _cell(row, column), _cell(row, column + 1)
            base = _cell(first, 2)  # health has its own steps, scaled like the standard ones
            page.write_number(row, column, of_step, styles("general"))
            scaled = of_step * rate / schedule()[0][2]
            page.write_formula(
                row, column + 1, f"={at_step}*{asked}/{base}", styles("general"), scaled
            )
            before = _cell(row - 1, column + 2)
            formula = f"=1/(1+{at_rate})^{_cell(row, 1)}" if on == 0 else f"={before}/(1+{at_rate})"
            page.write_formula(row, column + 2, formula, styles("general"), float(factors[on]))
            found.at[SCHEDULE, str(year), name] = (row, column + 2)
        row += 1


def _heads(
    page: Any, styles: Any, row: int, title: str, head: dict[str, Any], names: tuple[str, ...]
) -> None:
    page.write_string(row, 0, title, styles(bold=True, font_size=12))
    for column, name in enumerate(names):
        page.write_string(row + 1, column, name, styles(**head))


def _cell(row: int, column: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(row, column, True, True))
