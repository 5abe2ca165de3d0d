"""Check the tables of an estate: residents, services, buildings and the rules between them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.findings import did_you_mean, error, row_number, warning
from placeopt.place.demand import AGE_COLUMNS
from placeopt.place.files.cells import pad_uprn
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place, table_label

if TYPE_CHECKING:
    import pandas as pd

_AGES = [column for band, column in AGE_COLUMNS.items() if band != "all"]
_SHARE_TOLERANCE = 1e-9  # rounding error of sums of shares
_SAME_SITE_M = 10  # a candidate this near to a building is taken for it unless it says otherwise
_AGE_TOLERANCE = 0.02  # share by which age bands may miss the population without a warning


def estate_findings(place: Place) -> Iterator[Finding]:
    """Findings on inconsistencies between the columns and tables of an estate."""
    yield from zones_without_people(place)
    yield from ages_not_adding_up(place)
    yield from deprivation_of_several_nations(place)
    yield from rates_without_people(place)
    yield from hosted_in_closed_building(place)
    yield from buildings_too_small(place)
    yield from services_without_host_or_visits(place)
    yield from digital_shares_by_two_groupings(place)
    yield from contradictory_pairs(place)
    yield from tiers_with_too_many_services(place)
    yield from unmatched_building_kinds(place)
    yield from inconsistent_leases(place)
    yield from receipt_shares_above_one(place)
    yield from duplicate_candidates(place)


def zones_without_people(place: Place) -> Iterator[Finding]:
    """Warnings for zones without residents, or an error if no zone has any."""
    zones, file = place.zones, table_label(place, "zones")
    empty = (zones["population"] == 0).to_numpy()
    if len(zones) and empty.all():
        yield error(file, "no zone has any people", "give residents", column="population")
        return
    for i in np.flatnonzero(empty):
        yield warning(file, "the zone has no people", "give its residents, or leave the zone out",
                      row=row_number(i), column="population", value="0")  # fmt: skip


def ages_not_adding_up(place: Place) -> Iterator[Finding]:
    """Warnings for zones whose age bands do not add up to the population."""
    zones = place.zones
    total, people = zones[_AGES].sum(axis=1, skipna=False), zones["population"]
    is_off = ((total - people).abs() > _AGE_TOLERANCE * people.clip(lower=1) + 1).to_numpy()
    for i in np.flatnonzero(is_off):
        message = f"the age bands add up to {number_text(total.iloc[i])}"
        remedy = "take both from the same source and year"
        yield warning(table_label(place, "zones"), message, remedy, row=row_number(i),
                      column="population", value=number_text(people.iloc[i]))  # fmt: skip


def deprivation_of_several_nations(place: Place) -> Iterator[Finding]:
    """A warning if deprivation quintiles of several nations are mixed: their indices differ."""
    zones = place.zones
    stated = zones[zones["deprivation_quintile"].notna()]["zone_id"].astype(str)
    codes = stated[stated.str.fullmatch(r"[EWS]01[0-9]{6}")]
    nations = {"E": "England", "W": "Wales", "S": "Scotland"}
    found = [name for letter, name in nations.items() if codes.str.startswith(letter).any()]
    if len(found) > 1:
        message = f"fifths of {' and '.join(found)} rank each nation's own areas by its own index"
        yield warning(table_label(place, "zones"), message, "do not compare them across the border",
                      column="deprivation_quintile")  # fmt: skip


def rates_without_people(place: Place) -> Iterator[Finding]:
    """Errors for demand rates by age where a zone does not state the people of that age."""
    rates, services_with_demand = place.demand_rates, set(place.demand["service_id"])
    for i, (service, band) in enumerate(zip(rates["service_id"], rates["age_band"], strict=True)):
        column = AGE_COLUMNS.get(band)
        if column is None or column == "population" or service in services_with_demand:
            continue
        gaps = int(place.zones[column].isna().sum())
        if gaps:
            message = f"{gaps} zones do not state {column}, which the rate needs"
            yield error(table_label(place, "demand_rates"), message,
                        f"fill {column} in zones, or give a rate for age_band all",
                        row=row_number(i), column="age_band", value=band)  # fmt: skip


def hosted_in_closed_building(place: Place) -> Iterator[Finding]:
    """Errors for services hosted in a building that is not open today."""
    hosting = place.hosting
    status = hosting["building_id"].map(_first_by_key(place.buildings, "building_id", "status"))
    for i in np.flatnonzero(status.isin(["vacant", "candidate"]).to_numpy()):
        service = hosting["service_id"].iloc[i]
        message = f"{service} is hosted in a closed building (its status is {status.iloc[i]})"
        yield error(table_label(place, "hosting"), message,
                    "set the building's status to open, or delete the hosting row",
                    row=row_number(i), column="building_id",
                    value=hosting["building_id"].iloc[i])  # fmt: skip


def buildings_too_small(place: Place) -> Iterator[Finding]:
    """Warnings for buildings whose services and front of house exceed the usable area today."""
    by_id = place.services.drop_duplicates("service_id").set_index("service_id")
    merged = place.hosting[["building_id", "service_id", "area_m2"]].copy()
    for name, column in (("base", "area_base_m2"), ("front", "front_of_house_m2")):
        merged[name] = merged["service_id"].map(by_id[column]).astype(float)
    merged["area"] = merged["area_m2"].fillna(merged["base"])
    needs = merged.groupby("building_id").agg(area=("area", "sum"), front=("front", "max"))
    buildings = place.buildings
    total = needs["area"].astype(float) + needs["front"].astype(float).fillna(0)
    need = buildings["building_id"].map(total.to_dict()).astype(float).fillna(0)
    usable = buildings["floor_area_m2"] * buildings["usable_share"]
    for i in np.flatnonzero(((need > usable + 0.5) & (usable >= 0)).to_numpy()):
        message = (
            f"what it hosts today needs {need.iloc[i]:.0f} m2, usable are {usable.iloc[i]:.0f}"
        )
        yield warning(table_label(place, "buildings"), message,
                      "correct the floor area, the usable share or the areas in hosting",
                      row=row_number(i), column="floor_area_m2",
                      value=number_text(buildings['floor_area_m2'].iloc[i]))  # fmt: skip


def services_without_host_or_visits(place: Place) -> Iterator[Finding]:
    """Warnings for services with visits but no host or the reverse, and back offices without
    desks."""
    services, file = place.services, table_label(place, "services")
    demand, rates = place.demand, place.demand_rates
    with_visits = {
        *demand.loc[demand["visits_per_year"] > 0, "service_id"],
        *rates.loc[rates["visits_per_person_per_year"] > 0, "service_id"],
    }
    hosted = set(place.hosting["service_id"])
    columns = (services[name] for name in ("service_id", "back_office", "desks", "digital_share"))
    for i, (service, office, desks, digital) in enumerate(zip(*columns, strict=True)):
        fault: tuple[str, str] | None = None
        if office and service in with_visits:
            fault = "a back office has visits", "delete its visits, or set back_office to no"
        elif office and not desks > 0:
            fault = "a back office has no desks", "state how many desks it needs"
        elif service in with_visits and service not in hosted:
            fault = "the service has visits but no building hosts it", "give its hosts in hosting"
        elif service in hosted and service not in with_visits and not office:
            fault = "the service has no visits", "give demand or demand_rates above 0 for it"
        elif service in hosted and not office and digital >= 1:
            fault = "all its visits are digital, so no building serves it", "lower digital_share"
        if fault:
            yield warning(file, *fault, row=row_number(i), column="service_id", value=service)


def digital_shares_by_two_groupings(place: Place) -> Iterator[Finding]:
    """Errors for digital shares of a service and year that use more than one grouping of zones."""
    shares, file = place.digital_shares, table_label(place, "digital_shares")
    grouping_of: dict[tuple[str, int], str] = {}
    columns = (shares[name] for name in ("service_id", "year", "who"))
    for i, (service, year, who) in enumerate(zip(*columns, strict=True)):
        grouping = (
            "quintiles" if who.startswith("quintile") else "all" if who == "all" else "area types"
        )
        first = grouping_of.setdefault((service, year), grouping)
        if first != grouping:
            yield error(file, f"{service} has shares by {first} and by {grouping} in {year}",
                        "tell its zones apart in one way", row=row_number(i), column="who",
                        value=who)  # fmt: skip


def contradictory_pairs(place: Place) -> Iterator[Finding]:
    """Findings on pairs of services that both must and must not share a roof, or are repeated."""
    pairs, file = place.compatibility, table_label(place, "compatibility")
    a, b = pairs["service_a"].tolist(), pairs["service_b"].tolist()
    relation = pairs["relation"].tolist()
    group = must_groups([(p, q) for p, q, r in zip(a, b, relation, strict=True) if r == "must"])
    first_row: dict[frozenset[str], int] = {}
    for i, (first, second, rule) in enumerate(zip(a, b, relation, strict=True)):
        location: dict[str, Any] = {"row": row_number(i), "column": "relation", "value": rule}
        names = f"{first} and {second}"
        if first == second:
            yield error(file, f"{first} is paired with itself", "name two services", **location)
        elif rule == "never" and group.get(first, first) == group.get(second, second):
            message = f"{names} may never share a roof, yet must (perhaps through other services)"
            yield error(file, message, "delete one of the relations", **location)
        elif frozenset((first, second)) in first_row:
            earlier = row_number(first_row[frozenset((first, second))])
            message = f"the pair {names} stands already in row {earlier}"
            yield warning(file, message, "keep one of the two rows", **location)
        first_row.setdefault(frozenset((first, second)), i)


def tiers_with_too_many_services(place: Place) -> Iterator[Finding]:
    """Errors for tiers that must host more services than they may."""
    rows = place.tier_services
    required_counts = rows[rows["relation"] == "must"].groupby("tier_id").size()
    for i, (tier, limit) in enumerate(
        zip(place.tiers["tier_id"], place.tiers["max_services"], strict=True)
    ):
        if not _missing(limit) and tier in required_counts.index and required_counts[tier] > limit:
            message = f"the tier must host {required_counts[tier]} services but may host {limit}"
            yield error(
                table_label(place, "tiers"),
                message,
                "raise max_services, or let some be may",
                row=row_number(i),
                column="max_services",
                value=limit,
            )


def unmatched_building_kinds(place: Place) -> Iterator[Finding]:
    """Warnings for kinds that only one of ``suitability`` and ``buildings`` has."""
    kinds, own = place.suitability["building_kind"], place.buildings["kind"]
    if not len(own):
        return
    for i in np.flatnonzero((~kinds.isin(own)).to_numpy()):
        yield warning(table_label(place, "suitability"), "no building is of this kind",
                      "use the kinds of the buildings table", row=row_number(i),
                      column="building_kind", value=kinds.iloc[i])  # fmt: skip
    for i in np.flatnonzero((~own.isin(kinds)).to_numpy()) if len(kinds) else ():
        suggestion = did_you_mean(own.iloc[i], set(kinds), similarity=0.85)  # only near misses
        if suggestion:
            yield warning(
                table_label(place, "buildings"),
                "suitability has no such kind, so nothing may move in",
                f"correct the kind, or add it to suitability{suggestion}",
                row=row_number(i),
                column="kind",
                value=own.iloc[i],
            )


def inconsistent_leases(place: Place) -> Iterator[Finding]:
    """Warnings for lease breaks, receipts and floor areas that contradict tenure or status."""
    buildings, file = place.buildings, table_label(place, "buildings")
    freehold = (buildings["tenure"] == "freehold").to_numpy()
    breaks = buildings["lease_break_year"].notna().to_numpy()
    repeats = buildings["lease_break_every_years"].notna().to_numpy()
    receipt = (buildings["capital_receipt_gbp"] > 0).to_numpy()
    is_held = buildings["tenure"].isin(["leasehold", "licence", "pfi"]).to_numpy()
    is_past = (buildings["lease_break_year"] < place.info.price_year).fillna(False).to_numpy(bool)
    open_but_nothing = (
        (buildings["floor_area_m2"] == 0) & (buildings["status"] == "open")
    ).to_numpy()
    for mask, column, message, remedy in (
        (
            freehold & breaks,
            "lease_break_year",
            "a freehold has no lease to break",
            "correct the tenure or leave it empty",
        ),
        (
            repeats & ~breaks,
            "lease_break_every_years",
            "no first break date is stated",
            "give lease_break_year or leave it empty",
        ),
        (
            ~freehold & is_past & ~repeats,
            "lease_break_year",
            "this date is past, so the lease is taken to end at no cost in any year",
            "give the next date, or lease_break_every_years (0 for one date only)",
        ),
        (
            is_held & receipt,
            "capital_receipt_gbp",
            "only a freehold is sold: this receipt is not counted",
            "correct the tenure or give 0",
        ),
        (
            open_but_nothing,
            "floor_area_m2",
            "an open building has no floor area",
            "give an area above 0",
        ),
    ):
        for i in np.flatnonzero(mask):
            yield warning(file, message, remedy, row=row_number(i), column=column,
                          value=number_text(float(buildings[column].iloc[i])))  # fmt: skip


def receipt_shares_above_one(place: Place) -> Iterator[Finding]:
    """Errors where sale costs and clawback together exceed the receipt."""
    buildings = place.buildings
    share = buildings["sale_cost_share"] + buildings["receipt_clawback_share"]
    for i in np.flatnonzero((share > 1 + _SHARE_TOLERANCE).to_numpy()):
        clawback = number_text(float(buildings["receipt_clawback_share"].iloc[i]))
        message = f"sale_cost_share and receipt_clawback_share add up to {share.iloc[i]:g}"
        yield error(
            table_label(place, "buildings"),
            message,
            "let them add up to at most 1",
            row=row_number(i),
            column="receipt_clawback_share",
            value=clawback,
        )


def duplicate_candidates(place: Place) -> Iterator[Finding]:
    """Errors for candidates on the site of a building that do not say whether they replace it."""
    table, file = place.buildings, table_label(place, "buildings")
    rows = table.to_dict("records")
    ids = {row["building_id"]: row for row in rows}
    saleable = [i for i, row in enumerate(rows) if _is_saleable(row)]
    points = table[["x_m", "y_m"]].to_numpy(float)
    ids_by_uprn: dict[str, list[str]] = {}
    for row in rows:
        ids_by_uprn.setdefault(pad_uprn(row["uprn"]), []).append(row["building_id"])
    for i, row in enumerate(rows):
        location: dict[str, Any] = {"row": row_number(i), "column": "replaces_building_id"}
        own, replaced = row["building_id"], row["replaces_building_id"]
        if replaced and row["status"] != "candidate":
            remedy = "set its status to candidate, or leave this empty"
            yield error(
                file, "only a candidate replaces a building", remedy, value=replaced, **location
            )
        elif replaced and row["another_building"]:
            yield error(file, "it cannot both replace a building and be another one",
                        "leave one of the two empty", value=replaced, **location)  # fmt: skip
        elif (
            replaced
            and replaced in ids
            and (replaced == own or ids[replaced]["status"] == "candidate")
        ):
            yield error(
                file,
                f"{replaced} is a candidate itself",
                "name a building open or vacant today",
                value=replaced,
                **location,
            )
        if replaced or row["another_building"] or row["status"] != "candidate":
            continue
        same_uprn = [b for b in ids_by_uprn[pad_uprn(row["uprn"])] if row["uprn"] and b != own]
        distance = np.hypot(*(points[saleable] - points[i]).T)
        nearby = [
            rows[other]["building_id"] for other in np.array(saleable)[distance <= _SAME_SITE_M]
        ]
        if same_uprn or nearby:
            relation = "has the UPRN of" if same_uprn else f"stands within {_SAME_SITE_M} m of"
            yield error(file, f"the candidate {own} {relation} {(same_uprn or nearby)[0]}",
                        "give replaces_building_id, or another_building = yes", value="",
                        **location)  # fmt: skip


def _is_saleable(row: dict[Any, Any]) -> bool:
    stays = row["status"] == "candidate" or row["pinned"] in ("keep", "never_sell")
    return row["tenure"] == "freehold" and row["capital_receipt_gbp"] > 0 and not stays


def _first_by_key(frame: pd.DataFrame, key: str, value: str) -> pd.Series:
    """``value`` by ``key``; of repeated keys the first record counts."""
    return frame.drop_duplicates(key).set_index(key)[value]


def _missing(value: object) -> bool:
    import pandas as pd

    return value is pd.NA or value != value


def must_groups(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Group services that must share every roof.

    Args:
        pairs: Pairs of services that must share a roof.

    Returns:
        Service -> the name of its group, which is that of one of its members.
    """
    group: dict[str, str] = {}
    for first, second in pairs:
        kept_name, merged_name = group.setdefault(first, first), group.setdefault(second, second)
        for name, (member, group_name) in product([kept_name], list(group.items())):
            if group_name == merged_name:
                group[member] = name
    return group
