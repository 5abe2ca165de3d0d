"""Travel times from zones to buildings by mode, and the residents within t minutes."""

from placeopt.travel.fill_missing import Step
from placeopt.travel.measure import measure
from placeopt.travel.reach import bands, nearest, opportunities, residents_within, zone_bands
from placeopt.travel.times import TravelTimes
from placeopt.travel.transit.door_to_door import Transit

__all__ = [
    "Step",
    "Transit",
    "TravelTimes",
    "bands",
    "measure",
    "nearest",
    "opportunities",
    "residents_within",
    "zone_bands",
]
