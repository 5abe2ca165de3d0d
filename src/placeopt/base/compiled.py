"""Compile a function once and keep it: numba, its code cached on disk.

The code is kept beside the module; where that folder is read-only, in the user's cache folder (or
``NUMBA_CACHE_DIR``); where that cannot be written either, in a folder of this user's own among the
temporary files. A function that calls one of another module is not compiled anew when only the
other changes: delete the ``*.nbi`` files after such an edit. Importing numba and reading compiled
code take one to two CPU seconds (ten where nothing is kept yet), so that the first small problem
of a process (``tree.SMALL``, ``whole.SMALL``) is given to an engine instead.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

from placeopt.base.files import private_folder

LOG = logging.getLogger("placeopt.base")
_FUNCTIONS: list[Any] = []  # every compiled function of the modules that are imported
_AT_HAND: set[str] = set()  # what ``ensure_compiled`` has seen to


def compiled(function: Callable[..., Any], *, nogil: bool = False) -> Any:
    """Compile ``function`` for arrays when it is first called.

    Args:
        function: Plain Python over numpy arrays, in the subset that numba compiles.
        nogil: Whether the compiled code lets other threads of the process run.
    """
    import numba

    try:
        made = numba.njit(cache=True, nogil=nogil)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        numba.config.CACHE_DIR = str(private_folder("compiled"))  # type: ignore[attr-defined]
        made = numba.njit(cache=True, nogil=nogil)(function)
    _FUNCTIONS.append(made)
    return made


def ensure_compiled(
    name: str, modules: Sequence[str], make: Callable[[], None], seconds: int
) -> None:
    """See to it that compiled code can be called without a wait.

    The first call in a process reads the code, or compiles it where none is kept, which is said in
    a warning of the log (on the terminal, where nobody asked for anything else).

    Args:
        name: What is made, for the message.
        modules: The modules whose compiled functions ``make`` calls.
        make: Calls every compiled function as the methods do.
        seconds: About how long compiling takes.
    """
    if name in _AT_HAND:
        return
    for module in modules:
        importlib.import_module(module)
    if not is_kept(modules):
        LOG.warning(
            "compiling %s, once: about %d s (placeopt compile does it ahead)", name, seconds
        )
    make()
    _AT_HAND.add(name)


def is_kept(modules: Sequence[str]) -> bool:
    """Whether every compiled function of these modules is in memory or on disk, up to date."""
    mine = [function for function in _FUNCTIONS if function.__module__ in modules]
    return all(function.signatures or _on_disk(function) for function in mine)


def _on_disk(function: Any) -> bool:
    try:
        return bool(function._cache._cache_file._load_index())  # numba tells it nowhere else
    except (AttributeError, OSError, ValueError):
        return False


def is_loaded() -> bool:
    """Whether this process has compiled functions at hand."""
    return "placeopt.location.uncapacitated.swap_search" in sys.modules
