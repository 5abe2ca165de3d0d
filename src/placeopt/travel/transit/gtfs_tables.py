"""Read the tables of a public transport feed (GTFS, a zip) as text, tolerating usual defects.

Whatever the reference allows is read: a byte order mark, times past 24:00, calendars of exceptions
only. Defects with only one possible reading are read with a warning: blanks around headings and
values, Windows-1252, files in a sub-folder. Everything else is an error that names feed, file, row,
column and value. Source: GTFS Schedule reference (gtfs.org), "File requirements".
"""

from __future__ import annotations

import difflib
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.errors import Finding, InputError, Severity, errors_among
from placeopt.base.findings import finding
from placeopt.base.reading import require_unpackable

if TYPE_CHECKING:
    import pandas as pd

REQUIRED_TABLES: dict[str, tuple[str, ...]] = {
    "stops.txt": ("stop_id", "stop_lat", "stop_lon"),
    "trips.txt": ("trip_id", "service_id"),
    "stop_times.txt": ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"),
}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OPTIONAL_TABLES: dict[str, tuple[str, ...]] = {
    "calendar.txt": ("service_id", *WEEKDAYS, "start_date", "end_date"),
    "calendar_dates.txt": ("service_id", "date", "exception_type"),
    "frequencies.txt": ("trip_id", "start_time", "end_time", "headway_secs"),
    "transfers.txt": (),
}
OPTIONAL_COLUMNS: dict[str, tuple[str, ...]] = {
    "stops.txt": ("location_type",),
    "stop_times.txt": ("pickup_type", "drop_off_type"),
    "transfers.txt": (
        *("from_stop_id", "to_stop_id", "transfer_type", "min_transfer_time"),
        *("from_route_id", "to_route_id", "from_trip_id", "to_trip_id"),
    ),
}
FALLBACK_ENCODING = "cp1252"


@dataclass
class Feed:
    """The required tables of a feed as text.

    Attributes:
        name: The feed's name in findings.
        tables: File name -> table, indexed by the row number in the file (heading = 1).
        findings: The findings so far.
    """

    name: str
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add_finding(
        self,
        severity: Severity,
        file: str,
        column: str | None,
        message: str,
        remedy: str,
        rows: Any = (),
        values: Any = None,
        ids: Iterable[str] = (),
    ) -> None:
        """Add a finding for each of ``rows``, or one for the whole table if there are none.

        ``ids`` are all the ids that a finding about several rows concerns.
        """
        make = partial(finding, severity, f"{self.name} {file}".strip(), message, remedy)
        if not len(rows):
            self.findings.append(make(column=column, value=values, ids=ids))
            return
        finding_ids = tuple(ids)
        self.findings += [
            make(row=row, column=column, value=str(value), ids=finding_ids)
            for row, value in zip(rows, values, strict=True)
        ]

    @property
    def errors(self) -> list[Finding]:
        return errors_among(self.findings)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "warning")


def read_tables(file: Path, name: str | None = None) -> Feed:
    """The feed's tables, with the columns that minutes need.

    Args:
        file: The feed's zip.
        name: The feed's name in findings; by default the file's name.

    Raises:
        InputError: With every fault of the zip, its files and their columns.
    """
    feed = Feed(name or file.name)
    if not file.is_file():
        message = "is a folder" if file.is_dir() else "is not there"
        feed.add_finding("error", "", None, message, "name the feed's zip file")
        raise InputError(feed.findings)
    try:
        with zipfile.ZipFile(file) as archive:
            require_unpackable(file, archive)
            for table, member in _members(feed, archive).items():
                frame = _table(feed, table, archive.read(member))
                if frame is not None:
                    feed.tables[table] = frame
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        feed.add_finding("error", "", None, "is no zip file or is cut short", "download it again")
        raise InputError(feed.findings) from None
    except OSError as fault:
        message = f"cannot be read: {fault.strerror or fault}"
        feed.add_finding(
            "error", "", None, message, "see that the file may be read and its disk is there"
        )
        raise InputError(feed.findings) from None
    if feed.errors:
        raise InputError(feed.errors)
    return feed


def _members(feed: Feed, archive: zipfile.ZipFile) -> dict[str, str]:
    """Table -> the member of the zip, in its root or else in its only folder of tables."""
    wanted = (*REQUIRED_TABLES, *OPTIONAL_TABLES)
    names = [name for name in archive.namelist() if not name.endswith("/")]
    folders = sorted(
        {str(PurePosixPath(n).parent) for n in names if PurePosixPath(n).name in REQUIRED_TABLES}
    )
    folder = "." if "." in folders or not folders else folders[0]
    if folder != "." and len(folders) > 1:
        feed.add_finding(
            "error", "", None, f"holds tables in several folders ({', '.join(folders[:5])})",
            "give each feed as a zip of its own",
        )  # fmt: skip
        raise InputError(feed.findings)
    if folder != ".":
        feed.add_finding(
            "warning", "", None, f"the tables stand in a folder ({folder}), which is read",
            "GTFS asks for them in the root of the zip",
        )  # fmt: skip
    members = [name for name in names if str(PurePosixPath(name).parent) == folder]
    member_of_table = {PurePosixPath(name).name: name for name in members}
    for table in {PurePosixPath(n).name for n in members if members.count(n) > 1} & set(wanted):
        feed.add_finding("error", table, None, "is in the zip more than once", "keep one of them")
    missing = [table for table in REQUIRED_TABLES if table not in member_of_table]
    if "calendar.txt" not in member_of_table and "calendar_dates.txt" not in member_of_table:
        missing.append("calendar.txt or calendar_dates.txt")
    for table in missing:
        candidates = [n for n in member_of_table if n.strip().lower() in table.split(" or ")]
        remedy = f"rename {candidates[0]!r}" if candidates else "add it"
        feed.add_finding("error", "", None, "is not in the feed", remedy, values=table)
    return {table: member_of_table[table] for table in wanted if table in member_of_table}


