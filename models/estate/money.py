"""Rules about money and carbon: capital (E10), revenue (E11), carbon (E14), fair rents (E15)."""

from __future__ import annotations

from typing import Any

import pulp
from models.estate.data import (
    BY_VISITS,
    STAFF,
    TIED_UP,
    Model,
    exists,
    penalty,
    replaces,
    sellable,
    sold_for,
    year,
)
from models.estate.people import shares_today


def capital_and_revenue_fit(m: Model) -> None:
    """(E10) and (E11)"""
    for rule in m.rules("capital"):
        receipts = pulp.lpSum(sold_for(m, b) * m.ends[b] for b in m.buildings)
        m.subject_to(capital(m, rule.pays_for) <= rule.pots()[0] + rule.recycled_share * receipts)
    for rule in m.rules("revenue"):
        ceiling = rule.ceiling_gbp_per_year
        if ceiling is None:
            ceiling = rule.share_of_today * running_today(m)
        m.subject_to(running(m) <= ceiling)


def carbon_fits(m: Model) -> None:
    """(E14)"""
    for rule in m.rules("carbon"):
        today = sum(
            row["carbon_tco2e_per_year"] for row in m.buildings.values() if row["status"] == "open"
        )
        ceiling = rule.ceiling_tco2e_per_year
        if ceiling is None:
            ceiling = rule.share_of_today * today
        m.subject_to(emitted(m) <= ceiling)


def emitted(m: Model) -> Any:
    """tCO2e a year of the open buildings."""
    rows = m.buildings
    return pulp.lpSum(rows[b]["carbon_tco2e_per_year"] * x for b, x in m.open.items())


def rents_cover_the_trust(m: Model) -> None:
    """(E15) With transfers that sum to 0, fair rents exist if all buildings together cost no more
    than today and at least a square metre is let; staff stay with the agencies."""
    for _ in m.rules("fair_rents"):
        today = running_today(m, staffed=False)
        buildings = running(m) - staff(m)
        m.subject_to(buildings <= today)
        m.subject_to(buildings <= today * pulp.lpSum(m.area.values()))


def running(m: Model) -> Any:
    """GBP a year: open buildings, floor in use, staff, tiers, empty buildings held, capital tied
    up in what is held."""
    terms = []
    for b, row in m.buildings.items():
        areas = pulp.lpSum(m.area[b, s] for s in m.services if (b, s) in m.area)
        terms += [
            (row["running_cost_fixed_gbp_per_year"] + row[TIED_UP]) * m.open[b],
            row["running_cost_gbp_per_m2_per_year"] * (areas + m.front[b]),
        ]
        if exists(m, b):
            empty = row["holding_cost_gbp_per_year"] + row[TIED_UP]
            in_use = [m.open[c] for c in m.buildings if replaces(m, c) == b]
            terms.append(empty * (1 - m.open[b] - m.ends[b] - pulp.lpSum(in_use)))
        terms += [tier["running_cost_gbp_per_year"] * m.tier[b, k] for k, tier in m.tiers.items()]
    return pulp.lpSum([*terms, staff(m)])


def staff(m: Model) -> Any:
    """GBP a year of service points and of the visits made there."""
    points = [m.services[s][STAFF] * host for (_, s), host in m.host.items()]
    visits = [m.services[s][BY_VISITS] / 1000 * of for (_, s), of in m.units.items()]
    return pulp.lpSum([*points, *visits])


def running_today(m: Model, staffed: bool = True) -> float:
    """GBP a year of today's arrangement, with residents' own choice of hosts."""
    units = dict.fromkeys(m.today, 0.0)
    for (z, s), visits in m.visits.items():
        for b, part in shares_today(m, z, s).items():
            units[b, s] += part * visits
    for s, service in m.services.items():
        hosts = [b for b, of in m.today if of == s]
        for b in hosts if service["back_office"] else ():
            units[b, s] = service["desks"] / len(hosts)
    total = 0.0
    for b, row in m.buildings.items():
        here = {s: units[b, s] for i, s in m.today if i == b}
        area = max((m.services[s]["front_of_house_m2"] for s in here), default=0.0)
        for s, of in here.items():
            service = m.services[s]
            area += service["area_base_m2"] + service["area_m2_per_1000_visits"] * of / 1000
            total += staffed * (service[STAFF] + service[BY_VISITS] * of / 1000)
        total += row["running_cost_gbp_per_m2_per_year"] * area
        total += row["running_cost_fixed_gbp_per_year"] * (row["status"] == "open")
        total += row[TIED_UP] * exists(m, b)
        total += row["holding_cost_gbp_per_year"] * (row["status"] == "vacant")
    return total


