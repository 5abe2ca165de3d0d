"""Compile a function once and keep it: numba, its code cached on disk.

The code is kept beside the module; where that folder is read-only, in the user's cache folder (or
``NUMBA_CACHE_DIR``); where that cannot be written either, in a folder of this user's own among the
temporary files. A function that calls one of another module is not compiled anew when only the
other changes: delete the ``*.nbi`` files after such an edit. Importing numba and reading compiled
code take one to two CPU seconds (ten where nothing is kept yet), so that the first small problem
of a process (``tree.SMALL``, ``whole.SMALL``) is given to an engine instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from placeopt.base.files import private_folder


def compiled(function: Callable[..., Any], *, nogil: bool = False) -> Any:
    """Compile ``function`` for arrays when it is first called.

    Args:
        function: Plain Python over numpy arrays, in the subset that numba compiles.
        nogil: Whether the compiled code lets other threads of the process run.
    """
    import numba

    try:
        return numba.njit(cache=True, nogil=nogil)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        numba.config.CACHE_DIR = str(private_folder("compiled"))  # type: ignore[attr-defined]
        return numba.njit(cache=True, nogil=nogil)(function)


def loaded() -> bool:
    """Whether this process has compiled functions at hand."""
    return "placeopt.location.swap" in sys.modules
