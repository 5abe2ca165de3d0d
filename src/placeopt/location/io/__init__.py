"""Readers of the field's standard files; the files themselves are not shipped."""

from placeopt.location.io.read import read_problem

__all__ = ["read_problem"]
