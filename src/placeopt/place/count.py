"""Summarise a place in tables: buildings and running costs, spending and streams.

Every breakdown adds up to the total, and ``reconciliation`` shows it: what no table states (an
agency, a district) is a row of its own, never dropped or distributed. The running cost is that of
``running_cost.py``, with which every plan is compared. Figures that some buildings do not state
(maintenance backlog, energy, carbon) are summed over those that do. Only spending by district is
apportioned, because ledgers hold no districts: by visits if the programme pays for a service with
visits, by residents otherwise, in separate columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.place.demand import demand_of
from placeopt.place.running_cost import (
    RunningCost,
    hosted_today,
    load_by_distance,
    running_cost_today,
)
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

NOT_STATED = "not stated"
_TOLERANCE_GBP = 0.01
_COST_LINES = {  # column of the running cost -> its line of a plan's table "money"
    "open_buildings_gbp_per_year": "open buildings",
    "floor_area_gbp_per_year": "floor area in use",
    "holding_cost_gbp_per_year": "empty buildings",
    "cost_of_capital_gbp_per_year": "cost of capital",
    "staff_gbp_per_year": "staff of service points",
}
_COST_COLUMNS = (*_COST_LINES, "running_cost_gbp_per_year")
# may be unknown
_OPTIONAL_COLUMNS = ("backlog_gbp", "energy_kwh_per_year", "carbon_tco2e_per_year")


def count_place(
    place: Place,
    ledger_total_gbp: float | None = None,
    year: int | None = None,
    load: NDArray[np.float64] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of the count by name: of the estate if the place has buildings, of money if
    it has spending.

    Args:
        place: the place.
        ledger_total_gbp: control total of the ledger for the year: the reconciliation compares
            with it; without one, with the sum of the spending table itself.
        year: year of the spending, by default the last one.
        load: (buildings, services) visits a year or desks at each service point, as a scenario's
            travel times send them; by default to the nearest in a straight line.
    """
    tables: dict[str, pd.DataFrame] = {}
    if len(place.buildings):
        tables |= _estate(place, load)
    if len(place.spending):
        tables |= _money(place, int(place.spending["year"].max()) if year is None else year)
    tables["reconciliation"] = _reconcile(tables, ledger_total_gbp)
    return tables


def _estate(place: Place, load: NDArray[np.float64] | None) -> dict[str, pd.DataFrame]:
    if load is None:
        load = load_by_distance(place, hosted_today(place))
    cost = running_cost_today(place, load)
    buildings = _building_costs(place, cost)
    tables = {"buildings": buildings.drop(columns=["one", "open", "vacant"])}
    for name, column in (("agency", "agency_id"), ("district", "district_id"), ("kind", "kind"),
                         ("tenure", "tenure")):  # fmt: skip
        table = _sum_by_group(buildings, [column])
        table = table.sort_values("running_cost_gbp_per_year", ascending=False, kind="stable")
        tables[f"estate_by_{name}"] = _with_names(place, table, column).reset_index(drop=True)
    tables["estate_by_agency_and_district"] = _sum_by_group(buildings, ["agency_id", "district_id"])
    tables["estate_by_service"] = _service_table(place, cost, load)
    tables["running_cost_by_agency"] = _cost_by_payer(place, buildings, cost)
    return tables


def _building_costs(place: Place, cost: RunningCost) -> pd.DataFrame:
    """Every building with its running cost today (GBP a year), including the staff of its service
    points, whichever agency pays them."""
    buildings = place.buildings
    frame = buildings[
        ["building_id", "name", "kind", "agency_id", "district_id", "status", "tenure", "x_m",
         "y_m", "floor_area_m2", *_OPTIONAL_COLUMNS]
    ].copy()  # fmt: skip
    for column in ("agency_id", "district_id", "kind", "tenure"):
        frame[column] = frame[column].replace("", NOT_STATED)
    frame["used_m2"] = cost.area_m2.sum(axis=1) + cost.front_m2
    parts = (cost.open_gbp, cost.floor_gbp, cost.empty_gbp, cost.capital_gbp,
             cost.staff_gbp.sum(axis=1), cost.total_gbp)  # fmt: skip
    for column, gbp in zip(_COST_COLUMNS, parts, strict=True):
        frame[column] = gbp
    frame["one"] = 1
    for status in ("open", "vacant"):
        frame[status] = (buildings["status"] == status).astype(int)
    return frame


