"""An estate's workbook as live formulas: from the cells of the sheet "Inputs" to every total.

    price          cells of "Inputs", raised by optimism bias or net of the cost of selling
    cost           quantity x price, a row of "Cost lines"
    present value  cost x factor of its year; the last decided year's yearly costs are multiplied
                   by the sum of all factors that are left
    other sheets   sums of rows of "Cost lines"

``Year by year`` holds the discount factors, made of the scenario's rate, the cash of each year of
the appraisal, savings so far, and whether they stay ahead from then on.
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
from placeopt.scenario.discount import discount_factors, schedule

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer
    from placeopt.report.workbook.input_cells import Inputs

FIRST = 3  # the first row of a sheet's table, counted from 0
MOST_CHARACTERS = 8_000  # of a formula that Excel reads
OUTLOOK_YEARS = 10
AHEAD = 0.5  # GBP by which savings so far may miss a whole payback
LINES, BY_YEAR = "cost_lines", "year_by_year"
Formulas = dict[tuple[int, str], str]  # (row of the table from 0, column) -> formula
RECURS = ("yearly", "once", "until_sold", "over_a_move", "carbon")


@dataclass(frozen=True)
class LiveCosts:
    """The lines and the sheets made of them; ``formulas`` of each sheet by its table's name."""

    lines: list[CostLine]
    sheets: dict[str, Sheet]


def live_costs(answer: Answer) -> LiveCosts | None:
    """The two sheets that only a workbook with live formulas has; None where it has none."""
    lines = cost_lines(answer)
    if not lines:
        return None
    frames = {LINES: _with_worth(answer, lines), BY_YEAR: _by_year(answer, lines)}
    return LiveCosts(
        lines, {name: make_sheet(answer.place, name, frame) for name, frame in frames.items()}
    )


def last_year(answer: Answer) -> int:
    """The last decided year."""
    assert answer.plan is not None
    return int(answer.plan.tables["buildings_by_year"]["year"].max())


def _years(answer: Answer, lines: list[CostLine]) -> list[int]:
    """The years appraised and decided, ten at least, and those until the last receipt."""
    first = min(line.year for line in lines)
    ends = first + max(OUTLOOK_YEARS, answer.scenario.money.appraisal_years) - 1
    return list(range(first, max(ends, *(line.year for line in lines)) + 1))


def _factors(answer: Answer, lines: list[CostLine]) -> dict[int, tuple[float, float]]:
    """Year -> worth of a pound in it, and of a pound a year from it on where it is the last
    decided one (of the appraisal's years)."""
    years, last = _years(answer, lines), last_year(answer)
    money = answer.scenario.money
    factor = discount_factors(len(years), money.discount_rate)
    end = max(money.appraisal_years, last - years[0] + 1)
    carried = {last: float(factor[last - years[0] : end].sum())}
    return {
        year: (float(one), carried.get(year, float(one) if year < last else 0.0))
        for year, one in zip(years, factor, strict=True)
    }


def _with_worth(answer: Answer, lines: list[CostLine]) -> pd.DataFrame:
    table, factors = lines_table(lines), _factors(answer, lines)
    table["weight"] = [factors[line.year][line.recurs == YEARLY] for line in lines]
    for when in ("do_nothing", "plan"):
        table[f"{when}_present_gbp"] = table[f"{when}_gbp"] * table["weight"]
    return table


def _by_year(answer: Answer, lines: list[CostLine]) -> pd.DataFrame:
    """Factors and cash of each year, savings so far, and whether they stay ahead."""
    import pandas as pd

    factors, steps = _factors(answer, lines), schedule()
    rows: list[dict[str, Any]] = []
    for on, (year, (factor, carried)) in enumerate(factors.items()):
        step = next(step[2] for step in steps if max(1, on) <= step[1])
        chosen = [lines[at] for at in _cash_of(answer, lines, year)]
        was, now = (
            sum(getattr(line, when) * line.price_gbp for line in chosen)
            for when in ("do_nothing", "plan")
        )
        rows.append(
            {
                "year": year,
                "years_on": on,
                "step": step,
                "rate": step * answer.scenario.money.discount_rate / steps[0][2],
                "factor": factor,
                "carried_on": carried,
                "do_nothing_gbp": was,
                "plan_gbp": now,
                "saving_gbp": was - now,
                "saving_present_gbp": (was - now) * factor,
            }
        )
    table = pd.DataFrame(rows)
    saved = table["saving_gbp"].cumsum()
    table["saved_so_far_gbp"] = saved
    ahead = (saved >= -AHEAD).to_numpy(copy=True)
    ahead[-1] = saved.iloc[-1] > AHEAD
    table["stays_ahead"] = np.logical_and.accumulate(ahead[::-1])[::-1].astype(int)
    return table


