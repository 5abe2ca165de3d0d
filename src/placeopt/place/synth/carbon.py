"""What a tonne of carbon is worth in a made-up county: an assumption, and said to be one.

The official series is not a straight line: for a real place take its values of the day.
Source: BEIS, Valuation of greenhouse gas emissions: for policy appraisal and evaluation
(2 September 2021), whose central values of 2021 and 2050, in prices of 2020, are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

KNOWN = {2021: 245.0, 2050: 378.0}  # GBP/tCO2e in prices of 2020
PRICES = 1.22  # of 2025 over those of 2020, assumed
YEARS = range(2021, 2086)
RULE = (
    "straight line from GBP 245 a tonne in 2021 to GBP 378 in 2050, level after that, and 22 % on "
    "top to come from prices of 2020 to prices of 2025"
)
SOURCE = (
    "the two values: BEIS, Valuation of greenhouse gas emissions (2021), central series; the line "
    "between them, what comes after and the change of prices are assumed"
)


def carbon_values() -> pd.DataFrame:
    """(year, gbp_per_tco2e, source), in whole pounds of 2025."""
    import pandas as pd

    value = np.interp(list(YEARS), list(KNOWN), list(KNOWN.values()))
    source = "assumed between two values of BEIS (2021): see assumptions"
    return pd.DataFrame(
        {"year": list(YEARS), "gbp_per_tco2e": np.round(PRICES * value), "source": source}
    )


def assumptions() -> pd.DataFrame:
    """The rule that fills the table, as a place states it."""
    import pandas as pd

    row = {
        "assumption_id": "carbon_values",
        "table": "carbon_values",
        "column": "gbp_per_tco2e",
        "rows_filled": len(YEARS),
        "rule": RULE,
        "source": SOURCE,
        "grade": "assumed",
    }
    return pd.DataFrame([row])
