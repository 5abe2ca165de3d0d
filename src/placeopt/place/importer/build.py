"""Make the rows of a table from a source as its mapping says, and note all that was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import Finding, PlaceError
from placeopt.place.faults import did_you_mean, error, warning
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
from placeopt.place.importer.mapping import ColumnRule, Join, TableRule, Where
from placeopt.place.importer.prices import Deflator
from placeopt.place.importer.report import Assumed, ImportReport, LeftOut, Repriced, Taken
from placeopt.place.importer.sources import GEOMETRY_COLUMNS, Source, crs_findings
from placeopt.place.importer.table_builder import TableBuilder, Unmatched
from placeopt.place.importer.vintages import vintage_findings
from placeopt.place.tables import dictionary

if TYPE_CHECKING:
    from placeopt.place.importer.mapping import ColumnRule
    from placeopt.place.importer.table_builder import TableBuilder


def build_rows(
    rule: TableRule, sources: dict[str, Source], crs: str, report: ImportReport, prices: Deflator
) -> tuple[dict[str, list[str]], list[Finding], set[str]]:
    """Text cells by column for one table rule; what is wrong; the source's columns used."""
    if rule.source is None:
        return _written_rows(rule, report), [], set()
    source = sources[rule.source]
    build = TableBuilder(rule, source.file, dict(source.table.cells),
                  [source.table.row(at) for at in range(len(source.table))], report,
                  prices)  # fmt: skip
    for join in rule.join:
        _join(build, join, sources[join.source])
    build.findings += vintage_findings(rule, source.file, build.cells)
    for where in rule.where:
        build.keep(_matches(build, where), where.reason)
    if rule.split:
        _split(build)
    noted = len(report.assumed)
    result = {name: _column(build, name, column) for name, column in rule.columns.items()}
    if build.used.intersection(GEOMETRY_COLUMNS):
        build.findings += crs_findings(source, crs)
    build.findings += _unmatched_findings(build, result)
    if not rule.distinct:
        build.findings += _repeated_keys(build, result)
    if rule.distinct:
        result = _distinct(build, result)
        kept = len(next(iter(result.values()), []))
        for at, said in enumerate(report.assumed[noted:], start=noted):
            report.assumed[at] = replace(said, rows=min(said.rows, kept))
    return result, build.findings, build.used


def _written_rows(rule: TableRule, report: ImportReport) -> dict[str, list[str]]:
    names = list(dict.fromkeys(name for row in rule.rows for name in row))
    cells = {name: [value_text(row.get(name)) for row in rule.rows] for name in names}
    assert rule.assumption is not None  # the mapping was checked
    said = rule.assumption
    written = [column for column in dictionary()[rule.table] if column.name in cells]
    told = [column for column in written if column.type in ("number", "integer", "boolean")]
    for column in told or written[:1]:  # links and names are told by their first column
        filled = sum(cell != "" for cell in cells[column.name])
        if filled:
            report.assumed.append(
                Assumed(rule.table, column.name, filled, said.rule, said.source, said.grade)
            )
    return cells


def _join(build: TableBuilder, join: Join, other: Source) -> None:
    """Add the other source's columns, found by id; ids it lacks leave empty cells."""
    keys = other.table.cells.get(join.other)
    if keys is None:
        remedy = f"name a column of it{did_you_mean(join.other, other.table.cells)}"
        fault = error(other.file, "the joined source has no such column", remedy, column=join.other)
        raise PlaceError([fault], "faults in the mapping")
    position: dict[str, int] = {}
    for at, key in enumerate(keys):
        if position.setdefault(key, at) != at:
            build.findings.append(error(other.file, "the id to join by stands twice",
                                        "delete one", row=other.table.row(at), column=join.other,
                                        value=key))  # fmt: skip
    found = [position.get(key) for key in build.column(join.column)]
    lost = {row: key for row, key, at in
            zip(build.rows, build.column(join.column), found, strict=True)
            if at is None}  # fmt: skip
    if lost:
        gives = frozenset(other.table.cells).difference(build.cells)
        build.unmatched.append(Unmatched(other.file, join.other, tuple(keys), lost, gives))
    for name, cells in other.table.cells.items():
        if name not in build.cells:
            build.cells[name] = ["" if at is None else cells[at] for at in found]


