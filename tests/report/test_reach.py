"""Maps of reach on the page: colours and residents agree with ``placeopt.travel.reach``."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import answers
import numpy as np
import pytest
from test_page import BROWSER, dom_of

from placeopt.report.charts.palette import BAND_COLOURS
from placeopt.report.narrative.narrative import describe
from placeopt.report.page.page import render_page
from placeopt.report.page.reach import MAX_ZONES, reach_choices, reach_maps, reach_modes
from placeopt.report.tables.sheets import all_sheets
from placeopt.travel import bands, zone_bands
from placeopt.travel.reach import band_names

NAMES = [*band_names((10, 20, 30, 45, 60)), "not reached"]
BOTH = ("before", "after")


def page(answer):
    return render_page(answer, describe(answer), all_sheets(answer), [])


def hosts_of(answer, service, when):
    services = answer.plan.tables["services"]
    return list(services.loc[(services["service_id"] == service) & services[when], "building_id"])


def tables_under_maps(html):
    """(service, mode, when) -> residents by band, in the order of the page."""
    section = re.search(r'<section aria-labelledby="h-reach".*?</section>', html, re.S).group(0)
    found = {}
    for figure in re.findall(r"<figure>.*?</figure>", section, re.S):
        mode, when = re.search(r'data-map="(\w+)-(\w+)"', figure).groups()
        for key, table in re.findall(r'data-reach="(\w+)".*?<tbody>(.*?)</tbody>', figure, re.S):
            cells = re.findall(r'</th><td class="num">([\d,]+)</td>', table)
            found[key, mode, when] = [float(cell.replace(",", "")) for cell in cells]
    return found


def maps(html):
    """mode-when -> the parsed map."""
    found = re.findall(r'<svg class="reach-map".*?</svg>', html, re.S)
    return {(svg := ElementTree.fromstring(text)).get("data-map"): svg for text in found}


def colours(svg):
    return [zone.get("fill") for zone in svg.find("g")]


def colours_expected(answer, service, mode, when):
    named = zone_bands(answer.times, hosts_of(answer, service, when), modes=[mode])
    return [BAND_COLOURS[NAMES.index(name)] for name in named]


def test_residents_under_every_map_are_those_of_the_travel_room(estate):
    answer, out = estate
    told = tables_under_maps((out / "index.html").read_text(encoding="utf-8"))
    assert len(told) == 2 * 2 * 2
    for (service, mode, when), residents in told.items():
        expected = bands(answer.place, answer.times, hosts_of(answer, service, when), modes=[mode])
        assert residents == expected["residents"].tolist()
        assert sum(residents) == answer.place.zones["population"].sum()


def test_zones_have_the_colour_of_their_band_without_a_script(estate):
    answer, out = estate
    html = (out / "index.html").read_text(encoding="utf-8")
    drawn = maps(html)
    assert list(drawn) == ["walk-before", "walk-after", "drive-before", "drive-after"]
    for name, svg in drawn.items():
        mode, when = name.split("-")
        assert colours(svg) == colours_expected(answer, "library", mode, when)
        assert svg.find("title").text
        assert "Library. Residents: 0 to 10 minutes" in svg.find("desc").text
        for zone in svg.find("g"):
            assert html.count(f'id="{zone.get("href")[1:]}"') == 1
    assert colours(drawn["walk-before"])[-1] == BAND_COLOURS[-1]  # the last zone reaches nothing


def test_a_service_without_hosts_is_out_of_reach(estate):
    told = tables_under_maps((estate[1] / "index.html").read_text(encoding="utf-8"))
    assert told["clinic", "walk", "after"][:-1] == [0.0] * (len(NAMES) - 1)
    assert told["clinic", "walk", "before"][0] > 0


def with_services(answer, before, after):
    """The answer with a number of the two services in every building before and after."""
    services = answer.plan.tables["services"].copy()
    number = services.groupby("building_id").cumcount()
    for column, most in (("before", before), ("after", after)):
        services[column] = number < services["building_id"].map(most).fillna(0)
    tables = {**answer.plan.tables, "services": services}
    return replace(answer, plan=replace(answer.plan, tables=tables))


def test_hubs_are_compared_with_buildings_as_large_today():
    answer = with_services(answers.estate_answer(), {"B2": 2, "B3": 1}, {"B1": 2, "B2": 1, "B3": 2})
    hubs = reach_choices(answer)[0]
    assert (hubs.key, hubs.before, hubs.after) == ("hubs", ("B2",), ("B1", "B3"))
    assert (
        "2 or more services under one roof, as the building that takes in services"
        in hubs.description
    )
    assert "1 such building today, 2 such buildings in the plan" in hubs.description


def test_hubs_come_last_without_comparable_buildings_today():
    answer = with_services(answers.estate_answer(), {"B2": 1}, {"B1": 2})
    assert [choice.key for choice in reach_choices(answer)] == ["library", "clinic", "hubs"]
    assert "none today, 1 such building in the plan" in reach_choices(answer)[-1].description
    alone = with_services(answers.estate_answer(), {"B2": 1}, {"B1": 1})
    assert [choice.key for choice in reach_choices(alone)] == ["library", "clinic"]


def test_the_largest_difference_is_stated():
    answer = answers.estate_answer()
    on_foot = dict(reach_maps(answer)["modes"][0]["sentences"])
    assert on_foot["library"] == "As many residents are in each band in the plan as today on foot."
    assert on_foot["clinic"].endswith("minutes today, 0% in the plan.")


def test_a_mode_that_is_not_drawn_is_named():
    answer = answers.estate_answer()
    scenario = answer.scenario
    travel = scenario.travel.model_copy(update={"modes": ("drive", "transit", "walk")})
    asked = replace(answer, scenario=scenario.model_copy(update={"travel": travel}))
    assert reach_modes(asked) == ["walk", "drive"]
    assert "Measured too, but not drawn here: by public transport." in reach_maps(asked)["notes"]


def test_a_large_place_needs_no_second_copy_of_its_minutes():
    import tracemalloc

    answer = answers.large_answer(zones=35_000, buildings=5_000)  # 1.4 GB a mode, were they dense
    tracemalloc.start()
    try:
        assert reach_maps(answer) is not None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6


def test_too_many_zones_are_counted_but_not_drawn():
    html = page(answers.estate_answer(zones=MAX_ZONES + 1))
    assert "zones are too many for small maps" in html
    assert 'class="reach-map"' not in html
    assert 'class="bands"' in html


def test_the_page_stays_small_and_zones_without_borders_are_dots():
    answer = answers.estate_answer(zones=150)
    assert len(page(answer).encode()) < 2_000_000
    dots = page(replace(answer, place=replace(answer.place, boundaries=None)))
    assert dots.count('<circle id="rz') == 150


def test_without_minutes_there_is_no_section():
    answer = answers.estate_answer()
    assert 'id="h-reach"' not in page(replace(answer, times=None))


def test_a_hostile_name_of_a_service_is_shown_not_run():
    answer = answers.estate_answer()
    names = answer.place.services.assign(name=[answers.HOSTILE, "Clinic"])
    place = replace(answer.place, tables={**answer.place.tables, "services": names})
    html = page(replace(answer, place=place))
    assert "<script>alert" not in html
    assert len(maps(html)) == 4


@pytest.mark.skipif(BROWSER is None, reason="no chromium to open the page with")
def test_a_browser_recolours_the_maps_for_the_service_chosen(estate, tmp_path):
    answer, out = estate
    choose = (
        "<script>var s=document.getElementById('reach-choice');s.value='clinic';"
        "s.dispatchEvent(new Event('change'));</script></body>"
    )
    copy = tmp_path / "page.html"
    html = (out / "index.html").read_text(encoding="utf-8")
    copy.write_text(html.replace("</body>", choose), encoding="utf-8")
    dom, complaints = dom_of(copy, tmp_path / "profile")
    assert not complaints
    drawn = maps(dom)
    assert len(drawn) == 4
    for name, svg in drawn.items():
        mode, when = name.split("-")
        assert colours(svg) == colours_expected(answer, "clinic", mode, when)
        assert svg.find("desc").text.startswith("Clinic.")
    assert maps(dom)["walk-after"].find("path[@class='dots']").get("d") == ""
    section = re.search(r'<section aria-labelledby="h-reach".*?</section>', dom, re.S).group(0)
    shown = re.findall(r'data-reach="(\w+)"(?! hidden)', section)
    assert set(shown) == {"clinic"}
    assert len(shown) == 1 + 2 + 4
    assert '<p class="reach-pick no-print">' in section
    assert np.isfinite(answer.times.cutoff_minutes)
