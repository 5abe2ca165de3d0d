"""Where a plan sends visits, in words: how near, at what extra cost, past which hosts and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placeopt.report.money import pounds
from placeopt.report.narrative.minutes import as_if_driving
from placeopt.report.narrative.sentences import (
    Sentence,
    Statement,
    Value,
    Values,
    gbp,
    minutes,
    quantity,
    share,
    true_statements,
)
from placeopt.scenario.reassignment import MINUTES_TOLERANCE, uses_reassignment
from placeopt.scenario.rules.estate.services import Access, Fairness, FairRents, Revenue
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    from placeopt.engine import Answer

# Rules that may prevent a visit from moving to a nearer host, and what they limit.
RULES_ON_REASSIGNMENT: dict[type[Rule], str] = {
    Access: "access",
    Fairness: "fairness",
    Revenue: "running costs",
    FairRents: "rents",
}
# Smaller amounts are stated as none.
LEAST_GBP = 1.0
LEAST_VISITS = 0.5
LEAST_MINUTES = 0.05


@dataclass(frozen=True)
class ReassignmentFacts:
    """The figures behind the sentences on where visits are sent: the plan's own, verified ones.

    Attributes:
        answer: An answer with an estate plan.
    """

    answer: Answer

    @property
    def summary(self) -> Any:
        """The plan's summary."""
        return {} if self.answer.plan is None else self.answer.plan.summary

    @property
    def status(self) -> str:
        """Status of the search for fewer minutes; empty where the question does not ask for it."""
        return str(self.summary.get("reassignment_status", ""))

    @property
    def found_assignment(self) -> bool:
        """Whether the search for fewer minutes returned an assignment."""
        return self.status not in ("", "no plan at limit")

    @property
    def minutes_saved(self) -> float:
        """Mean minutes saved per visit by the search for fewer minutes."""
        before, after = (f"reassignment_mean_minutes_{when}" for when in ("before", "after"))
        return float(self.summary[before] - self.summary[after])

    @property
    def cost_gbp(self) -> float:
        """Present cost (GBP) that sending visits nearer adds."""
        return float(self.summary.get("reassignment_cost_gbp", 0.0))

    @property
    def unproven_minutes(self) -> float:
        """Visit minutes by which another assignment may still be shorter."""
        values = (self.summary.get(f"reassignment_minutes_{x}") for x in ("after", "proven_bound"))
        after, bound = (math.nan if value is None else float(value) for value in values)
        return after - bound if math.isfinite(after - bound) else 0.0

    def visits_past(self, reason: str) -> float:
        """Return visits past a nearer host in the last decided year (visits a year).

        Args:
            reason: ``nearer`` for all of them; ``floor``, ``capital``, ``cost`` or ``open`` for
                those of one reason.
        """
        return float(self.summary.get(f"past_{reason}_visits_per_year", math.nan))

    @property
    def sends_visits(self) -> bool:
        """Whether any visit is sent to a building in the last decided year."""
        plan = self.answer.plan
        if plan is None or "assignment" not in plan.tables:
            return True
        return bool((plan.tables["assignment"]["visits_per_year"] > 0).any())

    @property
    def visits_past_partial(self) -> float:
        """Visits of the last decided year that pass only buildings with part of the offer."""
        plan = self.answer.plan
        if plan is None or not {"assignment", "access"} <= set(plan.tables):
            return 0.0
        keys = ["zone_id", "service_id"]
        nearest = plan.tables["access"][[*keys, "minutes_after"]]
        assigned = plan.tables["assignment"].merge(nearest, on=keys, how="left")
        is_farther = assigned["minutes"] > assigned["minutes_after"] + MINUTES_TOLERANCE
        past = float(assigned.loc[is_farther, "visits_per_year"].sum())
        return max(past - self.visits_past("nearer"), 0.0)

    @property
    def year_phrase(self) -> str:
        """The last decided year as a phrase; empty where one year is decided."""
        return f" in {self.summary['last_year']}" if self.answer.scenario.years > 1 else ""


