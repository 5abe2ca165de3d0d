"""Leads of an estate on what its question is about: services, kinds of building, years."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from placeopt.report.narrative.estate_facts import EstateFacts
from placeopt.report.narrative.lead_parts import Fact, Rows, list_fact
from placeopt.report.narrative.sentences import Statement, quantity, share
from placeopt.report.tables.formats import in_words
from placeopt.scenario.rules.estate.services import Access, Carbon, Opened
from placeopt.scenario.wording import figure


def _access_asked(f: EstateFacts) -> Fact | None:
    """Return the standards of the last decided year for services that the question names."""
    rules = f.answer.scenario.of(Access)
    names = f.answer.place.tables["services"].set_index("service_id")["name"]
    last = max((row["year"] for row in f.all_standards), default=None)
    rows: Rows = [
        {
            "service": str(names.get(row["service_id"]) or row["service_id"]),
            "counted": str(row["counted"]),
            "offer": str(row["offer"]),
            "minutes": float(row["minutes"]),
            "today": float(row["nearest_share_before"]),
            "nearest": float(row["nearest_share_after"]),
            "as_sent": float(row["served_share_after"]),
            "asked": float(row["asked_share"]),
        }
        for row in f.all_standards
        if row["year"] == last
        and math.isfinite(row["minutes"])
        and rules[int(row["access_rule"]) - 1].services != "all"
    ]

    def words(row: dict[str, Any]) -> str:
        offer = "part of the offer at least of " if row["offer"] == "any" else ""
        return (
            f"{row['counted']} within {figure(row['minutes'])} minutes of {offer}{row['service']} "
            f"{share(row['nearest'])} by the nearest ({f.today_words} {share(row['today'])}), "
            f"{share(row['as_sent'])} as sent, {share(row['asked'])} asked"
        )

    return list_fact("access", rows, f"Access that the question names{f.in_last_year}", words)


def _kinds(f: EstateFacts) -> Fact | None:
    """Return how many of the buildings open today stay open, by kind.

    Kinds that a rule of the question names come first, then those with most closures.
    """
    table = f.tables["buildings"]
    is_open = table["decision"].isin(["keep", "hub", "open"])
    was_open = table["status_before"] == "open"
    rows: Rows = [
        {
            "kind": str(kind),
            "today": int(was_open[of_kind.index].sum()),
            "stay": int((was_open & is_open)[of_kind.index].sum()),
        }
        for kind, of_kind in table.groupby("kind", sort=False)
        if was_open[of_kind.index].any()
    ]
    named = {kind for rule in f.answer.scenario.of(Opened) for kinds in rule.only_in.values()
             for kind in kinds}  # fmt: skip
    rows.sort(key=lambda row: (row["kind"] not in named, row["stay"] - row["today"]))
    return list_fact("kinds", rows, "Of the buildings open today stay open, by kind", lambda r: (
        f"{in_words(r['kind'])} {r['stay']:,} of {r['today']:,}"))  # fmt: skip


def _places(f: EstateFacts) -> Fact | None:
    """Return in how many places each service is.

    Services that a rule of the question names come first, then those that leave most places.
    """
    names = f.answer.place.tables["services"].set_index("service_id")["name"]
    rows: Rows = [
        {
            "service": str(names.get(key) or key),
            "today": int(points["before"].astype(bool).sum()),
            "plan": int(points["after"].astype(bool).sum()),
        }
        for key, points in f.tables["services"].groupby("service_id", sort=False)
    ]
    named = {str(names.get(key) or key) for key in _services_named(f)}
    rows.sort(key=lambda row: (row["service"] not in named, row["plan"] - row["today"]))
    return list_fact("places", rows, "Places with each service, in the plan and today", lambda r: (
        f"{r['service']} {r['plan']:,}, {r['today']:,}"))  # fmt: skip


def _services_named(f: EstateFacts) -> set[str]:
    """Return the ids of the services that the question's rules name."""
    scenario = f.answer.scenario
    return {s for rule in scenario.of(Opened) for s in rule.only_in} | {
        s for rule in scenario.of(Access) if rule.services != "all" for s in rule.services
    }


def _partial_offers(f: EstateFacts) -> Fact | None:
    """Return the service points with part of an offer; None where no tier has one."""
    links = f.answer.place.tables["tier_services"]
    hosting = f.answer.place.tables["hosting"]
    partial = {
        (str(t), str(s))
        for t, s, offer in zip(*(links[c] for c in ("tier_id", "service_id", "offer")), strict=True)
        if offer == "partial"
    }
    if not partial:
        return None
    today = {
        (str(b), str(s))
        for b, s, offer in zip(
            *(hosting[c] for c in ("building_id", "service_id", "offer")), strict=True
        )
        if offer == "partial"
    }
    tier = dict(zip(*(f.tables["buildings"][c] for c in ("building_id", "tier_id")), strict=True))
    points = f.tables["services"]
    after = [
        (str(b), str(s))
        for b, s, is_there in zip(
            *(points[c] for c in ("building_id", "service_id", "after")), strict=True
        )
        if is_there
    ]
    number = sum((tier[b], s) in partial if tier.get(b) else (b, s) in today for b, s in after)
    values = {"points": quantity(number, "service point")}
    has = "has" if number == 1 else "have"
    text = f"{values['points']} in the plan {has} only part of an offer." if number else (
        "No service point in the plan has only part of an offer.")  # fmt: skip
    return number, Statement("lead_partial_offers", text, values)


def _carbon_by_year(f: EstateFacts) -> Fact | None:
    """Return carbon in each decided year beside its ceiling; None where one year is decided."""
    table = f.tables.get("objectives_by_year")
    if table is None or f.years is None:
        return None
    rows: Rows = []
    for row in table[table["objective"] == "carbon"].to_dict("records"):
        year, today = int(row["year"]), float(row["do_nothing"])
        ceilings = [
            rule.ceiling_tco2e_per_year
            if rule.ceiling_tco2e_per_year is not None
            else (rule.share_of_today or 0.0) * today
            for rule in f.answer.scenario.of(Carbon)
            if rule.holds_in(year)
        ]
        rows.append({"year": year, "plan": float(row["plan"]), "today": today,
                     "ceiling": min(ceilings) if ceilings else None})  # fmt: skip

    def words(row: dict[str, Any]) -> str:
        text = f"{row['year']} {quantity(row['plan'], 'tonne')}"
        if row["ceiling"] is None:
            return f"{text}, no ceiling"
        return f"{text}, at most {quantity(row['ceiling'], 'tonne')}"

    return list_fact("carbon_by_year", rows, "Carbon of open buildings (CO2e) by year", words)


MORE_ESTATE_LEADS: dict[str, Callable[[EstateFacts], Fact | None]] = {
    "access": _access_asked,
    "buildings_by_kind": _kinds,
    "places_by_service": _places,
    "partial_offers": _partial_offers,
    "carbon_by_year": _carbon_by_year,
}
