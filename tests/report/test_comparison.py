"""A comparison of two answers: their difference and its proven range."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import answers
import pytest

import placeopt
from placeopt.base.errors import ScenarioError
from placeopt.engine import Answer
from placeopt.report.narrative.comparison import difference

PLACE = Path(__file__).parents[2] / "data" / "worklessness"
QUESTION = """question = "{question}"
place = "{place}"
problem = "budget"

[objective]
minimise = ["{minimise}"]

[solver]
gap = 0.05

[[rules]]
rule = "one_budget"
reduction_share = {less}
"""


def estate(value: float, bound: float) -> Answer:
    """An answer by hand with this value and bound of the cost."""
    made = answers.estate_answer()
    objectives = made.plan.objectives.copy()
    objectives.loc[objectives["objective"] == "cost", "plan"] = value
    plan = replace(made.plan, tables={**made.plan.tables, "objectives": objectives})
    result = replace(made.result, objective=value, bound=bound)
    return replace(made, plan=plan, result=result)


def said(mine: Answer, other: Answer) -> str:
    found = difference(replace(mine, compared=other))
    assert found is not None
    return found[1].text


def test_the_difference_and_its_proven_range_are_stated() -> None:
    text = said(estate(9e6, 8.8e6), estate(6e6, 5.9e6))
    assert "come to £9.0 million, against £6.0 million for the question" in text
    assert "£3.0 million more (50%)." in text
    assert "proven that the best plans differ by between £2.8 million and £3.1 million." in text


def test_a_cheaper_plan_is_less() -> None:
    text = said(estate(6e6, 5.9e6), estate(9e6, 8.8e6))
    assert "£3.0 million less (33%)." in text
    assert "differ by between £2.8 million and £3.1 million." in text


def test_bounds_that_overlap_prove_no_difference() -> None:
    text = said(estate(9e6, 5e6), estate(8.5e6, 8e6))
    assert "£500,000 more" in text
    assert (
        "is not proven: this one's may be anything from £3.5 million less to £1.0 million" in text
    )


def test_no_comparison_is_stated_without_both_plans() -> None:
    mine, other = estate(9e6, 9e6), replace(estate(6e6, 6e6), plan=None)
    assert difference(mine) is None
    assert difference(replace(mine, compared=other)) is None


def written(folder: Path, name: str, more: str = "", **given: object) -> Path:
    values = {
        "question": name,
        "minimise": "weighted_outcomes",
        "less": 0.05,
        "place": PLACE,
        **given,
    }
    path = folder / f"{name}.toml"
    path.write_text(QUESTION.format(**values) + more)
    return path


def compared_with(name: str) -> str:
    return f'\n[answer]\ncompare_with = "{name}"\n'


def test_both_questions_are_answered_and_the_difference_leads(tmp_path: Path) -> None:
    written(tmp_path, "less", less=0.1)
    path = written(tmp_path, "more", compared_with("less.toml"))
    answer = placeopt.solve(placeopt.read_place(PLACE), placeopt.read_scenario(path))
    assert answer.compared is not None
    placeopt.write_results(answer, tmp_path / "out")
    found, statement = difference(answer)
    tables = (answer.plan.objectives, answer.compared.plan.objectives)
    mine, other = (float(table["plan"].iloc[0]) for table in tables)
    assert (found["plan"], found["other"]) == (mine, other)
    assert mine < other, "more money gains more"
    assert found["lowest"] - 1e-9 <= mine - other <= found["highest"] + 1e-9
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8").replace("&#39;", "'")
    for part in (statement.head, *statement.rows):
        assert part in page


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("none.toml", "cannot be read"),
        ("money.toml", "minimises least_money first and this question weighted_outcomes"),
        ("estate.toml", "it is of problem estate"),
        ("broken.toml", "that scenario has faults"),
    ],
)
def test_questions_that_cannot_be_compared_are_a_fault(
    tmp_path: Path, other: str, told: str
) -> None:
    written(tmp_path, "money", minimise="least_money")
    other_problem = f'question = "?"\nplace = "{PLACE}"\nproblem = "estate"\n'
    (tmp_path / "estate.toml").write_text(other_problem)
    (tmp_path / "broken.toml").write_text("question = 3\n")
    path = written(tmp_path, "asked", compared_with(other))
    with pytest.raises(ScenarioError, match=told):
        placeopt.solve(placeopt.read_place(PLACE), placeopt.read_scenario(path))


def test_a_compared_question_of_unknown_ids_is_refused_before_a_solve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check finds its faults, as for the question itself."""
    floors = '\n[[rules]]\nrule = "statutory"\nfloors_gbp = { nowhere = 1.0 }\n'
    written(tmp_path, "unknown", floors)
    path = written(tmp_path, "asked", compared_with("unknown.toml"))
    monkeypatch.setattr("placeopt.budget.solve", lambda *_, **__: pytest.fail("was solved"))
    with pytest.raises(ScenarioError, match=r"unknown\.toml row .*nowhere"):
        placeopt.solve(placeopt.read_place(PLACE), placeopt.read_scenario(path))
