"""Convert money from the prices it was stated in to the place's price year.

    amount in prices of the place = amount x index[place's price year] / index[its price year]

The index is the table ``deflators`` of the same mapping. A year that it lacks, and an amount
without a stated price year, are errors. The report lists every conversion by column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Deflator:
    """The deflator of a place.

    Attributes:
        price_year: The place's price year.
        index: The price index by year.
    """

    price_year: int
    index: dict[int, float] = field(default_factory=dict)

    def factor(self, year: int) -> float | None:
        """The factor from prices of ``year`` to the price year; None if the index lacks either."""
        if year == self.price_year:
            return 1.0
        if year not in self.index or self.price_year not in self.index:
            return None
        return self.index[self.price_year] / self.index[year]


def deflator_of(price_year: int, deflators: pd.DataFrame) -> Deflator:
    """The deflator of a price year and the table ``deflators``."""
    known = zip(deflators["year"], deflators["index"], strict=True)
    return Deflator(price_year, {int(year): float(index) for year, index in known})