def _repeated_keys(build: TableBuilder, result: dict[str, list[str]]) -> list[Finding]:
    """Rows of the source that would be a record of the table whose key another row has already."""
    keys = [column.name for column in dictionary()[build.rule.table] if column.key]
    if not all(key in result for key in keys):
        return []
    first: dict[tuple[str, ...], int] = {}
    findings = []
    for row, key in zip(build.rows, zip(*(result[key] for key in keys), strict=True), strict=True):
        before = first.setdefault(key, row)
        if before != row and all(key):
            column = build.rule.columns[keys[0]].from_ or keys[0]
            findings.append(error(
                build.file, f"the same {' and '.join(keys)} of {build.rule.table} comes from row "
                f"{before} already", "give every row its own, filter one out, or say distinct",
                row=row, column=column, value=", ".join(key)))  # fmt: skip
    return findings


def _unmatched_findings(build: TableBuilder, result: dict[str, list[str]]) -> list[Finding]:
    """One finding for each id that a joined source lacks: an error where cells that must be filled
    stay empty for it, else a warning."""
    must = [column.name for column in dictionary()[build.rule.table] if column.required]
    empty = {
        row
        for name in must
        for row, cell in zip(build.rows, result.get(name, ()), strict=False)
        if cell == ""
    }
    findings = []
    for lost in build.unmatched:
        rows_of: dict[str, list[int]] = {}
        told: list[int] = []
        for row in build.rows:
            if row in lost.key_of_row:
                rows_of.setdefault(lost.key_of_row[row], []).append(row)
        for key, rows in rows_of.items():
            if key and empty.intersection(rows):
                again = "row names" if len(rows) == 1 else "rows name"
                message = f"{len(rows)} {again} it ({build.file}, first in row {rows[0]}), and it"
                findings.append(
                    error(
                        lost.file,
                        f"{message} is not there",
                        f"add it, or leave the rows out{did_you_mean(key, lost.known)}",
                        column=lost.column,
                        value=key,
                        ids=map(str, rows),
                    )
                )
                told += rows
        left = {key: rows for key, rows in rows_of.items() if not set(rows) <= set(told)}
        if left:
            count = sum(map(len, left.values()))
            first = next(iter(left))
            message = f"{count} rows of {build.file} have no match, the first by {first!r}"
            at = [
                k for k, row in enumerate(build.rows) if any(row in rows for rows in left.values())
            ]
            findings.append(warning(lost.file, message, _became(build, lost, result, at),
                                    column=lost.column, ids=filter(None, left)))  # fmt: skip
    return findings


def _became(
    build: TableBuilder, lost: Unmatched, result: dict[str, list[str]], positions: Sequence[int]
) -> str:
    """What the cells that a joined source was to give are now, column by column."""
    told = []
    for name, cells in result.items():
        if not set(_read_by(build.rule.columns[name])) & lost.gives:
            continue
        values = [cells[at] for at in positions]
        said = summarise_values([value for value in values if value])
        empty = values.count("")
        if not said:
            told.append(f"{name} stays empty")
        elif empty:
            told.append(f"{name} became {said}, and stays empty in {empty}")
        else:
            told.append(f"{name} became {said}")
    return "; ".join(told) or "no column is taken from it"


def _read_by(rule: ColumnRule) -> list[str]:
    """The source's columns that a rule reads before it is filled."""
    try:
        return [rule.from_] if rule.from_ else formula_columns(rule.formula or "0")
    except FormulaError:  # said where the formula is evaluated
        return []


def summarise_values(values: Sequence[str]) -> str:
    """Values in words: the one that all have, a range of numbers, or the first few."""
    different = list(dict.fromkeys(values))
    if len(different) <= 1:
        return "".join(different)
    numbers, bad = parse_floats(different)
    if not bad:
        return f"{number_text(float(numbers.min()))} to {number_text(float(numbers.max()))}"
    few = ", ".join(different[:3])
    return f"{few} and {len(different) - 3} more" if len(different) > 3 else few


def _matches(build: TableBuilder, where: Where) -> np.ndarray:
    cells = build.column(where.column)
    mask = np.ones(len(cells), dtype=bool)
    if where.is_ is not None:
        mask &= np.isin(cells, where.is_) if cells else mask
    if where.is_not is not None:
        mask &= ~np.isin(cells, where.is_not) if cells else mask
    if where.filled is not None:
        mask &= np.array([(cell != "") == where.filled for cell in cells], dtype=bool)
    if where.at_least is not None or where.at_most is not None:
        values = _numbers(build, where.column)
        low = -np.inf if where.at_least is None else where.at_least
        high = np.inf if where.at_most is None else where.at_most
        mask &= (values >= low) & (values <= high)
    return mask


