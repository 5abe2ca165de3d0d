"""Find the subject that makes, solves and checks a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.bench.subjects.subject import Subject

if TYPE_CHECKING:
    from placeopt.bench.case import Case


def subject_of(case: Case) -> Subject:
    """The subject of a case, imported when used."""
    if case.kind == "estate":
        from placeopt.bench.subjects.estate import EstateCases

        return EstateCases()
    if case.kind == "budget":
        from placeopt.bench.subjects.budget import BudgetCases

        return BudgetCases()
    from placeopt.bench.subjects.location import LocationCases

    return LocationCases()
