"""The minutes of residents without a car, who travel by the other modes only.

Every other mean counts each zone's visits by the fastest mode, as if everybody could drive. These
count the visits of the share of a zone's residents who have no car. Means are over visits in reach;
visits out of reach are counted beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.arrays import CAR_MODES, EstateProblem
from placeopt.estate.solution.decision import Decision

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.travel import TravelTimes


def without_car_summary(
    place: Place, times: TravelTimes, problem: EstateProblem, before: Decision, plan: Decision
) -> dict[str, float]:
    """Return minutes of the visits of residents without a car, as sent and to the nearest host.

    Args:
        place: Tables in canonical order.
        times: Minutes by mode.
        problem: The problem of the last decided year.
        before: Today's arrangement in that year.
        plan: The plan in that year.

    Returns:
        Figures by their key in the summary; empty where no mode is a car, for then every mean
        holds for everybody, or where the place states nobody without a car.
    """
    modes = [mode for mode in problem.scenario.travel.modes if mode in times.modes]
    share = place.zones["without_car_share"].fillna(0.0).to_numpy(float)
    residents = float((problem.population * share).sum())
    if not CAR_MODES & set(modes) or residents <= 0:
        return {}
    others = [mode for mode in modes if mode not in CAR_MODES]
    minutes = times.fastest(others) if others else np.full(problem.minutes.shape, np.nan)
    visits = np.where(problem.services.back_office, 0.0, problem.visits * share[:, None])
    summary = {"residents_without_car": residents}
    for when, decision in (("before", before), ("after", plan)):
        sent = visits[decision.zone, decision.service] * decision.share
        mean, beyond = _mean_and_beyond(minutes[decision.zone, decision.building], sent)
        summary[f"without_car_minutes_as_sent_{when}"] = mean
        summary[f"without_car_sent_out_of_reach_visits_per_year_{when}"] = beyond
        mean, beyond = _mean_and_beyond(_to_nearest(minutes, decision.host), visits)
        summary[f"without_car_minutes_to_nearest_{when}"] = mean
        summary[f"without_car_nearest_out_of_reach_visits_per_year_{when}"] = beyond
    return summary


def _to_nearest(minutes: NDArray[np.float64], host: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (Z, S) minutes to the nearest host of each service; NaN where none is in reach."""
    nearest = np.full((len(minutes), host.shape[1]), np.nan)
    for s in range(host.shape[1]):
        if host[:, s].any():
            nearest[:, s] = np.fmin.reduce(minutes[:, host[:, s]], axis=1)
    return nearest


def _mean_and_beyond(
    minutes: NDArray[np.float64], visits: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the mean of minutes over visits in reach, and the visits out of reach."""
    in_reach = np.isfinite(minutes)
    reached = float(visits[in_reach].sum())
    mean = float(visits[in_reach] @ minutes[in_reach]) / reached if reached > 0 else float("nan")
    return mean, float(visits[~in_reach].sum())
