"""The page of engines agrees with the registry."""

from pathlib import Path

from placeopt.engine.reference_page import engines_page

PAGE = Path(__file__).parents[2] / "docs" / "engines.md"


def test_the_page_of_engines_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == engines_page()
