"""Formats on which users' files depend stay: a change fails here before a release."""

from __future__ import annotations

from tests.formats.collect import GOLDEN, formats


def test_formats_are_those_of_the_list() -> None:
    """A format that is removed or changed breaks users' files; a new one is kept from now on.

    After an intended change, write the list again (``python -m tests.formats.collect``), note it in
    the CHANGELOG, and for a removed name add a line to ``base/aliases.csv``.
    """
    kept, found = set(GOLDEN.read_text(encoding="utf-8").splitlines()), set(formats())
    assert sorted(kept - found) == [], "formats that people use are gone"
    assert sorted(found - kept) == [], "formats are new: add them to the list"
