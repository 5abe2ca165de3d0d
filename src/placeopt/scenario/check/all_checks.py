"""Check a scenario against its place: ids, modes, years, and contradictions between rules and
tables."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from placeopt.base.errors import Finding
from placeopt.place import Place
from placeopt.place.check.estate import must_groups
from placeopt.scenario.carbon_stated import missing_carbon
from placeopt.scenario.check.comparison import comparison_findings
from placeopt.scenario.check.contradictions import contradiction_findings
from placeopt.scenario.check.residents import (
    access_residents_findings,
    fairness_groups_findings,
    least_visits_findings,
    network_buildings_findings,
)
from placeopt.scenario.faults import MADE_IN_PYTHON, TomlFile, dotted_path, fault, suggest
from placeopt.scenario.positions import Path, key_lines
from placeopt.scenario.rules.estate.base import EstateRule
from placeopt.scenario.rules.estate.services import (
    Access,
    Carbon,
    Fairness,
    Network,
    Pinned,
    Together,
)
from placeopt.scenario.rules.ids import IdOf, stated_ids
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.scenario import Scenario
from placeopt.travel.speeds import MODES


def check_scenario(place: Place, scenario: Scenario) -> list[Finding]:
    """Return the findings on a scenario: unknown ids and modes, rules outside the decided years,
    and contradictions.

    Args:
        place: The place.
        scenario: The scenario.
    """
    sources = _sources(scenario)
    found: list[Finding] = list(_unknown_travel_modes(scenario, sources))
    missing = missing_carbon(place, scenario)
    if missing is not None and missing.path is not None:
        found.append(
            fault(
                sources or [MADE_IN_PYTHON],
                missing.path, missing.value, missing.message, missing.remedy, missing.name,
            )
        )  # fmt: skip
    found += add_lines(
        scenario, comparison_findings(scenario, lambda other: check_scenario(place, other))
    )
    rules_with_location = [(rule, rule.origin.path, rule.origin.source) for rule in scenario.rules]
    found += contradiction_findings(place, scenario, sources, rules_with_location)
    for rule, path, source in rules_with_location:
        found += _unknown_ids(place, scenario, rule, path, source)
        for field, value in rule:
            if field == "pot_gbp" and isinstance(value, tuple) and len(value) > scenario.years:
                message = f"{len(value)} amounts for {scenario.years} decided years"
                remedy = "give one for each year, or state how many years are decided: years = ..."
                label = f"{rule.name}.{field}"
                found.append(fault([source], (*path, field), value, message, remedy, label))
        if isinstance(rule, EstateRule):
            found += _outside_decided_years(scenario, rule, path, source)
            found += _counts_nothing(place, scenario, rule, path, source)
        if isinstance(rule, Carbon) and missing is not None:
            found.append(fault([source], path, None, missing.message, missing.remedy, rule.name))
        if isinstance(rule, Pinned):
            found += _kept_and_closed(place, rule, path, source)
        if isinstance(rule, Together):
            found += _together_and_apart(place, rule, path, source)
    return found


def add_lines(scenario: Scenario, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Add line numbers to findings on the scenario's file that have none.

    The line is that of the finding's key; of several, one in a rule that has the finding's value.
    """
    sources = _sources(scenario)
    for finding in findings:
        is_own_file = scenario.path is not None and finding.file == scenario.path.name
        position_in_file = (
            _line_of(finding, sources) if is_own_file and finding.row is None else None
        )
        yield (
            replace(finding, file=position_in_file[0], row=position_in_file[1])
            if position_in_file
            else finding
        )


def _line_of(finding: Finding, sources: list[TomlFile]) -> tuple[str, int] | None:
    """The file and line of a finding's key, or None."""
    keys = (finding.column or "").split(" or ")
    found: list[tuple[int, str, int]] = []
    for order, source in enumerate(sources):
        for path, line in source.lines.items():
            words = [part for part in path if isinstance(part, str)]
            value: Any = source.values
            for part in path:
                value = value[part] if not isinstance(value, str) else None
            if keys == ["rules"] and words == ["rules", "rule"] and value == finding.value:
                found.append((-line, source.name, line))  # the last of repeated rules
            elif words and words[-1] == finding.value and words[-2:-1] and words[-2] in keys:
                found.append((order - 20, source.name, line))
            elif words and words[-1] in keys:
                has_value = finding.value is not None and finding.value in _ids_or_text(value)
                found.append((order - 10 * has_value, source.name, line))
    return min(found)[1:] if found else None


def _ids_or_text(value: Any) -> set[str]:
    if isinstance(value, list | Mapping):
        return (
            {str(key) for key in _ids(value)}
            if not _is_list_of_numbers(value)
            else {str(tuple(value))}
        )
    return {str(value)}


def _is_list_of_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(number, int | float) for number in value)


