"""Access standards as arrays: the residents that a rule counts and the buildings within its
minutes.

A point is a group of residents of one zone with the same modes: those with a car, and those
without, who do not drive. One rule makes one standard for each service and, if it is by district,
district. It counts residents where their zone's visits are sent, or by the nearest host.

Source: Church and ReVelle (1974), maximal covering. The model aggregates points with the same
buildings in reach (``model/constraints/access.py``).
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
    """Return (B,) the hosts of a plan whose offer counts for the standard. The tier decides the
    offer; without a tier it is today's, or full where the place has no tiers."""
    s = standard.service
    if standard.rule.offer == "any":
        return host[:, s]
    full_tier = np.append(problem.tiers.full[:, s], False)[tier]
    is_new = ~problem.hosted[:, s] & (len(problem.tiers.ids) == 0)
    return host[:, s] & np.where(tier >= 0, full_tier, problem.full_today[:, s] | is_new)


def build_standards(place: Place, times: TravelTimes, scenario: Scenario) -> tuple[Standard, ...]:
    """Return every access rule of the scenario as standards.

    Args:
        place: zones, services and districts.
        times: minutes by mode.
        scenario: the rules.

    Returns:
        One standard a rule, service and district that has residents counted.

    Raises:
        UsageError: a rule counts no residents, or names a mode without minutes.
    """
    service_ids = list(place.services["service_id"])
    back_office = dict(zip(service_ids, place.services["back_office"], strict=True))
    standards: list[Standard] = []
    for rule in scenario.of(Access):
        if total_residents_counted(place, rule) <= 0:
            sentence = rule.sentence()
            raise UsageError(
                f"an access rule counts nobody and would hold whatever is decided: {sentence}"
            )
        points = _standard_of_points(place, times, scenario, rule)
        ids = rule.services
        if ids == "all":
            ids = tuple(identity for identity in service_ids if not back_office[identity])
        for identity in ids:
            standard = replace(points, service_id=identity, service=service_ids.index(identity))
            standards += _scopes(place, standard)
    return tuple(standard for standard in standards if len(standard.zone))


def _standard_of_points(
    place: Place, times: TravelTimes, scenario: Scenario, rule: Access
) -> Standard:
    """Return the rule's points with their minutes, not yet for a service."""
    modes = modes_counted(times, scenario, rule)
    on_foot = [mode for mode in modes if mode not in CAR_MODES]
    with_car, without_car = residents_counted(place, rule)
    groups = [(True, with_car, modes), (False, without_car, on_foot)]
    shape = (len(times.zone_ids), len(times.building_ids))
    zone, car, residents, within, under_ceiling = [], [], [], [], []
    for has_car, residents_of_zone, modes_open in groups:
        zones = np.flatnonzero(residents_of_zone > 0)
        minutes = times.fastest(modes_open) if modes_open else np.full(shape, np.nan)
        zone.append(zones)
        car.append(np.full(len(zones), has_car))
        residents.append(residents_of_zone[zones])
        within.append(minutes[zones] <= (np.inf if rule.minutes is None else rule.minutes))
        under_ceiling.append(
            minutes[zones] <= (np.inf if rule.ceiling_minutes is None else rule.ceiling_minutes)
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
        under_ceiling=np.concatenate(under_ceiling),
    )


def minutes_of(times: TravelTimes, scenario: Scenario, standard: Standard) -> NDArray[np.float64]:
    """Return (P, B) minutes of the standard's points by the modes that count and are open to
    them."""
    modes = modes_counted(times, scenario, standard.rule)
    on_foot = [mode for mode in modes if mode not in CAR_MODES]
    minutes = np.full(standard.within.shape, np.nan)
    for has_car, modes_open in ((True, modes), (False, on_foot)):
        if modes_open:
            points = standard.car == has_car
            minutes[points] = times.fastest(modes_open)[standard.zone[points]]
    return minutes


def modes_counted(times: TravelTimes, scenario: Scenario, rule: Access) -> list[str]:
    """Return the modes that count for a rule.

    Raises:
        UsageError: the rule names a mode without minutes.
    """
    named = rule.modes_of(())
    missing = [mode for mode in named if mode not in times.modes]
    if missing:
        raise UsageError(
            f"an access rule asks for minutes by {', '.join(missing)}; there are minutes by "
            f"{', '.join(times.modes)}: add the mode to the scenario's travel modes"
        )
    return [mode for mode in named or scenario.travel.modes if mode in times.modes]


def _scopes(place: Place, standard: Standard) -> list[Standard]:
    """Return the standard for each district that the rule names, or for the place."""
    rule = standard.rule
    if rule.district is None and not rule.each_district:
        return [standard]
    district = place.zones["district_id"].to_numpy(str)[standard.zone]
    scopes = [rule.district] if rule.district is not None else list(place.districts["district_id"])
    return [_restricted_to(standard, str(scope), district == scope) for scope in scopes]


def _restricted_to(standard: Standard, scope: str, is_kept: NDArray[np.bool_]) -> Standard:
    """Return the standard for the points of a district."""
    return replace(
        standard,
        scope=scope,
        zone=standard.zone[is_kept],
        car=standard.car[is_kept],
        residents=standard.residents[is_kept],
        within=standard.within[is_kept],
        under_ceiling=standard.under_ceiling[is_kept],
    )
