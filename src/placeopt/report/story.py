"""What an answer says, in sentences and key figures that a councillor reads.

The page, the workbook's first sheet and ``summary.json`` all speak through this module, so that
they say the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placeopt.report.formats import count, in_words, listed, minutes_in_words, per_cent
from placeopt.report.money import pounds_in_words
from placeopt.report.sheets import names_of

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

NOTICEABLE_MINUTES = 1.0  # a journey that changes by less is "about the same"

BETTER = {  # objective -> how a better plan would differ
    "cost": "cost {} less over the whole period",
    "visit_minutes": "save {} of the minutes that visits take",
    "buildings": "need {} fewer buildings",
    "carbon": "emit {} less carbon",
    "weighted_outcomes": "gain {} more on the outcomes",
    "least_money": "spend {} less",
    "least_disruption": "move {} less money",
}


@dataclass(frozen=True)
class Figure:
    """One key figure; ``today`` or ``plan`` is None where it has no meaning."""

    key: str
    label: str
    today: float | None
    plan: float | None
    format: str
    good: str = "lower"  # which way is better: lower, higher, or "" where neither is


@dataclass(frozen=True)
class Story:
    """The answer in words."""

    headline: str
    sentences: tuple[str, ...]
    status_term: str
    status_in_words: str
    figures: tuple[Figure, ...]


def tell(answer: Answer) -> Story:
    """The story of an answer, with or without a plan."""
    if answer.plan is None:
        headline, sentences, figures = _without_plan(answer)
    elif "spending" in answer.plan.tables:
        headline, sentences, figures = _budget(answer)
    else:
        headline, sentences, figures = _estate(answer)
    return Story(
        headline=headline,
        sentences=tuple(sentences),
        status_term=str(answer.result.status),
        status_in_words=status_in_words(answer),
        figures=tuple(figures),
    )


def status_in_words(answer: Answer) -> str:
    """How far the answer can be trusted to be the best there is; "proven" only where it is."""
    result = answer.result
    if answer.plan is None:
        return {
            "infeasible": "Proven: no plan can keep all the rules together.",
            "unbounded": "The question has no best answer: its objective can improve for ever, "
            "so something that limits it is missing.",
            "interrupted": "Stopped by hand before a plan was found; nothing is proven.",
            "no plan at limit": "No plan was found within the time limit; nothing is proven, and "
            "more time may find one.",
        }.get(str(result.status), "The solver failed; nothing is proven.")
    better = BETTER.get(answer.scenario.objective.minimise[-1], "be better by {}")
    if str(result.status) == "optimal":
        if result.gap < 5e-7:
            return "Proven: no plan that keeps the rules is better."
        return (
            "Proven: no plan that keeps the rules can "
            f"{better.format('more than ' + per_cent(result.gap))} than this one does."
        ).replace(" less than this one does", " less").replace(" than this one does", "")
    stopped = (
        "stopped by hand" if str(result.status) == "interrupted" else "stopped at the time limit"
    )
    if not math.isfinite(result.gap):
        return (
            f"The search was {stopped}. The plan keeps every rule, but it is not proven to be the "
            "best, and nothing is known about how much better another could be."
        )
    return (
        f"The search was {stopped}. The plan keeps every rule, but it is not proven to be the "
        f"best: another may {better.format('up to ' + per_cent(result.gap))}."
    )


def verified_in_words(answer: Answer) -> str:
    found = answer.verification
    if found is None:
        return "There is no plan to verify."
    rules = sum(bool(check.number) for check in found.checks)
    if not found.ok:
        return f"{count(len(found.broken), 'check')} of {len(found.checks)} FAILED."
    return (
        f"Verified: a separate program, blind to the solver, redid the arithmetic from the tables; "
        f"all {len(found.checks)} checks hold ({count(rules, 'rule')} and the plan's own figures)."
    )


# ----------------------------------------------------------------------------------- estate


def _estate(answer: Answer) -> tuple[str, list[str], list[Figure]]:
    assert answer.plan is not None
    t = answer.plan.tables
    buildings, people = t["buildings"], travel_of(t)
    was_open = buildings["status_before"] == "open"
    decided = buildings["decision"].value_counts()
    n = {word: int(decided.get(word, 0)) for word in ("keep", "close", "hub", "open")}
    closing = int(((buildings["decision"] == "close") & was_open).sum())
    left = n["close"] - closing
    costs = costs_of(t["money"])
    saving = costs["before_gbp_per_year"] - costs["after_gbp_per_year"]
    share = saving / costs["before_gbp_per_year"] if costs["before_gbp_per_year"] else 0.0

    changes = [
        f"{count(closing, 'building')} of the {int(was_open.sum()):,} open today "
        + ("closes" if closing == 1 else "close"),
        f"{n['hub']:,} {'becomes a hub' if n['hub'] == 1 else 'become hubs'}",
        f"{n['keep']:,} {'stays' if n['keep'] == 1 else 'stay'} open as "
        + ("it is" if n["keep"] == 1 else "they are"),
    ]
    if n["open"]:
        changes.append(f"{count(n['open'], 'new site')} open{'s' if n['open'] == 1 else ''}")
    verb = "saves" if saving >= 0 else "costs a further"
    headline = (
        f"The plan {verb} {pounds_in_words(abs(saving))} a year ({per_cent(abs(share))} of what "
        f"the estate costs to run today)" + (f" and closes {count(closing, 'building')}." if closing
        else " and closes no building.")
    )
    sentences = [f"{listed(changes)}." + (
        f" {count(left, 'building')} standing empty today {'is' if left == 1 else 'are'} given up."
        if left else ""
    )]
    sentences.append(
        f"Running costs fall from {pounds_in_words(costs['before_gbp_per_year'])} to "
        f"{pounds_in_words(costs['after_gbp_per_year'])} a year. "
        if saving >= 0
        else f"Running costs rise from {pounds_in_words(costs['before_gbp_per_year'])} to "
        f"{pounds_in_words(costs['after_gbp_per_year'])} a year. "
    )
    once = [f"One-off costs come to {pounds_in_words(costs['one_off_cost_gbp'])}"]
    if costs["receipts_net_gbp"] > 0:
        once.append(f"sales bring in {pounds_in_words(costs['receipts_net_gbp'])} after their cost")
    sentences[-1] += "; ".join(once) + "."
    sentences += _people_in_words(people)
    figures = [
        Figure(
            "running_cost_gbp_per_year",
            "Running cost a year",
            costs["before_gbp_per_year"],
            costs["after_gbp_per_year"],
            "gbp",
        ),
        Figure("one_off_cost_gbp", "One-off cost", None, costs["one_off_cost_gbp"], "gbp"),
        Figure("receipts_net_gbp", "Receipts, net", None, costs["receipts_net_gbp"], "gbp", ""),
        Figure(
            "buildings_open",
            "Open buildings",
            float(was_open.sum()),
            float(n["keep"] + n["hub"] + n["open"]),
            "count",
        ),
        Figure(
            "service_points",
            "Service points",
            float(_count_true(t["services"]["before"])),
            float(_count_true(t["services"]["after"])),
            "count",
            "",
        ),
        Figure(
            "minutes_to_nearest",
            "Mean minutes to the nearest service",
            people["minutes_before"],
            people["minutes_after"],
            "minutes",
        ),
    ]
    if math.isfinite(people["sent_after"]):
        figures.append(
            Figure(
                "minutes_as_sent",
                "Mean minutes where visits are sent",
                people["sent_before"],
                people["sent_after"],
                "minutes",
            )
        )
    return headline, sentences, figures


def costs_of(money: pd.DataFrame) -> dict[str, float]:
    """Yearly costs before and after, one-off costs and receipts, from the money table."""
    once = money["one_off_gbp"].fillna(0.0)
    before, after = (float(money[f"{when}_gbp_per_year"].sum()) for when in ("before", "after"))
    return {
        "before_gbp_per_year": before,
        "after_gbp_per_year": after,
        "saving_gbp_per_year": before - after,
        "one_off_cost_gbp": float(once[once > 0].sum()),
        "receipts_net_gbp": float(-once[once < 0].sum()),
    }


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


def _people_in_words(people: dict[str, Any]) -> list[str]:
    if not people["residents"] or not math.isfinite(people["minutes_before"]):
        return []
    said = [
        f"To the nearest building that offers what they need, residents travel "
        f"{minutes_in_words(people['minutes_after'])} on average, against "
        f"{minutes_in_words(people['minutes_before'])} today."
    ]
    longer, shorter = people["residents_longer"], people["residents_shorter"]
    total = people["residents"]
    text = (
        f"Journeys get longer by more than a minute for {count(longer, 'resident')} "
        f"({per_cent(longer / total)}) and shorter for {count(shorter, 'resident')} "
        f"({per_cent(shorter / total)}); for everyone else they stay about the same."
    )
    if people["worst_change"] > NOTICEABLE_MINUTES:
        text += f" {people['worst_zone']} loses most: {minutes_in_words(people['worst_change'])}."
    said.append(text)
    if people["residents_out_of_reach"]:
        lost = count(people["residents_out_of_reach"], "resident")
        said.append(f"{lost} can no longer reach what they need within the minutes measured.")
    if people["sent_after"] > people["minutes_after"] + 0.5:
        said.append(
            "The plan does not send every visit to the nearest building, for buildings fill up: "
            f"counted where it sends them, a visit takes {minutes_in_words(people['sent_after'])} "
            f"on average, against {minutes_in_words(people['sent_before'])} today."
        )
    return said


def _count_true(values: Any) -> int:
    return sum(value in (True, "yes") or value == 1 for value in values)


# ----------------------------------------------------------------------------------- budget


def _budget(answer: Answer) -> tuple[str, list[str], list[Figure]]:
    assert answer.plan is not None
    t = answer.plan.tables
    spending, outcomes, streams = t["spending"], t["outcomes"], t["streams"]
    before, after = float(spending["before_gbp"].sum()), float(spending["after_gbp"].sum())
    change = after - before
    how = "less" if change < 0 else "more"
    year = answer.plan.summary.get("decided_year", answer.scenario.year)
    met, asked = _met(outcomes["standard_met"])
    reached, targets = _met(outcomes["target_met"])
    headline = f"The plan spends {pounds_in_words(after)}" + (f" in {year}" if year else "")
    headline += (
        f", {pounds_in_words(abs(change))} ({per_cent(abs(change) / before if before else 0)}) "
        f"{how} than today"
        if abs(change) >= 1
        else ", as much as today"
    )
    if asked:
        every = "every minimum standard holds" if met == asked else (
            f"{met} of {asked} minimum standards hold"
        )
        headline += f", and {every}"
    cut, raised = spending["change_gbp"] < -0.5, spending["change_gbp"] > 0.5
    sentences = [
        f"{count(cut.sum(), 'programme')} get{'s' if cut.sum() == 1 else ''} less, "
        f"{raised.sum()} more, and {(~cut & ~raised).sum()} the same."
    ]
    for chosen, words, pick in (
        (cut, "The largest cut", "idxmin"),
        (raised, "The largest rise", "idxmax"),
    ):
        if chosen.any():
            row = spending.loc[getattr(spending["change_gbp"], pick)()]
            sentences[0] += (
                f" {words} is in {row['name']}: {pounds_in_words(abs(row['change_gbp']))}"
                + (f" ({per_cent(row['change_share'])})." if row["change_share"] == row[
                    "change_share"] else ".")
            )
    better = (outcomes["change"] * outcomes["direction"].map({"higher": 1, "lower": -1})).fillna(0)
    gains = [str(name) for name in outcomes["name"][better > 1e-6]]
    losses = [str(name) for name in outcomes["name"][better < -1e-6]]
    said = []
    if gains:
        said.append(f"Better than today: {listed(gains)}.")
    if losses:
        said.append(f"Worse than today: {listed(losses)}.")
    if targets:
        said.append(f"{reached} of {count(targets, 'target')} reached.")
    sentences.append(" ".join(said))
    returned = float(streams["returned_gbp"].fillna(0).sum())
    if returned >= 1:
        sentences.append(
            f"{pounds_in_words(returned)} of ring-fenced money cannot be put to use within its "
            "ring-fence and goes back to those who gave it."
        )
    figures = [
        Figure("spending_gbp", "Spending", before, after, "gbp", ""),
        Figure("standards_met", f"Minimum standards met, of {asked}", None, float(met), "count"),
        Figure("targets_met", f"Targets met, of {targets}", None, float(reached), "count"),
        Figure("returned_gbp", "Ring-fenced money not spent", None, returned, "gbp"),
        Figure(
            "moved_gbp",
            "Money moved up or down",
            None,
            float(spending["change_gbp"].abs().sum()),
            "gbp",
            "",
        ),
    ]
    return headline + ".", [text for text in sentences if text], figures


def _met(values: Any) -> tuple[int, int]:
    """How many are met, of how many that are stated."""
    stated = [value for value in values if not (isinstance(value, str) and value == "")]
    stated = [value for value in stated if value == value and value is not None]
    return _count_true(stated), len(stated)


# ------------------------------------------------------------------------------ without a plan


def _without_plan(answer: Answer) -> tuple[str, list[str], list[Figure]]:
    if str(answer.result.status) == "infeasible":
        said = [answer.explanation.sentence] if answer.explanation else []
        return "No plan can keep all these rules at once.", said, []
    headline = {
        "no plan at limit": "No plan was found in the time given.",
        "interrupted": "The search was stopped before a plan was found.",
        "unbounded": "The question has no best answer as it stands.",
    }.get(str(answer.result.status), "The solver failed.")
    return headline, [answer.result.message] if answer.result.message else [], []


def objectives_in_words(answer: Answer) -> str:
    """What was made small, in the order asked."""
    names = [in_words(name).lower() for name in answer.scenario.objective.minimise]
    return ", then ".join(names)


def service_names(answer: Answer) -> dict[str, str]:
    return names_of(answer.place, "services")
