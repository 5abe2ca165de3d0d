"""A place, or a scenario of one, as a location problem for one of its services.

Customers are zones, weighted by the service's visits a year; sites are buildings that host the
service today or whose kind suits it (``suitability``); distances are minutes by the fastest of
the modes, measured as the scenario's ``travel`` section says, by crow fly where a place is given
alone. A zone without a way within the cut-off has none here either.
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

    ``modes`` replaces the modes of travel; ``keep``: buildings that host the service today stay.
    ``options`` are further fields of ``Problem``. Raises ``UsageError``, ``PlaceError`` or
    ``ScenarioError``.
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
    service = _service(place, service)
    hosted, fits = _sites(place, service)
    times = measure(place, **settings)
    minutes = times.fastest(times.modes)[:, fits]
    ids = place.buildings["building_id"].to_numpy()[fits]
    if keep:
        options["opened"] = hosted[fits]
    if kind != P_DISPERSION:
        options["weights"] = _visits(place, service)
    return Problem(
        kind,
        Matrix(minutes),
        customer_ids=tuple(str(zone) for zone in times.zone_ids),
        site_ids=tuple(str(building) for building in ids),
        name=f"{path.resolve().name} {service}",
        **options,
    )


def _service(place: Place, service: str | None) -> str:
    services = [str(name) for name in place.services["service_id"]]
    if service not in services:
        raise UsageError(f"there is no service {service!r} here; name one of {', '.join(services)}")
    return service


def _sites(place: Place, service: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(buildings that host the service today, buildings that host it or might)."""
    hosts = place.hosting.loc[place.hosting["service_id"] == service, "building_id"]
    hosted = place.buildings["building_id"].isin(set(hosts)).to_numpy()
    suits = place.suitability
    kinds = suits.loc[suits["service_id"] == service, "building_kind"]
    suitable = place.buildings["kind"].isin(set(kinds)).to_numpy() if len(suits) else ~hosted
    fits = hosted | suitable
    if not fits.any():
        raise UsageError(f"no building hosts {service} or suits it")
    return hosted, fits


def _visits(place: Place, service: str) -> NDArray[np.float64]:
    from placeopt.place import demand_of

    demand = demand_of(place)
    mine = demand[demand["service_id"] == service].set_index("zone_id")["visits_per_year"]
    visits = mine.reindex(place.zones["zone_id"], fill_value=0.0).to_numpy(float)
    if not (visits > 0).any():
        raise UsageError(f"nobody visits {service}: give demand or demand_rates")
    return visits
