"""Where a plan sends visits, in words: how near, at what cost, past whom and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placeopt.report.money import pounds
from placeopt.report.narrative.sentences import (
    Sentence,
    Statement,
    Value,
    Values,
    counted,
    gbp,
    minutes,
    share,
    state,
)
from placeopt.scenario.reassignment import NEARER_MINUTES, reassigns
from placeopt.scenario.rules.estate.services import Access, Fairness, FairRents, Revenue
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    from placeopt.engine import Answer

MAY_BAR: dict[
    type[Rule], str
] = {  # rules that may keep a visit from moving nearer, and what they are on
    Access: "access",
    Fairness: "fairness",
    Revenue: "running costs",
    FairRents: "rents",
}
SOME_GBP, SOME_VISITS = 1.0, 0.5  # below these a sentence says none
SOME_MINUTES = 0.05


@dataclass(frozen=True)
class SentFacts:
    """What the sentences on where visits go rest on: the plan's own figures, which are verified."""

    answer: Answer

    @property
    def summary(self) -> Any:
        return {} if self.answer.plan is None else self.answer.plan.summary

    @property
    def status(self) -> str:
        """How the search for fewer minutes ended; empty where the question did not ask for it."""
        return str(self.summary.get("reassignment_status", ""))

    @property
    def tried(self) -> bool:
        return self.status not in ("", "no plan at limit")

    @property
    def fewer(self) -> float:
        """Minutes that a visit takes less on average for being sent nearer."""
        before, after = (f"reassignment_mean_minutes_{when}" for when in ("before", "after"))
        return float(self.summary[before] - self.summary[after])

    @property
    def cost(self) -> float:
        return float(self.summary.get("reassignment_cost_gbp", 0.0))

    def visits(self, which: str) -> float:
        """Visits of the last decided year: sent past a nearer host, or those of one reason."""
        return float(self.summary.get(f"past_{which}_visits_per_year", math.nan))

    @property
    def past_part(self) -> float:
        """Visits of the last decided year past a nearer building that has part of the offer, and
        past none that has as much of it as the one they go to."""
        plan = self.answer.plan
        if plan is None or not {"assignment", "access"} <= set(plan.tables):
            return 0.0
        keys = ["zone_id", "service_id"]
        near = plan.tables["access"][[*keys, "minutes_after"]]
        sent = plan.tables["assignment"].merge(near, on=keys, how="left")
        farther = sent["minutes"] > sent["minutes_after"] + NEARER_MINUTES
        past = float(sent.loc[farther, "visits_per_year"].sum())
        return max(past - self.visits("nearer"), 0.0)

    @property
    def when(self) -> str:
        return f" in {self.summary['last_year']}" if self.answer.scenario.years > 1 else ""


def sent_in_words(answer: Answer) -> list[Statement]:
    """Return the sentences on sending visits nearer and on visits sent past a nearer host."""
    return state(SENTENCES, SentFacts(answer))


def of_which_cost(answer: Answer) -> list[Statement]:
    """Return the sentence that says of which cost the proof speaks; none if of the plan's."""
    return state(OF_WHICH_COST, SentFacts(answer))


def _nearer_values(f: SentFacts) -> Values:
    s, over = f.summary, " over the decided years" if f.answer.scenario.years > 1 else ""
    found: dict[str, Value] = {
        "after": minutes(s["reassignment_mean_minutes_after"]),
        "before": minutes(s["reassignment_mean_minutes_before"]),
        "over": over,
        "proven": f.status,
    }
    if f.status == "optimal":
        found["within"] = gbp(s["reassignment_cost_ceiling_gbp"] - s["cost_best_found"])
    elif math.isfinite(s["reassignment_minutes_proven_bound"]):
        left = s["reassignment_minutes_after"] - s["reassignment_minutes_proven_bound"]
        found["gap"] = share(max(left, 0.0) / max(s["reassignment_minutes_after"], 1e-9))
    if f.cost > SOME_GBP:
        yearly = s["reassignment_running_cost_gbp_per_year"]
        found |= {"cost": gbp(f.cost), "yearly": gbp(abs(yearly))}
        found["way"] = "more" if yearly >= 0 else "less"
    return found


def _proven(v: Values) -> str:
    if "within" in v:
        return (
            f"no other way to send visits to these buildings for at most {v['within']} more takes "
            "fewer minutes"
        )
    if "gap" in v:
        return f"other ways may take up to {v['gap']} fewer"
    return "whether other ways take fewer is not known"


