"""Read files of unknown origin within stated limits, each in the format that its name promises.

A small file can demand any amount of memory (a sheet with one cell in its last row, a zip of
zeros), make a parser recurse without end, or be another format in disguise that fetches an
address when it is opened. The checks here run before a library reads the file. A file that is
refused is one finding with the limit and what would be right.

Limits: ``docs/importing.md``, "What is refused".
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import InputError
from placeopt.base.findings import error

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

TEXT_BYTES = 2**30  # largest text file
CELL_CHARACTERS = 2**17  # longest cell of a CSV file
SHEET_CELLS = 50_000_000  # rows x columns of a sheet
UNPACKED_BYTES = 2**28  # a zip may always unpack to this size
UNPACKED_RATIO = 60  # larger ones to this multiple of their own size
TOML_BYTES = 2**24
TOML_LEVELS = 32  # nested tables and lists
LARGEST_INTEGER = 2**63 - 1  # of TOML, by its specification
PARQUET_VALUES = 2_000_000_000  # rows x columns of a Parquet file
CHUNK = 2**20

GEOPACKAGE, SHAPEFILE, FLATGEOBUF = b"SQLite format 3\0", b"\x00\x00\x27\x0a", b"fgb"
JSON_HEAD = 2**16  # bytes of a GeoJSON file in which it must say what it is
SAFE_MODULES = ("rtree", "fts3", "fts4", "fts5")  # of virtual tables in a GeoPackage


def refusal(
    file: str,
    message: str,
    remedy: str,
    *,
    row: int | None = None,
    column: str | None = None,
) -> InputError:
    """One finding that a file is not read, as an exception to raise."""
    return InputError([error(file, message, remedy, row=row, column=column)])


def read_limited(path: Path, max_bytes: int = TEXT_BYTES) -> bytes:
    """The content of a file that is meant to be read whole.

    Args:
        path: The file.
        max_bytes: Largest number of bytes.

    Raises:
        InputError: If the file is larger.
    """
    size = path.stat().st_size
    if size > max_bytes:
        raise refusal(
            path.name,
            f"the file has {size / 2**20:,.0f} MB; at most {max_bytes / 2**20:,.0f} MB are read",
            "split it, or keep what the place needs",
        )
    return path.read_bytes()


def csv_rows(text: str, file: str, delimiter: str = ",") -> list[list[str]]:
    """The rows of a CSV text.

    Raises:
        InputError: If a cell exceeds the limit; the finding names its row.
    """
    csv.field_size_limit(CELL_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        rows.extend(reader)
    except csv.Error:
        raise refusal(
            file,
            f"a cell has more than {CELL_CHARACTERS:,} characters",
            "shorten it; a quotation mark that is not closed makes one cell of all that follows",
            row=len(rows) + 1,
        ) from None
    return rows


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """The values of a TOML text.

    Raises:
        InputError: If the text is not TOML or exceeds a limit; the finding names the line.
    """
    if len(text) > TOML_BYTES:
        limit = f"the file has more than {TOML_BYTES / 2**20:.0f} MB"
        raise refusal(file, limit, "keep data in tables")
    digits = re.search(r"(?<![\w.])[+-]?\d[\d_]{18,}(?![\w.])", _outside_texts(text))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        problem, _, place = str(fault).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        at = int(line[1]) if line else text.count("\n") + 1
        raise refusal(file, f"this is not TOML: {problem}", "correct this line", row=at) from None
    except RecursionError:
        raise _nesting_refusal(file, _deepest_line(text)) from None
    except ValueError:  # more digits than Python reads
        row = text.count("\n", 0, digits.start()) + 1 if digits else None
        raise _integer_refusal(file, row) from None
    level, number = _levels_and_largest(values)
    if level > TOML_LEVELS:
        raise _nesting_refusal(file, _deepest_line(text))
    if number > LARGEST_INTEGER:
        raise _integer_refusal(file, text.count("\n", 0, digits.start()) + 1 if digits else None)
    return values


def open_workbook(path: Path) -> CalamineWorkbook:
    """A workbook whose sheets fit into memory.

    Raises:
        InputError: If it cannot be read or its sheets are too large.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    if path.suffix.lower() != ".xls":
        try:
            with zipfile.ZipFile(path) as archive:
                require_unpackable(path, archive)
                _require_sheets(path, archive)
        except (zipfile.BadZipFile, OSError) as fault:
            message = f"it cannot be read as a workbook: {fault}"
            raise refusal(path.name, message, "save it again in a spreadsheet") from None
    elif path.stat().st_size > UNPACKED_BYTES:
        limit = f"the file has more than {UNPACKED_BYTES / 2**20:.0f} MB"
        raise refusal(path.name, limit, "save it as .xlsx")
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as fault:
        message = f"it cannot be read as a workbook: {fault}"
        raise refusal(path.name, message, "save it again in a spreadsheet") from None