def _unknown_travel_modes(scenario: Scenario, sources: list[TomlFile]) -> Iterator[Finding]:
    """Errors for modes that cannot be measured; a matrix of minutes may have its own."""
    travel = scenario.travel
    for mode in travel.modes if travel.method != "matrix" else ():
        if mode not in MODES:
            message = f"there is no mode {mode!r}"
            remedy = f"use some of {', '.join(MODES)}"
            yield fault(sources, ("travel", "modes"), mode, message, remedy, "travel.modes")


def _outside_decided_years(
    scenario: Scenario, rule: EstateRule, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """An error for a rule that holds in no decided year."""
    first = scenario.year
    if first is None or any(rule.holds_in(first + t) for t in range(scenario.years)):
        return
    last = first + scenario.years - 1
    decided = f"{first} to {last}" if last > first else f"{first}"
    field = "from_year" if (getattr(rule, "from_year", None) or first) > last else "to_year"
    message = f"the rule holds in no decided year ({decided})"
    remedy = "correct the years, or decide more of them: years = ..."
    yield fault([source], (*path, field), getattr(rule, field, None), message, remedy,
                f"{rule.name}.{field}")  # fmt: skip


def _counts_nothing(
    place: Place, scenario: Scenario, rule: EstateRule, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Errors for a rule that counts no residents or no buildings."""
    if isinstance(rule, Access):
        yield from access_residents_findings(place, scenario, rule, path, source)
    if isinstance(rule, Fairness):
        yield from fairness_groups_findings(place, rule, path, source)
    if isinstance(rule, Network):
        yield from network_buildings_findings(place, rule, path, source)
        yield from least_visits_findings(place, scenario, rule, path, source)


def _kept_and_closed(place: Place, rule: Pinned, path: Path, source: TomlFile) -> Iterator[Finding]:
    """Errors for buildings that are both kept and closed."""
    table = place.buildings
    pinned_ids = {
        word: table[table["pinned"] == word]["building_id"].tolist() for word in ("keep", "close")
    }
    for field, other in (("keep", "close"), ("close", "keep")):
        for name in getattr(rule, field):
            in_rule = name in getattr(rule, other)
            if (in_rule and field == "close") or name in pinned_ids[other]:
                where = f"{other} of this rule" if in_rule else "buildings.csv"
                message = f"{where} says to {other} it"
                remedy = "take it out of one of the two"
                yield fault([source], (*path, field), name, message, remedy, f"pinned.{field}")


def _together_and_apart(
    place: Place, rule: Together, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Errors for services that both must and must not share a roof, by rule or
    ``compatibility``."""
    table = place.compatibility
    stated = list(zip(table["service_a"], table["service_b"], table["relation"], strict=True))
    group = must_groups([*rule.must, *((a, b) for a, b, relation in stated if relation == "must")])
    never = [(a, b, "never of this rule") for a, b in rule.never]
    never += [(a, b, "compatibility.csv") for a, b, relation in stated if relation == "never"]
    for a, b, where in never:
        if group.get(a, a) == group.get(b, b) and (rule.must or where != "compatibility.csv"):
            message = f"they must share every roof (perhaps through others), and {where} says never"
            remedy = "take one of the two out"
            field = "must" if rule.must else "never"
            yield fault([source], (*path, field), f"{a}, {b}", message, remedy, f"together.{field}")


def _unknown_ids(
    place: Place, scenario: Scenario, rule: Rule, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Errors for ids that the place does not have, and modes that the scenario does not."""
    for stated in stated_ids(rule):
        if isinstance(stated.kind, IdOf):
            table, column = stated.kind.table, stated.kind.column
            known = sorted(set(place.tables[table][column]))
            message = f"{table}.csv has no {column} {stated.value!r}"
            remedy = suggest(stated.value, known)
        else:
            known = list(scenario.travel.modes)
            message = f"travel.modes has no {stated.value!r}"
            remedy = f"add it to modes under [travel], or use one of {', '.join(known)}"
        if stated.value not in known:
            label = dotted_path((rule.name, *stated.path))
            yield fault([source], (*path, *stated.path), stated.value, message, remedy, label)


def _ids(value: Any) -> Iterable[str]:
    """The ids in a field, which is a text, a list, a list of pairs, or a table keyed by id."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return list(value)
    return [name for item in value for name in _ids(item)]


def _sources(scenario: Scenario) -> list[TomlFile]:
    """The scenario's file and the one that it extends, with the line of every key."""
    if scenario.path is None:
        return []
    sources: list[TomlFile] = []
    path = scenario.path
    for _ in range(2):
        text = path.read_text(encoding="utf-8-sig")
        sources.append(TomlFile(path.name, tomllib.loads(text), key_lines(text)))
        base = sources[-1].values.get("extends")
        if base is None:
            break
        path = path.parent / base
    return sources
