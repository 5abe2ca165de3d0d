"""Compiled code is cached in a folder that can be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numba
import pytest

from placeopt.base import compiled as room


def double(number: int) -> int:
    return 2 * number


def test_a_cache_that_cannot_be_written_is_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = numba.njit

    def refuses_once(*functions: Any, **options: Any) -> Any:
        if not options.get("cache"):  # numba's own use
            return real(*functions, **options)
        asked.append(numba.config.CACHE_DIR)
        if len(asked) == 1:
            raise RuntimeError("cannot cache function 'double': no locator available")
        return real(**options)

    monkeypatch.setattr(numba, "njit", refuses_once)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert room.compiled(double)(4) == 8
    assert asked[1] == str(tmp_path / f"placeopt-compiled-{os.getuid()}")


def test_another_fault_of_the_compiler_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**options: Any) -> Any:
        raise RuntimeError("no such processor")

    monkeypatch.setattr(numba, "njit", fails)
    with pytest.raises(RuntimeError, match="no such processor"):
        room.compiled(double)


def test_code_that_is_not_kept_is_made_once_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A module with one function: compiled with a message at first, then reused and cached on
    disk."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(room, "_FUNCTIONS", [])
    monkeypatch.setattr(room, "_READY", set())
    first = room.compiled(double)
    module = (__name__,)
    assert not room.is_compiled(module)
    for _ in range(2):
        room.ensure_compiled("doubling", module, lambda: first(2), 7)
    assert caplog.messages == [
        "compiling doubling, once: about 7 s (placeopt compile does it ahead)"
    ]
    monkeypatch.setattr(room, "_FUNCTIONS", [])
    monkeypatch.setattr(room, "_READY", set())
    again = room.compiled(double)  # as in another process
    assert not again.signatures
    assert room.is_compiled(module)


def test_making_ahead_makes_all_that_searches_call() -> None:
    """Every compiled function is cached afterwards, and no search compiles another signature."""
    import numpy as np

    from placeopt.location import KINDS, Points, Problem, compile_ahead, locate
    from placeopt.location.statement import fields_used_by

    compile_ahead.compile_uncapacitated()
    compile_ahead.compile_capacitated()
    modules = {function.__module__ for function in room._FUNCTIONS}
    modules = {name for name in modules if name.startswith("placeopt.location.")}
    assert len(modules) >= 8
    assert room.is_compiled(sorted(modules))
    before = {id(function): len(function.signatures) for function in room._FUNCTIONS}
    points = np.random.default_rng(5).random((40, 2)) * 100
    common: dict[str, Any] = {"demands": np.arange(1.0, 41.0), "capacities": np.full(40, 150.0)}
    for kind in KINDS:
        given = {**common, "p": 8, "radius": 20.0, "fixed_costs": np.full(40, 60.0)}
        fields = fields_used_by(kind, given)
        locate(Problem(kind, Points(points, points), **fields), time_limit_seconds=5)
    after = {id(function): len(function.signatures) for function in room._FUNCTIONS}
    assert after == before
