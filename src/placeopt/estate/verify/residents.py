"""The verifier on residents: those counted by access (E7), fairness (E8), behaviour (E16)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from placeopt.estate.verify.behaviour import visit_shares
from placeopt.estate.verify.facts import Facts
from placeopt.estate.verify.registry import RuleResult, checks
from placeopt.estate.verify.sums import Arrangement, mean_of_worst, minutes_used
from placeopt.estate.verify.years import Year
from placeopt.scenario.rules.estate.services import Access, Behaviour, Fairness

TOLERANCE = 1e-5  # relative
SHARE_TOLERANCE = 1e-4  # of a zone's visits
FULL_TOLERANCE_M2 = 0.01  # a building with less floor left is full
CAR_MODES = {"drive", "car"}


def district_named(facts: Facts, district: str) -> str:
    """Return the name of a district; its id where it has none."""
    table = facts.place.districts
    names = dict(zip(table["district_id"], table["name"], strict=True))
    return str(names.get(district) or district)


def full_offer(facts: Facts, arrangement: Arrangement, i: str, service: str) -> bool:
    """Whether a service point has the full offer: its tier decides, or today's arrangement."""
    if i in arrangement.tier:
        link = facts.tier_services.get((arrangement.tier[i], service))
        return link is not None and link["offer"] != "partial"
    return facts.hosted_today.get((i, service), "full") != "partial"


def nearest_hosts(
    facts: Facts, hosts: list[str], modes: tuple[str, ...], car: bool
) -> dict[str, float]:
    """Return zone -> minutes to the nearest of ``hosts``, by the modes open with or without a
    car."""
    import numpy as np

    position = {i: n for n, i in enumerate(facts.times.building_ids)}
    columns = [position[i] for i in hosts]
    matrices = [
        facts.times.matrix(mode)[:, columns]
        for mode in modes
        if columns and (car or mode not in CAR_MODES)
    ]
    if not matrices:
        return {}
    nearest = np.fmin.reduce(np.hstack(matrices), axis=1).tolist()
    return {z: m for z, m in zip(facts.times.zone_ids, nearest, strict=True) if m == m}


class FastestMinutes:
    """Minutes by the fastest of the modes open with or without a car."""

    def __init__(self, facts: Facts, modes: tuple[str, ...], car: bool) -> None:
        import numpy as np

        self._zone = {z: n for n, z in enumerate(facts.times.zone_ids)}
        self._building = {i: n for n, i in enumerate(facts.times.building_ids)}
        matrices = [facts.times.matrix(mode) for mode in modes if car or mode not in CAR_MODES]
        self._minutes = np.fmin.reduce(matrices, axis=0) if matrices else None

    def to(self, zone: str, i: str) -> float:
        """Return minutes from a zone to a building; inf out of reach."""
        if self._minutes is None:
            return math.inf
        found = float(self._minutes[self._zone[zone], self._building[i]])
        return found if found == found else math.inf


def residents_counted(
    rule: Access, facts: Facts, scope: str | None
) -> Iterator[tuple[str, bool, float]]:
    """Yield (zone, with a car, residents) that the rule counts."""
    for zone, row in facts.zones.items():
        people = float(row["population"])
        if scope is not None and row["district_id"] != scope:
            continue
        quintile = row["deprivation_quintile"]
        has_quintile = quintile is not None and quintile == quintile
        if rule.quintiles and not (has_quintile and int(quintile) in rule.quintiles):
            continue
        is_left_out = False
        for group in rule.groups():
            if group == "most_deprived":
                is_left_out |= not (has_quintile and int(quintile) == 1)
            elif group in ("rural", "urban"):
                is_left_out |= row["area_type"] != group
            elif group.startswith("people_"):
                band = row[group]
                people *= 0 if not row["population"] or band != band else band / row["population"]
        if is_left_out or people <= 0:
            continue
        without_car = people * row["without_car_share"]
        if without_car > 0:
            yield zone, False, without_car
        if "without_car" not in rule.groups() and people - without_car > 0:
            yield zone, True, people - without_car


