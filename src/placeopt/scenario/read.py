"""Read a scenario: TOML to a typed, frozen ``Scenario``, or every fault at once with its line.

A scenario may state ``extends = "other.toml"``. The file named is read first (it may not itself
extend another) and then

- tables (``[solver]``, ``[travel]``, ...) merge key by key: what this file writes wins;
- ``[[rules]]`` add up: all rules of both files hold;
- ``drop = ["access"]`` takes away every rule of that name that the other file states, and the
  implied rule of that name. A rule that this file itself writes always holds, so dropping a
  rule and writing it again replaces it.

Rules that the problem implies (``implied`` in the registry) are in force without being written,
with their defaults, unless dropped or written.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from placeopt.errors import Finding, ScenarioError
from placeopt.scenario import positions
from placeopt.scenario.faults import TomlFile, fault, nearest, shown, unknown, validated
from placeopt.scenario.objectives import OBJECTIVES
from placeopt.scenario.rules import RULES, Problem, Rule
from placeopt.scenario.scenario import ENGINES, Scenario, is_engine

KEYS = (*(key for key in Scenario.model_fields if key != "path"), "extends")


def read_scenario(path: str | Path) -> Scenario:
    """The scenario in the TOML file at ``path``.

    Raises ``ScenarioError`` with every fault found: file, line, key, value and what would be
    right.
    """
    path = Path(path)
    own = _parse(path, path.name)
    sources = [own]
    base = own.values.get("extends")
    if isinstance(base, str):
        sources.append(_base(path, base, own))
    found = [finding for source in sources for finding in _unknown_keys(source)]
    found += [finding for source in sources for finding in _not_numbers(source)]
    if base is not None and not isinstance(base, str):
        found.append(fault([own], ("extends",), base, "not a file", "give a file name in quotes"))

    values: dict[str, Any] = {}
    for source in reversed(sources):
        values = _merged(values, source.values)
    found += _place_relative_to(path, values, sources)
    problem = _problem(values)
    rules: list[Rule] = []
    if problem is not None:
        drop, faults = _dropped(problem, sources)
        found += faults
        rules, faults = _rules(problem, sources, drop)
        found += faults
        found += _objectives(problem, values, sources)
        in_force = {rule.name for rule in rules}
        implied = {kind.name for kind in implied_rules(problem)}
        values["drop"] = [name for name in drop if name in implied - in_force]
    found += _engine(values, sources)

    plain = {key: value for key, value in values.items() if key in KEYS and key != "extends"}
    scenario = validated(Scenario, {**plain, "rules": []}, sources, (), "")
    if isinstance(scenario, list):
        places = {(finding.file, finding.row, finding.column) for finding in found}
        found += [each for each in scenario if (each.file, each.row, each.column) not in places]
    if found or isinstance(scenario, list):
        found.sort(key=lambda finding: (finding.file != own.name, finding.row or 0))
        raise ScenarioError(found, "faults in the scenario")
    return scenario.model_copy(update={"rules": tuple(rules), "path": path})


def implied_rules(problem: Problem) -> list[type[Rule]]:
    """The kinds of rule that hold in every scenario of ``problem`` unless dropped, by number."""
    kinds = [kind for (of, _), kind in RULES.items() if of == problem and kind.implied]
    return sorted(kinds, key=lambda kind: int(kind.number[1:]))


def _parse(path: Path, name: str) -> TomlFile:
    """The file's values and the line of each key; raises where it is not TOML at all."""

    def refuse(row: int | None, message: str, remedy: str) -> ScenarioError:
        finding = Finding("error", name, row, None, None, message, remedy)
        return ScenarioError([finding], "faults in the scenario")

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse(None, f"not UTF-8 text ({error.reason})", "save it as UTF-8") from None
    except OSError as error:
        raise refuse(None, f"cannot be read ({error.strerror})", "name a TOML file") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        row = int(line[1]) if line else text.count("\n") + 1
        raise refuse(row, f"not TOML: {what}", "correct this line") from None
    return TomlFile(name, values, positions.lines_of(text))


def _base(path: Path, base: str, own: TomlFile) -> TomlFile:
    where = path.parent / base
    if not where.is_file():
        finding = fault([own], ("extends",), base, "no such file", "name a file beside this one")
        raise ScenarioError([finding], "faults in the scenario")
    source = _parse(where, base)
    if "extends" in source.values:
        message = "a file that is extended may not itself extend another"
        remedy = "take extends out of it, or extend the first file of the chain"
        finding = fault([source], ("extends",), source.values["extends"], message, remedy)
        raise ScenarioError([finding], "faults in the scenario")
    if isinstance(source.values.get("place"), str):
        source.values["place"] = Path(
            os.path.relpath(where.parent / source.values["place"], path.parent)
        ).as_posix()
    return source


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = _merged(base[key], value) if both else value
    return result


def _unknown_keys(source: TomlFile) -> Iterator[Finding]:
    for key in source.values:
        if key not in KEYS:
            yield unknown([source], (key,), key, "key", KEYS)


def _not_numbers(source: TomlFile) -> Iterator[Finding]:
    def walk(path: positions.Path, value: Any) -> Iterator[Finding]:
        if isinstance(value, dict | list):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                yield from walk((*path, key), inner)
        elif isinstance(value, float) and not math.isfinite(value):
            yield fault([source], path, value, "not a finite number", "give a number")

    yield from walk((), source.values)


