"""Write a scenario as a single TOML file, whatever files it was read from.

``read_scenario`` reads back the same scenario. What it adds by default (implied rules, default
settings) is left out, except that a written ``minimise`` is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from placeopt.base.files import atomic_file
from placeopt.scenario.implied_rules import implied_rules, missing_implied
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.scenario import Scenario

WRITTEN_SECTIONS = ("objective", "travel", "money", "solver")


def write_scenario(scenario: Scenario, path: Path, note: str = "") -> Path:
    """Write ``scenario`` to ``path``, under ``note`` as a comment; returns ``path``."""
    import tomli_w

    given = scenario.model_dump(
        mode="json", exclude={"rules", *WRITTEN_SECTIONS}, exclude_defaults=True
    )
    written, drop = _written(scenario)
    document: dict[str, Any] = {"question": "", **given, "place": scenario.place}
    if drop:
        document["drop"] = drop
    for section in WRITTEN_SECTIONS:
        part = getattr(scenario, section)
        values = part.model_dump(mode="json", exclude_defaults=True)
        if section == "objective" and "minimise" in part.model_fields_set:
            values["minimise"] = list(part.minimise)  # not the same as the default left unwritten
        if values:
            document[section] = values
    document["rules"] = [
        {"rule": rule.name, **rule.model_dump(mode="json", exclude_unset=True, exclude_none=True)}
        for rule in written
    ]
    above = "".join(f"# {line}\n" for line in note.splitlines())
    with atomic_file(path) as made:
        made.write_text(above + tomli_w.dumps(document), encoding="utf-8", newline="\n")
    return path


def _written(scenario: Scenario) -> tuple[tuple[Rule, ...], list[str]]:
    """The rules to write, and the names of implied ones to drop: reading puts the implied ones
    that are neither written nor dropped before the others."""
    rules, problem = scenario.rules, scenario.problem
    force = {rule.name for rule in rules}
    drop = [kind.name for kind in implied_rules(problem) if kind.name not in force]
    for start in range(len(rules), 0, -1):
        if list(rules[:start]) == missing_implied(problem, rules[start:], drop):
            return rules[start:], drop
    return rules, drop
