"""Compile a function once and keep it: numba, its code cached on disk.

The code is kept beside the module, or in the user's cache folder (or ``NUMBA_CACHE_DIR``) where
the package is installed read-only. A function that calls one of another module is not compiled
anew when only the other changes: delete the ``*.nbi`` files after such an edit. Importing numba
and reading compiled code take one to two CPU seconds (ten where nothing is kept yet), so that the
first small problem of a process (``tree.SMALL``, ``whole.SMALL``) is given to an engine instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def compiled(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for arrays when it is first called."""
    import numba

    return numba.njit(cache=True)(function)


def loaded() -> bool:
    """Whether this process has compiled functions at hand."""
    return "placeopt.location.swap" in sys.modules