def describe_reassignment(answer: Answer) -> list[Statement]:
    """Return the sentences on sending visits nearer and on visits sent past a nearer host."""
    return true_statements(SENTENCES, ReassignmentFacts(answer))


def describe_proven_cost(answer: Answer) -> list[Statement]:
    """Return the sentence on which cost the proof covers; none where it covers the plan's own."""
    return true_statements(PROVEN_COST, ReassignmentFacts(answer))


def _assignment_values(f: ReassignmentFacts) -> Values:
    summary = f.summary
    over = " over the decided years" if f.answer.scenario.years > 1 else ""
    values: dict[str, Value] = {
        "after": minutes(summary["reassignment_mean_minutes_after"]),
        "before": minutes(summary["reassignment_mean_minutes_before"]),
        "over": over,
        "driving": as_if_driving(f.answer),
        "proven": f.status,
    }
    if f.status == "optimal":
        values["within"] = gbp(
            summary["reassignment_cost_ceiling_gbp"] - summary["cost_best_found"]
        )
    elif math.isfinite(summary["reassignment_minutes_proven_bound"]):
        after = summary["reassignment_minutes_after"]
        gap = after - summary["reassignment_minutes_proven_bound"]
        values["gap"] = share(max(gap, 0.0) / max(after, 1e-9))
    if f.cost_gbp > LEAST_GBP:
        yearly = summary["reassignment_running_cost_gbp_per_year"]
        values |= {"cost": gbp(f.cost_gbp), "yearly": gbp(abs(yearly))}
        values["way"] = "more" if yearly >= 0 else "less"
    return values


def _proven_words(v: Values) -> str:
    if "within" in v:
        return (
            f"no other way to send visits to these buildings for at most {v['within']} more takes "
            "fewer minutes"
        )
    if "gap" in v:
        return f"other ways may take up to {v['gap']} fewer"
    return "whether other ways take fewer is not known"


def _nearer_words(v: Values) -> str:
    money = "That costs nothing"
    if "cost" in v:
        money = (
            f"That costs {v['cost']} over the whole period ({v['yearly']} {v['way']} a year to run)"
        )
    return (
        "With its buildings and services found, the plan sends visits nearer than the least cost "
        f"would: a visit takes {v['after']} on average{v['over']} instead of {v['before']}"
        f"{v['driving']}. "
        f"{money}; {_proven_words(v)}."
    )


def _past_nearest_values(f: ReassignmentFacts) -> Values:
    costlier = "it would cost more"
    if uses_reassignment(f.answer.scenario):
        costlier += ", and what fewer minutes may cost is used up"
    reasons = {key: f.visits_past(key) for key in ("floor", "capital", "cost")}
    return {
        "past": quantity(f.visits_past("nearer"), "visit"),
        "share": share(f.summary["past_nearer_share"]),
        "when": f.year_phrase,
        "dearer": costlier,
        **{key: quantity(n, "visit") for key, n in reasons.items() if n >= LEAST_VISITS},
    }


def _past_nearest_words(v: Values) -> str:
    reasons = {
        "floor": "no nearer one has floor left",
        "capital": "one has, but fitting it out would take capital that is used up",
        "cost": f"one has, but {v['dearer']}",
    }
    parts = [f"for {v[key]} {words}" for key, words in reasons.items() if key in v]
    verb = "goes" if str(v["past"]).startswith("1 ") else "go"
    return (
        f"{v['past']} a year{v['when']} ({v['share']}) {verb} past a nearer building that has the "
        "offer" + (f": {listed(parts)}." if parts else ".")
    )


def gap_in_words(f: ReassignmentFacts) -> str:
    """Return the visit minutes that are unproven, rounded up."""
    return f"{math.ceil(f.unproven_minutes):,}"


def _every_visit(f: ReassignmentFacts) -> str:
    """Return the subject "every visit", with the year where several are decided."""
    return f"In {f.summary['last_year']} every visit" if f.year_phrase else "Every visit"


