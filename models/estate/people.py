"""Rules about residents: access (E7), fairness (E8), behaviour (E16)."""

from __future__ import annotations

import math
from typing import Any

import pulp
from models.estate.data import Model, minutes_by, usable

CAR = {"drive", "car"}


def residents_are_near(m: Model) -> None:
    """(E7) Residents with and without a car count separately: the latter do not drive. If a rule
    counts service as given, residents count by where their zone's visits are sent."""
    for rule in m.rules("access"):
        services = rule.services
        if services == "all":
            services = [s for s, row in m.services.items() if not row["back_office"]]
        scopes = [rule.district]
        if rule.each_district:
            scopes = list(m.place.districts["district_id"])
        reach = {car: reach_of(m, rule, car) for car in (True, False)}
        for s in services:
            for scope in scopes:
                residents_within_minutes(m, rule, s, scope, reach)


def reach_of(m: Model, rule: Any, car: bool) -> dict[tuple[str, str], float]:
    """(zone, building) -> minutes by the modes that count for the rule."""
    reach: dict[tuple[str, str], float] = {}
    known = tuple(mode for mode in m.scenario.travel.modes if mode in m.times.modes)
    for mode in rule.modes_of(known):
        if car or mode not in CAR:
            for pair, value in minutes_by(m, mode).items():
                reach[pair] = min(value, reach.get(pair, math.inf))
    return reach


def residents_within_minutes(
    m: Model, rule: Any, s: str, scope: str | None, reach: dict[bool, dict[tuple[str, str], float]]
) -> None:
    """(E7) One service and scope of a rule: the share within the minutes, and all under the
    ceiling."""
    counts = m.full if rule.offer == "full" else m.host
    covered, total = [], 0.0
    for z in m.zones:
        for car in (True, False):
            people = residents(m, rule, z, car, scope)
            if people <= 0:
                continue
            total += people

            def near(most: float | None, z: str = z, car: bool = car) -> Any:
                return pulp.lpSum(
                    counts[b, s]
                    for b in m.buildings
                    if (b, s) in counts
                    and most is not None
                    and reach[car].get((z, b), math.inf) <= most
                )

            if rule.ceiling_minutes is not None:
                m.subject_to(near(rule.ceiling_minutes) >= 1)
            given = rule.counts == "served" and (z, s) in m.visits
            if rule.ceiling_minutes is not None and given:
                m.subject_to(share_sent_past(m, z, s, reach[car], rule.ceiling_minutes) <= 0)
            if rule.minutes is not None and given:
                covered += [
                    people * part for part in parts_within_minutes(m, rule, z, s, reach[car])
                ]
            elif rule.minutes is not None:
                cover = m.number("cover", 1)
                m.subject_to(cover <= near(rule.minutes))
                covered.append(people * cover)
    if rule.minutes is not None and total > 0:
        m.subject_to(pulp.lpSum(covered) >= rule.share * total)


def parts_within_minutes(
    m: Model, rule: Any, z: str, s: str, reach: dict[tuple[str, str], float]
) -> list[Any]:
    """The shares of a zone's visits that are served within the minutes: at most those sent, and
    none without the full offer if that is required."""
    parts = []
    for b in m.buildings:
        if (z, s, b) in m.serve and reach.get((z, b), math.inf) <= rule.minutes:
            part = m.number("given", 1)
            m.subject_to(part <= m.serve[z, s, b])
            if rule.offer == "full":
                m.subject_to(part <= m.full.get((b, s), 0))
            parts.append(part)
    return parts


def share_sent_past(
    m: Model, z: str, s: str, reach: dict[tuple[str, str], float], most: float
) -> Any:
    """The share of a zone's visits that goes further than ``most`` minutes."""
    return pulp.lpSum(
        m.serve[z, s, b]
        for b in m.buildings
        if (z, s, b) in m.serve and not reach.get((z, b), math.inf) <= most
    )


def residents(m: Model, rule: Any, z: str, car: bool, scope: str | None) -> float:
    """Residents of the zone, with or without a car, that the rule counts."""
    row = m.zones[z]
    people = row["population"]
    quintile = row["deprivation_quintile"]
    quintile = int(quintile) if quintile is not None and quintile == quintile else None
    if scope is not None and row["district_id"] != scope:
        return 0.0
    if rule.quintiles and quintile not in rule.quintiles:
        return 0.0
    for group in rule.groups():
        if group == "most_deprived" and quintile != 1:
            return 0.0
        if group in ("rural", "urban") and row["area_type"] != group:
            return 0.0
        if group == "without_car" and car:
            return 0.0
        if group.startswith("people_") and people > 0:
            people *= (row[group] if row[group] == row[group] else 0) / row["population"]
    share = row["without_car_share"]
    return people * (1 - share if car else share)


