"""Generate docs/dictionary.md, the page of the data dictionary, from columns.csv."""

from __future__ import annotations

from placeopt.place.columns import Column, dictionary, number_in_words, unit_ranges
from placeopt.place.files.cells import ID_CHARACTERS, TEXT_CHARACTERS

_HEAD = """# The data dictionary

Generated from `src/placeopt/place/columns.csv` by `python -m placeopt.place.reference_page`; do
not edit.

A place is a folder with `place.toml`, one `TABLE.csv` for each table below (UTF-8, heading in
row 1) and optionally `boundaries.gpkg` (layer `zones`: polygons with `zone_id`). It may also be one
GeoPackage with the tables as layers, the polygons as layer `boundaries` and the text of place.toml
as layer `place`. A table without records may be left out; an estate needs zones, buildings,
services and hosting, a budget needs streams, stream_amounts, programmes and spending.

Numbers are digits only (`1234.5`), without separators, signs or units. Booleans are `yes` and `no`.
An empty cell takes the default if there is one, and is missing otherwise. Ids are text: `007` stays
`007`. An id has at most {ids} characters and no line ends, control, invisible or direction-changing
characters. Any other text has at most {texts:,} characters and no control characters except line
ends and tabs.

To confirm a number that `placeopt check` reports as a slip of unit, add a note to place.toml, under
`[plausible]`: `"TABLE.COLUMN" = "why"`, or `"TABLE.COLUMN.KEY" = "why"` for one record (a key of
several columns is joined by `/`). `src/placeopt/place/check/plausible.csv` has the usual sizes.

| type | in a file | in a data frame |
| --- | --- | --- |
| id, text | unchanged | str, missing is "" |
| number | digits | float64, missing is NaN |
| integer | digits without a fraction | int64, or Int64 where it may be missing |
| boolean | yes or no | bool |
"""


_RANGES = """Every number has a range, so that no computation loses precision or overflows: the
range of its column below, and, unless it is 0, an absolute value of at least the smallest of its
unit.

| unit | smallest value other than 0 | largest value |
| --- | --- | --- |"""


def dictionary_page() -> str:
    """The dictionary as Markdown, with one section for each table and one row for each column."""
    parts = [_HEAD.format(ids=ID_CHARACTERS, texts=TEXT_CHARACTERS), _RANGES, *_units(), ""]
    for table, columns in dictionary().items():
        keys = ", ".join(f"`{column.name}`" for column in columns if column.key)
        parts.append(f"## {table}\n\nOne record for each {keys}.\n")
        parts.append("| column | type | unit | required | default | allowed | meaning |")
        parts.append("| --- | --- | --- | --- | --- | --- | --- |")
        parts += [_row(column) for column in columns]
        parts.append("")
    return "\n".join(parts)


def _units() -> list[str]:
    return [
        f"| {unit or '(none)'} | "
        f"{'' if stated.smallest is None else number_in_words(stated.smallest)} | "
        f"{number_in_words(stated.largest)} |"
        for unit, stated in unit_ranges().items()
    ]


def _row(column: Column) -> str:
    cells = (
        f"`{column.name}`",
        column.type,
        column.unit,
        "yes" if column.required else "",
        column.default,
        _allowed(column),
        column.meaning,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _allowed(column: Column) -> str:
    if column.choices:
        return ", ".join(column.choices)
    if column.references:
        return f"an id of {column.references[0]}"
    return column.range_in_words


if __name__ == "__main__":
    print(dictionary_page(), end="")
