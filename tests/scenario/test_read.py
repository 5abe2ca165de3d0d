"""Scenario files: accepted and refused content, with line numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from placeopt.base.errors import ScenarioError
from placeopt.scenario import RULES, Scenario, implied_rules, read_scenario
from placeopt.scenario.reference_page import rules_markdown
from placeopt.scenario.scenario import Objective
from placeopt.scenario.schema import json_schema, schema_text

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOOD = """question = "Which buildings do we keep?"
problem = "estate"

[objective]
minimise = ["cost", "visit_minutes"]
slack = [0.02]

[solver]
gap = 0.01

[[rules]]
rule = "access"
services = ["library"]
minutes = 30
share = 0.9

[[rules]]
rule = "network"
at_most = 4
"""


def write(folder: Path, text: str, name: str = "question.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path)
    return [str(finding) for finding in caught.value.findings]


def test_a_scenario_is_read_with_its_implied_rules(tmp_path: Path):
    path = write(tmp_path, GOOD)
    scenario = read_scenario(path)
    assert scenario.question == "Which buildings do we keep?"
    assert scenario.solver.gap == 0.01
    assert scenario.solver.engine == "highs"
    assert scenario.path == path
    assert scenario.place_path == tmp_path
    names = [rule.name for rule in scenario.rules]
    assert names == [kind.name for kind in implied_rules("estate")] + ["access", "network"]
    assert scenario.rules[-2].services == ("library",)


def test_all_faults_come_at_once_each_with_its_line(tmp_path: Path):
    text = (
        GOOD.replace("gap = 0.01", 'gap = "small"\nthread = 2\nengine = "higs"')
        .replace('"visit_minutes"', '"visit_minuts"')
        .replace("minutes = 30", "minutes = -30\nminuts = 3")
        .replace('"network"', '"netwrk"')
    )
    assert faults(write(tmp_path, "tavel = 1\n" + text)) == [
        "question.toml row 1: tavel there is no key 'tavel'; did you mean 'travel'?",
        "question.toml row 6: objective.minimise[1] there is no estate objective 'visit_minuts'; "
        "did you mean 'visit_minutes'?",
        "question.toml row 10: solver.gap is 'small': not valid here; give a number without quotes",
        "question.toml row 11: solver.thread there is no key 'thread'; did you mean 'threads'?",
        "question.toml row 12: solver.engine there is no engine 'higs'; did you mean 'highs'?",
        "question.toml row 17: access.minutes is '-30': not valid here; give a number above 0",
        "question.toml row 18: access.minuts there is no key 'minuts'; did you mean 'minutes'?",
        "question.toml row 22: rule is 'netwrk': there is no estate rule of that name; "
        "did you mean 'network'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gap = 0.01", "gap = nan", "row 9: solver.gap is 'nan': not a finite number; give a num"),
        ("gap = 0.01", "gap =", "row 9: this is not TOML: Invalid value; correct this line"),
        ("gap = 0.01", "threads = 1.5", "row 9: solver.threads is '1.5': not valid here; give a w"),
        ("slack = [0.02]", "slack = [1, 2]", "row 6: objective.slack is"),
        ('"estate"', '"estte"', "row 2: problem is 'estte': not valid here; give one of 'estate'"),
        ('problem = "estate"', "", "problem missing; write problem = ..."),
        ('"network"', '"statutory"', "(it is a rule of budget scenarios)"),
        ("at_most = 4", "", "row 17: network is"),
        ("problem", 'place = "nowhere"\nproblem', "row 2: place is 'nowhere': there is no such"),
        ("problem", 'drop = ["ffloor"]\nproblem', "'ffloor'; did you mean 'floor'?"),
        ("problem", "rules = 3\nproblem", "row 12: this is not TOML: Cannot overwrite a value"),
        ("problem", 'extends = "no.toml"\nproblem', "row 2: extends is 'no.toml': no such file"),
        ("problem", "extends = 3\nproblem", "row 2: extends is '3': not a file"),
        ('rule = "network"', "", "row 17: rule a rule without a name"),
        (
            'rule = "network"\nat_most = 4',
            'rule = "floor"\n[[rules]]\nrule = "floor"',
            "row 20: rule is 'floor': the same rule is written already",
        ),
    ],
)
def test_a_bad_line_is_refused_with_what_would_be_right(tmp_path, old, new, message):
    messages = faults(write(tmp_path, GOOD.replace(old, new, 1)))
    assert message in "\n".join(messages)
    assert len(messages) == 1


def test_valid_toml_without_meaning_is_refused(tmp_path: Path):
    """Per cents given as shares, no residents to serve, a service paired with itself, a year too
    late."""
    text = GOOD.replace("gap = 0.01", "gap = 1").replace('["library"]', "[]")
    text += '[[rules]]\nrule = "revenue"\nshare_of_today = 90\n'
    text += '[[rules]]\nrule = "together"\nnever = [["library", "library"]]\n'
    with pytest.raises(ScenarioError) as caught:
        read_scenario(write(tmp_path, text))
    said = [(f.column, f.remedy) for f in caught.value.findings]
    assert said[:3] == [
        ("solver.gap", "give a number below 1"),
        ("access.services", "give at least 1 of them"),
        ("revenue.share_of_today", "give 5 or less"),
    ]
    assert "paired with itself" in caught.value.findings[3].message
    short = GOOD.replace('problem = "estate"', 'problem = "estate"\nyears = 4')
    with pytest.raises(ScenarioError, match="4 years are decided and 3 appraised"):
        read_scenario(write(tmp_path, short + "[money]\nappraisal_years = 3\n"))


def test_a_file_that_is_not_there_or_not_text_is_a_finding(tmp_path: Path):
    assert "cannot be read" in faults(tmp_path / "no.toml")[0]
    path = tmp_path / "latin.toml"
    path.write_bytes(b'question = "caf\xe9"')
    assert "not UTF-8" in faults(path)[0]


def test_an_extending_file_merges_tables_and_adds_rules(tmp_path: Path):
    write(tmp_path, GOOD, "base.toml")
    text = 'extends = "base.toml"\nquestion = "And in ten?"\n[solver]\nthreads = 1\n'
    scenario = read_scenario(write(tmp_path, text + '[[rules]]\nrule = "network"\nat_most = 2\n'))
    assert scenario.question == "And in ten?"
    assert (scenario.solver.gap, scenario.solver.threads) == (0.01, 1)
    assert [rule.at_most for rule in scenario.rules if rule.name == "network"] == [4, 2]


def test_dropping_and_writing_replaces_the_extended_rule(tmp_path: Path):
    write(tmp_path, GOOD, "base.toml")
    text = 'extends = "base.toml"\ndrop = ["network", "floor"]\n'
    scenario = read_scenario(write(tmp_path, text + '[[rules]]\nrule = "network"\nat_most = 2\n'))
    assert [rule.at_most for rule in scenario.rules if rule.name == "network"] == [2]
    assert "floor" not in [rule.name for rule in scenario.rules]
    assert scenario.drop == ("floor",)


def test_a_place_named_by_the_extended_file_is_seen_from_there(tmp_path: Path):
    (tmp_path / "county/scenarios").mkdir(parents=True)
    base = GOOD.replace("problem", 'place = ".."\nproblem', 1)
    write(tmp_path / "county/scenarios", base, "base.toml")
    path = write(tmp_path, 'extends = "county/scenarios/base.toml"\n')
    assert read_scenario(path).place_path.resolve() == tmp_path / "county"


def test_faults_of_the_extended_file_name_that_file(tmp_path: Path):
    write(tmp_path, GOOD.replace("gap = 0.01", "gap = -1"), "base.toml")
    messages = faults(write(tmp_path, 'extends = "base.toml"\nquestion = "And?"\n'))
    assert messages == ["base.toml row 9: solver.gap is '-1': not valid here; give 0 or more"]


def test_a_chain_of_extends_is_refused(tmp_path: Path):
    write(tmp_path, GOOD, "base.toml")
    write(tmp_path, 'extends = "base.toml"\n', "middle.toml")
    assert "may not itself extend" in faults(write(tmp_path, 'extends = "middle.toml"\n'))[0]


def test_each_problem_has_its_own_default_objective():
    estate = Scenario(question="?", problem="estate")
    budget = Scenario(question="?", problem="budget")
    assert estate.objective.minimise == ("cost",)
    assert budget.objective.minimise == ("weighted_outcomes",)
    given = Objective(minimise=("fairest",))
    assert Scenario(question="?", problem="budget", objective=given).objective is given


def test_the_published_schema_and_page_of_rules_are_up_to_date():
    hint = "run: python -m placeopt.scenario.reference_page docs"
    assert (DOCS / "scenario.schema.json").read_text(encoding="utf-8") == schema_text(), hint
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == rules_markdown(), hint


def test_the_page_of_rules_names_every_rule_and_parameter():
    page = rules_markdown()
    for kind in RULES.values():
        assert f"{kind.number} `{kind.name}`" in page
        assert all(f"| `{name}` |" in page for name in kind.model_fields if name != "rule")


def test_the_schema_judges_as_the_reader_does(tmp_path: Path):
    import tomllib

    jsonschema = pytest.importorskip("jsonschema", reason="needs the optional package jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    assert not list(validator.iter_errors(tomllib.loads(GOOD)))
    for old, new in (
        ("gap = 0.01", "gap = -1"),
        ("gap = 0.01", "gapp = 1"),
        ("gap = 0.01", 'engine = "higs"'),
        ("at_most", "at_mots"),
        ('"network"', '"statutory"'),
        ('"cost"', '"fairest"'),
    ):
        assert list(validator.iter_errors(tomllib.loads(GOOD.replace(old, new, 1)))), new


def test_importing_the_room_is_light():
    heavy = "{'pandas', 'geopandas', 'ortools', 'highspy', 'pandera', 'numba', 'pulp'}"
    code = f"import sys, placeopt.scenario; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
