"""One order of rows for solving, whatever order the user's tables are in.

Engines break ties by position, so that the same place with its rows shuffled could have another
plan as good. A question is stated with every table sorted by its keys; the plan's tables are put
back into the order of the user's rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from placeopt.place.tables import Place, dictionary

if TYPE_CHECKING:
    import pandas as pd

Ranks = Mapping[str, Mapping[str, int]]


def sort_rows(place: Place) -> Place:
    """The place with the rows of every table sorted by its keys, then by its other columns."""
    tables = {name: _sorted(name, table) for name, table in place.tables.items()}
    if all(tables[name] is table for name, table in place.tables.items()):
        return place
    return replace(place, tables=tables)


def restore_row_order(
    place: Place, ordered: Place, tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Tables of a plan made with ``ordered`` in the order of the rows of ``place``.

    A table that goes by ids (and years) in ``ordered``'s order goes by them in ``place``'s; any
    other, one by size, say, stays as it is.
    """
    if place is ordered:
        return dict(tables)
    before, after = _ranks(ordered), _ranks(place)
    return {name: _by_rank(table, before, after) for name, table in tables.items()}


def _sorted(name: str, table: pd.DataFrame) -> pd.DataFrame:
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
    """The id columns that name the rows of a table of their own, with that table."""
    named: dict[str, str] = {}
    for table, columns in dictionary().items():
        keys = [column.name for column in columns if column.key]
        if len(keys) == 1 and keys[0].endswith("_id"):
            named.setdefault(keys[0], table)
    return named


def _ranks(place: Place) -> Ranks:
    return {
        column: {str(one): rank for rank, one in enumerate(place.tables[table][column])}
        for column, table in _id_columns().items()
        if table in place.tables and column in place.tables[table]
    }


def _by_rank(table: pd.DataFrame, before: Ranks, after: Ranks) -> pd.DataFrame:
    import pandas as pd

    lead: list[str] = []
    for column in table.columns:
        if column not in before and column != "year":
            break
        lead.append(column)
    if len(table) < 2 or not any(column in before for column in lead):
        return table

    def ranked(ranks: Ranks) -> pd.DataFrame:
        parts = {
            column: table[column].astype(str).map(ranks[column]).fillna(-1).to_numpy()
            if column in ranks
            else table[column].to_numpy()
            for column in lead
        }
        return pd.DataFrame(parts)

    now = ranked(before)
    if not now.sort_values(lead, kind="stable").index.equals(now.index):
        return table
    order = ranked(after).sort_values(lead, kind="stable").index
    return table.iloc[order.to_numpy()].reset_index(drop=True)
