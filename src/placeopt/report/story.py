"""What an answer says, in sentences and key figures that a councillor reads.

The page, the workbook's first sheet and ``summary.json`` all speak through this module, so that
they say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from placeopt.report.figures import Figure
from placeopt.report.formats import count, in_words, per_cent
from placeopt.report.minutes import measured_in_words
from placeopt.report.money import in_pounds
from placeopt.report.nearer import of_which_cost
from placeopt.scenario.reassignment import reassigns

if TYPE_CHECKING:
    from placeopt.engine import Answer

BETTER = {  # objective -> how a better plan would differ
    "cost": "cost {} less over the whole period",
    "visit_minutes": "save {} of the minutes that visits take",
    "buildings": "need {} fewer buildings",
    "carbon": "emit {} less carbon",
    "weighted": "be better by {} of the weighted sum",
    "weighted_outcomes": "gain {} more on the outcomes",
    "least_money": "spend {} less",
    "least_disruption": "move {} less money",
}


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
    from placeopt.report.story_budget import tell_budget
    from placeopt.report.story_estate import tell_estate

    if answer.plan is None:
        headline, sentences, figures = _without_plan(answer)
    elif "spending" in answer.plan.tables:
        headline, sentences, figures = tell_budget(answer)
    else:
        headline, sentences, figures = tell_estate(answer)
    return Story(
        headline=headline,
        sentences=tuple(sentences),
        status_term=str(answer.result.status),
        status_in_words=status_in_words(answer),
        figures=tuple(figures),
    )


def headline(answer: Answer) -> str:
    """The answer in a few lines for a terminal: what, how sure, whether verified."""
    story = tell(answer)
    lines = [story.headline, *story.sentences, story.status_in_words, verified_in_words(answer)]
    lines += [said] if (said := measured_in_words(answer)) else []
    if answer.explanation:
        lines += [f"{c.number} {c.sentence} {c.what_gives}" for c in answer.explanation.clashes]
    return in_pounds("\n".join(lines))


def status_in_words(answer: Answer) -> str:
    """How far the answer can be trusted to be the best there is; "proven" only where it is."""
    if answer.plan is None:
        return {
            "infeasible": "Proven: no plan can keep all the rules together.",
            "unbounded": "The question has no best answer: its objective can improve for ever, "
            "so something that limits it is missing.",
            "interrupted": "Stopped by hand before a plan was found; nothing is proven.",
            "no plan at limit": "No plan was found within the time limit; nothing is proven, and "
            "more time may find one.",
        }.get(str(answer.result.status), "The solver failed; nothing is proven.")
    return _status_of_plan(answer) + of_which_cost(answer)


def _status_of_plan(answer: Answer) -> str:
    result = answer.result
    better = BETTER.get(answer.scenario.objective.minimise[-1], "be better by {}")
    if str(result.status) == "optimal":
        if result.gap < 5e-7:
            return "Proven: no plan that keeps the rules is better."
        more = better.format(f"more than {per_cent(max(result.gap, 1e-4))}")
        return f"Proven: no plan that keeps the rules can {more} than this one does.".replace(
            " less than this one does", " less"
        ).replace(" than this one does", "")
    stopped = (
        "stopped by hand" if str(result.status) == "interrupted" else "stopped at the time limit"
    )
    if not result.gap < 1:  # "up to 136 % less" says nothing
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


def _without_plan(answer: Answer) -> tuple[str, list[str], list[Figure]]:
    from placeopt.report.story_budget import alone_in_words

    if str(answer.result.status) == "infeasible":
        said = [answer.explanation.sentence] if answer.explanation else []
        said += alone_in_words(answer) if answer.scenario.problem == "budget" else []
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
    if reassigns(answer.scenario):
        names.append("visit minutes with the buildings, tiers and hosts found")
    return ", then ".join(names)
