"""The answer as a workbook: one sheet a table, numbers as numbers, units in the headings."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from placeopt.engine import Answer
from placeopt.report.headings import TITLES, Heading, heading_of
from placeopt.report.summary import summary_of

NUMBER_FORMATS = {
    "gbp": "#,##0;[Red]-#,##0",
    "count": "#,##0",
    "m2": "#,##0",
    "metres": "0",
    "minutes": "0.0",
    "share": "0.0%",
    "number": "#,##0.00",
    "small": "0.0000E+00",
    "year": "0",
}
WIDEST = 60
ROWS_OF_EXCEL = 1_048_576


class Workbook:
    """An open workbook with its cell formats."""

    def __init__(self, path: Path):
        # Strings are written as strings: a name that begins with "=" is no formula.
        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        self.book = xlsxwriter.Workbook(str(path), options)
        self.head = self.book.add_format(
            {"bold": True, "bg_color": "#1f3a4d", "font_color": "white", "text_wrap": True,
             "valign": "top", "border": 1, "border_color": "#ffffff"}
        )  # fmt: skip
        self.title = self.book.add_format({"bold": True, "font_size": 14})
        self.label = self.book.add_format({"bold": True, "valign": "top"})
        self.wrap = self.book.add_format({"text_wrap": True, "valign": "top"})
        self.text = self.book.add_format({"num_format": "@", "valign": "top"})
        self.total_text = self.book.add_format({"bold": True, "top": 1})
        self.numbers = {
            name: self.book.add_format({"num_format": code, "valign": "top"})
            for name, code in NUMBER_FORMATS.items()
        }
        self.totals = {
            name: self.book.add_format({"num_format": code, "bold": True, "top": 1})
            for name, code in NUMBER_FORMATS.items()
        }


def write_workbook(answer: Answer, path: Path) -> Path:
    """Write the workbook: Summary, the plan's tables, Rules, Findings, Assumptions, Provenance."""
    workbook = Workbook(path)
    _summary(workbook, answer)
    problem = answer.scenario.problem
    for name, title in TITLES.get(problem, {}).items():
        if answer.plan is not None and name in answer.plan.tables:
            table = answer.plan.tables[name]
            columns = [heading_of(problem, name, column) for column in table.columns]
            _sheet(workbook, title, table, columns)
    _plain_sheet(workbook, "Rules", _rules(answer))
    _plain_sheet(workbook, "Findings", _findings(answer))
    _plain_sheet(workbook, "Assumptions", answer.place.assumptions)
    _plain_sheet(workbook, "Provenance", _pairs(dict(answer.provenance)))
    workbook.book.close()
    return path


def _summary(workbook: Workbook, answer: Answer) -> None:
    sheet = workbook.book.add_worksheet("Summary")
    sheet.set_column(0, 0, 38)
    sheet.set_column(1, 1, 90)
    summary = summary_of(answer)
    sheet.write_string(0, 0, f"{answer.place.info.name}: {answer.scenario.problem}", workbook.title)
    rows: list[tuple[str, Any]] = [
        ("Question", summary["question"]),
        ("Answer", summary["answer"]),
        ("Status", f"{summary['status']} ({summary['status_in_words']})"),
        ("Objective", summary["objective"]),
        ("Bound", summary["bound"]),
        ("Gap", summary["gap"]),
        ("Verified", f"{'yes' if summary['verified'] else 'no'}, {summary['checks']} checks"),
    ]
    if answer.place.info.made_up:
        rows.insert(0, ("Note", "This place is made up."))
    rows += [(name, value) for name, value in summary["figures"].items()]
    for i, (name, value) in enumerate(rows, start=2):
        sheet.write_string(i, 0, name, workbook.label)
        form = "gbp" if "_gbp" in name else "share" if name == "Gap" else "number"
        if name.endswith(("_count", "_year")) or isinstance(value, int):
            form = "year"
        _cell(sheet, i, 1, value, workbook.numbers[form], workbook.wrap)
    _print_setup(sheet)


