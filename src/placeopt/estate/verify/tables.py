"""The verifier on the plan's figures: each is compared with the one recomputed."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from placeopt.estate.verify.read import Tables, arrangement_at_the_end, rows
from placeopt.estate.verify.sums import PARTS, Arrangement, Sums
from placeopt.estate.verify.years import (
    Schedule,
    Year,
    backlog_of,
    carbon_present,
    carbon_priced,
    receipts_of,
    receipts_present,
)
from placeopt.scenario.rules.estate.services import FairRents

Figures = Mapping[tuple[Any, ...], float]  # by the row's key
GBP_TOLERANCE = 1.0  # of GBP and visits; or a millionth
QUANTITY_TOLERANCE = 0.01  # of minutes, m2, tCO2e
SHARE_TOLERANCE = 1e-6
LINES_OF_MONEY = {  # part of the sums -> line of the money table
    "fixed": "open buildings",
    "in_use": "floor area in use",
    "holding": "empty buildings",
    "cost_of_capital": "cost of capital",
    "tiers": "tiers",
    "staff": "staff of service points",
    "set_up": "tiers",
    "fit_out": "fit-out",
    "moves": "moves",
    "redundancy": "redundancy",
    "closing": "closing",
}


def wrong_figures(
    schedule: Schedule, nothing: Schedule, tables: Tables, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Yield every figure of the plan that differs from the one recomputed."""
    yield from _end_state(schedule, nothing, tables)
    yield from _objectives(schedule, nothing, tables)
    yield from _money(schedule, nothing, tables)
    yield from _summary(schedule, nothing, summary)


def compare_columns(
    name: str, table: Any, keys: tuple[str, ...], columns: Mapping[str, Figures]
) -> Iterator[str]:
    """Compare a table with figures, column by column; figures without a row are 0.

    Args:
        name: of the table in the text.
        table: the plan's.
        keys: columns of the key.
        columns: column -> key -> figure recomputed.

    Yields:
        Duplicate keys and differences.
    """
    stated = rows(table, *keys)
    for key, times in Counter(stated).items():
        if times > 1:
            yield f"{name} {_key_text(key)} stands {times} times"
    for column, figures in columns.items():
        for key, value in zip(stated, table[column].tolist(), strict=True):
            yield from compare_figure(
                f"{name} {_key_text(key)} {column}", value, figures.get(key, 0.0)
            )
        for key in figures.keys() - set(stated):
            yield from compare_figure(
                f"{name} {_key_text(key)} {column} (no row)", 0.0, figures[key]
            )


def compare_figure(what: str, stated: Any, found: float) -> Iterator[str]:
    """Yield the difference in words, where there is one."""
    if stated is None or stated != stated:
        if found == found and abs(found) > QUANTITY_TOLERANCE:
            yield f"{what}: nothing stated, found {found:,.2f}"
        return
    if found != found:
        yield f"{what}: stated {stated:,.2f}, which the place does not state"
        return
    tolerance = GBP_TOLERANCE if "gbp" in what or "visit" in what else QUANTITY_TOLERANCE
    if not abs(stated - found) <= max(tolerance, 1e-6 * abs(found)):
        yield f"{what}: stated {stated:,.2f}, found {found:,.2f}"


def _key_text(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key)


def _by_building(schedule: Schedule, figure: Callable[[Year, str], float]) -> dict[str, float]:
    """Return a figure of each building, summed over the years."""
    found: dict[str, float] = defaultdict(float)
    for year in schedule.years:
        for i in year.facts.buildings:
            found[i] += figure(year, i)
    return found


