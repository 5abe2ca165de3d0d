"""Minutes from zones to buildings, by mode; who lives within t minutes."""

from placeopt.travel.times import TravelTimes

__all__ = ["TravelTimes"]
