"""Which rules of a year would fail were one building otherwise: closed, or open as well.

Words name the rule and its number; what a building is needed for is told of the service points
that the plan has, as if nobody else took its place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.access import hosts_offering
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.solution.decision import Decision, costs_of, running_cost_today
from placeopt.estate.solution.standards_met import visit_shares_of_points
from placeopt.scenario.rules.estate.services import Carbon, Network, Revenue
from placeopt.scenario.wording import pounds

Names = dict[str, str]
Bools = NDArray[np.bool_]


def rules_broken_if_closed(problem: EstateProblem, plan: Decision, names: Names) -> list[list[str]]:
    """For every building the rules that fail without it and its service points."""
    needed: list[list[str]] = [[] for _ in problem.buildings.ids]

    def add(at: NDArray[np.int64], what: str) -> None:
        for i in at:
            if what not in needed[i]:
                needed[i].append(what)

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
    """Buildings without whose service point the standard fails."""
    rule, found = standard.rule, []
    at = np.flatnonzero(hosts_offering(problem, plan.host, plan.tier, standard))
    for reach, share in (
        (standard.within, rule.share if rule.minutes is not None else 0.0),
        (standard.under_ceiling, 1.0 if rule.ceiling_minutes is not None else 0.0),
    ):
        if share == 0:
            continue
        hosts_in_reach = reach[:, at].sum(axis=1)
        total, people = standard.residents.sum(), standard.residents
        covered = people[hosts_in_reach > 0].sum()
        only = people @ (reach[:, at] & (hosts_in_reach == 1)[:, None])
        found.append(at[covered - only < share * total - 1e-6 * total])
        if standard.is_counted_as_served and reach is standard.within:
            sent_to, going = visit_shares_of_points(problem, plan, standard)
            inside = np.where(reach, sent_to, 0.0)[:, at]
            served = people @ np.where(going, inside.sum(axis=1), hosts_in_reach > 0)
            alone = reach[:, at] & (hosts_in_reach == 1)[:, None]
            lost = people @ np.where(alone, np.where(going[:, None], inside, 1.0), 0.0)
            found.append(at[served - lost < share * total - 1e-6 * total])
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def rules_broken_if_open(problem: EstateProblem, plan: Decision, names: Names) -> list[list[str]]:
    """For every closed building the rules that fail were it open as well (E9, E11, E14)."""
    b = problem.buildings
    found: list[list[str]] = [[] for _ in b.ids]
    closed = ~plan.open & ~b.candidate
    emitted = float(b.carbon_tco2e_per_year[plan.open].sum())
    running = float(costs_of(problem, plan).running_gbp_per_year.sum())
    adds = b.fixed_gbp_per_year - b.holding_gbp_per_year * ~plan.disposed

    def add(at: Bools, what: str) -> None:
        for i in np.flatnonzero(at & closed):
            found[i].append(what)

    for rule in problem.scenario.of(Carbon):
        today = float(b.carbon_tco2e_per_year[b.open_today].sum())
        most = _ceiling(rule.ceiling_tco2e_per_year, rule.share_of_today, today)
        add(emitted + b.carbon_tco2e_per_year > most + 1e-6,
            f"carbon would pass its ceiling of {most:,.0f} t (E14)")  # fmt: skip
    for rule in problem.scenario.of(Revenue):
        today = running_cost_today(problem)
        most = _ceiling(rule.ceiling_gbp_per_year, rule.share_of_today, today)
        add(
            running + adds > most + 1,
            f"running costs would pass their ceiling (E11, {pounds(most)})",
        )
    for rule, scope, counted in _network_counts(problem, plan):
        full = rule.at_most is not None and counted.sum() >= rule.at_most
        if full and rule.tier is None and rule.service is None:
            inside = (b.district == scope) | (scope == "")
            add(inside, f"the most open buildings, {rule.at_most}, would be passed (E9)")
    return found


def _ceiling(stated: float | None, share: float | None, today: float) -> float:
    return stated if stated is not None else (share or 0.0) * today


def _network_counts(problem: EstateProblem, plan: Decision) -> Iterator[tuple[Network, str, Bools]]:
    """(rule, district or "", buildings counted) of every number that rules of the network set."""
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
            inside = b.district == scope if scope else np.ones(len(b.ids), bool)
            yield rule, scope, counted & inside


def _describe_least_number(rule: Network, scope: str, names: Names) -> str:
    of = "open buildings"
    if rule.tier is not None:
        of = f"buildings of tier {names.get(rule.tier) or rule.tier}"
    elif rule.service is not None:
        of = f"buildings with {names.get(rule.service) or rule.service}"
    where = f" in {names.get(scope) or scope}" if scope else ""
    return f"the least number of {of}{where}, {rule.at_least}"
