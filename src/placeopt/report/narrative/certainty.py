"""How far an answer can be trusted to be the best there is: what is proven, objective by objective,
and why the search stopped where something is not.

"Proven" is said only where a bound proves it; a bound that was found is always said; and the time
limit is named only where the search used it up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from placeopt.report.narrative.nearer import of_which_cost
from placeopt.report.narrative.sentences import (
    Amount,
    Sentence,
    Statement,
    Values,
    gbp,
    share,
    state,
)
from placeopt.report.tables.formats import in_words
from placeopt.scenario.wording import figure

if TYPE_CHECKING:
    from placeopt.engine import Answer

BETTER = {  # objective -> how a better plan would differ
    "cost": "cost {} less over the whole period",
    "visit_minutes": "save {} of the minutes that visits take",
    "buildings": "need {} fewer buildings",
    "carbon": "emit {} less carbon",
    "worst_off": "save {} of the minutes of the worst-off",
    "weighted": "be better by {} of the weighted sum",
    "weighted_outcomes": "gain {} more on the outcomes",
    "fairest": "bring the outcome furthest from its target nearer by {}",
    "least_money": "spend {} less",
    "least_disruption": "move {} less money",
}
MONEY = ("cost", "weighted", "least_money", "least_disruption")
EXACT = 5e-7  # a gap below which a plan is as good as its bound
USED_UP = 0.95  # share of the time limit from which on the limit is what stopped the search


@dataclass(frozen=True)
class Stage:
    """One objective, in the order asked: how close the plan found for it is to its bound."""

    objective: str
    gap: float  # NaN where the search did not come to it
    bound: float
    position: int
    slack: float  # given up of the objectives before it


@dataclass(frozen=True)
class Certainty:
    """What the sentences rest on."""

    answer: Answer

    @property
    def status(self) -> str:
        return str(self.answer.result.status)

    @property
    def has_plan(self) -> bool:
        return self.answer.plan is not None

    @property
    def stopped(self) -> bool:
        """Whether a search that could have gone on was ended."""
        return self.status in ("feasible at limit", "interrupted", "no plan at limit")

    @property
    def seconds(self) -> float:
        """Seconds that the search took; NaN where nobody measured them."""
        seconds = self.answer.result.seconds
        return float(seconds.get("search", sum(seconds.values()) if seconds else math.nan))

    @property
    def limit(self) -> float:
        return float(self.answer.scenario.solver.time_limit_seconds)

    @property
    def limit_reached(self) -> bool:
        return self.seconds >= USED_UP * self.limit

    @property
    def stages(self) -> list[Stage]:
        """The objectives in order; the last one's gap and bound are the result's own."""
        assert self.answer.plan is not None
        objective, result = self.answer.scenario.objective, self.answer.result
        summary, names = self.answer.plan.summary, objective.minimise
        found = []
        for n, name in enumerate(names):
            gap, bound = summary.get(f"{name}_gap_share"), summary.get(f"{name}_proven_bound")
            if len(names) == 1 or (n == len(names) - 1 and gap is None and self.one_result):
                gap, bound = result.gap, result.bound
            elif gap is None and n == 0 and "objective_bound" in summary:
                value, bound = float(summary["objective_plan"]), float(summary["objective_bound"])
                gap = max(0.0, value - bound) / max(1e-9, abs(value))
            slack = objective.slack[n - 1] if 0 < n <= len(objective.slack) else 0.0
            missing = gap is None or bound is None
            gap, bound = (math.nan, math.nan) if missing else (float(gap), float(bound))  # type: ignore[arg-type]
            found.append(Stage(name, gap, bound, n, slack))
        return found

    @property
    def one_result(self) -> bool:
        """Whether the result speaks of the last objective: a budget's does, in every case."""
        assert self.answer.plan is not None
        return "spending" in self.answer.plan.tables

    def proven(self, stage: Stage) -> bool:
        """Whether the bound proves an objective to within the gap asked for; with one objective
        that is what the status says."""
        if len(self.answer.scenario.objective.minimise) == 1:
            return self.status == "optimal"
        return stage.gap <= max(self.answer.scenario.solver.gap, EXACT) * (1 + 1e-6)


def certainty(answer: Answer) -> list[Statement]:
    """What is proven, and why the search stopped, in sentences."""
    facts = Certainty(answer)
    if not facts.has_plan:
        return state(WITHOUT_A_PLAN, facts)
    stages = facts.stages
    found = state(STOPPED, facts)
    if not all(facts.proven(stage) for stage in stages):
        found.append(Statement("keeps_every_rule", "The plan keeps every rule."))
    found += [_of_stage(facts, stage, len(stages) > 1) for stage in stages]
    return found + of_which_cost(answer)