def nobody_loses_too_much(m: Model) -> None:
    """(E8) Minutes to the hosts used, for each zone and service, against today's nearest."""
    for rule in m.rules("fairness"):
        counted = [(z, s) for z, s in m.visits if rule.services == "all" or s in rule.services]
        before = {pair: was for pair in counted if (was := minutes_today(m, *pair)) < math.inf}
        if rule.loses_at_most_minutes is not None:
            for pair, was in before.items():
                m.subject_to(minutes_used(m, *pair) <= was + rule.loses_at_most_minutes)
        for column in rule.no_group_worse:
            groups = {str(m.zones[z][column]) for z, _ in before} - {"", "<NA>", "nan", "None"}
            for group in sorted(groups):
                here = [pair for pair in before if str(m.zones[pair[0]][column]) == group]
                now = pulp.lpSum(m.visits[pair] * minutes_used(m, *pair) for pair in here)
                m.subject_to(now <= sum(m.visits[pair] * before[pair] for pair in here))
        if rule.worst_mean_minutes is not None:
            worst = worst_mean(m, counted, rule.worst_share)
            m.subject_to(worst <= rule.worst_mean_minutes)
        if rule.equal_minutes is not None:
            first = sum(m.visits[pair] * was for pair, was in before.items())
            second = sum(m.visits[pair] * was**2 for pair, was in before.items())
            kappa = rule.aversion * first / second if second > 0 else 0.0
            weighted_sum = pulp.lpSum(
                m.visits[z, s]
                * _kolm_pollak_term(kappa, m.minutes[z, b], rule.equal_minutes)
                * share
                for (z, s, b), share in m.serve.items()
                if (z, s) in counted
            )
            if counted:
                m.subject_to(weighted_sum <= sum(m.visits[pair] for pair in counted))


def _kolm_pollak_term(kappa: float, minutes: float, equal: float) -> float:
    """The disutility of minutes relative to ``equal``; their ratio where kappa is 0."""
    return math.exp(kappa * (minutes - equal)) if kappa else minutes / equal


def residents_choose_hosts(m: Model) -> None:
    """(E16) Nearest: residents pass no host on the way to another, unless its building is full;
    ties by building id. Decay: of any two hosts each has its share by the ratio of their pulls
    (Haase 2009)."""
    for rule in m.rules("behaviour"):
        if rule.residents == "decay":
            for z, s, b in m.serve:
                if pull(m, rule, z, b) == 0:
                    m.subject_to(m.serve[z, s, b] <= 0)
                for c in m.buildings:
                    if (z, s, c) in m.serve and c != b and pull(m, rule, z, c) > 0:
                        ratio = pull(m, rule, z, b) / pull(m, rule, z, c)
                        m.subject_to(
                            m.serve[z, s, b] <= ratio * m.serve[z, s, c] + 1 - m.host[c, s]
                        )
        if rule.residents == "nearest":
            full = full_buildings(m) if rule.overflow else dict.fromkeys(m.buildings, 0)
            for z, s, b in m.serve:
                nearer = pulp.lpSum(
                    m.serve[z, s, c]
                    for c in m.buildings
                    if (z, s, c) in m.serve and (m.minutes[z, c], c) <= (m.minutes[z, b], b)
                )
                m.subject_to(nearer + m.unserved[z, s] + full[b] >= m.host[b, s])


def full_buildings(m: Model) -> dict[str, Any]:
    """(E16) 1 only where all the usable floor of a building is in use."""
    full = {b: m.binary("full") for b in m.buildings}
    for b in m.buildings:
        if not (m.rules("floor") and m.rules("capacity")):
            m.subject_to(full[b] <= 0)
        areas = pulp.lpSum(area for (i, _), area in m.area.items() if i == b)
        m.subject_to(areas + m.front[b] >= usable(m, b) * full[b])
        needs = {s: m.services[s]["front_of_house_m2"] for i, s in m.host if i == b}
        for size in {0.0, *needs.values()}:  # or an idle front of house could fill a building
            more = [(need - size) * m.host[b, s] for s, need in needs.items() if need > size]
            m.subject_to(m.front[b] <= size + pulp.lpSum(more))
    return full


def pull(m: Model, rule: Any, z: str, b: str) -> float:
    """The attraction of a host for a zone (Huff): attractiveness x nearness."""
    minutes = m.minutes[z, b]
    near = math.exp(-rule.decay_per_minute * minutes) if rule.decay_per_minute else 0.0
    if rule.exponent:
        near = max(minutes, 1.0) ** -rule.exponent
    return near * (usable(m, b) if rule.attractiveness == "usable_m2" else 1.0)


def shares_today(m: Model, z: str, s: str) -> dict[str, float]:
    """Building -> share of a zone's visits at the hosts that residents choose today."""
    hosts = [b for b, of in m.today if of == s and (z, b) in m.minutes]
    decay = [rule for rule in m.rules("behaviour") if rule.residents == "decay"]
    if decay and hosts:
        drawn = {b: pull(m, decay[0], z, b) for b in hosts}
        return {b: one / sum(drawn.values()) for b, one in drawn.items()}
    return {min(hosts, key=lambda b: (m.minutes[z, b], b)): 1.0} if hosts else {}


def minutes_today(m: Model, z: str, s: str) -> float:
    going = shares_today(m, z, s)
    return sum(part * m.minutes[z, b] for b, part in going.items()) if going else math.inf


def minutes_used(m: Model, z: str, s: str) -> Any:
    return pulp.lpSum(
        m.minutes[z, b] * m.serve[z, s, b] for b in m.buildings if (z, s, b) in m.serve
    )


def worst_mean(m: Model, counted: list[tuple[str, str]], share: float) -> Any:
    """Mean minutes of the worst-off share of visits (Rockafellar and Uryasev)."""
    threshold, excess = m.number("threshold"), {pair: m.number("excess") for pair in counted}
    for pair in counted:
        m.subject_to(excess[pair] >= minutes_used(m, *pair) - threshold)
    most = max(share * sum(m.visits[pair] for pair in counted), 1e-9)
    return threshold + pulp.lpSum(m.visits[pair] / most * excess[pair] for pair in counted)
