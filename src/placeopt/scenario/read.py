"""Read a scenario from TOML, reporting every fault at once with its line.

A scenario may state ``extends = "other.toml"``. That file, which may not itself extend another, is
read first. Then

- tables (``[solver]``, ``[travel]``, ...) merge key by key, and this file's values take precedence;
- the ``[[rules]]`` of both files hold;
- ``drop = ["access"]`` removes the other file's rules of that name and the implied rule of that
  name. This file's own rules always hold, so dropping a rule and writing it again replaces it.

Rules that the problem implies (see ``implied_rules``) are in force with their defaults unless
dropped or written; ``Scenario`` adds them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from placeopt.base.errors import Finding, InputError, ScenarioError
from placeopt.base.findings import error
from placeopt.base.reading import parse_toml
from placeopt.scenario import positions
from placeopt.scenario.combined_faults import (
    drop_faults,
    duplicate_rule,
    engine_faults,
    find_problem,
    lead_faults,
    objective_faults,
    parse_rule,
)
from placeopt.scenario.faults import Origin, TomlFile, fault, unknown_name, validate_section
from placeopt.scenario.implied_rules import implied_rules
from placeopt.scenario.renamed_keys import with_new_names
from placeopt.scenario.rules.rule import Problem, Rule
from placeopt.scenario.scenario import Scenario

KEYS = (*(key for key in Scenario.model_fields if key != "path"), "extends")


def read_scenario(path: str | Path) -> Scenario:
    """Read the scenario in the TOML file at ``path``.

    Raises:
        ScenarioError: With every fault found: file, line, key, value and remedy.
    """
    path = Path(path)
    own = _parse(path, path.name)
    sources = [own]
    base = own.values.get("extends")
    if isinstance(base, str):
        sources.append(_read_extended(path, base, own))
    found = [finding for source in sources for finding in _unknown_keys(source)]
    found += [finding for source in sources for finding in _non_finite_numbers(source)]
    if base is not None and not isinstance(base, str):
        found.append(fault([own], ("extends",), base, "not a file", "give a file name in quotes"))

    values: dict[str, Any] = {}
    for source in reversed(sources):
        values = _merge(values, source.values)
    found += _check_place(path, values, sources)
    problem = find_problem(values)
    rules: list[Rule] = []
    if problem is not None:
        drop, faults = _dropped_names(problem, sources)
        found += faults
        rules, faults = _read_rules(problem, sources)
        found += faults
        found += objective_faults(problem, values, sources)
        found += lead_faults(problem, values, sources)
        implied = {kind.name for kind in implied_rules(problem)}
        values["drop"] = [name for name in drop if name in implied]
    found += engine_faults(values, sources)

    plain = {key: value for key, value in values.items() if key in KEYS and key != "extends"}
    scenario = _validate_fields(plain, sources, found)
    if isinstance(scenario, list):
        places = {(finding.file, finding.row, finding.column) for finding in found}
        found += [
            finding
            for finding in scenario
            if (finding.file, finding.row, finding.column) not in places
        ]
    if found or isinstance(scenario, list):
        found.sort(key=lambda finding: (finding.file != own.name, finding.row or 0))
        raise ScenarioError(found, "faults in the scenario")
    return scenario.replace(rules=tuple(rules), path=path)


def _parse(path: Path, name: str) -> TomlFile:
    """Read a file's values and lines; ``ScenarioError`` if it is not TOML."""

    def refuse(row: int | None, message: str, remedy: str) -> ScenarioError:
        return ScenarioError([error(name, message, remedy, row=row)], "faults in the scenario")

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as refused:
        raise refuse(None, f"not UTF-8 text ({refused.reason})", "save it as UTF-8") from None
    except OSError as refused:
        raise refuse(None, f"cannot be read ({refused.strerror})", "name a TOML file") from None
    try:
        values = parse_toml(text, name)
    except InputError as refused:
        raise ScenarioError(refused.findings, "faults in the scenario") from None
    return with_new_names(TomlFile(name, values, positions.key_lines(text)))


