"""The page: self-contained, escaped, accurate, and rendered by a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import answers
import numpy as np
import pytest

from placeopt.engine import Status
from placeopt.report import draw_picture, write_results
from placeopt.report.narrative.narrative import describe
from placeopt.report.tables.sheets import all_sheets


class Reader(HTMLParser):
    """A parser that collects the URLs a browser would fetch, the number of scripts and the visible
    text."""

    def __init__(self, html):
        super().__init__()
        self.fetched, self.scripts, self.said, self._quiet = [], 0, [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self._quiet = tag in ("script", "style")
        self.scripts += tag == "script"
        for name in ("src", "srcset", "data", "poster", "action", "background"):
            if name in attrs:
                self.fetched.append(attrs[name])
        if "href" in attrs:
            self.fetched.append(attrs["href"])

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._quiet = False

    def handle_data(self, data):
        if not self._quiet:
            self.said.append(data)


def read(out):
    return Reader((out / "index.html").read_text(encoding="utf-8"))


def test_the_page_asks_nothing_of_the_internet(estate, budget, infeasible):
    for _, out in (estate, budget, infeasible):
        html = (out / "index.html").read_text(encoding="utf-8")
        page = Reader(html)
        for target in page.fetched:
            assert target.startswith(("#", "data:,")) or (out / target).exists(), target
        assert not re.search(r"url\((?!['\"]?(#|data:))", html)
        assert "sourceMappingURL" not in html
        assert "@import" not in html
        assert "default-src 'none'" in html


def test_hostile_names_are_shown_not_run(estate, budget, infeasible):
    for (_, out), scripts in ((estate, 4), (budget, 1), (infeasible, 1)):
        page = read(out)
        assert page.scripts == scripts
        assert answers.HOSTILE in "".join(page.said)


def test_the_picture_escapes_names_and_is_well_formed():
    from xml.etree import ElementTree

    answer = answers.estate_answer()
    info = replace(answer.place.info, name=answers.HOSTILE)
    svg = draw_picture(replace(answer, place=replace(answer.place, info=info)))
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_a_made_up_place_is_flagged_first_and_a_real_one_is_not(estate, tmp_path):
    assert "made-up place" in "".join(read(estate[1]).said).strip()[:400]
    write_results(answers.estate_answer(made_up=False), tmp_path)
    assert "made-up" not in "".join(read(tmp_path).said)


def test_proven_is_stated_only_if_it_is_proven():
    optimal = describe(answers.estate_answer(gap=0.004)).status_in_words
    assert optimal == (
        "Proven: a plan that keeps the rules can cost at most 0.40% less over the whole period."
    )
    assert describe(answers.estate_answer(gap=0.0)).status_in_words.startswith("Proven: no plan")
    limit = describe(answers.estate_answer(gap=0.034, status=Status.FEASIBLE)).status_in_words
    assert "not proven to be the best" in limit
    assert "up to 3.4%" in limit
    unknown = describe(answers.estate_answer(gap=np.inf, status=Status.INTERRUPTED)).status_in_words
    assert "no bound was found" in unknown
    assert "stopped by hand" in unknown
    weak = describe(answers.estate_answer(gap=1.43, status=Status.FEASIBLE)).status_in_words
    assert "no plan saves more than £2.6 million over the whole period" in weak, "2.0 + 0.645"
    assert "143" not in weak, "no plan costs 143 % less"


def test_residents_out_of_reach_of_a_service_are_stated():
    said = " ".join(describe(answers.estate_answer()).sentences)
    assert "1,000 residents can no longer reach" in said


def test_an_infeasible_page_says_what_clashes_and_what_gives(infeasible):
    text = "".join(read(infeasible[1]).said)
    assert "No plan can keep all these rules at once." in text
    assert "Everybody is within 5 minutes." in text
    assert "Allow 4 hubs." in text
    assert "What happens to each building" not in text


def test_every_chart_has_a_name_and_a_description(estate, budget):
    for _, out in (estate, budget):
        html = (out / "index.html").read_text(encoding="utf-8")
        charts = re.findall(r'<svg class="chart".*?</svg>', html, flags=re.S)
        assert len(charts) == 3
        assert all('role="img"' in c and "<desc>" in c and "aria-label" in c for c in charts)


NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)


def dom_of(path, profile):
    """The page's DOM after its scripts have run, and the browser's errors."""
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--enable-logging=stderr",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=3000",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(BROWSER is None, reason="no chromium to open the page with")
def test_a_browser_draws_the_map_without_a_complaint(estate, tmp_path):
    answer, out = estate
    dom, complaints = dom_of(out / "index.html", tmp_path)
    assert not complaints
    assert dom.count('class="leaflet-interactive"') >= len(answer.plan.zones)
    for word in ("pin-close", "pin-hub", "pin-keep", "pin-open"):
        assert word in dom
    assert "Takes in services or gets a tier" in dom
    assert "<script>alert" not in dom


@pytest.mark.skipif(BROWSER is None, reason="no chromium to open the page with")
def test_a_browser_opens_a_budget_without_a_complaint(budget, tmp_path):
    dom, complaints = dom_of(budget[1] / "index.html", tmp_path)
    assert not complaints
    assert "Outcomes against standards and targets" in dom


def test_an_empty_column_is_in_the_workbook_only(estate):
    sheet = all_sheets(estate[0])["buildings"]
    bare = replace(sheet, frame=sheet.frame.assign(tier_name="", why=None))
    shown, all_of_them = ({h.name for h in hs} for hs in (bare.on_page, bare.headings))
    assert "why" in all_of_them
    assert "why" not in shown
    assert "decision" in shown


def test_an_empty_building_is_described_as_given_up_not_closed():
    answer = answers.estate_answer()
    rows = answer.plan.buildings.assign(decision="close", status_before=["open", "vacant"] * 3)
    plan = replace(answer.plan, tables={**answer.plan.tables, "buildings": rows})
    said = all_sheets(replace(answer, plan=plan))["buildings"].frame["decision"]
    assert list(said) == ["Closes", "Given up"] * 3
