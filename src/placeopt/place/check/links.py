"""Check keys, references between tables, and that no required table is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding
from placeopt.base.findings import did_you_mean, error, row_number
from placeopt.place.columns import Column, dictionary
from placeopt.place.files.raw import texts_of
from placeopt.place.tables import Place, table_label

if TYPE_CHECKING:
    import pandas as pd

# The tables without which a part of a place is of no use.
PART_TABLES = {
    "estate": ("zones", "buildings", "services", "hosting"),
    "budget": ("streams", "stream_amounts", "programmes", "spending"),
    "appraisal": ("appraisal_costs", "appraisal_benefits"),
}
_MAX_NAMES_SEARCHED = 2000  # with more names than this, looking for similar ones takes too long


def link_findings(place: Place) -> Iterator[Finding]:
    """Findings on keys and references, for every table."""
    yield from missing_tables(place)
    for table, columns in dictionary().items():
        yield from repeated_keys(place, table, columns)
        for column in columns:
            if column.references:
                yield from dangling_references(place, table, column, *column.references)


def missing_tables(place: Place) -> Iterator[Finding]:
    """Errors for missing tables: a place needs one part, and a part all of its tables."""
    tables_present = {
        part: [table for table in tables if len(place.tables[table])]
        for part, tables in PART_TABLES.items()
    }
    if not any(tables_present.values()):
        message = "the place has neither an estate nor a budget nor an appraisal"
        remedy = "give the tables " + ", or the tables ".join(
            ", ".join(tables) for tables in PART_TABLES.values()
        )
        yield error(table_label(place, "zones"), message, remedy)
    for part, tables in PART_TABLES.items():
        for table in tables:
            if tables_present[part] and table not in tables_present[part]:
                file = table_label(place, table)
                remedy = f"give {table} beside {', '.join(tables_present[part])}"
                yield error(file, f"the {part} has no records of this table", remedy)


def repeated_keys(place: Place, table: str, columns: tuple[Column, ...]) -> Iterator[Finding]:
    """Errors for records whose key an earlier record has."""
    keys, frame = [column.name for column in columns if column.key], place.tables[table]
    needed = [column.name for column in columns if column.key and column.required]
    filled = ~frame[needed].isin([""]).any(axis=1)  # the dictionary check reports empty keys
    repeats = (frame.duplicated(keys) & filled).to_numpy().nonzero()[0].tolist()
    first_positions = _first_positions(frame, keys) if repeats else []
    for i in repeats:
        first = first_positions[i]
        value = ", ".join(texts_of(frame[key].iloc[[i]])[0] for key in keys)
        message = f"the same {' and '.join(keys)} stands already in row {row_number(first)}"
        yield error(table_label(place, table), message, "give every record its own, or delete one",
                    row=row_number(i), column=keys[0], value=value)  # fmt: skip


def dangling_references(
    place: Place, table: str, column: Column, other: str, key: str
) -> Iterator[Finding]:
    """Errors for ids that the referenced table does not have."""
    values, known = place.tables[table][column.name], place.tables[other][key]
    unknown = (~values.isin(known) & (values != "")).to_numpy().nonzero()[0].tolist()
    file, target = table_label(place, table), table_label(place, other)
    if unknown and not len(known):
        message = f"{len(unknown)} rows name {_with_article(key)}, but {target} has no records"
        yield error(file, message, f"give {target}, or leave {column.name} empty",
                    column=column.name, ids=dict.fromkeys(values.iloc[unknown]))  # fmt: skip
        return
    hints: dict[str, str] = {}
    for i in unknown:
        value = str(values.iloc[i])
        if value not in hints:
            is_searched = len(known) <= _MAX_NAMES_SEARCHED and len(hints) < 100
            hints[value] = did_you_mean(value, known) if is_searched else ""
        remedy = f"add it there or correct it{hints[value]}"
        yield error(file, f"{target} has no such {key}", remedy,
                    row=row_number(i), column=column.name, value=value)  # fmt: skip


def _first_positions(frame: pd.DataFrame, keys: list[str]) -> list[int]:
    """For each record, the position of the first record with the same key."""
    import pandas as pd

    positions = pd.Series(range(len(frame)), index=frame.index)
    return positions.groupby([frame[key] for key in keys], dropna=False).transform("first").tolist()


def _with_article(word: str) -> str:
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"
