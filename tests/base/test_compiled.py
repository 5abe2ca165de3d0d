"""Compiled code finds a folder to be kept in, whatever can be written."""

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
