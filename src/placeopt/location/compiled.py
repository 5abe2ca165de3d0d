"""Compile a function once and keep it: numba, its code cached on disk.

The code is kept beside the module, or in the user's cache folder (or ``NUMBA_CACHE_DIR``) where
the package is installed read-only. A function that calls one of another module is not compiled
anew when only the other changes: delete the ``*.nbi`` files after such an edit. Small problems
(``tree.SMALL``, ``whole.SMALL``) are solved without any compiled function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """Compile ``function`` for arrays when it is first called."""
    return numba.njit(cache=True)(function)
