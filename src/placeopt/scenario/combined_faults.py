"""Faults of a scenario as a whole, whether it comes from a file or from Python.

These concern the problem's objectives and weights, lead figures, the engine, dropped rules, rules
of another problem and repeated rules. Values may be as in a file (tables, lists) or typed sections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from placeopt.base.engines import ENGINES
from placeopt.base.errors import Finding
from placeopt.scenario.faults import (
    TomlFile,
    display_value,
    dotted_path,
    fault,
    suggest,
    unknown_name,
    validate_section,
)
from placeopt.scenario.implied_rules import implied_rules
from placeopt.scenario.objectives import OBJECTIVES
from placeopt.scenario.positions import Path
from placeopt.scenario.question import LEAD_FIGURES
from placeopt.scenario.rules.rule import RULES, Problem, Rule


def is_engine(name: str) -> bool:
    """Whether ``name`` is a registered engine or a solver of PuLP, written ``pulp:NAME``."""
    return name in ENGINES or (name.startswith("pulp:") and len(name) > len("pulp:"))


def find_problem(values: Mapping[str, Any]) -> Problem | None:
    """The scenario's problem, or the most similar one if misspelt, so that rules can be checked."""
    problem = values.get("problem")
    for name in OBJECTIVES:
        if isinstance(problem, str) and suggest(problem, OBJECTIVES).endswith(f"{name!r}?"):
            return name
    return None


def combined_faults(values: Mapping[str, Any], source: TomlFile) -> list[Finding]:
    """All such faults of a scenario made in Python."""
    found = list(engine_faults(values, [source]))
    problem = find_problem(values)
    if problem is None:
        return found
    found += objective_faults(problem, values, [source])
    found += lead_faults(problem, values, [source])
    found += drop_faults(problem, values.get("drop", ()), source, ())
    rules: list[Rule] = []
    for i, given in enumerate(_as_list(values.get("rules"))):
        rule = parse_rule(problem, source, ("rules", i), given)
        if isinstance(rule, list):
            found += rule
            continue
        repeat = duplicate_rule(rule, rules, source, i, f"rules[{_first_position(rule, rules)}]")
        found += [repeat] if repeat else []
        rules.append(rule)
    return found


def objective_faults(
    problem: Problem, values: Mapping[str, Any], sources: Sequence[TomlFile]
) -> Iterator[Finding]:
    """Errors for objectives and weights that the problem does not have."""
    objective = values.get("objective")
    minimise = objective.get("minimise") if isinstance(objective, Mapping) else None
    if not OBJECTIVES[problem]:
        return
    for i, name in enumerate(_as_list(minimise)):
        if name not in OBJECTIVES[problem]:
            description = f"{problem} objective"
            path = ("objective", "minimise", i)
            yield unknown_name(sources, path, str(name), description, OBJECTIVES[problem])
    weights = objective.get("weights") if isinstance(objective, Mapping) else None
    single_objectives = [name for name in OBJECTIVES[problem] if name != "weighted"]
    for name in weights if isinstance(weights, Mapping) else ():
        if name not in single_objectives:
            description = f"{problem} objective to weigh"
            yield unknown_name(
                sources, ("objective", "weights", name), name, description, single_objectives
            )


def lead_faults(
    problem: Problem, values: Mapping[str, Any], sources: Sequence[TomlFile]
) -> Iterator[Finding]:
    """Errors for lead figures that an answer of the problem does not have."""
    answer = values.get("answer")
    lead = answer.get("lead") if isinstance(answer, Mapping) else None
    for i, key in enumerate(_as_list(lead)):
        if key not in LEAD_FIGURES[problem]:
            description = f"figure of {problem} answers to lead with"
            yield unknown_name(
                sources, ("answer", "lead", i), str(key), description, LEAD_FIGURES[problem]
            )


def engine_faults(values: Mapping[str, Any], sources: Sequence[TomlFile]) -> Iterator[Finding]:
    """An error for an unknown engine."""
    solver = values.get("solver")
    engine = solver.get("engine") if isinstance(solver, Mapping) else None
    if isinstance(engine, str) and not is_engine(engine):
        yield unknown_name(sources, ("solver", "engine"), engine, "engine", ENGINES)


def drop_faults(
    problem: Problem, drop: Any, source: TomlFile, others: Iterable[str]
) -> Iterator[Finding]:
    """Errors for dropped names that are neither implied rules nor in ``others``."""
    droppable = {kind.name for kind in implied_rules(problem)} | set(others)
    for i, name in enumerate(_as_list(drop)):
        if name not in droppable:
            description = "rule in force to drop called"
            yield unknown_name([source], ("drop", i), str(name), description, droppable)


def parse_rule(problem: Problem, source: TomlFile, path: Path, given: Any) -> Rule | list[Finding]:
    """Return a rule, given as a table or typed, or its faults."""
    values = given if isinstance(given, Mapping) else {"rule": getattr(given, "name", None)}
    name = values.get("rule")
    known = sorted(known for of, known in RULES if of == problem)
    column = "rule" if source.lines else dotted_path((*path, "rule"))
    if not isinstance(name, str):
        remedy = f'write rule = "..." with one of {", ".join(known)}'
        where = (*path, "rule") if name is not None else path
        return [
            fault([source], where, display_value(name), "a rule without a name", remedy, column)
        ]
    kind = RULES.get((problem, name))
    if kind is not None and isinstance(given, Rule):
        if isinstance(given, kind):
            return given
    elif kind is not None:
        label = name if source.lines else dotted_path(path)
        return validate_section(kind, dict(values), [source], path, label)
    other_problems = [of for of, rule_name in RULES if rule_name == name and of != problem]
    message = f"there is no {problem} rule of that name"
    if other_problems:
        message += f" (it is a rule of {other_problems[0]} scenarios)"
    return [fault([source], (*path, "rule"), name, message, suggest(name, known), column)]


def duplicate_rule(
    rule: Rule, rules: Sequence[Rule], source: TomlFile, i: int, where: str
) -> Finding | None:
    """An error if the rule is in ``rules`` already, or may be written only once."""
    if rule in rules:
        message = "the same rule is written already"
    elif rule.once and rule.name in {other.name for other in rules}:
        message = "this rule can be written only once and is already"
    else:
        return None
    remedy = f"take one out (the other: {where}), or add it to drop if that file is extended"
    column = "rule" if source.lines else f"rules[{i}].rule"
    return fault([source], ("rules", i, "rule"), rule.name, message, remedy, column)


def _first_position(rule: Rule, rules: Sequence[Rule]) -> int:
    """The position of the equal rule, or of the first of its name."""
    if rule in rules:
        return list(rules).index(rule)
    return next((i for i, other in enumerate(rules) if other.name == rule.name), 0)


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
