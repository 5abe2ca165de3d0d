"""What all tests of location problems share."""

from __future__ import annotations

import pytest

from placeopt.location import locate


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour unless a test says otherwise: a proof must not hang on how busy the machine is."""
    assert locate.__kwdefaults__ is not None
    monkeypatch.setitem(locate.__kwdefaults__, "time_limit_seconds", 3600.0)
