"""The table of visits sent past a nearer host, and the reasons.

A visit is sent past a host of its service that is nearer (by the fastest mode) and whose offer is
at least that of the host it is sent to. Of these visits

    floor    no nearer host has floor left for half a visit more (E4, E5)
    capital  some have, but only where the fit-out would take capital that is used up (E10)
    cost     some have, but only at a higher cost, and the allowance for minutes is used up
    open     some could take the visit within floor, capital and cost

Capital and cost of one visit more or less are measured by a hundredth of a square metre more or
less, because fit-out over years depends on the largest area used (``timeline.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Bools, Floats
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.search.outcome import Outcome
from placeopt.estate.solution.decision import Decision
from placeopt.estate.solution.timeline import Flows, Timeline, fitted_m2, objective_value
from placeopt.estate.tables.years import receipt_years
from placeopt.scenario.reassignment import (
    AREA_TOLERANCE_M2,
    COST_TOLERANCE_GBP,
    MINUTES_TOLERANCE,
    VISIT_TOLERANCE,
    cost_ceiling_gbp,
    is_used_up,
)
from placeopt.scenario.rules.estate.services import Capacity, Capital, Floor

if TYPE_CHECKING:
    import pandas as pd

REASONS = ("floor", "capital", "cost", "open")


def sent_past_table(
    years: Years, timeline: Timeline, flows: Flows, cost_left_gbp: float
) -> pd.DataFrame:
    """Return one row for each decided year and service with visits.

    Args:
        years: the problem of every decided year.
        timeline: the plan.
        flows: its costs.
        cost_left_gbp: net present cost that the plan may still add for fewer minutes.

    Returns:
        Visits served a year, those sent past a nearer host, and these by reason.
    """
    import pandas as pd

    marginal_costs = _MarginalCosts(years, timeline, flows, cost_left_gbp)
    rows = []
    for t, (problem, decision) in enumerate(zip(years.problems, timeline.decisions, strict=True)):
        spare_m2 = _spare_m2(problem, decision, flows, t)
        for s in np.flatnonzero(~problem.services.back_office):
            hosts = np.flatnonzero(decision.host[:, s])
            obstacles = marginal_costs.obstacles(t, int(s), hosts)
            counted = _by_reason(problem, decision, int(s), hosts, spare_m2, *obstacles)
            served = float(problem.visits[:, s] @ _served_share(problem, decision, int(s)))
            rows.append((problem.year, problem.services.ids[s], served, sum(counted), *counted))
    names = [f"past_{reason}_visits_per_year" for reason in ("nearer", *REASONS)]
    return pd.DataFrame(rows, columns=["year", "service_id", "visits_per_year", *names])


def cost_left_gbp(years: Years, outcome: Outcome[Timeline], do_nothing: float) -> float:
    """Return the GBP, net present, that sending visits nearer may still cost; 0 if used up."""
    assert outcome.solution is not None
    cost = objective_value(years, outcome.solution, "cost")
    cost_reached = [s.result.objective for s in outcome.stages if s.objective == "cost"]
    ceiling = cost_ceiling_gbp(
        years.scenario, cost_reached[0] if cost_reached else None, cost, do_nothing
    )
    return 0.0 if is_used_up(ceiling - cost, cost) else ceiling - cost


def reassignment_summary(
    outcome: Outcome[Timeline], tables: dict[str, pd.DataFrame]
) -> dict[str, Any]:
    """Return the visits sent past a nearer host in the last year, and the record of the
    reassignment."""
    summary: dict[str, Any] = {}
    if "sent_past" in tables:
        summary |= _last_year_figures(tables["sent_past"])
    record = outcome.reassignment
    if record is None:
        return summary
    served = float(tables["assignment_by_year"]["visits_per_year"].sum())
    means = {
        when: minutes / served if served else 0.0
        for when, minutes in (("before", record.minutes_before), ("after", record.minutes_after))
    }
    gap = max(record.minutes_after - record.bound, 0.0) / max(abs(record.minutes_after), 1e-9)
    return summary | {
        "reassignment_status": str(record.status),
        "reassignment_minutes_before": record.minutes_before,
        "reassignment_minutes_after": record.minutes_after,
        "reassignment_minutes_proven_bound": record.bound,
        "reassignment_gap_share": gap,
        "reassignment_mean_minutes_before": means["before"],
        "reassignment_mean_minutes_after": means["after"],
        "reassignment_cost_gbp": record.cost_after - record.cost_before,
        "reassignment_cost_ceiling_gbp": record.ceiling,
        "reassignment_running_cost_gbp_per_year": record.running_after - record.running_before,
    }


def _last_year_figures(table: pd.DataFrame) -> dict[str, float]:
    """Return the last decided year's figures, over all services."""
    last = table[table["year"] == table["year"].max()] if len(table) else table
    figures = {
        f"past_{reason}_visits_per_year": float(last[f"past_{reason}_visits_per_year"].sum())
        for reason in ("nearer", *REASONS)
    }
    served = float(last["visits_per_year"].sum())
    share = figures["past_nearer_visits_per_year"] / served if served else 0.0
    return {**figures, "past_nearer_share": share}


