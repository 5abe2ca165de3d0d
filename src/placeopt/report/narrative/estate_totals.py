"""Totals of an estate plan that its tables state row by row: buildings, costs and journeys."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from placeopt.report.tables.formats import is_missing

if TYPE_CHECKING:
    import pandas as pd

NOTICEABLE_MINUTES = 1.0  # a journey that changes by less is "about the same"


def building_counts(buildings: pd.DataFrame) -> dict[str, int]:
    """Count buildings by what happens to them.

    Args:
        buildings: The plan's table ``buildings``.

    Returns:
        ``was_open`` today, of which ``close``, ``take_in`` a service, only ``lose`` one, get a tier
        and nothing else (``tier_only``), or stay the ``same``; buildings that ``open``; empty ones
        that are ``given_up``; and ``open_after``, all that are open in the plan.
    """
    counts = Counter[str]()
    columns = ("status_before", "decision", "tier_id", "services_before", "services_after")
    for status, decision, tier, before, after in zip(
        *(buildings[column].tolist() for column in columns), strict=True
    ):
        was, now = (set(filter(None, str(ids).split("; "))) for ids in (before, after))
        if status != "open":
            counts["given_up"] += decision == "close"
            counts["open"] += decision == "open"
            continue
        counts["was_open"] += 1
        if decision == "close":
            counts["close"] += 1
        elif now - was:
            counts["take_in"] += 1
        elif was - now:
            counts["lose"] += 1
        else:
            counts["same" if not tier else "tier_only"] += 1
    keys = ("was_open", "close", "take_in", "lose", "tier_only", "same", "open", "given_up")
    return {key: counts[key] for key in keys} | {
        "open_after": sum(counts[key] for key in ("take_in", "lose", "tier_only", "same", "open"))
    }


def cost_totals(money: pd.DataFrame, summary: Any) -> dict[str, Any]:
    """Return yearly costs today and in the plan, one-off costs and receipts.

    Maintenance that is due whether or not anything changes is not counted as works where the plan's
    summary states it (``backlog_before_gbp``, ``backlog_after_gbp``).

    Args:
        money: The plan's table ``money``.
        summary: The plan's summary.

    Returns:
        Amounts in GBP or GBP a year, by the names that ``summary.json`` gives them.
    """
    one_off = money["one_off_gbp"].fillna(0.0)
    receipts = float(-one_off[money["line"] == "receipts, net"].sum())
    before, after = (float(money[f"{when}_gbp_per_year"].sum()) for when in ("before", "after"))
    paid = float(one_off.sum()) + receipts
    due, kept = (_stated_number(summary.get(f"backlog_{when}_gbp")) for when in ("before", "after"))
    stated, buildings = (
        summary.get(key, 0) for key in ("backlog_stated_buildings", "buildings_in_all")
    )
    return {
        "before_gbp_per_year": before,
        "after_gbp_per_year": after,
        "saving_gbp_per_year": before - after,
        "one_off_cost_gbp": paid,
        "works_gbp": paid - (kept or 0.0),
        "maintenance_before_gbp": due,
        "maintenance_after_gbp": kept,
        "maintenance_stated": f"{stated} of {buildings} buildings" if stated < buildings else "",
        "receipts_net_gbp": receipts,
    }


def travel_totals(tables: Any) -> dict[str, Any]:
    """Return whose journeys change: residents, mean minutes and the zone that loses most.

    Args:
        tables: The plan's tables, by name.

    Returns:
        Residents, and minutes as means over residents, by the names that ``summary.json`` gives
        them; keys that end in ``_as_sent`` are measured where the plan sends visits, the others to
        the nearest building.
    """
    zones = tables["zones"]
    people = zones["population"].fillna(0.0)
    known = zones["minutes_before"].notna() & zones["minutes_after"].notna() & (people > 0)
    weight = float(people[known].sum())

    def mean(column: str) -> float:
        return float((people * zones[column])[known].sum() / weight) if weight else math.nan

    sent = {"sent_before": math.nan, "sent_after": math.nan}
    measures = tables["objectives"].set_index("objective")
    visits = float(tables["assignment"]["visits_per_year"].sum()) if "assignment" in tables else 0.0
    if "visit_minutes" in measures.index and visits > 0:
        sent["sent_before"] = float(measures.at["visit_minutes", "do_nothing"]) / visits
        sent["sent_after"] = float(measures.at["visit_minutes", "plan"]) / visits
    return {
        "residents": float(people.sum()),
        **_journey_changes(zones, people, "change_minutes", ""),
        "residents_out_of_reach": float(
            people[zones["minutes_before"].notna() & zones["minutes_after"].isna()].sum()
        ),
        "minutes_before": mean("minutes_before"),
        "minutes_after": mean("minutes_after"),
        **_journey_changes(zones, people, "sent_change_minutes", "_as_sent"),
        **sent,
    }


def _journey_changes(
    zones: pd.DataFrame, people: pd.Series, column: str, suffix: str
) -> dict[str, Any]:
    """Return the residents whose minutes change noticeably and the zone that loses most.

    ``column`` holds the change of one measure; without that column the result is empty.
    """
    if column not in zones:
        return {}
    change = zones[column]
    worst: pd.Series | None = None
    if change.notna().any():
        worst = zones.iloc[int(change.fillna(-math.inf).to_numpy(float).argmax())]
    return {
        f"residents_longer{suffix}": float(people[change > NOTICEABLE_MINUTES].sum()),
        f"residents_shorter{suffix}": float(people[change < -NOTICEABLE_MINUTES].sum()),
        f"worst_zone{suffix}": None if worst is None else str(worst["name"] or worst["zone_id"]),
        f"worst_change{suffix}": math.nan if worst is None else float(worst[column]),
    }


def _stated_number(number: Any) -> float | None:
    """Return a number; None where it is missing."""
    return None if is_missing(number) else float(number)
