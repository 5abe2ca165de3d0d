"""``workbook.xlsx``: every table on its own sheet, for finance leads.

Each sheet has a title line, a totals row over the rows that the filter leaves visible, headings
with units, then the rows. Ids are text, numbers are numbers, missing cells are empty, and no text
of the place is read as a formula or a link.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.consent import providers_in_words
from placeopt.report.narrative.minutes import minutes_caveats_in_words
from placeopt.report.narrative.narrative import Narrative, objectives_in_words, verified_in_words
from placeopt.report.tables.evidence import evidence_in_words
from placeopt.report.tables.formats import (
    EXCEL_FORMATS,
    NUMBER_FORMATS,
    empty_cell,
    format_in_row,
    format_value,
    in_words,
    is_missing,
    shown_without_decimals,
    unit_in_words,
)
from placeopt.report.tables.saving_parts import NOT_STATED, omission_notes
from placeopt.report.tables.sheet import TITLES, Sheet
from placeopt.report.workbook.benefit_formulas import Formulas, chain_formulas
from placeopt.report.workbook.inputs import write_inputs
from placeopt.report.workbook.live_costs import FormulaWriter, live_costs

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

    from placeopt.engine import Answer

ESTATE_ORDER = [
    *("buildings", "course", "services", "closed_points", "closures", "closures_by_group"),
    *("groups", "losers", "zones", "standards", "areas", "access", "bands"),
    *("sent_past", "channels_by_year"),
    *("running_split", "money", "whole_life", "cash_outlook"),
    *("cash_years", "cash_agencies", "cash_flow", "carbon_by_year", "rents"),
    *("agencies", "buildings_by_year", "services_by_year", "objectives_by_year"),
]
BUDGET_ORDER = [
    *("spending", "spending_years", "payments", "streams", "reserves", "result_payments"),
    "provider_results",
    *("outcomes", "outcomes_by_year", "cash_flow", "agencies", "benefits_chain", "who_gains"),
    *("positions_alone", "positions", "transfers", "alone_spending", "alone_payments"),
    *("alone_objectives", "prices", "curves"),
]
LAST_SHEETS = ["checks", "findings", "assumptions", "provenance"]
# Tables that are part of another sheet, or only in the folder tables.
NOT_IN_WORKBOOK = {
    *("objectives", "assignment", "assignment_today", "assignment_by_year", "spending_by_year"),
}
YEARLY_TABLES = {"buildings_by_year", "services_by_year", "objectives_by_year"}
OMITTED_IF_EMPTY = {"reserves", "cash_flow", "benefits_chain", "positions", "transfers"}
OMITTED_IF_EMPTY |= {"positions_alone"} | {"alone_spending", "alone_payments", "alone_objectives"}
OMITTED_IF_EMPTY |= {"closed_points", "closures", "closures_by_group", "areas"}
MAX_ROWS = 50_000  # of a sheet, so that the workbook opens quickly; the CSV has all rows
WRAPPED_FORMATS = frozenset(("text", "service_ids"))
TOTALS_ROW, HEADINGS_ROW, FIRST_ROW = 1, 2, 3  # rows of a sheet, counted from 0


def write_workbook(
    answer: Answer, narrative: Narrative, sheets: dict[str, Sheet], path: Path
) -> Path:
    """Write the workbook of an answer; without a plan it holds the rules and what is known.

    Args:
        answer: The answer.
        narrative: The answer in words.
        sheets: Table name -> sheet.
        path: The file.

    Returns:
        The file.
    """
    import xlsxwriter

    options = {
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "default_date_format": "yyyy-mm-dd",
    }
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": answer.scenario.question[:250], "author": "placeopt"})
    book.set_calc_mode("auto")
    styles = Styles(book)
    order = [
        *(ESTATE_ORDER if answer.plan and "buildings" in answer.plan.tables else BUDGET_ORDER),
        *[
            name
            for name in sheets
            if name not in {*ESTATE_ORDER, *BUDGET_ORDER, *LAST_SHEETS, *NOT_IN_WORKBOOK}
        ],
        *LAST_SHEETS,
    ]
    repeated = YEARLY_TABLES if "course" not in sheets else set()
    shown = [
        sheets[name]
        for name in order
        if name in sheets
        and name not in repeated
        and (len(sheets[name].frame) or name not in OMITTED_IF_EMPTY)
    ]
    first = book.add_worksheet("Summary")
    formulas: dict[str, Formulas] = {}
    costs, outlook = live_costs(answer), None
    if costs:
        inputs = write_inputs(book, styles, answer, HEADING_STYLE)
        titles = {name: sheet.title[:31] for name, sheet in sheets.items()}
        outlook = FormulaWriter(answer, costs, sheets, titles, inputs)
        formulas |= outlook.formulas()
        shown[-len(LAST_SHEETS) :] = [*costs.sheets.values(), *shown[-len(LAST_SHEETS) :]]
    if answer.scenario.problem == "budget":
        inputs = write_inputs(book, styles, answer, HEADING_STYLE)
        titles = {name: sheet.title[:31] for name, sheet in sheets.items()}
        formulas["benefits_chain"] = chain_formulas(answer, sheets, titles, inputs)
    worksheets = {
        sheet.name: write_sheet(book, styles, sheet, formulas.get(sheet.name, {}))
        for sheet in shown
    }
    _write_summary(first, styles, answer, narrative, shown, sheets, worksheets, outlook)
    first.activate()
    book.close()
    return path


class Styles:
    """The workbook's cell formats, made once each."""

    def __init__(self, book: Workbook):
        self._book = book
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def __call__(self, kind: str = "", **extra: Any) -> Any:
        """Return the cell format of ``kind`` (a key of ``EXCEL_FORMATS``) with extra properties."""
        properties: dict[str, Any] = {
            "font_name": "Calibri",
            "font_size": 11,
            "valign": "top",
            **extra,
        }
        if kind in EXCEL_FORMATS:
            properties["num_format"] = EXCEL_FORMATS[kind]
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]


