"""The benefits chain in the workbook as live formulas: every step points at the cells it uses.

    counted    improvements of the years that still bring the benefit, less decay
    gross      counted x unit value
    net        gross x attribution x (1 - each deduction) x (1 - correction)
    cashable   net x cashable share
    present    net x discount factor

Shares, values, corrections by evidence grade and discount factors point at the sheet "Inputs",
improvements at "Outcomes by year". The improvements of years after the decided ones are the plan's
own numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.tables.sheet import Sheet
from placeopt.report.workbook.assumptions import CORRECTIONS, SCHEDULE
from placeopt.report.workbook.input_cells import Inputs

if TYPE_CHECKING:
    from placeopt.engine import Answer

FIRST_ROW = 3  # the first row of a sheet's table, counted from 0
DEDUCTIONS = ("deadweight_share", "displacement_share", "leakage_share", "substitution_share")
FROM_INPUTS = ("attribution_share", *DEDUCTIONS, "cashable_share")

Formulas = dict[tuple[int, str], str]  # (row of the table from 0, column) -> formula


def chain_formulas(
    answer: Answer, sheets: dict[str, Sheet], titles: dict[str, str], inputs: Inputs
) -> Formulas:
    """Return the formulas of the sheet ``benefits_chain``.

    Args:
        answer: A budget answer.
        sheets: Table name -> sheet.
        titles: Table name -> name of the worksheet.
        inputs: Positions of the input cells.
    """
    if answer.plan is None or "benefits_chain" not in sheets:
        return {}
    rows = answer.plan.tables["benefits_chain"].to_dict("records")
    if not rows:
        return {}
    names = [heading.name for heading in sheets["benefits_chain"].headings]
    benefits = answer.place.tables["benefits"].set_index("benefit_id").to_dict("index")
    formulas: Formulas = {}
    first = 0  # row of the benefit's first year
    for number, row in enumerate(rows):
        key = str(row["benefit_id"])
        benefit: Any = benefits[key]

        def here(column: str, number: int = number) -> str:
            return _cell(FIRST_ROW + number, names.index(column))

        if number == 0 or rows[number - 1]["benefit_id"] != row["benefit_id"]:
            first = number
        formulas[number, "improvement"] = _improvement(answer, sheets, titles, row)
        formulas[number, "counted"] = _counted(benefit, number, first, here, inputs, key)
        formulas[number, "unit_value_gbp"] = _unit_value(answer, benefit, key, inputs)
        for column in FROM_INPUTS:
            formulas[number, column] = inputs.address("benefits", key, column)
        formulas[number, "correction_share"] = _correction(inputs, key)
        formulas[number, "gross_gbp"] = f"{here('counted')}*{here('unit_value_gbp')}"
        deductions = "*".join(f"(1-{here(column)})" for column in (*DEDUCTIONS, "correction_share"))
        formulas[number, "net_gbp"] = (
            f"{here('gross_gbp')}*{here('attribution_share')}*{deductions}"
        )
        formulas[number, "cashable_gbp"] = f"{here('net_gbp')}*{here('cashable_share')}"
        formulas[number, "present_gbp"] = f"{here('net_gbp')}*{here('discount_factor')}"
        factor = "health_factor" if benefit["health"] else "factor"
        formulas[number, "discount_factor"] = inputs.address(
            SCHEDULE, str(int(row["year"])), factor
        )
    return {cell: f"={formula}" for cell, formula in formulas.items() if formula}


def _correction(inputs: Inputs, key: str) -> str:
    """Return the benefit's own correction, else its grade's; 0 where the scenario corrects none."""
    switch = inputs.address("scenario", "", "money, optimism_bias")
    own, grade = (inputs.address("benefits", key, name) for name in ("correction_share", "grade"))
    grades = [name for table, name, _ in inputs.positions if table == CORRECTIONS]
    start = inputs.address(CORRECTIONS, grades[0], "grade")
    end = inputs.address(CORRECTIONS, grades[-1], "correction_share")
    table = f"{start}:{end.removeprefix('Inputs!')}"
    by_grade = f"IF(ISNUMBER({grade}),VLOOKUP({grade},{table},2,FALSE),0)"
    return f'IF({switch}="yes",IF(ISNUMBER({own}),{own},{by_grade}),0)'


def _counted(benefit: Any, number: int, first: int, here: Any, inputs: Inputs, key: str) -> str:
    """Return the improvements that count in a row's year, the newest first."""
    lag, lasts = int(benefit["lag_years"]), int(benefit["duration_years"])
    decay = inputs.address("benefits", key, "decay_share")
    terms = []
    for since in range(lasts):
        earlier = number - lag - since
        if earlier >= first and (since == 0 or benefit["decay_share"] < 1):
            remaining = f"*(1-{decay})^{since}" if since and benefit["decay_share"] else ""
            terms.append(f"{here('improvement', earlier)}{remaining}")
    return "+".join(terms) or "0"


def _improvement(answer: Answer, sheets: dict[str, Sheet], titles: dict[str, str], row: Any) -> str:
    """Return the plan's level less that of doing nothing, in the wanted direction.

    Empty where the sheet of outcomes does not have that year.
    """
    assert answer.plan is not None
    sheet = sheets.get("outcomes_by_year")
    if sheet is None:
        return ""
    table = answer.plan.tables["outcomes_by_year"]
    is_row = (
        (table["outcome_id"] == row["outcome_id"]) & (table["year"] == row["year"])
    ).to_numpy()
    if not is_row.any():
        return ""
    position = FIRST_ROW + int(is_row.argmax())
    names = [heading.name for heading in sheet.headings]
    plan, nothing = (
        f"'{titles[sheet.name]}'!{_cell(position, names.index(column))}"
        for column in ("plan", "do_nothing")
    )
    outcomes = answer.place.tables["outcomes"].set_index("outcome_id")["direction"]
    lower_is_better = outcomes[row["outcome_id"]] == "lower"
    return f"{nothing}-{plan}" if lower_is_better else f"{plan}-{nothing}"


def _unit_value(answer: Answer, benefit: Any, key: str, inputs: Inputs) -> str:
    """Return the unit value: the benefit's own cell, or a unit cost in the place's prices."""
    if not benefit.get("unit_cost"):
        return inputs.address("benefits", key, "unit_value_gbp")
    code = str(benefit["unit_cost"])
    costs: Any = answer.place.tables["unit_costs"].set_index("code")
    amount = inputs.address("unit_costs", code, "amount_gbp")
    year, wanted = int(costs.at[code, "price_year"]), int(answer.place.info.price_year or 0)
    if year == wanted:
        return amount
    old, new = (inputs.address("deflators", str(y), "index") for y in (year, wanted))
    return f"{amount}/{old}*{new}"


def _cell(row: int, column: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(row, column))
