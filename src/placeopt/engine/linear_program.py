"""A linear program that is changed and solved again, each time from the last basis."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from placeopt.base.arrays import Floats, Ints
from placeopt.engine.highs import load
from placeopt.engine.model import Arrays
from placeopt.engine.result import Status

if TYPE_CHECKING:
    from highspy import HighsBasis


class Basis(NamedTuple):
    """A basis of a linear program; one of the same shape may start from it."""

    of_highs: HighsBasis


class LinearProgram:
    """The relaxation of a model, kept in HiGHS between solves.

    Attributes:
        value: The objective of the last solve that ended optimal.
        values: Its values, (columns,).
        row_duals: Its row duals, (rows,).
    """

    def __init__(self, arrays: Arrays, threads: int | None = None) -> None:
        self._highs = load(arrays)
        if threads is not None:
            self._highs.setOptionValue("threads", int(threads))
        self.value = np.nan
        self.values: Floats = np.zeros(0)
        self.row_duals: Floats = np.zeros(0)

    @property
    def columns(self) -> int:
        """Number of columns now."""
        return int(self._highs.getNumCol())

    @property
    def rows(self) -> int:
        """Number of rows now."""
        return int(self._highs.getNumRow())

    @property
    def basis(self) -> Basis:
        """The basis of the last solve; a similar model may start from it."""
        return Basis(self._highs.getBasis())

    def start_from(self, basis: Basis | None) -> None:
        """Start the next solve from ``basis``, unless the model has another size."""
        if basis is None:
            return
        sizes = len(basis.of_highs.col_status), len(basis.of_highs.row_status)
        if sizes == (self.columns, self.rows):
            self._highs.setBasis(basis.of_highs)

    def solve(self, seconds: float | None = None) -> Status:
        """Minimise.

        OPTIMAL sets ``value``, ``values`` and ``row_duals``; NO_PLAN means that ``seconds`` were
        not enough; FAILED is everything else.
        """
        import highspy

        if seconds is not None:
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + seconds)
        self._highs.run()
        status = self._highs.getModelStatus()
        if status == highspy.HighsModelStatus.kTimeLimit:
            return Status.NO_PLAN
        if status != highspy.HighsModelStatus.kOptimal:
            return Status.FAILED
        solution = self._highs.getSolution()
        self.value = float(self._highs.getInfo().objective_function_value)
        self.values = np.array(solution.col_value)
        self.row_duals = np.array(solution.row_dual)
        return Status.OPTIMAL

    def change_costs(self, columns: Ints, costs: Floats) -> None:
        """Change the costs of ``columns``."""
        self._highs.changeColsCost(len(columns), columns.astype(np.int32), costs)

    def add_row(self, lower: float, columns: Ints) -> None:
        """Require that the sum of ``columns`` is at least ``lower``."""
        size = len(columns)
        self._highs.addRow(lower, np.inf, size, columns.astype(np.int32), np.ones(size))

    def add_columns(self, costs: Floats, starts: Ints, rows: Ints, entries: Floats) -> None:
        """Add columns with a lower bound of 0, stored by column.

        Column k holds the entries from ``starts[k]`` to ``starts[k + 1]``, each in its row.
        """
        size = len(costs)
        self._highs.addCols(
            size, costs, np.zeros(size), np.full(size, np.inf), len(rows),
            starts.astype(np.int32), rows.astype(np.int32), entries,
        )  # fmt: skip

    def close(self) -> None:
        """Release the threads, so that the next solve may use another number of them."""
        self._highs.resetGlobalScheduler(False)