def _sent_nearer(v: Values) -> str:
    money = "That costs nothing"
    if "cost" in v:
        money = (
            f"That costs {v['cost']} over the whole period ({v['yearly']} {v['way']} a year to run)"
        )
    return (
        "With its buildings and services found, the plan sends visits nearer than the least cost "
        f"would: a visit takes {v['after']} on average{v['over']} instead of {v['before']}. "
        f"{money}; {_proven(v)}."
    )


def _past_values(f: SentFacts) -> Values:
    dearer = "it would cost more"
    if reassigns(f.answer.scenario):
        dearer += ", and what fewer minutes may cost is used up"
    reasons = {key: f.visits(key) for key in ("floor", "capital", "cost")}
    return {
        "past": counted(f.visits("nearer"), "visit"),
        "share": share(f.summary["past_nearer_share"]),
        "when": f.when,
        "dearer": dearer,
        **{key: counted(n, "visit") for key, n in reasons.items() if n >= SOME_VISITS},
    }


def _past(v: Values) -> str:
    reasons = {
        "floor": "no nearer one has floor left",
        "capital": "one has, but fitting it out would take capital that is used up",
        "cost": f"one has, but {v['dearer']}",
    }
    parts = [f"for {v[key]} {words}" for key, words in reasons.items() if key in v]
    goes = "goes" if str(v["past"]).startswith("1 ") else "go"
    return (
        f"{v['past']} a year{v['when']} ({v['share']}) {goes} past a nearer building that has the "
        "offer" + (f": {listed(parts)}." if parts else ".")
    )


def _every(f: SentFacts) -> str:
    """Every visit, of the year that is looked at."""
    return f"In {f.summary['last_year']} every visit" if f.when else "Every visit"


def _why_open(f: SentFacts) -> str:
    """Why visits that floor, capital and cost would let go nearer do not."""
    scenario = f.answer.scenario
    if not reassigns(scenario):
        return ": the question does not ask for fewer minutes, or its search was ended"
    rules = listed(words for kind, words in MAY_BAR.items() if scenario.of(kind))
    if f.status == "optimal" and rules:
        return f", but not under the question's rules on {rules}"
    if f.status == "optimal":
        return ", but not without breaking another rule of the question"
    return ": there was no time left to send them there"


SENTENCES: tuple[Sentence[SentFacts], ...] = (
    Sentence(
        "no_time_nearer",
        lambda f: f.status == "no plan at limit",
        "There was no time left to send visits nearer: they go where the least cost has them.",
    ),
    Sentence(
        "asked_nearer",
        lambda f: f.tried and f.fewer < SOME_MINUTES,
        lambda v: (
            "The plan was asked to send visits nearer without other buildings: a visit takes "
            f"{v['after']} on average{v['over']}; {_proven(v)}."
        ),
        _nearer_values,
    ),
    Sentence(
        "sent_nearer",
        lambda f: f.tried and f.fewer >= SOME_MINUTES,
        _sent_nearer,
        _nearer_values,
    ),
    Sentence(
        "every_nearest",
        lambda f: f.visits("nearer") < SOME_VISITS and f.past_part < SOME_VISITS,
        lambda v: f"{v['every']} goes to the nearest building that has the offer.",
        lambda f: {"every": _every(f)},
    ),
    Sentence(
        "every_nearest_in_full",
        lambda f: f.visits("nearer") < SOME_VISITS <= f.past_part,
        lambda v: f"{v['every']} goes to the nearest building that has as much of the offer.",
        lambda f: {"every": _every(f)},
    ),
    Sentence("sent_past", lambda f: f.visits("nearer") >= SOME_VISITS, _past, _past_values),
    Sentence(
        "past_none_open",
        lambda f: f.visits("nearer") >= SOME_VISITS and f.visits("open") < SOME_VISITS,
        "None goes past one that could take it.",
    ),
    Sentence(
        "past_open",
        lambda f: f.visits("nearer") >= SOME_VISITS and f.visits("open") >= SOME_VISITS,
        "{able} could go to a nearer one within floor, capital and cost{why}.",
        lambda f: {"able": counted(f.visits("open"), "visit"), "why": _why_open(f)},
    ),
    Sentence(
        "past_part",
        lambda f: f.past_part >= SOME_VISITS,
        lambda v: (
            f"{v['past']} a year{v['when']} {v['go']} past a nearer building that has part of "
            "the offer."
        ),
        lambda f: {
            "past": counted(f.past_part, "visit"),
            "when": f.when,
            "go": "goes" if round(f.past_part) == 1 else "go",
        },
    ),
)

OF_WHICH_COST: tuple[Sentence[SentFacts], ...] = (
    Sentence(
        "of_which_cost",
        lambda f: f.cost > SOME_GBP,
        "That speaks of the cost before visits were sent nearer, which adds {cost}.",
        lambda f: {"cost": gbp(f.cost)},
    ),
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