def _served_share(problem: EstateProblem, decision: Decision, s: int) -> Floats:
    """Return (Z,) the share of each zone's visits that is served."""
    is_service = decision.service == s
    return np.bincount(
        decision.zone[is_service], decision.share[is_service], len(problem.zone_ids)
    ).astype(float)


def _spare_m2(problem: EstateProblem, decision: Decision, flows: Flows, t: int) -> Floats:
    """Return (B,) free floor area; inf where no rule limits it."""
    if not (problem.scenario.of(Floor) and problem.scenario.of(Capacity)):
        return np.full(len(problem.buildings.ids), np.inf)
    used = flows.costs[t].area_m2.sum(axis=1) + flows.costs[t].front_m2
    spare_m2: Floats = problem.buildings.usable_m2 - used
    return spare_m2


def _by_reason(
    problem: EstateProblem,
    decision: Decision,
    s: int,
    hosts: NDArray[np.int64],
    spare_m2: Floats,
    no_capital: Bools,
    no_money: Bools,
) -> tuple[float, ...]:
    """Return visits of one service sent past a nearer host, by reason. ``no_capital`` and
    ``no_money`` (H, H): whether lack of money keeps a visit from moving between two hosts."""
    rows = np.flatnonzero(decision.service == s)
    zone, building_used = decision.zone[rows], decision.building[rows]
    visits = problem.visits[zone, s] * decision.share[rows]
    at = np.searchsorted(hosts, building_used)
    has_full_offer = _full_offer(problem, decision, s)
    minutes = problem.minutes[:, hosts][zone]
    nearer = minutes < (problem.minutes[zone, building_used] - MINUTES_TOLERANCE)[:, None]
    nearer &= has_full_offer[hosts][None, :] | ~has_full_offer[building_used][:, None]
    has_space = nearer & _has_spare_area(problem, s, spare_m2)[hosts][None, :]
    within_capital = has_space & ~no_capital[at]
    within_cost = within_capital & ~no_money[at]
    is_past, some_space, some_capital, some_cost = (
        of.any(axis=1) for of in (nearer, has_space, within_capital, within_cost)
    )
    return tuple(
        float(visits[is_reason].sum())
        for is_reason in (
            is_past & ~some_space,
            some_space & ~some_capital,
            some_capital & ~some_cost,
            some_cost,
        )
    )


def _full_offer(problem: EstateProblem, decision: Decision, s: int) -> Bools:
    """Return (B,) whether the service's full offer is there, where it is hosted."""
    untiered = problem.full_today[:, s] | ~problem.hosted[:, s]
    by_tier = np.append(problem.tiers.full[:, s], False)[decision.tier]
    return np.where(decision.tier >= 0, by_tier, untiered)


