"""Check the rules of an estate for contradictions with the place, one another or themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.findings import error, row_number
from placeopt.scenario.faults import TomlFile, as_warning, fault
from placeopt.scenario.positions import Path
from placeopt.scenario.rules.estate.services import (
    Access,
    Capital,
    Carbon,
    Fairness,
    Network,
    Opened,
    Pinned,
    Revenue,
    Served,
    Together,
)
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.scenario import Scenario
from placeopt.scenario.wording import pounds

if TYPE_CHECKING:
    from placeopt.place import Place

MAX_SHARE_OF_TODAY = 2.0  # of running costs or emissions; a larger one is implausible


def estate_contradictions(
    place: Place, scenario: Scenario, rules_with_location: list[tuple[Rule, Path, TomlFile]]
) -> Iterator[Finding]:
    """Findings on the rules of an estate that are contradictory or implausible."""
    checks: dict[type[Rule], Callable[..., Iterable[Finding]]] = {
        Access: _access_findings,
        Fairness: _fairness_findings,
        Network: _network_findings,
        Opened: _opened_findings,
        Pinned: _pinned_findings,
        Capital: _capital_findings,
        Together: _together_findings,
        Revenue: _revenue_findings,
        Carbon: _carbon_findings,
        Served: _served_findings,
    }
    for rule, path, source in rules_with_location:
        check = checks.get(type(rule))
        if check is not None:
            yield from check(place, scenario, rule, path, source)
    yield from _pinned_table_findings(place, scenario)


def _access_findings(
    place: Place, scenario: Scenario, rule: Access, path: Path, source: TomlFile
) -> Iterator[Finding]:
    cutoff = scenario.travel.cutoff_minutes
    ceiling, minutes = rule.ceiling_minutes, rule.minutes
    if ceiling is not None and minutes is not None and ceiling < minutes:
        message = f"the ceiling is below the {minutes:g} minutes of the same rule"
        yield fault([source], (*path, "ceiling_minutes"), ceiling, message,
                    "give a ceiling above them, or leave one out",
                    "access.ceiling_minutes")  # fmt: skip
    yield from _beyond_the_cutoff(rule, ("minutes", "ceiling_minutes"), cutoff, path, source)
    if rule.minutes is not None and rule.minutes < 1:
        message = "nobody reaches anything in less than a minute"
        yield as_warning(fault([source], (*path, "minutes"), rule.minutes, message,
                          "give minutes, not hours", "access.minutes"))  # fmt: skip
    for i, quintile in enumerate(rule.quintiles):
        if quintile in rule.quintiles[:i]:
            yield as_warning(fault([source], (*path, "quintiles"), quintile, "it stands twice",
                              "name each once", "access.quintiles"))  # fmt: skip
    if rule.who == ():
        yield fault([source], (*path, "who"), "[]", "no residents are named",
                    'name groups, or leave it out for all residents', "access.who")  # fmt: skip
    if rule.services != "all":
        offices = set(place.services.loc[place.services["back_office"], "service_id"])
        for service in rule.services:
            if service in offices:
                message = "residents do not travel to a back office"
                yield fault([source], (*path, "services"), service, message, "take it out",
                            "access.services")  # fmt: skip


def _fairness_findings(
    place: Place, scenario: Scenario, rule: Fairness, path: Path, source: TomlFile
) -> Iterator[Finding]:
    keys = ("loses_at_most_minutes", "worst_mean_minutes", "equal_minutes")
    yield from _beyond_the_cutoff(rule, keys, scenario.travel.cutoff_minutes, path, source)


def _beyond_the_cutoff(
    rule: Rule, keys: Iterable[str], cutoff: float, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Warnings for minutes beyond travel.cutoff_minutes, which are not measured."""
    name = rule.name
    for key in keys:
        minutes = getattr(rule, key)
        if minutes is not None and minutes > cutoff:
            message = f"journeys beyond travel.cutoff_minutes ({cutoff:g}) count as impossible"
            yield as_warning(fault([source], (*path, key), minutes, message,
                             "raise the cutoff, or give fewer minutes",
                             f"{name}.{key}"))  # fmt: skip


