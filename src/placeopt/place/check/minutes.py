"""A matrix of minutes that lies beside the place: does it speak of every zone and building?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import Finding, InputError
from placeopt.base.reading import require_parquet
from placeopt.place.check.plausible import MAD_TO_SD, IsNoted, note_hint
from placeopt.place.faults import did_you_mean, error, row_number, warning
from placeopt.place.files.raw import texts_of
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import pandas as pd

FILES = ("minutes.csv", "minutes.parquet")
LEAST_M = 500.0  # shorter ways tell nothing of a speed: waiting and parking take longer
SLOWEST_KMH, FASTEST_KMH = 1.2, 130.0  # of the middle of all journeys, in a straight line
TOP_KMH = 250.0  # of one journey
TIMES_OFF = 4.0  # beyond the usual scatter


def minutes_findings(place: Place, noted: IsNoted) -> Iterator[Finding]:
    """Zones and buildings a supplied file of minutes misses, and minutes below 0.

    The file is long (columns zone_id, building_id, minutes and perhaps mode) or wide (column
    zone_id, then one column for each building). Whether a solve uses it is the scenario's
    word, so that a gap is a warning.
    """
    for name in FILES:
        if place.folder is not None and (place.folder / name).is_file():
            yield from _file_findings(place, place.folder / name, noted)


def _file_findings(place: Place, path: Path, noted: IsNoted) -> Iterator[Finding]:
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
    if not set(numbers) - set(frame.columns):
        yield from _speeds(place, path.name, frame, long, noted)
    for column in numbers:
        if column not in frame:
            yield error(path.name, "the column is missing", "add it", column=column)
            continue
        values = pd.to_numeric(frame[column], errors="coerce")
        bad = (values < 0) | (values.isna() & frame[column].notna())
        for at in np.flatnonzero(bad.to_numpy()).tolist():
            yield error(path.name, "this is no number of minutes", "give 0 or more, or leave"
                        " it empty where there is no way", row=row_number(at), column=column,
                        value=texts_of(frame[column].iloc[[at]])[0])  # fmt: skip


def _speeds(
    place: Place, file: str, frame: pd.DataFrame, long: bool, noted: IsNoted
) -> Iterator[Finding]:
    """Minutes at which nobody travels, by the straight line: hours or seconds, or one slip."""
    import pandas as pd

    points = {
        table: place.tables[table].drop_duplicates(key).set_index(key)[["x_m", "y_m"]]
        for table, key in (("zones", "zone_id"), ("buildings", "building_id"))
    }
    if not long:
        ids = [c for c in frame if c not in ("zone_id", "mode")]
        frame = frame.melt(id_vars=["zone_id"], value_vars=ids, var_name="building_id",
                           value_name="minutes", ignore_index=False)  # fmt: skip
    minutes = pd.to_numeric(frame["minutes"], errors="coerce").to_numpy(float)
    here = points["zones"].reindex(frame["zone_id"].astype(str)).to_numpy(float)
    there = points["buildings"].reindex(frame["building_id"].astype(str)).to_numpy(float)
    metres = np.hypot(*(here - there).T)
    told = (minutes > 0) & (metres > LEAST_M)
    kmh = np.where(told, metres / np.where(told, minutes, 1.0) * 60 / 1000, np.nan)
    if not told.any():
        return
    middle = float(np.nanmedian(kmh))
    words = "hours" if middle > FASTEST_KMH else "seconds" if middle < SLOWEST_KMH else ""
    if words:
        if not noted("minutes", "minutes", None):
            message = f"the minutes look like {words}: {middle:,.3g} km/h in a straight line in the"
            message += f" middle of {int(told.sum())} journeys"
            hint = note_hint("minutes.minutes", None)
            yield warning(file, message, f"give minutes; {hint}", column="minutes")
        return
    off = np.abs(np.log(kmh / middle))
    usual = max(3.0 * MAD_TO_SD * float(np.nanmedian(off)), 1.0)
    far = np.flatnonzero(off > usual + np.log(TIMES_OFF)).tolist()
    strange = [at for at in far if kmh[at] > TOP_KMH or kmh[at] < SLOWEST_KMH]
    for at in strange[:1]:
        column = "minutes" if long else str(frame["building_id"].iloc[at])
        key = f"{frame['zone_id'].iloc[at]}/{frame['building_id'].iloc[at]}"
        if noted("minutes", "minutes", key if len(strange) == 1 else None):
            continue
        more = f" (and so in {len(strange) - 1} more journeys)" if len(strange) > 1 else ""
        message = f"this would be {kmh[at]:,.3g} km/h in a straight line, others are about "
        message += f"{middle:,.3g}: hours for minutes, or a digit wrong{more}"
        hint = note_hint("minutes.minutes", key if len(strange) == 1 else None)
        yield warning(file, message, f"give minutes; {hint}", row=row_number(frame.index[at]),
                      column=column, value=texts_of(frame["minutes"].iloc[[at]])[0],
                      ids=_pairs(frame, strange) if len(strange) > 1 else ())  # fmt: skip


def _pairs(frame: pd.DataFrame, rows: Sequence[int]) -> list[str]:
    """``zone/building`` of each of the rows."""
    ends = frame[["zone_id", "building_id"]].iloc[list(rows)]
    return [f"{zone}/{building}" for zone, building in ends.itertuples(index=False)]


def _ids(place: Place, file: str, table: str, key: str, found: set[str]) -> Iterator[Finding]:
    known = place.tables[table][key]
    for value in known[~known.isin(found)]:
        yield warning(file, f"there are no minutes for this one of {table}",
                      "measure again with all of them", column=key, value=value)  # fmt: skip
    for value in sorted(found - set(known)):
        remedy = f"delete it or correct it{did_you_mean(value, known) if len(known) < 2000 else ''}"
        yield warning(file, f"{table} has no such {key}", remedy, column=key, value=value)
