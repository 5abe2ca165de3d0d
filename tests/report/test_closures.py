"""Closures and where users go, in the page, the workbook and the map layers."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import geopandas as gpd
import openpyxl
import pytest

from placeopt.estate import solve
from placeopt.report import write_results
from placeopt.report.page import my_area
from placeopt.report.tables.closures import added_in_words, closed_points_table, flows_table
from placeopt.report.tables.saving_parts import omission_notes, saving_parts, unstated_figures
from placeopt.report.tables.sheets import all_sheets
from placeopt.scenario.rules.estate.services import Behaviour, Network, Pinned, Served
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.report import answers
from tests.report.test_page import BROWSER, dom_of
from tests.support.places import minutes

NAMES = {"A": "Hill <b>Library</b>", "B": "North Hub", "C": "South Hub"}


@pytest.fixture(scope="module")
def closing(tmp_path_factory):
    """(answer, folder): A closes; of Z1 and Z2, with 1,000 visits each, one goes to B, one to C."""
    at = {"A": (0.0, 0.0), "B": (3000.0, 0.0), "C": (0.0, 9000.0)}
    buildings = [building(i, 10.0) | {"name": NAMES[i], "x_m": 4e5 + x, "y_m": 3e5 + y}
                 for i, (x, y) in at.items()]  # fmt: skip
    place = town(buildings)
    zones = place.zones.assign(name=["Oldtown", "Newtown"], without_car_share=[0.2, 0.0])
    place = place.replace(zones=zones.assign(x_m=[4e5, 4e5], y_m=[3e5, 3.06e5]))
    drive, walk = [[2.0, 7.0, 20.0], [4.0, 20.0, 9.0]], [[10.0, 40.0, 99.0], [20.0, 99.0, 90.0]]
    rules = Pinned(close=("A",)), Network(service="S", at_least=2), Behaviour(residents="nearest")
    answer = solve(place, minutes(place, drive=drive, walk=walk), scenario(*rules))
    out = tmp_path_factory.mktemp("closing")
    write_results(answer, out)
    return answer, out


def test_a_closed_point_says_where_its_users_go_and_what_it_adds(closing):
    """By car 5 minutes more for both; on foot 30 and 70; without a car (a fifth of Z1) 30."""
    (row,) = closed_points_table(closing[0]).to_dict("records")
    assert row["goes_to"] == "North Hub 50%; South Hub 50%"
    assert (row["visits_per_year"], row["minutes_before"]) == (2000.0, 3.0)
    assert row["added_fastest_minutes"] == row["added_drive_minutes"] == 5.0
    assert (row["added_walk_minutes"], row["added_without_car_minutes"]) == (50.0, 30.0)


def test_my_area_says_where_to_go_next_and_how_much_longer(closing):
    """Z2 goes from A (4 minutes by car, 20 on foot) to C (9 and 90)."""
    data = my_area.area_data(closing[0])["data"]
    assert data["modes"] == ["on foot", "by car"]
    assert [zone[1] for zone in data["zones"]] == ["Oldtown", "Newtown"]
    ((service, before, after),) = data["rows"][1]
    assert data["services"][service] == "S"
    named = [data["buildings"][places[0][0]][0] for places in (before, after)]
    assert named == [NAMES["A"], NAMES["C"]]
    assert [places[0][1:] for places in (before, after)] == [[100, 20.0, 4.0], [100, 90.0, 9.0]]
    closed = data["buildings"][before[0][0]]
    assert (closed[3], closed[4]) == ([[0, 2025]], 1)


def test_the_workbook_has_closures_and_every_area(closing):
    book = openpyxl.load_workbook(closing[1] / "workbook.xlsx", data_only=True)
    assert {"Closures", "Where users go", "Closures by group", "By area"} <= set(book.sheetnames)
    page = book["By area"]
    heads = [cell.value for cell in page[3]]
    rows = [
        dict(zip(heads, [c.value for c in row], strict=True)) for row in page.iter_rows(min_row=4)
    ]
    assert [r["Place in the plan"] for r in rows] == ["North Hub", "South Hub"]
    assert [r["Minutes added"] for r in rows] == [5.0, 5.0]
    assert [r["On foot in the plan"] for r in rows] == [40.0, 90.0]


def test_the_map_layers_have_flows_as_styled_lines(closing):
    """Two lines of 3 and 9 km from A, each of 1,000 visits a year."""
    answer, out = closing
    lines = gpd.read_file(out / "plan.gpkg", layer="flows")
    assert list(lines.length.round()) == [3000.0, 9000.0]
    assert list(lines["visits_per_year"]) == [1000.0, 1000.0]
    assert list(lines["to_building_name"]) == ["North Hub", "South Hub"]
    styles = gpd.read_file(out / "plan.gpkg", layer="layer_styles")
    qml = styles.set_index("f_table_name")["styleQML"]["flows"]
    assert 'attr="visits_per_year"' in qml
    assert "ArrowLine" in qml
    flows = flows_table(answer)
    assert flows["visits_per_year"].sum() == 2000.0


def test_unserved_visits_are_stated_and_have_no_line():
    """Z2 reaches A alone, and half of the visits may go unserved."""
    place = town([building("A", 10.0), building("B", 10.0)])
    nan = float("nan")
    times = minutes(place, drive=[[2.0, 7.0], [4.0, nan]])
    rules = Pinned(close=("A",)), Served(unserved_share=0.5), Behaviour(residents="nearest")
    answer = solve(place, times, scenario(*rules))
    (row,) = closed_points_table(answer).to_dict("records")
    assert row["goes_to"] == "B 50%; not served 50%"
    areas = all_sheets(answer)["areas"].frame.set_index("zone_id")
    assert areas.loc["Z2", "building_after"] == ""
    assert flows_table(answer)["visits_per_year"].tolist() == [1000.0]


def test_minutes_more_are_in_words():
    assert added_in_words(4.123) == "4.1 minutes more"
    assert added_in_words(-2.0) == "2.0 minutes fewer"
    assert added_in_words(0.01) == "as long as today"
    assert added_in_words(float("nan")) == "not known"


def test_too_many_areas_are_left_to_the_tables(closing, monkeypatch):
    monkeypatch.setattr(my_area, "MAX_PAIRS", 1)
    assert my_area.area_data(closing[0]) == {"data": None, "zones": 2}


def test_an_answer_without_these_tables_has_no_look_up():
    answer = answers.estate_answer()
    assert my_area.area_data(answer) is None
    assert "closed_points" not in all_sheets(answer)


def test_the_split_adds_up_and_says_what_is_not_counted(closing):
    """A, B and C cost 10 each; two remain, so 10 is saved, all on buildings."""
    answer, out = closing
    made = saving_parts(answer)
    assert made["running"][0] == ("Buildings in use", "£30", "£20", "£10", "100%")
    assert made["running"][-1][3] == "£10"
    assert ("Redundancy", "not counted") in made["one_off"]
    assert ("Maintenance due in what is kept", "not stated") in made["one_off"]
    assert unstated_figures(answer) == {"maintenance_due_gbp", "carbon", "carbon_present_gbp"}
    assert len(omission_notes(answer)) == 3
    html = (out / "index.html").read_text(encoding="utf-8")
    assert "Redundancy is not counted" in html
    assert "Discount rate, real" in html
    stated = answer.place.buildings.assign(backlog_gbp=5.0, carbon_tco2e_per_year=1.0)
    known = replace(answer, place=answer.place.replace(buildings=stated))
    assert unstated_figures(known) == set()


@pytest.mark.skipif(BROWSER is None, reason="no chromium to open the page with")
def test_a_browser_finds_an_area_and_draws_flows(closing, tmp_path):
    """A reader types a name; a click on the closed building draws a line to each taker."""
    _, out = closing
    html = (out / "index.html").read_text(encoding="utf-8")
    act = """<script>setTimeout(function () {
      var input = document.getElementById("area-input");
      input.value = "newt"; input.dispatchEvent(new Event("input"));
      document.querySelector(".pin-close").dispatchEvent(new MouseEvent("click", {bubbles: true}));
    }, 300);</script></body>"""
    (tmp_path / "index.html").write_text(html.replace("</body>", act), encoding="utf-8")
    dom, complaints = dom_of(tmp_path / "index.html", tmp_path / "profile")
    assert not complaints
    found = re.search(r'<div id="area-answer".*?</section>', dom, re.S)[0]
    assert "Newtown (Z2)" in found
    assert "Hill &lt;b&gt;Library&lt;/b&gt;" in found
    assert "70.0 longer" in found
    assert "closes: S (2025)" in found
    assert dom.count('class="flow') == 2
    assert "1,000 visits a year, 5.0 minutes more" in dom
    assert "Hill <b>Library" not in dom
    data = json.loads(re.search(r'id="area-data">(.*?)</script>', html, re.S)[1])
    assert len(data["zones"]) == 2
