"""Models over sparse arrays, the engines that solve them, and their results."""

from placeopt.base.engines import ENGINES, Engine
from placeopt.engine.answer import Answer, Clash, Explanation, Plan
from placeopt.engine.convert import from_pulp, to_pulp, write_model
from placeopt.engine.enumerate import solve_by_enumeration
from placeopt.engine.model import Arrays, Block, Model
from placeopt.engine.progress import TerminalProgress
from placeopt.engine.result import Result, Status
from placeopt.engine.settings import Progress, Settings
from placeopt.engine.solve import solve

__all__ = [
    "ENGINES",
    "Answer",
    "Arrays",
    "Block",
    "Clash",
    "Engine",
    "Explanation",
    "Model",
    "Plan",
    "Progress",
    "Result",
    "Settings",
    "Status",
    "TerminalProgress",
    "from_pulp",
    "solve",
    "solve_by_enumeration",
    "to_pulp",
    "write_model",
]
