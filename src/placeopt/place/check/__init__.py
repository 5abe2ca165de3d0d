"""Checks of a place: each module yields the findings on one kind of table."""
