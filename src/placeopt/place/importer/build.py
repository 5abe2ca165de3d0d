"""Build the rows of a table from a source by its mapping rule, and record every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from placeopt.base.errors import Finding, PlaceError
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.place.columns import dictionary
from placeopt.place.files.raw import value_text
from placeopt.place.importer.column_cells import column_cells, parse_numbers, summarise_values
from placeopt.place.importer.formula import FormulaError, formula_columns
from placeopt.place.importer.mapping import ColumnRule, Join, TableRule, Where
from placeopt.place.importer.prices import Deflator
from placeopt.place.importer.report import Assumed, ImportReport, LeftOut
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
    result = {name: column_cells(build, name, column) for name, column in rule.columns.items()}
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
        values = parse_numbers(build, where.column)
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


def _drop_duplicates(build: TableBuilder, result: dict[str, list[str]]) -> dict[str, list[str]]:
    records = list(zip(*result.values(), strict=True))
    first = list(dict.fromkeys(records))
    if len(first) < len(records):
        repeats = len(records) - len(first)
        left_out = LeftOut(build.file, build.rule.table, repeats, "the same record again")
        build.report.left_out.append(left_out)
    return {name: [record[k] for record in first] for k, name in enumerate(result)}
