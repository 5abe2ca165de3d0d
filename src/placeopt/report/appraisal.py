"""An appraisal as files: a workbook with formulas in every step, CSV tables and a summary.

Every step of the chain is a formula on the cells to its left. Totals of agencies and years are sums
over the rows. The inputs are on sheets of their own, as they were read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.files import atomic_folder
from placeopt.report.money import EXCEL_GBP, pounds, pounds_in_words
from placeopt.report.summary import json_value, write_json
from placeopt.report.write import write_table

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter import Workbook

    from placeopt.budget.appraisal.appraisal import Appraisal
    from placeopt.place import Place

INPUT_TABLES = (
    *("appraisal_costs", "appraisal_benefits", "appraisal_phasing", "unit_costs", "deflators"),
    "optimism_bias",
)
HEADING_ROW = 1  # of every sheet, counted from 0; row 0 is the title


def write_appraisal(
    appraisal: Appraisal, place: Place, out: Path | str, *, plain_csv: bool = False
) -> dict[str, Path]:
    """Write ``appraisal.xlsx``, ``summary.json`` and CSV files into ``out`` (made if absent).

    Args:
        appraisal: The appraisal.
        place: The place with its inputs.
        out: The folder.
        plain_csv: As in ``write_results``.

    Returns:
        Name -> file.
    """
    with atomic_folder(Path(out)) as made:
        files = _write_files(appraisal, place, made, plain_csv)
    return {name: Path(out) / path.relative_to(made) for name, path in files.items()}


def _write_files(appraisal: Appraisal, place: Place, out: Path, plain_csv: bool) -> dict[str, Path]:
    import xlsxwriter

    (out / "tables").mkdir()
    files = {"summary": write_json(json_value(appraisal.summary), out / "summary.json")}
    for name, table in appraisal.tables.items():
        files[name] = out / "tables" / f"{name}.csv"
        write_table(table, files[name], plain_csv)
    files["workbook"] = out / "appraisal.xlsx"
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False}
    book = xlsxwriter.Workbook(str(files["workbook"]), options)
    _write_summary(book, appraisal)
    chain, costs = appraisal.chain, appraisal.costs
    _write_table(book, "Agencies", appraisal.agencies, _agency_formulas(chain, costs))
    _write_table(book, "Years", appraisal.years, _year_formulas(chain, costs))
    _write_table(book, "Chain", chain, _chain_formulas(chain))
    _write_table(book, "Costs", costs, _cost_formulas(costs))
    for name in INPUT_TABLES:
        if len(place.tables[name]):
            _write_table(book, f"Input {name}"[:31], place.tables[name], {})
    book.close()
    return files


def appraisal_in_words(appraisal: Appraisal) -> list[str]:
    """Return the appraisal in sentences."""
    summary, agencies = appraisal.summary, appraisal.agencies
    names = dict(zip(agencies["agency_id"], agencies["name"], strict=True))
    payer = names.get(str(summary["payer"]), str(summary["payer"]))
    ratio, payback = float(summary["benefit_cost_ratio"]), float(summary["payback_year"])
    money = {name: pounds_in_words(float(summary[f"{name}_gbp"])) for name in
             ("cost", "benefit", "cashable", "net_present", "payer_benefit")}  # fmt: skip
    lines = [
        f"{money['cost']} from {summary['first_year']} on brings benefits of {money['benefit']} "
        f"until {summary['last_year']}, of which {money['cashable']} can be taken out of budgets.",
        f"Net present value {money['net_present']}; each pound brings £{ratio:.2f}."
        + (f" It pays back in {payback:.0f}." if payback == payback else " It does not pay back."),
        f"{payer} gains {money['payer_benefit']}, "
        f"{float(summary['payer_benefit_share']):.1%} of the benefits.",
    ]
    for row in appraisal.agencies.to_dict("records"):
        line = f"{row['name']}: pays {pounds(row['cost_gbp'])}, gains {pounds(row['benefit_gbp'])}"
        year = row["payback_year"]
        lines.append(line + (f", pays back in {year:.0f}" if year == year else ""))
    return lines


def _write_summary(book: Workbook, appraisal: Appraisal) -> None:
    page = book.add_worksheet("Summary")
    bold = book.add_format({"bold": True, "font_size": 14})
    money = book.add_format({"num_format": EXCEL_GBP})
    page.write_string(0, 0, appraisal.name, bold)
    row = 2
    for line in appraisal_in_words(appraisal):
        page.write_string(row, 0, line)
        row += 1
    sums = {
        "cost_gbp": "=SUM({})".format(_cells("Costs", appraisal.costs, "cost_gbp")),
        "benefit_gbp": "=SUM({})".format(_cells("Chain", appraisal.chain, "net_gbp")),
        "cashable_gbp": "=SUM({})".format(_cells("Chain", appraisal.chain, "cashable_gbp")),
        "cost_present_gbp": "=SUM({})".format(_cells("Costs", appraisal.costs, "present_gbp")),
        "benefit_present_gbp": "=SUM({})".format(_cells("Chain", appraisal.chain, "present_gbp")),
    }
    row += 1
    for name, value in appraisal.summary.items():
        style = money if name.endswith("_gbp") else None
        page.write_string(row, 0, _heading(name))
        if name in sums:
            page.write_formula(row, 1, sums[name], style, value)
        elif isinstance(value, str):
            page.write_string(row, 1, value)
        elif value == value:
            page.write_number(row, 1, value, style)
        row += 1
    page.set_column(0, 0, 40)
    page.set_column(1, 1, 20)


def _write_table(
    book: Workbook, title: str, table: pd.DataFrame, formulas: dict[str, list[str]]
) -> None:
    """Write one sheet; ``formulas[column]`` has a formula per row, stored with its value."""
    import pandas as pd

    page = book.add_worksheet(title)
    heading_style = book.add_format({"bold": True, "bg_color": "#DDE8F2", "text_wrap": True})
    money = book.add_format({"num_format": EXCEL_GBP})
    page.write_string(0, 0, f"{title}: {len(table):,} rows")
    for column, name in enumerate(table.columns):
        page.write_string(HEADING_ROW, column, _heading(str(name)), heading_style)
        style = money if str(name).endswith("_gbp") else None
        for position, value in enumerate(table[name].tolist()):
            row = HEADING_ROW + 1 + position
            if name in formulas:
                known = 0 if pd.isna(value) else value
                page.write_formula(row, column, formulas[str(name)][position], style, known)
            elif isinstance(value, bool):
                page.write_string(row, column, "yes" if value else "no")
            elif isinstance(value, str):
                page.write_string(row, column, value)
            elif not pd.isna(value):
                page.write_number(row, column, value, style)
    page.set_column(0, max(0, len(table.columns) - 1), 15)
    page.freeze_panes(HEADING_ROW + 1, 2)


def _chain_formulas(chain: pd.DataFrame) -> dict[str, list[str]]:
    """Return each step of the chain from its own row, lags from the benefit's other rows."""
    spans: dict[str, list[int]] = {}
    for position, key in enumerate(chain["benefit_id"]):
        spans.setdefault(key, []).append(position)
    letter = {name: _column(chain, name) for name in chain.columns}
    formulas: dict[str, list[str]] = {
        name: [] for name in ("reached", "counted", "gross_gbp", "net_gbp", "cashable_gbp",
                              "present_gbp")
    }  # fmt: skip
    deductions = (
        *("deadweight_share", "displacement_share", "leakage_share", "substitution_share"),
        "correction_share",
    )
    for position, key in enumerate(chain["benefit_id"]):
        row = HEADING_ROW + 2 + position
        first, last = (HEADING_ROW + 2 + spans[key][side] for side in (0, -1))
        cell = {name: f"{column}{row}" for name, column in letter.items()}
        years = f"${letter['year']}${first}:${letter['year']}${last}"
        people = f"${letter['reached']}${first}:${letter['reached']}${last}"
        since = f"({cell['year']}-{years}-{cell['lag_years']})"
        is_felt = f"({since}>=0)*({since}<{cell['duration_years']})"
        remaining = f"(1-{cell['decay_share']})^({since}*({since}>=0))"
        steps = {
            "reached": "*".join(cell[name] for name in (
                "population", "phasing_share", "engagement_share", "retention_share")),
            "counted": f"SUMPRODUCT({is_felt}*{remaining}*{people})*{cell['impact']}",
            "gross_gbp": f"{cell['counted']}*{cell['unit_value_gbp']}",
            "net_gbp": "*".join([cell["gross_gbp"], cell["attribution_share"],
                                 *(f"(1-{cell[name]})" for name in deductions)]),
            "cashable_gbp": f"{cell['net_gbp']}*{cell['cashable_share']}",
            "present_gbp": f"{cell['net_gbp']}*{cell['discount_factor']}",
        }  # fmt: skip
        for name, step in steps.items():
            formulas[name].append("=" + step)
    return formulas


