"""The page: self-contained, safe against hostile names, and drawn in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.report.conftest import HOSTILE, Written


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs chromium on the PATH to open the page")
    return found


def dom_of(chromium: str, page: Path, profile: Path) -> str:
    """The page's elements after its scripts have run."""
    quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-sync",
        *quiet,
        f"--user-data-dir={profile}",
        "--virtual-time-budget=5000",
        "--dump-dom",
        page.resolve().as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("problem", ["estate", "budget", "infeasible"])
def test_a_page_asks_nothing_of_the_internet(problem: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(problem)
    page = (written.folder / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'src\s*=\s*["\']?(?:https?:)?//', page)
    assert not re.search(r"url\(\s*['\"]?https?:|@import", page)
    assert "<link" not in page
    assert "fetch(" not in page.split("<script>")[-1]
    assert len(page) < 2_000_000


@pytest.mark.parametrize("problem", ["estate", "budget", "infeasible"])
def test_hostile_names_stay_text(problem: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(problem)
    page = (written.folder / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert HOSTILE not in page
    assert "&lt;script&gt;alert" in page


def test_a_made_up_place_says_so_on_its_page(estate: Written) -> None:
    page = (estate.folder / "index.html").read_text(encoding="utf-8")
    assert "made-up place" in page
    assert "This place is made up." in page


def test_the_proof_claims_no_more_than_the_bound(estate: Written) -> None:
    from placeopt.report.summary import proof

    result = estate.answer.result
    words = proof(estate.answer)
    share = re.search(r"more than ([\d.e-]+) % better", words)
    if share is None:
        assert result.gap <= 1e-6
    else:
        assert float(share[1]) / 100 == pytest.approx(result.gap, rel=0.1)


def test_a_browser_draws_map_zones_and_buildings(
    estate: Written, chromium: str, tmp_path: Path
) -> None:
    dom = dom_of(chromium, estate.folder / "index.html", tmp_path)
    plan = estate.answer.plan
    assert plan is not None
    assert dom.count("leaflet-interactive") >= len(plan.zones) + len(plan.buildings)
    assert dom.count('class="leaflet-marker-icon') == len(plan.buildings)
    assert 'aria-pressed="true"' in dom


def test_a_browser_opens_the_budget_page(budget: Written, chromium: str, tmp_path: Path) -> None:
    dom = dom_of(chromium, budget.folder / "index.html", tmp_path)
    assert "Spending by programme" in dom
    assert dom.count("<tr>") > len(budget.answer.plan.spending)  # type: ignore[union-attr]


def test_a_browser_opens_the_page_of_an_answer_without_a_plan(
    infeasible: Written, chromium: str, tmp_path: Path
) -> None:
    dom = dom_of(chromium, infeasible.folder / "index.html", tmp_path)
    assert "What would have to give" in dom
    assert 'id="map"' not in dom
