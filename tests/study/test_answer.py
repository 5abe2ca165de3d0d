"""One question answered: what is measured for a question and for the one it is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from placeopt import travel
from placeopt.engine import Status
from placeopt.place import Place, write_place
from placeopt.scenario import read_scenario
from placeopt.study.answer import solve
from tests.support.places import place_of

QUESTION = """question = "Which libraries stay?"
place = "place"
problem = "estate"

[travel]
method = "crow_fly"
modes = ["walk"]
cutoff_minutes = {cutoff}

[answer]
compare_with = "{other}"
"""


def town(folder: Path) -> Place:
    """Two libraries beside two zones, written to ``folder``."""
    points = [{"x_m": 450_000.0 + 900 * i, "y_m": 310_000.0} for i in range(2)]
    place = place_of(
        zones=[{**xy, "zone_id": f"Z{i}", "population": 100.0} for i, xy in enumerate(points)],
        buildings=[
            {
                **xy,
                "building_id": f"B{i}",
                "kind": "library",
                "floor_area_m2": 100.0,
                "running_cost_fixed_gbp_per_year": 1000.0 * (i + 1),
            }
            for i, xy in enumerate(points)
        ],
        services=[{"service_id": "S"}],
        hosting=[{"building_id": f"B{i}", "service_id": "S"} for i in range(2)],
        demand=[
            {"zone_id": f"Z{i}", "service_id": "S", "visits_per_year": 1000.0} for i in range(2)
        ],
    )
    write_place(place, folder)
    return place


@pytest.mark.parametrize(("cutoff", "measured"), [(45, 1), (60, 2)])
def test_minutes_of_a_compared_question_are_measured_once(
    cutoff: int, measured: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second time only where its travel settings are others."""
    place, calls, measure = town(tmp_path / "place"), [], travel.measure
    (tmp_path / "other.toml").write_text(QUESTION.format(cutoff=cutoff, other=""))
    (tmp_path / "asked.toml").write_text(QUESTION.format(cutoff=45, other="other.toml"))

    def counted(*args: Place, **settings: object) -> travel.TravelTimes:
        calls.append(settings)
        return measure(*args, **settings)

    monkeypatch.setattr("placeopt.travel.measure", counted)
    answer = solve(place, read_scenario(tmp_path / "asked.toml"))
    assert len(calls) == measured
    assert answer.compared is not None
    for one in (answer, answer.compared):
        assert one.result.status is Status.OPTIMAL
        assert one.times is not None
    assert answer.compared.times.cutoff_minutes == cutoff
