"""Synthesise the public buildings of a county and the services they host today.

Buildings of a kind are distributed over the zones by systematic sampling proportional to residents;
kinds that serve a whole district are placed in the main towns first. Each service's visits go to
the nearest building that hosts it, and buildings are sized for that with some slack, so that
today's arrangement is feasible. Rents, running costs and receipts rise towards town centres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats, Ints
from placeopt.place.synth.catalogue import catalogue, parse_shares
from placeopt.place.synth.geography import DISTRICTS, Geography, nearest_positions

if TYPE_CHECKING:
    import pandas as pd

DESKS_PER_1000_RESIDENTS = 3.0
AGE_BANDS = ("0_4", "5_15", "16_64", "65_84", "85_plus")
FIRST_YEAR = 2026  # the first year in which a lease can break


@dataclass(frozen=True)
class Sites:
    """The sites of b buildings.

    Attributes:
        kind: (b,) row of kinds.csv.
        xy: (b, 2) coordinates in whole metres.
        zone: (b,) the zone in or near which it lies.
        centrality: (b,) how central it is, 0 to 1.
    """

    kind: Ints
    xy: Floats
    zone: Ints
    centrality: Floats


def estate_tables(
    county: Geography, zones: pd.DataFrame, buildings: int, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Tables of buildings, hosting and services."""
    kinds = catalogue("kinds")
    services = catalogue("services")
    services["desks"] = np.where(
        services["back_office"] == "yes",
        np.round(zones["population"].sum() * DESKS_PER_1000_RESIDENTS / 1000, -1),
        np.nan,
    )
    sites = _sites(county, zones, kinds, buildings, rng)
    full, partial = _hosts(kinds, services, sites, rng)
    area = _areas(county, zones, services, sites, full, partial, rng)
    table = _buildings_table(county, kinds, services, sites, full | partial, area, rng)
    hosting = _hosting_table(table, services, full, partial, area)
    return {"buildings": table, "hosting": hosting, "services": services}


def _sites(
    county: Geography,
    zones: pd.DataFrame,
    kinds: pd.DataFrame,
    buildings: int,
    rng: np.random.Generator,
) -> Sites:
    counts = _counts(kinds["share"].to_numpy(float), buildings)
    kind = np.repeat(np.arange(len(kinds)), counts)
    zone = np.concatenate(
        [
            _sample_zones(county, count, anchors, weight, rng)
            for count, anchors, weight in zip(
                counts, kinds["anchors"], _sampling_weights(county, zones, kinds), strict=True
            )
        ]
    )
    xy = county.zone_xy[zone]
    settlement = county.zone_settlement[zone]
    centre = np.where((settlement >= 0)[:, None], county.settlement_xy[settlement], xy)
    share = kinds["pull"].to_numpy(float)[kind][:, None]
    xy = np.round(xy + share * (centre - xy) + rng.normal(0, 130, xy.shape))
    return Sites(kind, xy, zone, county.centrality(xy))


def _counts(share: Floats, total: int) -> Ints:
    """The number of buildings of each kind by largest remainders, at least one of each."""
    ideal = share / share.sum() * total
    counts: Ints = np.maximum(1, np.floor(ideal)).astype(np.int64)
    while counts.sum() != total:
        step = 1 if counts.sum() < total else -1
        gap = np.where((step > 0) | (counts > 1), step * (ideal - counts), -np.inf)
        counts[np.argmax(gap)] += step
    return counts


def _sampling_weights(county: Geography, zones: pd.DataFrame, kinds: pd.DataFrame) -> Floats:
    """(kinds, z) sampling weight of a zone by people, town size and deprivation."""
    size = np.where(county.zone_settlement >= 0, county.settlement_zones[county.zone_settlement], 0)
    people = zones["population"].to_numpy(float)
    need = (5 - zones["deprivation_quintile"].to_numpy(float)) / 2
    town = kinds["town_weight"].to_numpy(float)[:, None]
    deprived = kinds["deprived_weight"].to_numpy(float)[:, None]
    return np.asarray(people * (1.0 + size / 4) ** (town - 1) * (1.0 + deprived * need))


def _sample_zones(
    county: Geography, count: int, anchors: int, weight: Floats, rng: np.random.Generator
) -> Ints:
    """(count,) zones: district towns first, the rest at even steps of the cumulative weight."""
    anchors = min(anchors, count, DISTRICTS)
    first = nearest_positions(county.settlement_xy[:anchors], county.zone_xy)
    remaining = count - anchors
    if remaining == 0:
        return first
    served = np.isin(county.zone_settlement, np.arange(anchors))  # these have one already
    cumulative = np.cumsum(np.where(served, 0.6, 1.0) * weight)
    samples = (np.arange(remaining) + rng.uniform(0, 1)) / remaining * cumulative[-1]
    return np.concatenate(
        [first, np.searchsorted(cumulative, samples).clip(max=len(cumulative) - 1)]
    )


