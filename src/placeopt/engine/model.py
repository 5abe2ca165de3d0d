"""A model: named blocks of columns and rows over sparse arrays, always minimised.

    minimise  offset + cost x   subject to   row_lower <= A x <= row_upper,  lower <= x <= upper

Blocks are added whole, never cell by cell, so that a million non-zeros are built in a fraction
of a second. Each block keeps the labels (rule and ids) of its members, so that every row and
column has a readable name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from placeopt.base.arrays import Floats

Terms = tuple[ArrayLike, ArrayLike, ArrayLike]  # positions in the row block, column numbers, values


@dataclass(frozen=True)
class Block:
    """A block of columns or of rows: its place in the model and the labels of its members.

    Attributes:
        name: Name of the block.
        start: Index of its first member in the model.
        size: Number of members.
        labels: An array for each label's name (``zone_id``), as long as the block.
        rule: Number of the rule that the rows state (``E7``); empty for columns.
    """

    name: str
    start: int
    size: int
    labels: Mapping[str, NDArray[Any]]
    rule: str = ""

    @property
    def all(self) -> NDArray[np.int64]:
        """The indices of all members in the model."""
        return np.arange(self.start, self.start + self.size)

    def at(self, positions: ArrayLike) -> NDArray[np.int64]:
        """The indices in the model of the members at ``positions`` of this block."""
        return self.start + np.asarray(positions, dtype=np.int64)

    def label(self, position: int) -> str:
        """One member's name, for example ``served[E1](zone Z001, service library)``."""
        ids = ", ".join(
            f"{name.removesuffix('_id')} {values[position]}" for name, values in self.labels.items()
        )
        rule = f"[{self.rule}]" if self.rule else ""
        return f"{self.name}{rule}({ids})" if ids else f"{self.name}{rule}"


@dataclass(frozen=True)
class Arrays:
    """A model as an engine takes it, with n columns and m rows.

    Attributes:
        cost: Cost, (n,).
        lower: Lower bound, (n,).
        upper: Upper bound, (n,).
        integer: Which columns are integer, (n,).
        matrix: Coefficients, CSR (m, n).
        row_lower: Lower side, (m,).
        row_upper: Upper side, (m,).
        offset: Constant of the objective.
    """

    cost: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    matrix: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    offset: float

    def relaxed(self) -> Arrays:
        """The linear relaxation: the same model without integrality."""
        return replace(self, integer=np.zeros_like(self.integer))

    def fix_integers(self, is_fixed: NDArray[np.bool_], values: Floats) -> Arrays:
        """The model with some integer columns fixed at the rounded values of a plan.

        Columns without integrality stay free: rounding them could break rows.

        Args:
            is_fixed: Which columns to fix, if they are integer, (columns,).
            values: The plan, (columns,).
        """
        is_fixed = is_fixed & self.integer
        lower = np.where(is_fixed, np.round(values), self.lower)
        return replace(self, lower=lower, upper=np.where(is_fixed, np.round(values), self.upper))

    def objective(self, values: Floats) -> float:
        """The objective of ``values`` (n,)."""
        return float(self.cost @ values + self.offset)

    def violation(self, values: Floats) -> float:
        """The largest violation of a row, bound or integrality by ``values`` (n,).

        It is relative to the largest of 1, the side that is violated, and (for a row) its largest
        coefficient.
        """
        if len(values) and not np.isfinite(values).all():
            return np.inf
        largest_violation = 0.0
        for x, low, high, size in (
            (self.matrix @ values, self.row_lower, self.row_upper, self._largest_in_rows()),
            (values, self.lower, self.upper, np.ones(len(values))),
        ):
            for breach, side in ((low - x, low), (x - high, high)):
                is_finite = np.isfinite(side)
                scale = np.maximum(size[is_finite], np.abs(side[is_finite]))
                largest_violation = max(
                    largest_violation, float(np.max(breach[is_finite] / scale, initial=0.0))
                )
        if self.integer.any():
            integer_values = values[self.integer]
            largest_violation = max(
                largest_violation, float(np.abs(integer_values - np.round(integer_values)).max())
            )
        return largest_violation

    def _largest_in_rows(self) -> Floats:
        """The largest coefficient of each row, at least 1."""
        largest = np.ones(self.matrix.shape[0])
        filled_rows = np.flatnonzero(np.diff(self.matrix.indptr))
        if len(filled_rows):
            starts = self.matrix.indptr[filled_rows]
            largest_entries = np.maximum.reduceat(np.abs(self.matrix.data), starts)
            largest[filled_rows] = np.maximum(1.0, largest_entries)
        return largest


