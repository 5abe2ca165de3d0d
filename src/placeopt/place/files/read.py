"""Read a place: a folder of CSV files with place.toml, one GeoPackage, or one workbook.

A folder holds ``place.toml``, one ``TABLE.csv`` for each table, and perhaps ``boundaries.gpkg``
with a layer ``zones`` of polygons. A GeoPackage holds each table as a layer, the polygons as
layer ``boundaries`` and the text of place.toml in layer ``place``. All faults are found in one
pass; a place is returned only if none of them is an error.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.aliases import renamed
from placeopt.base.errors import Finding, InputError, PlaceError, errors_among
from placeopt.base.findings import did_you_mean, error, sort_findings, warning
from placeopt.base.reading import layer_names, require_layers
from placeopt.place.check.all_checks import check
from placeopt.place.check.minutes import minutes_findings
from placeopt.place.check.plausible import PlausibleNotes
from placeopt.place.columns import dictionary
from placeopt.place.files.raw import RawTable, read_csv, read_layer, texts_of
from placeopt.place.files.template_workbook import read_template_workbook
from placeopt.place.files.toml import FILE, parse_info
from placeopt.place.files.typed import empty_table, typed_table
from placeopt.place.tables import Place, PlaceInfo, table_label

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

BOUNDARIES_FILE = "boundaries.gpkg"
INFO_LAYER = "place"
BOUNDARIES_LAYER = "boundaries"
OTHER_CSV = {  # files beside the tables that other rooms read or write
    "minutes.csv", "zone_points.csv", "calibration-fits.csv", "calibration-residuals.csv",
}  # fmt: skip


def read_place(path: str | Path) -> Place:
    """Read the place at ``path``.

    Args:
        path: A folder, a GeoPackage or a workbook.

    Raises:
        PlaceError: With every error found.
    """
    place, findings = read_leniently(path)
    errors = errors_among(findings)
    if errors or place is None:
        raise PlaceError(errors, f"faults in {path}")
    return place


def check_files(path: str | Path) -> list[Finding]:
    """Return every fault of a place's files, errors first, with row numbers of the files.

    A file of minutes beside the place is checked too. (``read_place`` does not: the file can be
    large, and the scenario decides whether it is used.)
    """
    return read_leniently(path, minutes=True)[1]


def read_leniently(
    path: str | Path, *, minutes: bool = False
) -> tuple[Place | None, list[Finding]]:
    """Read as much of a place as possible.

    Args:
        path: A folder, a GeoPackage or a workbook.
        minutes: Whether to check a file of minutes beside the place too.

    Returns:
        The place, None if nothing can be read, and every fault, errors first.
    """
    path = Path(path)
    if path.is_dir():
        place, findings = _read_folder(path)
    elif path.is_file() and path.suffix.lower() == ".gpkg":
        place, findings = _read_geopackage(path)
    elif path.is_file() and path.suffix.lower() == ".xlsx":
        place, findings = _read_workbook(path)
    else:
        message = "this is no place" if path.exists() else "there is nothing here"
        remedy = f"give a folder with {FILE} and its tables as CSV files, or one GeoPackage or"
        remedy += " workbook"
        return None, [error(path.name, message, remedy)]
    findings += _unreported(check(place), findings)
    if minutes:
        noted = PlausibleNotes(place)
        findings += minutes_findings(place, noted)
        findings += noted.unused("minutes.")
    return place, sort_findings(findings)


def read_records(
    place: Place, table: str, path: Path, assumed: Mapping[str, str]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read records of one table from a separate CSV file.

    Args:
        place: The place with which the records are checked, instead of its own records.
        table: The table.
        path: The CSV file.
        assumed: Column -> the value of an empty cell.

    Returns:
        The records and every fault, under the file's name.
    """
    if not path.is_file():
        remedy = f"give a CSV file with the columns of {table}"
        return empty_table(table), [error(path.name, "there is no such file", remedy)]
    raw = read_csv(path)
    cells = dict(raw.cells)
    for column, default in assumed.items():
        cells[column] = [cell or default for cell in cells.get(column, [""] * len(raw))]
    frame, findings = typed_table(table, replace(raw, cells=cells))
    own_label = table_label(place, table)
    faults = [
        finding for finding in check(place.replace(**{table: frame})) if finding.file == own_label
    ]
    faults = [replace(finding, file=path.name) for finding in faults]
    return frame, sort_findings([*findings, *_unreported(faults, findings)])


