"""The settings of a solve, checked before anything is solved."""

from __future__ import annotations

import numpy as np

from placeopt.base.errors import UsageError
from placeopt.engine.settings import Settings
from placeopt.location.statement import is_number

PLACEOPT = "placeopt"  # the name of our own methods among the engines


def check_settings(settings: Settings, *, only_ours: str = "") -> None:
    """Check the settings of a solve.

    Args:
        settings: The settings.
        only_ours: A setting that other engines would ignore, in words, if there is one.

    Raises:
        UsageError: If a setting makes no sense or would be ignored.
    """
    gap, seconds = settings.gap, settings.time_limit_seconds
    faults = []
    if not is_number(gap) or not 0 <= gap < 1:
        faults.append(f"gap is {gap!r}; give a share from 0 to below 1 (0.01 is one per cent)")
    if not isinstance(settings.seed, int | np.integer) or isinstance(settings.seed, bool):
        faults.append(f"seed is {settings.seed!r}; give a whole number")
    if not is_number(seconds) or not seconds > 0:
        faults.append(f"time_limit_seconds is {seconds!r}; give seconds above 0")
    if only_ours and settings.engine != PLACEOPT:
        faults.append(f"{only_ours}, not {settings.engine!r}")
    if faults:
        raise UsageError("; ".join(faults))
