"""Why each building is kept, closed or opened: the rule or the saving that moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.estate.decision import Costs, Decision
from placeopt.estate.problem import EstateProblem

if TYPE_CHECKING:
    from placeopt.place import Place


def reasons(place: Place, problem: EstateProblem, plan: Decision, spent: Costs) -> list[str]:
    """One sentence or two for every building."""
    needed = _needed_for_access(problem, plan)
    names = dict(zip(place.services["service_id"], place.services["name"], strict=True))
    return [
        _open(problem, plan, spent, needed, names, i)
        if plan.open[i]
        else _closed(problem, plan, spent, names, i)
        for i in range(len(problem.buildings.ids))
    ]


def _needed_for_access(problem: EstateProblem, plan: Decision) -> list[list[str]]:
    """For every building, the access standards that fail without its service point."""
    needed: list[list[str]] = [[] for _ in problem.buildings.ids]
    for standard in problem.standards:
        host = plan.host[:, standard.service]
        what = f"{standard.service_id} ({standard.rule.number}"
        what += f", {standard.scope})" if standard.scope else ")"
        for reach, share in (
            (standard.within, standard.rule.share if standard.rule.minutes is not None else 0.0),
            (standard.under_ceiling, 1.0 if standard.rule.ceiling_minutes is not None else 0.0),
        ):
            if share == 0:
                continue
            at = np.flatnonzero(host)
            hosts_in_reach = reach[:, at].sum(axis=1)
            total, people = standard.residents.sum(), standard.residents
            covered = people[hosts_in_reach > 0].sum()
            only = people @ (reach[:, at] & (hosts_in_reach == 1)[:, None])
            for i in at[covered - only < share * total - 1e-6 * total]:
                if what not in needed[i]:
                    needed[i].append(what)
    return needed


def _open(
    problem: EstateProblem,
    plan: Decision,
    spent: Costs,
    needed: list[list[str]],
    names: dict[str, str],
    i: int,
) -> str:
    b, ids = problem.buildings, problem.services.ids
    if b.unknown_use[i]:
        return "Kept: what it hosts today is not known, so nothing is closed or moved in (E13)."
    parts = []
    if b.must_open[i]:
        parts.append("Decided already: it stays open (E13).")
    moves_in = [names.get(s, s) or s for s in ids[plan.host[i] & ~problem.hosted[i]]]
    if moves_in:
        parts.append(
            f"Takes in {', '.join(moves_in)} for GBP {spent.capital_gbp[i]:,.0f} of capital."
        )
    if needed[i]:
        parts.append(f"Without it too few residents would be near {', '.join(needed[i])}.")
    elif plan.host[i].any() and not b.must_open[i]:
        used = spent.area_m2[i].sum() + spent.front_m2[i]
        full = used / b.usable_m2[i] if b.usable_m2[i] > 0 else 0
        parts.append(
            f"The cheapest home found for its services within the rules; {100 * full:.0f} % of "
            "its usable area is in use."
        )
    if not plan.host[i].any() and not b.must_open[i]:
        parts.append("Open without a service: a rule on the number of buildings asks for it (E9).")
    return " ".join(parts)


def _closed(
    problem: EstateProblem, plan: Decision, spent: Costs, names: dict[str, str], i: int
) -> str:
    b, ids = problem.buildings, problem.services.ids
    if b.candidate[i]:
        return "Not needed."
    parts = []
    if b.must_close[i]:
        parts.append("Decided already: it closes (E13).")
    if b.open_today[i]:
        saved = b.fixed_gbp_per_year[i] - spent.running_gbp_per_year[i]
        parts.append(f"Closing saves GBP {saved:,.0f} a year before rehousing its services")
        moved = [names.get(s, s) or s for s in ids[problem.hosted[i]]]
        parts[-1] += f" ({', '.join(moved)})." if moved else "."
    else:
        parts.append("Not needed for any service.")
    if plan.disposed[i] and b.receipt_net_gbp[i] > 0:
        parts.append(f"Sold for GBP {b.receipt_net_gbp[i]:,.0f} net.")
    elif plan.disposed[i]:
        penalty = b.penalty_gbp[i]
        parts.append(
            f"Its lease is ended for GBP {penalty:,.0f}." if penalty else "Its lease is ended."
        )
    else:
        parts.append(f"Held empty for GBP {b.holding_gbp_per_year[i]:,.0f} a year.")
    return " ".join(parts)
