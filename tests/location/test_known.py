"""Standard files, proven at their published values (skipped where the files are missing)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import UsageError
from placeopt.bench.case import Case
from placeopt.bench.subjects.location import problem_of
from placeopt.bench.suites import suite
from placeopt.location import locate, locate_file, read_problem


@pytest.fixture(scope="module")
def instances(shared: Path) -> Path:
    return shared / "instances"


def proves(case: Case, seconds: float = 60.0) -> None:
    solution = locate(problem_of(case), time_limit_seconds=seconds)
    assert solution.proven, case.name
    assert solution.objective == pytest.approx(case.best_known, rel=1e-7), case.name


@pytest.mark.parametrize("name", ["pmed", "p-centre"])
def test_every_graph_of_the_or_library_is_proven(instances: Path, name: str) -> None:
    for case in suite(name, instances):
        proves(case)


def test_a_p_median_on_points_is_proven_at_the_papers_values(instances: Path) -> None:
    for case in suite("tsplib", instances):
        if case.options["p"] in (20, 50, 300, 500):
            proves(case)


def test_small_facility_files_are_proven(instances: Path) -> None:
    for case in [*suite("facility", instances), *suite("capacitated", instances)]:
        if case.name[:4] in ("cap4", "cap7", "cap1", "111E"):
            proves(case)


FIRST = ("holmberg-p1", "holmberg-p9", "holmberg-p24", "diaz_fernandez-p1", "diaz_fernandez-p7")


def test_some_single_source_files_are_proven(instances: Path) -> None:
    for case in suite("single-source", instances):
        if case.name in FIRST:
            proves(case)


def test_the_last_value_of_a_repeated_edge_wins(instances: Path) -> None:
    assert locate_file("p-median", instances / "pmed/pmed1.txt").objective == 5819


def test_city_distances_are_great_circles(instances: Path) -> None:
    path = instances / "mclp/maximo/NewYork.txt"
    problem = read_problem("maximal-covering", path, p=1, radius=400.0)
    assert problem.distances.metric == "great_circle"
    assert problem.customers == 2713


def test_an_open_capacity_must_be_given(instances: Path) -> None:
    with pytest.raises(UsageError, match="leaves the capacity open"):
        read_problem("capacitated-facility-location", instances / "cap/capa.txt")


def test_a_minute_table_reads_as_a_problem(instances: Path) -> None:
    path = instances / "uk/lokigi_sample_data/brighton_travel_matrix_driving.csv"
    solution = locate_file("p-median", path, p=2)
    assert solution.proven
    assert all(str(name).startswith("Site") for name in solution.facilities)


def test_a_great_circle_is_measured_on_the_stated_sphere() -> None:
    from placeopt.location import Points

    quarter = Points(np.array([[0.0, 0.0]]), np.array([[90.0, 0.0]]), "great_circle")
    assert quarter.dense()[0, 0] == pytest.approx(6_378_137.0 * np.pi / 2)


def test_tsplib_distances_are_floored_for_medians_and_rounded_for_centres(tmp_path: Path) -> None:
    text = "NAME: two\nDIMENSION: 2\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 1.6 0\n"
    path = tmp_path / "two.tsp"
    path.write_text(text)
    assert read_problem("p-median", path, p=1).distances.dense()[0, 1] == 1
    assert read_problem("p-centre", path, p=1).distances.dense()[0, 1] == 2


def test_a_file_that_follows_no_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("hello\nworld\n")
    with pytest.raises(UsageError):
        read_problem("p-median", path)
