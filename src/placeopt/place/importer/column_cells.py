"""The cells of one column of a table by its mapping rule: mapped, computed, reread, repriced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from placeopt.base.errors import PlaceError
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.place.columns import dictionary
from placeopt.place.files.cells import (
    damaged_id,
    parse_year,
    plain_number,
    restore_id,
    share_of_percent,
    spreadsheet_error,
)
from placeopt.place.files.raw import number_text, value_text
from placeopt.place.files.typed import parse_floats
from placeopt.place.importer.formula import FormulaError, evaluate, formula_columns
from placeopt.place.importer.mapping import ColumnRule
from placeopt.place.importer.report import Assumed, Repriced, Taken
from placeopt.place.importer.table_builder import TableBuilder


def column_cells(build: TableBuilder, name: str, rule: ColumnRule) -> list[str]:
    """The cells of one column, with gaps filled by rule and every assumption recorded."""
    cells = _cells_in_base_prices(build, name, rule)
    if rule.from_ is None or rule.source or rule.rule:
        _record_assumption(build, name, rule, sum(cell != "" for cell in cells))
    elif rule.from_ is not None:
        _record_taken(build, name, rule.from_, _describe_rule(rule))
    if rule.formula is not None:
        for used in formula_columns(rule.formula):
            _record_taken(build, name, used, f"in {rule.formula}")
    fill, gaps = rule.fill, [i for i, cell in enumerate(cells) if cell == ""]
    if fill is not None and gaps:
        part = replace(build, cells={key: [column[i] for i in gaps]
                                     for key, column in build.cells.items()},
                       rows=[build.rows[i] for i in gaps])  # fmt: skip
        filled = _cells_in_base_prices(part, name, fill)
        _record_assumption(
            build, name, fill, sum(cell != "" for cell in filled), filled_cells=filled
        )
        if fill.fill is not None:
            raise PlaceError(
                [error(build.file, "a fill cannot have a fill", "give one", column=name)]
            )
        for i, cell in zip(gaps, filled, strict=True):
            cells[i] = cell
    return cells


def _cells_in_base_prices(build: TableBuilder, name: str, rule: ColumnRule) -> list[str]:
    return to_base_prices(build, name, rule, _source_cells(build, name, rule))


def _source_cells(build: TableBuilder, name: str, rule: ColumnRule) -> list[str]:
    if rule.value is not None:
        return [value_text(rule.value)] * len(build.rows)
    if rule.formula is not None:
        return _formula_cells(build, name, rule.formula)
    assert rule.from_ is not None
    cells = list(build.column(rule.from_))
    if rule.values:
        cells = _mapped_cells(build, rule, cells)
    elif rule.factor == 1.0:
        cells = _normalise_cells(build, name, rule.from_, cells)
    if rule.factor != 1.0:
        values = parse_numbers(build, rule.from_) * rule.factor
        cells = ["" if value != value else number_text(value) for value in values.tolist()]
    return cells


def _mapped_cells(build: TableBuilder, rule: ColumnRule, cells: list[str]) -> list[str]:
    otherwise = None if rule.otherwise is None else value_text(rule.otherwise)
    table = {key: value_text(value) for key, value in rule.values.items()}
    result = []
    for row, cell in zip(build.rows, cells, strict=True):
        text = table.get(cell, "" if cell == "" and otherwise is None else otherwise)
        if text is None:
            build.fault("the mapping has no value for this",
                        f"add it to values, or give otherwise{did_you_mean(cell, table)}",
                        row, rule.from_, cell)  # fmt: skip
        result.append(text or "")
    return result


def _formula_cells(build: TableBuilder, name: str, formula: str) -> list[str]:
    try:
        columns = {column: parse_numbers(build, column) for column in formula_columns(formula)}
        values = np.broadcast_to(evaluate(formula, columns), (len(build.rows),))
    except FormulaError as fault:
        finding = error(build.file, f"formula: {fault}", "see docs/importing.md", column=name)
        raise PlaceError([finding], "faults in the mapping") from None
    for i in np.flatnonzero(np.isinf(values)):
        remedy = "filter the row out, or correct the source"
        build.fault(f"{formula} divides by zero here", remedy, build.rows[i], name)
    return [number_text(value) if np.isfinite(value) else "" for value in values.tolist()]


def parse_numbers(build: TableBuilder, column: str) -> np.ndarray:
    """(records,) numbers of a source column, NaN where empty; a text among them is a fault."""
    cells = _reread_cells(build, column, list(build.column(column)), plain_number)
    values, bad = parse_floats(cells)
    for i in bad:
        build.fault(spreadsheet_error(cells[i]) or "there is text where a number is needed",
                    "correct it in the source, or filter the row out",
                    build.rows[i], column, cells[i])  # fmt: skip
    return values


def _normalise_cells(build: TableBuilder, name: str, column: str, cells: list[str]) -> list[str]:
    """Cells that go unchanged into column ``name``, normalised to its type where unambiguous."""
    target = next(c for c in dictionary()[build.rule.table] if c.name == name)
    if target.type == "id":
        cells = _reread_cells(build, column, cells, restore_id)
        for i, cell in enumerate(cells):
            if message := damaged_id(cell):
                build.fault(message, "take the id from the source's own system, formatted as text",
                            build.rows[i], column, cell)  # fmt: skip
    elif target.type in ("number", "integer"):
        if target.unit == "year":
            financial = name in ("year", "price_year")  # meant by the year in which it starts
            cells = _reread_cells(build, column, cells, partial(parse_year, financial=financial))
        if target.unit == "share":
            cells = _reread_cells(build, column, cells, share_of_percent)
        cells = _reread_cells(build, column, cells, plain_number)
        _, bad = parse_floats(cells)
        for i in bad:
            build.fault(spreadsheet_error(cells[i]) or "there is text where a number is needed",
                        "correct it in the source, or name it in the source's missing",
                        build.rows[i], column, cells[i])  # fmt: skip
            cells[i] = ""
    else:
        for i, cell in enumerate(cells):
            if cell[:1] == "#" and (message := spreadsheet_error(cell)):
                build.fault(message, "correct it in the source, or name it in the source's missing",
                            build.rows[i], column, cell)  # fmt: skip
    return cells


def _reread_cells(
    build: TableBuilder, column: str, cells: list[str], reader: Callable[[str], str | None]
) -> list[str]:
    """Normalise cells with ``reader`` where it has a reading, with one warning for all of them."""
    candidates = [(i, cell) for i, cell in enumerate(cells) if cell and not cell.isdigit()]
    readings = {i: text for i, cell in candidates if (text := reader(cell)) not in (None, cell)}
    if not readings:
        return cells
    first = next(iter(readings))
    message = f"{len(readings)} cells were read as plain values, this one as {readings[first]}"
    build.findings.append(
        warning(
            build.file,
            message,
            "nothing to do, unless that is wrong",
            row=build.rows[first],
            column=column,
            value=cells[first],
            ids=_row_numbers(build, readings),
        )
    )
    return [readings.get(i) or cell for i, cell in enumerate(cells)]


def _row_numbers(build: TableBuilder, positions: Iterable[int]) -> list[str]:
    """The file's row numbers at several positions, for a finding that counts rows."""
    rows = list(dict.fromkeys(build.rows[i] for i in positions))
    return [str(row) for row in rows] if len(rows) > 1 else []


