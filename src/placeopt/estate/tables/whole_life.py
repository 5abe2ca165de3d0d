"""What running costs are made of, and what a plan costs over its whole life.

running_split  buildings in use, staff of service points, empty buildings held: GBP a year
whole_life     every part of the net present cost, worth in the first year, for doing nothing and
               for the plan
cash_outlook   GBP by year and part, real and undiscounted, of ten years (more where more are
               decided or a receipt comes later); the last decided year's costs go on

Cost of capital is with its building, the holding of a sold building until its receipt with the
empty ones. The benefit of shared roofs is counted in the net present cost and is no cash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.decision import Costs
from placeopt.estate.solution.timeline import Flows

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place

Floats = NDArray[np.float64]
OUTLOOK_YEARS = 10
RUNNING = ("buildings", "staff", "held_empty")
ONE_OFF = ("fit_out", "moves", "set_up", "closing", "redundancy", "double_running")
GBP_TOLERANCE = 0.5  # GBP by which savings so far may miss a whole payback


@dataclass(frozen=True)
class LifeCost:
    """What doing nothing, or the plan, costs from the first year on."""

    present_gbp: dict[str, float]  # part -> worth in the first year
    cash_gbp: dict[str, Floats]  # part -> (H,) of each year, undiscounted

    @property
    def cash(self) -> Floats:
        """(H,) GBP of each year."""
        total: Floats = np.sum(list(self.cash_gbp.values()), axis=0)
        return total


def life_cost(years: Years, flows: Flows, horizon: int) -> LifeCost:
    """The parts of a course's cost: worth in the first year, and cash of ``horizon`` years."""
    factor, weight, b = years.factor, years.weight, years.first.buildings
    parts = [costs.running_cost_parts for costs in flows.costs]
    yearly = {name: np.array([of[name] for of in parts]) for name in RUNNING}
    once = {
        "fit_out": flows.fit_out_gbp.sum(axis=(1, 2)),
        "moves": flows.moving_gbp.sum(axis=(1, 2)),
        "set_up": flows.setup_gbp.sum(axis=1),
        "closing": flows.closing_gbp.sum(axis=1),
        "redundancy": flows.redundancy_gbp.sum(axis=1),
        "double_running": flows.double_running_gbp.sum(axis=(1, 2)),
        "maintenance": flows.backlog_gbp.sum(axis=1),
    }
    benefit = np.array([costs.benefit_gbp_per_year for costs in flows.costs])
    present = {name: float(weight @ gbp) for name, gbp in yearly.items()}
    present["shared_roof_benefit"] = -float(weight @ benefit)
    present |= {name: float(factor @ gbp) for name, gbp in once.items()}
    present |= {"receipts": 0.0}
    present["carbon"] = float(sum(costs.carbon_present_gbp.sum() for costs in flows.costs))

    def over(of_years: Floats, goes_on: bool) -> Floats:
        later = of_years[-1] if goes_on else 0.0
        return np.concatenate([of_years, np.full(horizon - len(of_years), later)])

    cash = {name: over(gbp, True) for name, gbp in yearly.items()}
    cash["one_off"] = over(np.sum([once[name] for name in ONE_OFF], axis=0), False)
    cash["maintenance"] = over(once["maintenance"], False)
    cash["receipts"] = np.zeros(horizon)
    for t, sold in enumerate(flows.sold):
        worth = years.receipt_factor(t, b.sale_lag_years) * b.receipt_net_gbp
        present["held_empty"] += float(factor[t] * b.sale_holding_present_gbp[sold].sum())
        present["receipts"] -= float(worth[sold].sum())
        for i in np.flatnonzero(sold):
            comes = t + int(b.sale_lag_years[i])
            cash["held_empty"][t:comes] += b.holding_gbp_per_year[i]
            cash["receipts"][comes] -= b.receipt_net_gbp[i]
    return LifeCost(present, cash)


def cash_horizon(years: Years) -> int:
    """Years of cash: those appraised and decided, ten at least, and those until any receipt."""
    decided = len(years.problems)
    lag = int(years.first.buildings.sale_lag_years.max(initial=0))
    return max(OUTLOOK_YEARS, years.scenario.money.appraisal_years, decided + lag)