def _why_not_nearer(f: ReassignmentFacts) -> str:
    """Return why visits stay further away although floor area, capital and cost allow a nearer
    host."""
    scenario = f.answer.scenario
    if not uses_reassignment(scenario):
        return ": the question does not ask for fewer minutes, or its search was ended"
    rules = listed(
        words
        for kind, words in RULES_ON_REASSIGNMENT.items()
        if any(getattr(rule, "counts", "served") == "served" for rule in scenario.of(kind))
    )
    if f.status == "optimal" and rules:
        return f", but not under the question's rules on {rules}"
    if f.status == "optimal" and f.unproven_minutes > 0:
        return (
            f": by the proven bound that would save at most {gap_in_words(f)} visit minutes in all"
        )
    if f.status == "optimal":
        return ", but not without breaking another rule of the question"
    return ": there was no time left to send them there"


SENTENCES: tuple[Sentence[ReassignmentFacts], ...] = (
    Sentence(
        "no_time_nearer",
        lambda f: f.status == "no plan at limit",
        "There was no time left to send visits nearer: they go where the least cost has them.",
    ),
    Sentence(
        "no_visits",
        lambda f: not f.sends_visits,
        "No visit is sent to a building{when}: none is made in person, or all go unserved.",
        lambda f: {"when": f.year_phrase},
    ),
    Sentence(
        "asked_nearer",
        lambda f: f.sends_visits and f.found_assignment and f.minutes_saved < LEAST_MINUTES,
        lambda v: (
            "The plan was asked to send visits nearer without other buildings: a visit takes "
            f"{v['after']} on average{v['over']}{v['driving']}; {_proven_words(v)}."
        ),
        _assignment_values,
    ),
    Sentence(
        "sent_nearer",
        lambda f: f.found_assignment and f.minutes_saved >= LEAST_MINUTES,
        _nearer_words,
        _assignment_values,
    ),
    Sentence(
        "every_nearest",
        lambda f: (
            f.sends_visits
            and f.visits_past("nearer") < LEAST_VISITS
            and f.visits_past_partial < LEAST_VISITS
        ),
        lambda v: f"{v['every']} goes to the nearest building that has the offer.",
        lambda f: {"every": _every_visit(f)},
    ),
    Sentence(
        "every_nearest_in_full",
        lambda f: f.visits_past("nearer") < LEAST_VISITS <= f.visits_past_partial,
        lambda v: f"{v['every']} goes to the nearest building that has as much of the offer.",
        lambda f: {"every": _every_visit(f)},
    ),
    Sentence(
        "sent_past",
        lambda f: f.visits_past("nearer") >= LEAST_VISITS,
        _past_nearest_words,
        _past_nearest_values,
    ),
    Sentence(
        "past_none_open",
        lambda f: f.visits_past("nearer") >= LEAST_VISITS and f.visits_past("open") < LEAST_VISITS,
        "None goes past one that could take it.",
    ),
    Sentence(
        "past_open",
        lambda f: f.visits_past("nearer") >= LEAST_VISITS and f.visits_past("open") >= LEAST_VISITS,
        "{able} could go to a nearer one within floor, capital and cost{why}.",
        lambda f: {"able": quantity(f.visits_past("open"), "visit"), "why": _why_not_nearer(f)},
    ),
    Sentence(
        "past_part",
        lambda f: f.visits_past_partial >= LEAST_VISITS,
        lambda v: (
            f"{v['past']} a year{v['when']} {v['go']} past a nearer building that has part of "
            "the offer."
        ),
        lambda f: {
            "past": quantity(f.visits_past_partial, "visit"),
            "when": f.year_phrase,
            "go": "goes" if round(f.visits_past_partial) == 1 else "go",
        },
    ),
)

PROVEN_COST: tuple[Sentence[ReassignmentFacts], ...] = (
    Sentence(
        "of_which_cost",
        lambda f: f.cost_gbp > LEAST_GBP,
        "That speaks of the cost before visits were sent nearer, which adds {cost}.",
        lambda f: {"cost": gbp(f.cost_gbp)},
    ),
)


def reassignment_terms(answer: Answer) -> list[tuple[str, str]]:
    """Return the plan's cost and the bound on its minutes, as (label, value) rows."""
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
