"""Write a place as a folder of CSV files with place.toml, one GeoPackage or one workbook.

``read_place`` reads back the same place, to the last digit of every number.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.files import atomic_file, atomic_folder
from placeopt.place.columns import Column, dictionary
from placeopt.place.files.raw import texts_of
from placeopt.place.files.read import BOUNDARIES_FILE, BOUNDARIES_LAYER, INFO_LAYER
from placeopt.place.files.template_workbook import write_template_workbook
from placeopt.place.files.toml import FILE, info_text
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import pandas as pd

FILES = (FILE, BOUNDARIES_FILE, *(f"{table}.csv" for table in dictionary()))


def write_place(place: Place, path: str | Path) -> Path:
    """Write ``place`` to ``path``: one GeoPackage or workbook by its ending, else a folder.

    A workbook (.xlsx) has no outlines of zones. Tables without records are left out. The files of
    an earlier place are replaced all at once; other files of its folder stay (scenarios, streets).

    Returns:
        The path written.

    Raises:
        OutputError: ``path`` cannot be written or the disk is full; existing files are unchanged.
    """
    path = Path(path)
    if path.suffix.lower() == ".gpkg":
        _write_geopackage(place, path)
    elif path.suffix.lower() == ".xlsx":
        write_template_workbook(path, place)
    else:
        with atomic_folder(path, FILES) as made:
            write_files(place, made)
    return path


def write_files(place: Place, folder: Path) -> None:
    """Write the files of ``place`` into the empty folder ``folder``."""
    (folder / FILE).write_text(info_text(place.info), encoding="utf-8", newline="\n")
    for table, columns in dictionary().items():
        if len(place.tables[table]):
            _write_csv(folder / f"{table}.csv", place.tables[table], columns)
    path = folder / BOUNDARIES_FILE
    if place.boundaries is not None:
        place.boundaries.to_file(path, layer="zones", driver="GPKG", engine="pyogrio")


def _write_csv(path: Path, frame: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    """Write a table with every column of the dictionary, numbers with as many digits as needed."""
    names = [column.name for column in columns]
    texts = [texts_of(frame[name]) for name in names]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(zip(*texts, strict=True))


def _write_geopackage(place: Place, path: Path) -> None:
    import pyogrio

    # Syncing to disk after each of two dozen layers would take most of the time.
    pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": "OFF"})
    try:
        with atomic_file(path) as made:
            _write_layers(place, made)
    finally:
        pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": None})


def _write_layers(place: Place, path: Path) -> None:
    import pandas as pd
    import pyogrio

    info = pd.DataFrame({"place_toml": [info_text(place.info)]})
    pyogrio.write_dataframe(info, path, layer=INFO_LAYER, driver="GPKG")
    for table, columns in dictionary().items():
        frame = place.tables[table]
        if len(frame):
            frame = frame[[column.name for column in columns]]
            pyogrio.write_dataframe(frame, path, layer=table, driver="GPKG", append=True)
    if place.boundaries is not None:
        pyogrio.write_dataframe(
            place.boundaries, path, layer=BOUNDARIES_LAYER, driver="GPKG", append=True
        )
