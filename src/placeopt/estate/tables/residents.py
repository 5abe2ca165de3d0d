"""Tables about residents: minutes as they are sent and to the nearest host, before and after.

As sent: the mean over the hosts that serve a zone's visits, by share; unserved visits have no
minutes. In the bands, residents of a zone count by the share of its visits at each distance, by the
modes open to them. Unserved visits have a band of their own, and residents of a zone without visits
to the service count by its nearest host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.estate.problem.arrays import CAR_MODES, EstateProblem
from placeopt.estate.solution.decision import Decision

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.travel import TravelTimes

BANDS = (10.0, 20.0, 30.0, 45.0, 60.0)  # minutes


def access_table(problem: EstateProblem, before: Decision, plan: Decision) -> pd.DataFrame:
    """Return minutes of every zone's visits to every service as sent, and to its nearest host, by
    the fastest mode."""
    import pandas as pd

    parts = []
    sent_before, sent_after = minutes_sent(problem, before), minutes_sent(problem, plan)
    for s in np.flatnonzero(~problem.services.back_office):
        ids_before, minutes_before = _nearest_hosts(problem, problem.hosted[:, s])
        ids_after, minutes_after = _nearest_hosts(problem, plan.host[:, s])
        parts.append(
            pd.DataFrame(
                {
                    "zone_id": problem.zone_ids,
                    "service_id": problem.services.ids[s],
                    "sent_minutes_before": sent_before[:, s],
                    "sent_minutes_after": sent_after[:, s],
                    "sent_change_minutes": sent_after[:, s] - sent_before[:, s],
                    "building_before": ids_before,
                    "minutes_before": minutes_before,
                    "building_after": ids_after,
                    "minutes_after": minutes_after,
                    "change_minutes": minutes_after - minutes_before,
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=ACCESS)


ACCESS = [
    "zone_id",
    "service_id",
    *("sent_minutes_before", "sent_minutes_after", "sent_change_minutes"),
    "building_before",
    "minutes_before",
    "building_after",
    "minutes_after",
    "change_minutes",
]


def minutes_sent(problem: EstateProblem, plan: Decision) -> NDArray[np.float64]:
    """Return (Z, S) mean minutes of the visits of a zone that are served; NaN where none are."""
    share, minutes = np.zeros_like(problem.visits), np.zeros_like(problem.visits)
    index = (plan.zone, plan.service)
    np.add.at(share, index, plan.share)
    np.add.at(minutes, index, plan.share * problem.minutes[plan.zone, plan.building])
    unserved: NDArray[np.float64] = np.full_like(minutes, np.nan)
    return np.divide(minutes, share, out=unserved, where=share > 0)


def zones_table(place: Place, problem: EstateProblem, access: pd.DataFrame) -> pd.DataFrame:
    """Return visit-weighted mean minutes by zone, over services in reach before and after, as sent
    and to the nearest host."""
    import pandas as pd

    visits = problem.visits[:, ~problem.services.back_office].T
    mean = _means(access, "minutes", visits)
    sent = _means(access, "sent_minutes", visits)
    return pd.DataFrame(
        {
            "zone_id": problem.zone_ids,
            "name": place.zones["name"],
            "x_m": place.zones["x_m"],
            "y_m": place.zones["y_m"],
            "population": problem.population,
            "sent_minutes_before": sent["before"],
            "sent_minutes_after": sent["after"],
            "sent_change_minutes": sent["after"] - sent["before"],
            "minutes_before": mean["before"],
            "minutes_after": mean["after"],
            "change_minutes": mean["after"] - mean["before"],
        }
    )


def _means(
    access: pd.DataFrame, column: str, visits: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return (Z,) before and after: means by ``visits`` (S, Z) over services known at both
    times."""
    minutes = {
        when: access[f"{column}_{when}"].to_numpy(float).reshape(-1, visits.shape[1])
        for when in ("before", "after")
    }
    both = np.isfinite(minutes["before"]) & np.isfinite(minutes["after"])
    weight = np.where(both, visits, 0.0)
    total = weight.sum(axis=0)
    return {
        when: np.divide(
            (weight * np.nan_to_num(values)).sum(axis=0),
            total,
            out=np.full(len(total), np.nan),
            where=total > 0,
        )
        for when, values in minutes.items()
    }