def _read_extended(path: Path, base: str, own: TomlFile) -> TomlFile:
    extended_file = path.parent / base
    if not extended_file.is_file():
        finding = fault([own], ("extends",), base, "no such file", "name a file beside this one")
        raise ScenarioError([finding], "faults in the scenario")
    source = _parse(extended_file, base)
    if "extends" in source.values:
        message = "a file that is extended may not itself extend another"
        remedy = "take extends out of it, or extend the first file of the chain"
        finding = fault([source], ("extends",), source.values["extends"], message, remedy)
        raise ScenarioError([finding], "faults in the scenario")
    if isinstance(source.values.get("place"), str):
        source.values["place"] = Path(
            os.path.relpath(extended_file.parent / source.values["place"], path.parent)
        ).as_posix()
    return source


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        are_tables = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = _merge(base[key], value) if are_tables else value
    return result


def _unknown_keys(source: TomlFile) -> Iterator[Finding]:
    for key in source.values:
        if key not in KEYS:
            yield unknown_name([source], (key,), key, "key", KEYS)


def _non_finite_numbers(source: TomlFile) -> Iterator[Finding]:
    def walk(path: positions.Path, value: Any) -> Iterator[Finding]:
        if isinstance(value, dict | list):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                yield from walk((*path, key), inner)
        elif isinstance(value, float) and not math.isfinite(value):
            yield fault([source], path, value, "not a finite number", "give a number")

    yield from walk((), source.values)


def _check_place(path: Path, values: dict[str, Any], sources: list[TomlFile]) -> Iterator[Finding]:
    place = values.get("place")
    if isinstance(place, str) and not (path.parent / place).exists():
        message = "there is no such folder or file"
        yield fault(sources, ("place",), place, message, "give the place relative to this file")


def _dropped_names(problem: Problem, sources: list[TomlFile]) -> tuple[list[str], list[Finding]]:
    """The names that the files drop, and faults in them."""
    names, found = [], []
    for source in sources:
        drop = source.values.get("drop", [])
        if not isinstance(drop, list):
            found.append(fault([source], ("drop",), drop, "not a list", "give a list of names"))
            continue
        others = {
            rule.get("rule")
            for other in sources[sources.index(source) + 1 :]
            for rule in _rule_tables(other)
        }
        known = {str(name) for name in others if name is not None}
        found += drop_faults(problem, drop, source, known)
        names += [name for name in drop if isinstance(name, str)]
    return list(dict.fromkeys(names)), found


def _read_rules(problem: Problem, sources: list[TomlFile]) -> tuple[list[Rule], list[Finding]]:
    """The rules of the files, those of the extended file first, and faults in them."""
    rules: list[Rule] = []
    found: list[Finding] = []
    own_drop = sources[0].values.get("drop", [])
    location_of: dict[str, str] = {}
    for source in reversed(sources):
        raw = source.values.get("rules", [])
        if not isinstance(raw, list) or not all(isinstance(rule, dict) for rule in raw):
            remedy = "write each rule as a table headed [[rules]]"
            found.append(fault([source], ("rules",), raw, "not a list of tables", remedy))
        for i, values in enumerate(_rule_tables(source)):
            if source is not sources[0] and values.get("rule") in own_drop:
                continue
            rule = parse_rule(problem, source, ("rules", i), values)
            if isinstance(rule, list):
                found += rule
                continue
            other = location_of.get(rule.model_dump_json() if rule in rules else rule.name, "")
            repeat = duplicate_rule(rule, rules, source, i, other)
            found += [repeat] if repeat else []
            rule = rule.placed(Origin(source, ("rules", i)))
            rules.append(rule)
            location_of.setdefault(rule.name, str(rule.origin))
            location_of.setdefault(rule.model_dump_json(), str(rule.origin))
    return rules, found


def _validate_fields(
    values: dict[str, Any], sources: list[TomlFile], found: list[Finding]
) -> Scenario | list[Finding]:
    """The scenario without its rules, or faults in single values.

    Faults of the scenario as a whole in ``found`` are not repeated.
    """
    try:
        return validate_section(Scenario, {**values, "rules": []}, sources, (), "")
    except ScenarioError as error:
        return [] if found else error.findings


def _rule_tables(source: TomlFile) -> list[dict[str, Any]]:
    raw = source.values.get("rules", [])
    return [rule for rule in raw if isinstance(rule, dict)] if isinstance(raw, list) else []
