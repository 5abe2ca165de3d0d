"""Models over sparse arrays, the engines that solve them, and what they answer."""

from placeopt.engine.answer import Answer, Clash, Explanation, Plan
from placeopt.engine.model import Arrays, Block, Model
from placeopt.engine.result import Result, Status
from placeopt.engine.solve import Progress, solve

__all__ = [
    "Answer",
    "Arrays",
    "Block",
    "Clash",
    "Explanation",
    "Model",
    "Plan",
    "Progress",
    "Result",
    "Status",
    "solve",
]