def _cash_of(answer: Answer, lines: list[CostLine], year: int) -> list[int]:
    """Positions of the lines that are cash of a year; the last decided year's yearly ones go on."""
    last = last_year(answer)
    return [
        at
        for at, line in enumerate(lines)
        if line.line not in NON_CASH_LINES
        and line.year == (min(year, last) if line.recurs == YEARLY else year)
    ]


class FormulaWriter:
    """Makes the formulas of every sheet that is a sum of cost lines."""

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

    def all(self) -> dict[str, Formulas]:
        """Table -> its formulas."""
        makers = {
            LINES: self._cost_lines,
            BY_YEAR: self._year_by_year,
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
        """A cell of a table's sheet, named from the sheet of table ``here``."""
        from xlsxwriter.utility import xl_rowcol_to_cell

        names = [heading.name for heading in self.sheets[table].headings]
        cell = xl_rowcol_to_cell(FIRST + row, names.index(column), True, True)
        return str(cell) if table == here else f"'{self.titles[table]}'!{cell}"

    def total(self, table: str, rows: Iterable[int], column: str, here: str = "") -> str:
        """The sum of some rows of a column; "" where a formula would be too long."""
        pieces, runs = [], _runs(list(rows))
        for start, end in runs:
            first, final = (self.cell(table, row, column, here) for row in (start, end))
            pieces.append(first if start == end else f"{first}:{final.rpartition('!')[2]}")
        text = f"SUM({','.join(pieces)})" if pieces else "0"
        return text if len(text) <= MOST_CHARACTERS and len(pieces) <= 250 else ""

    def _where(self, names: tuple[str, ...], values: tuple[Any, ...]) -> list[int]:
        """Positions of the lines whose fields have these values."""
        lines = enumerate(self.lines)
        return [at for at, line in lines if tuple(getattr(line, n) for n in names) == values]

    def _sums(self, rows: list[int], columns: Mapping[str, str], number: int) -> Formulas:
        """Sums of cost lines for some columns of row ``number``: own column -> column of lines."""
        return {(number, own): self.total(LINES, rows, of) for own, of in columns.items()}

    def _cost_lines(self) -> Formulas:
        made: Formulas = {}
        at = {year: number for number, year in enumerate(self.years)}
        for number, line in enumerate(self.lines):

            def here(column: str, number: int = number) -> str:
                return self.cell(LINES, number, column, LINES)

            made[number, "price_gbp"] = self._price(line)
            for when in ("do_nothing", "plan"):
                made[number, f"{when}_gbp"] = f"{here(f'{when}_quantity')}*{here('price_gbp')}"
                made[number, f"{when}_present_gbp"] = f"{here(f'{when}_gbp')}*{here('weight')}"
            made[number, "saving_gbp"] = f"{here('do_nothing_gbp')}-{here('plan_gbp')}"
            weight = "carried_on" if line.recurs == YEARLY else "factor"
            made[number, "weight"] = self.cell(BY_YEAR, at[line.year], weight)
        return made

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
        made: Formulas = {}
        asked = self.inputs.address("scenario", "", "money, discount_rate")
        appraised = self.answer.scenario.money.appraisal_years
        final = len(self.years) - 1
        for on, year in enumerate(self.years):

            def here(column: str, row: int = on) -> str:
                return self.cell(BY_YEAR, row, column, BY_YEAR)

            made[on, "rate"] = f"{here('step')}*{asked}/{here('step', 0)}"
            made[on, "factor"] = f"{here('factor', on - 1)}/(1+{here('rate')})" if on else "1"
            if year == self.last:
                end = max(appraised, on + 1)
                made[on, "carried_on"] = self.total(BY_YEAR, range(on, end), "factor", BY_YEAR)
            elif year < self.last:
                made[on, "carried_on"] = here("factor")
            rows = _cash_of(self.answer, self.lines, year)
            made |= self._sums(rows, {c: c for c in ("do_nothing_gbp", "plan_gbp")}, on)
            made[on, "saving_gbp"] = f"{here('do_nothing_gbp')}-{here('plan_gbp')}"
            made[on, "saving_present_gbp"] = f"{here('saving_gbp')}*{here('factor')}"
            before = f"{here('saved_so_far_gbp', on - 1)}+" if on else ""
            made[on, "saved_so_far_gbp"] = f"{before}{here('saving_gbp')}"
            saved = here("saved_so_far_gbp")
            made[on, "stays_ahead"] = (
                f"IF({saved}<-{AHEAD},0,{here('stays_ahead', on + 1)})"
                if on < final
                else f"IF({saved}>{AHEAD},1,0)"
            )
        return made

    def _rows(self, table: str) -> list[dict[str, Any]]:
        """The plan's own rows of a table; those made for reading as their sheet has them."""
        assert self.answer.plan is not None
        known = self.answer.plan.tables
        frame = known[table] if table in known else self.sheets[table].frame
        return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]

    def _saving(self, table: str, number: int, ending: str = "_gbp") -> Formulas:
        was, now = (self.cell(table, number, f"{w}{ending}", table) for w in ("do_nothing", "plan"))
        return {(number, f"saving{ending}"): f"{was}-{now}"}

    def _cash_flow(self) -> Formulas:
        at: dict[tuple[Any, ...], list[int]] = {}
        for position, line in enumerate(self.lines):
            at.setdefault((line.year, line.agency_id, line.line), []).append(position)
        made: Formulas = {}
        for number, row in enumerate(self._rows("cash_flow")):
            rows = at.get((int(row["year"]), str(row["agency_id"]), str(row["line"])), [])
            made |= self._sums(rows, {c: c for c in ("do_nothing_gbp", "plan_gbp")}, number)
            made |= self._saving("cash_flow", number)
        return made

    def _cash_years(self) -> Formulas:
        made: Formulas = {}
        flow = self._rows("cash_flow")
        for number, row in enumerate(self._rows("cash_years")):
            here = [at for at, one in enumerate(flow) if one["year"] == row["year"]]
            for part in dict.fromkeys(CASH_PARTS.values()):
                rows = [at for at in here if CASH_PARTS.get(flow[at]["line"], "works_gbp") == part]
                made[number, part] = self.total("cash_flow", rows, "plan_gbp")
            for column in ("do_nothing_gbp", "plan_gbp"):
                made[number, column] = self.total("cash_flow", here, column)
            made |= self._saving("cash_years", number)
            saving = self.cell("cash_years", number, "saving_gbp", "cash_years")
            before = self.cell("cash_years", number - 1, "saved_so_far_gbp", "cash_years")
            made[number, "saved_so_far_gbp"] = f"{before}+{saving}" if number else saving
        return made

    def _cash_agencies(self) -> Formulas:
        made: Formulas = {}
        flow = self._rows("cash_flow")
        for number, row in enumerate(self._rows("cash_agencies")):
            here = [at for at, one in enumerate(flow) if one["agency_id"] == row["agency_id"]]
            for column in ("do_nothing_gbp", "plan_gbp"):
                made[number, column] = self.total("cash_flow", here, column)
            made |= self._saving("cash_agencies", number)
            for column in (c for c in row if c.startswith("saving_2")):
                year = int(column.split("_")[1])
                rows = [at for at in here if flow[at]["year"] == year]
                made[number, column] = self.total("cash_flow", rows, "saving_gbp")
        return made

    def _money(self) -> Formulas:
        made: Formulas = {}
        for number, row in enumerate(self._rows("money")):
            own = self._where(("agency_id", "money"), (row["agency_id"], row["line"]))
            yearly = [
                at
                for at in own
                if self.lines[at].recurs == YEARLY and self.lines[at].year == self.last
            ]
            once = [at for at in own if self.lines[at].recurs == "once"]
            columns = {"before_gbp_per_year": "do_nothing_gbp", "after_gbp_per_year": "plan_gbp"}
            made |= self._sums(yearly, columns, number)
            made[number, "one_off_gbp"] = self.total(LINES, once, "plan_gbp")
            before, after = (self.cell("money", number, name, "money") for name in columns)
            made[number, "change_gbp_per_year"] = f"{after}-{before}"
        return made

    def _buildings(self) -> Formulas:
        at: dict[str, list[int]] = {}
        for position, line in enumerate(self.lines):
            at.setdefault(line.building_id, []).append(position)
        made: Formulas = {}
        works = ("fit_out", "moves", "set_up", "closing")
        for number, row in enumerate(self._rows("buildings")):
            own = [(k, self.lines[k]) for k in at.get(str(row["building_id"]), [])]
            yearly = [
                k
                for k, x in own
                if x.recurs == YEARLY and x.year == self.last and x.line not in NON_CASH_LINES
            ]
            made[number, "running_cost_before_gbp_per_year"] = self.total(
                LINES, yearly, "do_nothing_gbp"
            )
            made[number, "running_cost_after_gbp_per_year"] = self.total(LINES, yearly, "plan_gbp")
            for column, parts, sign in (
                ("capital_gbp", works, ""),
                ("backlog_gbp", ("maintenance",), ""),
                ("receipt_net_gbp", ("receipts",), "-"),
            ):
                rows = [k for k, x in own if x.part in parts]
                text = self.total(LINES, rows, "plan_gbp")
                made[number, column] = f"{sign}{text}" if text else ""
        return made

    def _running_split(self) -> Formulas:
        made: Formulas = {}
        columns = {"before_gbp_per_year": "do_nothing_gbp", "after_gbp_per_year": "plan_gbp"}
        for number, row in enumerate(self._rows("running_split")):
            rows = self._where(("part", "recurs", "year"), (row["part"], YEARLY, self.last))
            made |= self._sums(rows, columns, number)
            was, now = (self.cell("running_split", number, c, "running_split") for c in columns)
            made[number, "saving_gbp_per_year"] = f"{was}-{now}"
        return made

    def _cash_outlook(self) -> Formulas:
        made: Formulas = {}
        for number, row in enumerate(self._rows("cash_outlook")):
            year, part = int(row["year"]), str(row["part"])
            cash = _cash_of(self.answer, self.lines, year)
            rows = [at for at in cash if _outlook_part(self.lines[at].part) == part]
            made |= self._sums(rows, {c: c for c in ("do_nothing_gbp", "plan_gbp")}, number)
            made |= self._saving("cash_outlook", number)
        return made

    def _whole_life(self) -> Formulas:
        made: Formulas = {}
        columns = {c: c for c in ("do_nothing_present_gbp", "plan_present_gbp")}
        for number, row in enumerate(self._rows("whole_life")):
            rows = self._where(("part",), (row["part"],))
            made |= self._sums(rows, columns, number)
            made |= self._saving("whole_life", number, "_present_gbp")
        return made

    def outlook(self) -> list[tuple[str, list[str], list[Any], str]]:
        """Lines of the summary sheet: label, formulas of doing nothing, the plan and the saving,
        their values, and the format."""
        table = self.sheets[BY_YEAR].frame
        ten = range(min(OUTLOOK_YEARS, len(table)))
        cash = ("do_nothing_gbp", "plan_gbp", "saving_gbp")
        found: list[tuple[str, list[str], list[Any], str]] = [
            (
                f"Cash of the first {len(ten)} years, undiscounted",
                [self.total(BY_YEAR, ten, column) for column in cash],
                [float(table[column].iloc[: len(ten)].sum()) for column in cash],
                "gbp",
            )
        ]
        lines = self.sheets[LINES].frame
        worth = [float(lines[f"{w}_present_gbp"].sum()) for w in ("do_nothing", "plan")]
        whole = range(len(lines))
        sums = [self.total(LINES, whole, f"{w}_present_gbp") for w in ("do_nothing", "plan")]
        years = self.answer.scenario.money.appraisal_years
        found.append(
            (
                f"Whole life: present value of {years} years",
                [*sums, f"{sums[0]}-{sums[1]}"],
                [*worth, worth[0] - worth[1]],
                "gbp",
            )
        )
        ahead = self.total(BY_YEAR, range(len(table)), "stays_ahead")
        first, count = self.cell(BY_YEAR, 0, "year"), len(table)
        stays = int(table["stays_ahead"].sum())
        paid: Any = self.years[0] + count - stays if stays else "not within the appraisal"
        text = f'IF({ahead}>0,{first}+{count}-{ahead},"not within the appraisal")'
        found.append(
            ("Savings so far stay ahead from the year", ["", "", text], ["", "", paid], "year")
        )
        asked = self.inputs.address("scenario", "", "money, discount_rate")
        rate = self.answer.scenario.money.discount_rate
        found.append(("Discount rate (a cell of Inputs)", ["", asked, ""], ["", rate, ""], "share"))
        return found


def _outlook_part(part: str) -> str:
    """The part of the cash outlook that a part of the whole life is in."""
    known = ("buildings", "staff", "held_empty", "maintenance", "receipts")
    return part if part in known else "one_off"


def _runs(rows: list[int]) -> list[tuple[int, int]]:
    """Rows as (first, last) of those that follow one another."""
    found: list[tuple[int, int]] = []
    for row in sorted(rows):
        if found and found[-1][1] == row - 1:
            found[-1] = found[-1][0], row
        else:
            found.append((row, row))
    return found