def _record_taken(build: TableBuilder, name: str, column: str, how: str) -> None:
    build.report.taken.append(Taken(build.file, column, build.rule.table, name, how))


def _describe_rule(rule: ColumnRule) -> str:
    how = [f"times {rule.factor:g}"] if rule.factor != 1.0 else []
    if rule.prices is not None:
        how.append(f"prices of {rule.prices} brought to the place's price year")
    if rule.values:
        shown = [f"{key} is {value_text(value)}" for key, value in rule.values.items()]
        how.append("; ".join(shown))
    return ", ".join(how)


def _record_assumption(
    build: TableBuilder,
    name: str,
    rule: ColumnRule,
    rows: int,
    filled_cells: Sequence[str] | None = None,
) -> None:
    """Record an assumption in the report.

    A rule without words is described by its constant, map or formula. ``filled_cells`` are the
    cells that filled gaps.
    """
    if rows == 0:
        return
    description = rule.formula or (value_text(rule.value) if rule.from_ is None else
                            f"by {rule.from_}: {_describe_rule(rule) or 'as it is'}")  # fmt: skip
    column = next(c for c in dictionary()[build.rule.table] if c.name == name)
    unit = f" {column.unit}" if rule.value is not None and column.unit else ""
    text = rule.rule or f"{description}{unit}"
    where = ""
    if filled_cells is not None:
        values_text = summarise_values([cell for cell in filled_cells if cell])
        where = f" (where the source is empty: became {values_text})"
    build.report.assumed.append(
        Assumed(build.rule.table, name, rows, text + where, rule.source, rule.grade)
    )


def to_base_prices(build: TableBuilder, name: str, rule: ColumnRule, cells: list[str]) -> list[str]:
    """Convert the cells of a money column to the place's price year.

    Args:
        build: The table being built.
        name: The column of the table.
        rule: Its mapping rule; ``rule.prices`` is the price year, or the column of price years.
        cells: (rows,) amounts as text.

    Returns:
        (rows,) converted amounts as text; unchanged if the rule states no prices.
    """
    if rule.prices is None:
        return cells
    base = build.prices.price_year
    amounts, _ = parse_floats(cells)
    years = (
        [str(rule.prices)] * len(cells)
        if isinstance(rule.prices, int)
        else list(build.column(rule.prices))
    )
    column = rule.prices if isinstance(rule.prices, str) else rule.from_ or name
    rows_by_year: Counter[int] = Counter()
    result = list(cells)
    for i, (amount, stated) in enumerate(zip(amounts.tolist(), years, strict=True)):
        if amount != amount:
            continue
        text = stated if stated.isdigit() else parse_year(stated, financial=True)
        if text is None or len(text) != 4:
            build.fault("the amount's price year is not stated", "give a year such as 2022",
                        build.rows[i], column, stated)  # fmt: skip
            continue
        factor = build.prices.factor(int(text))
        if factor is None:
            missing_years = [y for y in (int(text), base) if y not in build.prices.index]
            build.fault(f"deflators has no index of {' and '.join(map(str, missing_years))}",
                        "add the year to the table deflators of the mapping",
                        build.rows[i], column, stated)  # fmt: skip
            continue
        rows_by_year[int(text)] += 1
        if factor != 1.0:
            result[i] = number_text(amount * factor)
    build.report.repriced += [
        Repriced(
            build.file, build.rule.table, name, rows, year, base, build.prices.factor(year) or 1.0
        )
        for year, rows in sorted(rows_by_year.items())
    ]
    return result


def summarise_values(values: Sequence[str]) -> str:
    """Describe values: the single value, a range of numbers, or the first three."""
    different = list(dict.fromkeys(values))
    if len(different) <= 1:
        return "".join(different)
    numbers, bad = parse_floats(different)
    if not bad:
        return f"{number_text(float(numbers.min()))} to {number_text(float(numbers.max()))}"
    first_three = ", ".join(different[:3])
    return f"{first_three} and {len(different) - 3} more" if len(different) > 3 else first_three
