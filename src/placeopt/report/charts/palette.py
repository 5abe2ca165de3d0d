"""Colours and shapes of decisions and minutes, shared by page, picture and QGIS.

Decisions differ in shape as well as colour. The scales are ColorBrewer's RdBu and BuPu, which
colour-blind readers can distinguish.
"""

from __future__ import annotations

import math

# decision -> (colour, shape, radius in pixels), in drawing order
DECISIONS = {
    "not_used": ("#8a8f98", "ring", 4.0),
    "stay_vacant": ("#6b7280", "ring", 5.0),
    "no_visits": ("#1f4e79", "ring", 4.5),
    "keep": ("#1f4e79", "circle", 4.5),
    "close": ("#a4161a", "cross", 5.5),
    "open": ("#e08a00", "diamond", 7.0),
    "hub": ("#04724d", "square", 6.0),
}
FLOW = "#7b3294"  # lines from a closed building to those that take its users
FLOW_WIDTHS = ((1_000.0, 0.6), (5_000.0, 1.0), (20_000.0, 1.6))  # visits a year -> mm from there on
OUT_OF_REACH = "#4b4b4b"

# upper edges in minutes (the last class is open) and one more colour than edges
CHANGE_EDGES = (-5.0, -1.0, 1.0, 5.0, 10.0)
CHANGE_COLOURS = ("#2166ac", "#92c5de", "#f2f2f2", "#fddbc7", "#ef8a62", "#b2182b")
CHANGE_WORDS = (
    "5 or more shorter",
    "1 to 5 shorter",
    "within 1 of today",
    "1 to 5 longer",
    "5 to 10 longer",
    "10 or more longer",
)
MINUTES_EDGES = (2.5, 5.0, 10.0, 15.0, 20.0, 30.0)
MINUTES_COLOURS = (
    "#f7fcfd",
    "#e0ecf4",
    "#bfd3e6",
    "#9ebcda",
    "#8c96c6",
    "#8856a7",
    "#6e016b",
)
MINUTES_WORDS = (
    "under 2.5",
    "2.5 to 5",
    "5 to 10",
    "10 to 15",
    "15 to 20",
    "20 to 30",
    "30 or more",
)
# residents by band of minutes, nearest first, the last out of reach
BAND_COLOURS = ("#0b5d7a", "#3c8dad", "#8fc1d4", "#f3d9a4", "#e8a15b", "#c8553d", "#4b4b4b")


def band_colours(bands: int) -> tuple[str, ...]:
    """Return a colour for each band, nearest first; the last is out of reach."""
    if bands < 1:
        return ()
    if bands <= len(BAND_COLOURS):
        return (*BAND_COLOURS[: bands - 1], BAND_COLOURS[-1])
    return tuple(BAND_COLOURS[min(k, len(BAND_COLOURS) - 1)] for k in range(bands))


def class_of(value: float, edges: tuple[float, ...]) -> int:
    """Return the position of the class of a value; -1 where the value is missing."""
    if not math.isfinite(value):
        return -1
    return sum(value >= edge for edge in edges)


def colour_of(value: float, edges: tuple[float, ...], colours: tuple[str, ...]) -> str:
    """Return the colour of the class of a value."""
    position = class_of(value, edges)
    return OUT_OF_REACH if position < 0 else colours[position]
