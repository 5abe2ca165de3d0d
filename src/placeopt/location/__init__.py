"""Classical location problems, exact where possible and with a proven gap where not."""

from placeopt.location.distances import Matrix, Pairs, Points
from placeopt.location.flow_refuelling.solution import StationPlan
from placeopt.location.flow_refuelling.solve import locate_stations, locate_stations_file
from placeopt.location.flow_refuelling.statement import FlowRefuelling, is_flow_refuelling
from placeopt.location.io import read_problem
from placeopt.location.locate import locate, locate_file
from placeopt.location.plot import draw
from placeopt.location.solution import Solution
from placeopt.location.statement import KINDS, Problem
from placeopt.location.verify import verify, verify_stations

__all__ = [
    "KINDS",
    "FlowRefuelling",
    "Matrix",
    "Pairs",
    "Points",
    "Problem",
    "Solution",
    "StationPlan",
    "draw",
    "is_flow_refuelling",
    "locate",
    "locate_file",
    "locate_stations",
    "locate_stations_file",
    "read_problem",
    "verify",
    "verify_stations",
]
