"""The writers of an answer's files, registered by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import answers
import pytest

from placeopt.engine import Answer
from placeopt.report.write import WRITERS, Results, register, write_results


def has_no_plan(answer: Answer) -> bool:
    return answer.plan is None


@pytest.fixture
def letter() -> Iterator[None]:
    """A writer of a letter about questions without a plan, registered for one test."""

    @register("letter", "letter.txt", has_no_plan)
    def write_letter(results: Results, path: Path) -> None:
        path.write_text(f"{results.narrative.headline}\n", encoding="utf-8")

    yield
    del WRITERS["letter"]


@pytest.mark.usefixtures("letter")
def test_a_registered_writer_writes_where_it_applies(tmp_path: Path) -> None:
    """The page links to its file, and a later answer may take the place of this one."""
    answer = answers.infeasible_answer()
    files = write_results(answer, tmp_path / "out")
    assert files["letter"] == tmp_path / "out" / "letter.txt"
    assert files["letter"].read_text(encoding="utf-8").strip()
    assert "letter.txt" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert WRITERS["letter"].file == "letter.txt"
    again = write_results(answers.estate_answer(), tmp_path / "out")
    assert "letter" not in again
    assert not files["letter"].exists()


def test_files_are_named_in_the_order_of_their_writers(tmp_path: Path) -> None:
    files = write_results(answers.estate_answer(), tmp_path / "out")
    assert [*files] == [*WRITERS]
    assert {path.name for path in files.values()} == {writer.file for writer in WRITERS.values()}