class Model:
    """A model under construction: first columns, then rows that use their indices."""

    def __init__(self, name: str):
        self.name = name
        self.suffix = ""  # of the names of blocks added from now on, for models of similar parts
        self.offset = 0.0
        self.columns: dict[str, Block] = {}
        self.rows: dict[str, Block] = {}
        self._n = 0
        self._m = 0
        self._cost: list[Floats] = []
        self._lower: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[NDArray[np.bool_]] = []
        self._row_lower: list[Floats] = []
        self._row_upper: list[Floats] = []
        self._terms: list[tuple[NDArray[np.int32], NDArray[np.int32], Floats]] = []

    def add_columns(
        self,
        name: str,
        *,
        labels: Mapping[str, Sequence[Any] | NDArray[Any]] | None = None,
        size: int | None = None,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: ArrayLike = False,
    ) -> Block:
        """Add a block of columns; scalars apply to the whole block.

        Args:
            name: Name of the block.
            labels: Ids of the members by the label's name, (size,) each.
            size: Number of members, if there are no labels.
            lower: Lower bounds.
            upper: Upper bounds.
            cost: Costs.
            integer: Which members are integer.

        Returns:
            The block.
        """
        block = self._block(self.columns, name + self.suffix, labels, size, self._n, "")
        self._n += block.size
        self._cost.append(_broadcast(cost, block.size))
        self._lower.append(_broadcast(lower, block.size))
        self._upper.append(_broadcast(upper, block.size))
        self._integer.append(_broadcast(integer, block.size).astype(bool))
        return block

    def add_rows(
        self,
        name: str,
        *,
        rule: str,
        terms: Iterable[Terms],
        labels: Mapping[str, Sequence[Any] | NDArray[Any]] | None = None,
        size: int | None = None,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> Block:
        """Add a block of rows ``lower <= sum of terms <= upper``.

        Args:
            name: Name of the block.
            rule: Number of the rule.
            terms: (positions in this block, column indices, values), broadcast against one another;
                terms in the same cell add up.
            labels: Ids of the members by the label's name, (size,) each.
            size: Number of members, if there are no labels.
            lower: Lower sides.
            upper: Upper sides.

        Returns:
            The block.
        """
        block = self._block(self.rows, name + self.suffix, labels, size, self._m, rule)
        self.add_terms(block, terms)
        self._m += block.size
        self._row_lower.append(_broadcast(lower, block.size))
        self._row_upper.append(_broadcast(upper, block.size))
        return block

    def add_terms(self, block: Block, terms: Iterable[Terms]) -> None:
        """Add terms, as in ``add_rows``, to a block of rows of this model."""
        for rows, columns, values in terms:
            # Short indices: sorting a million of them takes a quarter of the time.
            r, c, v = np.broadcast_arrays(
                np.asarray(rows, np.int32), np.asarray(columns, np.int32), np.asarray(values, float)
            )
            if r.size and (r.min() < 0 or r.max() >= block.size):
                raise IndexError(f"rows {block.name!r}: a position is outside 0..{block.size - 1}")
            if c.size and (c.min() < 0 or c.max() >= self._n):
                raise IndexError(f"rows {block.name!r}: a column is outside 0..{self._n - 1}")
            self._terms.append((np.int32(block.start) + r.ravel(), c.ravel(), v.ravel()))

    def add_cost(self, columns: ArrayLike, cost: ArrayLike) -> None:
        """Add ``cost`` to the objective of the columns with these indices."""
        costs = np.concatenate(self._cost) if self._cost else np.zeros(0)
        columns, cost = np.broadcast_arrays(np.asarray(columns, np.int64), np.asarray(cost, float))
        np.add.at(costs, columns.ravel(), cost.ravel())
        self._cost = [costs]

    @property
    def has_integers(self) -> bool:
        """Whether any column takes whole numbers only."""
        return any(part.any() for part in self._integer)

    def relax(self) -> None:
        """Make every column continuous, for the linear relaxation."""
        self._integer = [np.zeros_like(part) for part in self._integer]

    def arrays(self) -> Arrays:
        """The model as sparse arrays."""
        if self._terms:
            parts = zip(*self._terms, strict=True)
            rows, columns, values = (np.concatenate(part) for part in parts)
        else:
            rows = columns = np.zeros(0, np.int32)
            values = np.zeros(0)
        matrix = sparse.coo_array((values, (rows, columns)), shape=(self._m, self._n)).tocsr()
        matrix.eliminate_zeros()
        return Arrays(
            cost=_concatenate(self._cost),
            lower=_concatenate(self._lower),
            upper=_concatenate(self._upper),
            integer=np.concatenate(self._integer) if self._integer else np.zeros(0, bool),
            matrix=matrix,
            row_lower=_concatenate(self._row_lower),
            row_upper=_concatenate(self._row_upper),
            offset=self.offset,
        )

    @staticmethod
    def _block(
        blocks: dict[str, Block],
        name: str,
        labels: Mapping[str, Sequence[Any] | NDArray[Any]] | None,
        size: int | None,
        start: int,
        rule: str,
    ) -> Block:
        if name in blocks:
            raise KeyError(f"the model has a block {name!r} already")
        arrays = {key: np.asarray(values) for key, values in (labels or {}).items()}
        sizes = {len(values) for values in arrays.values()}
        if size is not None:
            sizes.add(size)
        if len(sizes) != 1:
            raise ValueError(f"block {name!r}: labels and size do not agree: {sorted(sizes)}")
        block = Block(name, start, sizes.pop(), arrays, rule)
        blocks[name] = block
        return block


def _broadcast(value: ArrayLike, size: int) -> Floats:
    return np.array(np.broadcast_to(np.asarray(value, float), (size,)))


def _concatenate(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)
