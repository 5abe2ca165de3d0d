"""What makes no sense in an estate: people, services, buildings and rules between them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.errors import Finding
from placeopt.place.demand import AGE_COLUMNS
from placeopt.place.faults import did_you_mean, error, row_number, table_label, warning
from placeopt.place.files.cells import pad_uprn
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import pandas as pd

_AGES = [column for band, column in AGE_COLUMNS.items() if band != "all"]
_SHARES_TIE = 1e-9  # by which shares may pass 1: what adding decimals loses
_SAME_WALLS_M = 10  # within which a candidate and a building are one until it says otherwise
_AGES_TIE = 0.02  # share by which age bands may miss the population before it is said


def estate_findings(place: Place) -> Iterator[Finding]:
    """Faults between the columns and tables of an estate."""
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
    """Nobody lives there, so no standard speaks of it; nowhere at all is an error."""
    zones, file = place.zones, table_label(place, "zones")
    empty = (zones["population"] == 0).to_numpy()
    if len(zones) and empty.all():
        yield error(file, "no zone has any people", "give residents", column="population")
        return
    for at in np.flatnonzero(empty):
        yield warning(file, "the zone has no people", "give its residents, or leave the zone out",
                      row=row_number(at), column="population", value="0")  # fmt: skip


def ages_not_adding_up(place: Place) -> Iterator[Finding]:
    """Residents by age band should add up to the residents of all ages."""
    zones = place.zones
    total, people = zones[_AGES].sum(axis=1, skipna=False), zones["population"]
    off = ((total - people).abs() > _AGES_TIE * people.clip(lower=1) + 1).to_numpy()
    for at in np.flatnonzero(off):
        message = f"the age bands add up to {number_text(total.iloc[at])}"
        remedy = "take both from the same source and year"
        yield warning(table_label(place, "zones"), message, remedy, row=row_number(at),
                      column="population", value=number_text(people.iloc[at]))  # fmt: skip


def deprivation_of_several_nations(place: Place) -> Iterator[Finding]:
    """Fifths of different nations' indices stand side by side: they rank different areas."""
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
    """A rate by age needs the people of that age in every zone."""
    rates, given = place.demand_rates, set(place.demand["service_id"])
    for at, (service, band) in enumerate(zip(rates["service_id"], rates["age_band"], strict=True)):
        column = AGE_COLUMNS.get(band)
        if column is None or column == "population" or service in given:
            continue
        gaps = int(place.zones[column].isna().sum())
        if gaps:
            message = f"{gaps} zones do not state {column}, which the rate needs"
            yield error(table_label(place, "demand_rates"), message,
                        f"fill {column} in zones, or give a rate for age_band all",
                        row=row_number(at), column="age_band", value=band)  # fmt: skip


def hosted_in_closed_building(place: Place) -> Iterator[Finding]:
    """A service is hosted today only where the building is open today."""
    hosting = place.hosting
    status = hosting["building_id"].map(_first(place.buildings, "building_id", "status"))
    for at in np.flatnonzero(status.isin(["vacant", "candidate"]).to_numpy()):
        service = hosting["service_id"].iloc[at]
        message = f"{service} is hosted in a closed building (its status is {status.iloc[at]})"
        yield error(table_label(place, "hosting"), message,
                    "set the building's status to open, or delete the hosting row",
                    row=row_number(at), column="building_id",
                    value=hosting["building_id"].iloc[at])  # fmt: skip


def buildings_too_small(place: Place) -> Iterator[Finding]:
    """What a building hosts today, with its front of house, fits in its usable area."""
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
    for at in np.flatnonzero(((need > usable + 0.5) & (usable >= 0)).to_numpy()):
        message = (
            f"what it hosts today needs {need.iloc[at]:.0f} m2, usable are {usable.iloc[at]:.0f}"
        )
        yield warning(table_label(place, "buildings"), message,
                      "correct the floor area, the usable share or the areas in hosting",
                      row=row_number(at), column="floor_area_m2",
                      value=number_text(buildings['floor_area_m2'].iloc[at]))  # fmt: skip


def services_without_host_or_visits(place: Place) -> Iterator[Finding]:
    """Visits to a service nobody hosts, a hosted service nobody visits, desks not stated."""
    services, file = place.services, table_label(place, "services")
    wanted = {*place.demand["service_id"], *place.demand_rates["service_id"]}
    hosted = set(place.hosting["service_id"])
    for at, (service, office, desks) in enumerate(
        zip(services["service_id"], services["back_office"], services["desks"], strict=True)
    ):
        said: tuple[str, str] | None = None
        if office and service in wanted:
            said = "a back office has visits", "delete its visits, or set back_office to no"
        elif office and not desks > 0:
            said = "a back office has no desks", "state how many desks it needs"
        elif service in wanted and service not in hosted:
            said = "the service has visits but no building hosts it", "give its hosts in hosting"
        elif service in hosted and service not in wanted and not office:
            said = "the service has no visits", "give demand or demand_rates for it"
        if said:
            yield warning(file, *said, row=row_number(at), column="service_id", value=service)