def _place_relative_to(
    path: Path, values: dict[str, Any], sources: list[TomlFile]
) -> Iterator[Finding]:
    place = values.get("place")
    if isinstance(place, str) and not (path.parent / place).exists():
        message = "there is no such folder or file"
        yield fault(sources, ("place",), place, message, "give the place relative to this file")


def _problem(values: dict[str, Any]) -> Problem | None:
    """The problem asked, or the one that was meant, so that the rules can be checked too."""
    problem = values.get("problem")
    for name in OBJECTIVES:
        if isinstance(problem, str) and nearest(problem, OBJECTIVES).endswith(f"{name!r}?"):
            return name
    return None


def _dropped(problem: Problem, sources: list[TomlFile]) -> tuple[list[str], list[Finding]]:
    """The names that some file drops, and faults in them."""
    names, found = [], []
    for source in sources:
        drop = source.values.get("drop", [])
        if not isinstance(drop, list):
            found.append(fault([source], ("drop",), drop, "not a list", "give a list of names"))
            continue
        others = {
            rule.get("rule")
            for other in sources[sources.index(source) + 1 :]
            for rule in _tables(other)
        }
        droppable = {kind.name for kind in implied_rules(problem)} | others - {None}
        for i, name in enumerate(drop):
            if name not in droppable:
                what = "rule in force to drop called"
                found.append(unknown([source], ("drop", i), str(name), what, map(str, droppable)))
            else:
                names.append(name)
    return list(dict.fromkeys(names)), found


def _rules(
    problem: Problem, sources: list[TomlFile], drop: list[str]
) -> tuple[list[Rule], list[Finding]]:
    """The rules in force: implied ones by number, then those written, the extended file's first."""
    rules: list[Rule] = []
    found: list[Finding] = []
    own_drop = sources[0].values.get("drop", [])
    written: dict[str, str] = {}
    for source in reversed(sources):
        raw = source.values.get("rules", [])
        if not isinstance(raw, list) or not all(isinstance(rule, dict) for rule in raw):
            remedy = "write each rule as a table headed [[rules]]"
            found.append(fault([source], ("rules",), raw, "not a list of tables", remedy))
        for i, values in enumerate(_tables(source)):
            if source is not sources[0] and values.get("rule") in own_drop:
                continue
            rule = _rule(problem, source, ("rules", i), values)
            if isinstance(rule, list):
                found += rule
                continue
            where = f"{source.name} row {source.lines['rules', i]}"
            again = _written_again(rule, rules, written, source, i)
            if again:
                found.append(again)
            rules.append(rule)
            written.setdefault(rule.name, where)
            written.setdefault(rule.model_dump_json(), where)
    implied = [
        kind(rule=kind.name)
        for kind in implied_rules(problem)
        if kind.name not in written and kind.name not in drop
    ]
    return implied + rules, found


def _written_again(
    rule: Rule, rules: list[Rule], written: dict[str, str], source: TomlFile, i: int
) -> Finding | None:
    if rule in rules:
        where, message = written[rule.model_dump_json()], "the same rule is written already"
    elif rule.once and rule.name in written:
        where, message = written[rule.name], "this rule can be written only once and is already"
    else:
        return None
    remedy = f"take one out (the other: {where}), or add it to drop if that file is extended"
    return fault([source], ("rules", i, "rule"), rule.name, message, remedy, "rule")


def _rule(
    problem: Problem, source: TomlFile, path: positions.Path, values: dict[str, Any]
) -> Rule | list[Finding]:
    name = values.get("rule")
    known = sorted(known for of, known in RULES if of == problem)
    if not isinstance(name, str):
        remedy = f'write rule = "..." with one of {", ".join(known)}'
        return [fault([source], path, shown(name), "a rule without a name", remedy, "rule")]
    kind = RULES.get((problem, name))
    if kind is not None:
        return validated(kind, values, [source], path, name)
    other = [of for of, other in RULES if other == name]
    message = f"there is no {problem} rule of that name"
    if other:
        message += f" (it is a rule of {other[0]} scenarios)"
    return [fault([source], (*path, "rule"), name, message, nearest(name, known), "rule")]


def _objectives(
    problem: Problem, values: dict[str, Any], sources: list[TomlFile]
) -> Iterator[Finding]:
    objective = values.get("objective")
    minimise = objective.get("minimise") if isinstance(objective, dict) else None
    if not isinstance(minimise, list) or not OBJECTIVES[problem]:
        return
    for i, name in enumerate(minimise):
        if name not in OBJECTIVES[problem]:
            what = f"{problem} objective"
            path = ("objective", "minimise", i)
            yield unknown(sources, path, str(name), what, OBJECTIVES[problem])
    weights = objective.get("weights") if isinstance(objective, dict) else None
    plain = [name for name in OBJECTIVES[problem] if name != "weighted"]
    for name in weights if isinstance(weights, dict) else ():
        if name not in plain:
            what = f"{problem} objective to weigh"
            yield unknown(sources, ("objective", "weights", name), name, what, plain)


def _engine(values: dict[str, Any], sources: list[TomlFile]) -> Iterator[Finding]:
    solver = values.get("solver")
    engine = solver.get("engine") if isinstance(solver, dict) else None
    if isinstance(engine, str) and not is_engine(engine):
        yield unknown(sources, ("solver", "engine"), engine, "engine", ENGINES)


def _tables(source: TomlFile) -> list[dict[str, Any]]:
    raw = source.values.get("rules", [])
    return [rule for rule in raw if isinstance(rule, dict)] if isinstance(raw, list) else []
