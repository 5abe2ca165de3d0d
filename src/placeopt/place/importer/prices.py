"""Money brought from the prices it was stated in to the place's price year.

    amount in prices of the place = amount x index[place's price year] / index[its price year]

The index is the table ``deflators`` of the same mapping. A year that it lacks, and an amount whose
price year is not stated, are errors; what was done is told column by column in the report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Deflator:
    """The place's price year, and the index by year."""

    price_year: int
    index: dict[int, float] = field(default_factory=dict)

    def times(self, year: int) -> float | None:
        """What an amount in prices of ``year`` is multiplied by; None where the index lacks one."""
        if year == self.price_year:
            return 1.0
        if year not in self.index or self.price_year not in self.index:
            return None
        return self.index[self.price_year] / self.index[year]


def deflator_of(price_year: int, deflators: pd.DataFrame) -> Deflator:
    """The index of the place's table ``deflators``."""
    known = zip(deflators["year"], deflators["index"], strict=True)
    return Deflator(price_year, {int(year): float(index) for year, index in known})
