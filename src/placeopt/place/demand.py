"""Visits a year by zone and service, given or computed from rates by age, and digital shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.place.tables import Place

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

AGE_COLUMNS = {
    "all": "population",
    "0_4": "people_0_4",
    "5_15": "people_5_15",
    "16_64": "people_16_64",
    "65_84": "people_65_84",
    "85_plus": "people_85_plus",
}


def demand_of(place: Place, years_on: int = 0) -> pd.DataFrame:
    """Visits a year over all channels, digital ones included.

    If ``demand`` has rows for a service, they are its visits, and zones without a row have none.
    The visits of any other service are the sum over its ``demand_rates`` of the people of that age
    times the rate.

    Args:
        place: The place.
        years_on: Years by which rates grow at their stated share; given demand does not grow.

    Returns:
        Columns zone_id, service_id, visits_per_year: one row for every zone and every service with
    visits, in the order of the services and zones tables. Services with neither demand nor rates
        have no rows.

    Raises:
        ValueError: A rate needs an age band that a zone does not state (``check`` reports it).
    """
    import numpy as np
    import pandas as pd

    zones, given, rates = place.zones, place.demand, place.demand_rates
    zone_ids = zones["zone_id"].to_numpy()
    blocks = []
    for service in place.services["service_id"]:
        rows = given[given["service_id"] == service]
        if len(rows):
            by_zone = rows.set_index("zone_id")["visits_per_year"]
            visits = by_zone.reindex(zone_ids, fill_value=0.0).to_numpy(dtype=float)
        elif (own_rates := rates[rates["service_id"] == service]).empty:
            continue
        else:
            visits = np.zeros(len(zones))
            growth = (1 + own_rates["growth_share_per_year"]) ** years_on
            rates_then = own_rates["visits_per_person_per_year"] * growth
            for band, rate in zip(own_rates["age_band"], rates_then, strict=True):
                people = zones[AGE_COLUMNS[band]].to_numpy(dtype=float)
                if np.isnan(people).any():
                    missing = zone_ids[np.isnan(people)][0]
                    raise ValueError(f"zone {missing} does not state {AGE_COLUMNS[band]}")
                visits += people * rate
        blocks.append(
            pd.DataFrame(
                {"zone_id": zone_ids, "service_id": service, "visits_per_year": visits}
            ).astype({"zone_id": str, "service_id": str})
        )
    if not blocks:
        return given.iloc[:0].reset_index(drop=True)
    return pd.concat(blocks, ignore_index=True)


def digital_shares_of(place: Place, year: int) -> pd.DataFrame:
    """The digital share of visits in ``year``.

    Of the rows of ``digital_shares`` that apply to a zone, the latest one not after ``year``
    counts; if there is none, ``services.digital_share``.

    Returns:
        (zones, services) shares, indexed by zone_id, with service_id as columns.
    """
    import numpy as np
    import pandas as pd

    zones, stated = place.zones, place.digital_shares
    shares = {
        service: np.full(len(zones), share)
        for service, share in zip(
            place.services["service_id"], place.services["digital_share"], strict=True
        )
    }
    stated = stated[stated["year"] <= year].sort_values("year")
    columns = (stated[name].tolist() for name in ("service_id", "who", "digital_share"))
    for service, who, share in zip(*columns, strict=True):
        shares[service][zones_of_group(zones, who).to_numpy()] = share
    return pd.DataFrame(shares, index=pd.Index(zones["zone_id"], name="zone_id"))


def visits_of(place: Place, year: int, years_on: int = 0) -> NDArray[np.float64]:
    """(zones, services) visits a year in person: net of the digital share of ``year``, grown for
    ``years_on`` years, 0 for back offices."""
    import numpy as np

    demand = demand_of(place, years_on)
    visits = np.zeros((len(place.zones), len(place.services)))
    row_of_zone = {key: z for z, key in enumerate(place.zones["zone_id"])}
    column_of_service = {key: s for s, key in enumerate(place.services["service_id"])}
    rows = demand["zone_id"].map(row_of_zone).to_numpy(int)
    columns = demand["service_id"].map(column_of_service).to_numpy(int)
    np.add.at(visits, (rows, columns), demand["visits_per_year"].to_numpy(float))
    visits *= 1 - digital_shares_of(place, year).to_numpy(float)
    visits[:, place.services["back_office"].to_numpy(bool)] = 0
    return visits


def zones_of_group(zones: pd.DataFrame, who: str) -> pd.Series:
    """(zones,) whether a zone belongs to the group ``who`` of ``digital_shares``."""
    if who in ("rural", "urban"):
        return zones["area_type"] == who
    if who.startswith("quintile_"):
        quintile = zones["deprivation_quintile"].astype("Int64")
        return (quintile == int(who.removeprefix("quintile_"))).fillna(False).astype(bool)
    return zones["zone_id"].notna()
