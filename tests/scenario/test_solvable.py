"""Everything that a solve refuses is an error of the check, with line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from placeopt.run import check_files
from tests.place.test_ranges import BUDGET, ESTATE, small
from tests.test_refuses_nothing import with_minutes

DECAY = {"rule": "behaviour", "residents": "decay"}
TABLES = {"estate": ESTATE, "budget": BUDGET}


@pytest.mark.parametrize(
    ("problem", "asked", "column", "words"),
    [
        ("estate", {"problem": "joint"}, "problem", "cannot be solved yet"),
        ("estate", {"drop": ["hosted"]}, "drop", "cannot be dropped"),
        ("estate", {"drop": ["opened"]}, "drop", "cannot be dropped"),
        ("estate", {"solver": {"engine": "pulp:NOPE"}}, "engine", "PuLP knows no solver 'NOPE'"),
        ("estate", {"solver": {"engine": "glop"}}, "engine", "cannot take whole-number columns"),
        ("budget", {"solver": {"engine": "cp-sat"}}, "engine", "cannot take continuous columns"),
        ("estate", {"rules": [{**DECAY, "decay_per_minute": 0.51}]}, "behaviour.decay_per_minute",
         "at 120 minutes"),
        ("estate", {"rules": [{**DECAY, "exponent": 12.6}]}, "behaviour.exponent", "at 120"),
        ("estate", {"travel": {"method": "matrix", "modes": ["cycle"]}}, "mode", "not in the file"),
        ("estate", {"travel": {"method": "streets", "modes": ["transit"]}}, "travel.modes",
         "needs a timetable"),
        ("budget", {"drop": ["streams"]}, "drop", "nothing limits the money"),
    ],
)  # fmt: skip
def test_the_check_reports_it(
    tmp_path: Path, problem: str, asked: dict[str, Any], column: str, words: str
) -> None:
    with_minutes(small(TABLES[problem]), tmp_path)
    (tmp_path / "streets.gpkg").write_bytes(b"")
    path = tmp_path / "asked.toml"
    given = {"question": "What now?", "problem": problem, "place": ".", **asked}
    path.write_text(tomli_w.dumps(given), encoding="utf-8")
    found = [f for f in check_files(tmp_path, path) if f.severity == "error"]
    (told,) = [f for f in found if f.column == column and words in f.message]
    if told.file == "asked.toml":
        key = column.rpartition(".")[2]
        line = path.read_text(encoding="utf-8").splitlines()[told.row - 1]
        assert key in line or str(told.value) in line


@pytest.mark.parametrize("key", [{"decay_per_minute": 0.49}, {"exponent": 12.4}])
def test_decay_without_underflow_is_accepted(tmp_path: Path, key: dict) -> None:
    with_minutes(small(ESTATE), tmp_path)
    path = tmp_path / "asked.toml"
    given = {"question": "What now?", "problem": "estate", "place": ".",
             "rules": [{**DECAY, **key}]}  # fmt: skip
    path.write_text(tomli_w.dumps(given), encoding="utf-8")
    assert not [f for f in check_files(tmp_path, path) if f.severity == "error"]
