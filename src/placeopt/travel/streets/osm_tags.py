"""Interpret OpenStreetMap tags: who may use a way, in which direction and how fast.

For each mode the most specific key present decides: drive motorcar > motor_vehicle > vehicle >
access; cycle bicycle > vehicle > access; walk foot > access. Values such as "no" and "private"
close a way; values such as "yes" open one that its class would close; without any key the class
decides. One-way streets restrict vehicles, not walking; ``oneway:bicycle=no`` exempts bicycles.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.speeds import DRIVE_KMH, KMH_PER_MPH
from placeopt.travel.streets.arrays import BACKWARD, BOTH, CLOSED, FORWARD

TAGS = (
    "highway", "access", "vehicle", "motor_vehicle", "motorcar", "bicycle", "foot", "oneway",
    "oneway:bicycle", "cycleway", "junction", "maxspeed", "motorroad",
)  # fmt: skip
BARRIERS = ("bollard", "block", "jersey_barrier", "cycle_barrier", "motorcycle_barrier",
            "planter", "chain", "log", "kissing_gate", "stile", "turnstile",
            "full-height_turnstile")  # fmt: skip

DRIVE_CLASSES = {c for c in DRIVE_KMH if c not in ("", "track", "busway")}
MOTORWAY_CLASSES = {"motorway", "motorway_link"}
PATH_CLASSES = {
    "track",
    "footway",
    "pedestrian",
    "path",
    "bridleway",
    "cycleway",
    "steps",
    "corridor",
    "elevator",
    "platform",
}
WALK_CLASSES = (DRIVE_CLASSES | PATH_CLASSES) - MOTORWAY_CLASSES
CYCLE_CLASSES = (DRIVE_CLASSES | {"track", "bridleway", "cycleway"}) - MOTORWAY_CLASSES
KNOWN_CLASSES = DRIVE_CLASSES | WALK_CLASSES | {"busway"}

ACCESS_KEYS = {
    "walk": ("foot", "access"),
    "cycle": ("bicycle", "vehicle", "access"),
    "drive": ("motorcar", "motor_vehicle", "vehicle", "access"),
}
CLOSED_VALUES = ("no", "private", "agricultural", "forestry", "agricultural;forestry", "delivery",
        "emergency", "military", "bus", "psv", "dismount", "use_sidepath")  # fmt: skip
OPEN_VALUES = ("yes", "designated", "permissive", "destination", "customers", "official", "public",
        "residents", "permit")  # fmt: skip
ROUNDABOUTS = ("roundabout", "circular")
NATIONAL_MPH = {"gb:nsl_single": 60, "gb:nsl_dual": 70, "gb:motorway": 70, "national": 60,
                "gb:urban": 30}  # fmt: skip

Tags = Mapping[str, NDArray[np.object_]]


def routable(tags: Tags) -> NDArray[np.bool_]:
    """(ways,) whether the class is known."""
    return np.isin(tags["highway"].astype(str), list(KNOWN_CLASSES))


def directions(tags: Tags) -> dict[str, NDArray[np.int8]]:
    """Mode -> (ways,) the directions in which the mode may use each way."""
    vehicle_direction = _one_way(tags)
    allowed = {mode: _allowed(tags, mode) for mode in ACCESS_KEYS}
    bicycle_direction = vehicle_direction.copy()
    is_contraflow = (tags["oneway:bicycle"] == "no") | np.array(
        [value.startswith("opposite") for value in tags["cycleway"]], bool
    )
    bicycle_direction[is_contraflow] = BOTH
    both_ways = np.full(len(vehicle_direction), BOTH, np.int8)
    return {
        "walk": np.where(allowed["walk"], both_ways, CLOSED).astype(np.int8),
        "cycle": np.where(allowed["cycle"], bicycle_direction, CLOSED).astype(np.int8),
        "drive": np.where(allowed["drive"], vehicle_direction, CLOSED).astype(np.int8),
    }


def speed_limit_kmh(maxspeed: NDArray[np.object_]) -> NDArray[np.float64]:
    """Speed limits in km/h of texts such as "30 mph", "50" or "GB:nsl_single"; NaN if none."""
    texts, text_of = np.unique(maxspeed.astype(str), return_inverse=True)
    return np.array([_limit(text) for text in texts])[text_of]


def _limit(text: str) -> float:
    named = NATIONAL_MPH.get(text.strip().lower())
    if named is not None:
        return named * KMH_PER_MPH
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?\s*", text)
    if found is None or float(found[1]) <= 0:
        return float("nan")
    return float(found[1]) * (KMH_PER_MPH if found[2] == "mph" else 1.0)


def _one_way(tags: Tags) -> NDArray[np.int8]:
    """(ways,) the direction for vehicles."""
    stated, road_class = tags["oneway"].astype(str), tags["highway"].astype(str)
    vehicle_direction = np.full(len(stated), BOTH, np.int8)
    implied = np.isin(tags["junction"].astype(str), ROUNDABOUTS) | (road_class == "motorway")
    vehicle_direction[implied & (stated != "no")] = FORWARD
    vehicle_direction[np.isin(stated, ["yes", "true", "1"])] = FORWARD
    vehicle_direction[np.isin(stated, ["-1", "reverse"])] = BACKWARD
    # one way at any time, but it is not known which
    vehicle_direction[stated == "reversible"] = CLOSED
    return vehicle_direction


def _allowed(tags: Tags, mode: str) -> NDArray[np.bool_]:
    """(ways,) whether ``mode`` may use the way, in any direction."""
    road_class = tags["highway"].astype(str)
    by_class = {"walk": WALK_CLASSES, "cycle": CYCLE_CLASSES, "drive": DRIVE_CLASSES}[mode]
    allowed = np.isin(road_class, list(by_class))
    if mode != "drive":
        allowed &= tags["motorroad"] != "yes"
    can_be_opened = ~np.isin(road_class, ["motorway", "motorway_link"]) | (mode == "drive")
    for key in reversed(ACCESS_KEYS[mode]):  # the most specific key is applied last
        stated = tags[key].astype(str)
        allowed[np.isin(stated, CLOSED_VALUES)] = False
        reopened = np.isin(stated, OPEN_VALUES) & can_be_opened
        if key == "access":
            reopened &= np.isin(road_class, list(by_class))  # reopens closed ways, but not footways
        allowed[reopened] = True
    return allowed
