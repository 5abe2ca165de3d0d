"""Synthesise a county: plausible, of any size, reproducible by its seed.

All of it is fictional. People cluster in a few towns and villages; rents, running costs and
receipts are higher in towns; deprivation clusters, and deprived zones have fewer cars; today's
buildings are large enough for what they host. See ``geography``, ``estate`` and ``money``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import UsageError
from placeopt.place.files.typed import tables_from_rows
from placeopt.place.synth.carbon import assumptions, carbon_values
from placeopt.place.synth.catalogue import catalogue
from placeopt.place.synth.estate import estate_tables
from placeopt.place.synth.geography import DISTRICTS, boundaries_of, draw_geography, zones_table
from placeopt.place.synth.money import money_tables
from placeopt.place.tables import Place, PlaceInfo

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["synthesise"]

MIN_ZONES, MIN_BUILDINGS = 12, 30
BUILDINGS_PER_ZONE = 110 / 150


def synthesise(
    zones: int = 150, buildings: int | None = None, seed: int = 1, name: str = "Marlshire"
) -> Place:
    """Return a synthetic county.

    Args:
        zones: Number of zones.
        buildings: Number of buildings; by default 110 for every 150 zones.
        seed: Seed of the random numbers.
        name: Name of the county.

    Raises:
        UsageError: Fewer than 12 zones or 30 buildings, which cannot host every service.
    """
    if buildings is None:
        buildings = max(MIN_BUILDINGS, round(zones * BUILDINGS_PER_ZONE))
    if zones < MIN_ZONES or buildings < MIN_BUILDINGS:
        raise UsageError(
            f"a made-up county needs at least {MIN_ZONES} zones and {MIN_BUILDINGS} "
            f"buildings, not {zones} and {buildings}"
        )
    rng = np.random.default_rng(seed)
    county = draw_geography(zones, name, rng)
    zone_table = zones_table(county, rng)
    agencies = catalogue("agencies")
    agencies["name"] = agencies["name"].str.replace("{name}", name, regex=False)
    tables = {
        "zones": zone_table,
        **estate_tables(county, zone_table, buildings, rng),
        "demand_rates": catalogue("demand_rates"),
        "digital_shares": catalogue("digital_shares"),
        "compatibility": catalogue("compatibility"),
        "suitability": _suitability(),
        "tiers": catalogue("tiers"),
        "tier_services": catalogue("tier_services"),
        "works_optimism_bias": catalogue("works_optimism_bias"),
        "carbon_values": carbon_values(),
        "assumptions": assumptions(),
        "agencies": agencies,
        "districts": _districts(county.district_name),
        **money_tables(float(zone_table["population"].sum()), rng),
    }
    return Place(
        info=PlaceInfo(
            name=name,
            price_year=2025,
            sources=(f"made up by placeopt: synthesise({zones}, {buildings}, seed={seed})",),
            licence="CC0-1.0",
            made_up=True,
        ),
        tables=tables_from_rows(tables),
        boundaries=boundaries_of(county, list(zone_table["zone_id"])),
    )


def _suitability() -> pd.DataFrame:
    """The catalogue's matrix of kinds by services as pairs."""
    wide = catalogue("suitability")
    long = wide.melt("building_kind", var_name="service_id", value_name="may")
    kinds = {kind: i for i, kind in enumerate(wide["building_kind"])}
    long = long.sort_values(
        "building_kind", kind="stable", key=lambda column: column.map(kinds), ignore_index=True
    )
    return long.loc[long["may"] == "yes", ["building_kind", "service_id"]].reset_index(drop=True)


def _districts(names: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    ids = [f"D{i + 1}" for i in range(DISTRICTS)]
    return pd.DataFrame({"district_id": ids, "name": names})
