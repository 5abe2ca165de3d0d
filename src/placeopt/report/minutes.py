"""What the minutes of an estate answer are: how they were measured, and who is taken to drive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.report.formats import in_words
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    from placeopt.engine import Answer

CAR_MODES = {"drive", "car"}


def measured_in_words(answer: Answer) -> str:
    """What to know before any figure in minutes is read; "" where there is nothing to say."""
    if answer.times is None:
        return ""
    crow = [
        mode
        for mode, facts in answer.times.provenance.items()
        if facts.get("method") == "crow_fly" and mode in answer.scenario.travel.modes
    ]
    said = []
    if crow:
        by = listed([in_words(mode).lower() for mode in crow])
        said.append(
            f"Minutes ({by}) are not measured on roads: they are straight lines at an assumed "
            "speed."
        )
    if everybody_drives(answer):
        said.append(
            "The place states no households without a car: every minute is counted as if "
            "everybody could drive."
        )
    return " ".join(said)


def everybody_drives(answer: Answer) -> bool:
    """Whether a car counts and no zone states how many residents have none."""
    if answer.times is None or not CAR_MODES & set(answer.scenario.travel.modes):
        return False
    zones = answer.place.zones
    return "without_car_share" in zones and not bool((zones["without_car_share"] > 0).any())


def as_if_driving(answer: Answer) -> str:
    """What goes beside every figure in minutes: "" or ", as if everybody could drive"."""
    return ", as if everybody could drive" if everybody_drives(answer) else ""
