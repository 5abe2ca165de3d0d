"""The lock is complete: it meets every requirement of the packages in it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pins(lock: Path) -> dict[str, tuple[str, set[str]]]:
    """Name of each distribution the lock installs here -> its version and its extras."""
    found = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            pin = Requirement(line.rstrip("\\ "))
            if pin.marker is None or pin.marker.evaluate():
                (specifier,) = pin.specifier
                found[canonicalize_name(pin.name)] = (specifier.version, set(pin.extras))
    return found


def unmet(lock: dict[str, tuple[str, set[str]]], asked: Requirement) -> str | None:
    """The part of a requirement that the lock does not meet, or None."""
    if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
        return None
    version, extras = lock.get(canonicalize_name(asked.name), ("", set()))
    if not version:
        return "not in the lock"
    if not asked.specifier.contains(version, prereleases=True):
        return f"the lock has {version}"
    missing = asked.extras - extras
    return f"the lock lacks the extras {sorted(missing)}" if missing else None


def requirements_of(name: str, extras: set[str]) -> Iterator[Requirement]:
    """The requirements of an installed distribution, those of the extras among them."""
    for text in metadata.requires(name) or []:
        asked = Requirement(text)
        marker = asked.marker
        if marker is None or any(marker.evaluate({"extra": e}) for e in extras | {""}):
            asked.marker = None
            yield asked


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_lock_meets_every_requirement_of_what_it_installs(lock: Path) -> None:
    held = pins(lock)
    faults = [
        f"{name} asks for {asked}: {lack}"
        for name, (version, extras) in held.items()
        if metadata.version(name) == version
        for asked in requirements_of(name, extras)
        if (lack := unmet(held, asked))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_lock_meets_the_requirements_of_the_project(lock: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    if lock.stem == "dev":
        asked += [a for a in project["dependency-groups"]["dev"] if isinstance(a, str)]
    held = pins(lock)
    faults = [f"{a}: {lack}" for a in asked if (lack := unmet(held, Requirement(a)))]
    assert not faults, "\n".join(faults)


def test_a_missing_extra_is_seen() -> None:
    """The fault of the first lock: coverage pinned without the required extra."""
    asked = Requirement("coverage[toml]>=7.10.6")
    assert unmet({"coverage": ("7.17.3", {"toml"})}, asked) is None
    assert "extras" in (unmet({"coverage": ("7.17.3", set())}, asked) or "")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_pin_has_a_hash_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_pip_finds_no_broken_requirement() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