def _unreported(faults: list[Finding], earlier: list[Finding]) -> list[Finding]:
    """The faults of cells, rows and columns for which the reader has no finding."""
    cells = {(finding.file, finding.row, finding.column) for finding in earlier}
    rows = {(finding.file, finding.row) for finding in earlier if finding.column is None}
    columns = {(finding.file, finding.column) for finding in earlier if finding.row is None}
    return [
        fault
        for fault in faults
        if (fault.file, fault.row, fault.column) not in cells
        and (fault.file, fault.column) not in columns
        and not (fault.row and (fault.file, fault.row) in rows)
    ]


def _read_folder(folder: Path) -> tuple[Place, list[Finding]]:
    findings = [*_unknown_files(folder), *_unreadable_files(folder)]
    info = PlaceInfo(name=folder.name)
    if (folder / FILE).is_file():
        text = (folder / FILE).read_text(encoding="utf-8-sig", errors="replace")
        info, faults = parse_info(text)
        findings += faults
    else:
        findings.append(error(FILE, "the file is missing", 'write one with name = "..." in it'))
    tables: dict[str, pd.DataFrame] = {}
    old_names = renamed("tables", [path.stem for path in folder.glob("*.csv")])
    alias_of_table = {alias.new: alias for alias in old_names.values()}
    for table in dictionary():
        path = folder / f"{alias_of_table[table].old if table in alias_of_table else table}.csv"
        tables[table], faults = _table(table, read_csv(path) if path.is_file() else None)
        findings += faults
    findings += [
        warning(f"{alias.old}.csv", alias.sentence(), f"call the file {alias.new}.csv")
        for alias in alias_of_table.values()
    ]
    boundaries = None
    if (folder / BOUNDARIES_FILE).is_file():
        boundaries, faults = _read_boundaries(folder / BOUNDARIES_FILE, "zones")
        findings += faults
    return Place(info, tables, boundaries, folder), findings


def _read_geopackage(path: Path) -> tuple[Place, list[Finding]]:
    try:
        layers = layer_names(path)
    except InputError as refused:
        place = Place(PlaceInfo(name=path.stem), _empty_tables(), folder=path.parent)
        return place, list(refused.findings)
    info, findings = PlaceInfo(name=path.stem), _unknown_layers(path, layers)
    if INFO_LAYER in layers:
        text = "\n".join(read_layer(path, INFO_LAYER).cells.get("place_toml", []))
        info, faults = parse_info(text, f"{path.name}:{INFO_LAYER}")
        findings += faults
    else:
        remedy = "add a table with one column place_toml that holds the text of place.toml"
        findings.append(error(f"{path.name}:{INFO_LAYER}", "the layer is missing", remedy))
    tables: dict[str, pd.DataFrame] = {}
    for table in dictionary():
        raw = read_layer(path, table) if table in layers else None
        tables[table], faults = _table(table, raw)
        findings += faults
    boundaries = None
    if BOUNDARIES_LAYER in layers:
        boundaries, faults = _read_boundaries(path, BOUNDARIES_LAYER)
        findings += faults
    extras = {"geopackage": path.name}
    return Place(info, tables, boundaries, path.parent, extras), findings


