"""Measure engines on location, estate and budget problems so that a paper could cite it."""

from placeopt.bench.case import Case
from placeopt.bench.export import export
from placeopt.bench.results.report import report
from placeopt.bench.runner.run import run
from placeopt.bench.subjects.subject import ENGINES
from placeopt.bench.suites import SUITES, suite

__all__ = ["ENGINES", "SUITES", "Case", "export", "report", "run", "suite"]
