"""Live formulas of an estate's workbook: from the cells of the sheet "Inputs" to every total.

    price          cells of "Inputs", raised by optimism bias or net of the cost of selling
    cost           quantity x price, a row of "Cost lines"
    present value  cost x factor of its year; the last decided year's yearly costs are multiplied
                   by the sum of the remaining factors
    other sheets   sums of rows of "Cost lines"

``Year by year`` holds the discount factors by the scenario's rate, the cash of each year of the
appraisal, savings so far, and whether they stay positive from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.report.tables.cost_lines import (
    NON_CASH_LINES,
    YEARLY,
    CostLine,
    cost_lines,
    lines_table,
)
from placeopt.report.tables.multi_year import CASH_PARTS
from placeopt.report.tables.sheet import Sheet, make_sheet
from placeopt.scenario.discount import discount_factors, discount_schedule

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer
    from placeopt.report.workbook.input_cells import Inputs

FIRST_ROW = 3  # the first row of a sheet's table, counted from 0
MAX_FORMULA_CHARACTERS = 8_000  # of what Excel reads
MAX_ARGUMENTS = 250  # of one SUM
OUTLOOK_YEARS = 10
PAYBACK_TOLERANCE_GBP = 0.5  # savings so far may miss a full payback by this
LINES, YEARS = "cost_lines", "year_by_year"  # names of the two sheets
Formulas = dict[tuple[int, str], str]  # (row of the table from 0, column) -> formula


@dataclass(frozen=True)
class LiveCosts:
    """The cost lines of a plan and the sheets made of them.

    Attributes:
        lines: The cost lines.
        sheets: Table name -> sheet: ``cost_lines`` and ``year_by_year``.
    """

    lines: list[CostLine]
    sheets: dict[str, Sheet]


def live_costs(answer: Answer) -> LiveCosts | None:
    """Return the two sheets of a workbook with live formulas; None where it has no cost lines."""
    lines = cost_lines(answer)
    if not lines:
        return None
    frames = {
        LINES: _lines_with_present_values(answer, lines),
        YEARS: _year_by_year_table(answer, lines),
    }
    return LiveCosts(
        lines, {name: make_sheet(answer.place, name, frame) for name, frame in frames.items()}
    )


def last_year(answer: Answer) -> int:
    """Return the last decided year."""
    assert answer.plan is not None
    return int(answer.plan.tables["buildings_by_year"]["year"].max())


def _years(answer: Answer, lines: list[CostLine]) -> list[int]:
    """Return the appraised years, at least ten, and those until the last receipt."""
    first = min(line.year for line in lines)
    end = first + max(OUTLOOK_YEARS, answer.scenario.money.appraisal_years) - 1
    return list(range(first, max(end, *(line.year for line in lines)) + 1))


def _factors(answer: Answer, lines: list[CostLine]) -> dict[int, tuple[float, float]]:
    """Return year -> discount factor, and factor of yearly costs.

    The second is, in the last decided year, the sum of the factors from it to the end of the
    appraisal, and 0 after it.
    """
    years, last = _years(answer, lines), last_year(answer)
    money = answer.scenario.money
    factor = discount_factors(len(years), money.discount_rate)
    end = max(money.appraisal_years, last - years[0] + 1)
    carried = {last: float(factor[last - years[0] : end].sum())}
    return {
        year: (float(value), carried.get(year, float(value) if year < last else 0.0))
        for year, value in zip(years, factor, strict=True)
    }


def _lines_with_present_values(answer: Answer, lines: list[CostLine]) -> pd.DataFrame:
    table, factors = lines_table(lines), _factors(answer, lines)
    table["weight"] = [factors[line.year][line.recurs == YEARLY] for line in lines]
    for when in ("do_nothing", "plan"):
        table[f"{when}_present_gbp"] = table[f"{when}_gbp"] * table["weight"]
    return table


def _year_by_year_table(answer: Answer, lines: list[CostLine]) -> pd.DataFrame:
    """Return factors and cash of each year, savings so far, and whether they stay positive."""
    import pandas as pd

    factors, steps = _factors(answer, lines), discount_schedule()
    rows: list[dict[str, Any]] = []
    for n, (year, (factor, carried)) in enumerate(factors.items()):
        step = next(step[2] for step in steps if max(1, n) <= step[1])
        cash = [lines[k] for k in _cash_lines(answer, lines, year)]
        do_nothing, plan = (
            sum(getattr(line, when) * line.price_gbp for line in cash)
            for when in ("do_nothing", "plan")
        )
        rows.append(
            {
                "year": year,
                "years_on": n,
                "step": step,
                "rate": step * answer.scenario.money.discount_rate / steps[0][2],
                "factor": factor,
                "carried_on": carried,
                "do_nothing_gbp": do_nothing,
                "plan_gbp": plan,
                "saving_gbp": do_nothing - plan,
                "saving_present_gbp": (do_nothing - plan) * factor,
            }
        )
    table = pd.DataFrame(rows)
    saved = table["saving_gbp"].cumsum()
    table["saved_so_far_gbp"] = saved
    is_ahead = (saved >= -PAYBACK_TOLERANCE_GBP).to_numpy(copy=True)
    is_ahead[-1] = saved.iloc[-1] > PAYBACK_TOLERANCE_GBP
    table["stays_ahead"] = np.logical_and.accumulate(is_ahead[::-1])[::-1].astype(int)
    return table


def _cash_lines(answer: Answer, lines: list[CostLine], year: int) -> list[int]:
    """Return positions of a year's cash lines; the last decided year's yearly ones continue."""
    last = last_year(answer)
    return [
        k
        for k, line in enumerate(lines)
        if line.line not in NON_CASH_LINES
        and line.year == (min(year, last) if line.recurs == YEARLY else year)
    ]


class FormulaWriter:
    """Writes the formulas of every sheet that is a sum of cost lines."""

    def __init__(
        self,
        answer: Answer,
        live: LiveCosts,
        sheets: Mapping[str, Sheet],
        titles: Mapping[str, str],
        inputs: Inputs,
    ) -> None:
        self.answer, self.lines, self.inputs = answer, live.lines, inputs
        self.sheets: dict[str, Sheet] = {**sheets, **live.sheets}
        self.titles = {**titles, **{name: sheet.title[:31] for name, sheet in live.sheets.items()}}
        self.years = _years(answer, live.lines)
        self.last = last_year(answer)

    def formulas(self) -> dict[str, Formulas]:
        """Return table name -> its formulas."""
        makers = {
            LINES: self._cost_lines,
            YEARS: self._year_by_year,
            "cash_flow": self._cash_flow,
            "cash_years": self._cash_years,
            "cash_agencies": self._cash_agencies,
            "money": self._money,
            "buildings": self._buildings,
            "running_split": self._running_split,
            "cash_outlook": self._cash_outlook,
            "whole_life": self._whole_life,
        }
        return {
            name: {cell: f"={text}" for cell, text in maker().items() if text}
            for name, maker in makers.items()
            if name in self.sheets and len(self.sheets[name].frame)
        }

    def cell(self, table: str, row: int, column: str, here: str = "") -> str:
        """Return a cell of a table's sheet as formulas on the sheet of table ``here`` name it."""
        from xlsxwriter.utility import xl_rowcol_to_cell

        names = [heading.name for heading in self.sheets[table].headings]
        cell = xl_rowcol_to_cell(FIRST_ROW + row, names.index(column), True, True)
        return str(cell) if table == here else f"'{self.titles[table]}'!{cell}"

    def total(self, table: str, rows: Iterable[int], column: str, here: str = "") -> str:
        """Return the sum of rows of a column; "" where the formula would be too long."""
        pieces = []
        for start, end in _consecutive_ranges(list(rows)):
            first, final = (self.cell(table, row, column, here) for row in (start, end))
            pieces.append(first if start == end else f"{first}:{final.rpartition('!')[2]}")
        text = f"SUM({','.join(pieces)})" if pieces else "0"
        return text if len(text) <= MAX_FORMULA_CHARACTERS and len(pieces) <= MAX_ARGUMENTS else ""

    def _matching_lines(self, names: tuple[str, ...], values: tuple[Any, ...]) -> list[int]:
        """Return positions of the lines whose fields have these values."""
        lines = enumerate(self.lines)
        return [k for k, line in lines if tuple(getattr(line, n) for n in names) == values]

    def _sums(self, rows: list[int], columns: Mapping[str, str], number: int) -> Formulas:
        """Return sums of cost lines ``rows`` for row ``number``: own column -> column of lines."""
        return {(number, own): self.total(LINES, rows, column) for own, column in columns.items()}

    def _cost_lines(self) -> Formulas:
        formulas: Formulas = {}
        position = {year: number for number, year in enumerate(self.years)}
        for number, line in enumerate(self.lines):

            def here(column: str, number: int = number) -> str:
                return self.cell(LINES, number, column, LINES)

            formulas[number, "price_gbp"] = self._price(line)
            for when in ("do_nothing", "plan"):
                formulas[number, f"{when}_gbp"] = f"{here(f'{when}_quantity')}*{here('price_gbp')}"
                formulas[number, f"{when}_present_gbp"] = f"{here(f'{when}_gbp')}*{here('weight')}"
            formulas[number, "saving_gbp"] = f"{here('do_nothing_gbp')}-{here('plan_gbp')}"
            weight = "carried_on" if line.recurs == YEARLY else "factor"
            formulas[number, "weight"] = self.cell(YEARS, position[line.year], weight)
        return formulas

    def _price(self, line: CostLine) -> str:
        cells = [self.inputs.address(*cell) for cell in line.cells]
        if not cells or not all(cells):
            return ""
        if line.kind == "raised":
            return f"{cells[0]}*(1+{cells[1]})"
        if line.kind == "receipt":
            return f"-{cells[0]}*(1-{cells[1]}-{cells[2]})"
        return f"-{cells[0]}" if line.kind == "minus" else cells[0]

    def _year_by_year(self) -> Formulas:
        formulas: Formulas = {}
        rate_cell = self.inputs.address("scenario", "", "money, discount_rate")
        appraised = self.answer.scenario.money.appraisal_years
        final = len(self.years) - 1
        for n, year in enumerate(self.years):

            def here(column: str, row: int = n) -> str:
                return self.cell(YEARS, row, column, YEARS)

            formulas[n, "rate"] = f"{here('step')}*{rate_cell}/{here('step', 0)}"
            formulas[n, "factor"] = f"{here('factor', n - 1)}/(1+{here('rate')})" if n else "1"
            if year == self.last:
                end = max(appraised, n + 1)
                formulas[n, "carried_on"] = self.total(YEARS, range(n, end), "factor", YEARS)
            elif year < self.last:
                formulas[n, "carried_on"] = here("factor")
            rows = _cash_lines(self.answer, self.lines, year)
            formulas |= self._sums(rows, {c: c for c in ("do_nothing_gbp", "plan_gbp")}, n)
            formulas[n, "saving_gbp"] = f"{here('do_nothing_gbp')}-{here('plan_gbp')}"
            formulas[n, "saving_present_gbp"] = f"{here('saving_gbp')}*{here('factor')}"
            before = f"{here('saved_so_far_gbp', n - 1)}+" if n else ""
            formulas[n, "saved_so_far_gbp"] = f"{before}{here('saving_gbp')}"
            saved = here("saved_so_far_gbp")
            formulas[n, "stays_ahead"] = (
                f"IF({saved}<-{PAYBACK_TOLERANCE_GBP},0,{here('stays_ahead', n + 1)})"
                if n < final
                else f"IF({saved}>{PAYBACK_TOLERANCE_GBP},1,0)"
            )
        return formulas

    def _rows(self, table: str) -> list[dict[str, Any]]:
        """Return the plan's own rows of a table; of derived tables, the rows of their sheet."""
        assert self.answer.plan is not None
        tables = self.answer.plan.tables
        frame = tables[table] if table in tables else self.sheets[table].frame
        return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]

    def _saving(self, table: str, number: int, suffix: str = "_gbp") -> Formulas:
        before, after = (
            self.cell(table, number, f"{w}{suffix}", table) for w in ("do_nothing", "plan")
        )
        return {(number, f"saving{suffix}"): f"{before}-{after}"}

    def _cash_flow(self) -> Formulas:
        lines_of: dict[tuple[Any, ...], list[int]] = {}
        for position, line in enumerate(self.lines):
            lines_of.setdefault((line.year, line.agency_id, line.line), []).append(position)
        formulas: Formulas = {}
        for number, row in enumerate(self._rows("cash_flow")):
            rows = lines_of.get((int(row["year"]), str(row["agency_id"]), str(row["line"])), [])
            formulas |= self._sums(rows, {c: c for c in ("do_nothing_gbp", "plan_gbp")}, number)
            formulas |= self._saving("cash_flow", number)
        return formulas

    def _cash_years(self) -> Formulas:
        formulas: Formulas = {}
        flow = self._rows("cash_flow")
        for number, row in enumerate(self._rows("cash_years")):
            own = [k for k, line in enumerate(flow) if line["year"] == row["year"]]
            for part in dict.fromkeys(CASH_PARTS.values()):
                rows = [k for k in own if CASH_PARTS.get(flow[k]["line"], "works_gbp") == part]
                formulas[number, part] = self.total("cash_flow", rows, "plan_gbp")
            for column in ("do_nothing_gbp", "plan_gbp"):
                formulas[number, column] = self.total("cash_flow", own, column)
            formulas |= self._saving("cash_years", number)
            saving = self.cell("cash_years", number, "saving_gbp", "cash_years")
            before = self.cell("cash_years", number - 1, "saved_so_far_gbp", "cash_years")
            formulas[number, "saved_so_far_gbp"] = f"{before}+{saving}" if number else saving
        return formulas

    def _cash_agencies(self) -> Formulas:
        formulas: Formulas = {}
        flow = self._rows("cash_flow")
        for number, row in enumerate(self._rows("cash_agencies")):
            own = [k for k, line in enumerate(flow) if line["agency_id"] == row["agency_id"]]
            for column in ("do_nothing_gbp", "plan_gbp"):
                formulas[number, column] = self.total("cash_flow", own, column)
            formulas |= self._saving("cash_agencies", number)
            for column in (c for c in row if c.startswith("saving_2")):
                year = int(column.split("_")[1])
                rows = [k for k in own if flow[k]["year"] == year]
                formulas[number, column] = self.total("cash_flow", rows, "saving_gbp")
        return formulas

    def _money(self) -> Formulas:
        formulas: Formulas = {}
        for number, row in enumerate(self._rows("money")):
            own = self._matching_lines(("agency_id", "money"), (row["agency_id"], row["line"]))
            yearly = [
                k for k in own if self.lines[k].recurs == YEARLY and self.lines[k].year == self.last
            ]
            one_off = [k for k in own if self.lines[k].recurs == "once"]
            columns = {"before_gbp_per_year": "do_nothing_gbp", "after_gbp_per_year": "plan_gbp"}
            formulas |= self._sums(yearly, columns, number)
            formulas[number, "one_off_gbp"] = self.total(LINES, one_off, "plan_gbp")
            before, after = (self.cell("money", number, name, "money") for name in columns)
            formulas[number, "change_gbp_per_year"] = f"{after}-{before}"
        return formulas

    def _buildings(self) -> Formulas:
        lines_of: dict[str, list[int]] = {}
        for position, line in enumerate(self.lines):
            lines_of.setdefault(line.building_id, []).append(position)
        formulas: Formulas = {}
        works = ("fit_out", "moves", "set_up", "closing")
        for number, row in enumerate(self._rows("buildings")):
            own = [(k, self.lines[k]) for k in lines_of.get(str(row["building_id"]), [])]
            yearly = [
                k
                for k, x in own
                if x.recurs == YEARLY and x.year == self.last and x.line not in NON_CASH_LINES
            ]
            formulas[number, "running_cost_before_gbp_per_year"] = self.total(
                LINES, yearly, "do_nothing_gbp"
            )
            formulas[number, "running_cost_after_gbp_per_year"] = self.total(
                LINES, yearly, "plan_gbp"
            )
            for column, parts, sign in (
                ("capital_gbp", works, ""),
                ("backlog_gbp", ("maintenance",), ""),
                ("receipt_net_gbp", ("receipts",), "-"),
            ):
                rows = [k for k, x in own if x.part in parts]
                text = self.total(LINES, rows, "plan_gbp")
                formulas[number, column] = _negated(text) if sign else text
        return formulas

    def _running_split(self) -> Formulas:
        formulas: Formulas = {}
        columns = {"before_gbp_per_year": "do_nothing_gbp", "after_gbp_per_year": "plan_gbp"}
        for number, row in enumerate(self._rows("running_split")):
            rows = self._matching_lines(
                ("part", "recurs", "year"), (row["part"], YEARLY, self.last)
            )
            formulas |= self._sums(rows, columns, number)
            before, after = (
                self.cell("running_split", number, c, "running_split") for c in columns
            )
            formulas[number, "saving_gbp_per_year"] = f"{before}-{after}"
        return formulas

    def _cash_outlook(self) -> Formulas:
        formulas: Formulas = {}
        for number, row in enumerate(self._rows("cash_outlook")):
            year, part = int(row["year"]), str(row["part"])
            cash = _cash_lines(self.answer, self.lines, year)
            rows = [k for k in cash if _outlook_part(self.lines[k].part) == part]
            formulas |= self._sums(rows, {c: c for c in ("do_nothing_gbp", "plan_gbp")}, number)
            formulas |= self._saving("cash_outlook", number)
        return formulas

    def _whole_life(self) -> Formulas:
        formulas: Formulas = {}
        columns = {c: c for c in ("do_nothing_present_gbp", "plan_present_gbp")}
        for number, row in enumerate(self._rows("whole_life")):
            rows = self._matching_lines(("part",), (row["part"],))
            formulas |= self._sums(rows, columns, number)
            formulas |= self._saving("whole_life", number, "_present_gbp")
        return formulas

    def present_cost(self) -> tuple[list[str], list[float]]:
        """Return the present value of all costs, of doing nothing and of the plan.

        Returns:
            Both formulas, and both values.
        """
        lines = self.sheets[LINES].frame
        columns = [f"{when}_present_gbp" for when in ("do_nothing", "plan")]
        formulas = [self.total(LINES, range(len(lines)), column) for column in columns]
        return formulas, [float(lines[column].sum()) for column in columns]

    def key_figures(self) -> dict[str, tuple[tuple[str, float], tuple[str, float]]]:
        """Return key figures as sums of cost lines: (formula, value) today and in the plan."""
        lines = self.sheets[LINES].frame

        def sum_of_lines(rows: list[int], when: str, sign: str = "") -> tuple[str, float]:
            column = when if when.endswith("_gbp") else f"{when}_gbp"
            formula, value = self.total(LINES, rows, column), float(lines[column].iloc[rows].sum())
            return (_negated(formula), -value) if sign else (formula, value)

        one_off = [k for k, line in enumerate(self.lines) if line.recurs == "once" and line.money]
        receipts = [k for k in one_off if self.lines[k].part == "receipts"]
        due = [k for k in one_off if self.lines[k].part == "maintenance"]
        works = [k for k in one_off if k not in {*receipts, *due}]
        carbon = [k for k, line in enumerate(self.lines) if line.part == "carbon"]
        nothing = ("", 0.0)
        figures = {
            "works_gbp": (nothing, sum_of_lines(works, "plan")),
            "maintenance_due_gbp": (sum_of_lines(due, "do_nothing"), sum_of_lines(due, "plan")),
            "receipts_net_gbp": (nothing, sum_of_lines(receipts, "plan", "-")),
        }
        if carbon:
            figures["carbon_present_gbp"] = (
                sum_of_lines(carbon, "do_nothing_present_gbp"),
                sum_of_lines(carbon, "plan_present_gbp"),
            )
        return figures

    def outlook(self) -> list[tuple[str, list[str], list[Any], str]]:
        """Return the lines of the summary sheet on the whole period.

        Returns:
            Label, formulas of doing nothing, the plan and the saving, their values, and the format.
        """
        table = self.sheets[YEARS].frame
        ten = range(min(OUTLOOK_YEARS, len(table)))
        cash = ("do_nothing_gbp", "plan_gbp", "saving_gbp")
        rows: list[tuple[str, list[str], list[Any], str]] = [
            (
                f"Cash of the first {len(ten)} years, undiscounted",
                [self.total(YEARS, ten, column) for column in cash],
                [float(table[column].iloc[: len(ten)].sum()) for column in cash],
                "gbp",
            )
        ]
        (sums, present) = self.present_cost()
        years = self.answer.scenario.money.appraisal_years
        rows.append(
            (
                f"Whole life: present value of {years} years",
                [*sums, f"{sums[0]}-{sums[1]}"],
                [*present, present[0] - present[1]],
                "gbp",
            )
        )
        years_ahead = self.total(YEARS, range(len(table)), "stays_ahead")
        first, count = self.cell(YEARS, 0, "year"), len(table)
        stays = int(table["stays_ahead"].sum())
        payback: Any = self.years[0] + count - stays if stays else "not within the appraisal"
        text = f'IF({years_ahead}>0,{first}+{count}-{years_ahead},"not within the appraisal")'
        rows.append(
            ("Savings so far stay ahead from the year", ["", "", text], ["", "", payback], "year")
        )
        rate_cell = self.inputs.address("scenario", "", "money, discount_rate")
        rate = self.answer.scenario.money.discount_rate
        rows.append(
            ("Discount rate (a cell of Inputs)", ["", rate_cell, ""], ["", rate, ""], "share")
        )
        return rows


def _negated(formula: str) -> str:
    """Return a formula with a minus sign; "" and 0 stay as they are."""
    return f"-{formula}" if formula not in ("", "0") else formula


def _outlook_part(part: str) -> str:
    """Return the part of the cash outlook that holds a part of the whole life."""
    known = ("buildings", "staff", "held_empty", "maintenance", "receipts")
    return part if part in known else "one_off"


def _consecutive_ranges(rows: list[int]) -> list[tuple[int, int]]:
    """Return rows as (first, last) of consecutive ones."""
    ranges: list[tuple[int, int]] = []
    for row in sorted(rows):
        if ranges and ranges[-1][1] == row - 1:
            ranges[-1] = ranges[-1][0], row
        else:
            ranges.append((row, row))
    return ranges
