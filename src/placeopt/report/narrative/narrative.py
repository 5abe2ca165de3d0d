"""An answer in words: the sentences and key figures that a councillor reads.

The page, the first sheet of the workbook and ``summary.json`` all use this module, so that they
state the same. First comes yes or no, where that is the question; then the figures that the
question names; then the general sentences.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.certainty import describe_certainty
from placeopt.report.narrative.estate_facts import EstateFacts
from placeopt.report.narrative.figures import Figure
from placeopt.report.narrative.leads import lead_facts, lead_statements
from placeopt.report.narrative.minutes import minutes_caveats, minutes_caveats_in_words
from placeopt.report.narrative.sentences import Statement, Values, quantity
from placeopt.report.tables.formats import count, in_words
from placeopt.scenario.reassignment import uses_reassignment

if TYPE_CHECKING:
    from placeopt.engine import Answer
    from placeopt.scenario.verification import Check


REPLACED_BY_LEAD = {  # kind of a general sentence -> kind of the lead that states the same
    "targets": "lead_targets",
    "prevention_from_savings": "lead_prevention",
    "prevention_beyond_savings": "lead_prevention",
    "tiers": "lead_tiers",
    "units": "lead_units",
    "works": "lead_works",
    "receipts": "lead_receipts",
    "minutes": "lead_near",
    "sent_minutes": "lead_as_sent",
    "running_falls": "lead_running_cost",
    "running_rises": "lead_running_cost",
    "carbon": "lead_carbon",
    "carbon_saved": "lead_carbon_worth",
    "carbon_added": "lead_carbon_worth",
}

BEFORE_LEADS = frozenset(("standards_by_nearest",))  # what a reader must know of the headline


@dataclass(frozen=True)
class Narrative:
    """An answer in words.

    Attributes:
        headline: The answer in one sentence.
        verdict: ``yes``, ``no``, ``not known``, or "" if the question asks for none.
        leads: Statements of the figures that the question names.
        statements: The general sentences.
        certainty: How certain it is that the answer is the best.
        minutes_caveats: Caveats on every figure in minutes.
        status_term: The solver's status.
        figures: Key figures, today beside the plan.
        verdict_in_words: The verdict and its conditions; empty where the question asks for none.
        facts: Every figure that a scenario may lead with, by its key.
    """

    headline: Statement
    verdict: str
    leads: tuple[Statement, ...]
    statements: tuple[Statement, ...]
    certainty: tuple[Statement, ...]
    minutes_caveats: tuple[Statement, ...]
    status_term: str
    figures: tuple[Figure, ...]
    verdict_in_words: tuple[Statement, ...]
    facts: dict[str, Any]

    @property
    def first(self) -> str:
        """The verdict and the headline: the first sentences of the page."""
        return " ".join(statement.text for statement in (*self.verdict_in_words, self.headline))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The leads and the general sentences."""
        return tuple(statement.text for statement in (*self.leads, *self.statements))

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The general sentences, three to a paragraph."""
        texts = [statement.text for statement in self.statements]
        return tuple(" ".join(texts[n : n + 3]) for n in range(0, len(texts), 3))

    @property
    def status_in_words(self) -> str:
        """How certain it is that the answer is the best, as one text."""
        return " ".join(statement.text for statement in self.certainty)

    def all_statements(self) -> tuple[Statement, ...]:
        """Return every sentence in the order in which it is read."""
        return (
            *(*self.verdict_in_words, self.headline, *self.leads, *self.statements),
            *(*self.certainty, *self.minutes_caveats),
        )


def describe(answer: Answer) -> Narrative:
    """Return the narrative of an answer, with or without a plan."""
    from placeopt.report.narrative.budget import describe_budget
    from placeopt.report.narrative.estate import describe_estate

    figures: list[Figure] = []
    if answer.plan is None:
        headline, statements = _without_plan(answer)
    elif "spending" in answer.plan.tables:
        headline, statements, figures = describe_budget(answer)
    else:
        headline, statements, figures = describe_estate(answer)
    facts = lead_facts(answer)
    leads = [
        *(statement for statement in statements if statement.kind in BEFORE_LEADS),
        *lead_statements(answer, facts),
    ]
    stated = {statement.kind for statement in leads}
    return Narrative(
        headline=headline,
        verdict=verdict(answer),
        leads=tuple(leads),
        statements=tuple(
            statement
            for statement in statements
            if REPLACED_BY_LEAD.get(statement.kind) not in stated
            and statement.kind not in BEFORE_LEADS
        ),
        certainty=tuple(describe_certainty(answer)),
        minutes_caveats=tuple(minutes_caveats(answer)),
        status_term=str(answer.result.status),
        figures=tuple(figures),
        verdict_in_words=tuple(_verdict_in_words(answer)),
        facts={key: value for key, (value, _) in facts.items()},
    )


def verdict(answer: Answer) -> str:
    """Return the answer to a yes-or-no question; "" where the question is of another kind.

    It is ``yes`` where there is a plan, ``no`` where it is proven that none exists, else
    ``not known``.
    """
    if not answer.scenario.yes_or_no:
        return ""
    if answer.plan is not None:
        return "yes"
    return "no" if str(answer.result.status) == "infeasible" else "not known"


def _verdict_in_words(answer: Answer) -> list[Statement]:
    """Return the verdict, and how many standards of access fail where the plan sends residents."""
    text = verdict(answer).capitalize()
    if not text:
        return []
    if answer.plan is None or "standards" not in answer.plan.tables:
        return [Statement("verdict", f"{text}.")]
    facts = EstateFacts(answer)
    if not (failing := len(facts.standards_by_nearest_only)):
        return [Statement("verdict", f"{text}.")]
    values: Values = {
        "failing": failing,
        "total": quantity(len(facts.standards), "standard"),
        "fail": "fails" if failing == 1 else "fail",
        "year": f" in {facts.standards_year}" if facts.years is not None else "",
    }
    words = ", but {failing} of {total} of access {fail}{year} where the plan sends residents."
    return [Statement("verdict", text + words.format(**values), values)]


def headline(answer: Answer) -> str:
    """Return the answer as a few lines for a terminal: plan, certainty and verification."""
    narrative = describe(answer)
    lines = [
        *(narrative.first, *narrative.sentences),
        *(narrative.status_in_words, verified_in_words(answer)),
    ]
    lines += [caveats] if (caveats := minutes_caveats_in_words(answer)) else []
    if answer.explanation:
        lines += [
            f"{clash.number}{f' ({clash.stated_at})' if clash.stated_at else ''} "
            f"{clash.sentence} {clash.what_gives}"
            for clash in answer.explanation.clashes
        ]
    return "\n".join(lines)


def verified_in_words(answer: Answer) -> str:
    """Return whether the plan was verified, by how many checks, in a sentence."""
    verification = answer.verification
    if verification is None:
        return "There is no plan to verify."
    checks = verification.checks
    rules = sum(bool(check.number) for check in checks)
    if not verification.ok:
        return f"{count(len(verification.broken), 'check')} of {len(checks)} FAILED."
    return (
        f"Verified: a separate program, blind to the solver, redid the arithmetic from the tables; "
        f"all {len(checks)} checks hold ({count(rules, 'rule')} and the plan's own figures)"
        f"{_conditional_checks(checks)}."
    )


def _conditional_checks(checks: tuple[Check, ...]) -> str:
    """Return how many checks hold by one measure only, and by which."""
    counts = Counter(check.held_by for check in checks if check.held_by)
    texts = (f"{n:,} {'holds' if n == 1 else 'hold'} {measure}" for measure, n in counts.items())
    return "".join(f"; of these {text}" for text in texts)


def _without_plan(answer: Answer) -> tuple[Statement, list[Statement]]:
    status = str(answer.result.status)
    if status == "infeasible":
        text = "No plan can keep all these rules at once."
        explanation = answer.explanation
        clash = [Statement("clash", explanation.sentence)] if explanation else []
        if answer.scenario.problem == "budget":
            from placeopt.report.narrative.counterfactual import stand_alone_in_words

            clash += [Statement("alone", text) for text in stand_alone_in_words(answer)]
        return Statement("no_plan", text), clash
    text = {
        "no plan at limit": "No plan was found.",
        "interrupted": "The search was stopped before a plan was found.",
        "unbounded": "The question has no best answer as it is asked.",
    }.get(status, "The solver failed.")
    message = answer.result.message
    return Statement("no_plan_found", text), [Statement("message", message)] if message else []


def objectives_in_words(answer: Answer) -> str:
    """Return the objectives in the order in which they were minimised."""
    names = [in_words(name).lower() for name in answer.scenario.objective.minimise]
    if uses_reassignment(answer.scenario):
        names.append("visit minutes with the buildings, tiers and hosts found")
    return ", then ".join(names)