def _of_stage(facts: Certainty, stage: Stage, several: bool) -> Statement:
    """What is proven of one objective."""
    head = ""
    if several:
        aim = in_words(stage.objective)
        head = f"First objective ({aim}): " if not stage.position else f"Then {aim.lower()}"
        if stage.position:
            head += f", giving up at most {share(stage.slack)} before it: " if stage.slack else ": "
    more = share(max(stage.gap, 1e-4)) if math.isfinite(stage.gap) else ""
    better = BETTER.get(stage.objective, "be better by {}")
    values: dict[str, Amount | str | int] = {"objective": stage.objective}
    if math.isfinite(stage.gap):
        values["gap"] = share(stage.gap)
    if math.isnan(stage.gap):
        text = "the search was stopped before it came to this."
        return Statement("stage_not_reached", _sentence(head, text), values)
    if facts.proven(stage):
        if stage.gap < EXACT:
            text = "proven: no plan that keeps the rules is better."
            return Statement("proven_best", _sentence(head, text), values)
        text = f"proven: no plan that keeps the rules can {better.format(f'more than {more}')}."
        return Statement("proven_within", _sentence(head, text), values)
    if stage.gap < 1:  # "up to 136% less" says nothing
        text = f"it is not proven to be the best: another may {better.format(f'up to {more}')}."
        return Statement("not_proven", _sentence(head, text), values)
    if math.isfinite(stage.bound):
        values["bound"] = bound_of(stage.objective, stage.bound)
        text = (
            f"it is not proven to be the best; what is proven is that the value of no plan is "
            f"below {values['bound']} ({in_words(stage.objective).lower()}, always made small)."
        )
        return Statement("bound_only", _sentence(head, text), values)
    text = (
        "it is not proven to be the best, and no bound was found on how much better another could "
        "be."
    )
    return Statement("no_bound", _sentence(head, text), values)


def _sentence(head: str, text: str) -> str:
    return head + text if head else text[:1].upper() + text[1:]


def bound_of(objective: str, bound: float) -> Amount:
    """A bound in the objective's own way of writing it."""
    return gbp(bound) if objective in MONEY else Amount(bound, objective, figure(bound))


def _time(facts: Certainty) -> Values:
    return {
        "seconds": Amount(facts.seconds, "seconds", f"{facts.seconds:,.0f} s"),
        "limit": Amount(facts.limit, "seconds", f"{facts.limit:,.0f} s"),
    }


STOPPED: tuple[Sentence[Certainty], ...] = (
    Sentence(
        "stopped_by_hand",
        lambda f: f.status == "interrupted",
        "The search was stopped by hand.",
    ),
    Sentence(
        "stopped_at_limit",
        lambda f: f.stopped and f.status != "interrupted" and f.limit_reached,
        "The search was stopped at its time limit of {limit}.",
        _time,
    ),
    Sentence(
        "ended_before_limit",
        lambda f: f.stopped and f.status != "interrupted" and f.seconds < USED_UP * f.limit,
        "The search ended after {seconds}, before its time limit of {limit}.",
        _time,
    ),
    Sentence(
        "ended",
        lambda f: f.stopped and f.status != "interrupted" and math.isnan(f.seconds),
        "The search ended without a proof.",
    ),
)
WITHOUT_A_PLAN: tuple[Sentence[Certainty], ...] = (
    Sentence(
        "proven_infeasible",
        lambda f: f.status == "infeasible",
        "Proven: no plan can keep all the rules together.",
    ),
    Sentence(
        "unbounded",
        lambda f: f.status == "unbounded",
        "The question has no best answer: its objective can improve for ever, so something that "
        "limits it is missing.",
    ),
    Sentence("failed", lambda f: f.status == "failed", "The solver failed; nothing is proven."),
    *STOPPED,
    Sentence(
        "not_proven_impossible",
        lambda f: f.stopped,
        "That no plan exists is not proven.",
    ),
    Sentence(
        "more_time",
        lambda f: f.status == "no plan at limit" and f.limit_reached,
        "More time may find one.",
    ),
    Sentence(
        "bound_without_a_plan",
        lambda f: f.stopped and math.isfinite(f.answer.result.bound),
        "Proven: if there is a plan, its value is not below {bound} ({objective}, always made "
        "small).",
        lambda f: {
            "bound": bound_of(f.answer.scenario.objective.minimise[0], f.answer.result.bound),
            "objective": in_words(f.answer.scenario.objective.minimise[0]).lower(),
        },
    ),
)
