"""Default speeds and their sources; the user's own speeds replace them.

Walking 4.8 km/h (3 mph, 80 m a minute) is the convention of access studies ("20 minutes = 1.6 km",
BMJ Open 2015;5:e007328); councils' studies pair it with cycling at 16 km/h (10 mph; Thurrock,
"Study of travel access", travel types), and the Department for Transport's journey time
statistics were reported to walk at 2.9 and cycle at 9.9 mph. Driving in a straight line at 40 km/h
after the detour is an assumption for screening; on streets every road class has its own speed.

Driving speeds by class are assumptions below the legal limits, used where no limit is tagged. They
ignore turns, lights and queues: on a county network such minutes were 0.84 of those of a router
that counts turns (correlation 0.994). Minutes computed from class speeds or limits are therefore
multiplied by ``CLASS_SPEED_DELAY = 1 / 0.84``. Minutes stated by the street file are not changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from placeopt.base.errors import UsageError

MODES = ("walk", "cycle", "drive", "transit")
KMH = {"walk": 4.8, "cycle": 16.0, "drive": 40.0}
# From a point to the nearest street: walking speed for every mode (an assumption). Places with long
# private drives may set access.drive higher.
ACCESS_KMH = {"walk": 4.8, "cycle": 4.8, "drive": 4.8}
TOP_KMH = {"walk": 8.0, "cycle": 30.0, "drive": 113.0, "transit": 201.0}  # mph 5, 19, 70, 125
CLASS_SPEED_DELAY = 1 / 0.84
KMH_PER_MPH = 1.609344

DRIVE_KMH = {  # by OpenStreetMap's value of ``highway``
    "motorway": 104.0,
    "motorway_link": 64.0,
    "trunk": 80.0,
    "trunk_link": 56.0,
    "primary": 64.0,
    "primary_link": 48.0,
    "secondary": 64.0,
    "secondary_link": 48.0,
    "tertiary": 56.0,
    "tertiary_link": 40.0,
    "unclassified": 48.0,
    "residential": 32.0,
    "living_street": 13.0,
    "road": 40.0,
    "service": 16.0,
    "track": 16.0,
    "busway": 32.0,
    "": 40.0,  # class unknown
}
CLASSES_WITHOUT_STOPS = ("motorway", "motorway_link")  # journeys cannot start or end here


def speed_of(mode: str, speeds_kmh: Mapping[str, float] | None) -> float:
    """The speed of ``mode`` in km/h: the user's, else the default."""
    given = (speeds_kmh or {}).get(mode)
    speed = KMH.get(mode) if given is None else given
    if speed is None:
        raise UsageError(f"no speed for mode {mode!r}; state speeds_kmh.{mode}")
    return float(speed)


def check_speeds(speeds_kmh: Mapping[str, float] | None) -> None:
    """Raise ``UsageError`` for an unknown key or a speed that is not above 0.

    Keys: a mode ("walk"), a road class of a mode ("drive.residential") or "access." and a mode.
    """
    for key, speed in (speeds_kmh or {}).items():
        head, _, tail = key.partition(".")
        known = tail in MODES if head == "access" else head in MODES
        if not known:
            raise UsageError(
                f"speeds_kmh has no key {key!r}; use a mode ({', '.join(MODES)}), a class such as "
                '"drive.residential", or "access.walk"'
            )
        if not speed > 0:
            raise UsageError(f"speeds_kmh.{key} is {speed}; give a speed above 0 km/h")


def access_speed(mode: str, speeds_kmh: Mapping[str, float] | None) -> float:
    """The speed in km/h between a point and its street."""
    return float((speeds_kmh or {}).get(f"access.{mode}", ACCESS_KMH.get(mode, KMH["walk"])))


def metres_per_minute(kmh: float) -> float:
    """Convert km/h to metres a minute."""
    return kmh * 1000.0 / 60.0
