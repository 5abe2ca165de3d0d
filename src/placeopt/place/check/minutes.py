"""Check a file of minutes beside a place: complete, valid and plausible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import Finding, InputError
from placeopt.base.findings import did_you_mean, error, row_number, warning
from placeopt.base.reading import require_parquet
from placeopt.place.check.plausible import MAD_TO_SD, IsNoted, note_hint
from placeopt.place.files.raw import texts_of
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import pandas as pd

FILES = ("minutes.csv", "minutes.parquet")
MIN_DISTANCE_M = 500.0  # on shorter journeys waiting and parking hide the speed
SLOWEST_KMH, FASTEST_KMH = 1.2, 130.0  # median of all journeys, in a straight line
TOP_KMH = 250.0  # of any journey
OUTLIER_FACTOR = 4.0  # beyond the usual scatter


def minutes_findings(place: Place, is_noted: IsNoted) -> Iterator[Finding]:
    """Findings on a supplied file of minutes: missing ids, invalid and implausible minutes.

    The file is long (columns zone_id, building_id, minutes and perhaps mode) or wide (column
    zone_id, then one column for each building). Gaps are only warnings, because the scenario
    decides whether the file is used.
    """
    for name in FILES:
        if place.folder is not None and (place.folder / name).is_file():
            yield from _file_findings(place, place.folder / name, is_noted)


def _file_findings(place: Place, path: Path, is_noted: IsNoted) -> Iterator[Finding]:
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
    is_long = "building_id" in frame
    key_columns = {"zone_id", "mode"}
    buildings = frame["building_id"] if is_long else [c for c in frame if c not in key_columns]
    ids_in_file = {"zones": frame["zone_id"], "buildings": buildings}
    for table, key in (("zones", "zone_id"), ("buildings", "building_id")):
        yield from _id_findings(
            place, path.name, table, key, {str(value) for value in ids_in_file[table]}
        )
    numbers = ["minutes"] if is_long else list(buildings)
    if not set(numbers) - set(frame.columns):
        yield from _speed_findings(place, path.name, frame, is_long, is_noted)
    for column in numbers:
        if column not in frame:
            yield error(path.name, "the column is missing", "add it", column=column)
            continue
        values = pd.to_numeric(frame[column], errors="coerce")
        bad = (values < 0) | (values.isna() & frame[column].notna())
        for i in np.flatnonzero(bad.to_numpy()).tolist():
            yield error(path.name, "this is no number of minutes", "give 0 or more, or leave"
                        " it empty where there is no way", row=row_number(i), column=column,
                        value=texts_of(frame[column].iloc[[i]])[0])  # fmt: skip


def _speed_findings(
    place: Place, file: str, frame: pd.DataFrame, is_long: bool, is_noted: IsNoted
) -> Iterator[Finding]:
    """Warnings for implausible straight-line speeds: hours, seconds, or a single slip."""
    import pandas as pd

    points = {
        table: place.tables[table].drop_duplicates(key).set_index(key)[["x_m", "y_m"]]
        for table, key in (("zones", "zone_id"), ("buildings", "building_id"))
    }
    if not is_long:
        ids = [c for c in frame if c not in ("zone_id", "mode")]
        frame = frame.melt(id_vars=["zone_id"], value_vars=ids, var_name="building_id",
                           value_name="minutes", ignore_index=False)  # fmt: skip
    minutes = pd.to_numeric(frame["minutes"], errors="coerce").to_numpy(float)
    zone_xy = points["zones"].reindex(frame["zone_id"].astype(str)).to_numpy(float)
    building_xy = points["buildings"].reindex(frame["building_id"].astype(str)).to_numpy(float)
    metres = np.hypot(*(zone_xy - building_xy).T)
    is_informative = (minutes > 0) & (metres > MIN_DISTANCE_M)
    kmh = np.where(
        is_informative, metres / np.where(is_informative, minutes, 1.0) * 60 / 1000, np.nan
    )
    if not is_informative.any():
        return
    median = float(np.nanmedian(kmh))
    unit = "hours" if median > FASTEST_KMH else "seconds" if median < SLOWEST_KMH else ""
    if unit:
        if not is_noted("minutes", "minutes", None):
            message = f"the minutes look like {unit}: {median:,.3g} km/h in a straight line in the"
            message += f" middle of {int(is_informative.sum())} journeys"
            hint = note_hint("minutes.minutes", None)
            yield warning(file, message, f"give minutes; {hint}", column="minutes")
        return
    deviation = np.abs(np.log(kmh / median))
    spread = max(3.0 * MAD_TO_SD * float(np.nanmedian(deviation)), 1.0)
    outliers = np.flatnonzero(deviation > spread + np.log(OUTLIER_FACTOR)).tolist()
    implausible = [i for i in outliers if kmh[i] > TOP_KMH or kmh[i] < SLOWEST_KMH]
    for i in implausible[:1]:
        column = "minutes" if is_long else str(frame["building_id"].iloc[i])
        key = f"{frame['zone_id'].iloc[i]}/{frame['building_id'].iloc[i]}"
        if is_noted("minutes", "minutes", key if len(implausible) == 1 else None):
            continue
        others = (
            f" (and so in {len(implausible) - 1} more journeys)" if len(implausible) > 1 else ""
        )
        message = f"this would be {kmh[i]:,.3g} km/h in a straight line, others are about "
        message += f"{median:,.3g}: hours for minutes, or a digit wrong{others}"
        hint = note_hint("minutes.minutes", key if len(implausible) == 1 else None)
        yield warning(file, message, f"give minutes; {hint}", row=row_number(frame.index[i]),
                      column=column, value=texts_of(frame["minutes"].iloc[[i]])[0],
                      ids=_pairs(frame, implausible) if len(implausible) > 1 else ())  # fmt: skip


def _pairs(frame: pd.DataFrame, rows: Sequence[int]) -> list[str]:
    """``zone/building`` of each of the rows."""
    ends = frame[["zone_id", "building_id"]].iloc[list(rows)]
    return [f"{zone}/{building}" for zone, building in ends.itertuples(index=False)]


def _id_findings(
    place: Place, file: str, table: str, key: str, ids_in_file: set[str]
) -> Iterator[Finding]:
    known = place.tables[table][key]
    for value in known[~known.isin(ids_in_file)]:
        yield warning(file, f"there are no minutes for this one of {table}",
                      "measure again with all of them", column=key, value=value)  # fmt: skip
    for value in sorted(ids_in_file - set(known)):
        remedy = f"delete it or correct it{did_you_mean(value, known) if len(known) < 2000 else ''}"
        yield warning(file, f"{table} has no such {key}", remedy, column=key, value=value)
