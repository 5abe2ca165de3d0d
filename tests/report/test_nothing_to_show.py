"""What a place does not have, such as outlines or visits, is left out and ends no report."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import answers
import geopandas as gpd
import pytest
from checker import false_sentences
from shapely import Point, Polygon, box

from placeopt.report import draw_picture, write_results
from placeopt.report.charts.palette import band_colours
from placeopt.report.charts.svg import stacked_shares
from placeopt.report.narrative.figures import Figure, known_values
from placeopt.report.narrative.reassignment import describe_reassignment
from placeopt.report.page.map_data import simplify_zones


@pytest.mark.parametrize(
    "missing",
    [(), (0,), (1, 3), (0, 1, 2, 3)],
    ids=["none", "one", "two", "all"],
)
def test_zones_without_an_outline_stay_as_they_are(missing: tuple[int, ...]) -> None:
    shapes: list[Polygon | None] = [box(x, 0, x + 1, 1) for x in range(4)]
    for i in missing:
        shapes[i] = None
    zones = gpd.GeoDataFrame({"zone_id": list("abcd")}, geometry=shapes, crs="EPSG:27700")
    drawn = simplify_zones(zones)
    assert drawn.geometry.isna().tolist() == [i in missing for i in range(4)]
    assert drawn.geometry.dropna().area.tolist() == pytest.approx([1.0] * (4 - len(missing)))


def test_zones_that_are_points_stay_points() -> None:
    points = [Point(0, 0), Point(1, 1)]
    zones = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=points, crs="EPSG:27700")
    assert simplify_zones(zones).geometry.tolist() == points


def test_a_figure_that_is_no_number_is_not_known() -> None:
    """A mean of no visits is NaN, which neither a workbook nor JSON can hold."""
    given = Figure("minutes", "Minutes", math.nan, math.inf, "minutes")
    (figure,) = known_values([given])
    assert (figure.today, figure.plan) == (None, None)
    kept = Figure("cost", "Cost", 0.0, None, "gbp")
    assert known_values([kept]) == [kept]


def test_no_bands_have_no_colours() -> None:
    """An estate of back offices has no service that residents travel to."""
    assert band_colours(0) == ()
    assert len(band_colours(1)) == 1
    assert "<svg" in stacked_shares("Residents by minutes", [], [])


def test_a_layer_of_outlines_without_rows_is_drawn_as_points(tmp_path: Path) -> None:
    answer = answers.estate_answer()
    none = answer.place.boundaries.iloc[:0]
    answer = replace(answer, place=replace(answer.place, boundaries=none))
    write_results(answer, tmp_path)
    assert set(gpd.read_file(tmp_path / "plan.gpkg", layer="zones").geom_type) == {"Point"}
    assert set(answer.layer("zones").geom_type) == {"Point"}
    assert "<circle" in draw_picture(answer)


def test_no_sentence_speaks_of_visits_where_none_is_sent() -> None:
    answer = answers.estate_answer()
    assert answer.plan is not None
    none = answer.plan.tables["assignment"].assign(visits_per_year=0.0)
    summary = {**answer.plan.summary, "past_nearer_visits_per_year": 0.0}
    tables = {**answer.plan.tables, "assignment": none}
    answer = replace(answer, plan=replace(answer.plan, tables=tables, summary=summary))
    told = describe_reassignment(answer)
    assert [one.kind for one in told] == ["no_visits"]
    assert false_sentences(answer, [told[0].text]) == []
