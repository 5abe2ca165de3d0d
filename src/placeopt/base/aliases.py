"""Renamed names of files that people keep: the old ones are read for one more release.

``aliases.csv`` lists them. ``where`` says what the name belongs to:

    scenario                a key at the top of a scenario file
    scenario.solver         a key of that section, and so on downwards
    rules                   the name of a rule
    rules.access            a parameter of that rule (by its new name)
    tables                  a table of a place
    tables.zones            a column of that table (by its new name)

A line stays until the release that ``until`` names, and goes with it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Alias:
    """One name that was renamed.

    Attributes:
        where: What the name belongs to.
        old: The old name, which is still read.
        new: The new name.
        until: The release from which the old name is no longer read.
    """

    where: str
    old: str
    new: str
    until: str

    def sentence(self) -> str:
        """The warning for a file that uses the old name."""
        return f"{self.old!r} is called {self.new!r} now and is read until release {self.until}"


@cache
def aliases() -> tuple[Alias, ...]:
    """Every name that was renamed."""
    text = (files("placeopt.base") / "aliases.csv").read_text(encoding="utf-8")
    return tuple(Alias(**row) for row in csv.DictReader(text.splitlines()))


def renamed(where: str, names: Iterable[object]) -> dict[str, Alias]:
    """The aliases among ``names`` by their old name, unless the new name is there too."""
    there = set(names)
    return {
        alias.old: alias
        for alias in aliases()
        if alias.where == where and alias.old in there and alias.new not in there
    }
