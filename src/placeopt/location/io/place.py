"""A place, or a scenario of one, as a location problem for one of its services.

Customers are zones, weighted by the service's visits per year; sites are buildings that host the
service today or whose kind suits it (``suitability``); distances are minutes by the fastest of
the modes, measured as the scenario's ``travel`` section says, or in a straight line for a place
alone. Pairs beyond the cut-off are not allowed here either.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import UsageError
from placeopt.location.distances import Matrix
from placeopt.location.statement import P_DISPERSION, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from placeopt.place import Place


def is_place(path: Path) -> bool:
    """Whether ``path`` is a place (a folder, a geopackage) or a scenario."""
    return path.is_dir() or path.suffix in (".gpkg", ".toml")


def read_place_problem(
    path: Path,
    kind: str,
    *,
    service: str | None = None,
    modes: tuple[str, ...] = (),
    keep: bool = False,
    **options: Any,
) -> Problem:
    """The problem of ``kind`` for ``service`` of the place, or the scenario's place, at ``path``.

    Args:
        path: The place or scenario.
        kind: Kind of problem.
        service: Id of the service.
        modes: Modes of travel, in place of the scenario's.
        keep: Whether buildings that host the service today must stay.
        **options: Further fields of ``Problem``.

    Raises:
        UsageError: If the place has no such service, or none that fits.
        PlaceError: If the place has faults.
        ScenarioError: If the scenario has faults.
    """
    from placeopt.place import read_place
    from placeopt.travel import measure

    settings: dict[str, Any] = {}
    if path.suffix == ".toml":
        from placeopt.scenario import read_scenario

        scenario = read_scenario(path)
        settings = scenario.travel.model_dump()
        path = path.parent / scenario.place
    place = read_place(path)
    if modes:
        settings["modes"] = modes
    service = _check_service(place, service)
    is_host, is_candidate = _candidate_buildings(place, service)
    times = measure(place, **settings)
    minutes = times.fastest(times.modes)[:, is_candidate]
    ids = place.buildings["building_id"].to_numpy()[is_candidate]
    if keep:
        options["opened"] = is_host[is_candidate]
    if kind != P_DISPERSION:
        options["weights"] = _visits_per_zone(place, service)
    return Problem(
        kind,
        Matrix(minutes),
        customer_ids=tuple(str(zone) for zone in times.zone_ids),
        site_ids=tuple(str(building) for building in ids),
        name=f"{path.resolve().name} {service}",
        **options,
    )


def _check_service(place: Place, service: str | None) -> str:
    services = [str(name) for name in place.services["service_id"]]
    if service not in services:
        raise UsageError(f"there is no service {service!r} here; name one of {', '.join(services)}")
    return service


def _candidate_buildings(place: Place, service: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of the buildings that host the service today, and of those that host it or may."""
    hosts = place.hosting.loc[place.hosting["service_id"] == service, "building_id"]
    is_host = place.buildings["building_id"].isin(set(hosts)).to_numpy()
    suitability = place.suitability
    kinds = suitability.loc[suitability["service_id"] == service, "building_kind"]
    is_suitable = (
        place.buildings["kind"].isin(set(kinds)).to_numpy() if len(suitability) else ~is_host
    )
    is_candidate = is_host | is_suitable
    if not is_candidate.any():
        raise UsageError(f"no building hosts {service} or suits it")
    return is_host, is_candidate


def _visits_per_zone(place: Place, service: str) -> NDArray[np.float64]:
    from placeopt.place import demand_of

    demand = demand_of(place)
    visits_by_zone = demand[demand["service_id"] == service].set_index("zone_id")["visits_per_year"]
    visits = visits_by_zone.reindex(place.zones["zone_id"], fill_value=0.0).to_numpy(float)
    if not (visits > 0).any():
        raise UsageError(f"{service} has no visits: give demand or demand_rates")
    return visits
