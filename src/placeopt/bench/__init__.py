"""Measure engines on location problems so that a paper could cite it."""

from placeopt.bench.report import report
from placeopt.bench.run import ENGINES, run
from placeopt.bench.suites import SUITES, Case, suite

__all__ = ["ENGINES", "SUITES", "Case", "report", "run", "suite"]
