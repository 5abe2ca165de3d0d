"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real places, instances and cases that is kept outside this project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared (real places, instances and cases, not part of the project)")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the places that ship with the software."""
    return ROOT / "data"


@pytest.fixture(autouse=True)
def _threads_of_highs_are_let_go() -> Iterator[None]:
    """HiGHS keeps its pool of threads for a process and then refuses another number of them."""
    yield
    if "highspy" in sys.modules:
        sys.modules["highspy"].Highs.resetGlobalScheduler(True)


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_reaches_the_children() -> None:
    """A shell that runs the tests in its background has them, and all they start, ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
