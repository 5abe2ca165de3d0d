"""Rules of a year that would fail if one building were closed, or open as well.

Texts name the rule and its number. What a building is needed for is judged by the plan's service
points, with no other building in its place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools
from placeopt.estate.problem.access import hosts_offering
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.solution.decision import Decision, costs_of, running_cost_today
from placeopt.estate.solution.standards_met import visit_shares_of_points
from placeopt.scenario.rules.estate.services import Carbon, Network, Revenue
from placeopt.scenario.wording import pounds

Names = dict[str, str]


def rules_broken_if_closed(problem: EstateProblem, plan: Decision, names: Names) -> list[list[str]]:
    """Return for every building the rules that fail without it and its service points."""
    needed: list[list[str]] = [[] for _ in problem.buildings.ids]

    def add(buildings: NDArray[np.int64], text: str) -> None:
        for i in buildings:
            if text not in needed[i]:
                needed[i].append(text)

    for standard in problem.standards:
        service = names.get(standard.service_id) or standard.service_id
        scope = f", {names.get(standard.scope) or standard.scope}" if standard.scope else ""
        add(_indispensable_hosts(problem, plan, standard), f"{service} near by (E7{scope})")
    for rule, scope, counted in _network_counts(problem, plan):
        if rule.at_least is not None and counted.sum() <= rule.at_least:
            add(np.flatnonzero(counted), f"{_describe_least_number(rule, scope, names)} (E9)")
    return needed


def _indispensable_hosts(
    problem: EstateProblem, plan: Decision, standard: Standard
) -> NDArray[np.int64]:
    """Return the buildings without whose service point the standard fails."""
    rule, buildings = standard.rule, []
    hosts = np.flatnonzero(hosts_offering(problem, plan.host, plan.tier, standard))
    for reach, share in (
        (standard.within, rule.share if rule.minutes is not None else 0.0),
        (standard.under_ceiling, 1.0 if rule.ceiling_minutes is not None else 0.0),
    ):
        if share == 0:
            continue
        hosts_in_reach = reach[:, hosts].sum(axis=1)
        total, people = standard.residents.sum(), standard.residents
        covered = people[hosts_in_reach > 0].sum()
        residents_only = people @ (reach[:, hosts] & (hosts_in_reach == 1)[:, None])
        buildings.append(hosts[covered - residents_only < share * total - 1e-6 * total])
        if standard.is_counted_as_served and reach is standard.within:
            sent_to, has_visits = visit_shares_of_points(problem, plan, standard)
            share_within = np.where(reach, sent_to, 0.0)[:, hosts]
            served = people @ np.where(has_visits, share_within.sum(axis=1), hosts_in_reach > 0)
            is_only_host = reach[:, hosts] & (hosts_in_reach == 1)[:, None]
            served_only = people @ np.where(
                is_only_host, np.where(has_visits[:, None], share_within, 1.0), 0.0
            )
            buildings.append(hosts[served - served_only < share * total - 1e-6 * total])
    return np.concatenate(buildings) if buildings else np.zeros(0, np.int64)


def rules_broken_if_open(problem: EstateProblem, plan: Decision, names: Names) -> list[list[str]]:
    """Return for every closed building the rules that fail if it were open as well (E9, E11, E14).

    A ceiling that any of several closed buildings would pass is no reason for closing one of them.
    """
    b = problem.buildings
    broken: list[list[str]] = [[] for _ in b.ids]
    closed = ~plan.open & ~b.candidate
    emitted = float(b.carbon_tco2e_per_year[plan.open].sum())
    running = float(costs_of(problem, plan).running_gbp_per_year.sum())
    added_gbp = b.fixed_gbp_per_year - b.holding_gbp_per_year * ~plan.disposed

    def add(is_broken: Bools, text: str) -> None:
        for i in np.flatnonzero(is_broken & closed):
            broken[i].append(text)

    def of_some(is_broken: Bools) -> Bools:
        """A ceiling with room for none of several closed buildings explains no single one."""
        explains_none = closed.sum() > 1 and bool(is_broken[closed].all())
        return np.zeros_like(is_broken) if explains_none else is_broken

    for rule in problem.scenario.of(Carbon):
        today = float(b.carbon_tco2e_per_year[b.open_today].sum())
        ceiling = _ceiling(rule.ceiling_tco2e_per_year, rule.share_of_today, today)
        add(of_some(emitted + b.carbon_tco2e_per_year > ceiling + 1e-6),
            f"carbon would pass its ceiling of {ceiling:,.0f} t (E14)")  # fmt: skip
    for rule in problem.scenario.of(Revenue):
        today = running_cost_today(problem)
        ceiling = _ceiling(rule.ceiling_gbp_per_year, rule.share_of_today, today)
        add(
            of_some(running + added_gbp > ceiling + 1),
            f"running costs would pass their ceiling (E11, {pounds(ceiling)})",
        )
    for rule, scope, counted in _network_counts(problem, plan):
        is_full = rule.at_most is not None and counted.sum() >= rule.at_most
        if is_full and rule.tier is None and rule.service is None:
            in_scope = (b.district == scope) | (scope == "")
            add(in_scope, f"the most open buildings, {rule.at_most}, would be passed (E9)")
    return broken


def _ceiling(stated: float | None, share: float | None, today: float) -> float:
    """Return a ceiling as stated, or by its share of today's value."""
    return stated if stated is not None else (share or 0.0) * today


def _network_counts(problem: EstateProblem, plan: Decision) -> Iterator[tuple[Network, str, Bools]]:
    """Yield (rule, district or "", buildings counted) of every number that network rules limit."""
    b = problem.buildings
    for rule in problem.scenario.of(Network):
        counted: Bools = plan.open
        if rule.tier is not None:
            counted = np.isin(np.append(problem.tiers.ids, "")[plan.tier], [rule.tier])
        elif rule.service is not None:
            counted = plan.host @ (problem.services.ids == rule.service)
        scopes = [rule.district or ""]
        if rule.each_district:
            scopes = [str(name) for name in dict.fromkeys(b.district) if name]
        for scope in scopes:
            in_scope = b.district == scope if scope else np.ones(len(b.ids), bool)
            yield rule, scope, counted & in_scope


def _describe_least_number(rule: Network, scope: str, names: Names) -> str:
    """Return what a network rule asks for, in words."""
    counted = "open buildings"
    if rule.tier is not None:
        counted = f"buildings of tier {names.get(rule.tier) or rule.tier}"
    elif rule.service is not None:
        counted = f"buildings with {names.get(rule.service) or rule.service}"
    in_district = f" in {names.get(scope) or scope}" if scope else ""
    return f"the least number of {counted}{in_district}, {rule.at_least}"