def _read_workbook(path: Path) -> tuple[Place, list[Finding]]:
    """Read a filled-in template; a workbook has no outlines of zones."""
    info, raw, findings = read_template_workbook(path)
    tables: dict[str, pd.DataFrame] = {}
    for table in dictionary():
        tables[table], faults = _table(table, raw.get(table))
        findings += faults
    return Place(info, tables, None, path.parent, {"geopackage": path.name}), findings


def _table(table: str, raw: RawTable | None) -> tuple[pd.DataFrame, list[Finding]]:
    return (empty_table(table), []) if raw is None else typed_table(table, raw)


def _empty_tables() -> dict[str, pd.DataFrame]:
    return {table: empty_table(table) for table in dictionary()}


def _read_boundaries(path: Path, layer: str) -> tuple[gpd.GeoDataFrame | None, list[Finding]]:
    """Read the zones' outlines with text ids, unchecked."""
    import geopandas as gpd
    import pyogrio

    file = f"{path.name}:{layer}"
    try:
        require_layers(path)
        with warnings.catch_warnings(record=True) as caught, np.errstate(invalid="ignore"):
            warnings.simplefilter("always")
            frame = pyogrio.read_dataframe(path, layer=layer)
    except InputError as refused:
        return None, list(refused.findings)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as fault:
        return None, [error(file, f"the layer cannot be read: {fault}", "add it or fix it")]
    if "zone_id" not in frame or "geometry" not in frame:
        remedy = "give polygons with the column zone_id"
        return None, [error(file, "the column is missing", remedy, column="zone_id")]
    ids = texts_of(frame["zone_id"])
    frame = gpd.GeoDataFrame({"zone_id": ids}, geometry=frame.geometry.array, crs=frame.crs)
    findings = [
        warning(file, f"the reader says: {one.message}", "write the layer anew, such as from QGIS")
        for one in caught
        if not issubclass(one.category, (DeprecationWarning, FutureWarning))
    ]
    return frame.astype({"zone_id": str}), findings


def _own_files() -> set[str]:
    """The names of the files of a place's folder."""
    return {FILE, BOUNDARIES_FILE, *(f"{table}.csv" for table in dictionary())}


def _unreadable_files(folder: Path) -> list[Finding]:
    """Errors for a place's files that are no files, or whose names differ in capital letters."""
    own, findings = _own_files(), []
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if path.name in own and not path.is_file():
            kind = "a folder" if path.is_dir() else "a link to nothing"
            findings.append(error(path.name, f"this is {kind}, not a file",
                                  "put the file in its place, or remove it"))  # fmt: skip
        elif path.name not in own and name in own and not (folder / name).is_file():
            message = "the name is not in small letters, so the file is not read"
            findings.append(error(path.name, message, f"call it {name}"))
    return findings


def _unknown_files(folder: Path) -> list[Finding]:
    """Warnings for CSV files that are not tables of the dictionary."""
    findings = []
    own = _own_files()
    for path in sorted(one for one in folder.iterdir() if one.suffix.lower() == ".csv"):
        if path.name not in own and path.name.lower() in own:
            continue  # told as a table's file in capital letters
        # the importer's lists of a register
        is_register_list = path.stem.endswith(("-groups", "-rows"))
        known = path.stem in dictionary() or renamed("tables", [path.stem])
        if not known and path.name not in OTHER_CSV and not is_register_list:
            message = "the file is not a table of the dictionary and is not read"
            remedy = f"rename or move it{did_you_mean(path.stem, dictionary())}"
            findings.append(warning(path.name, message, remedy))
    return findings


def _unknown_layers(path: Path, layers: list[str]) -> list[Finding]:
    known = {*dictionary(), INFO_LAYER, BOUNDARIES_LAYER, "layer_styles"}
    return [
        warning(
            f"{path.name}:{layer}",
            "the layer is not a table of the dictionary and is not read",
            f"rename or remove it{did_you_mean(layer, dictionary())}",
        )
        for layer in layers
        if layer not in known
    ]
