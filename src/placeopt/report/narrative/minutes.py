"""Caveats on the minutes of an estate answer: how they were measured, who is assumed to drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.report.narrative.sentences import Sentence, Statement, true_statements
from placeopt.report.tables.formats import in_words
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    from placeopt.engine import Answer

CAR_MODES = {"drive", "car"}


def minutes_caveats_in_words(answer: Answer) -> str:
    """Return the caveats on minutes as one text; "" where there are none."""
    return " ".join(statement.text for statement in minutes_caveats(answer))


def minutes_caveats(answer: Answer) -> list[Statement]:
    """Return a statement for each way in which minutes are only approximate."""
    return true_statements(SENTENCES, answer)


def _straight_line_modes(answer: Answer) -> list[str]:
    """Return the scenario's modes whose minutes are straight lines."""
    if answer.times is None:
        return []
    return [
        mode
        for mode, facts in answer.times.provenance.items()
        if facts.get("method") == "crow_fly" and mode in answer.scenario.travel.modes
    ]


def assumes_everybody_drives(answer: Answer) -> bool:
    """Whether car travel counts and no zone states how many residents have no car."""
    if answer.times is None or not CAR_MODES & set(answer.scenario.travel.modes):
        return False
    zones = answer.place.zones
    return "without_car_share" in zones and not bool((zones["without_car_share"] > 0).any())


def as_if_driving(answer: Answer) -> str:
    """Return the note beside every figure in minutes: "" or ", as if everybody could drive"."""
    return ", as if everybody could drive" if assumes_everybody_drives(answer) else ""


SENTENCES: tuple[Sentence[Answer], ...] = (
    Sentence(
        "crow_fly",
        lambda answer: bool(_straight_line_modes(answer)),
        "Minutes ({modes}) are not measured on roads: they are straight lines at an assumed speed.",
        lambda answer: {
            "modes": listed(in_words(mode).lower() for mode in _straight_line_modes(answer))
        },
    ),
    Sentence(
        "everybody_drives",
        lambda answer: assumes_everybody_drives(answer),
        "The place states no households without a car: every minute is counted as if everybody "
        "could drive.",
    ),
)
