"""Flow refuelling from two tables, of roads and of trips, CSV or Parquet.

roads   ``from``, ``to``, ``length``: one row for each road, in both directions
flows   ``origin``, ``destination``, ``volume`` and, if wished, ``path``: ids with > between
sites   if wished: ``site_id`` and ``capacity``, a row for every end of a road

Ids are kept as they are written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from placeopt.base.errors import UsageError
from placeopt.location.flow_refuelling.statement import FlowRefuelling
from placeopt.location.io.tables import Table

Row = tuple[str | float | None, ...]  # two ids, a number and perhaps a text
ENDS = ("from", "to", "origin", "destination", "path", "site", "site_id")


def read_flow_refuelling(
    path: str | Path, flows: str | Path, *, sites: str | Path | None = None, **options: Any
) -> FlowRefuelling:
    """The problem that two tables state; see the module's text.

    Args:
        path: Table of roads.
        flows: Table of trips.
        sites: Table of capacities, if they differ.
        options: Fields of ``FlowRefuelling``.

    Raises:
        UsageError: Where a table or a field makes no sense.
    """
    roads = _columns(Path(path), ("from", "to"), "length")
    trips = _columns(Path(flows), ("origin", "destination"), "volume", last="path")
    if sites is not None:
        if options.get("capacities") is not None:
            raise UsageError("capacities are given twice: as one number and in a table of sites")
        table = Table(Path(sites), text=ENDS)
        if not (table.has("site") and table.has("capacity")):
            table.fail("a table of sites needs the columns site_id and capacity")
        ids = table.take_id_column("site")
        options["capacities"] = dict(zip(ids, table.take_number_column("capacity"), strict=True))
        table.refuse_other_columns("site_id, capacity")
    name = options.pop("name", "") or Path(path).stem
    return FlowRefuelling(roads, trips, name=name, **options)


def _columns(
    path: Path, ends: tuple[str, str], amount: str, last: str = ""
) -> list[tuple[str | float | None, ...]]:
    """Rows of two ids, a number and, where the table has it, the text of the last column."""
    table = Table(path, text=ENDS)
    if missing := [name for name in (*ends, amount) if not table.has(name)]:
        table.fail(f"there is no column {missing[0]}; give {', '.join((*ends, amount))}")
    columns: list[Any] = [table.take_id_column(name, once=False) for name in ends]
    columns.append(table.take_number_column(amount).tolist())
    if last and table.has(last):
        given = table.frame[table.names.pop(last)]
        columns.append([None if one != one or one is None else str(one) for one in given])
    table.refuse_other_columns(", ".join(filter(None, (*ends, amount, last))))
    return list(zip(*columns, strict=True))
