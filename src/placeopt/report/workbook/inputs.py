"""The workbook's sheet "Inputs": every input cell that a budget solve read, with its unit; for an
estate, the cells that its costs are made of.

Tables are laid out as in the place's own files: a heading row, a row of units, then the rows. The
last column states what each row was read for, so that a finance lead sees that nothing was ignored.
Formulas of the other sheets point at these cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.tables.evidence import BUDGET_TABLES
from placeopt.report.tables.formats import is_missing
from placeopt.report.workbook.assumptions import write_assumptions
from placeopt.report.workbook.input_cells import SHEET_NAME, Inputs

if TYPE_CHECKING:
    from xlsxwriter import Workbook

    from placeopt.engine import Answer
    from placeopt.place import Place

ESTATE_TABLES = (
    *("agencies", "buildings", "services", "tiers", "compatibility"),
    *("carbon_values", "works_optimism_bias"),
)
USE_HEADING = "Read as"


def write_inputs(
    book: Workbook, styles: Any, answer: Answer, heading_style: dict[str, Any]
) -> Inputs:
    """Write the sheet "Inputs" and return the positions of its cells.

    Args:
        book: The workbook.
        styles: Cell formats of the workbook.
        answer: The answer whose inputs are written.
        heading_style: Format of the headings.
    """
    page, inputs = book.add_worksheet(SHEET_NAME), Inputs()
    is_estate = answer.scenario.problem == "estate"
    title = "The inputs that costs are made of" if is_estate else "Every input that the solve read"
    page.write_string(0, 0, title, styles(bold=True, font_size=14))
    note = "Cells as the place's tables hold them; money in GBP. Empty cells are empty there too."
    if is_estate:
        note += " A price or the discount rate changed here changes every cost; the plan stays."
    page.write_string(1, 0, note, styles())
    row = _write_scenario(page, styles, answer, heading_style, 3, inputs)
    tables = ESTATE_TABLES if is_estate else BUDGET_TABLES
    for name in (name for name in tables if len(answer.place.tables.get(name, ()))):
        row = _write_table(page, styles, answer, name, row, inputs, heading_style)
    write_assumptions(page, styles, answer, row, inputs, heading_style)
    page.set_column(0, 0, 38)
    page.set_column(1, 24, 16)
    page.freeze_panes(2, 1)
    page.set_landscape()
    page.set_paper(8)
    page.fit_to_pages(1, 0)
    return inputs


def _write_scenario(
    page: Any, styles: Any, answer: Answer, heading_style: dict[str, Any], row: int, inputs: Inputs
) -> int:
    """Write the parameters of the scenario; return the next free row."""
    page.write_string(row, 0, "scenario", styles(bold=True, font_size=12))
    for column, text in enumerate(("Parameter", "Value")):
        page.write_string(row + 1, column, text, styles(**heading_style))
    row += 2
    for name, value in scenario_parameters(answer):
        inputs.positions["scenario", "", name] = (row, 1)
        page.write_string(row, 0, name, styles())
        if isinstance(value, int | float) and not isinstance(value, bool):
            page.write_number(row, 1, value, styles())
        else:
            page.write_string(row, 1, _value_in_words(value), styles())
        row += 1
    return row + 1


def scenario_parameters(answer: Answer) -> list[tuple[str, Any]]:
    """Return (name, value) of every parameter of the scenario that affects the answer."""
    scenario = answer.scenario
    settings = scenario.model_dump(mode="json", exclude={"rules", "travel", "path", "solver"})
    rules = [
        (f"rule {rule.name}: {key}", value)
        for rule in scenario.rules
        for key, value in rule.model_dump(mode="json", exclude={"rule"}).items()
    ]
    dropped = [("rules not in force", ", ".join(scenario.drop))] if scenario.drop else []
    return [row for part in (list(_flatten(settings)), rules, dropped) for row in part]


def _value_in_words(value: Any) -> str:
    """Return the value of a parameter in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ({}, [], ""):
        return "none given"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)


def _flatten(settings: dict[str, Any], path: str = "") -> list[tuple[str, Any]]:
    parameters: list[tuple[str, Any]] = []
    for key, value in settings.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            parameters += _flatten(value, f"{name}, ")
        elif value is not None and key != "drop":
            parameters.append((name, value))
    return parameters


def _write_table(
    page: Any,
    styles: Any,
    answer: Answer,
    name: str,
    row: int,
    inputs: Inputs,
    heading_style: dict[str, Any],
) -> int:
    """Write one table as a block; return the next free row."""
    from placeopt.place import dictionary

    place = answer.place
    table, columns = (
        place.tables[name],
        [c for c in dictionary()[name] if c.name in place.tables[name]],
    )
    title = f"{name}: {len(table):,} rows"
    page.write_string(row, 0, title, styles(bold=True, font_size=12))
    for position, column in enumerate(columns):
        page.write_string(row + 1, position, column.name, styles(**heading_style))
        page.write_string(row + 2, position, column.unit, styles(italic=True))
        if column.meaning:
            page.write_comment(row + 1, position, column.meaning, {"x_scale": 2})
    page.write_string(row + 1, len(columns), USE_HEADING, styles(**heading_style, indent=1))
    page.set_row(row + 1, 30)
    keys = [column.name for column in columns if column.key] or [columns[0].name]
    uses = row_uses(answer, name)
    for number, values in enumerate(table.to_dict("records")):
        sheet_row = row + 3 + number
        key = ", ".join(str(values[part]) for part in keys)
        for position, column in enumerate(columns):
            value = values[column.name]
            inputs.positions[name, key, column.name] = (sheet_row, position)
            if is_missing(value) or value == "":
                continue
            if column.type in ("number", "integer"):
                is_whole = float(value) == round(float(value)) and column.unit != "year"
                page.write_number(
                    sheet_row, position, float(value), styles("count" if is_whole else "general")
                )
            else:
                text = ("yes" if value else "no") if column.type == "boolean" else str(value)
                page.write_string(sheet_row, position, text, styles("id"))
        page.write_string(sheet_row, len(columns), uses[number], styles(indent=1))
        inputs.rows += 1
    return row + 4 + len(table)


def row_uses(answer: Answer, name: str) -> list[str]:
    """Return what each row of a table was read for; rows of other years are marked as not read."""
    place: Place = answer.place
    rows = place.tables[name]
    base = int(place.spending["year"].max()) if len(place.spending) else 0
    first = answer.scenario.year if answer.scenario.year is not None else base + 1
    decided = range(first, first + answer.scenario.years)
    if name == "spending":
        return [
            "today" if year == base else "not read: before the base year" for year in rows["year"]
        ]
    if name in ("stream_amounts", "commitments"):
        return [
            "decided year" if year in decided else "not read: not a decided year"
            for year in rows["year"]
        ]
    return ["read"] * len(rows)