HEADING_STYLE: dict[str, Any] = {
    "bold": True,
    "bg_color": "#1F4E79",
    "font_color": "#FFFFFF",
    "text_wrap": True,
}
TOTALS_STYLE: dict[str, Any] = {"bold": True, "bg_color": "#DDE8F2", "top": 1, "bottom": 1}
TITLE_STYLE: dict[str, Any] = {"bold": True, "font_size": 14, "font_color": "#1F4E79"}

SHEET_NOTES = {  # beside the title of a sheet
    "buildings_by_year": "decided years only: receipts that come later are in Buildings and Cash "
    "by year",
}
EMPTY_TABLE_NOTES = {  # text on the sheet of a table without rows
    "prices": "Where decisions are whole (a ward, a provider) or curves S-shaped, prices of a last "
    "small step mislead, so none are given: placeopt prices solves again for each limit.",
    "findings": "Nothing in the place or the question gave cause for a remark.",
    "assumptions": "The place's tables name no assumption about what this question uses.",
}


def write_sheet(
    book: Workbook, styles: Styles, sheet: Sheet, formulas: Formulas | None = None
) -> str:
    """Write one table as a worksheet.

    Args:
        book: The workbook.
        styles: Its cell formats.
        sheet: The table.
        formulas: (row of the table from 0, column) -> formula; the cell also holds the value.

    Returns:
        The worksheet's name.
    """
    page = book.add_worksheet(sheet.title[:31])
    rows = sheet.frame.head(MAX_ROWS)
    last, right = FIRST_ROW + len(rows) - 1, max(0, len(sheet.headings) - 1)
    title = f"{sheet.title}: {len(sheet.frame):,} rows"
    if len(rows) < len(sheet.frame):
        title += f", of which the first {len(rows):,} are here; all are in tables/{sheet.name}.csv"
    title += f" ({SHEET_NOTES[sheet.name]})" if sheet.name in SHEET_NOTES else ""
    page.write_string(0, 0, title, styles(**TITLE_STYLE))
    if not len(rows) and sheet.name in EMPTY_TABLE_NOTES:
        page.write_string(1, 0, EMPTY_TABLE_NOTES[sheet.name])
    records = rows.to_dict("records") if rows.isna().any(axis=None) else [{}] * len(rows)
    units = sheet.frame["unit"].tolist() if "unit" in sheet.frame else [""] * len(rows)
    lines = [1] * len(rows)  # of text in the tallest cell of each row
    for column, heading in enumerate(sheet.headings):
        values = rows[heading.name].tolist()
        align = "right" if heading.format in NUMBER_FORMATS else "left"
        page.write_string(HEADINGS_ROW, column, heading.text, styles(**HEADING_STYLE, align=align))
        if heading.meaning:
            page.write_comment(HEADINGS_ROW, column, heading.meaning, {"x_scale": 2})
        for row, value in enumerate(values):
            kind = format_in_row(heading.format, units[row])
            formula = (formulas or {}).get((row, heading.name))
            if formula and not is_missing(value):
                page.write_formula(FIRST_ROW + row, column, formula, styles(kind), value)
            elif is_missing(value) and (words := empty_cell(heading.name, records[row])):
                page.write_string(FIRST_ROW + row, column, words, styles(align="right"))
            else:
                _write_cell(page, FIRST_ROW + row, column, value, kind, styles)
        width = _width(heading.text, heading.format, values)
        folding = {"level": 1, "hidden": True} if _is_folded(sheet, column) else {}
        page.set_column(column, column, width, None, folding)
        if heading.format in WRAPPED_FORMATS:
            lines = [
                max(n, math.ceil(len(str(v)) / width)) for n, v in zip(lines, values, strict=True)
            ]
    for row, count in enumerate(lines):
        if count > 1:
            page.set_row(FIRST_ROW + row, 15.0 * min(count, 8))
    if any(heading.total for heading in sheet.headings) and len(rows):
        _write_totals(page, styles, sheet, last)
    page.set_row(HEADINGS_ROW, 48)
    page.freeze_panes(FIRST_ROW, _frozen_columns(sheet))
    if len(rows):
        page.autofilter(HEADINGS_ROW, 0, last, right)
    _set_up_print(page, sheet.title, is_wide=right - _folded_columns(sheet) > 12)
    return str(page.get_name())


