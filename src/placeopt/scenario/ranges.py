"""The ranges of a scenario's numbers, by quantity.

They prevent overflow and underflow in what is computed from the numbers. ``Section`` also ensures
that a number other than 0 has a size from ``SMALLEST`` to ``LARGEST``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

SMALLEST, LARGEST = 1e-9, 1e12  # sizes of a number other than 0
LARGEST_SEED = 2**31 - 1  # accepted by every engine

Gbp = Annotated[float, Field(ge=0, le=1e12)]
Tonnes = Annotated[float, Field(ge=0, le=1e12)]
Share = Annotated[float, Field(ge=0, le=1)]
Change = Annotated[float, Field(ge=-1, le=1)]  # a share, below 0 for growth
Minutes = Annotated[float, Field(gt=0, le=100_000)]
MinutesOrNone = Annotated[float, Field(ge=0, le=100_000)]
Metres = Annotated[float, Field(gt=0, le=1e8)]
Factor = Annotated[float, Field(gt=0, le=100)]
Level = Annotated[float, Field(ge=-1e9, le=1e9)]  # of an outcome, in its own unit
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Year = Annotated[int, Field(ge=1900, le=2200)]
Quintile = Annotated[int, Field(ge=1, le=5)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Kmh = Annotated[float, Field(le=1000)]  # the check of modes requires more than 0


def numbers_in(value: Any) -> Iterator[float]:
    """Every float in a value of a scenario, including nested lists and tables."""
    return (each for each in _single_values(value) if isinstance(each, float))


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a value of a scenario, including nested lists and tables."""
    return (each for each in _single_values(value) if isinstance(each, str))


def _single_values(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _single_values(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _single_values(inner)
    else:
        yield value
