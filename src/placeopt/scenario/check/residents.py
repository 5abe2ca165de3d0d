"""Check that rules about residents count any, and that service points can reach their visits.

A rule that counts no residents would always hold, which is an error. Zones without a value in a
column that a rule reads are outside its group, or inside it, by default; a warning names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding
from placeopt.place import Place, demand_of, digital_shares_of
from placeopt.scenario.counted import (
    columns_read,
    missing_values,
    residents_counted,
    total_residents_counted,
)
from placeopt.scenario.faults import TomlFile, fault
from placeopt.scenario.positions import Path
from placeopt.scenario.rules.estate.residents import group_in_words
from placeopt.scenario.rules.estate.services import Access, Fairness, Network
from placeopt.scenario.scenario import Scenario

CAR_MODES = {"drive", "car"}


def access_residents_findings(
    place: Place, scenario: Scenario, rule: Access, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Findings on an access rule that counts no residents, or where missing values matter."""
    columns = list(dict.fromkeys(columns_read(rule)))
    field = "who" if rule.groups() else "quintiles" if rule.quintiles else "district"
    value = rule.who if field == "who" else getattr(rule, field)
    where, label = (*path, field), f"access.{field}"
    if total_residents_counted(place, rule) <= 0:
        empty = [column for column in columns if missing_values(place, column).all()]
        who = group_in_words(rule.groups())
        why = f"no zone states {' or '.join(empty)}" if empty else f"no zone has such {who}"
        message = f"the rule counts nobody and would hold whatever is decided: {why}"
        columns_to_fill = " and ".join(empty or columns) or "population"
        remedy = f"fill {columns_to_fill} in zones.csv, or take the rule out"
        yield fault([source], where, value, message, remedy, label)
        return
    for column in columns:
        gaps = missing_values(place, column)
        if gaps.any():
            people = place.zones["population"].to_numpy(float)[gaps].sum()
            zones = f"{int(gaps.sum())} zone" + ("s" if gaps.sum() > 1 else "")
            message = f"{zones} with {people:,.0f} residents state no {column} and are not counted"
            remedy = f"fill {column} in zones.csv"
            finding = _warning(fault([source], where, value, message, remedy, label))
            yield replace(finding, ids=_zones(place, gaps))
    modes = rule.modes_of(scenario.travel.modes)
    car_modes_used = CAR_MODES & set(modes)
    if (
        car_modes_used
        and "without_car_share" not in columns
        and missing_values(place, "without_car_share").all()
    ):
        message = "no zone states without_car_share, so every resident counted is taken to drive"
        remedy = "fill without_car_share in zones.csv, or ask for modes without a car"
        where = (*path, "modes" if rule.modes else "mode" if rule.mode else "services")
        yield _warning(fault([source], where, None, message, remedy, "access.modes"))
    if car_modes_used == set(modes) and not residents_counted(place, rule)[0].any():
        message = "people without a car do not drive: nobody counted can be within the minutes"
        where, remedy = (*path, "modes" if rule.modes else "mode"), "ask for another mode"
        yield _warning(fault([source], where, ", ".join(modes), message, remedy, "access.modes"))


