"""What a place is: its tables, their dictionary, reading, writing, checking and making."""

from placeopt.place.check import check
from placeopt.place.demand import demand_of
from placeopt.place.read import check_files, read_place
from placeopt.place.tables import Column, Place, PlaceInfo, dictionary
from placeopt.place.write import write_place

__all__ = [
    "Column",
    "Place",
    "PlaceInfo",
    "check",
    "check_files",
    "demand_of",
    "dictionary",
    "read_place",
    "write_place",
]
