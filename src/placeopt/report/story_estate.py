"""An estate plan in words: what closes, what it saves, who gains and who loses minutes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.figures import Figure, count_true
from placeopt.report.formats import count, listed, minutes_in_words, per_cent
from placeopt.report.minutes import as_if_driving
from placeopt.report.money import pounds_in_words
from placeopt.report.nearer import sent_in_words

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

NOTICEABLE_MINUTES = 1.0  # a journey that changes by less is "about the same"


def tell_estate(answer: Answer) -> tuple[str, list[str], list[Figure]]:
    """Headline, sentences and key figures of an estate plan."""
    assert answer.plan is not None
    plan, people = answer.plan, travel_of(answer.plan.tables)
    counts, costs = _counts_of(plan.buildings), costs_of(plan.tables["money"], plan.summary)
    sentences = [
        _changes_in_words(counts),
        _running_in_words(costs) + _one_off_in_words(costs),
        *_years_in_words(plan),
        *_carbon_in_words(plan),
        *_people_in_words(people, as_if_driving(answer)),
        *sent_in_words(answer),
    ]
    figures = _figures(plan, counts, costs, people, as_if_driving(answer))
    return _headline(counts, costs), sentences, figures


def _counts_of(buildings: pd.DataFrame) -> dict[str, int]:
    """Buildings by decision; those open today that close apart from those given up empty."""
    was_open = buildings["status_before"] == "open"
    closes = buildings["decision"] == "close"
    decided = buildings["decision"].value_counts()
    return {word: int(decided.get(word, 0)) for word in ("keep", "hub", "open")} | {
        "was_open": int(was_open.sum()),
        "close": int((closes & was_open).sum()),
        "given_up": int((closes & ~was_open).sum()),
    }


def _headline(counts: dict[str, int], costs: dict[str, Any]) -> str:
    saving, today = costs["saving_gbp_per_year"], costs["before_gbp_per_year"]
    verb = "saves" if saving >= 0 else "costs a further"
    share = per_cent(abs(saving / today) if today else 0.0)
    closing = count(counts["close"], "building") if counts["close"] else "no building"
    return (
        f"The plan {verb} {pounds_in_words(abs(saving))} a year ({share} of what the estate costs "
        f"to run today) and closes {closing}."
    )


def _changes_in_words(counts: dict[str, int]) -> str:
    def said(word: str, one: str, many: str) -> str:
        return f"{counts[word]:,} {one if counts[word] == 1 else many}"

    changes = [
        f"{count(counts['close'], 'building')} of the {counts['was_open']:,} open today "
        + ("closes" if counts["close"] == 1 else "close"),
        said("hub", "becomes a hub", "become hubs"),
        said("keep", "stays open as it is", "stay open as they are"),
    ]
    if counts["open"]:
        changes.append(said("open", "new site opens", "new sites open"))
    text = f"{listed(changes)}."
    if counts["given_up"]:
        empty = ("building standing empty today is", "buildings standing empty today are")
        text += f" {said('given_up', *empty)} given up."
    return text


def _running_in_words(costs: dict[str, Any]) -> str:
    before, after = (pounds_in_words(costs[f"{w}_gbp_per_year"]) for w in ("before", "after"))
    verb = "fall" if costs["saving_gbp_per_year"] >= 0 else "rise"
    return f"Running costs {verb} from {before} to {after} a year. "


def _figures(
    plan: Any, counts: dict[str, int], costs: dict[str, Any], people: dict[str, Any], driving: str
) -> list[Figure]:
    """The key figures: key, label, today, plan, format and which way is good."""
    points = plan.tables["services"]
    running = (costs["before_gbp_per_year"], costs["after_gbp_per_year"])
    due = (costs["maintenance_before_gbp"], costs["maintenance_after_gbp"])
    opened = float(counts["keep"] + counts["hub"] + counts["open"])
    hosted = (float(count_true(points["before"])), float(count_true(points["after"])))
    near = (people["minutes_before"], people["minutes_after"])
    nearest = f"Mean minutes to the nearest service{driving}"
    figures = [
        Figure("running_cost_gbp_per_year", "Running cost a year", *running, "gbp"),
        Figure("works_gbp", "One-off works and moves", None, costs["works_gbp"], "gbp"),
        Figure("maintenance_due_gbp", "Maintenance already due", *due, "gbp"),
        Figure("receipts_net_gbp", "Receipts, net", None, costs["receipts_net_gbp"], "gbp", ""),
        Figure("buildings_open", "Open buildings", float(counts["was_open"]), opened, "count"),
        Figure("service_points", "Service points", *hosted, "count", ""),
        Figure("minutes_to_nearest", nearest, *near, "minutes"),
    ]
    if "carbon_present_saving_gbp" in plan.summary:
        was, now = (plan.summary[f"carbon_present_{when}_gbp"] for when in ("before", "after"))
        figures.append(Figure("carbon_present_gbp", "Carbon, priced", was, now, "gbp"))
    if math.isfinite(people["sent_after"]):
        sent = (people["sent_before"], people["sent_after"])
        label = f"Mean minutes where visits are sent{driving}"
        figures.append(Figure("minutes_as_sent", label, *sent, "minutes"))
    return figures


def _of_all(residents: float, total: float) -> str:
    """So many residents, and which share of all they are."""
    if not residents:
        return "nobody"
    return f"{count(residents, 'resident')} ({per_cent(residents / total)})"


def costs_of(money: pd.DataFrame, summary: Any) -> dict[str, Any]:
    """Yearly costs before and after, one-off costs and receipts, from the money table.

    Maintenance that is due whether or not anything changes is kept apart from works, where the
    plan's summary states it (``backlog_before_gbp``, ``backlog_after_gbp``).
    """
    once = money["one_off_gbp"].fillna(0.0)
    before, after = (float(money[f"{when}_gbp_per_year"].sum()) for when in ("before", "after"))
    paid = float(once[once > 0].sum())
    due, kept = (summary.get(f"backlog_{when}_gbp") for when in ("before", "after"))
    return {
        "before_gbp_per_year": before,
        "after_gbp_per_year": after,
        "saving_gbp_per_year": before - after,
        "one_off_cost_gbp": paid,
        "works_gbp": paid - float(kept or 0.0),
        "maintenance_before_gbp": None if due is None else float(due),
        "maintenance_after_gbp": None if kept is None else float(kept),
        "receipts_net_gbp": float(-once[once < 0].sum()),
    }


def _one_off_in_words(costs: dict[str, Any]) -> str:
    said = [f"Works, moves and closing cost {pounds_in_words(costs['works_gbp'])} once"]
    if costs["receipts_net_gbp"] > 0:
        said.append(f"sales bring in {pounds_in_words(costs['receipts_net_gbp'])} after their cost")
    due, kept = costs["maintenance_before_gbp"], costs["maintenance_after_gbp"]
    if due:
        said.append(
            f"of {pounds_in_words(due)} of maintenance already due, {pounds_in_words(kept)} is for "
            "buildings that are kept"
        )
    return "; ".join(said) + "."


def _years_in_words(plan: Any) -> list[str]:
    """What happens when, what comes in, and what it is worth; nothing of one year."""
    summary = plan.summary
    first, last = summary.get("first_year"), summary.get("last_year")
    if first is None or last == first:
        return []
    closes = plan.buildings["closes_year"].dropna().astype(int).value_counts().sort_index()
    said = [f"{number} in {year}" for year, number in closes.items()]
    text = f"The plan decides {first} to {last}"
    text += f"; buildings close: {listed(said)}." if said else "."
    gross, net = (summary.get(f"receipts_{kind}_gbp", 0.0) for kind in ("gross", "net"))
    if gross:
        text += f" Sales bring in {pounds_in_words(gross)} gross, {pounds_in_words(net)} net."
        back = summary.get("receipts_clawback_gbp", 0.0)
        if back:
            text += f" {pounds_in_words(back)} goes back to those who paid for the buildings."
    saving = summary.get("net_present_saving_gbp")
    if saving is not None:
        word = "saves" if saving >= 0 else "costs a further"
        text += (
            f" Over {summary['appraisal_years']} years, discounted, the plan {word} "
            f"{pounds_in_words(abs(saving))} against doing nothing."
        )
    return [text]


def _carbon_in_words(plan: Any) -> list[str]:
    """Tonnes at the end and what the saving is worth; nothing where carbon is not priced."""
    summary = plan.summary
    saved = summary.get("carbon_present_saving_gbp")
    if saved is None:
        return []
    emitted = plan.tables["objectives"].set_index("objective").loc["carbon"]
    word = "saved is worth" if saved >= 0 else "added costs"
    return [
        f"Open buildings emit {count(emitted['plan'], 'tonne')} of CO2e a year at the end, against "
        f"{count(emitted['do_nothing'], 'tonne')} if nothing changes. At the value of a tonne in "
        f"each of {summary['carbon_priced_years']} years, discounted, the carbon {word} "
        f"{pounds_in_words(abs(saved))}, which is part of the net present saving."
    ]


def travel_of(tables: Any) -> dict[str, Any]:
    """Who gains and who loses minutes: residents, means (by residents) and the zone hit worst."""
    zones = tables["zones"]
    people, change = zones["population"].fillna(0.0), zones["change_minutes"]
    known = zones["minutes_before"].notna() & zones["minutes_after"].notna() & (people > 0)
    weight = float(people[known].sum())

    def mean(column: str) -> float:
        return float((people * zones[column])[known].sum() / weight) if weight else math.nan

    worst = zones.loc[change.idxmax()] if change.notna().any() else None
    sent = {"sent_before": math.nan, "sent_after": math.nan}
    measures = tables["objectives"].set_index("objective")
    visits = float(tables["assignment"]["visits_per_year"].sum()) if "assignment" in tables else 0.0
    if "visit_minutes" in measures.index and visits > 0:
        sent["sent_before"] = float(measures.at["visit_minutes", "do_nothing"]) / visits
        sent["sent_after"] = float(measures.at["visit_minutes", "plan"]) / visits
    return {
        "residents": float(people.sum()),
        "residents_longer": float(people[change > NOTICEABLE_MINUTES].sum()),
        "residents_shorter": float(people[change < -NOTICEABLE_MINUTES].sum()),
        "residents_out_of_reach": float(
            people[zones["minutes_before"].notna() & zones["minutes_after"].isna()].sum()
        ),
        "minutes_before": mean("minutes_before"),
        "minutes_after": mean("minutes_after"),
        "worst_zone": None if worst is None else str(worst["name"] or worst["zone_id"]),
        "worst_change": math.nan if worst is None else float(worst["change_minutes"]),
        **sent,
    }


def _people_in_words(people: dict[str, Any], driving: str) -> list[str]:
    if not people["residents"] or not math.isfinite(people["minutes_before"]):
        return []
    said = [
        f"To the nearest building that offers what they need, residents travel "
        f"{minutes_in_words(people['minutes_after'])} on average, against "
        f"{minutes_in_words(people['minutes_before'])} today{driving}."
    ]
    longer, shorter = people["residents_longer"], people["residents_shorter"]
    total = people["residents"]
    text = (
        f"Journeys get longer by more than a minute for {_of_all(longer, total)} and shorter for "
        f"{_of_all(shorter, total)}; for everyone else they stay about the same."
    )
    if people["worst_change"] > NOTICEABLE_MINUTES:
        text += f" {people['worst_zone']} loses most: {minutes_in_words(people['worst_change'])}."
    said.append(text)
    if people["residents_out_of_reach"]:
        lost = count(people["residents_out_of_reach"], "resident")
        said.append(f"{lost} can no longer reach what they need within the minutes measured.")
    if people["sent_after"] > people["minutes_after"] + 0.5:
        said.append(
            "Counted where the plan sends them, a visit takes "
            f"{minutes_in_words(people['sent_after'])} on average, against "
            f"{minutes_in_words(people['sent_before'])} today{driving}."
        )
    return said
