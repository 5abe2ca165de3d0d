"""Answer one question about one place: check, measure, solve, verify and stamp."""

from placeopt.study.answer import solve

__all__ = ["solve"]
