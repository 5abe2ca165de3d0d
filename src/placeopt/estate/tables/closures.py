"""Where the users of a closed service point go, and the minutes that adds.

A service point of today closes in the first year without it after a year with it: its building
closes, or the service leaves a building that stays open. Its users are the visits that doing
nothing would serve there in that year, by the same behaviour as everywhere: the nearest host, or
distance decay. They follow the plan of that year: a zone's users go where the plan sends the zone's
visits to the service, in the same shares; visits that the plan leaves unserved have no destination.

closures            one row for each closed point and building that takes its users
closures_by_group   their minutes by resident group and mode, to the closed point and after
assignment_today    where each zone's visits go today, at the visits of the last decided year

A zone's visits count for a group by the group's share of the zone's residents. Minutes compare
visits whose old and new place are both in reach by the mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Floats, Ints
from placeopt.estate.problem.arrays import CAR_MODES, EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.estate.solution.decision import Decision
from placeopt.estate.solution.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place
    from placeopt.travel import TravelTimes

UNSERVED = -1  # building of a flow that the plan leaves unserved
SHARE_TOLERANCE = 1e-6  # of a zone's visits: smaller shares are rounding
FASTEST = "fastest"
CLOSURES = (
    *("year", "building_id", "service_id", "what_closes", "to_building_id", "visits_per_year"),
    *("minutes_before", "minutes_after", "added_minutes"),
)
BY_GROUP = (
    *("year", "building_id", "service_id", "who", "mode", "visits_per_year"),
    *("visits_compared_per_year", "visits_cut_off_per_year"),
    *("minutes_before", "minutes_after", "added_minutes"),
)


@dataclass(frozen=True)
class ClosedPoint:
    """A service point that closes, and the flows (F,) of its users.

    Attributes:
        problem: the year in which it closes.
        building: position of the building.
        service: position of the service.
        with_building: whether the building closes too.
        zone: (F,) zone of each flow.
        to: (F,) building of each flow, or ``UNSERVED``.
        visits: (F,) visits a year.
    """

    problem: EstateProblem
    building: int
    service: int
    with_building: bool
    zone: Ints
    to: Ints
    visits: Floats


def closures_tables(
    place: Place, times: TravelTimes, years: Years, timeline_today: Timeline, timeline: Timeline
) -> dict[str, pd.DataFrame]:
    """Return both tables of closures; without rows where nothing closes."""
    import pandas as pd

    points = list(closed_points(years, timeline_today, timeline))
    minutes_by_mode = _minutes_by_mode(times, years.last)
    groups = resident_groups(place)
    flows = [row for point in points for row in _flow_rows(point)]
    by_group = [row for point in points for row in _group_rows(point, minutes_by_mode, groups)]
    return {
        "closures": pd.DataFrame(flows, columns=CLOSURES),
        "closures_by_group": pd.DataFrame(by_group, columns=BY_GROUP),
    }


def closed_points(
    years: Years, timeline_today: Timeline, timeline: Timeline
) -> Iterator[ClosedPoint]:
    """Yield every point of today that closes, year by year, in the place's order."""
    hosts = years.first.hosted
    has_visits = ~years.first.services.back_office
    for t, (problem, decision) in enumerate(zip(years.problems, timeline.decisions, strict=True)):
        closes = years.first.hosted & hosts & ~decision.host & has_visits
        for b, s in zip(*np.nonzero(closes), strict=True):
            yield _closed_point(problem, timeline_today.decisions[t], decision, int(b), int(s))
        hosts = decision.host


def _closed_point(
    problem: EstateProblem, today: Decision, plan: Decision, b: int, s: int
) -> ClosedPoint:
    """Return the flows of one point that closes."""
    is_user = (today.building == b) & (today.service == s)
    users = np.zeros(len(problem.zone_ids))
    users[today.zone[is_user]] = today.share[is_user] * problem.visits[today.zone[is_user], s]
    is_sent = (plan.service == s) & (users[plan.zone] > 0)
    zone, to, share = plan.zone[is_sent], plan.building[is_sent], plan.share[is_sent]
    unserved = 1 - np.bincount(zone, share, minlength=len(users))
    zones_unserved = np.flatnonzero((users > 0) & (unserved > SHARE_TOLERANCE))
    return ClosedPoint(
        problem=problem,
        building=b,
        service=s,
        with_building=not plan.open[b],
        zone=np.concatenate([zone, zones_unserved]),
        to=np.concatenate([to, np.full(len(zones_unserved), UNSERVED)]),
        visits=np.concatenate(
            [users[zone] * share, users[zones_unserved] * unserved[zones_unserved]]
        ),
    )


