"""Small hostile files are refused by a stated limit, before a library reads them."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import xlsxwriter

from placeopt.base import reading
from placeopt.base.errors import InputError
from placeopt.place import check_files
from placeopt.place.importer.mapping import SourceFile
from placeopt.place.importer.sources import read_source
from placeopt.travel.streets.layers import read_layers

SHEET = """<?xml version="1.0"?>{before}<worksheet
xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData>
</worksheet>"""


def said(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as found:
        call()
    assert len(found.value.findings) == 1
    return str(found.value.findings[0])


def workbook(path: Path, rows: str, before: str = "") -> Path:
    """A workbook with one sheet of these rows of XML."""
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("zones")
    whole = path.with_suffix(".whole.xlsx")
    path.rename(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", 8) as target:
        for name in source.namelist():
            text = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                text = SHEET.format(rows=rows, before=before).encode()
            target.writestr(name, text)
    whole.unlink()
    return path


def cell(label: str, row: int) -> str:
    return f'<row r="{row}"><c r="{label}{row}"><v>1</v></c></row>'


@pytest.mark.parametrize(
    "rows",
    [
        cell("A", 1) + cell("XFD", 1048576),
        '<row><c r="A1"><v>1</v></c></row><row><c r="XFD1048576"><v>1</v></c></row>',
        cell("A", 1) + " " * reading.CHUNK + cell("XFD", 1048576),
    ],
    ids=["far away", "rows without numbers", "in another piece"],
)
def test_a_sheet_with_a_cell_far_away_is_refused(rows: str, tmp_path: Path) -> None:
    """1.4 kB that would need 549 GB."""
    path = workbook(tmp_path / "far.xlsx", rows)
    line = said(lambda: reading.open_workbook(path))
    assert "1,048,576 rows and 16,384 columns" in line
    assert "50,000,000 cells" in line
    spec = SourceFile(file="far.xlsx")
    assert "1,048,576 rows" in said(lambda: read_source(spec, tmp_path, tmp_path))
    assert any("1,048,576 rows" in finding.message for finding in check_files(path))


def test_a_sheet_of_ordinary_size_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", cell("A", 1) + cell("AB", 70_000))
    assert reading.open_workbook(path).sheet_names == ["zones"]


def test_a_sheet_that_repeats_without_end_is_refused(tmp_path: Path) -> None:
    """An OpenDocument cell may be repeated by a number."""
    path = tmp_path / "book.ods"
    row = (
        '<table:table-row table:number-rows-repeated="1048576"><table:table-cell '
        'table:number-columns-repeated="16384" office:value="1"/></table:table-row>'
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("content.xml", f"<office:document>{row}</office:document>")
    assert "cells of a sheet are read" in said(lambda: reading.open_workbook(path))


def test_xml_entities_in_a_workbook_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", cell("A", 1), '<!DOCTYPE x [<!ENTITY a "aaaa">]>')
    assert "XML entities" in said(lambda: reading.open_workbook(path))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short"])
def test_a_workbook_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(content)
    assert "cannot be read as a workbook" in said(
        lambda: reading.open_workbook(tmp_path / "x.xlsx")
    )


def test_a_zip_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "UNPACKED_BYTES", 2**20)
    path = tmp_path / "feed.zip"
    with zipfile.ZipFile(path, "w", 8) as archive:
        archive.writestr("stop_times.txt", b"0" * 2**22)
    with zipfile.ZipFile(path) as archive:
        line = said(lambda: reading.require_unpackable(path, archive))
    assert "to 4 MB" in line
    assert "60 times its own size" in line
    monkeypatch.setattr(reading, "UNPACKED_RATIO", 10_000)
    with zipfile.ZipFile(path) as archive:
        reading.require_unpackable(path, archive)


def test_a_cell_of_a_csv_file_has_a_limit() -> None:
    text = "a,b\n1,2\n" + "x" * (reading.CELL_CHARACTERS + 1) + ",2\n"
    assert "zones.csv row 3: a cell has more than 131,072" in said(
        lambda: reading.csv_rows(text, "zones.csv")
    )


def test_an_unclosed_quotation_mark_is_named_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "zones.csv").write_text('a,b\n1,2\n"3,4\n' + "5,6\n" * 50_000, encoding="utf-8")
    (tmp_path / "place.toml").write_text('name = "x"\n', encoding="utf-8")
    lines = [str(finding) for finding in check_files(tmp_path)]
    assert any("zones.csv row 3" in line and "quotation mark" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "row", "part"),
    [
        ("a = 1\nb = " + "[" * 5000 + "]" * 5000, 2, "inside one another"),
        ("a = 1\nb = " + "[" * 40 + "]" * 40, 2, "inside one another"),
        ("a = 1\n" + ".".join("b" * 5000) + " = 1", 2, "inside one another"),
        ("a = 1\n\nb = " + "9" * 5000, 3, "larger than 9,223,372,036,854,775,807"),
        ("a = 1\nb = 9223372036854775808", 2, "larger than"),
        ('a = "99999999999999999999"\nb = -99999999999999999999', 2, "larger than"),
        ("a = 1\nb = = 2", 2, "this is not TOML"),
    ],
)
def test_a_hostile_toml_text_is_refused_with_its_line(text: str, row: int, part: str) -> None:
    line = said(lambda: reading.parse_toml(text, "place.toml"))
    assert f"place.toml row {row}: " in line
    assert part in line


def test_an_ordinary_toml_text_is_read() -> None:
    text = 'a = "99999999999999999999999"\nb = 12_000\n[c.d]\ne = [[1, 2], [3]]  # 1' + "0" * 30
    assert reading.parse_toml(text, "x") == {
        "a": "99999999999999999999999", "b": 12000, "c": {"d": {"e": [[1, 2], [3]]}},
    }  # fmt: skip


def test_a_parquet_file_of_endless_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "minutes.parquet"
    pq.write_table(pa.table({"a": np.zeros(1000), "b": np.zeros(1000)}), path)
    reading.require_parquet(path)
    monkeypatch.setattr(reading, "PARQUET_VALUES", 1999)
    assert "1,000 rows of 2 columns" in said(lambda: reading.require_parquet(path))
    path.write_bytes(b"PAR1")
    assert "cannot be read as Parquet" in said(lambda: reading.require_parquet(path))


@pytest.fixture
def called() -> Iterator[tuple[str, list[bytes]]]:
    """A listening URL of this machine, and the requests it received."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                asked.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.0 404 no\r\n\r\n")

    thread = threading.Thread(target=listen)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    ended.set()
    thread.join()
    listener.close()