def _write_totals(page: Worksheet, styles: Styles, sheet: Sheet, last: int) -> None:
    """Write the totals of the rows that the filter leaves visible."""
    from xlsxwriter.utility import xl_range

    has_all_rows = len(sheet.frame) <= MAX_ROWS
    for column, heading in enumerate(sheet.headings):
        if heading.total and has_all_rows:
            cells = xl_range(FIRST_ROW, column, last, column)
            total = sheet.total(heading.name)
            formula = f"=SUBTOTAL(109,{cells})"
            page.write_formula(
                TOTALS_ROW, column, formula, styles(heading.format, **TOTALS_STYLE), total
            )
        else:
            page.write_blank(TOTALS_ROW, column, None, styles(**TOTALS_STYLE))
    page.write_string(TOTALS_ROW, 0, "Total of rows shown", styles(**TOTALS_STYLE))


def _write_cell(
    page: Worksheet, row: int, column: int, value: Any, kind: str, styles: Styles, **properties: Any
) -> None:
    if is_missing(value) or value == "" or value is None:
        return
    if kind in NUMBER_FORMATS and not isinstance(value, str):
        page.write_number(row, column, float(value), styles(kind, **properties))
    else:
        properties = {"text_wrap": kind in WRAPPED_FORMATS, **properties}
        page.write_string(row, column, str(value)[:32_000], styles(kind, **properties))


def _width(heading: str, kind: str, values: list[Any]) -> float:
    """Return a width for the values and for the heading on two lines, from 9 to 46 characters."""
    shown = [len(format_value(value, kind)) for value in values[:400]]
    longest = max(shown, default=0)
    return float(min(46, max(9, longest + 2, len(heading) / 2 + 4)))


def _frozen_columns(sheet: Sheet) -> int:
    """Return how many columns stay in view: the first id and its name."""
    names = [heading.name for heading in sheet.headings[:2]]
    if len(names) == 2 and names[0].endswith("_id") and names[1].endswith("name"):
        return 2
    return 1 if names else 0


def _is_folded(sheet: Sheet, column: int) -> bool:
    """Whether a column is folded (Excel's + shows it): ids beside their names, and coordinates."""
    heading = sheet.headings[column]
    return heading.format == "coordinate" or (heading.format == "id" and column > 0)


def _folded_columns(sheet: Sheet) -> int:
    return sum(_is_folded(sheet, column) for column in range(len(sheet.headings)))