def _has_spare_area(problem: EstateProblem, s: int, spare_m2: Floats) -> Bools:
    """Return (B,) whether there is floor left for half a visit more."""
    rate = problem.services.area_m2_per_unit[s]
    least_m2 = np.maximum(VISIT_TOLERANCE * rate, AREA_TOLERANCE_M2)
    has_area: Bools = (spare_m2 > least_m2) | (rate <= 0)
    return has_area


class _MarginalCosts:
    """Capital and cost of one visit more or less, and whether any of both is left."""

    def __init__(
        self, years: Years, timeline: Timeline, flows: Flows, cost_left_gbp: float
    ) -> None:
        self._years, self._course = years, timeline
        self._areas = np.stack([costs.area_m2 for costs in flows.costs])
        self._fitted = flows.fitted_m2
        self._cost_left = cost_left_gbp
        self._rules = [r for r in years.scenario.of(Capital) if "fit_out" in r.pays_for]
        self._short = self._used_up(flows)

    def _used_up(self, flows: Flows) -> Bools:
        """Return (T,) whether the capital of a rule is used up by the year."""
        years = self._years
        receipts = receipt_years(years, flows)
        used_up = np.zeros(len(years.problems), bool)
        for rule in self._rules:
            by_kind = {
                "fit_out": flows.fit_out_gbp.sum(axis=(1, 2)),
                "moves": flows.moving_gbp.sum(axis=(1, 2)),
                "set_up": flows.setup_gbp.sum(axis=1),
                "closing": flows.closing_gbp.sum(axis=1),
            }
            receipts_by_year = [
                receipts.get(problem.year, np.zeros(1)).sum() for problem in years.problems
            ]
            if len(years.problems) == 1:
                receipts_by_year = [sum(of_year.sum() for of_year in receipts.values())]
            spent = np.cumsum(np.sum([by_kind[kind] for kind in rule.pays_for], axis=0))
            available = np.cumsum(
                np.array(rule.pots(len(receipts_by_year)))
                + rule.recycled_share * np.array(receipts_by_year)
            )
            used_up |= np.array(
                [is_used_up(have - paid, have) for have, paid in zip(available, spent, strict=True)]
            )
        return used_up

    def obstacles(self, t: int, s: int, hosts: NDArray[np.int64]) -> tuple[Bools, Bools]:
        """Return (H, H) twice: whether a visit of year ``t`` cannot move from one of the hosts to
        another for lack of capital, and for lack of cost allowance."""
        capital_more, cost_more = (of[..., hosts] for of in self._change(t, s, 1.0))
        capital_less, cost_less = (of[..., hosts] for of in self._change(t, s, -1.0))
        cost_change = cost_less[:, None] + cost_more[None, :]
        no_money = (cost_change > COST_TOLERANCE_GBP) & (self._cost_left <= 0)
        no_capital = np.zeros_like(no_money)
        for k in np.flatnonzero(self._short):
            no_capital |= capital_less[k][:, None] + capital_more[k][None, :] > COST_TOLERANCE_GBP
        return no_capital, no_money

    def _change(self, t: int, s: int, sign: float) -> tuple[Floats, Floats]:
        """Return GBP of one visit more (1) or less (-1) at each building in the year: (T, B)
        capital paid by each year, and (B,) net present cost."""
        years = self._years
        b, rate = years.first.buildings, years.problems[t].services.area_m2_per_unit[s]
        areas = self._areas[:, :, s].copy()
        areas[t] += sign * AREA_TOLERANCE_M2
        fitted = fitted_m2(years, areas, years.first.hosted[:, s])
        paid_by_year = (
            (fitted - self._fitted[:, :, s]) * (rate / AREA_TOLERANCE_M2) * b.fit_out_gbp_per_m2
        )
        paid = np.diff(paid_by_year, axis=0, prepend=0.0)
        in_use = sign * rate * years.weight[t] * b.use_gbp_per_m2_per_year
        return paid_by_year, in_use + years.factor @ paid
