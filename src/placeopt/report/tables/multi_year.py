"""Tables of a plan of several years: what happens to each building, and the cash.

They are made from the plan's own yearly tables; every total ties to ``cash_flow``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from placeopt.report.tables.formats import in_words

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.report.tables.sheet import Sheet

UNCHANGED = "as the year before"
CASH_PARTS = {  # line of the cash flow -> column of the year's cash
    **dict.fromkeys(
        ("running", "staffing", "tiers", "holding", "cost_of_capital", "double_running"),
        "running_gbp",
    ),
    **dict.fromkeys(("fit_out", "moves", "set_up", "closing", "redundancy"), "works_gbp"),
    "backlog": "maintenance_gbp",
    "receipts": "receipts_gbp",
}


def has_several_years(tables: Mapping[str, pd.DataFrame]) -> bool:
    """Whether the plan decides more than one year."""
    return "buildings_by_year" in tables and tables["buildings_by_year"]["year"].nunique() > 1


def timeline_table(place: Place, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return buildings by year: what each is and hosts, stated only where it changes."""
    import pandas as pd

    services, years = tables["services_by_year"], tables["buildings_by_year"]
    names = dict(zip(place.services["service_id"], place.services["name"], strict=True))
    tiers = place.tables.get("tiers")
    tier_names = {} if tiers is None else dict(zip(tiers["tier_id"], tiers["name"], strict=True))
    hosted = services[services["hosted"].isin(["yes", True])]
    services_at: dict[tuple[int, str], list[str]] = {}
    for year, i, s in zip(hosted["year"], hosted["building_id"], hosted["service_id"], strict=True):
        services_at.setdefault((year, i), []).append(names.get(s) or s)
    disposal = dict(
        zip(tables["buildings"]["building_id"], tables["buildings"]["disposal"], strict=True)
    )
    rows: dict[str, dict[str, str]] = {}
    before: dict[str, str] = {}
    for year, i, state, tier in zip(
        *(years[c] for c in ("year", "building_id", "state", "tier_id")), strict=True
    ):
        now = {
            "held": "Empty",
            "replaced": "In use under its other entry",
            "not_used": "Not used",
            "disposed": "Sold" if disposal.get(i) == "sold" else "Lease ended",
        }.get(state)
        if now is None:
            now = ", ".join(services_at.get((year, i), [])) or "Open, no service"
            now += f" ({tier_names.get(tier) or tier})" if tier else ""
        rows.setdefault(i, {})[f"in_{year}"] = UNCHANGED if before.get(i) == now else now
        before[i] = now
    table = pd.DataFrame([{"building_id": i, **cells} for i, cells in rows.items()])
    later = table.columns[2:]
    changes = (table[later] != UNCHANGED).sum(axis=1)
    return table.iloc[(-changes).argsort(kind="stable")].reset_index(drop=True)


def cash_years_table(cash: pd.DataFrame) -> pd.DataFrame:
    """Return one row per year: do nothing, the plan in parts, the saving, and savings so far."""
    parts = cash.assign(part=cash["line"].map(CASH_PARTS).fillna("works_gbp"))
    table = parts.pivot_table(
        index="year", columns="part", values="plan_gbp", aggfunc="sum", fill_value=0.0
    ).reindex(columns=list(dict.fromkeys(CASH_PARTS.values())), fill_value=0.0)
    totals = cash.groupby("year")[["do_nothing_gbp", "plan_gbp", "saving_gbp"]].sum()
    table = table.join(totals)
    table["saved_so_far_gbp"] = table["saving_gbp"].cumsum()
    table.insert(0, "do_nothing_gbp", table.pop("do_nothing_gbp"))
    table.columns.name = None
    return table.reset_index()


def cash_agencies_table(cash: pd.DataFrame) -> pd.DataFrame:
    """Return one row per agency: do nothing, the plan, and savings in total and by year."""
    totals = cash.groupby("agency_id", sort=False)[["do_nothing_gbp", "plan_gbp", "saving_gbp"]]
    by_year = cash.pivot_table(
        index="agency_id", columns="year", values="saving_gbp", aggfunc="sum", fill_value=0.0
    )
    by_year.columns = [f"saving_{year}_gbp" for year in by_year.columns]
    return totals.sum().join(by_year).reset_index()


def running_by_year(sheets: Mapping[str, Sheet]) -> pd.DataFrame:
    """Return running costs by decided year, doing nothing and in the plan (GBP)."""
    cash, decided = sheets["cash_flow"].frame, set(sheets["buildings_by_year"].frame["year"])
    lines = [in_words(line) for line, part in CASH_PARTS.items() if part == "running_gbp"]
    rows = cash[cash["line"].isin(lines) & cash["year"].isin(decided)]
    return rows.groupby("year")[["do_nothing_gbp", "plan_gbp"]].sum()
