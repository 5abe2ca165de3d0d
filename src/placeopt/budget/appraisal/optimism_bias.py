"""Corrections for optimism bias by evidence grade, applied on the scenario's request.

    benefit x (1 - correction[grade]),   cost x (1 + correction[grade])

A number with its own correction keeps it. A number without grade or correction stays as it is and
is listed. The shipped corrections are ``optimism_bias.csv``; rows of a kind in a place's own table
``optimism_bias`` replace the shipped rows of that kind.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from placeopt.base.arrays import Floats
from placeopt.base.errors import Finding
from placeopt.place import Place


@cache
def shipped(kind: str) -> dict[int, float]:
    """Correction by grade, 1 best to 6 worst, for ``benefit`` or ``cost``."""
    text = (files("placeopt.budget.appraisal") / "optimism_bias.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {
        int(row["grade"]): float(row["correction_share"])
        for row in csv.DictReader(lines)
        if row["kind"] == kind
    }


def by_grade(place: Place | None, kind: str) -> dict[int, float]:
    """The place's own corrections of this kind, or the shipped ones where it has none."""
    if place is None:
        return shipped(kind)
    rows = place.optimism_bias[place.optimism_bias["kind"] == kind]
    own_corrections = dict(
        zip(rows["grade"].astype(int), rows["correction_share"].astype(float), strict=True)
    )
    return own_corrections or shipped(kind)


def corrections(
    grades: Iterable[Any],
    own_corrections: Iterable[float],
    table: dict[int, float],
    *,
    applies: bool,
) -> Floats:
    """The correction of each number: its own, else its grade's, else 0; all 0 unless asked for."""
    if not applies:
        return np.zeros(len(list(grades)))
    return np.array(
        [
            given if not np.isnan(given) else (0.0 if pd.isna(grade) else table[int(grade)])
            for grade, given in zip(grades, own_corrections, strict=True)
        ],
        float,
    )


def without_grade(place: Place) -> list[Finding]:
    """Warnings for numbers of the budget's evidence that have no grade."""
    findings = []
    for table, key in (
        ("curves", ["programme_id", "outcome_id"]),
        ("benefits", ["benefit_id"]),
        ("unit_costs", ["code"]),
        ("evidence_pairs", ["programme_id", "outcome_id", "observation"]),
        ("appraisal_costs", ["cost_id"]),
        ("appraisal_benefits", ["benefit_id"]),
    ):
        rows = place.tables[table]
        missing = rows["grade"].isna()
        if "correction_share" in rows:
            missing &= rows["correction_share"].isna()
        for row in rows.index[missing]:
            name = ", ".join(str(rows.at[row, column]) for column in key)
            message = f"{name} has no evidence grade, so nothing corrects it for optimism"
            remedy = "give a grade from 1 (best) to 6 (worst)"
            findings.append(
                Finding("warning", f"{table}.csv", int(row) + 2, "grade", "", message, remedy)
            )
    return findings
