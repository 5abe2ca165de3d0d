"""A matrix of minutes that lies beside the place: does it speak of every zone and building?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from placeopt.base.reading import require_parquet
from placeopt.errors import Finding, InputError
from placeopt.place.faults import error, nearest, row_of, warning
from placeopt.place.raw import texts_of
from placeopt.place.tables import Place

FILES = ("minutes.csv", "minutes.parquet")


def minutes_findings(place: Place) -> Iterator[Finding]:
    """Zones and buildings a supplied file of minutes misses, and minutes below 0.

    The file is long (columns zone_id, building_id, minutes and perhaps mode) or wide (column
    zone_id, then one column for each building). Whether a solve uses it is the scenario's
    word, so that a gap is a warning.
    """
    for name in FILES:
        if place.folder is not None and (place.folder / name).is_file():
            yield from _file_findings(place, place.folder / name)


def _file_findings(place: Place, path: Path) -> Iterator[Finding]:
    import pandas as pd

    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(path, dtype={"zone_id": str, "building_id": str})
        else:
            require_parquet(path)
            frame = pd.read_parquet(path)
    except InputError as refused:
        yield from refused.findings
        return
    except (ValueError, OSError) as fault:
        yield error(path.name, f"the file cannot be read: {fault}", "write it again")
        return
    if "zone_id" not in frame:
        yield error(path.name, "the column is missing", "add it", column="zone_id")
        return
    long = "building_id" in frame
    others = {"zone_id", "mode"}
    buildings = frame["building_id"] if long else [c for c in frame if c not in others]
    found = {"zones": frame["zone_id"], "buildings": buildings}
    for table, key in (("zones", "zone_id"), ("buildings", "building_id")):
        yield from _ids(place, path.name, table, key, {str(value) for value in found[table]})
    numbers = ["minutes"] if long else list(buildings)
    for column in numbers:
        if column not in frame:
            yield error(path.name, "the column is missing", "add it", column=column)
            continue
        values = pd.to_numeric(frame[column], errors="coerce")
        bad = (values < 0) | (values.isna() & frame[column].notna())
        for at in np.flatnonzero(bad.to_numpy()).tolist():
            yield error(path.name, "this is no number of minutes", "give 0 or more, or leave"
                        " it empty where there is no way", row=row_of(at), column=column,
                        value=texts_of(frame[column].iloc[[at]])[0])  # fmt: skip


def _ids(place: Place, file: str, table: str, key: str, found: set[str]) -> Iterator[Finding]:
    known = place.tables[table][key]
    for value in known[~known.isin(found)]:
        yield warning(file, f"there are no minutes for this one of {table}",
                      "measure again with all of them", column=key, value=value)  # fmt: skip
    for value in sorted(found - set(known)):
        remedy = f"delete it or correct it{nearest(value, known) if len(known) < 2000 else ''}"
        yield warning(file, f"{table} has no such {key}", remedy, column=key, value=value)
