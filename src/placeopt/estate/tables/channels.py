"""Every visit and desk by year and service: online, served or unserved; where desks are.

visits by all channels = online + served in buildings + unserved
desks = desks where the service is today + desks in other buildings
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place


def channels_table(place: Place, years: Years, timeline: Timeline) -> pd.DataFrame:
    """Return one row for each decided year and service; all numbers are a year's."""
    import pandas as pd

    from placeopt.place import demand_of

    parts = []
    for t, (problem, decision) in enumerate(zip(years.problems, timeline.decisions, strict=True)):
        services, units = problem.services, decision.units
        demand = demand_of(place, t).groupby("service_id")["visits_per_year"].sum()
        is_office = services.back_office
        all_visits = demand.reindex(services.ids).fillna(0.0).to_numpy(float)
        all_visits = np.where(is_office, 0.0, all_visits)
        in_person = problem.visits.sum(axis=0)
        served = np.where(is_office, 0.0, units.sum(axis=0))
        elsewhere = np.where(problem.hosted, 0.0, units).sum(axis=0)
        desks = np.where(is_office, units.sum(axis=0), 0.0)
        parts.append(
            pd.DataFrame(
                {
                    "year": problem.year,
                    "service_id": services.ids,
                    "visits_all_channels_per_year": all_visits,
                    "visits_online_per_year": all_visits - in_person,
                    "visits_served_per_year": served,
                    "visits_unserved_per_year": in_person - served,
                    "desks_needed": np.where(is_office, services.units, 0.0),
                    "desks_placed": desks,
                    "desks_in_other_buildings": np.where(is_office, elsewhere, 0.0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
