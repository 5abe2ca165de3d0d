"""Read and write the user's own minutes: a CSV or Parquet file, long or wide.

Long: columns ``zone_id, building_id, mode, minutes`` (``mode`` may be omitted for a single mode;
``worst_minutes`` may be added). Wide: ``zone_id``, perhaps ``mode``, then one column for each
building. A missing or empty pair is unreachable. The file must have every zone and building of the
place; rows of others are left out and counted in a warning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding, InputError, errors_among
from placeopt.base.findings import error, warning
from placeopt.base.reading import require_parquet
from placeopt.place import Place
from placeopt.travel.times import TravelTimes

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("zone_id", "building_id", "mode")
MOVE_TOLERANCE_M = 1.0


def read_matrix(
    place: Place, file: Path, modes: Sequence[str], cutoff_minutes: float = np.inf
) -> TravelTimes:
    """Read a file of minutes.

    Args:
        place: The place.
        file: The file.
        modes: The modes wanted.
        cutoff_minutes: Longer journeys become NaN.

    Raises:
        InputError: With every fault of the file.
    """
    table, metadata = _read(file)
    long_table, findings = _as_long(table, file.name, modes)
    findings += _invalid_rows(long_table, file.name)
    zone_ids = tuple(place.zones["zone_id"])
    building_ids = tuple(place.buildings["building_id"])
    measured = metadata.get("measured", {})
    findings += _mismatches(long_table, place, file.name, modes, measured)
    findings += _moved(place, file.name, metadata.get("points", {}))
    errors = errors_among(findings)
    if errors:
        raise InputError(errors, "faults in the minutes")
    minutes, worst = {}, {}
    for mode in modes:
        of_mode = long_table[long_table["mode"] == mode]
        minutes[mode] = _matrix(of_mode, "minutes", zone_ids, building_ids, cutoff_minutes)
        if "worst_minutes" in of_mode and of_mode["worst_minutes"].notna().any():
            worst[mode] = _matrix(of_mode, "worst_minutes", zone_ids, building_ids, np.inf)
            worst[mode][np.isnan(minutes[mode])] = np.nan
    source = {"method": "matrix", "source": file.name}
    known = metadata.get("provenance", {})
    provenance = {mode: {**known.get(mode, {}), **source} for mode in modes}
    return TravelTimes(
        zone_ids, building_ids, minutes, cutoff_minutes, provenance, worst, tuple(findings)
    )


def write_matrix(times: TravelTimes, file: Path, place: Place | None = None) -> None:
    """Write minutes as a long Parquet file that includes its provenance.

    Columns are zone_id, building_id, mode, minutes, worst_minutes (empty if there is none); pairs
    without minutes are left out. With ``place`` the file also stores coordinates, so that
    ``read_matrix`` can warn of points that have moved since.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    zones, buildings = (pa.array(ids, pa.string()) for ids in (times.zone_ids, times.building_ids))
    metadata = {
        "provenance": times.provenance,
        "cutoff_minutes": times.cutoff_minutes,
        "measured": dict(zip(KEYS, (times.zone_ids, times.building_ids, times.modes), strict=True)),
        "points": {} if place is None else {key: _coordinates(place, key) for key in KEYS[:2]},
    }
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [
            *((key, text) for key in KEYS),
            *((name, pa.float64()) for name in ("minutes", "worst_minutes")),
        ],
        metadata={"placeopt": json.dumps(metadata, default=str)},
    )
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for mode, minutes in times.minutes.items():
            z, b = np.nonzero(np.isfinite(minutes))
            worst = times.worst.get(mode, np.full((1, 1), np.nan))
            worst_of_pairs = worst[z, b] if mode in times.worst else np.full(len(z), np.nan)
            codes = (z.astype(np.int32), b.astype(np.int32), np.zeros(len(z), np.int32))
            names = (zones, buildings, pa.array([mode]))
            ids = [
                pa.DictionaryArray.from_arrays(pa.array(code), name)
                for code, name in zip(codes, names, strict=True)
            ]
            columns = [*ids, pa.array(minutes[z, b]), pa.array(worst_of_pairs, from_pandas=True)]
            writer.write_table(pa.table(columns, schema=schema))