def _sheet(workbook: Workbook, title: str, table: pd.DataFrame, columns: list[Heading]) -> None:
    """One table: headings with units, filter, frozen heading, totals that follow the filter."""
    sheet = workbook.book.add_worksheet(title[:31])
    limit = ROWS_OF_EXCEL - 3
    rows = table.iloc[:limit]
    last = len(rows)
    for j, heading in enumerate(columns):
        sheet.write_string(0, j, heading.text, workbook.head)
        if heading.meaning:
            sheet.write_comment(0, j, heading.meaning)
        values = rows.iloc[:, j].tolist()
        form = workbook.numbers.get(heading.format)
        for i, value in enumerate(values, start=1):
            if heading.format == "yesno":
                value = "yes" if value is True or value == 1 else "no"
            _cell(sheet, i, j, value, form, workbook.wrap if heading.format == "wide" else None)
        sheet.set_column(j, j, _width(heading, values))
        if heading.total and last:
            _total(workbook, sheet, j, last, heading, values)
    sheet.set_row(0, 45)
    sheet.freeze_panes(1, 2 if len(columns) > 4 else 1)
    if last:
        sheet.autofilter(0, 0, last, len(columns) - 1)
        if any(heading.total for heading in columns) and not columns[0].total:
            sheet.write_string(last + 1, 0, "Total of rows shown", workbook.total_text)
    if len(table) > limit:
        message = f"{len(table) - limit} further rows are in the CSV table only"
        sheet.write_string(last + 2, 0, message, workbook.label)
    _print_setup(sheet)


def _total(
    workbook: Workbook, sheet: Any, j: int, last: int, heading: Heading, values: list[Any]
) -> None:
    letter = xlsxwriter.utility.xl_col_to_name(j)
    total = math.fsum(v for v in values if _is_number(v))
    formula = f"=SUBTOTAL(109,{letter}2:{letter}{last + 1})"
    sheet.write_formula(last + 1, j, formula, workbook.totals[heading.format], total)


def _plain_sheet(workbook: Workbook, title: str, table: pd.DataFrame) -> None:
    columns = [
        Heading(str(name), str(name).replace("_", " ").capitalize(), "wide", False, "")
        for name in table.columns
    ]
    _sheet(workbook, title, table, columns)


def _cell(sheet: Any, i: int, j: int, value: Any, number: Any, text: Any) -> None:
    if hasattr(value, "item"):
        value = value.item()
    if _is_number(value):
        sheet.write_number(i, j, value, number)
    elif not pd.isna(value) and str(value) != "":
        sheet.write_string(i, j, str(value), text)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _width(heading: Heading, values: list[Any]) -> float:
    if heading.format == "wide":
        longest = max((len(str(value)) for value in values[:500]), default=10)
        return min(WIDEST, max(12, longest))
    if heading.format == "text":
        longest = max((len(str(value)) for value in values[:500]), default=10)
        return min(42, max(10, longest + 2))
    return max(12, min(18, len(heading.text) // 2 + 6))


def _print_setup(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _rules(answer: Answer) -> pd.DataFrame:
    if answer.verification is None:
        rows = [(rule.number, rule.sentence(), "not checked", "") for rule in answer.scenario.rules]
    else:
        checks = answer.verification.checks
        rows = [(c.number, c.sentence, "yes" if c.holds else "no", c.detail) for c in checks]
    return pd.DataFrame(rows, columns=["rule", "sentence", "holds", "tightest_place"])


def _findings(answer: Answer) -> pd.DataFrame:
    columns = ["severity", "file", "row", "column", "value", "message", "remedy"]
    return pd.DataFrame([f.as_dict() for f in answer.warnings], columns=columns)


def _pairs(values: dict[str, Any], prefix: str = "") -> pd.DataFrame:
    rows: list[tuple[str, str]] = []

    def walk(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{name}.{key}" if name else str(key), inner)
        else:
            rows.append((name, str(value)))

    walk(prefix, values)
    return pd.DataFrame(rows, columns=["what", "value"])