def require_unpackable(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a zip that unpacks to far more than its own size, or that is locked."""
    packed = path.stat().st_size
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(UNPACKED_BYTES, UNPACKED_RATIO * packed):
        raise refusal(
            path.name,
            f"it unpacks from {packed / 2**20:,.1f} MB to {unpacked / 2**20:,.0f} MB; at most "
            f"{UNPACKED_BYTES / 2**20:.0f} MB or {UNPACKED_RATIO} times its own size are read",
            "ask where it comes from; unpack it yourself to look",
        )
    if any(member.flag_bits & 1 for member in archive.infolist()):
        raise refusal(path.name, "it is locked with a password", "save it without one")


def require_layers(path: Path) -> None:
    """Refuse a file of shapes that is in another format than its name says.

    GDAL opens any format, whatever the file's name; some formats name other files and addresses
    that are then read.

    Raises:
        InputError: If the file is not what its name says.
    """
    kind = path.suffix.lower()
    try:
        with path.open("rb") as file:
            head = file.read(JSON_HEAD)
    except OSError as fault:
        raise refusal(path.name, f"it cannot be read: {fault.strerror}", "name a file") from None
    wanted = {".gpkg": GEOPACKAGE, ".shp": SHAPEFILE, ".fgb": FLATGEOBUF}
    if kind in wanted and not head.startswith(wanted[kind]):
        names = {".gpkg": "GeoPackage", ".shp": "shapefile", ".fgb": "FlatGeobuf file"}
        message = f"the file is named {kind} and is no {names[kind]}"
        raise refusal(path.name, message, "save it again from QGIS in the format of its name")
    if kind == ".gpkg":
        _require_plain_geopackage(path)
    if kind in (".geojson", ".json"):
        text = head.decode("utf-8-sig", "replace").lstrip()
        declared_type = re.search(
            r'"type"\s*:\s*"(FeatureCollection|Feature|\w*Polygon|\w*Point)"', text
        )
        if not text.startswith("{") or declared_type is None or '"stac_version"' in text:
            message = "the file is named as GeoJSON and does not begin as a collection of features"
            raise refusal(path.name, message, "save it again from QGIS as GeoJSON")


def layer_names(path: Path) -> list[str]:
    """The layers of a file of shapes, whose format is checked first."""
    import pyogrio

    require_layers(path)
    try:
        return [str(name) for name in pyogrio.list_layers(path.absolute())[:, 0]]
    except pyogrio.errors.DataSourceError as fault:
        raise refusal(path.name, f"it cannot be opened: {fault}", "save it again") from None


def require_parquet(path: Path) -> None:
    """Refuse a Parquet file whose table would not fit into memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as fault:
        message = f"it cannot be read as Parquet: {fault}"
        raise refusal(path.name, message, "write it again") from None
    if metadata.num_rows * metadata.num_columns > PARQUET_VALUES:
        raise refusal(
            path.name,
            f"it has {metadata.num_rows:,} rows of {metadata.num_columns:,} columns; at most "
            f"{PARQUET_VALUES:,} values are read",
            "split it",
        )


def _nesting_refusal(file: str, row: int) -> InputError:
    message = f"more than {TOML_LEVELS} tables or lists stand inside one another"
    return refusal(file, message, "write them side by side", row=row)


def _integer_refusal(file: str, row: int | None) -> InputError:
    message = f"a whole number is larger than {LARGEST_INTEGER:,}"
    return refusal(file, message, "give a smaller number", row=row)


def _outside_texts(text: str) -> str:
    """The text of a TOML file with quoted texts and comments blanked out."""
    pattern = r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*'
    return re.sub(pattern, lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _deepest_line(text: str) -> int:
    """The line (from 1) with the most brackets and dots, where nesting goes deepest."""
    lines = _outside_texts(text).split("\n")
    return max(range(len(lines)), key=lambda k: sum(map(lines[k].count, "[{."))) + 1


def _levels_and_largest(values: dict[str, Any]) -> tuple[int, int]:
    """The number of nested levels of tables and lists, and the largest whole number in them."""
    level, largest, current_level = 0, 0, [values]
    while current_level and level <= TOML_LEVELS:
        level += 1
        next_layer: list[Any] = []
        for value in current_level:
            values_inside = value.values() if isinstance(value, dict) else value
            for each in values_inside:
                if isinstance(each, dict | list):
                    next_layer.append(each)
                elif isinstance(each, int):
                    largest = max(largest, abs(each))
        current_level = next_layer
    return level, largest


def _chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """A member's bytes in overlapping chunks, so that no tag is cut in two."""
    with archive.open(name) as stream:
        rest = b""
        while chunk := stream.read(CHUNK):
            yield rest + chunk
            rest = chunk[-200:]


def _require_sheets(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse sheets that span more cells than fit, and XML that defines entities."""
    for name in archive.namelist():
        if not name.endswith((".xml", ".rels")):
            continue
        sheet, rows, columns = False, 0, 0
        for number, chunk in enumerate(_chunks(archive, name)):
            if number == 0 and (b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk):
                message = f"{name} in it defines XML entities, which no spreadsheet writes"
                raise refusal(path.name, message, "save it again in a spreadsheet")
            sheet = sheet or b"<sheetData" in chunk
            if sheet:
                _require_references(path, name, chunk)
                numbers = set(re.findall(rb"<(?:row|c)\b[^>]*?\br=\"[A-Z]{0,3}(\d{1,9})\"", chunk))
                labels = set(re.findall(rb"<c\b[^>]*?\br=\"([A-Z]{1,3})\d", chunk))
                rows = max([rows, *map(int, numbers)])
                columns = max([columns, *map(column_number, labels)])
            elif name == "content.xml":
                rows, columns = max(rows, 1), max(columns, _repeated(chunk))
        if rows * columns > SHEET_CELLS:
            problem = f"{name} in it stretches over {rows:,} rows and {columns:,} columns"
            limit = f"at most {SHEET_CELLS:,} cells of a sheet are read"
            remedy = "delete the cell far below or to the right of the table"
            raise refusal(path.name, f"{problem}; {limit}", remedy)


def _require_references(path: Path, name: str, chunk: bytes) -> None:
    """Refuse cells at places that no sheet has."""
    wrong = re.search(rb"<c\b[^>]*?\br=\"(?![A-Z]{1,3}[1-9]\d{0,6}\")([^\"]*)\"", chunk)
    if wrong:
        shown = wrong[1][:40].decode("utf-8", "replace")
        message = f"{name} in it has a cell {shown!r}, which no sheet has"
        raise refusal(path.name, message, "save it again in a spreadsheet")


def column_number(label: bytes) -> int:
    """The number of a column of a sheet: A is 1, XFD 16,384."""
    number = 0
    for letter in label:
        number = number * 26 + letter - 64
    return number


def _repeated(chunk: bytes) -> int:
    """The largest number of cells that one repetition in an OpenDocument sheet stands for."""
    cells = [
        int(repeats)
        for repeats in re.findall(
            rb"number-columns-repeated=\"(\d{1,9})\"[^>/]*office:value", chunk
        )
    ]
    rows = [
        int(repeats)
        for repeats in re.findall(
            rb"<table:table-row[^>]*number-rows-repeated=\"(\d{1,9})\"", chunk
        )
    ]
    return max([1, *cells]) * max([1, *(rows if cells else [])])


def _require_plain_geopackage(path: Path) -> None:
    """Refuse a database with tables made by modules that read other files."""
    try:
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            statements = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE V%'"
            )
            virtual = [
                str(name)
                for name, sql in statements
                if (module := re.search(r"\bUSING\s+\"?(\w+)", str(sql), re.I))
                and re.match(r"CREATE\s+VIRTUAL", str(sql), re.I)
                and module[1].lower() not in SAFE_MODULES
            ]
    except sqlite3.Error as fault:
        message = f"the file is no GeoPackage: {fault}"
        raise refusal(path.name, message, "save it again from QGIS") from None
    if virtual:
        message = f"its table {virtual[0]} is read from elsewhere by a module of the database"
        raise refusal(path.name, message, "save it again from QGIS as a GeoPackage of plain tables")
