"""The carbon that is priced, year by year: tonnes, their value, and what the plan saves.

One row for each year of the appraisal that the place values; the last decided year's emissions go
on to the end of the appraisal, for the plan and for doing nothing alike.
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
    """(year, tonnes of both, GBP a tonne, GBP saved in the year, and its worth in the first)."""
    import pandas as pd

    money, first = years.scenario.money, years.first.year
    value = place.carbon_values.set_index("year")["gbp_per_tco2e"]
    appraised = np.arange(first, first + money.appraisal_years)
    year = appraised[np.isin(appraised, value.index)]
    was, now = (_tonnes(years, timeline, year - first) for timeline in (before, plan))
    saving = (was - now) * value[year].to_numpy(float)
    factor = discount_factors(money.appraisal_years, money.discount_rate)[year - first]
    return pd.DataFrame(
        {
            "year": year,
            "do_nothing_tco2e": was,
            "plan_tco2e": now,
            "saving_tco2e": was - now,
            "value_gbp_per_tco2e": value[year].to_numpy(float),
            "saving_gbp": saving,
            "saving_present_gbp": factor * saving,
        }
    )


def _tonnes(years: Years, timeline: Timeline, ahead: NDArray[np.int64]) -> NDArray[np.float64]:
    """tCO2e of the years ``ahead`` of the first; of the last decided year after it."""
    emitted = [
        problem.buildings.carbon_tco2e_per_year[decision.open].sum()
        for problem, decision in zip(years.problems, timeline.decisions, strict=True)
    ]
    return np.array(emitted, float)[np.minimum(ahead, len(emitted) - 1)]