def _cost_formulas(costs: pd.DataFrame) -> dict[str, list[str]]:
    letter = {name: _column(costs, name) for name in costs.columns}
    rows = range(HEADING_ROW + 2, HEADING_ROW + 2 + len(costs))
    return {
        "cost_gbp": [f"={letter['real_gbp']}{r}*(1+{letter['correction_share']}{r})" for r in rows],
        "present_gbp": [f"={letter['cost_gbp']}{r}*{letter['discount_factor']}{r}" for r in rows],
    }


def _agency_formulas(chain: pd.DataFrame, costs: pd.DataFrame) -> dict[str, list[str]]:
    """Return sums over the rows of each agency; society is the one without an id."""
    from_chain = {"benefit_gbp": "net_gbp", "cashable_gbp": "cashable_gbp",
                  "benefit_present_gbp": "present_gbp"}  # fmt: skip
    from_costs = {"cost_gbp": "cost_gbp", "cost_present_gbp": "present_gbp"}
    agencies_count = chain["agency_id"].nunique() + costs["agency_id"].nunique()
    rows = range(HEADING_ROW + 2, HEADING_ROW + 2 + agencies_count)
    formulas = {}
    for sheet, table, pairs in (("Chain", chain, from_chain), ("Costs", costs, from_costs)):
        agencies = _cells(sheet, table, "agency_id")
        for name, column in pairs.items():
            values = _cells(sheet, table, column)
            formulas[name] = [f"=SUMPRODUCT(({agencies}=$A{r})*{values})" for r in rows]
    return formulas


def _year_formulas(chain: pd.DataFrame, costs: pd.DataFrame) -> dict[str, list[str]]:
    rows = range(HEADING_ROW + 2, HEADING_ROW + 2 + chain["year"].nunique())
    pairs = (
        ("cost_gbp", "Costs", costs, "cost_gbp"),
        ("benefit_gbp", "Chain", chain, "net_gbp"),
        ("cashable_gbp", "Chain", chain, "cashable_gbp"),
    )
    return {
        name: [
            f"=SUMIF({_cells(sheet, table, 'year')},$A{r},{_cells(sheet, table, column)})"
            for r in rows
        ]
        for name, sheet, table, column in pairs
    }


def _cells(sheet: str, table: pd.DataFrame, column: str) -> str:
    letter = _column(table, column)
    return f"{sheet}!${letter}${HEADING_ROW + 2}:${letter}${HEADING_ROW + 1 + len(table)}"


def _column(table: pd.DataFrame, name: str) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(table.columns.get_loc(name)))


def _heading(name: str) -> str:
    """Return the heading of a column: ``net (£)`` of ``net_gbp``."""
    words: Any = name.removesuffix("_gbp").replace("_", " ")
    return f"{words} (£)" if name.endswith("_gbp") else str(words)
