"""A plan's tables read as the arrangements of its decided years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from placeopt.estate.verify.sums import Arrangement

Tables = Mapping[str, Any]
OPEN_WORDS = ("keep", "hub", "open")
DISPOSED_WORDS = ("sold", "lease_ended")


def rows(table: Any, *columns: str) -> list[tuple[Any, ...]]:
    """Return the rows of a table, as tuples of the columns named."""
    return list(zip(*(table[column].tolist() for column in columns), strict=True))


def arrangements(tables: Tables, years: list[int]) -> list[Arrangement]:
    """Return the arrangement of each decided year; rents are the last year's."""
    by_year = [_arrangement_of(tables, year) for year in years]
    if "rents" in tables:
        by_year[-1].rents = dict(rows(tables["rents"], "building_id", "rent_gbp_per_m2_per_year"))
    if "agencies" in tables:
        by_year[-1].transfers = dict(rows(tables["agencies"], "agency_id", "transfer_gbp_per_year"))
    return by_year


def arrangement_at_the_end(tables: Tables) -> Arrangement:
    """Return the arrangement that the tables of the end state describe."""
    buildings, services = tables["buildings"], tables["services"]
    disposed = [i for i, how in rows(buildings, "building_id", "disposal") if how in DISPOSED_WORDS]
    points = rows(services, "building_id", "service_id", "after", "desks")
    return Arrangement(
        open={i for i, word in rows(buildings, "building_id", "decision") if word in OPEN_WORDS},
        disposed=set(disposed),
        tier={i: tier for i, tier in rows(buildings, "building_id", "tier_id") if tier},
        hosts={(i, s) for i, s, after, _ in points if after},
        desks={(i, s): desks for i, s, _, desks in points if desks},
        served=served_of(tables["assignment"]),
    )


def _arrangement_of(tables: Tables, year: int) -> Arrangement:
    """Return the arrangement of one year."""

    def rows_of_year(table: str) -> Any:
        return tables[table][tables[table]["year"] == year]

    states = rows(rows_of_year("buildings_by_year"), "building_id", "state", "tier_id")
    points = rows(rows_of_year("services_by_year"), "building_id", "service_id", "hosted", "desks")
    return Arrangement(
        open={i for i, state, _ in states if state == "open"},
        disposed={i for i, state, _ in states if state == "disposed"},
        tier={i: tier for i, _, tier in states if tier},
        hosts={(i, s) for i, s, hosted, _ in points if hosted == "yes"},
        desks={(i, s): desks for i, s, _, desks in points if desks},
        served=served_of(rows_of_year("assignment_by_year")),
    )


def served_of(table: Any) -> dict[tuple[str, str], dict[str, float]]:
    """Return (zone, service) -> building -> share of the zone's visits, as a table states it."""
    served: dict[tuple[str, str], dict[str, float]] = {}
    for zone, service, i, share in rows(table, "zone_id", "service_id", "building_id", "share"):
        part = served.setdefault((zone, service), {})
        part[i] = part.get(i, 0.0) + share
    return served
