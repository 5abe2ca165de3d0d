"""Carbon values of a synthetic county: an assumption.

The official series is not linear; for a real place use its current values.
Source: BEIS, Valuation of greenhouse gas emissions: for policy appraisal and evaluation
(2 September 2021), whose central values of 2021 and 2050, in prices of 2020, are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

KNOWN_VALUES = {2021: 245.0, 2050: 378.0}  # GBP/tCO2e in prices of 2020
PRICE_RATIO = 1.22  # prices of 2025 over those of 2020, assumed
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
    """Table carbon_values (year, gbp_per_tco2e, source) in whole pounds of 2025."""
    import pandas as pd

    value = np.interp(list(YEARS), list(KNOWN_VALUES), list(KNOWN_VALUES.values()))
    source = "assumed between two values of BEIS (2021): see assumptions"
    return pd.DataFrame(
        {"year": list(YEARS), "gbp_per_tco2e": np.round(PRICE_RATIO * value), "source": source}
    )


def assumptions() -> pd.DataFrame:
    """The table assumptions with the rule behind the values."""
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
