"""The plan's tables about residents: minutes to the nearest host, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.decision import Decision
from placeopt.estate.problem import EstateProblem
from placeopt.estate.standards import CAR_MODES

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.travel import TravelTimes

BANDS = (10.0, 20.0, 30.0, 45.0, 60.0)  # minutes


def access_table(problem: EstateProblem, plan: Decision) -> pd.DataFrame:
    """Minutes from every zone to the nearest host of every service, by the fastest mode."""
    import pandas as pd

    parts = []
    for s in np.flatnonzero(~problem.services.back_office):
        was, minutes_was = _nearest(problem, problem.hosted[:, s])
        now, minutes_now = _nearest(problem, plan.host[:, s])
        parts.append(
            pd.DataFrame(
                {
                    "zone_id": problem.zone_ids,
                    "service_id": problem.services.ids[s],
                    "building_before": was,
                    "minutes_before": minutes_was,
                    "building_after": now,
                    "minutes_after": minutes_now,
                    "change_minutes": minutes_now - minutes_was,
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=ACCESS)


ACCESS = [
    "zone_id",
    "service_id",
    "building_before",
    "minutes_before",
    "building_after",
    "minutes_after",
    "change_minutes",
]


def zones_table(place: Place, problem: EstateProblem, access: pd.DataFrame) -> pd.DataFrame:
    """Visit-weighted mean minutes by zone, over services in reach before and after."""
    import pandas as pd

    shape = (-1, len(problem.zone_ids))
    visits = problem.visits[:, ~problem.services.back_office].T
    minutes = {
        when: access[f"minutes_{when}"].to_numpy(float).reshape(shape)
        for when in ("before", "after")
    }
    both = np.isfinite(minutes["before"]) & np.isfinite(minutes["after"])
    weight = np.where(both, visits, 0.0)
    total = weight.sum(axis=0)
    mean = {
        when: np.divide(
            (weight * np.nan_to_num(values)).sum(axis=0),
            total,
            out=np.full(len(total), np.nan),
            where=total > 0,
        )
        for when, values in minutes.items()
    }
    return pd.DataFrame(
        {
            "zone_id": problem.zone_ids,
            "name": place.zones["name"],
            "x_m": place.zones["x_m"],
            "y_m": place.zones["y_m"],
            "population": problem.population,
            "minutes_before": mean["before"],
            "minutes_after": mean["after"],
            "change_minutes": mean["after"] - mean["before"],
        }
    )


def bands_table(
    place: Place, times: TravelTimes, problem: EstateProblem, plan: Decision
) -> pd.DataFrame:
    """Residents by minutes to the nearest host, by the modes open to them."""
    import pandas as pd

    modes = [mode for mode in problem.scenario.travel.modes if mode in times.modes]
    on_foot = [mode for mode in modes if mode not in CAR_MODES]
    without = problem.population * place.zones["without_car_share"].to_numpy(float)
    groups = [
        (problem.population - without, times.fastest(modes)),
        (without, times.fastest(on_foot) if on_foot else np.full(problem.minutes.shape, np.nan)),
    ]
    names = band_names()
    rows = []
    for s in np.flatnonzero(~problem.services.back_office):
        was, now = (
            np.sum([_residents_by_band(*group, host[:, s]) for group in groups], axis=0)
            for host in (problem.hosted, plan.host)
        )
        rows += list(zip([problem.services.ids[s]] * len(names), names, was, now, strict=True))
    return pd.DataFrame(rows, columns=["service_id", "band", "residents_before", "residents_after"])


def band_names() -> list[str]:
    """The bands in words, nearest first."""
    edges = (0.0, *BANDS)
    names = [f"{low:g} to {high:g} minutes" for low, high in zip(edges, BANDS, strict=False)]
    return [*names, f"over {BANDS[-1]:g} minutes", "out of reach"]


def _residents_by_band(
    people: NDArray[np.float64], minutes: NDArray[np.float64], host: NDArray[np.bool_]
) -> NDArray[np.float64]:
    if not host.any():
        nearest = np.full(len(people), np.nan)
    else:
        nearest = np.fmin.reduce(minutes[:, host], axis=1)
    reach = np.isfinite(nearest)
    band = np.searchsorted(BANDS, np.where(reach, nearest, 0), side="left")
    band = np.where(reach, band, len(BANDS) + 1)
    return np.bincount(band, people, len(BANDS) + 2).astype(float)


def _nearest(
    problem: EstateProblem, host: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """(Z,) the nearest host's id ("" where none is in reach) and the minutes to it."""
    at = np.flatnonzero(host)
    if not len(at):
        return np.full(len(problem.zone_ids), "", object), np.full(len(problem.zone_ids), np.nan)
    minutes = problem.minutes[:, at]
    reach = np.where(np.isfinite(minutes), minutes, np.inf)
    best = reach.argmin(axis=1)
    shortest = reach[np.arange(len(reach)), best]
    found = np.isfinite(shortest)
    names = np.where(found, problem.buildings.ids[at[best]].astype(object), "")
    return names, np.where(found, shortest, np.nan)
