"""Read a source file as text cells, together with its geometry.

Formats are CSV, XLSX, GeoPackage, GeoJSON, Shapefile and (Geo)Parquet. A file with shapes gains the
columns geometry_x, geometry_y (the point, or a point inside the shape) and geometry_area_m2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding, InputError, PlaceError
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.base.reading import layer_names, open_workbook, require_parquet
from placeopt.base.sheets import sheet_cells
from placeopt.place.files.raw import RawTable, texts_of, value_text
from placeopt.place.importer.clean import clean_table, read_messy_csv
from placeopt.place.importer.mapping import SourceFile

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from placeopt.place.importer.register import Register

GEOMETRY_COLUMNS = ("geometry_x", "geometry_y", "geometry_area_m2")
_TEXT, _WORKBOOKS = (".csv", ".txt", ".tsv"), (".xlsx", ".xlsm", ".xls", ".ods")
_SHAPES = (".gpkg", ".geojson", ".json", ".shp", ".fgb")


@dataclass(frozen=True)
class Source:
    """A source's cells and, if it has any, its shapes.

    Attributes:
        table: The cells as text.
        shapes: The geometries.
        frame: The typed attributes; only for files with shapes.
        register: The register, if the mapping reads the file as one.
    """

    table: RawTable
    shapes: gpd.GeoSeries | None = None
    frame: pd.DataFrame | None = None
    register: Register | None = None

    @property
    def file(self) -> str:
        return self.table.file


def read_source(spec: SourceFile, folder: Path, mapping_folder: Path) -> Source:
    """Read the source file that a mapping names.

    Args:
        spec: The mapping's entry for the file.
        folder: The folder of sources.
        mapping_folder: The folder of the mapping, where further tables of a register are looked for
            if ``folder`` does not have them.

    Raises:
        PlaceError: The file is missing or cannot be read.
    """
    source = _read(spec, folder)
    if spec.finance is not None:
        from placeopt.place.importer.finance import read_finance

        return replace(source, table=read_finance(source.table, spec.finance, spec.missing))
    if spec.register_ is None:
        return source
    from placeopt.place.importer.register import read_register

    register = read_register(source.table, spec.register_, folder, mapping_folder)
    return replace(source, table=register.table, register=register)


def _read(spec: SourceFile, folder: Path) -> Source:
    path = folder / spec.file
    if not path.exists():
        suggestion = (
            did_you_mean(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else ""
        )
        remedy = f"put it in {folder}, or name another folder of sources{suggestion}"
        raise PlaceError([error(spec.file, "the source file is missing", remedy)])
    kind = path.suffix.lower()
    try:
        if kind in _TEXT:
            delimiter = "\t" if kind == ".tsv" else spec.delimiter
            return Source(read_messy_csv(path, delimiter, spec.heading_row, spec.heading_rows))
        if kind in _WORKBOOKS:
            return Source(_read_sheet(path, spec))
        if kind in _SHAPES:
            return _read_layer(path, spec.layer)
        if kind == ".parquet":
            return _read_parquet(path)
    except PlaceError:
        raise
    except InputError as refused:
        raise PlaceError(refused.findings) from None
    except (OSError, RuntimeError) as fault:  # what the readers of these formats raise
        raise PlaceError(
            [error(spec.file, f"it cannot be read: {fault}", "save it again")]
        ) from None
    remedy = f"give one of {' '.join((*_TEXT, *_WORKBOOKS, *_SHAPES, '.parquet'))}"
    raise PlaceError([error(spec.file, f"files ending in {kind!r} are not read", remedy)])


def crs_findings(source: Source, crs: str) -> list[Finding]:
    """An error if the source has no shapes or they are not in the place's coordinate system."""
    if source.shapes is None:
        return [error(source.file, "the file has no shapes", "give a file with geometry")]
    if source.shapes.crs is not None and source.shapes.crs == crs:
        return []
    system = "no stated system"
    if source.shapes.crs is not None:
        degrees = " (degrees)" if source.shapes.crs.is_geographic else ""
        system = source.shapes.crs.to_string() + degrees
    remedy = (
        f"reproject it first: ogr2ogr -t_srs {crs} out.gpkg {source.file.split(':')[0]}, "
        "or QGIS: Vector > Data Management Tools > Reproject Layer"
    )
    return [error(source.file, f"the shapes are in {system}, the place in {crs}", remedy)]


def _read_layer(path: Path, layer: str | None) -> Source:
    import pyogrio

    layers = layer_names(path)
    if layer is None and len(layers) > 1:
        remedy = f"name one as layer: {', '.join(layers)}"
        raise PlaceError([error(path.name, f"the file has {len(layers)} layers", remedy)])
    if layer is not None and layer not in layers:
        remedy = f"name one of {', '.join(layers)}{did_you_mean(layer, layers)}"
        raise PlaceError([error(path.name, "there is no such layer", remedy, value=layer)])
    frame = pyogrio.read_dataframe(path, layer=layer or layers[0], use_arrow=True)
    return _source_of_frame(frame, f"{path.name}:{layer}" if layer else path.name)


def _read_parquet(path: Path) -> Source:
    import geopandas as gpd
    import pandas as pd

    require_parquet(path)
    try:
        frame: pd.DataFrame = gpd.read_parquet(path)
    except ValueError:  # Parquet without the metadata of GeoParquet
        frame = pd.read_parquet(path)
    return _source_of_frame(frame, path.name)


def _source_of_frame(frame: pd.DataFrame, file: str) -> Source:
    import geopandas as gpd

    if not isinstance(frame, gpd.GeoDataFrame):
        cells = {str(name): texts_of(frame[name]) for name in frame.columns}
        return Source(RawTable(file, cells), frame=frame)
    shapes = frame.geometry
    plain = frame.drop(columns=shapes.name)
    cells = {str(name): texts_of(plain[name]) for name in plain.columns}
    if shapes.crs is None or shapes.crs.is_projected:
        points = shapes.representative_point()
        for name, values in zip(GEOMETRY_COLUMNS, (points.x, points.y, shapes.area), strict=True):
            cells[name] = texts_of(values)
    else:
        cells |= dict.fromkeys(GEOMETRY_COLUMNS, [""] * len(frame))
    return Source(RawTable(file, cells), shapes, frame)


def _read_sheet(path: Path, spec: SourceFile) -> RawTable:
    """Read a sheet of a workbook; rows above ``heading_row`` are skipped."""
    workbook = open_workbook(path)
    names = workbook.sheet_names
    name = spec.layer or names[0]
    if name not in names:
        remedy = f"name one of {', '.join(names)}{did_you_mean(name, names)}"
        raise PlaceError([error(path.name, "there is no such sheet", remedy, value=name)])
    texts = [[value_text(cell) for cell in row] for row in sheet_cells(path, workbook, name)]
    merged = list(workbook.get_sheet_by_name(name).merged_cell_ranges or [])
    file = f"{path.name}:{name}"
    findings: list[Finding] = []
    if path.suffix.lower() == ".xls":
        message = "errors (#DIV/0!) and formulas without a result are read as empty from .xls"
        findings.append(warning(file, message, "save it as .xlsx, where they are faults"))
    return clean_table(file, texts, findings, spec.heading_row, spec.heading_rows, merged)
