"""Priced carbon year by year: tonnes, their value, and what the plan saves.

One row for each year of the appraisal that the place values. The last decided year's emissions
continue to the end of the appraisal, for the plan and for doing nothing alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.timeline import Timeline
from placeopt.scenario.discount import discount_factors

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place


def carbon_table(place: Place, years: Years, before: Timeline, plan: Timeline) -> pd.DataFrame:
    """Return the table: tonnes of both, GBP a tonne, GBP saved in the year, and its present
    value."""
    import pandas as pd

    money, first = years.scenario.money, years.first.year
    value = place.carbon_values.set_index("year")["gbp_per_tco2e"]
    appraisal_years = np.arange(first, first + money.appraisal_years)
    year = appraisal_years[np.isin(appraisal_years, value.index)]
    tonnes_before, tonnes_after = (
        _tonnes(years, timeline, year - first) for timeline in (before, plan)
    )
    saving = (tonnes_before - tonnes_after) * value[year].to_numpy(float)
    factor = discount_factors(money.appraisal_years, money.discount_rate)[year - first]
    return pd.DataFrame(
        {
            "year": year,
            "do_nothing_tco2e": tonnes_before,
            "plan_tco2e": tonnes_after,
            "saving_tco2e": tonnes_before - tonnes_after,
            "value_gbp_per_tco2e": value[year].to_numpy(float),
            "saving_gbp": saving,
            "saving_present_gbp": factor * saving,
        }
    )


def _tonnes(
    years: Years, timeline: Timeline, years_ahead: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return tCO2e of the years at these distances from the first; after the last decided year, its
    own."""
    emitted = [
        problem.buildings.carbon_tco2e_per_year[decision.open].sum()
        for problem, decision in zip(years.problems, timeline.decisions, strict=True)
    ]
    return np.array(emitted, float)[np.minimum(years_ahead, len(emitted) - 1)]
