"""Money and other figures in words."""

from __future__ import annotations

import pytest

from placeopt.report.money import pounds, pounds_in_words
from placeopt.report.tables.formats import format_value, in_words, listed, per_cent


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "£0"),
        (720.4, "£720"),
        (9_949, "£9,949"),
        (9_950, "£10,000"),
        (523_288, "£523,000"),
        (999_499, "£999,000"),
        (999_500, "£1.0 million"),
        (-5_552_632, "−£5.6 million"),
        (270_558_200, "£271 million"),
        (1_234_000_000, "£1.23 billion"),
        (float("nan"), "not stated"),
    ],
)
def test_money_in_words(amount, said):
    assert pounds_in_words(amount) == said


def test_money_in_a_table_has_thousands_and_no_minus_nought():
    assert pounds(-1_234_567.4) == "−£1,234,567"
    assert pounds(-0.3) == "£0"
    assert format_value(float("nan"), "gbp") == ""


def test_a_small_share_is_never_rounded_to_nothing():
    assert per_cent(0.00533) == "0.53%"
    assert per_cent(1e-6) == "less than 0.01%"
    assert per_cent(0.28) == "28%"


def test_codes_and_lists_in_words():
    assert in_words("council_office") == "Council office"
    assert in_words("hub") == "Takes in services or gets a tier"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_missing_values_are_empty_and_whole_figures_plain():
    assert format_value(float("nan"), "gbp") == ""
    assert format_value(63.0, "figure") == "63"
    assert format_value(2.0, "decimal") == "2.00"
    assert format_value(-0.01, "change") == "0.0"
