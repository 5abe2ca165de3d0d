"""Check an estate plan from the tables alone: place, minutes, scenario and the plan's own rows.

Nothing of the problem's arrays, its formulation or the engine is used here: the arithmetic is
done again, row by row, by the data dictionary's definitions. Every rule of the scenario is
checked, every total is recomputed for the plan and for doing nothing, and the rules that today's
arrangement breaks are listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from placeopt.estate.verify_rules import check_rules
from placeopt.estate.verify_sums import Arrangement, Facts, Sums, facts_of, sums_of
from placeopt.scenario.checks import Check, Verification

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.scenario import Scenario
    from placeopt.travel import TravelTimes

MONEY = 1.0  # GBP: totals agree to this, or to a millionth
OPEN = ("keep", "hub", "open")


class TablesOfAPlan(Protocol):
    """What the verifier asks of a plan: its tables."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]: ...


def verify(
    place: Place, times: TravelTimes, scenario: Scenario, plan: TablesOfAPlan
) -> Verification:
    """Every rule of ``scenario`` checked against ``plan``, and every total recomputed."""
    facts = facts_of(place, times, scenario)
    after = arrangement_of(plan.tables)
    before = arrangement_today(facts)
    sums, sums_today = sums_of(facts, after), sums_of(facts, before)
    checks = [
        *check_rules(facts, after, sums, sums_today),
        *_tables_agree(facts, plan.tables, after, sums, sums_today),
    ]
    broken = tuple(
        check for check in check_rules(facts, before, sums_today, sums_today) if not check.holds
    )
    return Verification(
        checks=tuple(checks),
        totals=sums.totals(),
        do_nothing=sums_today.totals(),
        broken_today=broken,
    )


def arrangement_of(tables: Mapping[str, Any]) -> Arrangement:
    """The plan's rows as plain dictionaries."""
    buildings, services = tables["buildings"], tables["services"]
    served: dict[tuple[str, str], dict[str, float]] = {}
    for zone, service, building, share in _rows(
        tables["assignment"], "zone_id", "service_id", "building_id", "share"
    ):
        part = served.setdefault((zone, service), {})
        part[building] = part.get(building, 0.0) + share
    return Arrangement(
        open={i for i, word in _rows(buildings, "building_id", "decision") if word in OPEN},
        disposed={
            i
            for i, how in _rows(buildings, "building_id", "disposal")
            if how in ("sold", "lease_ended")
        },
        tier={i: tier for i, tier in _rows(buildings, "building_id", "tier_id") if tier},
        hosts={
            (i, service)
            for i, service, after in _rows(services, "building_id", "service_id", "after")
            if after
        },
        desks={
            (i, service): desks
            for i, service, desks in _rows(services, "building_id", "service_id", "desks")
            if desks
        },
        served=served,
        rents=_lookup(tables, "rents", "building_id", "rent_gbp_per_m2_per_year"),
        transfers=_lookup(tables, "agencies", "agency_id", "transfer_gbp_per_year"),
    )


def _lookup(tables: Mapping[str, Any], name: str, key: str, value: str) -> dict[str, float]:
    return dict(_rows(tables[name], key, value)) if name in tables else {}


def arrangement_today(facts: Facts) -> Arrangement:
    """Do nothing: services stay, everyone goes to the nearest host (ties by id)."""
    open_today = {i for i, row in facts.buildings.items() if row["status"] == "open"}
    hosts = {pair for pair in facts.hosted_today if pair[0] in open_today}
    served, desks = {}, {}
    for (zone, service), visits in facts.visits.items():
        near = [
            (facts.fastest[zone, i], i)
            for i, of in hosts
            if of == service and (zone, i) in facts.fastest
        ]
        if near and visits > 0:
            served[zone, service] = {min(near)[1]: 1.0}
    for service, needed in facts.desks.items():
        at = [i for i, of in hosts if of == service]
        desks.update({(i, service): needed / len(at) for i in at})
    return Arrangement(open_today, set(), {}, hosts, desks, served)


def _rows(table: Any, *columns: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[column].tolist() for column in columns), strict=True))


def _tables_agree(
    facts: Facts, tables: Mapping[str, Any], after: Arrangement, sums: Sums, today: Sums
) -> list[Check]:
    """The plan's own figures are those recomputed here."""
    worst: list[tuple[float, str]] = []

    def compare(what: str, stated: float, found: float) -> None:
        off = abs(stated - found)
        if off > max(MONEY, 1e-6 * abs(found)):
            worst.append((off, f"{what}: stated {stated:,.2f}, found {found:,.2f}"))

    for row in tables["buildings"].to_dict("records"):
        i = row["building_id"]
        for column, found in (
            ("running_cost_after_gbp_per_year", sums.running.get(i, 0.0)),
            ("running_cost_before_gbp_per_year", today.running.get(i, 0.0)),
            ("capital_gbp", sums.capital.get(i, 0.0)),
            ("receipt_net_gbp", sums.receipts.get(i, 0.0)),
            ("backlog_gbp", sums.backlog.get(i, 0.0)),
            ("area_used_m2", sums.area_used(i)),
        ):
            compare(f"building {i} {column}", row[column], found)
    totals, nothing = sums.totals(), today.totals()
    for row in tables["objectives"].to_dict("records"):
        compare(f"objective {row['objective']}", row["plan"], totals[row["objective"]])
        compare(f"today's {row['objective']}", row["do_nothing"], nothing[row["objective"]])
    money = tables["money"]
    compare("money after", float(money["after_gbp_per_year"].sum()), totals["running_cost"])
    compare("money before", float(money["before_gbp_per_year"].sum()), nothing["running_cost"])
    rows = (row for row in _rows(tables["buildings"], "building_id", "services_after"))
    for i, stated in rows:
        if set(filter(None, stated.split("; "))) != {s for b, s in after.hosts if b == i}:
            worst.append((1e12, f"building {i}: services_after does not say what services says"))
    worst += [(1e12, text) for text in _impossible(facts, after)]
    detail = max(worst)[1] if worst else "every figure stated is the figure found"
    sentence = "The plan's figures are those recomputed from the tables."
    return [Check("", "arithmetic", sentence, not worst, detail)]


def _impossible(facts: Facts, after: Arrangement) -> list[str]:
    """What no arrangement can be, whatever the rules."""
    found = []
    for i in sorted(after.disposed):
        row = facts.buildings[i]
        if i in after.open:
            found.append(f"building {i} is disposed of and open")
        if row["status"] == "candidate":
            found.append(f"building {i} is a candidate and disposed of")
        if facts.penalty(i) is None:
            found.append(f"the lease of building {i} cannot end in {facts.year}")
        if row["tenure"] == "freehold" and not facts.sellable(i):
            found.append(f"building {i} cannot be sold")
    for zone, service in after.served:
        if facts.visits.get((zone, service), 0.0) <= 0:
            found.append(f"zone {zone} has no visits to {service}, but they are assigned")
    return found
