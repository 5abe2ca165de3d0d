"""Answers and results for several tests of the report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import answers

from placeopt.report import write_results


@pytest.fixture(scope="session")
def estate(tmp_path_factory):
    """(answer, folder of its results)."""
    answer, out = answers.estate_answer(), tmp_path_factory.mktemp("estate")
    write_results(answer, out)
    return answer, out


@pytest.fixture(scope="session")
def budget(tmp_path_factory):
    answer, out = answers.budget_answer(), tmp_path_factory.mktemp("budget")
    write_results(answer, out)
    return answer, out


@pytest.fixture(scope="session")
def infeasible(tmp_path_factory):
    answer, out = answers.infeasible_answer(), tmp_path_factory.mktemp("infeasible")
    write_results(answer, out)
    return answer, out
