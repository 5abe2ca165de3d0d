"""Check a scenario against the place it is asked of: every id that a rule names exists there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from placeopt.errors import Finding
from placeopt.place import Place
from placeopt.scenario.faults import TomlFile, fault, nearest
from placeopt.scenario.positions import Path, lines_of
from placeopt.scenario.rules import Rule
from placeopt.scenario.scenario import Scenario

# What a rule's field names: the table and column that its ids come from.
NAMED = {
    "service": ("services", "service_id"),
    "services": ("services", "service_id"),
    "must": ("services", "service_id"),
    "never": ("services", "service_id"),
    "tier": ("tiers", "tier_id"),
    "tiers": ("tiers", "tier_id"),
    "district": ("districts", "district_id"),
    "keep": ("buildings", "building_id"),
    "close": ("buildings", "building_id"),
    "never_sell": ("buildings", "building_id"),
    "release": ("streams", "stream_id"),
    "floors_gbp": ("programmes", "programme_id"),
    "outcomes": ("outcomes", "outcome_id"),
    "only_together": ("outcomes", "outcome_id"),
}
ANY = {"all"}  # words that stand for every id


def check_scenario(place: Place, scenario: Scenario) -> list[Finding]:
    """Every id and mode that the scenario's rules name and the place or the scenario lacks."""
    sources = _sources(scenario)
    found: list[Finding] = []
    for rule, path, source in _written(scenario, sources):
        for field, value in rule:
            if field in NAMED:
                found += _unknown_ids(place, rule, field, value, path, source)
            if field in {"mode", "modes"}:
                found += _unknown_modes(scenario, rule, field, value, path, source)
            if field == "pot_gbp" and isinstance(value, tuple) and len(value) > scenario.years:
                message = f"{len(value)} amounts for {scenario.years} decided years"
                remedy = "give one for each year, or state how many years are decided: years = ..."
                label = f"{rule.name}.{field}"
                found.append(fault([source], (*path, field), value, message, remedy, label))
    return found


def _unknown_ids(
    place: Place, rule: Rule, field: str, value: Any, path: Path, source: TomlFile
) -> Iterator[Finding]:
    table, column = NAMED[field]
    known = place.tables[table][column].tolist()
    for name in _ids(value):
        if name not in known and name not in ANY:
            message = f"{table}.csv has no {column} {name!r}"
            label = f"{rule.name}.{field}"
            yield fault([source], (*path, field), name, message, nearest(name, known), label)


def _unknown_modes(
    scenario: Scenario, rule: Rule, field: str, value: Any, path: Path, source: TomlFile
) -> Iterator[Finding]:
    known = scenario.travel.modes
    for mode in _ids(value):
        if mode not in known:
            message = f"travel.modes has no {mode!r}"
            remedy = f"add it to modes under [travel], or use one of {', '.join(known)}"
            yield fault([source], (*path, field), mode, message, remedy, f"{rule.name}.{field}")


def _ids(value: Any) -> Iterable[str]:
    """The ids in a field: one, a list, a list of pairs, or the keys of a table."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return list(value)
    return [name for item in value for name in _ids(item)]


def _sources(scenario: Scenario) -> list[TomlFile]:
    """The scenario's file and the one it extends, with the line of every key."""
    if scenario.path is None:
        return []
    sources: list[TomlFile] = []
    path = scenario.path
    for _ in range(2):
        text = path.read_text(encoding="utf-8-sig")
        sources.append(TomlFile(path.name, tomllib.loads(text), lines_of(text)))
        base = sources[-1].values.get("extends")
        if base is None:
            break
        path = path.parent / base
    return sources


def _written(scenario: Scenario, sources: list[TomlFile]) -> list[tuple[Rule, Path, TomlFile]]:
    """Each rule in force with where it is written; one that is not in a file has no line.

    ``read_scenario`` puts implied rules first, then those of the extended file, then the file's
    own, each in the order written; a scenario changed in Python may not fit and then has no lines.
    """
    places: list[tuple[str, Path, TomlFile]] = []
    dropped = sources[0].values.get("drop", []) if sources else []
    for source in reversed(sources):
        for i, table in enumerate(source.values.get("rules", [])):
            if source is sources[0] or table["rule"] not in dropped:
                places.append((table["rule"], ("rules", i), source))
    start = len(scenario.rules) - len(places)
    nowhere = (("rules",), TomlFile("the scenario", {}, {}))
    tail = [rule.name for rule in scenario.rules[max(start, 0) :]]
    fits = start >= 0 and tail == [name for name, _, _ in places]
    return [
        (rule, *(places[i - start][1:] if fits and i >= start else nowhere))
        for i, rule in enumerate(scenario.rules)
    ]
