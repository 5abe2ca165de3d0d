"""Parts of running costs, and the costs of a plan over its whole life.

running_split  buildings in use, staff of service points, empty buildings held: GBP a year
whole_life     present value of every part of the net present cost, for doing nothing and the plan
cash_outlook   GBP by year and part, real and undiscounted, of ten years (more where more are
               decided or a receipt comes later); the last decided year's costs continue

Cost of capital is counted with its building, and the holding of a sold building until its receipt
with the empty ones. The benefit of shared roofs is part of the net present cost and not of cash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.decision import Costs
from placeopt.estate.solution.timeline import Flows

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place

OUTLOOK_YEARS = 10
RUNNING = ("buildings", "staff", "held_empty")
ONE_OFF = ("fit_out", "moves", "set_up", "closing", "redundancy", "double_running")
GBP_TOLERANCE = 0.5  # savings so far may miss a whole payback by this


@dataclass(frozen=True)
class LifeCost:
    """The costs of doing nothing, or of the plan, from the first year on.

    Attributes:
        present_gbp: part -> present value.
        cash_gbp: part -> (H,) of each year, undiscounted.
    """

    present_gbp: dict[str, float]
    cash_gbp: dict[str, Floats]

    @property
    def cash(self) -> Floats:
        """(H,) GBP of each year."""
        total: Floats = np.sum(list(self.cash_gbp.values()), axis=0)
        return total


def life_cost(years: Years, flows: Flows, horizon: int) -> LifeCost:
    """Return the parts of a timeline's cost: present values, and cash of ``horizon`` years."""
    factor, weight, b = years.factor, years.weight, years.first.buildings
    parts = [costs.running_cost_parts for costs in flows.costs]
    yearly = {name: np.array([of[name] for of in parts]) for name in RUNNING}
    one_off = {
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
    present |= {name: float(factor @ gbp) for name, gbp in one_off.items()}
    present |= {"receipts": 0.0}
    present["carbon"] = float(sum(costs.carbon_present_gbp.sum() for costs in flows.costs))

    def cash_of(of_years: Floats, continues: bool) -> Floats:
        last_gbp = of_years[-1] if continues else 0.0
        return np.concatenate([of_years, np.full(horizon - len(of_years), last_gbp)])

    cash = {name: cash_of(gbp, True) for name, gbp in yearly.items()}
    cash["one_off"] = cash_of(np.sum([one_off[name] for name in ONE_OFF], axis=0), False)
    cash["maintenance"] = cash_of(one_off["maintenance"], False)
    cash["receipts"] = np.zeros(horizon)
    for t, sold in enumerate(flows.sold):
        receipt_gbp = years.receipt_factor(t, b.sale_lag_years) * b.receipt_net_gbp
        present["held_empty"] += float(factor[t] * b.sale_holding_present_gbp[sold].sum())
        present["receipts"] -= float(receipt_gbp[sold].sum())
        for i in np.flatnonzero(sold):
            receipt_year = t + int(b.sale_lag_years[i])
            cash["held_empty"][t:receipt_year] += b.holding_gbp_per_year[i]
            cash["receipts"][receipt_year] -= b.receipt_net_gbp[i]
    return LifeCost(present, cash)


def cash_horizon(years: Years) -> int:
    """Return the years of cash: those appraised and decided, at least ten, and those until any
    receipt."""
    decided = len(years.problems)
    lag = int(years.first.buildings.sale_lag_years.max(initial=0))
    return max(OUTLOOK_YEARS, years.scenario.money.appraisal_years, decided + lag)


def whole_life_tables(
    years: Years, today: LifeCost, plan: LifeCost, before: Costs, after: Costs
) -> dict[str, pd.DataFrame]:
    """Return the three tables; ``before`` and ``after`` are the costs of the last decided year."""
    import pandas as pd

    start = years.first.year
    parts_before, parts_after = before.running_cost_parts, after.running_cost_parts
    split = pd.DataFrame(
        {
            "part": list(RUNNING),
            "before_gbp_per_year": [parts_before[name] for name in RUNNING],
            "after_gbp_per_year": [parts_after[name] for name in RUNNING],
        }
    )
    split["saving_gbp_per_year"] = split["before_gbp_per_year"] - split["after_gbp_per_year"]
    present = pd.DataFrame(
        {
            "part": list(plan.present_gbp),
            "do_nothing_present_gbp": list(today.present_gbp.values()),
            "plan_present_gbp": list(plan.present_gbp.values()),
        }
    )
    present["saving_present_gbp"] = present["do_nothing_present_gbp"] - present["plan_present_gbp"]
    years_shown = outlook_years(years, plan)
    rows = [
        {
            "year": start + t,
            "part": name,
            "do_nothing_gbp": today.cash_gbp[name][t],
            "plan_gbp": plan.cash_gbp[name][t],
        }
        for t in range(years_shown)
        for name in plan.cash_gbp
    ]
    cash = pd.DataFrame(rows)
    cash["saving_gbp"] = cash["do_nothing_gbp"] - cash["plan_gbp"]
    return {"running_split": split, "whole_life": present, "cash_outlook": cash}


def outlook_years(years: Years, plan: LifeCost) -> int:
    """Return the years of cash to show: ten, those decided, and those until the last receipt."""
    last = np.flatnonzero(plan.cash_gbp["receipts"]).max(initial=-1) + 1
    return max(OUTLOOK_YEARS, len(years.problems), int(last))


def payback_year(years: Years, today: LifeCost, plan: LifeCost) -> float:
    """Return the first year from whose end on the plan has never cost more cash than doing nothing;
    NaN where it has not saved any by the end."""
    saved_so_far = np.cumsum(today.cash - plan.cash)
    if saved_so_far[-1] <= GBP_TOLERANCE:
        return float("nan")
    years_behind = np.flatnonzero(saved_so_far < -GBP_TOLERANCE)
    return float(years.first.year + (years_behind.max() + 1 if len(years_behind) else 0))


def whole_life_summary(
    place: Place, years: Years, today: LifeCost, plan: LifeCost, before: Costs, after: Costs
) -> dict[str, Any]:
    """Return running costs in parts, one-off costs, ten years of cash, and the payback year."""
    parts_before, parts_after = before.running_cost_parts, after.running_cost_parts
    summary: dict[str, Any] = {}
    for name in RUNNING:
        summary[f"{name}_cost_before_gbp_per_year"] = parts_before[name]
        summary[f"{name}_cost_after_gbp_per_year"] = parts_after[name]
        summary[f"{name}_cost_saving_gbp_per_year"] = parts_before[name] - parts_after[name]
    one_off = float(plan.cash_gbp["one_off"].sum())
    summary |= {
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
    saving = today.cash[first].sum() - plan.cash[first].sum()
    return summary | {
        "ten_year_cash_do_nothing_gbp": float(today.cash[first].sum()),
        "ten_year_cash_plan_gbp": float(plan.cash[first].sum()),
        "ten_year_cash_saving_gbp": float(saving),
        "payback_year": payback_year(years, today, plan),
        "discount_rate_share_per_year": years.scenario.money.discount_rate,
    }


def redundancy_counted(place: Place) -> str:
    """Return whether services with staff state their redundancy: yes, partly or no."""
    table = place.services
    by_point = table["staffing_cost_gbp_per_point_per_year"] > 0
    staffed = (by_point | (table["staff_gbp_per_1000_visits"] > 0)).to_numpy()
    stated = (table["redundancy_gbp_per_point"] > 0).to_numpy()
    if not stated.any():
        return "no"
    return "partly" if (staffed & ~stated).any() else "yes"