def _hosts(
    kinds: pd.DataFrame, services: pd.DataFrame, sites: Sites, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Two arrays (b, s): services hosted in full today, and in part."""
    position = {key: i for i, key in enumerate(services["service_id"])}
    full = np.zeros((len(sites.kind), len(services)), dtype=bool)
    partial = full.copy()
    for k, text in enumerate(kinds["services"]):
        members = np.flatnonzero(sites.kind == k)
        for number, (key, share) in enumerate(parse_shares(text).items()):
            chosen = rng.uniform(0, 1, len(members)) < share
            chosen[: 1 if number < 2 else 0] = True
            table = partial if key.endswith("~") else full
            table[members[chosen], position[key.removesuffix("~")]] = True
        if text:  # every open building hosts something
            idle = members[~(full[members] | partial[members]).any(axis=1)]
            full[idle, position[next(iter(parse_shares(text)))]] = True
    partial &= ~full
    police, youth = position["police_counter"], position["youth"]
    full[full[:, police], youth] = False  # this pair may not share a building
    return full, partial


def visits_by_zone(zones: pd.DataFrame, services: pd.DataFrame) -> Floats:
    """(z, s) visits a year in person at today's rates."""
    rates = catalogue("demand_rates").pivot(
        index="age_band", columns="service_id", values="visits_per_person_per_year"
    )
    rates = rates.reindex(index=AGE_BANDS, columns=services["service_id"]).fillna(0.0)
    people = zones[[f"people_{band}" for band in AGE_BANDS]].to_numpy(float)
    return np.asarray(people @ rates.to_numpy(float) * (1 - services["digital_share"].to_numpy()))


def _areas(
    county: Geography,
    zones: pd.DataFrame,
    services: pd.DataFrame,
    sites: Sites,
    full: NDArray[np.bool_],
    partial: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Floats:
    """(b, s) floor area (m2) of each hosted service today, enough for its visits."""
    visits = visits_by_zone(zones, services)
    base = services["area_base_m2"].to_numpy(float)
    per_visit = services["area_m2_per_1000_visits"].to_numpy(float) / 1000
    need = np.zeros(full.shape)
    for s, back_office in enumerate(services["back_office"] == "yes"):
        for hosts in (np.flatnonzero(full[:, s]), np.flatnonzero((full | partial)[:, s])):
            if back_office:
                weight = 0.3 + sites.centrality[hosts] ** 2
                load = services["desks"].to_numpy(float)[s] * weight / weight.sum()
            else:
                to = nearest_positions(county.zone_xy, sites.xy[hosts])
                load = np.bincount(to, weights=visits[:, s], minlength=len(hosts))
            need[hosts, s] = np.maximum(need[hosts, s], base[s] + per_visit[s] * load)
    slack = rng.uniform(1.02, 1.2, need.shape)
    return np.asarray(np.ceil(need * slack / 5) * 5)


def _buildings_table(
    county: Geography,
    kinds: pd.DataFrame,
    services: pd.DataFrame,
    sites: Sites,
    hosts: NDArray[np.bool_],
    area: Floats,
    rng: np.random.Generator,
) -> pd.DataFrame:
    import pandas as pd

    kind = kinds.iloc[sites.kind].reset_index(drop=True)
    count = len(kind)
    draws = rng.uniform(0, 1, (8, count))
    front = np.where(hosts, services["front_of_house_m2"].to_numpy(float), 0).max(axis=1)
    occupied = area.sum(axis=1) + front
    spare = kind["spare_low"] + draws[0] * (kind["spare_high"] - kind["spare_low"])
    usable = np.where(occupied > 0, occupied * spare, 250 + 900 * draws[0])
    floor_area = np.ceil(usable / kind["usable_share"] / 10) * 10
    width = max(3, len(str(count)))
    tenure = _tenure(kind, draws[1])
    leased = (tenure == "leasehold") | (tenure == "licence")
    rent = np.round((70 + 110 * sites.centrality) / 5) * 5 * floor_area * leased
    cost = (kind["running_low"] + draws[2] * (kind["running_high"] - kind["running_low"])) * (
        0.9 + 0.25 * sites.centrality
    )
    listed = (draws[3] < 0.12) & kind["kind"].isin(["library", "council_office"]).to_numpy()
    receipt = kind["receipt_gbp_per_m2"] * (0.55 + 1.1 * sites.centrality) * (0.85 + 0.3 * draws[4])
    saleable = ~leased & (tenure != "pfi")
    receipt = np.where(listed, 0.7, 1.0) * receipt * floor_area * saleable
    energy = kind["kwh_per_m2"] * (0.8 + 0.4 * draws[5]) * floor_area
    backlog = (20 + 280 * draws[6] ** 2) * floor_area * np.where(listed, 1.5, 1.0)
    return pd.DataFrame(
        {
            "building_id": [f"B{i + 1:0{width}d}" for i in range(count)],
            "name": _names(county, kind, sites),
            "kind": kind["kind"],
            "district_id": [f"D{d + 1}" for d in county.district_of(sites.xy)],
            "agency_id": kind["agency_id"],
            "status": kind["status"],
            "x_m": sites.xy[:, 0].astype(np.int64),
            "y_m": sites.xy[:, 1].astype(np.int64),
            "floor_area_m2": floor_area.astype(np.int64),
            "usable_share": kind["usable_share"],
            "tenure": tenure,
            "lease_break_year": pd.Series(
                np.where(leased, FIRST_YEAR + np.floor(draws[7] * 6), np.nan)
            ).astype("Int64"),
            "lease_break_penalty_gbp": _rounded(1.5 * rent, 1000),
            "running_cost_fixed_gbp_per_year": _rounded(0.75 * cost * floor_area + rent, 100),
            "running_cost_gbp_per_m2_per_year": _rounded(0.25 * cost / kind["usable_share"], 1),
            "holding_cost_gbp_per_year": _rounded(np.where(leased, rent, 12 * floor_area), 100),
            "capital_receipt_gbp": _rounded(receipt, 5000),
            "sale_cost_share": np.where(receipt > 0, 0.03, 0.0),
            "sale_lag_years": np.where(listed, 2, 1),
            "closure_cost_gbp": _rounded(np.where(leased, 60, 25) * floor_area, 1000),
            "backlog_gbp": _rounded(np.where(kind["status"] == "candidate", 0, backlog), 1000),
            "fit_out_gbp_per_m2": _rounded(
                kind["fit_out_gbp_per_m2"] * np.where(listed, 1.3, 1.0), 10
            ),
            "works_kind": np.where(listed, "non_standard_building", "standard_building"),
            "energy_kwh_per_year": _rounded(energy, 1000),
            "carbon_tco2e_per_year": np.round(energy * 0.00019, 1),
            "listed": listed,
            "pinned": _pinned(kind, tenure, county.district_of(sites.xy)),
        }
    )


def _tenure(kind: pd.DataFrame, draw: Floats) -> NDArray[np.object_]:
    share = kind["leasehold_share"].to_numpy(float)
    tenure = np.full(len(kind), "freehold", dtype=object)
    tenure[draw < share] = "leasehold"
    tenure[(draw < share) & (kind["kind"] == "station").to_numpy()] = "licence"
    surgery = np.flatnonzero((kind["kind"] == "surgery").to_numpy() & (draw >= share))
    tenure[surgery[: max(1, len(surgery) // 12)]] = "pfi"
    return tenure


def _pinned(kind: pd.DataFrame, tenure: NDArray[np.object_], district: Ints) -> list[str]:
    """The column ``pinned``: fire stations, PFI buildings and the county hall are kept, schools are
    never sold."""
    pinned = kind["pinned"].replace("", "no").to_numpy(dtype=object, copy=True)
    pinned[tenure == "pfi"] = "keep"
    offices = np.flatnonzero((kind["kind"] == "council_office").to_numpy())
    pinned[offices[0]] = "keep"
    centres = np.flatnonzero((kind["kind"] == "childrens_centre").to_numpy())
    pinned[centres[-1]] = "never_sell"
    return list(pinned)


def _names(county: Geography, kind: pd.DataFrame, sites: Sites) -> list[str]:
    """Names of settlement and kind, numbered where they repeat."""
    settlement = county.zone_settlement[sites.zone]
    close = nearest_positions(county.zone_xy[sites.zone], county.settlement_xy)
    plain_names = [
        f"{county.settlement_name[h if h >= 0 else c]} {label}"
        for h, c, label in zip(settlement, close, kind["label"], strict=True)
    ]
    seen: dict[str, int] = {}
    names = []
    for stem in plain_names:
        seen[stem] = seen.get(stem, 0) + 1
        names.append(stem if seen[stem] == 1 else f"{stem} {seen[stem]}")
    return names


def _hosting_table(
    buildings: pd.DataFrame,
    services: pd.DataFrame,
    full: NDArray[np.bool_],
    partial: NDArray[np.bool_],
    area: Floats,
) -> pd.DataFrame:
    import pandas as pd

    b, s = np.nonzero(full | partial)
    return pd.DataFrame(
        {
            "building_id": buildings["building_id"].to_numpy()[b],
            "service_id": services["service_id"].to_numpy()[s],
            "area_m2": area[b, s].astype(np.int64),
            "offer": np.where(partial[b, s], "partial", "full"),
        }
    )


def _rounded(values: object, unit: int) -> NDArray[np.int64]:
    """Round to the nearest multiple of ``unit``."""
    return (np.round(np.asarray(values, dtype=float) / unit) * unit).astype(np.int64)
