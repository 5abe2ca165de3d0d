"""Formats that people's files rest on stay: a change is seen here before anybody meets it."""

from __future__ import annotations

from tests.formats.collect import GOLDEN, formats


def test_formats_are_those_of_the_list() -> None:
    """A format that goes or changes breaks people's files; a new one is promised from now on.

    Where a change is meant, write the list anew (``python -m tests.formats.collect``), say it in
    the CHANGELOG, and for a name that goes add a line to ``base/aliases.csv``.
    """
    kept, found = set(GOLDEN.read_text(encoding="utf-8").splitlines()), set(formats())
    assert sorted(kept - found) == [], "formats that people use are gone"
    assert sorted(found - kept) == [], "formats are new: add them to the list"