def fairness_groups_findings(
    place: Place, rule: Fairness, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Findings on a fairness rule that compares groups without zones."""
    for column in rule.no_group_worse:
        gaps = missing_values(place, column)
        if not gaps.any():
            continue
        subject = "no zone states" if gaps.all() else f"{int(gaps.sum())} zones do not state"
        consequence = "the rule compares nobody" if gaps.all() else "they are in no group"
        finding = fault(
            [source], (*path, "no_group_worse"), column, f"{subject} {column}: {consequence}",
            f"fill {column} in zones.csv, or take it out", "fairness.no_group_worse",
        )  # fmt: skip
        yield finding if gaps.all() else replace(_warning(finding), ids=_zones(place, gaps))


def network_buildings_findings(
    place: Place, rule: Network, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Errors for a network rule on districts without buildings."""
    district = place.buildings["district_id"]
    if rule.each_district and not (district != "").any():
        message = "the rule counts no building: none states its district_id"
        remedy = "fill district_id in buildings.csv, or drop each_district"
        where = (*path, "each_district")
        yield fault([source], where, True, message, remedy, "network.each_district")
    known = rule.district in set(place.districts["district_id"])
    if rule.district is not None and known and not (district == rule.district).any():
        message = "the rule counts no building: none is in this district"
        remedy = "fill district_id in buildings.csv, or take the rule out"
        where = (*path, "district")
        yield fault([source], where, rule.district, message, remedy, "network.district")


def least_visits_findings(
    place: Place, scenario: Scenario, rule: Network, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Errors for required service points that cannot all have their least number of visits.

    A rule requires points of a service, or of all services that are compulsory in a tier.
    """
    if not rule.at_least or (rule.tier is None and rule.service is None):
        return
    table = place.services
    least_visits = {
        service: least
        for service, least, office in zip(
            table["service_id"], table["least_visits_per_year"], table["back_office"], strict=True
        )
        if not office
    }
    visits = _visits(place, scenario)
    required_services = [rule.service] if rule.service is not None else []
    links = place.tier_services
    if rule.tier is not None:
        is_compulsory = (links["tier_id"] == rule.tier) & (links["relation"] == "must")
        required_services = list(links[is_compulsory & (links["offer"] != "partial")]["service_id"])
    elif (links["offer"] == "partial").any() or (place.hosting["offer"] == "partial").any():
        return  # partial offers count as points and have no least number of visits
    district = place.zones["district_id"].to_numpy(str)
    building_district = place.buildings["district_id"]
    scopes = [rule.district or ""]
    if rule.each_district:
        scopes = sorted(set(building_district) - {""})
    kept = place.buildings["pinned"] == "keep"
    for service in required_services:
        if service not in least_visits:
            continue
        least = float(least_visits[service])
        visits_of_zone = np.array(
            [visits.get((zone, service), 0.0) for zone in place.zones["zone_id"]]
        )
        for scope in scopes:
            exempt = int((kept & ((building_district == scope) | (scope == ""))).sum())
            visits_in_scope = float(visits_of_zone[(district == scope) | (scope == "")].sum())
            needed = max(rule.at_least - exempt, 0) * least
            if visits_of_zone.any() and needed > visits_in_scope:
                scope_name = f"district {scope}" if scope else "the place"
                message = (
                    f"{scope_name} has {visits_in_scope:,.0f} visits a year to {service}, and "
                    f"{rule.at_least} points with its least_visits_per_year of {least:,.0f} need "
                    f"{needed:,.0f}"
                )
                remedy = "lower least_visits_per_year in services.csv, or at_least here"
                where = (*path, "at_least")
                yield fault([source], where, rule.at_least, message, remedy, "network.at_least")


def _visits(place: Place, scenario: Scenario) -> dict[tuple[str, str], float]:
    """(zone, service) -> visits a year in person in the first decided year."""
    year = scenario.year
    if year is None:
        years_of_spending = place.spending["year"]
        year = int(years_of_spending.max()) if len(years_of_spending) else place.info.price_year
    digital, demand = digital_shares_of(place, year), demand_of(place, 0)
    columns = (demand[name].tolist() for name in ("zone_id", "service_id", "visits_per_year"))
    return {
        (zone, service): visits * (1 - float(digital.loc[zone, service]))
        for zone, service, visits in zip(*columns, strict=True)
    }


def _zones(place: Place, gaps: NDArray[np.bool_]) -> tuple[str, ...]:
    """The ids of the zones that a finding counts."""
    return tuple(place.zones["zone_id"].to_numpy(str)[gaps].tolist())


def _warning(finding: Finding) -> Finding:
    return replace(finding, severity="warning")
