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


def counts_cars(answer: Answer) -> bool:
    """Whether minutes by car count."""
    return answer.times is not None and bool(CAR_MODES & set(answer.scenario.travel.modes))


def states_no_household_without_car(answer: Answer) -> bool:
    """Whether car travel counts and no zone states how many residents have no car."""
    zones = answer.place.zones
    return (
        counts_cars(answer)
        and "without_car_share" in zones
        and not bool((zones["without_car_share"] > 0).any())
    )


def as_if_driving(answer: Answer) -> str:
    """Return the note beside every mean over all residents: "" or ", as if everybody could drive".

    A mean over all residents takes the fastest mode; where a car is one of them, that is a car even
    for residents who have none. Their own minutes are stated beside it.
    """
    return ", as if everybody could drive" if counts_cars(answer) else ""


def other_modes_in_words(answer: Answer) -> str:
    """Return the modes open to residents without a car, as words."""
    modes = [mode for mode in answer.scenario.travel.modes if mode not in CAR_MODES]
    return listed(in_words(mode).lower() for mode in modes)


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
        lambda answer: states_no_household_without_car(answer),
        "The place states no households without a car: every minute is counted as if everybody "
        "could drive.",
    ),
)