def digital_shares_by_two_groupings(place: Place) -> Iterator[Finding]:
    """For a service and year zones are told apart in one way: all, quintiles, rural and urban."""
    shares, file = place.digital_shares, table_label(place, "digital_shares")
    ways: dict[tuple[str, int], str] = {}
    columns = (shares[name] for name in ("service_id", "year", "who"))
    for at, (service, year, who) in enumerate(zip(*columns, strict=True)):
        way = "quintiles" if who.startswith("quintile") else "all" if who == "all" else "area types"
        first = ways.setdefault((service, year), way)
        if first != way:
            yield error(file, f"{service} has shares by {first} and by {way} in {year}",
                        "tell its zones apart in one way", row=row_number(at), column="who",
                        value=who)  # fmt: skip


def contradictory_pairs(place: Place) -> Iterator[Finding]:
    """Services that must and may never share a roof, also through others."""
    pairs, file = place.compatibility, table_label(place, "compatibility")
    a, b = pairs["service_a"].tolist(), pairs["service_b"].tolist()
    relation = pairs["relation"].tolist()
    group = must_groups([(p, q) for p, q, r in zip(a, b, relation, strict=True) if r == "must"])
    seen: dict[frozenset[str], int] = {}
    for at, (first, second, rule) in enumerate(zip(a, b, relation, strict=True)):
        where: dict[str, Any] = {"row": row_number(at), "column": "relation", "value": rule}
        names = f"{first} and {second}"
        if first == second:
            yield error(file, f"{first} is paired with itself", "name two services", **where)
        elif rule == "never" and group.get(first, first) == group.get(second, second):
            message = f"{names} may never share a roof, yet must (perhaps through other services)"
            yield error(file, message, "delete one of the relations", **where)
        elif frozenset((first, second)) in seen:
            earlier = row_number(seen[frozenset((first, second))])
            message = f"the pair {names} stands already in row {earlier}"
            yield warning(file, message, "keep one of the two rows", **where)
        seen.setdefault(frozenset((first, second)), at)


def tiers_with_too_many_services(place: Place) -> Iterator[Finding]:
    """A tier that must host more services than it may."""
    rows = place.tier_services
    musts = rows[rows["relation"] == "must"].groupby("tier_id").size()
    for at, (tier, most) in enumerate(
        zip(place.tiers["tier_id"], place.tiers["max_services"], strict=True)
    ):
        if not _missing(most) and tier in musts.index and musts[tier] > most:
            message = f"the tier must host {musts[tier]} services but may host {most}"
            yield error(
                table_label(place, "tiers"),
                message,
                "raise max_services, or let some be may",
                row=row_number(at),
                column="max_services",
                value=most,
            )


def unmatched_building_kinds(place: Place) -> Iterator[Finding]:
    """A kind in ``suitability`` that no building has, and the reverse: perhaps misspelt."""
    kinds, own = place.suitability["building_kind"], place.buildings["kind"]
    if not len(own):
        return
    for at in np.flatnonzero((~kinds.isin(own)).to_numpy()):
        yield warning(table_label(place, "suitability"), "no building is of this kind",
                      "use the kinds of the buildings table", row=row_number(at),
                      column="building_kind", value=kinds.iloc[at])  # fmt: skip
    for at in np.flatnonzero((~own.isin(kinds)).to_numpy()) if len(kinds) else ():
        meant = did_you_mean(own.iloc[at], set(kinds), alike=0.85)  # a slip, not another kind
        if meant:
            yield warning(
                table_label(place, "buildings"),
                "suitability has no such kind, so nothing may move in",
                f"correct the kind, or add it to suitability{meant}",
                row=row_number(at),
                column="kind",
                value=own.iloc[at],
            )


