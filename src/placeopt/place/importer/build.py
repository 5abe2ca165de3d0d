"""Build the rows of a table from a source by its mapping rule, and record every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from placeopt.base.errors import Finding, PlaceError
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
from placeopt.place.importer.mapping import ColumnRule, Join, TableRule, Where
from placeopt.place.importer.prices import Deflator
from placeopt.place.importer.report import Assumed, ImportReport, LeftOut, Repriced, Taken
from placeopt.place.importer.sources import GEOMETRY_COLUMNS, Source, crs_findings
from placeopt.place.importer.table_builder import TableBuilder, Unmatched
from placeopt.place.importer.vintages import vintage_findings


def build_rows(
    rule: TableRule, sources: dict[str, Source], crs: str, report: ImportReport, prices: Deflator
) -> tuple[dict[str, list[str]], list[Finding], set[str]]:
    """Build the rows of one table rule.

    Args:
        rule: The mapping's rule for the table.
        sources: The sources by name.
        crs: The coordinate system of the place.
        report: Receives what was taken, assumed and left out.
        prices: Converts money to the place's price year.

    Returns:
        Text cells by column, the findings, and the source columns that were used.

    Raises:
        PlaceError: The mapping names a column that the source does not have, or a formula is wrong.
    """
    if rule.source is None:
        return _written_rows(rule, report), [], set()
    source = sources[rule.source]
    build = TableBuilder(rule, source.file, dict(source.table.cells),
                  [source.table.row(i) for i in range(len(source.table))], report,
                  prices)  # fmt: skip
    for join in rule.join:
        _join(build, join, sources[join.source])
    build.findings += vintage_findings(rule, source.file, build.cells)
    for where in rule.where:
        build.keep(_where_mask(build, where), where.reason)
    if rule.split:
        _split_rows(build)
    noted = len(report.assumed)
    result = {name: _column(build, name, column) for name, column in rule.columns.items()}
    if build.used.intersection(GEOMETRY_COLUMNS):
        build.findings += crs_findings(source, crs)
    build.findings += _unmatched_findings(build, result)
    if not rule.distinct:
        build.findings += _repeated_keys(build, result)
    if rule.distinct:
        result = _drop_duplicates(build, result)
        kept = len(next(iter(result.values()), []))
        for i, assumption in enumerate(report.assumed[noted:], start=noted):
            report.assumed[i] = replace(assumption, rows=min(assumption.rows, kept))
    return result, build.findings, build.used


def _written_rows(rule: TableRule, report: ImportReport) -> dict[str, list[str]]:
    names = list(dict.fromkeys(name for row in rule.rows for name in row))
    cells = {name: [value_text(row.get(name)) for row in rule.rows] for name in names}
    assert rule.assumption is not None  # the mapping was checked
    assumption = rule.assumption
    written = [column for column in dictionary()[rule.table] if column.name in cells]
    values = [column for column in written if column.type in ("number", "integer", "boolean")]
    # a table of links and names is reported by its first column
    for column in values or written[:1]:
        filled = sum(cell != "" for cell in cells[column.name])
        if filled:
            report.assumed.append(
                Assumed(
                    rule.table,
                    column.name,
                    filled,
                    assumption.rule,
                    assumption.source,
                    assumption.grade,
                )
            )
    return cells


def _join(build: TableBuilder, join: Join, other: Source) -> None:
    """Add the columns of another source, matched by id; unmatched ids leave empty cells."""
    keys = other.table.cells.get(join.other)
    if keys is None:
        remedy = f"name a column of it{did_you_mean(join.other, other.table.cells)}"
        fault = error(other.file, "the joined source has no such column", remedy, column=join.other)
        raise PlaceError([fault], "faults in the mapping")
    position: dict[str, int] = {}
    for i, key in enumerate(keys):
        if position.setdefault(key, i) != i:
            build.findings.append(error(other.file, "the id to join by stands twice",
                                        "delete one", row=other.table.row(i), column=join.other,
                                        value=key))  # fmt: skip
    matches = [position.get(key) for key in build.column(join.column)]
    key_of_row = {row: key for row, key, i in
            zip(build.rows, build.column(join.column), matches, strict=True)
            if i is None}  # fmt: skip
    if key_of_row:
        missing_columns = frozenset(other.table.cells).difference(build.cells)
        build.unmatched.append(
            Unmatched(other.file, join.other, tuple(keys), key_of_row, missing_columns)
        )
    for name, cells in other.table.cells.items():
        if name not in build.cells:
            build.cells[name] = ["" if i is None else cells[i] for i in matches]


def _repeated_keys(build: TableBuilder, result: dict[str, list[str]]) -> list[Finding]:
    """Findings on source rows that repeat the key of an earlier row of the table."""
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
    """Findings on ids missing from a joined source.

    A missing id is an error if a required cell stays empty without it. All other ids of a source
    are one warning.
    """
    required_columns = [column.name for column in dictionary()[build.rule.table] if column.required]
    empty = {
        row
        for name in required_columns
        for row, cell in zip(build.rows, result.get(name, ()), strict=False)
        if cell == ""
    }
    findings = []
    for unmatched in build.unmatched:
        rows_of: dict[str, list[int]] = {}
        error_rows: list[int] = []
        for row in build.rows:
            if row in unmatched.key_of_row:
                rows_of.setdefault(unmatched.key_of_row[row], []).append(row)
        for key, rows in rows_of.items():
            if key and empty.intersection(rows):
                verb = "row names" if len(rows) == 1 else "rows name"
                message = f"{len(rows)} {verb} it ({build.file}, first in row {rows[0]}), and it"
                findings.append(
                    error(
                        unmatched.file,
                        f"{message} is not there",
                        f"add it, or leave the rows out{did_you_mean(key, unmatched.known)}",
                        column=unmatched.column,
                        value=key,
                        ids=map(str, rows),
                    )
                )
                error_rows += rows
        warning_rows = {
            key: rows for key, rows in rows_of.items() if not set(rows) <= set(error_rows)
        }
        if warning_rows:
            count = sum(map(len, warning_rows.values()))
            first = next(iter(warning_rows))
            message = f"{count} rows of {build.file} have no match, the first by {first!r}"
            positions = [
                k
                for k, row in enumerate(build.rows)
                if any(row in rows for rows in warning_rows.values())
            ]
            findings.append(
                warning(
                    unmatched.file,
                    message,
                    _describe_gaps(build, unmatched, result, positions),
                    column=unmatched.column,
                    ids=filter(None, warning_rows),
                )
            )
    return findings


def _describe_gaps(
    build: TableBuilder,
    unmatched: Unmatched,
    result: dict[str, list[str]],
    positions: Sequence[int],
) -> str:
    """Describe, column by column, what the cells of unmatched rows contain now."""
    descriptions = []
    for name, cells in result.items():
        if not set(_columns_read(build.rule.columns[name])) & unmatched.missing_columns:
            continue
        values = [cells[i] for i in positions]
        values_text = summarise_values([value for value in values if value])
        empty = values.count("")
        if not values_text:
            descriptions.append(f"{name} stays empty")
        elif empty:
            descriptions.append(f"{name} became {values_text}, and stays empty in {empty}")
        else:
            descriptions.append(f"{name} became {values_text}")
    return "; ".join(descriptions) or "no column is taken from it"


def _columns_read(rule: ColumnRule) -> list[str]:
    """The source columns that a rule reads, without those of its ``fill``."""
    try:
        return [rule.from_] if rule.from_ else formula_columns(rule.formula or "0")
    except FormulaError:  # reported where the formula is evaluated
        return []


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


def _where_mask(build: TableBuilder, where: Where) -> np.ndarray:
    cells = build.column(where.column)
    mask = np.ones(len(cells), dtype=bool)
    if where.is_ is not None:
        mask &= np.isin(cells, where.is_) if cells else mask
    if where.is_not is not None:
        mask &= ~np.isin(cells, where.is_not) if cells else mask
    if where.filled is not None:
        mask &= np.array([(cell != "") == where.filled for cell in cells], dtype=bool)
    if where.at_least is not None or where.at_most is not None:
        values = _parse_numbers(build, where.column)
        low = -np.inf if where.at_least is None else where.at_least
        high = np.inf if where.at_most is None else where.at_most
        mask &= (values >= low) & (values <= high)
    return mask


def _split_rows(build: TableBuilder) -> None:
    assert build.rule.split is not None
    name, by = build.rule.split.column, build.rule.split.by
    parts = [[part.strip() for part in cell.split(by)] for cell in build.column(name)]
    build.take([i for i, texts in enumerate(parts) for _ in texts])
    build.cells[name] = [part for texts in parts for part in texts]


def _column(build: TableBuilder, name: str, rule: ColumnRule) -> list[str]:
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
        values = _parse_numbers(build, rule.from_) * rule.factor
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
        columns = {column: _parse_numbers(build, column) for column in formula_columns(formula)}
        values = np.broadcast_to(evaluate(formula, columns), (len(build.rows),))
    except FormulaError as fault:
        finding = error(build.file, f"formula: {fault}", "see docs/importing.md", column=name)
        raise PlaceError([finding], "faults in the mapping") from None
    for i in np.flatnonzero(np.isinf(values)):
        remedy = "filter the row out, or correct the source"
        build.fault(f"{formula} divides by zero here", remedy, build.rows[i], name)
    return [number_text(value) if np.isfinite(value) else "" for value in values.tolist()]


def _parse_numbers(build: TableBuilder, column: str) -> np.ndarray:
    cells = _reread_cells(build, column, list(build.column(column)), plain_number)
    values, bad = parse_floats(cells)
    for i in bad:
        build.fault("there is text where a number is needed",
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


def _drop_duplicates(build: TableBuilder, result: dict[str, list[str]]) -> dict[str, list[str]]:
    records = list(zip(*result.values(), strict=True))
    first = list(dict.fromkeys(records))
    if len(first) < len(records):
        repeats = len(records) - len(first)
        left_out = LeftOut(build.file, build.rule.table, repeats, "the same record again")
        build.report.left_out.append(left_out)
    return {name: [record[k] for record in first] for k, name in enumerate(result)}


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
