"""Fixtures of all tests of location problems."""

from __future__ import annotations

import pytest

from placeopt.location import locate


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time limit of an hour unless a test sets another: a proof must not depend on the machine's
    load."""
    assert locate.__kwdefaults__ is not None
    monkeypatch.setitem(locate.__kwdefaults__, "time_limit_seconds", 3600.0)
