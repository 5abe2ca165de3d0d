"""The plan as tables in the user's own rows and ids: the state at the end of the decided years
against today; ``tables/years.py`` adds the tables of every year.

    buildings   one row a building: its decision, services, costs and reasons
    reasons     one row a reason of ``why``: code, year, amount with its unit, ids, sentence
    services    one row for each service point before or after: stays, moves in, moves out
    assignment  where each zone's visits to each service go, minutes by the fastest mode
    access      minutes of each zone's visits to each service where they are sent, and to the
                nearest host, before and after
    zones       visit-weighted means of those minutes, before and after
    bands       residents by minutes as they are sent and to the nearest host of each service,
                before and after; by the modes open to them: households without a car do not drive
    standards   every access rule by year, service and district: the share asked, the share within
                the minutes as residents are sent and by the nearest host, and the longest minutes
    sent_past   visits sent past a nearer host by year and service, and the reasons; not where
                residents choose their hosts
    money       by agency and line, GBP a year before and after, and one-off
    objectives  every objective for do-nothing and for the plan
    rents       with fair rents (E15): one rent per m2 for each building let
    agencies    with fair rents: what each agency's buildings cost today and what it pays after
    closures    one row for each service point that closes and building that takes its users
    closures_by_group  minutes of the users of a closed point, by resident group and mode
    assignment_today  where visits of the last decided year would go today
    channels_by_year  every visit: online, served, unserved; every desk, and those of closed offices
    running_split, whole_life, cash_outlook  what running costs are made of; costs of doing nothing
                and of the plan over the whole life: ``tables/whole_life.py``
    carbon_by_year  where carbon is priced: tonnes, their value and the saving, year by year

Before means today's arrangement with residents at the hosts they choose. Missing numbers are NaN,
missing text is "".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Plan
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.search.outcome import Outcome
from placeopt.estate.solution.decision import Costs, Decision, held_empty, replaced_buildings
from placeopt.estate.solution.rents import agencies_table, fair_rents, rents_table
from placeopt.estate.solution.timeline import Flows, Timeline, do_nothing, flows_of, objective_value
from placeopt.estate.tables.carbon import carbon_table
from placeopt.estate.tables.channels import channels_table
from placeopt.estate.tables.closures import closures_tables
from placeopt.estate.tables.partly_stated import carbon_tco2e, energy_kwh, stated_buildings
from placeopt.estate.tables.reasons import reasons_table, why_texts
from placeopt.estate.tables.residents import access_table, bands_table, zones_table
from placeopt.estate.tables.sent_past import (
    cost_left_gbp,
    reassignment_summary,
    sent_past_table,
)
from placeopt.estate.tables.standards import standards_table
from placeopt.estate.tables.whole_life import (
    cash_horizon,
    life_cost,
    whole_life_summary,
    whole_life_tables,
)
from placeopt.estate.tables.without_car import without_car_summary
from placeopt.estate.tables.years import tables_by_year, years_of_buildings
from placeopt.scenario.objectives import ESTATE_UNITS
from placeopt.scenario.reassignment import planner_assigns
from placeopt.scenario.rules.estate.services import FairRents

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.travel import TravelTimes


def plan_tables(place: Place, times: TravelTimes, years: Years, outcome: Outcome[Timeline]) -> Plan:
    """Return the tables and the summary of a plan.

    Args:
        place: tables in canonical order.
        times: minutes by mode.
        years: the problem of every decided year.
        outcome: the stages and the timeline found.
    """
    timeline = outcome.solution
    assert timeline is not None
    timeline_today = do_nothing(years)
    flows_before, flows = flows_of(years, timeline_today), flows_of(years, timeline)
    problem, before, plan = years.last, timeline_today.last, timeline.last
    costs_before = flows_before.total_costs(years, timeline_today)
    costs = flows.total_costs(years, timeline)
    horizon = cash_horizon(years)
    life_costs = life_cost(years, flows_before, horizon), life_cost(years, flows, horizon)
    access = access_table(problem, before, plan)
    unknown = np.asarray(flows.backlog_unknown.any(axis=0))
    buildings = _buildings(place, problem, plan, costs_before, costs, unknown)
    reasons = reasons_table(place, years, timeline, costs)
    tables = {
        "buildings": buildings.assign(
            why=why_texts(reasons, buildings["building_id"]),
            **years_of_buildings(years, timeline, flows),
        ),
        "reasons": reasons,
        "services": _services(problem, timeline, before, costs_before, costs),
        "assignment": _assignment(times, problem, plan),
        "assignment_today": _assignment(times, problem, before),
        **closures_tables(place, times, years, timeline_today, timeline),
        "access": access,
        "standards": standards_table(times, years, timeline_today, timeline),
        "zones": zones_table(place, problem, access),
        "bands": bands_table(place, times, problem, before, plan),
        "money": _money(place, problem, plan, costs_before, costs),
        "objectives": _objectives(years, timeline_today, timeline),
        "channels_by_year": channels_table(place, years, timeline),
        **whole_life_tables(years, *life_costs, costs_before, costs),
        **tables_by_year(place, years, timeline, flows, timeline_today, flows_before),
    }
    if planner_assigns(years.scenario):
        cost_left = cost_left_gbp(years, outcome, objective_value(years, timeline_today, "cost"))
        tables["sent_past"] = sent_past_table(years, timeline, flows, cost_left)
    if years.scenario.of(FairRents):
        rents = fair_rents(place, problem, costs_before, costs)
        tables["rents"] = rents_table(problem, rents)
        tables["agencies"] = agencies_table(rents)
    if years.scenario.money.carbon_values:
        tables["carbon_by_year"] = carbon_table(place, years, timeline_today, timeline)
    summary = _summary(years, outcome, tables, costs_before, costs)
    summary |= whole_life_summary(place, years, *life_costs, costs_before, costs)
    summary |= reassignment_summary(outcome, tables)
    summary |= without_car_summary(place, times, problem, before, plan)
    summary |= _receipts(place, years, timeline, flows) | _carbon(years, flows_before, flows)
    return Plan(tables=tables, summary=summary)


def decisions(problem: EstateProblem, plan: Decision) -> list[str]:
    """Return the decision on each building, in one word."""
    b = problem.buildings
    takes_services = (plan.host & ~problem.hosted).any(axis=1) | (plan.tier >= 0)
    words = []
    for i in range(len(b.ids)):
        if plan.open[i]:
            words.append("open" if not b.open_today[i] else "hub" if takes_services[i] else "keep")
        elif b.candidate[i]:
            words.append("not_used")
        elif b.vacant_today[i] and not plan.disposed[i]:
            words.append("stay_vacant")
        else:
            words.append("close")
    return words


def disposals(problem: EstateProblem, plan: Decision) -> list[str]:
    """Return how a closed building is left: sold, lease_ended, held, or replaced by the candidate
    that uses it; "" for the others."""
    b = problem.buildings
    existing = b.open_today | b.vacant_today
    is_replaced = replaced_buildings(problem, plan)
    return [
        ""
        if plan.open[i] or not existing[i]
        else ("sold" if b.sellable[i] else "lease_ended")
        if plan.disposed[i]
        else "replaced"
        if is_replaced[i]
        else "held"
        for i in range(len(b.ids))
    ]


def _service_lists(problem: EstateProblem, host: np.ndarray) -> list[str]:
    """Return the services of each building as text."""
    ids = problem.services.ids
    return ["; ".join(ids[row]) for row in host]


def _buildings(
    place: Place,
    problem: EstateProblem,
    plan: Decision,
    costs_before: Costs,
    costs: Costs,
    maintenance_unknown: np.ndarray,
) -> pd.DataFrame:
    import pandas as pd

    table, b = place.buildings, problem.buildings
    tier_ids = np.append(problem.tiers.ids, "")
    visits = np.where(problem.services.back_office, 0.0, plan.units)
    return pd.DataFrame(
        {
            "building_id": b.ids,
            "name": table["name"],
            "kind": table["kind"],
            "agency_id": table["agency_id"],
            "district_id": table["district_id"],
            "x_m": b.x_m,
            "y_m": b.y_m,
            "status_before": table["status"],
            "decision": decisions(problem, plan),
            "disposal": disposals(problem, plan),
            "tier_id": tier_ids[plan.tier].astype(object),
            "services_before": _service_lists(problem, problem.hosted),
            "services_after": _service_lists(problem, plan.host),
            "usable_m2": b.usable_m2,
            "front_of_house_m2": costs.front_m2,
            "area_used_m2": costs.area_m2.sum(axis=1) + costs.front_m2,
            "visits_per_year": visits.sum(axis=1),
            "running_cost_before_gbp_per_year": costs_before.running_gbp_per_year,
            "running_cost_after_gbp_per_year": costs.running_gbp_per_year,
            "capital_gbp": costs.capital_gbp,
            "backlog_gbp": np.where(maintenance_unknown, np.nan, costs.backlog_gbp),
            "receipt_net_gbp": costs.receipt_net_gbp,
            "energy_before_kwh_per_year": energy_kwh(problem, b.open_today),
            "energy_after_kwh_per_year": energy_kwh(problem, plan.open),
            "carbon_before_tco2e_per_year": carbon_tco2e(problem, b.open_today),
            "carbon_after_tco2e_per_year": carbon_tco2e(problem, plan.open),
        }
    )


def _services(
    problem: EstateProblem,
    timeline: Timeline,
    before: Decision,
    costs_before: Costs,
    costs: Costs,
) -> pd.DataFrame:
    import pandas as pd

    plan, capital = timeline.last, costs.fit_out_gbp + costs.moving_gbp
    some_year = np.any([decision.host for decision in timeline.decisions], axis=0)
    b, s = np.nonzero(problem.hosted | some_year | (capital > 0))
    is_before, is_after = problem.hosted[b, s], plan.host[b, s]
    moves = np.where(is_after, "moves_in", np.where(is_before, "moves_out", "in_between"))
    back_office = problem.services.back_office[s]
    return pd.DataFrame(
        {
            "building_id": problem.buildings.ids[b],
            "service_id": problem.services.ids[s],
            "before": is_before,
            "after": is_after,
            "decision": np.where(is_before & is_after, "stays", moves),
            "area_m2": costs.area_m2[b, s],
            "area_before_m2": costs_before.area_m2[b, s],
            "visits_per_year": np.where(back_office, 0.0, plan.units[b, s]),
            "visits_before_per_year": np.where(back_office, 0.0, before.units[b, s]),
            "desks": np.where(back_office, plan.units[b, s], 0.0),
            "staffing_cost_gbp_per_year": costs.staffing_gbp_per_year[b, s],
            "capital_gbp": capital[b, s],
        }
    )


def _assignment(times: TravelTimes, problem: EstateProblem, plan: Decision) -> pd.DataFrame:
    import pandas as pd

    z, s, b = plan.zone, plan.service, plan.building
    modes = [mode for mode in problem.scenario.travel.modes if mode in times.modes]
    by_mode = np.stack([times.matrix(mode)[z, b] for mode in modes])
    fastest = np.where(np.isnan(by_mode), np.inf, by_mode).argmin(axis=0)
    table = pd.DataFrame(
        {
            "zone_id": problem.zone_ids[z],
            "service_id": problem.services.ids[s],
            "building_id": problem.buildings.ids[b],
            "share": plan.share,
            "visits_per_year": plan.share * problem.visits[z, s],
            "minutes": problem.minutes[z, b],
            "mode": np.array(modes, dtype=object)[fastest],
        }
    )
    order = np.lexsort((b, s, z))
    return table.iloc[order].reset_index(drop=True)


def _money(
    place: Place, problem: EstateProblem, plan: Decision, costs_before: Costs, costs: Costs
) -> pd.DataFrame:
    """Return costs by agency and line: the building's agency, except staff and moves: the
    service's."""
    import pandas as pd

    b, tiers = problem.buildings, problem.tiers
    owner = place.buildings["agency_id"].to_numpy(str)
    provider = place.services["agency_id"].to_numpy(str)
    existing = b.open_today | b.vacant_today
    tier_running = np.where(plan.tier >= 0, np.append(tiers.running_gbp_per_year, 0)[plan.tier], 0)

    def use_gbp(state: Costs) -> NDArray[np.float64]:
        used_m2: NDArray[np.float64] = state.area_m2.sum(axis=1) + state.front_m2
        return b.use_gbp_per_m2_per_year * used_m2

    no_building = np.zeros(len(b.ids))
    no_service = np.zeros(len(provider))
    held_before, is_held = b.vacant_today, held_empty(problem, plan)
    cost_of_capital = b.cost_of_capital_gbp_per_year
    fixed, holding = (
        b.fixed_gbp_per_year - cost_of_capital,
        b.holding_gbp_per_year - cost_of_capital,
    )
    lines = [
        ("open buildings", owner, fixed * b.open_today, fixed * plan.open, no_building),
        ("floor area in use", owner, use_gbp(costs_before), use_gbp(costs), no_building),
        ("empty buildings", owner, holding * held_before, holding * is_held, no_building),
        (
            "cost of capital",
            owner,
            cost_of_capital * existing,
            cost_of_capital * (plan.open | is_held),
            no_building,
        ),
        ("tiers", owner, no_building, tier_running, costs.setup_gbp),
        (
            "staff of service points",
            provider,
            costs_before.staffing_gbp_per_year.sum(axis=0),
            costs.staffing_gbp_per_year.sum(axis=0),
            no_service,
        ),
        ("fit-out", owner, no_building, no_building, costs.fit_out_gbp.sum(axis=1)),
        ("moves", provider, no_service, no_service, costs.moving_gbp.sum(axis=0)),
        ("redundancy", provider, no_service, no_service, costs.redundancy_gbp),
        ("closing", owner, no_building, no_building, costs.closing_gbp),
        ("required maintenance", owner, no_building, no_building, costs.backlog_gbp),
        ("receipts, net", owner, no_building, no_building, -costs.receipt_net_gbp),
    ]
    parts = [
        pd.DataFrame(
            {
                "agency_id": agency,
                "line": line,
                "before_gbp_per_year": before,
                "after_gbp_per_year": after,
                "one_off_gbp": once,
            }
        )
        for line, agency, before, after, once in lines
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table.groupby(["agency_id", "line"], sort=False, as_index=False).sum()
    is_not_zero = (table.iloc[:, 2:] != 0).any(axis=1)
    return table[is_not_zero].reset_index(drop=True)


def _objectives(years: Years, before: Timeline, timeline: Timeline) -> pd.DataFrame:
    import pandas as pd

    weights = years.scenario.objective.weights
    units = ESTATE_UNITS | ({"weighted": "GBP, as weighted"} if weights else {})
    table = pd.DataFrame(
        {
            "objective": list(units),
            "unit": list(units.values()),
            "do_nothing": [objective_value(years, before, name) for name in units],
            "plan": [objective_value(years, timeline, name) for name in units],
        }
    )
    if weights:
        table["weight_gbp_per_unit"] = [weights.get(name, np.nan) for name in units]
    return table


def _receipts(place: Place, years: Years, timeline: Timeline, flows: Flows) -> dict[str, float]:
    """Return receipts gross, the clawback, receipts net of it and of sale costs, and their present
    value."""
    b = years.first.buildings
    gross = place.buildings["capital_receipt_gbp"].fillna(0).to_numpy(float)
    clawback = gross * place.buildings["receipt_clawback_share"].to_numpy(float)
    is_sold = timeline.last.disposed & b.sellable
    present_gbp = [
        (years.receipt_factor(t, b.sale_lag_years) * b.receipt_net_gbp)[of_year].sum()
        for t, of_year in enumerate(flows.sold)
    ]
    return {
        "receipts_gross_gbp": float(gross[is_sold].sum()),
        "receipts_clawback_gbp": float(clawback[is_sold].sum()),
        "receipts_net_gbp": float(b.receipt_net_gbp[is_sold].sum()),
        "receipts_net_present_gbp": float(sum(present_gbp)),
    }


def _carbon(years: Years, before: Flows, after: Flows) -> dict[str, float]:
    """Return the present value of priced carbon; empty where none is priced."""
    if not years.scenario.money.carbon_values:
        return {}
    gbp_before, gbp_after = (
        float(sum(costs.carbon_present_gbp.sum() for costs in flows.costs))
        for flows in (before, after)
    )
    return {
        "carbon_priced_years": years.first.carbon_priced_years,
        "carbon_present_before_gbp": gbp_before,
        "carbon_present_after_gbp": gbp_after,
        "carbon_present_saving_gbp": gbp_before - gbp_after,
    }


def _summary(
    years: Years,
    outcome: Outcome[Timeline],
    tables: dict[str, pd.DataFrame],
    costs_before: Costs,
    costs: Costs,
) -> dict[str, Any]:
    decision_words = tables["buildings"]["decision"]
    cost = {when: float(tables["objectives"][when].iloc[0]) for when in ("do_nothing", "plan")}
    before, after = (c.running_gbp_per_year.sum() for c in (costs_before, costs))
    backlog_known = years.first.buildings.backlog_stated.any()

    def maintenance(state: Costs) -> float:
        return float(state.backlog_gbp.sum()) if backlog_known else float("nan")

    summary: dict[str, Any] = {
        "year": years.first.year,
        "first_year": years.first.year,
        "last_year": years.last.year,
        "buildings_open_before": int(years.first.buildings.open_today.sum()),
        "buildings_open_after": int(decision_words.isin(["keep", "hub", "open"]).sum()),
        **{
            f"buildings_{word}": int((decision_words == word).sum())
            for word in ("keep", "close", "hub", "open", "stay_vacant", "not_used")
        },
        "service_points_before": int(years.first.hosted.sum()),
        "service_points_after": int((tables["services"]["after"]).sum()),
        "running_cost_before_gbp_per_year": float(before),
        "running_cost_after_gbp_per_year": float(after),
        "running_cost_saving_gbp_per_year": float(before - after),
        "capital_gbp": float(costs.capital_gbp.sum()),
        "redundancy_gbp": float(costs.redundancy_gbp.sum()),
        "backlog_before_gbp": maintenance(costs_before),
        "backlog_after_gbp": maintenance(costs),
        **stated_buildings(years.first),
        "shared_roof_benefit_gbp_per_year": costs.benefit_gbp_per_year,
        "net_present_cost_do_nothing_gbp": cost["do_nothing"],
        "net_present_cost_plan_gbp": cost["plan"],
        "net_present_saving_gbp": cost["do_nothing"] - cost["plan"],
        "appraisal_years": years.first.scenario.money.appraisal_years,
    }
    for stage in outcome.stages:
        summary[f"{stage.objective}_best_found"] = stage.result.objective
        summary[f"{stage.objective}_proven_bound"] = stage.result.bound
        summary[f"{stage.objective}_gap_share"] = stage.result.gap
    return summary