@checks(Fairness)
def fairness(rule: Fairness, year: Year) -> RuleResult:
    """(E8) Minutes to the hosts used, against today's with residents at the hosts they choose."""
    facts, arrangement = year.facts, year.arrangement
    services = {s for s, row in facts.services.items() if not row["back_office"]}
    if rule.services != "all":
        services &= set(rule.services)
    used = minutes_used(facts, arrangement, services)
    today: dict[str, list[str]] = {}
    for i, s in facts.hosted_today:
        today.setdefault(s, []).append(i)
    minutes_before = {}
    for zone, s in facts.visits:
        chosen = visit_shares(facts, zone, today.get(s, ())) if s in services else {}
        if chosen:
            minutes_before[zone, s] = sum(
                part * facts.fastest[zone, i] for i, part in chosen.items()
            )
    details = []
    if rule.loses_at_most_minutes is not None:
        for key, (minutes, _) in used.items():
            if (
                key in minutes_before
                and minutes > minutes_before[key] + rule.loses_at_most_minutes + 1e-3
            ):
                return (
                    False,
                    f"zone {key[0]}: {minutes - minutes_before[key]:.2f} minutes more to {key[1]}",
                )
    for column in rule.no_group_worse:
        sums_of_group: dict[str, list[float]] = {}
        for (zone, s), minutes_was in minutes_before.items():
            group = facts.zones[zone][column]
            if group is None or group != group or group == "":
                continue
            minutes, visits = used.get((zone, s), (0.0, facts.visits[zone, s]))
            total = sums_of_group.setdefault(str(group), [0.0, 0.0, 0.0])
            for n, term in enumerate((visits, visits * minutes_was, visits * minutes)):
                total[n] += term
        for group, (visits, minutes_was, now) in sums_of_group.items():
            if visits > 0 and now / visits > minutes_was / visits + 1e-3:
                return (
                    False,
                    f"{column} {group}: mean {now / visits:.2f}, today {minutes_was / visits:.2f}",
                )
    if rule.worst_mean_minutes is not None:
        worst = mean_of_worst(used, rule.worst_share)
        details.append(f"worst-off mean {worst:.2f} minutes")
        if worst > rule.worst_mean_minutes + 1e-3:
            return False, details[-1]
    if rule.equal_minutes is not None:
        equal = _kolm_pollak(rule, facts, arrangement, services, minutes_before)
        details.append(f"as good as {equal:.2f} minutes for everybody")
        if equal > rule.equal_minutes + 1e-3:
            return False, details[-1]
    return True, ", ".join(details)


def _kolm_pollak(
    rule: Fairness,
    facts: Facts,
    arrangement: Arrangement,
    services: set[str],
    minutes_before: dict[tuple[str, str], float],
) -> float:
    """Return the Kolm-Pollak equivalent: the equal minutes that would be as good."""
    weighted_sum = sum(
        facts.visits[key] * minutes_was for key, minutes_was in minutes_before.items()
    )
    weighted_squares = sum(
        facts.visits[key] * minutes_was**2 for key, minutes_was in minutes_before.items()
    )
    kappa = rule.aversion * weighted_sum / weighted_squares if weighted_squares > 0 else 0.0
    mean = total = 0.0
    for (zone, s), visits in facts.visits.items():
        if s in services:
            total += visits
            for i, share in arrangement.served.get((zone, s), {}).items():
                minutes = facts.fastest[zone, i]
                mean += visits * share * (math.exp(kappa * minutes) if kappa else minutes)
    if total <= 0 or mean <= 0:
        return 0.0
    return math.log(mean / total) / kappa if kappa else mean / total


@checks(Behaviour)
def behaviour(rule: Behaviour, year: Year) -> RuleResult:
    """(E16) Visits go to the hosts that residents choose, recomputed from the hosts alone."""
    facts, arrangement = year.facts, year.arrangement
    if rule.residents == "planner":
        return True, ""
    hosts: dict[str, list[str]] = {}
    for i, service in arrangement.hosts:
        hosts.setdefault(service, []).append(i)
    full = {
        i
        for i in arrangement.open
        if year.sums.area_used(i) >= facts.usable_m2(i) - FULL_TOLERANCE_M2
    }
    for (zone, service), shares in arrangement.served.items():
        if rule.overflow:
            deviation = _describe_passed_host(
                facts, zone, shares, [i for i in hosts.get(service, []) if i not in full]
            )
        else:
            deviation = _describe_deviation(facts, zone, shares, hosts.get(service, []))
        if deviation:
            return False, f"zone {zone}, {service}: {deviation}"
    if rule.residents == "decay":
        return True, "everyone served is spread over the hosts in reach by their pull"
    or_past_full = ", or past full buildings" if rule.overflow else ""
    return True, f"everyone served is served at the nearest host{or_past_full}"


def _describe_deviation(facts: Facts, zone: str, shares: dict[str, float], hosts: list[str]) -> str:
    """Return how shares differ from residents' choice, of what is served; "" where they agree."""
    total = sum(shares.values())
    chosen = visit_shares(facts, zone, hosts)
    for i in {*shares, *chosen}:
        stated, found = shares.get(i, 0.0), total * chosen.get(i, 0.0)
        if abs(stated - found) > SHARE_TOLERANCE:
            return f"{100 * stated:.3f}% are sent to {i}, {100 * found:.3f}% go there"
    return ""


def _describe_passed_host(
    facts: Facts, zone: str, shares: dict[str, float], hosts_with_space: list[str]
) -> str:
    """Return the host with floor left that residents are sent past; "" where there is none."""
    nearest = sorted(
        (facts.fastest[zone, i], i) for i in hosts_with_space if (zone, i) in facts.fastest
    )
    for i, share in shares.items():
        if (
            nearest
            and share > SHARE_TOLERANCE
            and (facts.fastest.get((zone, i), math.inf), i) > nearest[0]
        ):
            return f"sent to {i}, past {nearest[0][1]}, which has room"
    return ""
