"""One question asked of one place: checked, measured, solved, verified and stamped."""

from placeopt.study.answer import solve

__all__ = ["solve"]
