"""Check a place and report every fault at once, with file, row, column, value and remedy.

The dictionary says what a single cell may contain, and pandera checks it lazily. The modules
``links`` (keys and references), ``points``, ``outlines``, ``estate``, ``budget`` and ``benefits``
check rows and tables together. An error stops a solve, a warning does not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import Finding, UsageError
from placeopt.base.findings import error, row_number, sort_findings
from placeopt.place.check.benefits import benefit_findings
from placeopt.place.check.budget import budget_findings
from placeopt.place.check.estate import estate_findings
from placeopt.place.check.far_points import far_findings
from placeopt.place.check.links import link_findings
from placeopt.place.check.outlines import outline_findings
from placeopt.place.check.plausible import PlausibleNotes, plausible_findings
from placeopt.place.check.points import point_findings
from placeopt.place.check.tiers import tier_findings
from placeopt.place.columns import Column, dictionary, number_in_words
from placeopt.place.files.cells import shorten, text_fault
from placeopt.place.files.raw import texts_of
from placeopt.place.files.toml import FILE, info_findings
from placeopt.place.files.typed import expected_value
from placeopt.place.tables import Place, table_label

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


def check(place: Place) -> list[Finding]:
    """Return every fault of ``place``, errors first; an empty list if there is none.

    Raises:
        UsageError: If ``place`` is no place.
    """
    if not isinstance(place, Place):
        raise UsageError(f"this is of type {type(place).__name__} and no place; use read_place")
    findings = [*info_findings(place.info), *dictionary_findings(place)]
    if any(
        (finding.row is None and finding.file != FILE) or finding.message == _MESSAGES["no text"]
        for finding in findings
    ):
        return sort_findings(findings)  # columns are missing or of another type: look no further
    findings += link_findings(place)
    findings += point_findings(place)
    findings += outline_findings(place)
    findings += estate_findings(place)
    findings += budget_findings(place)
    findings += benefit_findings(place)
    notes = PlausibleNotes(place)
    findings += plausible_findings(place, notes)
    findings += far_findings(place, notes)
    findings += tier_findings(place, notes)
    findings += notes.unused()
    return sort_findings(findings)


def dictionary_findings(place: Place) -> Iterator[Finding]:
    """Errors for cells that the data dictionary does not allow and for missing columns."""
    for table, columns in dictionary().items():
        frame, file = place.tables[table], table_label(place, table)
        for column in columns:
            if column.name not in frame:
                remedy = f"add it: {column.meaning}"
                yield error(file, "the column is missing", remedy, column=column.name)
        repeated = frame.columns[frame.columns.duplicated()].unique()
        for name in repeated:
            yield error(file, "the column stands twice", "leave one of the two out", column=name)
        if len(frame):
            names = frame.columns.difference(repeated)
            present = [column for column in columns if column.name in names]
            yield from _cell_findings(frame, present, file)


def _cell_findings(frame: pd.DataFrame, columns: list[Column], file: str) -> Iterator[Finding]:
    logging.getLogger("pandera").setLevel(logging.ERROR)  # its warnings repeat what it raises
    from pandera.errors import SchemaErrors

    frame = frame.reset_index(drop=True)
    try:
        _schema(tuple(columns)).validate(frame, lazy=True)
    except SchemaErrors as faults:
        cases = faults.failure_cases
    else:
        return
    by_name = {column.name: column for column in columns}
    for name, kind, case, index in zip(
        cases["column"], cases["check"], cases["failure_case"], cases["index"], strict=True
    ):
        column = by_name[name]
        if index is None or index != index or kind.startswith("dtype("):  # the column's type
            remedy = f"make it {column.type}, as read_place does"
            message = f"the column is of type {frame[name].dtype}"
            yield error(file, message, remedy, column=name)
            continue
        i = int(index)
        value = None if kind == "not_nullable" else texts_of(frame[name].iloc[[i]])[0]
        message = _message(kind, column) if value else "the cell is empty"
        remedy = expected_value(column)
        if kind == "no text":
            remedy = "make it text; Place.from_frames does so for whole numbers"
        elif kind == "tiny":
            remedy = f"give 0, or a number of its own size in {column.unit or 'the column'}"
        elif kind == "text" and (found := text_fault(value or "", _is_id(column))):
            (message, remedy), value = found, shorten(value or "")
        if kind == "above" and column.unit == "share" and 2 <= float(case) <= 100:
            remedy += f"; {value} per cent is {float(case) / 100:g}"
        yield error(file, message, remedy, row=row_number(i), column=name, value=value or None)


def _message(kind: str, column: Column) -> str:
    """The message for a cell, by the name of the check that it failed."""
    limit = {"below": column.minimum, "above": column.maximum, "tiny": column.smallest}.get(kind)
    message = _MESSAGES.get(kind, kind)
    return message if limit is None else f"{message} {number_in_words(limit)}"


_MESSAGES = {
    "below": "this is below",
    "above": "this is above",
    "tiny": "this is not 0 and yet nearer to it than",
    "choice": "this is not one of the choices",
    "endless": "this is no finite number",
    "no text": "this is no text",
}


@cache
def _schema(columns: tuple[Column, ...]) -> pa.DataFrameSchema:
    """The dictionary's columns of a table as a pandera schema."""
    import pandera.pandas as pa

    fields = {}
    for column in columns:
        numeric = column.type in ("number", "integer")
        nullable = numeric and not column.required and column.default == ""
        fields[column.name] = pa.Column(
            dtype=_DTYPES.get(column.type), checks=_checks(column), nullable=nullable
        )
    return pa.DataFrameSchema(fields)


_DTYPES: dict[str, Any] = {"number": "float64", "boolean": "bool"}


def _checks(column: Column) -> list[pa.Check]:
    import numpy as np
    import pandas as pd
    import pandera.pandas as pa

    checks = []
    if column.type in ("id", "text"):
        checks.append(pa.Check(_are_texts, error="no text"))
        checks.append(pa.Check(partial(_can_be_shown, strict=_is_id(column)), error="text"))
        if column.choices:
            allowed = [*column.choices] + ([] if column.required else [""])
            checks.append(pa.Check.isin(allowed, error="choice"))
        elif column.required:
            checks.append(pa.Check(lambda values: values.astype(str) != "", error="empty"))
        return checks
    if column.type == "integer":
        checks.append(pa.Check(lambda values: pd.api.types.is_integer_dtype(values.dtype)))
    if column.type == "number":
        checks.append(pa.Check(lambda values: ~np.isinf(values), error="endless"))
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum, error="below"))
    if column.maximum is not None:
        checks.append(pa.Check.le(column.maximum, error="above"))
    if column.smallest is not None:
        smallest = column.smallest
        tiny = pa.Check(lambda values: (values == 0) | (values.abs() >= smallest), error="tiny")
        checks.append(tiny)
    return checks


def _is_id(column: Column) -> bool:
    """Whether the column holds ids or keys, whose texts are compared."""
    return column.type == "id" or column.key


def _can_be_shown(values: pd.Series, strict: bool) -> pd.Series:
    return values.map(
        lambda value: not isinstance(value, str) or text_fault(value, strict) is None
    ).astype(bool)


def _are_texts(values: pd.Series) -> pd.Series:
    import pandas as pd

    if isinstance(values.dtype, pd.StringDtype):
        return values.notna()
    return values.map(lambda value: isinstance(value, str)).astype(bool)
