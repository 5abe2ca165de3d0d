"""The data dictionary and the page made from it."""

from __future__ import annotations

from pathlib import Path

from placeopt.place import dictionary
from placeopt.place.reference_page import dictionary_page

ROOT = Path(__file__).parents[2]


def test_the_dictionary_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "dictionary.md").read_text(encoding="utf-8")
    remedy = "run python -m placeopt.place.reference_page > docs/dictionary.md"
    assert page == dictionary_page(), remedy


def test_every_reference_names_a_key() -> None:
    for columns in dictionary().values():
        for column in columns:
            if column.references:
                table, key = column.references
                assert next(c for c in dictionary()[table] if c.name == key).key


def test_every_default_is_of_its_columns_type_and_allowed() -> None:
    for columns in dictionary().values():
        assert any(column.key for column in columns)
        for column in columns:
            value = column.default_value()
            if value is None:
                continue
            assert not column.required
            assert not column.choices or value in column.choices
            if column.type in ("number", "integer"):
                assert column.minimum is None or value >= column.minimum
                assert column.maximum is None or value <= column.maximum
