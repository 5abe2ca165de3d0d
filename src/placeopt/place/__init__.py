"""What a place is: its tables, their dictionary, reading, writing, checking and making."""

from placeopt.place.tables import Column, Place, PlaceInfo, dictionary

__all__ = ["Column", "Place", "PlaceInfo", "dictionary"]
