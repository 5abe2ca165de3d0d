"""Compile a function once and keep it: numba, its code cached on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for arrays when it is first called."""
    return numba.njit(cache=True)(function)
