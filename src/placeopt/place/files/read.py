"""Read a place: a folder of CSV files with place.toml, one GeoPackage, or one workbook.

A folder holds ``place.toml``, one ``TABLE.csv`` for each table, and perhaps ``boundaries.gpkg``
with a layer ``zones`` of polygons. A GeoPackage holds each table as a layer, the polygons as
layer ``boundaries`` and the text of place.toml in layer ``place``. Every fault of the files is
found in one go; a place is handed out only when none of them is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.aliases import renamed
from placeopt.base.errors import Finding, InputError, PlaceError
from placeopt.base.reading import layer_names, require_layers
from placeopt.place.check.all_checks import check
from placeopt.place.check.minutes import minutes_findings
from placeopt.place.check.plausible import PlausibleNotes
from placeopt.place.faults import did_you_mean, error, sort_findings, table_label, warning
from placeopt.place.files.raw import RawTable, read_csv, read_layer, texts_of
from placeopt.place.files.template_workbook import read_template_workbook
from placeopt.place.files.toml import FILE, parse_info
from placeopt.place.files.typed import empty_table, typed_table
from placeopt.place.tables import Place, PlaceInfo, dictionary

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
    """The place at ``path``; PlaceError carries every error in it, if there is one."""
    place, findings = read_leniently(path)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors or place is None:
        raise PlaceError(errors, f"faults in {path}")
    return place


def check_files(path: str | Path) -> list[Finding]:
    """Every fault of the place's files, errors first, with rows as a person counts them.

    A matrix of minutes beside the place is looked at too (``read_place`` leaves it alone: it
    can be large, and whether it is used is the scenario's word).
    """
    return read_leniently(path, minutes=True)[1]


def read_leniently(
    path: str | Path, *, minutes: bool = False
) -> tuple[Place | None, list[Finding]]:
    """What can be read of a place (None: nothing), and every fault of its tables, errors first;
    with ``minutes`` also of a matrix of minutes beside it."""
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
    findings += _not_told(check(place), findings)
    if minutes:
        noted = PlausibleNotes(place)
        findings += minutes_findings(place, noted)
        findings += noted.unused("minutes.")
    return place, sort_findings(findings)


def read_records(
    place: Place, table: str, path: Path, assumed: Mapping[str, str]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Records of ``table`` in a CSV file of their own, as if the place had these and no others;
    every fault under that file's name. ``assumed``: by column, what an empty cell means there."""
    if not path.is_file():
        remedy = f"give a CSV file with the columns of {table}"
        return empty_table(table), [error(path.name, "there is no such file", remedy)]
    raw = read_csv(path)
    cells = dict(raw.cells)
    for column, word in assumed.items():
        cells[column] = [cell or word for cell in cells.get(column, [""] * len(raw))]
    frame, findings = typed_table(table, replace(raw, cells=cells))
    mine = table_label(place, table)
    faults = [finding for finding in check(place.replace(**{table: frame})) if finding.file == mine]
    faults = [replace(finding, file=path.name) for finding in faults]
    return frame, sort_findings([*findings, *_not_told(faults, findings)])


def _not_told(faults: list[Finding], told_before: list[Finding]) -> list[Finding]:
    """Faults of cells, rows and columns that the reader has not spoken of: each is said once."""
    told = {(finding.file, finding.row, finding.column) for finding in told_before}
    rows = {(finding.file, finding.row) for finding in told_before if finding.column is None}
    columns = {(finding.file, finding.column) for finding in told_before if finding.row is None}
    return [
        fault
        for fault in faults
        if (fault.file, fault.row, fault.column) not in told
        and (fault.file, fault.column) not in columns
        and not (fault.row and (fault.file, fault.row) in rows)
    ]


def _read_folder(folder: Path) -> tuple[Place, list[Finding]]:
    findings = _strange_files(folder)
    info = PlaceInfo(name=folder.name)
    if (folder / FILE).is_file():
        text = (folder / FILE).read_text(encoding="utf-8-sig", errors="replace")
        info, faults = parse_info(text)
        findings += faults
    else:
        findings.append(error(FILE, "the file is missing", 'write one with name = "..." in it'))
    tables: dict[str, pd.DataFrame] = {}
    old_names = renamed("tables", [path.stem for path in folder.glob("*.csv")])
    old = {alias.new: alias for alias in old_names.values()}
    for table in dictionary():
        path = folder / f"{old[table].old if table in old else table}.csv"
        tables[table], faults = _table(table, read_csv(path) if path.is_file() else None)
        findings += faults
    findings += [
        warning(f"{alias.old}.csv", alias.sentence(), f"call the file {alias.new}.csv")
        for alias in old.values()
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
    info, findings = PlaceInfo(name=path.stem), _strange_layers(path, layers)
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
    """A filled-in template; a workbook has no outlines of zones."""
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
    """The zones' outlines with text ids, as they stand; ``check`` says what is wrong with them."""
    import geopandas as gpd
    import pyogrio

    file = f"{path.name}:{layer}"
    try:
        require_layers(path)
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
    return frame.astype({"zone_id": str}), []


def _strange_files(folder: Path) -> list[Finding]:
    """CSV files that are no table of the dictionary: perhaps a slip of the pen."""
    findings = []
    for path in sorted(folder.glob("*.csv")):
        lists = path.stem.endswith(("-groups", "-rows"))  # the importer's lists of a register
        known = path.stem in dictionary() or renamed("tables", [path.stem])
        if not known and path.name not in OTHER_CSV and not lists:
            message = "the file is not a table of the dictionary and is not read"
            remedy = f"rename or move it{did_you_mean(path.stem, dictionary())}"
            findings.append(warning(path.name, message, remedy))
    return findings


def _strange_layers(path: Path, layers: list[str]) -> list[Finding]:
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
