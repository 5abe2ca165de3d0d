"""Generate the JSON Schema of scenario files for editors: ``docs/scenario.schema.json``.

It is made from the typed sections and the registered rules. ``problem`` determines the allowed
rules and objectives, and ``rule`` the parameters of a rule.
"""

from __future__ import annotations

import json
from typing import Any

from placeopt.base.engines import ENGINES
from placeopt.scenario.implied_rules import implied_rules
from placeopt.scenario.objectives import OBJECTIVES
from placeopt.scenario.rules.rule import RULES, Problem, Rule
from placeopt.scenario.scenario import Scenario


def json_schema() -> dict[str, Any]:
    """The schema of a scenario file (JSON Schema 2020-12)."""
    schema = Scenario.model_json_schema()
    definitions = schema["$defs"]
    definitions.pop("Rule", None)
    properties = schema["properties"]
    properties.pop("path", None)
    properties["extends"] = {
        "type": "string",
        "description": "a scenario file, relative to this one, that this one changes",
    }
    definitions["SolverSettings"]["properties"]["engine"] |= {
        "anyOf": [{"enum": list(ENGINES)}, {"pattern": "^pulp:.+"}]
    }
    problems = [problem for problem in OBJECTIVES if _kinds(problem)]
    properties["rules"] = {"type": "array", "items": {"type": "object", "required": ["rule"]}}
    properties["drop"] = {
        "type": "array",
        "items": {"type": "string"},
        "description": "names of implied rules that are not in force, "
        "and of rules of the extended file that this one takes away",
    }
    for problem in problems:
        for kind in _kinds(problem):
            definitions[_key(kind)] = _rule_schema(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "placeopt scenario",
        "description": "The question asked of a place.",
        **{key: schema[key] for key in ("type", "additionalProperties", "properties")},
        "anyOf": [{"required": ["question", "problem"]}, {"required": ["extends"]}],
        "allOf": [_of_problem(problem) for problem in problems],
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as published text."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _of_problem(problem: Problem) -> dict[str, Any]:
    """The condition for one problem: its rules, objectives and implied rules."""
    rules = [{"$ref": f"#/$defs/{_key(kind)}"} for kind in _kinds(problem)]
    return {
        "if": {"properties": {"problem": {"const": problem}}, "required": ["problem"]},
        "then": {
            "properties": {
                "rules": {"items": {"oneOf": rules}},
                "objective": {
                    "properties": {"minimise": {"items": {"enum": list(OBJECTIVES[problem])}}}
                },
                "drop": {"items": {"examples": [kind.name for kind in implied_rules(problem)]}},
            }
        },
    }


def _kinds(problem: Problem) -> list[type[Rule]]:
    return [kind for (of, _), kind in RULES.items() if of == problem]


def _key(kind: type[Rule]) -> str:
    return f"{kind.problem}.{kind.name}"


def _rule_schema(kind: type[Rule], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    for name, inner in schema.pop("$defs", {}).items():
        if definitions.setdefault(name, inner) != inner:
            raise ValueError(f"two different types are called {name!r} in the rules")
    schema["properties"]["rule"] = {"const": kind.name}
    schema["required"] = sorted({*schema.get("required", []), "rule"})
    return {**schema, "title": f"{kind.number} {kind.name}"}
