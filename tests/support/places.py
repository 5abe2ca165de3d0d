"""Places and minutes made in memory, for tests of every room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from placeopt.place import Place
from placeopt.place.files.typed import Rows, tables_from_rows
from placeopt.travel import TravelTimes

# What the dictionary requires and tests of travel have no use for.
UNSTATED: dict[str, dict[str, object]] = {
    "zones": {"population": 0.0},
    "buildings": {
        "kind": "library",
        "floor_area_m2": 0.0,
        "running_cost_fixed_gbp_per_year": 0.0,
    },
}


def table(name: str, rows: pd.DataFrame | Rows) -> pd.DataFrame:
    """A table of these rows; what they do not state has the dictionary's default."""
    return tables_from_rows({name: _with_required(name, rows)})[name]


def place_of(
    zones: pd.DataFrame | Rows = (),
    buildings: pd.DataFrame | Rows = (),
    folder: Path | None = None,
    crs: str = "EPSG:27700",
    **tables: pd.DataFrame | Rows,
) -> Place:
    """The made-up place Testshire with these tables and no others."""
    frames = {"zones": zones, "buildings": buildings, **tables}
    stated = {name: _with_required(name, rows) for name, rows in frames.items()}
    place = Place.from_frames(stated, name="Testshire", crs=crs, made_up=True)
    return replace(place, folder=folder)


def _with_required(name: str, rows: pd.DataFrame | Rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    missing = {key: value for key, value in UNSTATED.get(name, {}).items() if key not in frame}
    return frame.assign(**missing) if len(frame) else frame


def minutes(place: Place, **by_mode: Any) -> TravelTimes:
    """Minutes given as nested lists (zones, buildings) by mode."""
    return TravelTimes(
        zone_ids=tuple(place.zones["zone_id"]),
        building_ids=tuple(place.buildings["building_id"]),
        minutes={mode: np.array(matrix, float) for mode, matrix in by_mode.items()},
    )


def crow_minutes(place: Place, cutoff: float = 45.0) -> TravelTimes:
    """Walking and driving minutes over straight lines; NaN beyond the cut-off."""
    z, b = (place.tables[name][["x_m", "y_m"]].to_numpy() for name in ("zones", "buildings"))
    metres = np.linalg.norm(z[:, None] - b[None], axis=2)
    by_mode = {}
    for mode, metres_per_minute in (("walk", 80.0), ("drive", 400.0)):
        taken = 1 + metres / metres_per_minute
        by_mode[mode] = np.where(taken <= cutoff, taken, np.nan)
    return minutes(place, **by_mode)
