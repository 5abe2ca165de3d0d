"""What an answer says, in sentences and key figures that a councillor reads.

The page, the workbook's first sheet and ``summary.json`` all speak through this module, so that
they say the same. What is asked comes first: yes or no where that is the question, the figures
that the question names, and then the general story.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.certainty import certainty
from placeopt.report.narrative.figures import Figure
from placeopt.report.narrative.leads import facts_of, leads_of
from placeopt.report.narrative.minutes import measured, measured_in_words
from placeopt.report.narrative.sentences import Statement
from placeopt.report.tables.formats import count, in_words
from placeopt.scenario.reassignment import reassigns

if TYPE_CHECKING:
    from placeopt.engine import Answer
    from placeopt.scenario.verification import Check


SAID_BY = {  # kind of the general story -> the kind that leads and says it already
    "targets": "lead_targets",
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


@dataclass(frozen=True)
class Story:
    """The answer in words.

    Attributes:
        headline: The answer in one sentence, after yes or no where that is asked.
        verdict: ``yes``, ``no``, ``not known``, or "" where the question asks for neither.
        leads: The figures that the question names.
        statements: The general story.
        certainty: How far the answer can be trusted to be the best there is.
        measured: What to know of the minutes before any of them is read.
        figures: Key figures, today beside the plan.
        verdict_in_words: Yes, no or not known, and how far a yes goes; nothing where the question
            asks for neither.
        facts: Every figure that a scenario may lead with, by its key.
    """

    headline: Statement
    verdict: str
    leads: tuple[Statement, ...]
    statements: tuple[Statement, ...]
    certainty: tuple[Statement, ...]
    measured: tuple[Statement, ...]
    status_term: str
    figures: tuple[Figure, ...]
    verdict_in_words: tuple[Statement, ...]
    facts: dict[str, Any]

    @property
    def first(self) -> str:
        """What the page says first: yes or no, and the headline."""
        return " ".join(one.text for one in (*self.verdict_in_words, self.headline))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The figures that the question names, and the general story."""
        return tuple(one.text for one in (*self.leads, *self.statements))

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The general story, a few sentences to a paragraph."""
        texts = [one.text for one in self.statements]
        return tuple(" ".join(texts[n : n + 3]) for n in range(0, len(texts), 3))

    @property
    def status_in_words(self) -> str:
        return " ".join(statement.text for statement in self.certainty)

    def all_statements(self) -> tuple[Statement, ...]:
        """Every sentence in the order in which it is read."""
        return (
            *(*self.verdict_in_words, self.headline, *self.leads, *self.statements),
            *(*self.certainty, *self.measured),
        )


def tell(answer: Answer) -> Story:
    """The story of an answer, with or without a plan."""
    from placeopt.report.narrative.budget import tell_budget
    from placeopt.report.narrative.estate import tell_estate

    figures: list[Figure] = []
    if answer.plan is None:
        headline, statements = _without_plan(answer)
    elif "spending" in answer.plan.tables:
        headline, statements, figures = tell_budget(answer)
    else:
        headline, statements, figures = tell_estate(answer)
    facts = facts_of(answer)
    leads = leads_of(answer, facts)
    said = {statement.kind for statement in leads}
    return Story(
        headline=headline,
        verdict=verdict(answer),
        leads=tuple(leads),
        statements=tuple(one for one in statements if SAID_BY.get(one.kind) not in said),
        certainty=tuple(certainty(answer)),
        measured=tuple(measured(answer)),
        status_term=str(answer.result.status),
        figures=tuple(figures),
        verdict_in_words=tuple(_verdict_in_words(answer)),
        facts={key: value for key, (value, _) in facts.items()},
    )


def verdict(answer: Answer) -> str:
    """Yes where a plan keeps every rule, no where none is proven to, else not known; "" where the
    question does not ask for it."""
    if not answer.scenario.yes_or_no:
        return ""
    if answer.plan is not None:
        return "yes"
    return "no" if str(answer.result.status) == "infeasible" else "not known"


def _verdict_in_words(answer: Answer) -> list[Statement]:
    """The verdict; a yes that rests on open places that residents are not sent to says so."""
    said = verdict(answer)
    if not said:
        return []
    text = said.capitalize()
    standards = answer.plan.tables.get("standards") if answer.plan is not None else None
    if standards is not None and (standards["holds_after"] == "by_nearest_only").any():
        text += ", if the nearest open place counts; not where the plan sends residents"
    return [Statement("verdict", f"{text}.")]


def headline(answer: Answer) -> str:
    """The answer in a few lines for a terminal: what, how sure, whether verified."""
    story = tell(answer)
    lines = [story.first, *story.sentences, story.status_in_words, verified_in_words(answer)]
    lines += [said] if (said := measured_in_words(answer)) else []
    if answer.explanation:
        lines += [f"{c.number} {c.sentence} {c.what_gives}" for c in answer.explanation.clashes]
    return "\n".join(lines)


def verified_in_words(answer: Answer) -> str:
    found = answer.verification
    if found is None:
        return "There is no plan to verify."
    rules = sum(bool(check.number) for check in found.checks)
    if not found.ok:
        return f"{count(len(found.broken), 'check')} of {len(found.checks)} FAILED."
    return (
        f"Verified: a separate program, blind to the solver, redid the arithmetic from the tables; "
        f"all {len(found.checks)} checks hold ({count(rules, 'rule')} and the plan's own figures)"
        f"{_held_otherwise(found.checks)}."
    )


def _held_otherwise(checks: tuple[Check, ...]) -> str:
    """How many checks hold by one measure only, and by which."""
    only = Counter(check.held_by for check in checks if check.held_by)
    said = (f"{n:,} {'holds' if n == 1 else 'hold'} {way}" for way, n in only.items())
    return "".join(f"; of these {text}" for text in said)


def _without_plan(answer: Answer) -> tuple[Statement, list[Statement]]:
    status = str(answer.result.status)
    if status == "infeasible":
        text = "No plan can keep all these rules at once."
        why = answer.explanation
        clash = [Statement("clash", why.sentence)] if why else []
        if answer.scenario.problem == "budget":
            from placeopt.report.narrative.budget import alone_in_words

            clash += [Statement("alone", text) for text in alone_in_words(answer)]
        return Statement("no_plan", text), clash
    text = {
        "no plan at limit": "No plan was found.",
        "interrupted": "The search was stopped before a plan was found.",
        "unbounded": "The question has no best answer as it is asked.",
    }.get(status, "The solver failed.")
    message = answer.result.message
    return Statement("no_plan_found", text), [Statement("message", message)] if message else []


def objectives_in_words(answer: Answer) -> str:
    """What was made small, in the order asked."""
    names = [in_words(name).lower() for name in answer.scenario.objective.minimise]
    if reassigns(answer.scenario):
        names.append("visit minutes with the buildings, tiers and hosts found")
    return ", then ".join(names)
