"""Settings of a solve, checked before anything is solved."""

from __future__ import annotations

import numpy as np

from placeopt.base.errors import UsageError
from placeopt.location.statement import is_number


def check_options(engine: str, seconds: float, gap: float, *, only_ours: str = "") -> None:
    """Check the settings of a solve.

    Args:
        engine: The engine's name.
        seconds: The time limit.
        gap: The relative gap.
        only_ours: A setting that other engines would ignore, in words, if there is one.

    Raises:
        UsageError: If a setting makes no sense or would be ignored.
    """
    faults = []
    if not is_number(gap) or not 0 <= gap < np.inf:
        faults.append(f"gap is {gap!r}; give a share of 0 or more (0.01 is one per cent)")
    if not is_number(seconds) or not seconds > 0:
        faults.append(f"time_limit_seconds is {seconds!r}; give seconds above 0")
    if only_ours and engine != "placeopt":
        faults.append(f"{only_ours}, not {engine!r}")
    if faults:
        raise UsageError("; ".join(faults))