def _flow_rows(point: ClosedPoint) -> Iterator[tuple[Any, ...]]:
    """Yield one row a building that takes users, the most visits first; unserved visits last."""
    problem, ids = point.problem, point.problem.buildings.ids
    what_closes = "building" if point.with_building else "service"
    key = (problem.year, ids[point.building], problem.services.ids[point.service], what_closes)
    if not point.visits.sum() > 0:
        yield (*key, "", 0.0, np.nan, np.nan, np.nan)
        return
    minutes, total = problem.minutes, {int(j): point.visits[point.to == j].sum() for j in point.to}
    for j in sorted(total, key=lambda j: (j == UNSERVED, -total[j], str(ids[j]))):
        is_flow = point.to == j
        visits, zone = point.visits[is_flow], point.zone[is_flow]
        before = float(visits @ minutes[zone, point.building] / total[j])
        after = np.nan if j == UNSERVED else float(visits @ minutes[zone, j] / total[j])
        to = "" if j == UNSERVED else ids[j]
        yield (*key, to, float(total[j]), before, after, after - before)


def _group_rows(
    point: ClosedPoint, minutes_by_mode: dict[bool, dict[str, Floats]], groups: dict[str, Floats]
) -> Iterator[tuple[Any, ...]]:
    """Yield one row for each group of residents that uses the point, and mode open to it."""
    problem, zone = point.problem, point.zone
    ids, services = problem.buildings.ids, problem.services.ids
    key = (problem.year, ids[point.building], services[point.service])
    served = point.to != UNSERVED
    for who, share in groups.items():
        visits = point.visits * share[zone]
        total = float(visits.sum())
        if not total > 0:
            continue
        for mode, minutes in minutes_by_mode[who != "without_car"].items():
            before = minutes[zone, point.building]
            after = np.where(served, minutes[zone, point.to], np.nan)
            in_reach: NDArray[np.bool_] = np.isfinite(before)
            both: NDArray[np.bool_] = in_reach & np.isfinite(after)
            weight = float(visits[both].sum())
            mean_before, mean_after = (
                float(visits[both] @ one[both] / weight) if weight > 0 else np.nan
                for one in (before, after)
            )
            cut_off = float(visits[in_reach & ~both].sum())
            yield (
                *key,
                who,
                mode,
                total,
                weight,
                cut_off,
                mean_before,
                mean_after,
                mean_after - mean_before,
            )


def resident_groups(place: Place) -> dict[str, Floats]:
    """Return group -> (Z,) its share of each zone's residents, for groups with residents."""
    zones = place.zones
    people = zones["population"].to_numpy(float)
    groups: dict[str, Floats] = {"all": np.ones(len(zones))}
    quintile = zones["deprivation_quintile"].astype("Int64")
    for number in range(1, 6):
        groups[f"quintile_{number}"] = np.asarray((quintile == number).fillna(False), float)
    for area in ("rural", "urban"):
        groups[area] = np.asarray(zones["area_type"] == area, float)
    groups["without_car"] = zones["without_car_share"].fillna(0.0).to_numpy(float)
    for column in (name for name in zones.columns if name.startswith("people_")):
        band = zones[column].fillna(0.0).to_numpy(float)
        groups[column] = np.divide(band, people, out=np.zeros(len(zones)), where=people > 0)
    return {who: share for who, share in groups.items() if who == "all" or share.any()}


def _minutes_by_mode(times: TravelTimes, problem: EstateProblem) -> dict[bool, dict[str, Floats]]:
    """Return, with a car or without, the fastest of the modes open and each of them: (Z, B)
    minutes."""
    modes = {m: times.matrix(m) for m in problem.scenario.travel.modes if m in times.modes}
    by_car = {}
    for car in (True, False):
        modes_open = {m: minutes for m, minutes in modes.items() if car or m not in CAR_MODES}
        fastest = {FASTEST: np.fmin.reduce(list(modes_open.values()))} if modes_open else {}
        by_car[car] = fastest | modes_open
    return by_car
