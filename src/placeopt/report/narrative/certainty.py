"""Certainty of an answer: what is proven of each objective, and why a search
stopped before it proved more.

"Proven" is stated only where a bound proves it. A bound that was found is always stated, and the
time limit only where the search used all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.reassignment import describe_proven_cost
from placeopt.report.narrative.sentences import (
    Amount,
    Sentence,
    Statement,
    Values,
    gbp,
    share,
    true_statements,
)
from placeopt.report.tables.formats import in_words
from placeopt.scenario.reassignment import TIME_SHARE, uses_reassignment
from placeopt.scenario.wording import figure

if TYPE_CHECKING:
    from placeopt.engine import Answer

BETTER_PLAN = {  # objective -> how a better plan would differ
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
BOUND_WITHOUT_A_PLAN = {  # objective -> what a bound says where no plan was found
    "cost": "it costs at least {bound} over the whole period.",
    "least_money": "it spends at least {bound}.",
    "weighted_outcomes": "it gains at most {bound} on the outcomes.",
}
MONEY_OBJECTIVES = ("cost", "weighted", "least_money", "least_disruption")
EXACT_GAP = 5e-7  # a gap below which a plan is as good as its bound
LIMIT_SHARE = 0.95  # a search that used this share of its time limit was stopped by the limit


@dataclass(frozen=True)
class ObjectiveProof:
    """How close a plan is to the bound of one objective.

    Attributes:
        objective: Name of the objective.
        gap: Relative distance from the bound; NaN where the search did not reach the objective.
        bound: No plan has a lower value; NaN where the search did not reach the objective.
        position: Position in lexicographic order, from 0.
        slack: Share by which the objective before it may become worse.
    """

    objective: str
    gap: float
    bound: float
    position: int
    slack: float


@dataclass(frozen=True)
class CertaintyFacts:
    """The figures behind the sentences on certainty.

    Attributes:
        answer: An answer, with or without a plan.
    """

    answer: Answer

    @property
    def status(self) -> str:
        """Status of the result, as text."""
        return str(self.answer.result.status)

    @property
    def has_plan(self) -> bool:
        """Whether a plan was found."""
        return self.answer.plan is not None

    @property
    def was_stopped(self) -> bool:
        """Whether the search ended before it was complete."""
        return self.status in ("feasible at limit", "interrupted", "no plan at limit")

    @property
    def seconds(self) -> float:
        """Seconds that the search took; NaN where they were not measured."""
        seconds = self.answer.result.seconds
        return float(seconds.get("search", sum(seconds.values()) if seconds else math.nan))

    @property
    def limit(self) -> float:
        """The time limit in seconds."""
        return float(self.answer.scenario.solver.time_limit_seconds)

    @property
    def reached_limit(self) -> bool:
        """Whether the search used its time limit."""
        return self.seconds >= LIMIT_SHARE * self.limit

    @property
    def reached_reserve(self) -> bool:
        """Whether the search used all but the time reserved for sending visits nearer."""
        usable = self.limit * (1 - TIME_SHARE)
        is_reserved = uses_reassignment(self.answer.scenario)
        return is_reserved and not self.reached_limit and self.seconds >= LIMIT_SHARE * usable

    @property
    def no_saving_above(self) -> float:
        """GBP that no plan saves more than, against doing nothing; NaN where it is not known."""
        assert self.answer.plan is not None
        rows = self.answer.plan.objectives.set_index("objective")
        if self.answer.scenario.objective.minimise != ("cost",) or "cost" not in rows.index:
            return math.nan
        nothing: Any = rows.at["cost", "do_nothing"]
        return float(nothing) - self.answer.result.bound

    @property
    def objectives(self) -> list[ObjectiveProof]:
        """The objectives in order; the gap and the bound of the last are those of the result."""
        assert self.answer.plan is not None
        objective, result = self.answer.scenario.objective, self.answer.result
        summary, names = self.answer.plan.summary, objective.minimise
        proofs = []
        for n, name in enumerate(names):
            gap, bound = summary.get(f"{name}_gap_share"), summary.get(f"{name}_proven_bound")
            if len(names) == 1 or (
                n == len(names) - 1 and gap is None and self.result_has_last_objective
            ):
                gap, bound = result.gap, result.bound
            elif gap is None and n == 0 and "objective_bound" in summary:
                value, bound = float(summary["objective_plan"]), float(summary["objective_bound"])
                gap = max(0.0, value - bound) / max(1e-9, abs(value))
            slack = objective.slack[n - 1] if 0 < n <= len(objective.slack) else 0.0
            unknown = gap is None or bound is None
            gap, bound = (math.nan, math.nan) if unknown else (float(gap), float(bound))  # type: ignore[arg-type]
            proofs.append(ObjectiveProof(name, gap, bound, n, slack))
        return proofs

    @property
    def result_has_last_objective(self) -> bool:
        """Whether gap and bound of the result are those of the last objective: true of budgets."""
        assert self.answer.plan is not None
        return "spending" in self.answer.plan.tables

    def is_proven(self, proof: ObjectiveProof) -> bool:
        """Whether an objective is proven to within the requested gap.

        With a single objective the status of the result determines this.
        """
        if len(self.answer.scenario.objective.minimise) == 1:
            return self.status == "optimal"
        return proof.gap <= max(self.answer.scenario.solver.gap, EXACT_GAP) * (1 + 1e-6)


def describe_certainty(answer: Answer) -> list[Statement]:
    """Return the sentences on what is proven and why the search stopped."""
    facts = CertaintyFacts(answer)
    if not facts.has_plan:
        return true_statements(WITHOUT_A_PLAN, facts)
    proofs = facts.objectives
    statements = true_statements(STOPPED, facts)
    if not all(facts.is_proven(proof) for proof in proofs):
        statements.append(Statement("keeps_every_rule", "The plan keeps every rule."))
    statements += [_describe_proof(facts, proof, len(proofs) > 1) for proof in proofs]
    return statements + describe_proven_cost(answer)


def _describe_proof(facts: CertaintyFacts, proof: ObjectiveProof, several: bool) -> Statement:
    """Return what is proven of one objective; ``several`` objectives are named."""
    head = ""
    if several:
        objective = in_words(proof.objective)
        head = f"Then {objective.lower()}" if proof.position else f"First objective ({objective}): "
        if proof.position:
            head += f", giving up at most {share(proof.slack)} before it: " if proof.slack else ": "
    gap = share(max(proof.gap, 1e-4)) if math.isfinite(proof.gap) else ""
    better = BETTER_PLAN.get(proof.objective, "be better by {}")
    values: dict[str, Amount | str | int] = {"objective": proof.objective}
    if math.isfinite(proof.gap):
        values["gap"] = share(proof.gap)
    if math.isnan(proof.gap):
        text = "the search was stopped before it came to this."
        return Statement("stage_not_reached", _sentence(head, text), values)
    if facts.is_proven(proof):
        if proof.gap < EXACT_GAP:
            text = "proven: no plan that keeps the rules is better."
            return Statement("proven_best", _sentence(head, text), values)
        text = f"proven: a plan that keeps the rules can {better.format(f'at most {gap}')}."
        return Statement("proven_within", _sentence(head, text), values)
    if proof.gap < 1:  # "up to 136% less" says nothing
        text = f"it is not proven to be the best: another may {better.format(f'up to {gap}')}."
        return Statement("not_proven", _sentence(head, text), values)
    if math.isfinite(proof.bound) and math.isfinite(facts.no_saving_above):
        values["most"] = gbp(facts.no_saving_above)
        text = (
            "it is not proven to be the best; what is proven is that no plan saves more than "
            f"{values['most']} over the whole period against doing nothing."
        )
        return Statement("saving_bound", _sentence(head, text), values)
    if math.isfinite(proof.bound):
        values["bound"] = bound_amount(proof.objective, proof.bound)
        text = (
            f"it is not proven to be the best; what is proven is that the value of no plan is "
            f"below {values['bound']} ({in_words(proof.objective).lower()}, always made small)."
        )
        return Statement("bound_only", _sentence(head, text), values)
    text = (
        "it is not proven to be the best, and no bound was found on how much better another could "
        "be."
    )
    return Statement("no_bound", _sentence(head, text), values)


def _sentence(head: str, text: str) -> str:
    return head + text if head else text[:1].upper() + text[1:]


def bound_amount(objective: str, bound: float) -> Amount:
    """Return a bound in the unit of its objective."""
    return gbp(bound) if objective in MONEY_OBJECTIVES else Amount(bound, objective, figure(bound))


def _time_values(facts: CertaintyFacts) -> Values:
    return {
        "seconds": Amount(facts.seconds, "seconds", _seconds_in_words(facts.seconds)),
        "limit": Amount(facts.limit, "seconds", _seconds_in_words(facts.limit)),
    }


def _seconds_in_words(seconds: float) -> str:
    """Return seconds as text, parts of a second only where there is less than one."""
    if seconds >= 1:
        return f"{seconds:,.0f} s"
    return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"


def _says_something(answer: Answer) -> bool:
    """Whether a bound without a plan excludes anything.

    Costs and counts cannot be expected below 0, so that a bound below 0 says nothing of them; a
    gain is minimised as a negative number.
    """
    bound = answer.result.bound
    is_gain = answer.scenario.objective.minimise[0] == "weighted_outcomes"
    return math.isfinite(bound) and (bound < 0 if is_gain else bound > 0)


def _bound_values(answer: Answer) -> Values:
    objective, bound = answer.scenario.objective.minimise[0], answer.result.bound
    bound = -bound if objective == "weighted_outcomes" else bound
    return {
        "bound": bound_amount(objective, bound),
        "objective": objective,
        "what": in_words(objective).lower(),
    }


STOPPED: tuple[Sentence[CertaintyFacts], ...] = (
    Sentence(
        "stopped_by_hand",
        lambda f: f.status == "interrupted",
        "The search was stopped by hand.",
    ),
    Sentence(
        "stopped_at_limit",
        lambda f: f.was_stopped and f.status != "interrupted" and f.reached_limit,
        "The search was stopped at its time limit of {limit}.",
        _time_values,
    ),
    Sentence(
        "stopped_at_reserve",
        lambda f: f.was_stopped and f.status != "interrupted" and f.reached_reserve,
        "The search was stopped after {seconds} of its time limit of {limit}: the rest is reserved "
        "for sending the visits of a plan nearer.",
        _time_values,
    ),
    Sentence(
        "ended_before_limit",
        lambda f: (
            f.was_stopped
            and f.status != "interrupted"
            and f.seconds < LIMIT_SHARE * f.limit
            and not f.reached_reserve
        ),
        "The search ended after {seconds}, before its time limit of {limit}.",
        _time_values,
    ),
    Sentence(
        "ended",
        lambda f: f.was_stopped and f.status != "interrupted" and math.isnan(f.seconds),
        "The search ended without a proof.",
    ),
)
WITHOUT_A_PLAN: tuple[Sentence[CertaintyFacts], ...] = (
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
        lambda f: f.was_stopped,
        "That no plan exists is not proven.",
    ),
    Sentence(
        "more_time",
        lambda f: f.status == "no plan at limit" and (f.reached_limit or f.reached_reserve),
        "More time may find one: set time_limit_seconds under [solver] above {limit}, or ease a "
        "rule.",
        _time_values,
    ),
    Sentence(
        "bound_without_a_plan",
        lambda f: f.was_stopped and _says_something(f.answer),
        lambda v: (
            "Proven: if there is a plan, "
            + BOUND_WITHOUT_A_PLAN.get(
                str(v["objective"]), "its value is at least {bound} ({what}, always made small)."
            ).format(**v)
        ),
        lambda f: _bound_values(f.answer),
    ),
)
