"""Access standards as arrays: whom a rule counts and which buildings are near enough.

A point is a group of residents of one zone who travel alike: those with a car and those without,
who do not drive. One rule makes one standard for each service and, where it asks so, district.
It counts residents where their zone's visits are sent, or by the nearest host.
Source: Church and ReVelle (1974), maximal covering; points with the same buildings in reach are
one point to the model (``strategy.py``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import UsageError
from placeopt.estate.problem.arrays import CAR_MODES, Standard
from placeopt.scenario.counted import residents_counted, total_residents_counted
from placeopt.scenario.rules.estate.services import Access

if TYPE_CHECKING:
    from placeopt.estate.problem.arrays import EstateProblem
    from placeopt.place import Place
    from placeopt.scenario.scenario import Scenario
    from placeopt.travel import TravelTimes


def hosts_offering(
    problem: EstateProblem, host: NDArray[np.bool_], tier: NDArray[np.int64], standard: Standard
) -> NDArray[np.bool_]:
    """(B,) hosts of a plan whose offer counts for the standard: with a tier as the tier has it,
    else as it is today, and full where the place has no tiers."""
    s = standard.service
    if standard.rule.offer == "any":
        return host[:, s]
    full_tier = np.append(problem.tiers.full[:, s], False)[tier]
    new = ~problem.hosted[:, s] & (len(problem.tiers.ids) == 0)
    return host[:, s] & np.where(tier >= 0, full_tier, problem.full_today[:, s] | new)


def build_standards(place: Place, times: TravelTimes, scenario: Scenario) -> tuple[Standard, ...]:
    """Every access rule of the scenario as standards; districts without anybody counted are left
    out. Raises ``UsageError`` for a rule that counts nobody at all."""
    service_ids = list(place.services["service_id"])
    back_office = dict(zip(service_ids, place.services["back_office"], strict=True))
    standards: list[Standard] = []
    for rule in scenario.of(Access):
        if total_residents_counted(place, rule) <= 0:
            asked = rule.sentence()
            raise UsageError(
                f"an access rule counts nobody and would hold whatever is decided: {asked}"
            )
        points = _standard_of_points(place, times, scenario, rule)
        ids = rule.services
        if ids == "all":
            ids = tuple(identity for identity in service_ids if not back_office[identity])
        for identity in ids:
            whole = replace(points, service_id=identity, service=service_ids.index(identity))
            standards += _scopes(place, whole)
    return tuple(standard for standard in standards if len(standard.zone))


def _standard_of_points(
    place: Place, times: TravelTimes, scenario: Scenario, rule: Access
) -> Standard:
    modes = modes_counted(times, scenario, rule)
    on_foot = [mode for mode in modes if mode not in CAR_MODES]
    with_car, without_car = residents_counted(place, rule)
    parts = [(True, with_car, modes), (False, without_car, on_foot)]
    shape = (len(times.zone_ids), len(times.building_ids))
    zone, car, residents, within, ceiling = [], [], [], [], []
    for drives, people, by in parts:
        at = np.flatnonzero(people > 0)
        minutes = times.fastest(by) if by else np.full(shape, np.nan)
        zone.append(at)
        car.append(np.full(len(at), drives))
        residents.append(people[at])
        within.append(minutes[at] <= (np.inf if rule.minutes is None else rule.minutes))
        ceiling.append(
            minutes[at] <= (np.inf if rule.ceiling_minutes is None else rule.ceiling_minutes)
        )
    return Standard(
        rule=rule,
        service_id="",
        service=-1,
        scope="",
        zone=np.concatenate(zone),
        car=np.concatenate(car),
        residents=np.concatenate(residents),
        within=np.concatenate(within),
        under_ceiling=np.concatenate(ceiling),
    )


def minutes_of(times: TravelTimes, scenario: Scenario, standard: Standard) -> NDArray[np.float64]:
    """(P, B) minutes of the standard's points by the modes that count and are open to them."""
    modes = modes_counted(times, scenario, standard.rule)
    on_foot = [mode for mode in modes if mode not in CAR_MODES]
    found = np.full(standard.within.shape, np.nan)
    for drives, by in ((True, modes), (False, on_foot)):
        if by:
            at = standard.car == drives
            found[at] = times.fastest(by)[standard.zone[at]]
    return found


def modes_counted(times: TravelTimes, scenario: Scenario, rule: Access) -> list[str]:
    """The modes that count for a rule; raises where it names one that the minutes lack."""
    named = rule.modes_of(())
    lacking = [mode for mode in named if mode not in times.modes]
    if lacking:
        raise UsageError(
            f"an access rule asks for minutes by {', '.join(lacking)}; there are minutes by "
            f"{', '.join(times.modes)}: add the mode to the scenario's travel modes"
        )
    return [mode for mode in named or scenario.travel.modes if mode in times.modes]


def _scopes(place: Place, standard: Standard) -> list[Standard]:
    rule = standard.rule
    if rule.district is None and not rule.each_district:
        return [standard]
    district = place.zones["district_id"].to_numpy(str)[standard.zone]
    scopes = [rule.district] if rule.district is not None else list(place.districts["district_id"])
    return [_restricted_to(standard, str(scope), district == scope) for scope in scopes]


def _restricted_to(standard: Standard, scope: str, keep: NDArray[np.bool_]) -> Standard:
    return replace(
        standard,
        scope=scope,
        zone=standard.zone[keep],
        car=standard.car[keep],
        residents=standard.residents[keep],
        within=standard.within[keep],
        under_ceiling=standard.under_ceiling[keep],
    )