def _set_up_print(page: Worksheet, title: str, is_wide: bool) -> None:
    page.set_landscape()
    page.set_paper(8 if is_wide else 9)  # A3 or A4
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0, HEADINGS_ROW)
    page.set_footer(f"&L{title.replace('&', '&&')}&CPage &P of &N&Rplaceopt")


def _write_summary(
    page: Worksheet,
    styles: Styles,
    answer: Answer,
    narrative: Narrative,
    shown: list[Sheet],
    sheets: dict[str, Sheet],
    worksheets: dict[str, str],
    outlook: FormulaWriter | None = None,
) -> None:
    """Write the first sheet: question, answer, proof, key figures linked to sheets, contents."""
    page.hide_gridlines(2)
    page.set_column(0, 0, 46)
    page.set_column(1, 3, 20)
    page.set_column(4, 4, 40)
    row = 0

    def line(text: str, height: float = 0, **properties: Any) -> None:
        nonlocal row
        page.merge_range(row, 0, row, 4, "", styles(text_wrap=True, **properties))
        page.write_string(row, 0, text, styles(text_wrap=True, **properties))
        page.set_row(row, height or 15.5 * (1 + len(text) // 135))
        row += 1

    info = answer.place.info
    line(f"{info.name}, {answer.scenario.problem}", **TITLE_STYLE, height=22)
    if info.made_up:
        line(
            "This place is made up. None of these figures are about a real place.",
            bold=True,
            font_color="#A4161A",
        )
    line(answer.scenario.question, bold=True, font_size=12)
    for sentence in (narrative.first, *narrative.sentences, *providers_in_words(answer)):
        line(sentence)
    line(narrative.status_in_words)
    line(verified_in_words(answer))
    for sentence in evidence_in_words(answer):
        line(sentence)
    if measured := minutes_caveats_in_words(answer):
        line(measured)
    line(f"Money in prices of {info.price_year}. Made small: {objectives_in_words(answer)}.")
    row += 1
    if narrative.figures:
        row = _write_figures(page, styles, narrative, sheets, worksheets, row, outlook)
    if outlook:
        row = _write_outlook(page, styles, outlook, row)
        for note in omission_notes(answer):
            line(note)
        row += 1
    if "objectives" in sheets and len(sheets["objectives"].frame):
        row = _write_objectives(page, styles, sheets["objectives"], row, outlook)
    if answer.explanation:
        row = _write_clashes(page, styles, answer, row)
    _write_headings(page, styles, row, ["Sheet", "Rows"])
    for number, sheet in enumerate(shown, start=row + 1):
        page.write_url(
            number,
            0,
            f"internal:'{worksheets[sheet.name]}'!A1",
            styles(font_color="#1F4E79", underline=1),
            TITLES.get(sheet.name, sheet.title),
        )
        page.write_number(number, 1, len(sheet.frame), styles("count"))
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)


def _write_headings(page: Worksheet, styles: Styles, row: int, texts: list[str]) -> None:
    for column, text in enumerate(texts):
        align = "right" if 0 < column < 4 else "left"
        page.write_string(row, column, text, styles(**HEADING_STYLE, align=align))


STATED_VALUE = "a value: does not follow Inputs"
LINKED_FIGURES = {  # key figure -> (table, column today, column in the plan)
    "running_cost_gbp_per_year": ("money", "before_gbp_per_year", "after_gbp_per_year"),
    "spending_gbp": ("spending", "before_gbp", "after_gbp"),
    "returned_gbp": ("streams", "", "returned_gbp"),
}


def _write_figures(
    page: Worksheet,
    styles: Styles,
    narrative: Narrative,
    sheets: dict[str, Sheet],
    worksheets: dict[str, str],
    row: int,
    outlook: FormulaWriter | None,
) -> int:
    _write_headings(page, styles, row, ["Key figures", "Today", "Plan", "Change"])
    key_sums = outlook.key_figures() if outlook else {}
    for figure in narrative.figures:
        row += 1
        page.write_string(row, 0, figure.label, styles())
        table, *columns = LINKED_FIGURES.get(figure.key, ("", "", ""))
        own = key_sums.get(figure.key, (("", 0.0), ("", 0.0)))
        for column, name, (formula, total), value in zip(
            (1, 2), columns, own, (figure.today, figure.plan), strict=True
        ):
            if value is None:
                continue
            if table and name:
                formula = _column_sum(sheets[table], worksheets[table], name)
                page.write_formula(row, column, formula, styles(figure.format), value)
            elif formula and _ties(total, value):
                page.write_formula(row, column, f"={formula}", styles(figure.format), value)
            else:
                page.write_number(row, column, value, styles(figure.format))
                if outlook and figure.format == "gbp":
                    page.write_string(row, 4, STATED_VALUE, styles(indent=2))
        if figure.today is not None and figure.plan is not None:
            page.write_formula(
                row, 3, f"=C{row + 1}-B{row + 1}", styles(figure.format), figure.plan - figure.today
            )
    return row + 2


def _write_outlook(page: Worksheet, styles: Styles, outlook: FormulaWriter, row: int) -> int:
    """Write ten years of cash, whole life, payback and the rate as formulas of other sheets."""
    _write_headings(page, styles, row, ["Over the years", "Do nothing", "Plan", "Saved"])
    for label, formulas, values, kind in outlook.outlook():
        row += 1
        page.write_string(row, 0, label, styles())
        for column, (formula, value) in enumerate(zip(formulas, values, strict=True), start=1):
            if formula:
                page.write_formula(row, column, f"={formula}", styles(kind, align="right"), value)
    return row + 2


def _ties(total: float, stated: float) -> bool:
    """Whether a sum of cost lines is the stated amount."""
    return abs(total - stated) <= max(0.01, 1e-9 * abs(stated))


def _column_sum(sheet: Sheet, title: str, column: str) -> str:
    """Return the sum of a column of another sheet, filtered rows included."""
    from xlsxwriter.utility import xl_range_abs

    position = [heading.name for heading in sheet.headings].index(column)
    last = FIRST_ROW + len(sheet.frame) - 1
    return f"=SUM('{title}'!{xl_range_abs(FIRST_ROW, position, last, position)})"


def _write_objectives(
    page: Worksheet, styles: Styles, sheet: Sheet, row: int, outlook: FormulaWriter | None
) -> int:
    """Write the measures; the net present cost as the sum of cost lines where it ties to it."""
    _write_headings(page, styles, row, ["Measure", "Do nothing", "Plan", "Change", "Unit"])
    for values in sheet.frame.to_dict("records"):
        row += 1
        unit = unit_in_words(str(values["unit"]))
        is_money = unit.startswith("£")
        if outlook and is_money and values["objective"] == in_words("cost"):
            formulas, totals = outlook.present_cost()
            stated = (values["do_nothing"], values["plan"])
            if all(formulas) and all(map(_ties, totals, stated)):
                page.write_string(row, 0, str(values["objective"]), styles())
                texts = (*formulas, f"C{row + 1}-B{row + 1}")
                amounts = (*stated, stated[1] - stated[0])
                for column, (text, amount) in enumerate(zip(texts, amounts, strict=True), start=1):
                    page.write_formula(row, column, f"={text}", styles("gbp"), amount)
                page.write_string(row, 4, unit, styles(indent=2))
                continue
        if outlook and is_money:
            unit = f"{unit}; {STATED_VALUE}"
        page.write_string(row, 0, str(values["objective"]), styles())
        before, after = values["do_nothing"], values["plan"]
        for column, value in enumerate((before, after, after - before), start=1):
            if is_missing(value):
                page.write_string(row, column, NOT_STATED, styles(align="right"))
                continue
            kind = format_in_row("figure", str(values["unit"]))
            kind = "count" if kind == "figure" and shown_without_decimals(value) else kind
            _write_cell(page, row, column, value, kind, styles)
        page.write_string(row, 4, unit, styles(indent=2))
    return row + 2


def _write_clashes(page: Worksheet, styles: Styles, answer: Answer, row: int) -> int:
    assert answer.explanation is not None
    _write_headings(
        page, styles, row, ["Rules that clash", "Number", "", "", "What would have to give"]
    )
    for clash in answer.explanation.clashes:
        row += 1
        page.write_string(row, 0, clash.sentence, styles(text_wrap=True))
        page.write_string(row, 1, clash.number, styles())
        page.write_string(row, 4, clash.what_gives, styles(text_wrap=True))
    return row + 2
