"""Areas within t minutes: nested, and as large as the streets allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from placeopt.base.errors import UsageError
from placeopt.travel.isochrone import isochrones, minutes_to_nearest
from placeopt.travel.networks import read_streets
from placeopt.travel.streets.graph import make_graph
from placeopt.travel.streets.paths import minutes_between, snap
from tests.travel.test_parts import town

HUBS = np.array([[400_500.0, 300_500.0], [402_600.0, 302_400.0]])


def test_minutes_to_the_nearest_hub_are_those_of_the_matrix(tmp_path: Path) -> None:
    town(tmp_path)
    graph = make_graph(read_streets(tmp_path / "streets.gpkg", "EPSG:27700"), "walk")
    left = minutes_to_nearest(graph, HUBS, 20.0)
    every = snap(graph, graph.xy)
    matrix = minutes_between(graph, every, snap(graph, HUBS), 20.0)
    nearest = np.where(np.isnan(matrix), np.inf, matrix).min(axis=1)
    assert left == pytest.approx(nearest, abs=1e-6)


def test_larger_isochrones_contain_smaller_ones(tmp_path: Path) -> None:
    """Isochrones of more minutes contain those of fewer and stay near the streets."""
    town(tmp_path)
    streets = read_streets(tmp_path / "streets.gpkg", "EPSG:27700")
    areas = isochrones(streets, HUBS, "EPSG:27700", mode="walk", edges=[5, 10, 20])
    assert list(areas["minutes"]) == [5, 10, 20]
    assert areas["area_km2"].is_monotonic_increasing
    small, large = areas.geometry.iloc[0], areas.geometry.iloc[2]
    assert small.difference(large.buffer(10)).area < 1.0
    # In 5 minutes one walks 400 m: nothing further than that (and the strip's rounding) counts.
    from shapely import points

    hubs = points(HUBS)
    corners = points(np.concatenate([np.array(g.exterior.coords) for g in small.geoms]))
    furthest = max(min(hub.distance(corner) for hub in hubs) for corner in corners)
    assert furthest <= 400 + 60
    with pytest.raises(UsageError, match="must rise"):
        isochrones(streets, HUBS, "EPSG:27700", edges=[10, 5])
