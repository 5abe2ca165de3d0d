"""Fixtures of all tests of location problems."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from placeopt.location import locate
from placeopt.location.capacitated.params import DEFAULT_SINGLE_SOURCE
from placeopt.location.capacitated.single_source import solve_single_source
from placeopt.location.locate import METHODS
from placeopt.location.uncapacitated.params import DEFAULT_PARAMS
from placeopt.location.uncapacitated.solve import solve_uncapacitated


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time limit of an hour unless a test sets another: a proof must not depend on the machine's
    load."""
    assert locate.__kwdefaults__ is not None
    monkeypatch.setitem(locate.__kwdefaults__, "time_limit_seconds", 3600.0)


class Tuning:
    """Other parameters for the methods of ``locate``, until the test ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def lists(self, **changes: object) -> None:
        """Change parameters of the methods for candidate lists."""
        method = partial(solve_uncapacitated, params=replace(DEFAULT_PARAMS, **changes))
        for kind in ("p-median", "facility-location", "maximal-covering"):
            self.monkeypatch.setitem(METHODS, kind, method)

    def single_source(self, **changes: object) -> None:
        """Change parameters of the methods for customers that may not be split."""
        method = partial(solve_single_source, params=replace(DEFAULT_SINGLE_SOURCE, **changes))
        for kind in ("single-source", "capacitated-p-median"):
            self.monkeypatch.setitem(METHODS, kind, method)

    def engine_first(self, is_first: bool) -> None:
        """Whether an engine gets small problems before our methods do."""
        self.lists(max_mip_entries=DEFAULT_PARAMS.max_mip_entries if is_first else 0)
        self.single_source(max_mip_pairs=DEFAULT_SINGLE_SOURCE.max_mip_pairs if is_first else 0)


@pytest.fixture
def tuning(monkeypatch: pytest.MonkeyPatch) -> Tuning:
    return Tuning(monkeypatch)
