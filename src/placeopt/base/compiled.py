"""Compile a function once and keep it: numba, with its code cached on disk.

The code is kept beside the module; if that folder is read-only, in the user's cache folder (or
``NUMBA_CACHE_DIR``); if that cannot be written either, in a private folder among the temporary
files. A function that calls one of another module is not compiled again when only the other
changes: delete the ``*.nbi`` files after such an edit. Importing numba and reading compiled code
take one to two CPU seconds (ten if nothing is kept yet), so a method may give a small problem to an
engine as long as its code is not ready (``is_ready``).
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from placeopt.base.files import private_folder

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
LOG = logging.getLogger("placeopt.base")
_FUNCTIONS: list[Any] = []  # every compiled function of the modules that are imported
_READY: set[str] = set()  # what ``ensure_compiled`` has made ready


def compiled(function: Kernel, *, nogil: bool = False) -> Kernel:
    """Compile ``function`` for arrays when it is first called.

    Args:
        function: Plain Python over numpy arrays, in the subset that numba compiles.
        nogil: Whether the compiled code lets other threads of the process run.
    """
    import numba

    try:
        compiler: Any = numba.njit(cache=True, nogil=nogil)
        dispatcher: Kernel = compiler(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        numba.config.CACHE_DIR = str(private_folder("compiled"))  # type: ignore[attr-defined]
        compiler = numba.njit(cache=True, nogil=nogil)
        dispatcher = compiler(function)
    _FUNCTIONS.append(dispatcher)
    return dispatcher


def ensure_compiled(
    name: str, modules: Sequence[str], make: Callable[[], None], seconds: int
) -> None:
    """Make compiled code ready to be called without a wait.

    The first call in a process reads the code, or compiles it if none is kept; that is logged as a
    warning, which appears on the terminal by default.

    Args:
        name: What is made ready, for the message.
        modules: The modules whose compiled functions ``make`` calls.
        make: Calls every compiled function as the methods do.
        seconds: Rough seconds that compiling takes.
    """
    if name in _READY:
        return
    for module in modules:
        importlib.import_module(module)
    if not is_compiled(modules):
        LOG.warning(
            "compiling %s, once: about %d s (placeopt compile does it ahead)", name, seconds
        )
    make()
    _READY.add(name)


def is_compiled(modules: Sequence[str]) -> bool:
    """Whether every compiled function of these modules is in memory or on disk, up to date."""
    functions = [function for function in _FUNCTIONS if function.__module__ in modules]
    return all(function.signatures or _is_on_disk(function) for function in functions)


def _is_on_disk(function: Any) -> bool:
    try:
        return bool(function._cache._cache_file._load_index())  # numba has no public way to ask
    except (AttributeError, OSError, ValueError):
        return False


def is_ready(name: str) -> bool:
    """Whether ``ensure_compiled`` has made the code called ``name`` ready in this process."""
    return name in _READY
