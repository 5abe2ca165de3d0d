"""Numbers in sentences are formatted for readers by one module in every room."""

import ast
from pathlib import Path

import numpy as np
import pytest

import placeopt
from placeopt.scenario import wording
from placeopt.scenario.wording import figure, in_unit, listed, per_cent, pounds, pounds_in_words

SOURCE = Path(placeopt.__file__).parent
FORMATTERS = (pounds, pounds_in_words, wording.pounds_and_pence, per_cent, figure,
              wording.minutes_in_words, lambda x: wording.count(x, "home"))  # fmt: skip


@pytest.mark.parametrize(
    ("number", "text"),
    [(10_100.0, "10,100"), (0.0525, "0.0525"), (-5e-9, "−0.000000005"),
     (2.0, "2"), (0.1 + 0.2, "0.3"), (-0.0, "0"), (123_456.7, "123,457"), (0.0, "0")],
)  # fmt: skip
def test_a_figure_has_four_digits_and_no_powers(number, text):
    assert figure(number) == text


def test_amounts_are_pounds_with_pence_only_where_they_matter():
    assert pounds(-1_037_900.4) == "−£1,037,900"
    assert in_unit(1_250.5, "GBP") == "£1,250"
    assert in_unit(0.25, "GBP") == "£0.25"
    assert in_unit(8.0, "GBP") == "£8"
    assert in_unit(12_345.6, "jobs") == "12,346 jobs"
    assert listed(["a", "b", "c"], "or") == "a, b or c"


def test_no_number_is_written_as_minus_zero_or_a_power():
    """Every formatter over sixteen orders of magnitude, both signs."""
    sizes = np.concatenate([[0.0], 10.0 ** np.arange(-12, 13), 4.9995 * 10.0 ** np.arange(-9, 9)])
    for number in (*sizes, *-sizes):
        for write in FORMATTERS:
            text = write(float(number))
            assert "e+" not in text
            assert "e-" not in text
            assert "-" not in text, "a minus is a minus sign"
            if "−" in text:
                assert number < 0
                assert any(digit in text for digit in "123456789"), text


def test_a_missing_number_is_not_stated():
    for write in FORMATTERS:
        assert write(float("nan")).startswith("not stated")


def test_no_room_writes_money_by_itself():
    """An f-string with "GBP" beside a value would have to be parsed to be shown as pounds."""
    found = []
    for room in ("scenario", "estate", "budget", "report"):
        for path in sorted((SOURCE / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.JoinedStr):
                    continue
                for left, right in zip(node.values, node.values[1:], strict=False):
                    words = [part.value for part in (left, right) if isinstance(part, ast.Constant)]
                    before = isinstance(left, ast.Constant) and str(left.value).endswith("GBP ")
                    after = isinstance(right, ast.Constant) and str(right.value).startswith(" GBP")
                    if words and (before or after):
                        found.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    # findings about a file's own figures
    allowed = {"budget/curves/calibrate.py", "budget/tables/roll_forward.py"}
    assert [at for at in found if at.split(":")[0] not in allowed] == []