def bands_table(
    place: Place,
    times: TravelTimes,
    problem: EstateProblem,
    before: Decision,
    plan: Decision,
) -> pd.DataFrame:
    """Return residents by minutes as sent and to the nearest host, by the modes open to them."""
    import pandas as pd

    modes = [mode for mode in problem.scenario.travel.modes if mode in times.modes]
    on_foot = [mode for mode in modes if mode not in CAR_MODES]
    without_car = problem.population * place.zones["without_car_share"].to_numpy(float)
    groups = [
        (problem.population - without_car, times.fastest(modes)),
        (
            without_car,
            times.fastest(on_foot) if on_foot else np.full(problem.minutes.shape, np.nan),
        ),
    ]
    names = band_names()
    rows = []
    for s in map(int, np.flatnonzero(~problem.services.back_office)):
        residents_before, residents_after = (
            np.sum([_residents_by_band(*group, host[:, s]) for group in groups], axis=0)
            for host in (problem.hosted, plan.host)
        )
        sent_before, sent_after = (
            np.sum(
                [_residents_sent_by_band(problem, *group, decision, s) for group in groups], axis=0
            )
            for decision in (before, plan)
        )
        ids = [problem.services.ids[s]] * len(names)
        rows += list(
            zip(ids, names, sent_before, sent_after, residents_before, residents_after, strict=True)
        )
    return pd.DataFrame(rows, columns=BAND_COLUMNS)


BAND_COLUMNS = [
    *("service_id", "band", "residents_sent_before", "residents_sent_after"),
    *("residents_before", "residents_after"),
]


def band_names() -> list[str]:
    """Return the bands in words, nearest first; last, residents whose visits are not served."""
    edges = (0.0, *BANDS)
    names = [f"{low:g} to {high:g} minutes" for low, high in zip(edges, BANDS, strict=False)]
    return [*names, f"over {BANDS[-1]:g} minutes", "out of reach", "not served"]


def _residents_by_band(
    people: NDArray[np.float64], minutes: NDArray[np.float64], host: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return residents by the band of their nearest host."""
    if not host.any():
        nearest = np.full(len(people), np.nan)
    else:
        nearest = np.fmin.reduce(minutes[:, host], axis=1)
    return np.bincount(_band_of(nearest), people, len(BANDS) + 3).astype(float)


def _residents_sent_by_band(
    problem: EstateProblem,
    people: NDArray[np.float64],
    minutes: NDArray[np.float64],
    plan: Decision,
    service: int,
) -> NDArray[np.float64]:
    """Return residents by the minutes that their zone's visits are sent."""
    is_service = plan.service == service
    zone, building, share = plan.zone[is_service], plan.building[is_service], plan.share[is_service]
    has_visits = problem.visits[:, service] > 0
    without_visits = _residents_by_band(
        np.where(has_visits, 0.0, people), minutes, plan.host[:, service]
    )
    sent = np.bincount(
        _band_of(minutes[zone, building]), people[zone] * share, len(BANDS) + 3
    ).astype(float)
    served = np.bincount(zone, share, len(people))
    sent[-1] += float(people[has_visits] @ np.maximum(1.0 - served[has_visits], 0.0))
    return sent + without_visits


def _band_of(minutes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the band of each of ``minutes``; NaN is out of reach."""
    reach = np.isfinite(minutes)
    band = np.searchsorted(BANDS, np.where(reach, minutes, 0), side="left")
    found: NDArray[np.int64] = np.where(reach, band, len(BANDS) + 1)
    return found


def _nearest_hosts(
    problem: EstateProblem, host: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return (Z,) the nearest host's id ("" where none is in reach) and the minutes to it."""
    hosts = np.flatnonzero(host)
    if not len(hosts):
        return np.full(len(problem.zone_ids), "", object), np.full(len(problem.zone_ids), np.nan)
    minutes = problem.minutes[:, hosts]
    reach = np.where(np.isfinite(minutes), minutes, np.inf)
    best = reach.argmin(axis=1)
    shortest = reach[np.arange(len(reach)), best]
    is_reached = np.isfinite(shortest)
    names = np.where(is_reached, problem.buildings.ids[hosts[best]].astype(object), "")
    return names, np.where(is_reached, shortest, np.nan)