def _sum_by_group(buildings: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Sums by group; a figure that no building of a group states stays missing, and a column counts
    the buildings that state it."""
    is_stated = {
        f"{name}_stated": buildings[name].notna().astype(int) for name in _OPTIONAL_COLUMNS
    }
    groups = buildings.assign(**is_stated).groupby(columns, sort=True)
    counts = {"one": "buildings_count", "open": "open_count", "vacant": "vacant_count"}
    table = groups[[*counts, "floor_area_m2", *_COST_COLUMNS]].sum().rename(columns=counts)
    for name in _OPTIONAL_COLUMNS:
        table[name] = groups[name].sum(min_count=1)
        table[f"{_stem(name)}_stated_count"] = groups[f"{name}_stated"].sum()
    return table.reset_index()


def _stem(column: str) -> str:
    return column.split("_")[0]


def _cost_by_payer(place: Place, buildings: pd.DataFrame, cost: RunningCost) -> pd.DataFrame:
    """Running cost by the agency that pays it: building costs by owner, staff by service
    provider."""
    import pandas as pd

    building_costs = [name for name in _COST_LINES if name != "staff_gbp_per_year"]
    owners = buildings.groupby("agency_id", sort=True)[building_costs].sum()
    provider = place.services["agency_id"].replace("", NOT_STATED).to_numpy(str)
    staff = pd.Series(cost.staff_gbp.sum(axis=0), provider).groupby(level=0).sum()
    table = owners.join(staff[staff != 0].rename("staff_gbp_per_year"), how="outer").fillna(0.0)
    table["running_cost_gbp_per_year"] = table.sum(axis=1)
    table = table.rename_axis("agency_id").reset_index()
    table = table.sort_values("running_cost_gbp_per_year", ascending=False, kind="stable")
    return _with_names(place, table, "agency_id").reset_index(drop=True)


def _service_table(place: Place, cost: RunningCost, load: NDArray[np.float64]) -> pd.DataFrame:
    """Each service's points, shared buildings, area, visits and staff cost.

    ``stated_area_m2`` is the area that the hosting table states, ``area_m2`` the area needed.
    """
    import pandas as pd

    hosted = hosted_today(place)
    shared = hosted.sum(axis=1) > 1
    visits = demand_of(place).groupby("service_id")["visits_per_year"].sum()
    open_ids = place.buildings.loc[place.buildings["status"] == "open", "building_id"]
    rows = []
    for s, service in enumerate(place.services.to_dict("records")):
        hosting = place.hosting[place.hosting["service_id"] == service["service_id"]]
        hosting = hosting[hosting["building_id"].isin(open_ids)]
        rows.append(
            {
                "service_id": service["service_id"],
                "name": service["name"],
                "agency_id": service["agency_id"] or NOT_STATED,
                "points_count": len(hosting),
                "shared_roof_count": int((hosted[:, s] & shared).sum()),
                "area_m2": float(cost.area_m2[:, s].sum()),
                "stated_area_m2": hosting["area_m2"].sum(min_count=1),
                "area_unknown_count": int(hosting["area_m2"].isna().sum()),
                "visits_per_year": float(visits.get(service["service_id"], 0.0)),
                "visits_served_per_year": 0.0
                if service["back_office"]
                else float(load[:, s].sum()),
                "staff_gbp_per_year": float(cost.staff_gbp[:, s].sum()),
            }
        )
    return pd.DataFrame(rows)


def _money(place: Place, year: int) -> dict[str, pd.DataFrame]:
    spending = place.spending[place.spending["year"] == year]
    lines = spending.merge(
        place.programmes[["programme_id", "name", "agency_id", "service_id", "kind"]],
        on="programme_id", how="left",
    )  # fmt: skip
    keys = ["agency_id", "service_id", "kind", "stream_id"]
    lines[keys] = lines[keys].fillna("").replace("", NOT_STATED)
    tables = {"spending": lines}
    for name, column in (("agency", "agency_id"), ("service", "service_id"),
                         ("stream", "stream_id"), ("kind", "kind")):  # fmt: skip
        table = lines.groupby(column, sort=True)["amount_gbp"].sum().reset_index()
        total = table["amount_gbp"].sum()
        table["share"] = table["amount_gbp"] / total if total else 0.0
        table = table.sort_values("amount_gbp", ascending=False, kind="stable")
        tables[f"spending_by_{name}"] = _with_names(place, table, column).reset_index(drop=True)
    payer = lines.merge(place.streams[["stream_id", "agency_id"]].rename(
        columns={"agency_id": "paying_agency_id"}), on="stream_id", how="left")  # fmt: skip
    payer["paying_agency_id"] = payer["paying_agency_id"].fillna("").replace("", NOT_STATED)
    tables["who_pays_whom"] = (
        payer.groupby(["paying_agency_id", "agency_id", "service_id"])["amount_gbp"].sum()
        .reset_index().rename(columns={"agency_id": "spending_agency_id"})
    )  # fmt: skip
    tables["spending_by_district"] = _by_district(place, lines)
    tables["streams"] = _streams(place, lines, year)
    return tables


def _by_district(place: Place, lines: pd.DataFrame) -> pd.DataFrame:
    """Spending apportioned to the districts of the residents it is spent on."""
    zones = place.zones
    if zones.empty:
        rows = {"district_id": [NOT_STATED], "by_visits_gbp": [0.0], "by_residents_gbp": [0.0],
                "amount_gbp": [lines["amount_gbp"].sum()], "residents": [float("nan")]}  # fmt: skip
        return place.zones.__class__(rows)
    district = zones.set_index("zone_id")["district_id"].replace("", NOT_STATED)
    people = zones.groupby(district.to_numpy())["population"].sum()
    visits = demand_of(place)
    visits = visits.assign(district_id=visits["zone_id"].map(district))
    by_service = visits.groupby(["service_id", "district_id"])["visits_per_year"].sum()
    table = people.rename("residents").rename_axis("district_id").reset_index()
    table["by_visits_gbp"] = table["by_residents_gbp"] = 0.0
    spent = lines.groupby("service_id")["amount_gbp"].sum()
    for service, amount in zip(spent.index.astype(str), spent, strict=True):
        has_visits = service in by_service.index.get_level_values(0)
        weights = by_service.loc[service] if has_visits else people
        if weights.sum() <= 0:
            has_visits, weights = False, people
        share = table["district_id"].map(weights / weights.sum()).fillna(0.0)
        table["by_visits_gbp" if has_visits else "by_residents_gbp"] += amount * share
    table["amount_gbp"] = table["by_visits_gbp"] + table["by_residents_gbp"]
    table["per_resident_gbp"] = table["amount_gbp"] / table["residents"].where(
        table["residents"] > 0
    )
    return _with_names(place, table, "district_id")


def _streams(place: Place, lines: pd.DataFrame, year: int) -> pd.DataFrame:
    """What each stream received and spent."""
    amounts = place.stream_amounts[place.stream_amounts["year"] == year]
    table = place.streams[["stream_id", "name", "agency_id", "ring_fenced"]].copy()
    table["received_gbp"] = table["stream_id"].map(amounts.groupby("stream_id")["amount_gbp"].sum())
    spent = lines.groupby("stream_id")["amount_gbp"].sum()
    table["spent_gbp"] = table["stream_id"].map(spent).fillna(0.0)
    table["unspent_gbp"] = table["received_gbp"] - table["spent_gbp"]
    return table


def _reconcile(
    tables: dict[str, pd.DataFrame], ledger_total_gbp: float | None
) -> pd.DataFrame:  # fmt: skip
    """The sum of each breakdown beside the total; ``ties`` if they agree to the penny."""
    import pandas as pd

    rows = []
    for prefix, column, total_table in (
        ("estate_by_", "running_cost_gbp_per_year", tables.get("buildings")),
        ("running_cost_by_", "running_cost_gbp_per_year", tables.get("buildings")),
        ("spending_by_", "amount_gbp", tables.get("spending")),
    ):
        if total_table is None:
            continue
        total = float(total_table[column].sum())
        if prefix == "spending_by_" and ledger_total_gbp is not None:
            rows.append(("spending", total, ledger_total_gbp))
            total = ledger_total_gbp
        rows += [
            (name, float(table[column].sum()), total)
            for name, table in tables.items()
            if name.startswith(prefix) and column in table
        ]
    frame = pd.DataFrame(rows, columns=["breakdown", "total_gbp", "ledger_total_gbp"])
    frame["difference_gbp"] = frame["total_gbp"] - frame["ledger_total_gbp"]
    tolerance = _TOLERANCE_GBP + 1e-9 * frame["ledger_total_gbp"].abs()
    frame["ties"] = (frame["difference_gbp"].abs() <= tolerance).astype(bool)
    return frame


def _with_names(place: Place, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The table with a column ``name`` after an id column, where another table names the ids."""
    source = {"agency_id": place.agencies, "district_id": place.districts,
              "service_id": place.services, "stream_id": place.streams}.get(column)  # fmt: skip
    if source is None:
        return table
    names = source.drop_duplicates(column).set_index(column)["name"]
    table.insert(1, "name", [names.get(identity, "") for identity in table[column]])
    return table
