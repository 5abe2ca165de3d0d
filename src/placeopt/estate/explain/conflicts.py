"""Explain why no plan exists: drop rules one by one, and measure how far each would have to relax.

A rule conflicts where a plan exists without it; ``minimal_relaxation.py`` then measures by how
much. Where no single rule does, pairs of rules are tried while time lasts. Definitions (a visit is
served where the service is hosted, a service is hosted in an open building) are never dropped.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from placeopt.base.deadline import Deadline, record_timeout
from placeopt.engine import Clash, Explanation
from placeopt.estate.explain.minimal_relaxation import (
    FeasibilityModel,
    describe_relaxation,
    solve_feasibility,
)
from placeopt.estate.problem.horizon import build_years
from placeopt.scenario.rules.estate.services import Behaviour, Capital, Hosted, Opened
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.travel import TravelTimes

DEFINITIONS = (Hosted, Opened)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
MAX_SECONDS = 60.0
DROPPED_FIRST = (  # dropped first: most often to blame on a large place, and fast to try
    Behaviour,
    Capital,
)  # dropped first: the rules most often short in a large place, and quick to test


def explain(
    place: Place, times: TravelTimes, scenario: Scenario, *, seconds: float = MAX_SECONDS
) -> Explanation:
    """Return the rules that conflict, and how far each would have to relax.

    Args:
        place: in the order in which the problem was stated.
        times: the same.
        scenario: the question that has no plan.
        seconds: time limit, at most ``MAX_SECONDS``. Rules not tried in time are named in the text.
    """
    deadline = Deadline(min(seconds, MAX_SECONDS, Deadline.enclosing().seconds_left()))
    with deadline.enforced():
        return _explain(place, times, scenario, deadline)


def _explain(
    place: Place, times: TravelTimes, scenario: Scenario, deadline: Deadline
) -> Explanation:
    """Try single rules, then pairs; return the explanation."""
    candidates = [
        position
        for position, rule in enumerate(scenario.rules)
        if not isinstance(rule, DEFINITIONS) and (scenario.years > 1 or rule.name != "sequence")
    ]
    rules = scenario.rules  # stated rules come before implied ones
    candidates.sort(
        key=lambda position: (
            not isinstance(rules[position], DROPPED_FIRST),
            rules[position].implied,
        )
    )
    names = _names_by_id(place)
    clashes_by_rules: dict[tuple[int, ...], Clash] = {}
    untried: list[tuple[int, ...]] = []
    for size in (1, 2):
        for chosen in combinations(candidates, size):
            dropped = tuple(sorted(chosen))
            if deadline.has_passed:
                untried.append(dropped)
                continue
            seconds = min(deadline.seconds_left(), deadline.limit_seconds / 4)
            clash = _clash(place, times, scenario, dropped, seconds, names)
            if clash is not None:
                clashes_by_rules[dropped] = clash
        if clashes_by_rules or untried:
            break
    if untried:
        record_timeout("the explanation")
    untried_text = _describe_untried(scenario, untried)
    clashes = [clashes_by_rules[dropped] for dropped in sorted(clashes_by_rules)]
    if not clashes:
        sentence = (
            "No plan keeps all the rules, and within the time given no one or two rules were "
            f"found whose dropping would let one exist.{untried_text}"
        )
        return Explanation(sentence)
    labels = (
        " and ".join(_rule_label(scenario, position) for position in dropped)
        for dropped in sorted(clashes_by_rules)
    )
    sentence = f"No plan keeps all the rules at once. A plan exists without {' or '.join(labels)}."
    sentence += untried_text
    return Explanation(sentence, tuple(clashes))


def _describe_untried(scenario: Scenario, untried: list[tuple[int, ...]]) -> str:
    """Return a sentence on the rules not tried in time; "" where all were."""
    single = [dropped[0] for dropped in untried if len(dropped) == 1]
    if single:
        names = ", ".join(_rule_label(scenario, position) for position in single)
        return f" The time limit came before these were tried: {names}."
    if untried:
        return f" The time limit came before {len(untried)} pairs of rules were tried."
    return ""


def _rule_label(scenario: Scenario, position: int) -> str:
    """Return a rule's name and number, and its ordinal where several have the name."""
    rule = scenario.rules[position]
    same_name = [
        other_position
        for other_position, other in enumerate(scenario.rules)
        if other.name == rule.name
    ]
    ordinal = (
        f", the {ORDINALS[same_name.index(position)]} of them"
        if 1 < len(same_name) <= len(ORDINALS)
        else ""
    )
    return f"{rule.name} ({rule.number}{ordinal})"


def _clash(
    place: Place,
    times: TravelTimes,
    scenario: Scenario,
    dropped: tuple[int, ...],
    seconds: float,
    names: dict[str, str],
) -> Clash | None:
    """Return the conflict of the rules at ``dropped``; ``None`` where no plan was found without
    them."""
    rules = [scenario.rules[position] for position in dropped]
    relaxed = scenario
    for position in sorted(dropped, reverse=True):
        relaxed = relaxed.without(position)
    years = build_years(place, times, relaxed)
    if not solve_feasibility(FeasibilityModel.of(years), seconds / 2).has_plan:
        return None
    descriptions = [
        describe_relaxation(place, times, years, rule, seconds / 2, names) for rule in rules
    ]
    default_single = "A plan exists without this rule; with it none does."
    default_pair = "A plan exists without the two; without one of them alone none was found."
    what_gives = " ".join(text for text in descriptions if text) or (
        default_single if len(rules) == 1 else default_pair
    )
    return Clash(
        number=" and ".join(rule.number for rule in rules),
        name=" and ".join(rule.name for rule in rules),
        sentence=" ".join(rule.sentence(names) for rule in rules),
        what_gives=what_gives,
        stated_at=" and ".join(str(rule.origin) for rule in rules),
    )


def _names_by_id(place: Place) -> dict[str, str]:
    """Return id -> name of buildings, services, tiers and districts."""
    names: dict[str, str] = {}
    for table, key in (
        ("buildings", "building_id"),
        ("services", "service_id"),
        ("tiers", "tier_id"),
        ("districts", "district_id"),
    ):
        rows = place.tables[table]
        pairs = zip(rows[key], rows["name"], strict=True)
        names |= {identity: name for identity, name in pairs if name}
    return names
