"""A place, or a scenario of one, read as a location problem for one of its services."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import UsageError
from placeopt.location import locate, read_problem
from placeopt.place import demand_of, read_place
from placeopt.travel import measure

MARLSHIRE = Path(__file__).resolve().parents[2] / "data" / "marlshire"


def test_zones_are_customers_and_suitable_buildings_are_sites() -> None:
    problem = read_problem("p-median", MARLSHIRE, service="library", p=5, modes=("drive",))
    place = read_place(MARLSHIRE)
    hosts = set(place.hosting.loc[place.hosting["service_id"] == "library", "building_id"])
    visits = demand_of(place).query("service_id == 'library'")["visits_per_year"].sum()
    assert problem.customer_ids == tuple(place.zones["zone_id"])
    assert hosts <= set(problem.site_ids) <= set(place.buildings["building_id"])
    assert problem.weights.sum() == pytest.approx(visits)
    minutes = measure(place, modes=("drive",)).matrix("drive")
    column = list(place.buildings["building_id"]).index(problem.site_ids[3])
    given = np.where(np.isnan(minutes[:, column]), np.inf, minutes[:, column])
    assert (problem.distances.dense()[:, 3] == given).all()


def test_the_objective_of_the_best_libraries_is_right() -> None:
    problem = read_problem("p-median", MARLSHIRE, service="library", p=5)
    solution = locate(problem)
    table = problem.distances.dense()[:, solution.positions]
    assert solution.proven
    assert solution.objective == pytest.approx((table.min(axis=1) * problem.weights).sum())


def test_a_scenario_states_the_modes_of_travel() -> None:
    path = MARLSHIRE / "scenarios" / "estate.toml"
    by_bus = read_problem("p-centre", path, service="library", p=5)
    on_foot = read_problem("p-centre", path, service="library", p=5, modes=("walk",))
    assert (by_bus.distances.dense() <= on_foot.distances.dense()).all()


def test_buildings_with_the_service_today_can_be_kept() -> None:
    problem = read_problem("maximal-covering", MARLSHIRE, service="library", p=12, radius=10.0,
                           keep=True)  # fmt: skip
    place = read_place(MARLSHIRE)
    hosts = set(place.hosting.loc[place.hosting["service_id"] == "library", "building_id"])
    assert set(problem.opened) == hosts


def test_a_service_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="name one of library"):
        read_problem("p-median", MARLSHIRE, p=5)


def test_a_file_has_no_services(tmp_path: Path) -> None:
    path = tmp_path / "minutes.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(UsageError, match="only a place"):
        read_problem("p-median", path, p=1, service="library")