VRT = """<OGRVRTDataSource><OGRVRTLayer name="zones">
<SrcDataSource relativeToVRT="0">{source}</SrcDataSource><SrcLayer>zones</SrcLayer>
</OGRVRTLayer></OGRVRTDataSource>"""


@pytest.mark.parametrize("name", ["x.gpkg", "x.geojson", "x.json", "x.shp", "x.fgb"])
@pytest.mark.parametrize("source", ["/vsicurl/{address}/zones.gpkg", "{address}/z.json", "secret"])
def test_a_file_in_disguise_reads_no_address_and_no_other_file(
    name: str, source: str, tmp_path: Path, called: tuple[str, list[bytes]]
) -> None:
    address, asked = called
    secret = tmp_path / "secret.gpkg"
    zones = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=27700)
    zones.to_file(secret, layer="zones")
    target = str(secret) if source == "secret" else source.format(address=address)
    (tmp_path / name).write_text(VRT.format(source=target), encoding="utf-8")
    spec = SourceFile(file=name)
    assert name in said(lambda: read_source(spec, tmp_path, tmp_path))
    assert name in said(lambda: read_layers(tmp_path / name, "EPSG:27700"))
    place = tmp_path / "place"
    place.mkdir()
    (place / "place.toml").write_text('name = "x"\n', encoding="utf-8")
    (place / "boundaries.gpkg").write_text(VRT.format(source=target), encoding="utf-8")
    assert any("no GeoPackage" in str(finding) for finding in check_files(place))
    if name == "x.gpkg":
        assert any("no GeoPackage" in str(finding) for finding in check_files(tmp_path / name))
    assert asked == []


@pytest.mark.parametrize("name", ["http://{host}/x.csv", "/vsicurl/http://{host}/x.gpkg"])
def test_an_address_for_a_file_is_a_missing_file(
    name: str, tmp_path: Path, called: tuple[str, list[bytes]]
) -> None:
    address, asked = called
    spec = SourceFile(file=name.format(host=address.removeprefix("http://")))
    assert "missing" in said(lambda: read_source(spec, tmp_path, tmp_path))
    assert asked == []


def test_a_geopackage_with_a_table_from_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    zones = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=27700)
    zones.to_file(path, layer="zones")
    assert reading.layer_names(path) == ["zones"]
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA writable_schema = ON")
        base.execute(
            "INSERT INTO sqlite_master VALUES ('table', 'other', 'other', 0, "
            "'CREATE VIRTUAL TABLE other USING VirtualOGR(''/etc/passwd'')')"
        )
    base.close()
    assert "its table other is read from elsewhere" in said(lambda: reading.layer_names(path))


def test_a_plain_geojson_file_is_read(tmp_path: Path) -> None:
    feature = {"type": "Feature", "properties": {"a": 1}}
    feature["geometry"] = {"type": "Point", "coordinates": [0, 1]}
    document = {"type": "FeatureCollection", "features": [feature]}
    (tmp_path / "x.geojson").write_text(json.dumps(document), encoding="utf-8")
    found = read_source(SourceFile(file="x.geojson"), tmp_path, tmp_path)
    assert found.table.cells["a"] == ["1"]
