"""Classical location problems, exact where possible and with a proven gap where not."""

from placeopt.location.distances import Matrix, Pairs, Points
from placeopt.location.files import read_problem
from placeopt.location.flow_refuelling import FlowRefuelling, is_flow_refuelling
from placeopt.location.locate import locate, locate_file
from placeopt.location.picture import draw
from placeopt.location.problems import KINDS, Problem
from placeopt.location.solution import Solution
from placeopt.location.station_plan import StationPlan
from placeopt.location.stations import locate_stations, locate_stations_file
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