def _read(file: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read the table, with ids as text, and the file's own metadata."""
    import pandas as pd

    if not file.exists():
        raise InputError([error(file.name, "is not there",
                                f"put the minutes at {file} or name another file")])  # fmt: skip
    if file.suffix.lower() in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        require_parquet(file)
        stored = pq.read_table(file)
        header = (stored.schema.metadata or {}).get(b"placeopt", b"{}")
        table = stored.to_pandas()
        for key in set(KEYS) & set(table.columns):
            table[key] = table[key].astype(str)
        return table, json.loads(header)
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig"), {}


def _as_long(
    table: pd.DataFrame, file: str, modes: Sequence[str]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Convert the table to long form, with a column ``row`` of row numbers in the file."""
    import pandas as pd

    findings = []
    table = table.assign(row=np.arange(len(table)) + 2)
    if "zone_id" not in table:
        remedy = "give columns zone_id, building_id, mode, minutes"
        raise InputError([error(file, "is not there", remedy, column="zone_id")])
    if "mode" not in table:
        table = table.assign(mode=modes[0])
        if len(modes) != 1:
            findings.append(
                error(
                    file,
                    f"is not there, and {len(modes)} modes are asked for",
                    f"add a column mode with {' or '.join(modes)}",
                    column="mode",
                )
            )
    if "building_id" not in table:
        table = table.melt(["zone_id", "mode", "row"], None, "building_id", "minutes")
    elif "minutes" not in table:
        remedy = "give the minutes in a column of that name"
        raise InputError([error(file, "is not there", remedy, column="minutes")])
    for column in {"minutes", "worst_minutes"} & set(table.columns):
        numbers = pd.to_numeric(table[column], errors="coerce")
        text = table[column].astype(str).str.strip()
        wrong = numbers.isna() & table[column].notna() & ~text.isin(["", "nan", "NaN", "None"])
        findings += [
            error(
                file,
                "is no number",
                "give minutes, or nothing",
                row=row,
                column=column,
                value=value,
            )
            for row, value in zip(table.loc[wrong, "row"], text[wrong], strict=True)
        ]
        table[column] = numbers
    return table.reset_index(drop=True), findings


def _invalid_rows(long_table: pd.DataFrame, file: str) -> list[Finding]:
    """Errors for negative or infinite minutes and repeated pairs."""
    values = long_table["minutes"]
    wrong = (values < 0) | np.isinf(values)
    findings = [
        error(file, "is not a time",
              "give minutes of 0 or more, or leave the pair out where there is no way",
              row=row, column="minutes", value=f"{value:g}")
        for row, value in zip(long_table.loc[wrong, "row"], values[wrong], strict=True)
    ]  # fmt: skip
    repeated = long_table[long_table.duplicated(list(KEYS))]
    for row, zone, building, mode in zip(
        repeated["row"], repeated["zone_id"], repeated["building_id"], repeated["mode"], strict=True
    ):
        findings.append(
            error(file, "is given twice", "give each pair once", row=row,
                  column="zone_id, building_id, mode", value=f"{zone}, {building}, {mode}")
        )  # fmt: skip
    return findings


def _mismatches(
    long_table: pd.DataFrame,
    place: Place,
    file: str,
    modes: Sequence[str],
    measured: Mapping[str, Sequence[str]],
) -> list[Finding]:
    """Errors for ids of the place that the file lacks, warnings for ids that the place lacks.

    Ids that the file's metadata lists as ``measured`` are not missing, even without any minutes.
    """
    findings = []
    for column, ids in (
        ("zone_id", place.zones["zone_id"]),
        ("building_id", place.buildings["building_id"]),
        ("mode", modes),
    ):
        ids_in_file = set(long_table[column]) | set(measured.get(column, ()))
        findings += [
            error(file, "is in the place and not in the file",
                  "add its minutes, with an empty cell where there is no way",
                  column=column, value=key)
            for key in ids if key not in ids_in_file
        ]  # fmt: skip
        unknown = sorted(ids_in_file - set(ids))
        rows = long_table[column].isin(unknown)
        if rows.any():
            names = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
            findings.append(
                warning(file, f"{len(unknown)} not asked for; {int(rows.sum())} rows are left out",
                        "check the ids if the place should have them",
                        row=long_table.loc[rows, "row"].iloc[0], column=column, value=names)
            )  # fmt: skip
    return findings


def _coordinates(place: Place, key: str) -> dict[str, tuple[float, float]]:
    """Id -> coordinates in metres of a place's zones or buildings."""
    frame = place.tables["zones" if key == "zone_id" else "buildings"]
    return {
        i: (round(x, 1), round(y, 1))
        for i, x, y in zip(frame[key], frame["x_m"], frame["y_m"], strict=True)
    }


def _moved(
    place: Place, file: str, points: Mapping[str, Mapping[str, Sequence[float]]]
) -> list[Finding]:
    """Warnings for zones and buildings that have moved since the minutes were measured."""
    findings = []
    for key, measured in points.items():
        coordinates = _coordinates(place, key)
        moved = [
            i
            for i, (x, y) in coordinates.items()
            if i in measured
            and abs(x - measured[i][0]) + abs(y - measured[i][1]) > MOVE_TOLERANCE_M
        ]
        if moved:
            names = ", ".join(moved[:5]) + (", ..." if len(moved) > 5 else "")
            findings.append(
                warning(file, f"{len(moved)} have moved since the minutes were measured",
                        "measure again: placeopt travel", column=key, value=names)
            )  # fmt: skip
    return findings


def _matrix(
    long_table: pd.DataFrame,
    column: str,
    zone_ids: tuple[str, ...],
    building_ids: tuple[str, ...],
    cutoff_minutes: float,
) -> NDArray[np.float64]:
    """(zones, buildings) matrix of one column, NaN where missing or beyond the cut-off."""
    import pandas as pd

    rows = pd.Index(zone_ids).get_indexer(pd.Index(long_table["zone_id"]))
    columns = pd.Index(building_ids).get_indexer(pd.Index(long_table["building_id"]))
    values = long_table[column].to_numpy(float)
    known = (rows >= 0) & (columns >= 0) & (values <= cutoff_minutes)
    matrix = np.full((len(zone_ids), len(building_ids)), np.nan)
    matrix[rows[known], columns[known]] = values[known]
    return matrix
