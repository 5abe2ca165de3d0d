"""Classical location problems, exact where possible and with a proven gap where not."""

from placeopt.location.distances import Matrix, Pairs, Points
from placeopt.location.files import read_problem
from placeopt.location.locate import locate, locate_file
from placeopt.location.picture import draw
from placeopt.location.problems import KINDS, Problem
from placeopt.location.solution import Solution
from placeopt.location.verify import verify

__all__ = [
    "KINDS",
    "Matrix",
    "Pairs",
    "Points",
    "Problem",
    "Solution",
    "draw",
    "locate",
    "locate_file",
    "read_problem",
    "verify",
]