def _table(feed: Feed, table: str, content: bytes) -> pd.DataFrame | None:
    """The required columns of a table, stripped; None if it has faults."""
    import pandas as pd

    raw = _cells(feed, table, content)
    if raw is None:
        return None
    headings = [str(text) for text in raw.iloc[0]]
    columns = [text.strip() for text in headings]
    blank = [text for text in headings if text != text.strip()]
    if blank:
        feed.add_finding("warning", table, None, f"blanks around {len(blank)} headings are "
                  "left out", "write headings without blanks", [1], [", ".join(blank)],
                  [text.strip() for text in blank])  # fmt: skip
    required = {**REQUIRED_TABLES, **OPTIONAL_TABLES}[table]
    repeated = [c for c in (*required, *OPTIONAL_COLUMNS.get(table, ())) if columns.count(c) > 1]
    for column in repeated:
        feed.add_finding("error", table, column, "the column is there twice", "keep one of them")
    missing = [column for column in required if column not in columns]
    for column in missing:
        close = difflib.get_close_matches(column, [c.lower() for c in columns], 1, 0.8)
        candidates = [c for c in columns if close and c.lower() == close[0] and c not in required]
        remedy = f"rename the column {candidates[0]!r}" if candidates else "add the column"
        feed.add_finding("error", table, column, "is not there", remedy)
    if missing or repeated:
        return None
    body = raw.iloc[1:]
    body.index = pd.RangeIndex(2, len(raw) + 1)
    filled = (body != "").any(axis=1)
    selected = [c for c in (*required, *OPTIONAL_COLUMNS.get(table, ())) if c in columns]
    columns_out = {c: body.iloc[:, columns.index(c)][filled] for c in selected}
    return pd.DataFrame({c: _stripped(feed, table, c, values) for c, values in columns_out.items()})


def _stripped(feed: Feed, table: str, column: str, values: pd.Series[Any]) -> pd.Series[Any]:
    """Strip values, with one warning for each column."""
    stripped = values.str.strip()
    changed = stripped != values
    if changed.any():
        row = int(np.argmax(changed))
        feed.add_finding(
            "warning",
            table,
            column,
            f"blanks around {int(changed.sum())} values are left out",
            "write values without blanks",
            [values.index[row]],
            [values.iloc[row]],
            values.index[changed] if changed.sum() > 1 else (),
        )
    return stripped


def _cells(feed: Feed, table: str, content: bytes) -> pd.DataFrame | None:
    """All cells as text, the heading in row 0; None if the file is not a table."""
    import pandas as pd

    if b"\0" in content[:1000]:
        feed.add_finding("error", table, None, "is no text in UTF-8", "save it as UTF-8")
        return None
    encoding = _encoding(feed, table, content)
    if encoding is None:
        return None
    try:
        return pd.read_csv(
            io.BytesIO(content), header=None, index_col=False, dtype=str, keep_default_na=False,
            skip_blank_lines=False, skipinitialspace=True, encoding=encoding,
        ).fillna("")  # fmt: skip
    except pd.errors.EmptyDataError:
        feed.add_finding("error", table, None, "is empty", "write its headings and rows")
    except (pd.errors.ParserError, ValueError) as fault:
        cells = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(fault))
        quote = re.search(r"EOF inside string starting at row (\d+)", str(fault))
        if cells:
            feed.add_finding(
                "error",
                table,
                None,
                f"the row has {cells[3]} cells, the heading {cells[1]}",
                "put values that hold a comma into double quotes",
                [int(cells[2])],
                [f"{cells[3]} cells"],
            )
        elif quote:
            feed.add_finding("error", table, None, "a double quote is not closed", "close it",
                      [int(quote[1]) + 1], ['"'])  # fmt: skip
        else:
            feed.add_finding(
                "error", table, None, f"cannot be read as a table: {fault}", "save it again"
            )
    return None


def _encoding(feed: Feed, table: str, content: bytes) -> str | None:
    """UTF-8, else Windows-1252 with a warning; None if the file is neither."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as fault:
        offset, row = fault.start, content.count(b"\n", 0, fault.start) + 1
    else:
        return "utf-8-sig"
    line = content[content.rfind(b"\n", 0, offset) + 1 :].split(b"\n", 1)[0].rstrip(b"\r")
    try:
        content.decode(FALLBACK_ENCODING)
    except UnicodeDecodeError:
        feed.add_finding("error", table, None, "is no text in UTF-8", "save it as UTF-8",
                  [row], [line.decode("latin-1")[:60]])  # fmt: skip
        return None
    feed.add_finding("warning", table, None, "is not UTF-8, as GTFS asks; the file is read as "
              "Windows-1252", "save it as UTF-8 if a name looks wrong",
              [row], [line.decode(FALLBACK_ENCODING)[:60]])  # fmt: skip
    return FALLBACK_ENCODING


def feed_names(files: Sequence[Path]) -> list[str]:
    """The names of feeds in findings: the file's name, with its folder where ambiguous."""
    names = [file.name for file in files]
    return [
        name if names.count(name) == 1 else f"{file.parent.name}/{name}"
        for file, name in zip(files, names, strict=True)
    ]
