"""What the minutes of an estate answer are: how they were measured, and who is taken to drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.report.narrative.sentences import Sentence, Statement, state
from placeopt.report.tables.formats import in_words
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    from placeopt.engine import Answer

CAR_MODES = {"drive", "car"}


def measured_in_words(answer: Answer) -> str:
    """What to know before any figure in minutes is read; "" where there is nothing to say."""
    return " ".join(one.text for one in measured(answer))


def measured(answer: Answer) -> list[Statement]:
    """How minutes were measured and who is taken to drive, where that is short of the truth."""
    return state(SENTENCES, answer)


def _crow_fly(answer: Answer) -> list[str]:
    """The modes that count and whose minutes are straight lines."""
    if answer.times is None:
        return []
    return [
        mode
        for mode, facts in answer.times.provenance.items()
        if facts.get("method") == "crow_fly" and mode in answer.scenario.travel.modes
    ]


def everybody_drives(answer: Answer) -> bool:
    """Whether a car counts and no zone states how many residents have none."""
    if answer.times is None or not CAR_MODES & set(answer.scenario.travel.modes):
        return False
    zones = answer.place.zones
    return "without_car_share" in zones and not bool((zones["without_car_share"] > 0).any())


def as_if_driving(answer: Answer) -> str:
    """What goes beside every figure in minutes: "" or ", as if everybody could drive"."""
    return ", as if everybody could drive" if everybody_drives(answer) else ""


SENTENCES: tuple[Sentence[Answer], ...] = (
    Sentence(
        "crow_fly",
        lambda answer: bool(_crow_fly(answer)),
        "Minutes ({modes}) are not measured on roads: they are straight lines at an assumed speed.",
        lambda answer: {"modes": listed(in_words(mode).lower() for mode in _crow_fly(answer))},
    ),
    Sentence(
        "everybody_drives",
        lambda answer: everybody_drives(answer),
        "The place states no households without a car: every minute is counted as if everybody "
        "could drive.",
    ),
)
