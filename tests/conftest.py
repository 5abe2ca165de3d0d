"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SLOW = {  # files of tests that solve whole questions or start programs: not in the fast run
    *("test_cli", "test_docs", "test_killed", "test_readme", "test_repeats", "test_rutland"),
    *("base/test_compiled", "bench/test_bench", "bench/test_subjects", "engine/test_interrupt"),
    *(
        f"budget/test_{name}"
        for name in (
            *("agreement", "bounds", "capital", "counterfactual", "families", "least_money"),
            *("levels", "over_years", "paths", "rules", "shipped", "verify_years", "year_on"),
            *("years_oracle", "counting", "decompose", "uncertainty", "relaxing"),
        )
    ),
    *(
        f"estate/test_{name}"
        for name in (
            *("agreement", "closures", "explain", "reassignment", "relaxing", "rules_years"),
            *("scale", "scale_behaviour", "shipped", "strengthen", "verify", "verify_figures"),
            *("verify_years", "years", "years_agreement", "years_returns", "whole_life"),
        )
    ),
    *("location/test_capacities", "location/test_enumeration", "location/test_known"),
    *("location/test_early_ends", "models/test_classical"),
    *("place/test_importer", "place/test_ranges", "place/test_round_trip", "place/test_slips"),
    *("place/test_large", "place/test_synth", "place/test_outlines"),
    *("report/test_live_costs", "report/test_reach", "report/test_results"),
    *("report/test_sentences", "report/test_page", "report/test_closures"),
    *("scenario/test_planted_faults", "scenario/test_positions"),
    *("travel/test_command", "travel/test_feeds", "travel/test_rutland", "travel/test_transit"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that the fast run leaves out: whole files, and the type check of all source.
    The longest tests run first, so that none runs alone at the end."""
    folder = Path(__file__).parent
    items.sort(key=lambda item: item.path.name != "test_readme.py")
    for item in items:
        file = str(item.path.relative_to(folder).with_suffix(""))
        if file in SLOW or item.name.endswith("[mypy]"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real places, instances and cases outside this project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared (real places, instances and cases, not part of the project)")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the places that ship with the software."""
    return ROOT / "data"


@pytest.fixture(autouse=True)
def _threads_of_highs_are_let_go() -> Iterator[None]:
    """HiGHS keeps its pool of threads for a process and then refuses another number of them."""
    yield
    if "highspy" in sys.modules:
        sys.modules["highspy"].Highs.resetGlobalScheduler(True)


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_reaches_the_children() -> None:
    """A shell that runs the tests in its background has them, and all they start, ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