def _end_state(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences of buildings, services and assignment from the last year."""
    last, nothing_last = schedule.last, nothing.last
    ids = list(last.facts.buildings)
    receipts: dict[str, float] = defaultdict(float)
    backlog: dict[str, float] = defaultdict(float)
    for _, i, net in receipts_of(schedule):
        receipts[i] += net
    for _, i, _ in backlog_of(schedule):
        backlog[i] += last.facts.stated(i, "backlog_gbp")

    def by_building(figure: Callable[[str], float]) -> Figures:
        return {(i,): figure(i) for i in ids}

    works = _by_building(schedule, lambda year, i: year.sums.works_at(i))
    columns = {
        "running_cost_after_gbp_per_year": by_building(last.sums.running_of),
        "running_cost_before_gbp_per_year": by_building(nothing_last.sums.running_of),
        "capital_gbp": by_building(lambda i: works[i]),
        "receipt_net_gbp": by_building(lambda i: receipts[i]),
        "backlog_gbp": by_building(lambda i: backlog[i]),
        "area_used_m2": by_building(last.sums.area_used),
        "visits_per_year": by_building(lambda i: visits_at(last, i)),
        "front_of_house_m2": by_building(lambda i: last.sums.front.get(i, 0.0)),
        "usable_m2": by_building(last.facts.usable_m2),
        "energy_after_kwh_per_year": by_building(lambda i: energy_of(last, i)),
        "energy_before_kwh_per_year": by_building(lambda i: energy_of(nothing_last, i)),
        "carbon_after_tco2e_per_year": by_building(lambda i: carbon_of(last, i)),
        "carbon_before_tco2e_per_year": by_building(lambda i: carbon_of(nothing_last, i)),
    }
    yield from compare_columns("building", tables["buildings"], ("building_id",), columns)
    yield from _same_arrangement(last, arrangement_at_the_end(tables))
    yield from _words_of_buildings(schedule, tables["buildings"])
    yield from _service_points(schedule, nothing, tables)
    yield from assignment_rows(last, "assignment", tables["assignment"])
    yield from _years_of_buildings(schedule, tables["buildings"])


def _same_arrangement(last: Year, stated: Arrangement) -> Iterator[str]:
    """Yield differences of the end state's tables from the last year's rows."""
    arrangement, year = last.arrangement, last.facts.year
    for part in ("open", "disposed", "hosts"):
        for member in sorted(getattr(stated, part) ^ getattr(arrangement, part)):
            yield f"{member}: {part} in one table and not in the other in {year}"
    for i in sorted(stated.tier.keys() | arrangement.tier.keys()):
        if stated.tier.get(i) != arrangement.tier.get(i):
            yield f"building {i}: tier {stated.tier.get(i)}, in {year} {arrangement.tier.get(i)}"
    for point in stated.desks.keys() | arrangement.desks.keys():
        desks, found = stated.desks.get(point, 0.0), arrangement.desks.get(point, 0.0)
        yield from compare_figure(f"service {_key_text(point)} desks", desks, found)
    for key in stated.served.keys() | arrangement.served.keys():
        shares, found_shares = stated.served.get(key, {}), arrangement.served.get(key, {})
        for i in shares.keys() | found_shares.keys():
            if abs(shares.get(i, 0.0) - found_shares.get(i, 0.0)) > SHARE_TOLERANCE:
                yield f"assignment {_key_text(key)} {i}: not the share of {year}"


def _words_of_buildings(schedule: Schedule, table: Any) -> Iterator[str]:
    """Yield words about buildings that differ from their figures."""
    arrangement, facts = schedule.last.arrangement, schedule.last.facts
    today = schedule.first.before
    for i, status, decision, disposal, before, after in rows(
        table,
        "building_id",
        "status_before",
        "decision",
        "disposal",
        "services_before",
        "services_after",
    ):
        status_found = facts.buildings[i]["status"]
        if i in arrangement.open:
            is_hub = i in arrangement.tier or any(
                b == i for b, _ in arrangement.hosts - today.hosts
            )
            decision_found, disposal_found = (
                "open" if status_found != "open" else "hub" if is_hub else "keep",
                "",
            )
        elif status_found == "candidate":
            decision_found, disposal_found = "not_used", ""
        else:
            decision_found = (
                "stay_vacant"
                if status_found == "vacant" and i not in arrangement.disposed
                else "close"
            )
            disposal_found = "replaced" if facts.replaced(i, arrangement.open) else "held"
            if i in arrangement.disposed:
                disposal_found = "sold" if facts.sellable(i) else "lease_ended"
        if (status, decision, disposal) != (status_found, decision_found, disposal_found):
            stated = f"stated {status} {decision} {disposal}"
            yield f"building {i}: {stated}, found {status_found} {decision_found} {disposal_found}"
        for when, text, hosts in (
            ("before", before, today.hosts),
            ("after", after, arrangement.hosts),
        ):
            if set(filter(None, text.split("; "))) != {s for b, s in hosts if b == i}:
                yield f"building {i}: services_{when} does not say what services says"


def energy_of(year: Year, i: str) -> float:
    """Return kWh of a building in the year."""
    return year.facts.stated(i, "energy_kwh_per_year") if i in year.arrangement.open else 0.0


def carbon_of(year: Year, i: str) -> float:
    """Return tCO2e of a building in the year."""
    return year.facts.stated(i, "carbon_tco2e_per_year") if i in year.arrangement.open else 0.0


def visits_at(year: Year, i: str) -> float:
    """Return visits a year to a building, without desks."""
    return sum(
        units
        for (b, s), units in year.sums.load.items()
        if b == i and not year.facts.services[s]["back_office"]
    )


def _service_points(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in the table of service points."""
    last, sums_today = schedule.last.sums, nothing.last.sums
    capital: dict[tuple[str, str], float] = defaultdict(float)
    for year in schedule.years:
        for kind in (year.sums.fit_out, year.sums.moves):
            for point, gbp in kind.items():
                capital[point] += gbp
    columns = {
        "area_m2": last.area,
        "area_before_m2": sums_today.area,
        "visits_per_year": visits_of(schedule.last),
        "visits_before_per_year": visits_of(nothing.last),
        "staffing_cost_gbp_per_year": last.staff,
        "capital_gbp": capital,
    }
    yield from compare_columns(
        "service", tables["services"], ("building_id", "service_id"), columns
    )
    today, arrangement = schedule.first.before, schedule.last.arrangement
    for i, s, before, after, word in rows(
        tables["services"], "building_id", "service_id", "before", "after", "decision"
    ):
        was_there, is_there = (i, s) in today.hosts, (i, s) in arrangement.hosts
        decision_if_gone = "moves_out" if was_there else "in_between"
        found = ("stays" if was_there else "moves_in") if is_there else decision_if_gone
        if (bool(before), bool(after), word) != (was_there, is_there, found):
            yield f"service {s} in {i}: stated {word}, found {found}"


def visits_of(year: Year) -> Figures:
    """Return (building, service) -> visits a year, without desks."""
    services = year.facts.services
    return {k: units for k, units in year.sums.load.items() if not services[k[1]]["back_office"]}


def assignment_rows(year: Year, name: str, table: Any) -> Iterator[str]:
    """Yield differences in visits and minutes of an assignment."""
    facts = year.facts
    for zone, s, i, share, visits, minutes in rows(
        table, "zone_id", "service_id", "building_id", "share", "visits_per_year", "minutes"
    ):
        what = f"{name} {facts.year} {zone} {s} {i}"
        found = share * facts.visits.get((zone, s), 0.0)
        yield from compare_figure(f"{what} visits_per_year", visits, found)
        yield from compare_figure(
            f"{what} minutes", minutes, facts.fastest.get((zone, i), math.nan)
        )


def _years_of_buildings(schedule: Schedule, table: Any) -> Iterator[str]:
    """Yield wrong years in which buildings open, close, are disposed of and paid for."""
    found: dict[str, dict[str, int]] = {
        name: {} for name in ("opens_year", "closes_year", "disposal_year", "receipt_year")
    }
    for year in schedule.years:
        when = year.facts.year
        for name, ids in (
            ("opens_year", year.arrangement.open - year.before.open),
            ("closes_year", year.before.open - year.arrangement.open),
            ("disposal_year", year.arrangement.disposed - year.before.disposed),
        ):
            found[name].update(dict.fromkeys(ids, when))
    found["receipt_year"].update({i: when for when, i, _ in receipts_of(schedule)})
    for name, years in found.items():
        for i, stated in rows(table, "building_id", name):
            stated_year = None if stated is None or str(stated) in ("<NA>", "nan") else int(stated)
            if stated_year != years.get(i):
                yield f"building {i} {name}: stated {stated_year}, found {years.get(i)}"


def _objectives(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in the objectives of plan and doing nothing, and in their weights."""
    for name, schedule_named in (("plan", schedule), ("do_nothing", nothing)):
        totals = schedule_named.totals()
        columns = {name: {(key,): totals[key] for key in tables["objectives"]["objective"]}}
        yield from compare_columns("objective", tables["objectives"], ("objective",), columns)
    weights = schedule.first.facts.scenario.objective.weights
    if weights:
        stated = dict(rows(tables["objectives"], "objective", "weight_gbp_per_unit"))
        for name in stated.keys() | weights:
            stated_weight, found = stated.get(name, math.nan), weights.get(name, math.nan)
            if stated_weight != found and (stated_weight == stated_weight or found == found):
                yield f"objective {name}: weighs {stated_weight}, in the scenario {found}"


def _money(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences by agency and line: yearly cost at the end and today, and one-off cost."""
    facts = schedule.first.facts
    yearly = {"after": schedule.last.sums, "before": nothing.last.sums}
    columns: dict[str, dict[tuple[str, str], float]] = {}
    for name, sums in yearly.items():
        found: dict[tuple[str, str], float] = defaultdict(float)
        for part in (*PARTS, "staff"):
            _add_line(found, schedule, part, sums)
        columns[f"{name}_gbp_per_year"] = found
    once: dict[tuple[str, str], float] = defaultdict(float)
    for year in schedule.years:
        for part in ("set_up", "fit_out", "moves", "redundancy", "closing"):
            _add_line(once, schedule, part, year.sums)
    for _, i, gbp in backlog_of(schedule):
        once[facts.buildings[i]["agency_id"], "required maintenance"] += gbp
    for _, i, net in receipts_of(schedule):
        once[facts.buildings[i]["agency_id"], "receipts, net"] -= net
    columns["one_off_gbp"] = once
    yield from compare_columns("money", tables["money"], ("agency_id", "line"), columns)
    if facts.scenario.of(FairRents):
        yield from _rents(schedule.last, tables)


def _rents(year: Year, tables: Tables) -> Iterator[str]:
    """Yield differences in the cost and area let of buildings, and the rent of agencies."""
    facts, sums, arrangement = year.facts, year.sums, year.arrangement
    let: dict[tuple[str], float] = defaultdict(float)
    paid: dict[tuple[str], float] = defaultdict(float)
    today: dict[tuple[str], float] = defaultdict(float)
    for (i, s), m2 in sums.area.items():
        let[(i,)] += m2
        paid[(facts.services[s]["agency_id"],)] += m2 * arrangement.rents.get(i, 0.0)
    for i, row in facts.buildings.items():
        own = sum(gbp.get(i, 0.0) for gbp in year.today.parts.values())
        today[(row["agency_id"],)] += own
    cost = {(i,): sum(gbp.get(i, 0.0) for gbp in sums.parts.values()) for (i,) in let if let[(i,)]}
    yield from compare_columns(
        "rent of",
        tables["rents"],
        ("building_id",),
        {"area_let_m2": let, "cost_gbp_per_year": cost},
    )
    net = {
        (x,): paid[(x,)] + arrangement.transfers.get(x, 0.0)
        for x in tables["agencies"]["agency_id"]
    }
    columns = {
        "buildings_before_gbp_per_year": today,
        "rent_after_gbp_per_year": paid,
        "net_after_gbp_per_year": net,
        "change_gbp_per_year": {key: gbp - today[key] for key, gbp in net.items()},
    }
    yield from compare_columns("agency", tables["agencies"], ("agency_id",), columns)


def _add_line(
    totals: dict[tuple[str, str], float], schedule: Schedule, part: str, sums: Sums
) -> None:
    """Add a part of the sums to the line of the money table, by agency."""
    facts = schedule.first.facts
    figures = sums.parts[part] if part in sums.parts else getattr(sums, part)
    for key, gbp in figures.items():
        if part in ("staff", "moves", "redundancy"):
            service = key[1] if isinstance(key, tuple) else key
            agency = facts.services[service]["agency_id"]
        else:
            agency = facts.buildings[key[0] if isinstance(key, tuple) else key]["agency_id"]
        totals[agency, LINES_OF_MONEY[part]] += gbp


def _summary(schedule: Schedule, nothing: Schedule, summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield differences in the figures of the summary."""
    totals, totals_today = schedule.totals(), nothing.totals()
    sold = [year.facts.buildings[i] for year in schedule.years for i in year.sums.sold]
    stated = schedule.first.facts.number_stated
    backlog_stated = stated("backlog_gbp")
    found = {
        "running_cost_before_gbp_per_year": totals_today["running_cost"],
        "running_cost_after_gbp_per_year": totals["running_cost"],
        "running_cost_saving_gbp_per_year": totals_today["running_cost"] - totals["running_cost"],
        "capital_gbp": totals["capital"],
        "redundancy_gbp": totals["redundancy"],
        "receipts_net_gbp": totals["receipts_net"],
        "receipts_gross_gbp": sum(row["capital_receipt_gbp"] for row in sold),
        "receipts_clawback_gbp": sum(
            row["capital_receipt_gbp"] * row["receipt_clawback_share"] for row in sold
        ),
        "receipts_net_present_gbp": receipts_present(schedule),
        "backlog_before_gbp": totals_today["backlog"] if backlog_stated else math.nan,
        "backlog_after_gbp": totals["backlog"] if backlog_stated else math.nan,
        "buildings_in_all": float(len(schedule.first.facts.buildings)),
        "backlog_stated_buildings": float(backlog_stated),
        "carbon_stated_buildings": float(stated("carbon_tco2e_per_year")),
        "energy_stated_buildings": float(stated("energy_kwh_per_year")),
        "buildings_open_before": float(len(nothing.first.arrangement.open)),
        "buildings_open_after": totals["buildings"],
        "net_present_cost_do_nothing_gbp": totals_today["cost"],
        "net_present_cost_plan_gbp": totals["cost"],
        "net_present_saving_gbp": totals_today["cost"] - totals["cost"],
        "first_year": float(schedule.first.facts.year),
        "last_year": float(schedule.last.facts.year),
        "year": float(schedule.first.facts.year),
        "appraisal_years": float(schedule.first.facts.scenario.money.appraisal_years),
        "shared_roof_benefit_gbp_per_year": schedule.last.sums.benefit,
        "carbon_priced_years": float(sum(1 for _ in carbon_priced(schedule))),
        "carbon_present_before_gbp": carbon_present(nothing),
        "carbon_present_after_gbp": carbon_present(schedule),
        "carbon_present_saving_gbp": carbon_present(nothing) - carbon_present(schedule),
    }
    for name, value in {**found, **_counts(schedule)}.items():
        if name in summary:
            yield from compare_figure(f"summary {name}", summary[name], value)


def _counts(schedule: Schedule) -> dict[str, float]:
    """Return the numbers of buildings and service points in the summary."""
    arrangement, facts, today = (
        schedule.last.arrangement,
        schedule.last.facts,
        schedule.first.before,
    )
    status = {i: row["status"] for i, row in facts.buildings.items()}
    changed = set(arrangement.tier) | {i for i, _ in arrangement.hosts - today.hosts}
    kept_open = {i for i in arrangement.open if status[i] == "open"}
    closed = {i for i in status if i not in arrangement.open and status[i] != "candidate"}
    vacant = {i for i in closed if status[i] == "vacant" and i not in arrangement.disposed}
    found: dict[str, set[Any]] = {
        "buildings_keep": kept_open - changed,
        "buildings_hub": kept_open & changed,
        "buildings_open": arrangement.open - kept_open,
        "buildings_close": closed - vacant,
        "buildings_stay_vacant": vacant,
        "buildings_not_used": set(status) - closed - arrangement.open,
        "service_points_before": today.hosts,
        "service_points_after": arrangement.hosts,
    }
    return {name: float(len(members)) for name, members in found.items()}
