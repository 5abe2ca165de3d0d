"""Figures that a place may state for some buildings only; a figure not stated stays missing."""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Bools, Floats
from placeopt.estate.problem.arrays import EstateProblem


def energy_kwh(problem: EstateProblem, opened: Bools) -> Floats:
    """Return (B,) kWh a year of open buildings, 0 of others; NaN where it is not stated."""
    return np.where(opened, problem.buildings.energy_kwh_per_year, 0.0)


def carbon_tco2e(problem: EstateProblem, opened: Bools) -> Floats:
    """Return (B,) tCO2e a year of open buildings, 0 of others; NaN where it is not stated."""
    b = problem.buildings
    return np.where(opened, np.where(b.carbon_stated, b.carbon_tco2e_per_year, np.nan), 0.0)


def stated_buildings(problem: EstateProblem) -> dict[str, int]:
    """Return the number of buildings, and how many of them state each figure."""
    b = problem.buildings
    return {
        "buildings_in_all": len(b.ids),
        "backlog_stated_buildings": int(b.backlog_stated.sum()),
        "carbon_stated_buildings": int(b.carbon_stated.sum()),
        "energy_stated_buildings": int(np.isfinite(b.energy_kwh_per_year).sum()),
    }