def _split(build: TableBuilder) -> None:
    assert build.rule.split is not None
    name, by = build.rule.split.column, build.rule.split.by
    parts = [[part.strip() for part in cell.split(by)] for cell in build.column(name)]
    build.take([at for at, texts in enumerate(parts) for _ in texts])
    build.cells[name] = [part for texts in parts for part in texts]


def _column(build: TableBuilder, name: str, rule: ColumnRule) -> list[str]:
    """The cells of one column, its gaps filled by rule and every assumption noted."""
    cells = _origin(build, name, rule)
    if rule.from_ is None or rule.source or rule.rule:
        _assume(build, name, rule, sum(cell != "" for cell in cells))
    elif rule.from_ is not None:
        _note_taken(build, name, rule.from_, _how(rule))
    if rule.formula is not None:
        for used in formula_columns(rule.formula):
            _note_taken(build, name, used, f"in {rule.formula}")
    fill, gaps = rule.fill, [at for at, cell in enumerate(cells) if cell == ""]
    if fill is not None and gaps:
        part = replace(build, cells={key: [column[at] for at in gaps]
                                     for key, column in build.cells.items()},
                       rows=[build.rows[at] for at in gaps])  # fmt: skip
        filled = _origin(part, name, fill)
        _assume(build, name, fill, sum(cell != "" for cell in filled), became=filled)
        if fill.fill is not None:
            raise PlaceError(
                [error(build.file, "a fill cannot have a fill", "give one", column=name)]
            )
        for at, cell in zip(gaps, filled, strict=True):
            cells[at] = cell
    return cells


def _origin(build: TableBuilder, name: str, rule: ColumnRule) -> list[str]:
    return to_base_prices(build, name, rule, _stated(build, name, rule))


def _stated(build: TableBuilder, name: str, rule: ColumnRule) -> list[str]:
    if rule.value is not None:
        return [value_text(rule.value)] * len(build.rows)
    if rule.formula is not None:
        return _formula(build, name, rule.formula)
    assert rule.from_ is not None
    cells = list(build.column(rule.from_))
    if rule.values:
        cells = _mapped(build, rule, cells)
    elif rule.factor == 1.0:
        cells = _read_as(build, name, rule.from_, cells)
    if rule.factor != 1.0:
        values = _numbers(build, rule.from_) * rule.factor
        cells = ["" if value != value else number_text(value) for value in values.tolist()]
    return cells


def _mapped(build: TableBuilder, rule: ColumnRule, cells: list[str]) -> list[str]:
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


def _formula(build: TableBuilder, name: str, formula: str) -> list[str]:
    try:
        columns = {column: _numbers(build, column) for column in formula_columns(formula)}
        values = np.broadcast_to(evaluate(formula, columns), (len(build.rows),))
    except FormulaError as fault:
        said = error(build.file, f"formula: {fault}", "see docs/importing.md", column=name)
        raise PlaceError([said], "faults in the mapping") from None
    for at in np.flatnonzero(np.isinf(values)):
        remedy = "filter the row out, or correct the source"
        build.fault(f"{formula} divides by zero here", remedy, build.rows[at], name)
    return [number_text(value) if np.isfinite(value) else "" for value in values.tolist()]


def _numbers(build: TableBuilder, column: str) -> np.ndarray:
    cells = _read_so(build, column, list(build.column(column)), plain_number)
    values, bad = parse_floats(cells)
    for at in bad:
        build.fault("there is text where a number is needed",
                    "correct it in the source, or filter the row out",
                    build.rows[at], column, cells[at])  # fmt: skip
    return values


def _read_as(build: TableBuilder, name: str, column: str, cells: list[str]) -> list[str]:
    """Cells that go as they stand into a column ``name``, read as its type where one can."""
    wanted = next(c for c in dictionary()[build.rule.table] if c.name == name)
    if wanted.type == "id":
        cells = _read_so(build, column, cells, restore_id)
        for at, cell in enumerate(cells):
            if lost := damaged_id(cell):
                build.fault(lost, "take the id from the source's own system, formatted as text",
                            build.rows[at], column, cell)  # fmt: skip
    elif wanted.type in ("number", "integer"):
        if wanted.unit == "year":
            financial = name in ("year", "price_year")  # meant by the year in which it starts
            cells = _read_so(build, column, cells, partial(parse_year, financial=financial))
        if wanted.unit == "share":
            cells = _read_so(build, column, cells, share_of_percent)
        cells = _read_so(build, column, cells, plain_number)
        _, bad = parse_floats(cells)
        for at in bad:
            build.fault(spreadsheet_error(cells[at]) or "there is text where a number is needed",
                        "correct it in the source, or name it in the source's missing",
                        build.rows[at], column, cells[at])  # fmt: skip
            cells[at] = ""
    return cells


