"""Formats of money in words, in tables and in workbooks."""

from __future__ import annotations

from placeopt.scenario.wording import pounds, pounds_in_words

__all__ = ["EXCEL_GBP", "pounds", "pounds_in_words"]

EXCEL_GBP = "[$£-809]#,##0;[Red]-[$£-809]#,##0;[$£-809]0"