def _network_findings(
    place: Place, scenario: Scenario, rule: Network, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Warnings for requiring more buildings than are possible or fewer than are pinned."""
    references = (
        (rule.service, "services", "service_id"),
        (rule.tier, "tiers", "tier_id"),
        (rule.district, "districts", "district_id"),
    )
    if any(
        value is not None and value not in set(place.tables[table][column])
        for value, table, column in references
    ):
        return  # unknown ids are reported elsewhere
    possible = _possible_hosts(place, rule)
    district = place.buildings["district_id"].to_numpy(str)
    scopes = [rule.district] if rule.district is not None else [None]
    if rule.each_district:
        scopes = sorted(set(district) - {""})
    for scope in scopes:
        in_scope = possible if scope is None else possible & (district == scope)
        count, where = int(in_scope.sum()), "the place" if scope is None else f"district {scope}"
        if rule.at_least is not None and rule.at_least > count:
            message = f"{where} has {count} buildings that could be"
            yield as_warning(fault([source], (*path, "at_least"), rule.at_least, message,
                        f"ask for at most {count}", "network.at_least"))  # fmt: skip
        pinned_open = _must_stay_open(place, scenario)
        if rule.tier is None and rule.service is None and rule.at_most is not None:
            staying = int(
                (pinned_open if scope is None else pinned_open & (district == scope)).sum()
            )
            if rule.at_most < staying:
                message = f"{staying} buildings of {where} are pinned to stay open"
                yield as_warning(fault([source], (*path, "at_most"), rule.at_most, message,
                            f"allow at least {staying}", "network.at_most"))  # fmt: skip
    points = place.buildings[["x_m", "y_m"]].to_numpy(float)
    if rule.spacing_m is not None and len(points):
        widest = float(np.hypot(*(np.nanmax(points, axis=0) - np.nanmin(points, axis=0))))
        if rule.spacing_m > widest:
            message = f"no two buildings of the place are further apart than {widest:,.0f} m"
            yield as_warning(fault([source], (*path, "spacing_m"), rule.spacing_m, message,
                              "give metres", "network.spacing_m"))  # fmt: skip


def _possible_hosts(place: Place, rule: Network) -> np.ndarray:
    """(buildings,) whether a building could count: not pinned closed, of suitable kind and size."""
    buildings = place.buildings
    is_possible = (buildings["pinned"] != "close").to_numpy(bool).copy()
    if rule.service is not None:
        is_host_today = buildings["building_id"].isin(
            place.hosting.loc[place.hosting["service_id"] == rule.service, "building_id"]
        )
        if len(place.suitability):
            kinds = place.suitability.loc[
                place.suitability["service_id"] == rule.service, "building_kind"
            ]
            is_possible &= (is_host_today | buildings["kind"].isin(kinds)).to_numpy()
    if rule.tier is not None:
        least = place.tiers.loc[place.tiers["tier_id"] == rule.tier, "min_usable_m2"]
        usable = buildings["floor_area_m2"] * buildings["usable_share"]
        if len(least):
            is_possible &= (usable >= float(least.iloc[0])).to_numpy()
    return np.asarray(is_possible, bool)


def _must_stay_open(place: Place, scenario: Scenario) -> np.ndarray:
    """(buildings,) whether a building must stay open by the table or a rule."""
    kept_ids = {building for rule in scenario.of(Pinned) for building in rule.keep}
    buildings = place.buildings
    return ((buildings["pinned"] == "keep") | buildings["building_id"].isin(kept_ids)).to_numpy()


def _opened_findings(
    place: Place, scenario: Scenario, rule: Opened, path: Path, source: TomlFile
) -> Iterator[Finding]:
    known = set(place.services["service_id"])
    for service, kinds in rule.only_in.items():
        if not kinds and service in known:
            yield fault([source], (*path, "only_in", service), "[]",
                        "no kind of building may host it", "name at least one kind",
                        f"opened.only_in.{service}")  # fmt: skip


def _unknown_use(place: Place) -> set[str]:
    """Buildings open today without any known service."""
    buildings = place.buildings
    has_services = buildings["building_id"].isin(place.hosting["building_id"])
    return set(buildings.loc[(buildings["status"] == "open") & ~has_services, "building_id"])


UNKNOWN_USE = "it is open and hosting.csv states no service of it, so it is kept as it is"


def _pinned_findings(
    place: Place, scenario: Scenario, rule: Pinned, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Findings on buildings that cannot be kept or closed as the rule says."""
    columns = ["building_id", "status", "pinned", "replaces_building_id"]
    table: dict[Any, dict[Any, Any]] = {
        row["building_id"]: row for row in place.buildings[columns].to_dict("records")
    }
    unknown = _unknown_use(place)
    for building in rule.close:
        if building in unknown:
            yield fault([source], (*path, "close"), building, UNKNOWN_USE,
                        "state what it hosts in hosting.csv, set its status to vacant, or take it "
                        "out", "pinned.close")  # fmt: skip
        elif building in table and table[building]["status"] != "open":
            message = f"it is not open today: its status is {table[building]['status']}"
            yield as_warning(fault([source], (*path, "close"), building, message, "take it out",
                              "pinned.close"))  # fmt: skip
    for building in rule.keep:
        if building in table and table[building]["status"] == "vacant":
            yield fault(
                [source],
                (*path, "keep"),
                building,
                "it is vacant today, and an empty building cannot stay open",
                "set its status to open or candidate, or take it out",
                "pinned.keep",
            )
        replaced = table[building]["replaces_building_id"] if building in table else ""
        if replaced and (replaced in rule.keep or table.get(replaced, {}).get("pinned") == "keep"):
            message = f"it replaces {replaced}, which is to stay open too: only one of the two can"
            yield fault([source], (*path, "keep"), building, message, "take one of them out",
                        "pinned.keep")  # fmt: skip


def _pinned_table_findings(place: Place, scenario: Scenario) -> Iterator[Finding]:
    """Errors for buildings pinned closed in the table that cannot be closed."""
    if not scenario.of(Pinned):
        return
    unknown = _unknown_use(place)
    pairs = zip(place.buildings["building_id"], place.buildings["pinned"], strict=True)
    for i, (building, pinned) in enumerate(pairs):
        if pinned == "close" and building in unknown:
            remedy = "state what it hosts in hosting.csv, or set its status to vacant"
            yield error(
                "buildings.csv",
                UNKNOWN_USE,
                remedy,
                row=row_number(i),
                column="pinned",
                value=building,
            )


def _capital_findings(
    place: Place, scenario: Scenario, rule: Capital, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """A warning for a pot below the least cost of pinned closures and required tiers."""
    receipts = rule.recycled_share > 0
    buildings, forced = place.buildings, 0.0
    works: list[str] = []
    if "closing" in rule.pays_for and scenario.of(Pinned):
        ids = {building for pinned in scenario.of(Pinned) for building in pinned.close}
        close = (buildings["pinned"] == "close") | buildings["building_id"].isin(ids)
        cost = float(
            buildings.loc[close & (buildings["status"] == "open"), "closure_cost_gbp"].sum()
        )
        forced, works = forced + cost, works + ["closing what is pinned"] * (cost > 0)
    if "set_up" in rule.pays_for:
        least: dict[str, int] = {}
        districts = len(set(buildings["district_id"]) - {""})
        for network in scenario.of(Network):
            if network.tier is not None and network.at_least:
                number = network.at_least * (districts if network.each_district else 1)
                least[network.tier] = max(least.get(network.tier, 0), number)
        setup = place.tiers.drop_duplicates("tier_id").set_index("tier_id")["setup_cost_gbp"]
        cost = sum(number * float(setup.get(tier, 0.0)) for tier, number in least.items())
        forced, works = forced + cost, works + ["setting up the tiers asked for"] * (cost > 0)
    pot = sum(rule.pots(scenario.years))
    if forced > pot and not receipts:
        message = f"{' and '.join(works)} costs {pounds(forced)} at least"
        yield as_warning(fault([source], (*path, "pot_gbp"), f"{pot:g}", message,
                    "give more, or ask for less", "capital.pot_gbp"))  # fmt: skip


def _together_findings(
    place: Place, scenario: Scenario, rule: Together, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """A warning for fewer services per building than must share a roof."""
    from placeopt.place.check.estate import must_groups

    if rule.max_services is None:
        return
    table = place.compatibility
    stated = zip(table["service_a"], table["service_b"], table["relation"], strict=True)
    groups = must_groups([*rule.must, *((a, b) for a, b, relation in stated if relation == "must")])
    largest = max((list(groups.values()).count(name) for name in groups.values()), default=1)
    if largest > rule.max_services:
        message = f"{largest} services must share a roof"
        yield as_warning(fault([source], (*path, "max_services"), rule.max_services, message,
                    f"allow at least {largest}", "together.max_services"))  # fmt: skip


def _served_findings(
    place: Place, scenario: Scenario, rule: Served, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """A warning where all visits may go unserved."""
    if rule.unserved_share >= 1:
        message = "all visits may go unserved, so that a plan may close everything"
        yield as_warning(fault([source], (*path, "unserved_share"), rule.unserved_share, message,
                         "give the share that may go unserved, such as 0.01",
                         "served.unserved_share"))  # fmt: skip


def _carbon_findings(
    place: Place, scenario: Scenario, rule: Carbon, path: Path, source: TomlFile
) -> Iterator[Finding]:
    yield from _share_of_today(rule, path, source)


def _share_of_today(rule: Revenue | Carbon, path: Path, source: TomlFile) -> Iterator[Finding]:
    """A warning for a share of today that allows nothing, or several times today."""
    share = rule.share_of_today
    if share is None or 0 < share <= MAX_SHARE_OF_TODAY:
        return
    message = "nothing may be left of today's" if share <= 0 else f"{share:g} times today's"
    yield as_warning(fault([source], (*path, "share_of_today"), share, message,
                     "give a share: 0.9 is a tenth less than today",
                     f"{rule.name}.share_of_today"))  # fmt: skip


def _revenue_findings(
    place: Place, scenario: Scenario, rule: Revenue, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Warnings for an implausible share, and a ceiling below the cost of buildings pinned open."""
    yield from _share_of_today(rule, path, source)
    if rule.ceiling_gbp_per_year is None:
        return
    pinned_open = (
        _must_stay_open(place, scenario) & (place.buildings["status"] == "open").to_numpy()
    )
    least = float(place.buildings.loc[pinned_open, "running_cost_fixed_gbp_per_year"].sum())
    if rule.ceiling_gbp_per_year < least:
        message = f"buildings that are pinned open cost {pounds(least)} a year at least"
        label = "revenue.ceiling_gbp_per_year"
        yield as_warning(fault([source], (*path, "ceiling_gbp_per_year"), rule.ceiling_gbp_per_year,
                         message, "give a higher ceiling", label))  # fmt: skip