def inconsistent_leases(place: Place) -> Iterator[Finding]:
    """A lease break of a freehold, a second without a first, a sale of what is not owned."""
    buildings, file = place.buildings, table_label(place, "buildings")
    freehold = (buildings["tenure"] == "freehold").to_numpy()
    breaks = buildings["lease_break_year"].notna().to_numpy()
    again = buildings["lease_break_every_years"].notna().to_numpy()
    receipt = (buildings["capital_receipt_gbp"] > 0).to_numpy()
    held = buildings["tenure"].isin(["leasehold", "licence", "pfi"]).to_numpy()
    past = (buildings["lease_break_year"] < place.info.price_year).fillna(False).to_numpy(bool)
    open_but_nothing = (
        (buildings["floor_area_m2"] == 0) & (buildings["status"] == "open")
    ).to_numpy()
    for wrong, column, message, remedy in (
        (freehold & breaks, "lease_break_year", "a freehold has no lease to break",
         "correct the tenure or leave it empty"),
        (again & ~breaks, "lease_break_every_years", "no first break date is stated",
         "give lease_break_year or leave it empty"),
        (~freehold & past & ~again, "lease_break_year", "this date is past, so the lease is taken "
         "to end at no cost in any year", "give the next date, or lease_break_every_years (0 for "
         "one date only)"),
        (held & receipt, "capital_receipt_gbp", "only a freehold is sold: this receipt is not "
         "counted", "correct the tenure or give 0"),
        (open_but_nothing, "floor_area_m2", "an open building has no floor area",
         "give an area above 0"),
    ):  # fmt: skip
        for at in np.flatnonzero(wrong):
            yield warning(file, message, remedy, row=row_number(at), column=column,
                          value=number_text(float(buildings[column].iloc[at])))  # fmt: skip


def receipt_shares_above_one(place: Place) -> Iterator[Finding]:
    """What selling costs and what goes back to a funder are no more than the receipt."""
    buildings = place.buildings
    share = buildings["sale_cost_share"] + buildings["receipt_clawback_share"]
    for at in np.flatnonzero((share > 1 + _SHARES_TIE).to_numpy()):
        clawback = number_text(float(buildings["receipt_clawback_share"].iloc[at]))
        message = f"sale_cost_share and receipt_clawback_share add up to {share.iloc[at]:g}"
        yield error(
            table_label(place, "buildings"),
            message,
            "let them add up to at most 1",
            row=row_number(at),
            column="receipt_clawback_share",
            value=clawback,
        )


def duplicate_candidates(place: Place) -> Iterator[Finding]:
    """A candidate in the walls of another row says which it replaces, or that it is another."""
    table, file = place.buildings, table_label(place, "buildings")
    rows = table.to_dict("records")
    ids = {row["building_id"]: row for row in rows}
    may_go = [at for at, row in enumerate(rows) if _may_be_sold(row)]
    points = table[["x_m", "y_m"]].to_numpy(float)
    of_uprn: dict[str, list[str]] = {}
    for row in rows:
        of_uprn.setdefault(pad_uprn(row["uprn"]), []).append(row["building_id"])
    for at, row in enumerate(rows):
        where: dict[str, Any] = {"row": row_number(at), "column": "replaces_building_id"}
        own, of = row["building_id"], row["replaces_building_id"]
        if of and row["status"] != "candidate":
            remedy = "set its status to candidate, or leave this empty"
            yield error(file, "only a candidate replaces a building", remedy, value=of, **where)
        elif of and row["another_building"]:
            yield error(file, "it cannot both replace a building and be another one",
                        "leave one of the two empty", value=of, **where)  # fmt: skip
        elif of and of in ids and (of == own or ids[of]["status"] == "candidate"):
            yield error(file, f"{of} is a candidate itself", "name a building open or vacant today",
                        value=of, **where)  # fmt: skip
        if of or row["another_building"] or row["status"] != "candidate":
            continue
        same = [i for i in of_uprn[pad_uprn(row["uprn"])] if row["uprn"] and i != own]
        apart = np.hypot(*(points[may_go] - points[at]).T)
        near = [rows[other]["building_id"] for other in np.array(may_go)[apart <= _SAME_WALLS_M]]
        if same or near:
            how = "has the UPRN of" if same else f"stands within {_SAME_WALLS_M} m of"
            yield error(file, f"the candidate {own} {how} {(same or near)[0]}",
                        "give replaces_building_id, or another_building = yes", value="",
                        **where)  # fmt: skip


def _may_be_sold(row: dict[Any, Any]) -> bool:
    kept = row["status"] == "candidate" or row["pinned"] in ("keep", "never_sell")
    return row["tenure"] == "freehold" and row["capital_receipt_gbp"] > 0 and not kept


def _first(frame: pd.DataFrame, key: str, value: str) -> pd.Series:
    """``value`` by ``key``, of the first record where a key stands twice."""
    return frame.drop_duplicates(key).set_index(key)[value]


def _missing(value: object) -> bool:
    import pandas as pd

    return value is pd.NA or value != value


def must_groups(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Each service's group under "must share every roof", named by one of its services."""
    group: dict[str, str] = {}
    for first, second in pairs:
        one, other = group.setdefault(first, first), group.setdefault(second, second)
        for name, (member, label_of) in product([one], list(group.items())):
            if label_of == other:
                group[member] = name
    return group