def capital(m: Model, works: tuple[str, ...] = ("fit_out", "moves", "set_up", "closing")) -> Any:
    """GBP once: fit-out and moves where a service is new, set-up, closing, ending leases."""
    terms = []
    fit_out, moves, set_up, closing = (
        float(work in works) for work in ("fit_out", "moves", "set_up", "closing")
    )
    for (b, s), host in m.host.items():
        if (b, s) not in m.today:
            terms.append(moves * m.services[s]["moving_cost_gbp"] * host)
            terms.append(fit_out * m.buildings[b]["fit_out_gbp_per_m2"] * m.area[b, s])
    for b, row in m.buildings.items():
        if row["status"] == "open":
            terms.append(closing * row["closure_cost_gbp"] * (1 - m.open[b]))
        terms.append(closing * (penalty(m, b) or 0.0) * m.ends[b])
        terms += [
            set_up * tier["setup_cost_gbp"] * row["raised"] * m.tier[b, k]
            for k, tier in m.tiers.items()
        ]
    return pulp.lpSum(terms)


def carbon_value(m: Model, t: int) -> float:
    """GBP of a tonne in year t of the appraisal, if the scenario prices carbon and the place states
    it."""
    rows = m.place.tables["carbon_values"].to_dict("records")
    asked = m.scenario.money.carbon_values
    return sum(row["gbp_per_tco2e"] for row in rows if asked and row["year"] == year(m) + t)


def present_cost(m: Model) -> Any:
    """GBP: running costs over the appraisal, capital, redundancy, maintenance, less receipts."""
    money = m.scenario.money
    worth = [1.0]  # of a pound in year 0, 1, 2, ...: 3.5 % to year 30, 3.0 % to 75, 2.5 % after
    for t in range(1, max(money.appraisal_years, 12)):
        step = 0.035 if t <= 30 else 0.030 if t <= 75 else 0.025
        worth.append(worth[-1] / (1 + step * money.discount_rate / 0.035))
    years = sum(worth[: money.appraisal_years])
    terms = [years * running(m), capital(m)]
    for b, row in m.buildings.items():
        kept = 1 - m.ends[b] if exists(m, b) else m.open[b]
        terms.append(row["backlog_gbp"] * kept)
        for t in range(money.appraisal_years):
            terms.append(worth[t] * carbon_value(m, t) * row["carbon_tco2e_per_year"] * m.open[b])
        if sellable(m, b):
            lag = int(row["sale_lag_years"])
            waiting = sum(worth[: min(lag, money.appraisal_years)])
            empty = row["holding_cost_gbp_per_year"] + row[TIED_UP]
            terms.append(empty * waiting * m.ends[b])
            terms.append(-1 * sold_for(m, b) * worth[lag] * m.ends[b])
    for s, service in m.services.items():
        if service["redundancy_gbp_per_point"] > 0:  # points given up, less new ones
            gone = m.number("gone")
            here = pulp.lpSum(host for (_, of), host in m.host.items() if of == s)
            m.subject_to(gone >= sum(of == s for _, of in m.today) - here)
            terms.append(service["redundancy_gbp_per_point"] * gone)
    for row in m.place.compatibility.to_dict("records") if m.rules("together") else ():
        if row["relation"] == "prefer":
            for b in m.buildings:
                both = m.number("both", 1)
                for s in (row["service_a"], row["service_b"]):
                    m.subject_to(both <= m.host.get((b, s), 0))
                terms.append(-1 * years * row["benefit_gbp_per_year"] * both)
    return pulp.lpSum(terms)