def _read_so(
    build: TableBuilder, column: str, cells: list[str], reader: Callable[[str], str | None]
) -> list[str]:
    """Cells that are no plain text of their type, read in the one way they can be; said once."""
    odd = [(at, cell) for at, cell in enumerate(cells) if cell and not cell.isdigit()]
    read = {at: text for at, cell in odd if (text := reader(cell)) not in (None, cell)}
    if not read:
        return cells
    first = next(iter(read))
    message = f"{len(read)} cells were read as plain values, this one as {read[first]}"
    build.findings.append(warning(build.file, message, "nothing to do, unless that is wrong",
                                  row=build.rows[first], column=column,
                                  value=cells[first], ids=_counted(build, read)))  # fmt: skip
    return [read.get(at) or cell for at, cell in enumerate(cells)]


def _counted(build: TableBuilder, positions: Iterable[int]) -> list[str]:
    """The rows of the source's file at several positions, as a counted finding has them."""
    rows = list(dict.fromkeys(build.rows[at] for at in positions))
    return [str(row) for row in rows] if len(rows) > 1 else []


def _distinct(build: TableBuilder, result: dict[str, list[str]]) -> dict[str, list[str]]:
    records = list(zip(*result.values(), strict=True))
    first = list(dict.fromkeys(records))
    if len(first) < len(records):
        again = len(records) - len(first)
        said = LeftOut(build.file, build.rule.table, again, "the same record again")
        build.report.left_out.append(said)
    return {name: [record[k] for record in first] for k, name in enumerate(result)}


def _note_taken(build: TableBuilder, name: str, column: str, how: str) -> None:
    build.report.taken.append(Taken(build.file, column, build.rule.table, name, how))


def _how(rule: ColumnRule) -> str:
    how = [f"times {rule.factor:g}"] if rule.factor != 1.0 else []
    if rule.prices is not None:
        how.append(f"prices of {rule.prices} brought to the place's price year")
    if rule.values:
        shown = [f"{key} is {value_text(value)}" for key, value in rule.values.items()]
        how.append("; ".join(shown))
    return ", ".join(how)


def _assume(
    build: TableBuilder, name: str, rule: ColumnRule, rows: int, became: Sequence[str] | None = None
) -> None:
    """Note an assumption; a rule in no words is told by its constant, map or formula, and one that
    filled gaps by what they became."""
    if rows == 0:
        return
    made = rule.formula or (value_text(rule.value) if rule.from_ is None else
                            f"by {rule.from_}: {_how(rule) or 'as it is'}")  # fmt: skip
    column = next(c for c in dictionary()[build.rule.table] if c.name == name)
    unit = f" {column.unit}" if rule.value is not None and column.unit else ""
    text = rule.rule or f"{made}{unit}"
    where = ""
    if became is not None:
        said = summarise_values([cell for cell in became if cell])
        where = f" (where the source is empty: became {said})"
    build.report.assumed.append(
        Assumed(build.rule.table, name, rows, text + where, rule.source, rule.grade)
    )


def to_base_prices(build: TableBuilder, name: str, rule: ColumnRule, cells: list[str]) -> list[str]:
    """Cells of a money column in prices of the place's price year."""
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
    done: Counter[int] = Counter()
    result = list(cells)
    for at, (amount, stated) in enumerate(zip(amounts.tolist(), years, strict=True)):
        if amount != amount:
            continue
        text = stated if stated.isdigit() else parse_year(stated, financial=True)
        if text is None or len(text) != 4:
            build.fault("the amount's price year is not stated", "give a year such as 2022",
                        build.rows[at], column, stated)  # fmt: skip
            continue
        times = build.prices.times(int(text))
        if times is None:
            lacking = [y for y in (int(text), base) if y not in build.prices.index]
            build.fault(f"deflators has no index of {' and '.join(map(str, lacking))}",
                        "add the year to the table deflators of the mapping",
                        build.rows[at], column, stated)  # fmt: skip
            continue
        done[int(text)] += 1
        if times != 1.0:
            result[at] = number_text(amount * times)
    build.report.repriced += [
        Repriced(
            build.file, build.rule.table, name, rows, year, base, build.prices.times(year) or 1.0
        )
        for year, rows in sorted(done.items())
    ]
    return result
