"""The budget rules about change from year to year: pace (B5), prevention (B6), reinvestment (B7),
continuity (B13)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from placeopt.scenario.rules.budget.base import BudgetRule, join_names
from placeopt.scenario.rules.ids import ProgrammeId


class Pace(BudgetRule):
    """(B5) Limits on yearly changes of programmes; notice periods; double running of units."""

    name: ClassVar[str] = "pace"
    number: ClassVar[str] = "B5"
    equation: ClassVar[str] = (
        "spend[p,t-1] (1 - cut) <= spend[p,t] <= spend[p,t-1] (1 + rise), where year 0 is the "
        "base year; spend[p,t] >= before[p] for t within notice_years[p]; units[p,t] x "
        "unit_capacity[p] >= demand[o,t-k] for k = 0..double_running_years"
    )

    largest_cut_share: float | None = Field(
        None,
        ge=0,
        le=1,
        description="largest cut in a year, as a share of the year before's spending",
    )
    largest_rise_share: float | None = Field(
        None,
        ge=0,
        le=1000,
        description="largest rise in a year, as a share of the year before's spending",
    )
    exempt: tuple[ProgrammeId, ...] = Field(
        (),
        description="ids of programmes that may change faster; a programme without spending in "
        "the base year always may",
    )
    notice: bool = Field(
        True,
        description="whether notice_years in the programmes table apply (also to exempt "
        "programmes)",
    )
    double_running_years: int = Field(
        0,
        ge=0,
        le=10,
        description="years for which units (table provision) stay open after demand no longer "
        "needs them",
    )

    @model_validator(mode="after")
    def _check_any_given(self) -> Pace:
        if not self.model_fields_set - {"rule", "exempt"}:
            raise ValueError("give largest_cut_share, largest_rise_share or both")
        return self

    def sentence(self, names: dict[str, str] | None = None) -> str:
        parts = []
        if self.largest_cut_share is not None:
            parts.append(f"loses more than {self.largest_cut_share:.1%}")
        if self.largest_rise_share is not None:
            parts.append(f"gains more than {self.largest_rise_share:.1%}")
        text = f"No programme {' or '.join(parts)} of its spending in the year"
        if not parts:
            text = "Programmes are given the notice that they must be given"
        if self.exempt:
            text += f", except {join_names(self.exempt, names)}"
        if self.double_running_years:
            years = self.double_running_years
            text += f"; units run on for {years} year{'s' if years > 1 else ''} beside the new"
        return text + "."


class Prevention(BudgetRule):
    """(B6) Money is freed only in whole units, once demand no longer needs them.

    Prevention lowers demand through its curves, with their lag; a reactive programme's units
    (wards, teams; table provision) follow demand down, and its spending follows its units.
    """

    name: ClassVar[str] = "prevention"
    number: ClassVar[str] = "B6"
    equation: ClassVar[str] = (
        "units[p,t] x unit_capacity[p] >= demand[o,t], units[p,t] integer; spend[p,t] >= "
        "before[p] - (units_today[p] - units[p,t]) x unit_cost[p]; closing_cost[p] is paid for "
        "each unit in the year it closes; units_today = demand today / unit_capacity, rounded up"
    )
    implied: ClassVar[bool] = True

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return (
            "Where a programme runs whole units, as many are kept as demand needs, and money is "
            "freed only when a whole unit closes."
        )


class Reinvestment(BudgetRule):
    """(B7) A share of savings goes into prevention."""

    name: ClassVar[str] = "reinvestment"
    number: ClassVar[str] = "B7"
    equation: ClassVar[str] = (
        "sum over preventive p of (spend[p,t] - before[p]) >= share x max(0, sum over other p of "
        "(do_nothing[p,t] - spend[p,t])); do_nothing[p,t] = before[p], growing with its demand if "
        "provision names one"
    )

    share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="least share of a year's savings that goes to preventive programmes",
    )

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return (
            f"At least {self.share:.1%} of what other programmes save in a year is spent on "
            "prevention, on top of what is spent on it today."
        )


class Continuity(BudgetRule):
    """(B13) Contracted spending stays, and past years keep their actual spending."""

    name: ClassVar[str] = "continuity"
    number: ClassVar[str] = "B13"
    equation: ClassVar[str] = (
        "spend[p,t] >= contracted[p,t]; spend[p,t] = actual[p,t] where a year is past (table "
        "commitments)"
    )
    implied: ClassVar[bool] = True

    def sentence(self, names: dict[str, str] | None = None) -> str:
        return "What is already contracted is paid, and years that are past are as they were."
