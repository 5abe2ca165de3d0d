"""Rule E13 as rows: buildings that must stay open or must close.

Each function states one equation of ``formulation.py`` and is named after it.
"""

from __future__ import annotations

import numpy as np

from placeopt.engine import Model
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.scenario.rules.estate.services import Pinned


@states(Pinned)
def decided_already(model: Model, problem: EstateProblem, x: Columns, rules: list[Pinned]) -> None:
    """(E13) Pinned buildings stay open or close."""
    b = problem.buildings
    for name, pinned, is_open in (("keep", b.must_open, 1), ("close", b.must_close, 0)):
        buildings = np.flatnonzero(pinned)
        model.add_rows(
            f"pinned_{name}",
            rule="E13",
            labels={"building_id": b.ids[buildings]},
            terms=[(np.arange(len(buildings)), x.open.at(buildings), 1)],
            lower=is_open,
            upper=is_open,
        )
