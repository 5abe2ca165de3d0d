"""stub"""

from __future__ import annotations

from placeopt.errors import Finding
from placeopt.place.tables import Place


def check(place: Place) -> list[Finding]:
    return []


def check_minutes(place: Place) -> list[Finding]:
    return []
