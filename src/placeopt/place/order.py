"""Sort the rows of a place for solving and restore the user's order afterwards.

Engines break ties by position, so shuffled rows could give another plan that is equally good.
Problems are stated with every table sorted by its keys; the plan's tables are put back into the
order of the user's rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from placeopt.place.columns import dictionary
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import pandas as pd

Ranks = Mapping[str, Mapping[str, int]]


def sort_rows(place: Place) -> Place:
    """Return the place with the rows of every table sorted by its keys, then its other columns."""
    tables = {name: _sort_table(name, table) for name, table in place.tables.items()}
    if all(tables[name] is table for name, table in place.tables.items()):
        return place
    return replace(place, tables=tables)


def restore_row_order(
    place: Place, ordered: Place, tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Reorder a plan's tables to match the user's place.

    Args:
        place: The place in the user's order.
        ordered: The sorted place with which the plan was made.
        tables: The plan's tables.

    Returns:
    The tables. Those that are in the order of the ids (and years) of ``ordered`` follow the order
        of ``place``; any other table, such as one sorted by size, is unchanged.
    """
    if place is ordered:
        return dict(tables)
    before, after = _ranks(ordered), _ranks(place)
    return {name: _by_rank(table, before, after) for name, table in tables.items()}


def _sort_table(name: str, table: pd.DataFrame) -> pd.DataFrame:
    if len(table) < 2:
        return table
    columns = dictionary().get(name, ())
    keys = [column.name for column in columns if column.key and column.name in table]
    others = [column.name for column in columns if not column.key and column.name in table]
    if not keys:
        keys, others = others, []
    if not keys:
        return table
    # Other columns order rows only where keys are the same.
    by = keys + (others if table.duplicated(keys).any() else [])
    order = table[by].sort_values(by, kind="stable").index
    if order.equals(table.index):
        return table
    return table.loc[order].reset_index(drop=True)


@cache
def _id_columns() -> Mapping[str, str]:
    """Id column -> the table of which it is the only key."""
    named: dict[str, str] = {}
    for table, columns in dictionary().items():
        keys = [column.name for column in columns if column.key]
        if len(keys) == 1 and keys[0].endswith("_id"):
            named.setdefault(keys[0], table)
    return named


def _ranks(place: Place) -> Ranks:
    return {
        column: {str(key): rank for rank, key in enumerate(place.tables[table][column])}
        for column, table in _id_columns().items()
        if table in place.tables and column in place.tables[table]
    }


def _by_rank(table: pd.DataFrame, before: Ranks, after: Ranks) -> pd.DataFrame:
    import pandas as pd

    leading_columns: list[str] = []
    for column in table.columns:
        if column not in before and column != "year":
            break
        leading_columns.append(column)
    if len(table) < 2 or not any(column in before for column in leading_columns):
        return table

    def ranked(ranks: Ranks) -> pd.DataFrame:
        parts = {
            column: table[column].astype(str).map(ranks[column]).fillna(-1).to_numpy()
            if column in ranks
            else table[column].to_numpy()
            for column in leading_columns
        }
        return pd.DataFrame(parts)

    current = ranked(before)
    if not current.sort_values(leading_columns, kind="stable").index.equals(current.index):
        return table
    order = ranked(after).sort_values(leading_columns, kind="stable").index
    return table.iloc[order.to_numpy()].reset_index(drop=True)
