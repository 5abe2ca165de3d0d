"""The workbook's sheet "Inputs": every input cell that a budget solve read, with its unit; of an
estate those that its costs are made of.

Table by table as in the place's own files: a heading row, a row of units, then the rows; a last
column says what each row was read for, so that a finance lead sees that nothing was ignored. The
other sheets' formulas point at these cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.tables.formats import is_missing
from placeopt.report.workbook.assumptions import write_assumptions
from placeopt.report.workbook.input_cells import NAME, Inputs

if TYPE_CHECKING:
    from xlsxwriter import Workbook

    from placeopt.engine import Answer
    from placeopt.place import Place

TABLES = (
    *("agencies", "programmes", "streams", "stream_amounts", "stream_programmes", "spending"),
    *("commitments", "provision", "provider_terms", "outcomes", "curves", "curve_points"),
    "combinations",
    *("benefits", "unit_costs", "deflators", "optimism_bias"),
)
OF_AN_ESTATE = (
    *("agencies", "buildings", "services", "tiers", "compatibility"),
    *("carbon_values", "works_optimism_bias"),
)
USE = "Read as"


def write_inputs(book: Workbook, styles: Any, answer: Answer, head: dict[str, Any]) -> Inputs:
    """Write the sheet; ``head`` is how the workbook's headings look."""
    page, found = book.add_worksheet(NAME), Inputs()
    estate = answer.scenario.problem == "estate"
    title = "The inputs that costs are made of" if estate else "Every input that the solve read"
    page.write_string(0, 0, title, styles(bold=True, font_size=14))
    said = "Cells as the place's tables hold them; money in GBP. Empty cells are empty there too."
    if estate:
        said += " A price or the discount rate changed here changes every cost; the plan stays."
    page.write_string(1, 0, said, styles())
    row = _write_scenario(page, styles, answer, head, 3, found)
    tables = OF_AN_ESTATE if estate else TABLES
    for name in (name for name in tables if len(answer.place.tables.get(name, ()))):
        row = _write_table(page, styles, answer, name, row, found, head)
    write_assumptions(page, styles, answer, row, found, head)
    page.set_column(0, 0, 38)
    page.set_column(1, 24, 16)
    page.freeze_panes(2, 1)
    page.set_landscape()
    page.set_paper(8)
    page.fit_to_pages(1, 0)
    return found


def _write_scenario(
    page: Any, styles: Any, answer: Answer, head: dict[str, Any], row: int, found: Inputs
) -> int:
    """What the scenario asks, parameter by parameter."""
    page.write_string(row, 0, "scenario", styles(bold=True, font_size=12))
    for column, text in enumerate(("Parameter", "Value")):
        page.write_string(row + 1, column, text, styles(**head))
    row += 2
    for name, value in asked(answer):
        found.at["scenario", "", name] = (row, 1)
        page.write_string(row, 0, name, styles())
        if isinstance(value, int | float) and not isinstance(value, bool):
            page.write_number(row, 1, value, styles())
        else:
            page.write_string(row, 1, _in_words(value), styles())
        row += 1
    return row + 1


def asked(answer: Answer) -> list[tuple[str, Any]]:
    """Every parameter of the scenario that bears on the answer: (name, value)."""
    scenario = answer.scenario
    settings = scenario.model_dump(mode="json", exclude={"rules", "travel", "path", "solver"})
    rules = [
        (f"rule {rule.name}: {key}", value)
        for rule in scenario.rules
        for key, value in rule.model_dump(mode="json", exclude={"rule"}).items()
    ]
    dropped = [("rules not in force", ", ".join(scenario.drop))] if scenario.drop else []
    return [row for part in (list(_flat(settings)), rules, dropped) for row in part]


def _in_words(value: Any) -> str:
    """A parameter as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ({}, [], ""):
        return "none given"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)


def _flat(settings: dict[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in settings.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            found += _flat(value, f"{name}, ")
        elif value is not None and key != "drop":
            found.append((name, value))
    return found


def _write_table(
    page: Any,
    styles: Any,
    answer: Answer,
    name: str,
    row: int,
    found: Inputs,
    head: dict[str, Any],
) -> int:
    """One table as a block; returns the row after it and an empty one."""
    from placeopt.place import dictionary

    place = answer.place
    table, columns = (
        place.tables[name],
        [c for c in dictionary()[name] if c.name in place.tables[name]],
    )
    title = f"{name}: {len(table):,} rows"
    page.write_string(row, 0, title, styles(bold=True, font_size=12))
    for at, column in enumerate(columns):
        page.write_string(row + 1, at, column.name, styles(**head))
        page.write_string(row + 2, at, column.unit, styles(italic=True))
        if column.meaning:
            page.write_comment(row + 1, at, column.meaning, {"x_scale": 2})
    page.write_string(row + 1, len(columns), USE, styles(**head, indent=1))
    page.set_row(row + 1, 30)
    keys = [column.name for column in columns if column.key] or [columns[0].name]
    uses = uses_of(answer, name)
    for number, values in enumerate(table.to_dict("records")):
        here = row + 3 + number
        key = ", ".join(str(values[part]) for part in keys)
        for at, column in enumerate(columns):
            value = values[column.name]
            found.at[name, key, column.name] = (here, at)
            if is_missing(value) or value == "":
                continue
            if column.type in ("number", "integer"):
                whole = float(value) == round(float(value)) and column.unit != "year"
                page.write_number(here, at, float(value), styles("count" if whole else "general"))
            else:
                text = ("yes" if value else "no") if column.type == "boolean" else str(value)
                page.write_string(here, at, text, styles("id"))
        page.write_string(here, len(columns), uses[number], styles(indent=1))
        found.rows += 1
    return row + 4 + len(table)


def uses_of(answer: Answer, name: str) -> list[str]:
    """What each row of a table was read for; rows of other years are not read, and say so."""
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
