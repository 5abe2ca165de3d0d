"""Why nothing fits: rules are dropped one by one, and what would have to give is measured.

A rule clashes where a plan exists without it; ``minimal_relaxation`` then says by how much it would
have to give. Should no single rule be to blame, pairs of rules are tried while time lasts.
Definitions (a visit is served where the service is, a service is hosted in an open building) are
never dropped.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from placeopt.base.deadline import deadline_in, record_timeout, seconds_left
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
DROPPED_FIRST = (
    Behaviour,
    Capital,
)  # dropped first: what a large place is short of, and soon answered


def explain(
    place: Place, times: TravelTimes, scenario: Scenario, *, seconds: float = MAX_SECONDS
) -> Explanation:
    """Which rules clash, and what would have to give.

    Args:
        place: In the order in which the problem was stated.
        times: The same.
        scenario: The question that has no plan.
        seconds: After which no further rule is looked at; at most a minute. What was not looked
            at is said.
    """
    seconds = min(seconds, MAX_SECONDS, seconds_left())
    with deadline_in(seconds):
        return _explain(place, times, scenario, seconds)


def _explain(place: Place, times: TravelTimes, scenario: Scenario, seconds: float) -> Explanation:
    candidates = [
        position
        for position, rule in enumerate(scenario.rules)
        if not isinstance(rule, DEFINITIONS) and (scenario.years > 1 or rule.name != "sequence")
    ]
    rules = scenario.rules  # those that the question writes come before those that are implied
    candidates.sort(key=lambda at: (not isinstance(rules[at], DROPPED_FIRST), rules[at].implied))
    names = _names_by_id(place)
    found: dict[tuple[int, ...], Clash] = {}
    unseen: list[tuple[int, ...]] = []
    for size in (1, 2):
        for chosen in combinations(candidates, size):
            dropped = tuple(sorted(chosen))
            left = seconds_left()
            if left <= 0:
                unseen.append(dropped)
                continue
            clash = _clash(place, times, scenario, dropped, min(left, seconds / 4), names)
            if clash is not None:
                found[dropped] = clash
        if found or unseen:
            break
    if unseen:
        record_timeout("the explanation")
    late = _describe_untried(scenario, unseen)
    clashes = [found[dropped] for dropped in sorted(found)]
    if not clashes:
        sentence = (
            "No plan keeps all the rules, and within the time given no one or two rules were "
            f"found whose dropping would let one exist.{late}"
        )
        return Explanation(sentence)
    which = (
        " and ".join(_rule_label(scenario, position) for position in dropped)
        for dropped in sorted(found)
    )
    sentence = f"No plan keeps all the rules at once. A plan exists without {' or '.join(which)}."
    sentence += late
    return Explanation(sentence, tuple(clashes))


def _describe_untried(scenario: Scenario, unseen: list[tuple[int, ...]]) -> str:
    """Which rules the time did not suffice to look at, as a sentence that follows others."""
    single = [dropped[0] for dropped in unseen if len(dropped) == 1]
    if single:
        names = ", ".join(_rule_label(scenario, position) for position in single)
        return f" The time limit came before these were tried: {names}."
    if unseen:
        return f" The time limit came before {len(unseen)} pairs of rules were tried."
    return ""


def _rule_label(scenario: Scenario, position: int) -> str:
    """A rule by name and number, and which it is where there are several of the name."""
    rule = scenario.rules[position]
    alike = [at for at, other in enumerate(scenario.rules) if other.name == rule.name]
    which = (
        f", the {ORDINALS[alike.index(position)]} of them"
        if 1 < len(alike) <= len(ORDINALS)
        else ""
    )
    return f"{rule.name} ({rule.number}{which})"


def _clash(
    place: Place,
    times: TravelTimes,
    scenario: Scenario,
    dropped: tuple[int, ...],
    seconds: float,
    names: dict[str, str],
) -> Clash | None:
    """The clash of the rules at ``dropped``, where a plan exists without them."""
    rules = [scenario.rules[position] for position in dropped]
    rest = scenario
    for position in sorted(dropped, reverse=True):
        rest = rest.without(position)
    years = build_years(place, times, rest)
    if not solve_feasibility(FeasibilityModel.of(years), seconds / 2).has_plan:
        return None
    gives = [describe_relaxation(place, times, years, rule, seconds / 2, names) for rule in rules]
    alone = "A plan exists without this rule; with it none does."
    together = "A plan exists without the two; without one of them alone none was found."
    said = " ".join(text for text in gives if text) or (alone if len(rules) == 1 else together)
    return Clash(
        number=" and ".join(rule.number for rule in rules),
        name=" and ".join(rule.name for rule in rules),
        sentence=" ".join(rule.sentence(names) for rule in rules),
        what_gives=said,
    )


def _names_by_id(place: Place) -> dict[str, str]:
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
