"""Sheets of a budget over several years: one row per programme, one column per year.

spending_years   one row per programme: today, then each decided year, one-off costs in columns of
                 their own
who_gains        one row per agency and year: what its streams pay, what it gains, its position

Both are made from the plan's own tables and add up to them. Money is in GBP of the decided years.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from placeopt.report.tables.sheet import Heading, Sheet, make_sheet

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer


def budget_year_sheets(answer: Answer) -> dict[str, Sheet]:
    """Return the sheets made of a budget plan's yearly tables; none without such a plan."""
    tables = answer.plan.tables if answer.plan else {}
    sheets: dict[str, Sheet] = {}
    if "spending_by_year" in tables:
        sheets["spending_years"] = _spending_years(answer)
    if "spending" in tables and "payments" in tables:
        sheets["who_gains"] = make_sheet(answer.place, "who_gains", who_gains(answer))
    return sheets


def _spending_years(answer: Answer) -> Sheet:
    """Return one row per programme, with its spending and one-off costs of each year."""
    assert answer.plan is not None
    rows = answer.plan.tables["spending"][["programme_id", "name", "agency_id", "kind"]].copy()
    today = answer.plan.tables["spending"]["before_gbp"]
    by_year = answer.plan.tables["spending_by_year"]
    rows["before_gbp"] = today
    for column, label in (
        ("plan_gbp", "plan"),
        ("one_off_gbp", "one_off"),
        ("by_results_gbp", "by_results"),
        ("capital_gbp", "capital"),
    ):
        if column not in by_year:
            continue
        wide = by_year.pivot_table(
            index="programme_id", columns="year", values=column, aggfunc="sum"
        ).reindex(rows["programme_id"])
        if column != "plan_gbp" and not (wide.fillna(0) != 0).to_numpy().any():
            continue
        for year in wide.columns:
            rows[f"{label}_{year}_gbp"] = wide[year].to_numpy()
    words = ["agency_id", "kind"]  # after the amounts, which a narrow screen shows first
    rows = rows[[column for column in rows if column not in words] + words]
    sheet = make_sheet(answer.place, "spending_years", rows)
    return replace(sheet, headings=tuple(_with_total(heading) for heading in sheet.headings))


def _with_total(heading: Heading) -> Heading:
    """Return the heading of a year's money, with a total; other headings as they are."""
    label, _, year = heading.name.removesuffix("_gbp").rpartition("_")
    if not (heading.name.endswith("_gbp") and year.isdigit()):
        return heading
    text = {
        "plan": "{} (£)",
        "one_off": "One-off {} (£)",
        "by_results": "By results {} (£)",
        "capital": "Capital {} (£)",
    }[label]
    return replace(heading, text=text.format(year), format="gbp", total=True)


def who_gains(answer: Answer) -> pd.DataFrame:
    """Return what each agency brings in, pays, spends, gains and receives in each year.

    Returns:
        One row per year and agency with any amount other than 0; amounts in GBP.
    """
    import pandas as pd

    assert answer.plan is not None
    tables, place = answer.plan.tables, answer.place
    payer = dict(zip(place.streams["stream_id"], _agency_ids(place.streams), strict=True))
    runs = dict(
        zip(tables["spending"]["programme_id"], tables["spending"]["agency_id"], strict=True)
    )
    payments = tables["payments"]
    by_payer = payments.assign(agency_id=payments["stream_id"].map(payer).fillna(""))
    by_runner = payments.assign(agency_id=payments["programme_id"].map(runs).fillna(""))
    amounts = (
        place.stream_amounts[place.stream_amounts["year"].isin(payments["year"])]
        if len(place.stream_amounts)
        else place.stream_amounts
    )
    amounts = amounts.assign(agency_id=amounts["stream_id"].map(payer))
    parts = {
        "money_in_gbp": _sum(amounts, "amount_gbp"),
        "paid_before_gbp": _sum(by_payer, "before_gbp"),
        "paid_gbp": _sum(by_payer, "after_gbp"),
        "run_before_gbp": _sum(by_runner, "before_gbp"),
        "run_gbp": _sum(by_runner, "after_gbp"),
    }
    is_across = payments["stream_id"].map(payer).fillna("") != payments["programme_id"].map(runs)
    increase = payments["after_gbp"] - payments["before_gbp"]
    moved_across = payments.assign(more_gbp=increase.where(is_across, 0.0))
    received_by = moved_across.assign(agency_id=by_runner["agency_id"])
    given_by = moved_across.assign(agency_id=by_payer["agency_id"])
    parts["across_gbp"] = _sum(received_by, "more_gbp").sub(
        _sum(given_by, "more_gbp"), fill_value=0.0
    )
    programmes = tables.get("spending_by_year")
    if programmes is not None and "units" in programmes and programmes["units"].notna().any():
        run = programmes[programmes["units"].notna()]  # money freed by units that close (B6)
        freed = run["do_nothing_gbp"] - run["plan_gbp"]
        agency = run["programme_id"].map(runs).fillna("")
        parts["freed_gbp"] = _sum(run.assign(agency_id=agency, freed_gbp=freed), "freed_gbp")
    chain = tables.get("benefits_chain")
    if chain is not None and len(chain):
        parts["benefits_gbp"], parts["cashable_gbp"] = (
            _sum(chain, "net_gbp"),
            _sum(chain, "cashable_gbp"),
        )
    moved = tables.get("transfers")
    if moved is not None and len(moved):
        received = _sum(moved.rename(columns={"to_agency_id": "agency_id"}), "amount_gbp")
        given = _sum(moved.rename(columns={"from_agency_id": "agency_id"}), "amount_gbp")
        parts["transfers_gbp"] = received.sub(given, fill_value=0.0)
    rows = pd.DataFrame(parts).fillna(0.0)
    better = rows[
        "across_gbp"
    ]  # not what its streams no longer bring in, nor what they leave unspent
    for name in ("cashable_gbp", "freed_gbp", "transfers_gbp"):
        better = better + rows[name] if name in rows else better
    rows["better_off_gbp"] = better
    positions = tables.get("positions")
    if positions is not None and len(positions):
        own = positions.set_index(["year", "agency_id"])[["alone_gbp", "plan_gbp"]]
        rows = rows.join(own.rename(columns={"plan_gbp": "position_gbp"}))
    rows.index = rows.index.set_names(["year", "agency_id"])
    rows = rows[(rows.fillna(0.0) != 0).any(axis=1)].reset_index()
    names = dict(zip(place.agencies["agency_id"], place.agencies["name"], strict=True))
    named = [names.get(key) or key or "no agency stated" for key in rows["agency_id"]]
    rows.insert(2, "agency_name", named)
    return rows


def _agency_ids(streams: pd.DataFrame) -> list[str]:
    return list(streams["agency_id"]) if "agency_id" in streams else [""] * len(streams)


def _sum(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.groupby(["year", "agency_id"])[column].sum()
