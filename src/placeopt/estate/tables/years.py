"""Tables year by year, and what each agency pays in each year.

buildings_by_year   one row a building and decided year: its state, what it hosts and costs
services_by_year    one row for each service point of a year, fitted out, in use or closing
assignment_by_year  where each zone's visits to each service go in each year
cash_flow           GBP by year, agency and line, real and undiscounted, for doing nothing and
                    for the plan; after the decided years only sales held and receipts
objectives_by_year  every objective of each year, and its running cost
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.decision import (
    Decision,
    held_empty,
    objective_value,
    replaced_buildings,
)
from placeopt.estate.solution.timeline import Flows, Timeline
from placeopt.estate.tables.partly_stated import carbon_tco2e, energy_kwh
from placeopt.scenario.objectives import ESTATE_UNITS

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place

YEARLY_UNITS = {"running_cost": "GBP/year"} | {k: u for k, u in ESTATE_UNITS.items() if k != "cost"}


def tables_by_year(
    place: Place,
    years: Years,
    timeline: Timeline,
    flows: Flows,
    before: Timeline,
    flows_before: Flows,
) -> dict[str, pd.DataFrame]:
    """Return every table that has a row for each decided year."""
    return {
        "buildings_by_year": _buildings(years, timeline, flows),
        "services_by_year": _services(years, timeline, flows),
        "assignment_by_year": _assignment(years, timeline),
        "cash_flow": _cash_flow(place, years, (before, flows_before), (timeline, flows)),
        "objectives_by_year": _objectives(years, before, timeline),
    }


def receipt_years(years: Years, flows: Flows) -> dict[int, Floats]:
    """Return net receipts (B,) by the year received, after the decided years as well."""
    b = years.first.buildings
    receipts_by_year: dict[int, Floats] = {}
    for t, sold in enumerate(flows.sold):
        receipt_year = years.problems[t].year + b.sale_lag_years
        for year in np.unique(receipt_year[sold & (b.receipt_net_gbp > 0)]):
            receipts = np.where(sold & (receipt_year == year), b.receipt_net_gbp, 0.0)
            receipts_by_year[int(year)] = (
                receipts_by_year.get(int(year), np.zeros(len(b.ids))) + receipts
            )
    return receipts_by_year


def years_of_buildings(years: Years, timeline: Timeline, flows: Flows) -> dict[str, pd.Series]:
    """Return the years in which each building opens, closes, is disposed of and paid for; empty if
    never."""
    import pandas as pd

    b = years.first.buildings
    names = ("opens_year", "closes_year", "disposal_year", "receipt_year")
    columns = {name: pd.array([pd.NA] * len(b.ids), dtype="Int64") for name in names}
    open_before = b.open_today
    for problem, decision, sold in zip(years.problems, timeline.decisions, flows.sold, strict=True):
        columns["opens_year"][decision.open & ~open_before] = problem.year
        columns["closes_year"][open_before & ~decision.open] = problem.year
        columns["disposal_year"][sold] = problem.year
        receipt_year = problem.year + b.sale_lag_years
        is_paid = sold & b.sellable
        columns["receipt_year"][is_paid] = receipt_year[is_paid]
        open_before = decision.open
    return {name: pd.Series(values) for name, values in columns.items()}


def building_states(problem: EstateProblem, decision: Decision) -> NDArray[np.str_]:
    """Return (B,) open, held, replaced, disposed or not_used."""
    words = np.where(problem.buildings.candidate, "not_used", "held")
    words = np.where(replaced_buildings(problem, decision), "replaced", words)
    words = np.where(decision.disposed, "disposed", words)
    return np.where(decision.open, "open", words)


def _buildings(years: Years, timeline: Timeline, flows: Flows) -> pd.DataFrame:
    import pandas as pd

    receipts = receipt_years(years, flows)
    none = np.zeros(len(years.first.buildings.ids))
    parts = []
    for t, (problem, decision) in enumerate(zip(years.problems, timeline.decisions, strict=True)):
        cost, b = flows.costs[t], problem.buildings
        visits = np.where(problem.services.back_office, 0.0, decision.units)
        tiers = np.append(problem.tiers.ids, "")
        parts.append(
            pd.DataFrame(
                {
                    "year": problem.year,
                    "building_id": b.ids,
                    "state": building_states(problem, decision),
                    "tier_id": tiers[decision.tier].astype(object),
                    "services": ["; ".join(problem.services.ids[row]) for row in decision.host],
                    "area_used_m2": cost.area_m2.sum(axis=1) + cost.front_m2,
                    "visits_per_year": visits.sum(axis=1),
                    "running_cost_gbp": cost.running_gbp_per_year,
                    "double_running_gbp": flows.double_running_gbp[t].sum(axis=1),
                    "fit_out_gbp": flows.fit_out_gbp[t].sum(axis=1),
                    "moving_gbp": flows.moving_gbp[t].sum(axis=1),
                    "setup_gbp": flows.setup_gbp[t],
                    "closing_gbp": flows.closing_gbp[t],
                    "backlog_gbp": np.where(flows.backlog_unknown[t], np.nan, flows.backlog_gbp[t]),
                    "receipt_net_gbp": receipts.get(problem.year, none),
                    "energy_kwh": energy_kwh(problem, decision.open),
                    "carbon_tco2e": carbon_tco2e(problem, decision.open),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _services(years: Years, timeline: Timeline, flows: Flows) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for t, (problem, decision) in enumerate(zip(years.problems, timeline.decisions, strict=True)):
        cost, is_office = flows.costs[t], problem.services.back_office
        fitted, double_running_gbp = flows.fitted_m2[t], flows.double_running_gbp[t]
        b, s = np.nonzero(decision.host | (fitted > 0) | (double_running_gbp > 0))
        units = decision.units[b, s]
        parts.append(
            pd.DataFrame(
                {
                    "year": problem.year,
                    "building_id": problem.buildings.ids[b],
                    "service_id": problem.services.ids[s],
                    "hosted": np.where(decision.host[b, s], "yes", "no"),
                    "area_m2": cost.area_m2[b, s],
                    "fitted_m2": fitted[b, s],
                    "visits_per_year": np.where(is_office[s], 0.0, units),
                    "desks": np.where(is_office[s], units, 0.0),
                    "staffing_cost_gbp": cost.staffing_gbp_per_year[b, s],
                    "fit_out_gbp": flows.fit_out_gbp[t][b, s],
                    "moving_gbp": flows.moving_gbp[t][b, s],
                    "double_running_gbp": double_running_gbp[b, s],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _assignment(years: Years, timeline: Timeline) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for problem, d in zip(years.problems, timeline.decisions, strict=True):
        order = np.lexsort((d.building, d.service, d.zone))
        z, s, b, share = (of[order] for of in (d.zone, d.service, d.building, d.share))
        parts.append(
            pd.DataFrame(
                {
                    "year": problem.year,
                    "zone_id": problem.zone_ids[z],
                    "service_id": problem.services.ids[s],
                    "building_id": problem.buildings.ids[b],
                    "share": share,
                    "visits_per_year": share * problem.visits[z, s],
                    "minutes": problem.minutes[z, b],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _cash_flow(
    place: Place, years: Years, today: tuple[Timeline, Flows], plan: tuple[Timeline, Flows]
) -> pd.DataFrame:
    import pandas as pd

    key = ["year", "agency_id", "line"]
    tables = {
        name: _cash(place, years, *timeline).groupby(key, sort=False)["gbp"].sum()
        for name, timeline in (("do_nothing_gbp", today), ("plan_gbp", plan))
    }
    table = pd.DataFrame(tables).fillna(0.0)
    table["saving_gbp"] = table["do_nothing_gbp"] - table["plan_gbp"]
    table = table[(table != 0).any(axis=1)].reset_index()
    lines = pd.Categorical(table["line"], LINES, ordered=True)
    order = table.assign(line=lines).sort_values(key).index
    return table.loc[order].reset_index(drop=True)


LINES = ("running", "staffing", "tiers", "holding", "cost_of_capital", "double_running",
         "redundancy", "fit_out", "moves", "set_up", "closing", "backlog", "receipts")  # fmt: skip


def _cash(place: Place, years: Years, timeline: Timeline, flows: Flows) -> pd.DataFrame:
    """Return (year, agency_id, line, gbp): staff, double running, redundancy and moves by the
    service's agency, all else by the building's."""
    import pandas as pd

    owner = place.buildings["agency_id"].to_numpy(str)
    provider = place.services["agency_id"].to_numpy(str)
    b = years.first.buildings
    cost_of_capital = b.cost_of_capital_gbp_per_year
    fixed, holding = (
        b.fixed_gbp_per_year - cost_of_capital,
        b.holding_gbp_per_year - cost_of_capital,
    )
    parts: list[tuple[int, str, NDArray[np.str_], Floats]] = []
    for t, (problem, decision) in enumerate(zip(years.problems, timeline.decisions, strict=True)):
        cost, year = flows.costs[t], problem.year
        is_held = held_empty(problem, decision)
        use_gbp = b.use_gbp_per_m2_per_year * (cost.area_m2.sum(axis=1) + cost.front_m2)
        tiers = np.append(problem.tiers.running_gbp_per_year, 0.0)[decision.tier]
        parts += [
            (year, "running", owner, fixed * decision.open + use_gbp),
            (year, "staffing", provider, cost.staffing_gbp_per_year.sum(axis=0)),
            (year, "tiers", owner, np.where(decision.tier >= 0, tiers, 0.0)),
            (year, "holding", owner, holding * is_held),
            (year, "cost_of_capital", owner, cost_of_capital * (decision.open | is_held)),
            (year, "double_running", provider, flows.double_running_gbp[t].sum(axis=0)),
            (year, "redundancy", provider, flows.redundancy_gbp[t]),
            (year, "fit_out", owner, flows.fit_out_gbp[t].sum(axis=1)),
            (year, "moves", provider, flows.moving_gbp[t].sum(axis=0)),
            (year, "set_up", owner, flows.setup_gbp[t]),
            (year, "closing", owner, flows.closing_gbp[t]),
            (year, "backlog", owner, flows.backlog_gbp[t]),
        ]
        for later in range(int((b.sale_lag_years * flows.sold[t]).max(initial=0))):
            is_waiting = flows.sold[t] & (b.sale_lag_years > later)
            parts.append((year + later, "holding", owner, holding * is_waiting))
            parts.append((year + later, "cost_of_capital", owner, cost_of_capital * is_waiting))
    for year, net in receipt_years(years, flows).items():
        parts.append((year, "receipts", owner, -net))
    return pd.concat(
        [
            pd.DataFrame({"year": year, "agency_id": agency, "line": line, "gbp": gbp})
            for year, line, agency, gbp in parts
        ],
        ignore_index=True,
    )


def _objectives(years: Years, before: Timeline, timeline: Timeline) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "year": problem.year,
            "objective": name,
            "unit": unit,
            "do_nothing": objective_value(problem, before.decisions[t], name),
            "plan": objective_value(problem, timeline.decisions[t], name),
        }
        for t, problem in enumerate(years.problems)
        for name, unit in YEARLY_UNITS.items()
    ]
    return pd.DataFrame(rows)
