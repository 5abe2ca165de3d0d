"""Where a plan sends visits, in words: how near, at what cost, past whom and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from placeopt.report.formats import count, listed, minutes_in_words, per_cent
from placeopt.report.money import pounds, pounds_in_words
from placeopt.scenario.estate_rules import Access, Fairness, FairRents, Revenue
from placeopt.scenario.reassignment import reassigns

if TYPE_CHECKING:
    from placeopt.engine import Answer
    from placeopt.scenario import Scenario

MAY_BAR = (Access, Fairness, Revenue, FairRents)  # rules that may keep a visit from moving nearer
SOME_GBP, SOME_VISITS = 1.0, 0.5  # below these a sentence says none


def sent_in_words(answer: Answer) -> list[str]:
    """Return the sentences on sending visits nearer and on visits sent past a nearer host."""
    assert answer.plan is not None
    summary = answer.plan.summary
    said = []
    if "reassignment_status" in summary:
        said.append(_nearer(summary, answer.scenario.years))
    if "past_nearer_visits_per_year" in summary:
        said.append(_past(summary, answer.scenario))
    return said


def _nearer(summary: Mapping[str, Any], years: int) -> str:
    before, after = (summary[f"reassignment_mean_minutes_{when}"] for when in ("before", "after"))
    if summary["reassignment_status"] == "no plan at limit":
        return (
            "There was no time left to send visits nearer: they go where the least cost has them."
        )
    ceiling = summary["reassignment_cost_ceiling_gbp"] - summary["cost_best_found"]
    proven = (
        f"no other way to send visits to these buildings for at most {pounds_in_words(ceiling)} "
        "more takes fewer minutes"
    )
    if summary["reassignment_status"] != "optimal":
        bound = summary["reassignment_minutes_proven_bound"]
        share = max(summary["reassignment_minutes_after"] - bound, 0.0) / max(
            summary["reassignment_minutes_after"], 1e-9
        )
        proven = "whether other ways take fewer is not known"
        if math.isfinite(bound):
            proven = f"other ways may take up to {per_cent(share)} fewer"
    over = " over the decided years" if years > 1 else ""
    if before - after < 0.05:
        return (
            "The plan was asked to send visits nearer without other buildings: a visit takes "
            f"{minutes_in_words(after)} on average{over}; {proven}."
        )
    cost, yearly = (
        summary[f"reassignment_{name}"] for name in ("cost_gbp", "running_cost_gbp_per_year")
    )
    money = "That costs nothing"
    if cost > SOME_GBP:
        word = "more" if yearly >= 0 else "less"
        money = (
            f"That costs {pounds_in_words(cost)} over the whole period "
            f"({pounds_in_words(abs(yearly))} {word} a year to run)"
        )
    return (
        "With its buildings and services found, the plan sends visits nearer than the least cost "
        f"would: a visit takes {minutes_in_words(after)} on average{over} instead of "
        f"{minutes_in_words(before)}. {money}; {proven}."
    )


def _past(summary: Mapping[str, Any], scenario: Scenario) -> str:
    past = summary["past_nearer_visits_per_year"]
    if past < SOME_VISITS:
        return "Every visit goes to the nearest building that has the offer."
    when = f" in {summary['last_year']}" if scenario.years > 1 else ""
    text = (
        f"{count(past, 'visit')} a year{when} ({per_cent(summary['past_nearer_share'])}) "
        f"{'goes' if round(past) == 1 else 'go'} past a nearer building that has the offer"
    )
    dearer = "it would cost more"
    if reassigns(scenario):
        dearer = "it would cost more, and what fewer minutes may cost is used up"
    reasons = {
        "floor": "no nearer one has floor left",
        "capital": "one has, but fitting it out would take capital that is used up",
        "cost": f"one has, but {dearer}",
    }
    parts = [
        f"for {summary[f'past_{key}_visits_per_year']:,.0f} {words}"
        for key, words in reasons.items()
        if summary[f"past_{key}_visits_per_year"] >= SOME_VISITS
    ]
    text += f": {listed(parts)}." if parts else "."
    able = summary["past_open_visits_per_year"]
    if able < SOME_VISITS:
        return text + " None goes past one that could take it."
    return text + f" {count(able, 'visit')} {_why_open(summary, scenario)}"


def _why_open(summary: Mapping[str, Any], scenario: Scenario) -> str:
    """Why visits that floor, capital and cost would let go nearer do not."""
    could = "could go to a nearer one within floor, capital and cost"
    if not reassigns(scenario):
        return f"{could}: the question does not ask for fewer minutes, or its search was ended."
    rules = sorted(
        {rule.number for kind in MAY_BAR for rule in scenario.of(kind)}, key=lambda n: int(n[1:])
    )
    if summary["reassignment_status"] == "optimal" and rules:
        return f"{could}, but not under the other rules of the question ({listed(rules)})."
    if summary["reassignment_status"] == "optimal":
        return f"{could}, but not without breaking another rule of the question."
    return f"{could}: there was no time left to send them there."


def of_which_cost(answer: Answer) -> str:
    """Return the sentence that says of which cost the proof speaks; empty if of the plan's."""
    summary = answer.plan.summary if answer.plan is not None else {}
    cost = summary.get("reassignment_cost_gbp")
    if cost is None or cost <= SOME_GBP:
        return ""
    return (
        " That speaks of the cost before visits were sent nearer, which adds "
        f"{pounds_in_words(cost)}."
    )


def exact_terms(answer: Answer) -> list[tuple[str, str]]:
    """Return rows for the exact terms: what the plan costs and what is proven of its minutes."""
    summary = answer.plan.summary if answer.plan is not None else {}
    if "reassignment_status" not in summary:
        return []
    bound = summary["reassignment_minutes_proven_bound"]
    proven = f"{bound:,.0f}" if math.isfinite(bound) else "none"
    return [
        ("Cost of the plan, visits sent nearer", pounds(summary["net_present_cost_plan_gbp"])),
        ("It might be at most", pounds(summary["reassignment_cost_ceiling_gbp"])),
        ("Visit minutes of all decided years", f"{summary['reassignment_minutes_after']:,.0f}"),
        ("Proven bound with these buildings, tiers and hosts", proven),
    ]