def whole_life_tables(
    years: Years, nothing: LifeCost, plan: LifeCost, before: Costs, after: Costs
) -> dict[str, pd.DataFrame]:
    """The three tables; ``before`` and ``after`` are the costs of the last decided year."""
    import pandas as pd

    start = years.first.year
    was, now = before.running_cost_parts, after.running_cost_parts
    split = pd.DataFrame(
        {
            "part": list(RUNNING),
            "before_gbp_per_year": [was[name] for name in RUNNING],
            "after_gbp_per_year": [now[name] for name in RUNNING],
        }
    )
    split["saving_gbp_per_year"] = split["before_gbp_per_year"] - split["after_gbp_per_year"]
    worth = pd.DataFrame(
        {
            "part": list(plan.present_gbp),
            "do_nothing_present_gbp": list(nothing.present_gbp.values()),
            "plan_present_gbp": list(plan.present_gbp.values()),
        }
    )
    worth["saving_present_gbp"] = worth["do_nothing_present_gbp"] - worth["plan_present_gbp"]
    shown = outlook_years(years, plan)
    rows = [
        {
            "year": start + t,
            "part": name,
            "do_nothing_gbp": nothing.cash_gbp[name][t],
            "plan_gbp": plan.cash_gbp[name][t],
        }
        for t in range(shown)
        for name in plan.cash_gbp
    ]
    cash = pd.DataFrame(rows)
    cash["saving_gbp"] = cash["do_nothing_gbp"] - cash["plan_gbp"]
    return {"running_split": split, "whole_life": worth, "cash_outlook": cash}


def outlook_years(years: Years, plan: LifeCost) -> int:
    """Years that the cash is shown for: ten, those decided, and those until the last receipt."""
    last = np.flatnonzero(plan.cash_gbp["receipts"]).max(initial=-1) + 1
    return max(OUTLOOK_YEARS, len(years.problems), int(last))


def payback_year(years: Years, nothing: LifeCost, plan: LifeCost) -> float:
    """The first year at whose end the plan has cost no more cash than doing nothing, and in no
    later year of the appraisal again; NaN where it has not saved any by the end."""
    saved = np.cumsum(nothing.cash - plan.cash)
    if saved[-1] <= GBP_TOLERANCE:
        return float("nan")
    behind = np.flatnonzero(saved < -GBP_TOLERANCE)
    return float(years.first.year + (behind.max() + 1 if len(behind) else 0))


def whole_life_summary(
    place: Place, years: Years, nothing: LifeCost, plan: LifeCost, before: Costs, after: Costs
) -> dict[str, Any]:
    """Running costs in parts, what is paid once, ten years of cash, and when the plan pays back."""
    was, now = before.running_cost_parts, after.running_cost_parts
    found: dict[str, Any] = {}
    for name in RUNNING:
        found[f"{name}_cost_before_gbp_per_year"] = was[name]
        found[f"{name}_cost_after_gbp_per_year"] = now[name]
        found[f"{name}_cost_saving_gbp_per_year"] = was[name] - now[name]
    one_off = float(plan.cash_gbp["one_off"].sum())
    found |= {
        "fit_out_gbp": float(after.fit_out_gbp.sum()),
        "moves_gbp": float(after.moving_gbp.sum()),
        "set_up_gbp": float(after.setup_gbp.sum()),
        "closing_gbp": float(after.closing_gbp.sum()),
        "double_running_gbp": one_off
        - float(after.capital_gbp.sum())
        - float(after.redundancy_gbp.sum()),
        "one_off_gbp": one_off,
        "redundancy_counted": redundancy_counted(place),
    }
    first = slice(0, OUTLOOK_YEARS)
    saving = nothing.cash[first].sum() - plan.cash[first].sum()
    return found | {
        "ten_year_cash_do_nothing_gbp": float(nothing.cash[first].sum()),
        "ten_year_cash_plan_gbp": float(plan.cash[first].sum()),
        "ten_year_cash_saving_gbp": float(saving),
        "payback_year": payback_year(years, nothing, plan),
        "discount_rate_share_per_year": years.scenario.money.discount_rate,
    }


def redundancy_counted(place: Place) -> str:
    """Whether services with staff state what letting them go costs: yes, partly or no."""
    table = place.services
    by_point = table["staffing_cost_gbp_per_point_per_year"] > 0
    staffed = (by_point | (table["staff_gbp_per_1000_visits"] > 0)).to_numpy()
    stated = (table["redundancy_gbp_per_point"] > 0).to_numpy()
    if not stated.any():
        return "no"
    return "partly" if (staffed & ~stated).any() else "yes"
