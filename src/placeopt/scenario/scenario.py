"""The question asked of a place: objective, rules, travel and solver settings, all typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from placeopt.scenario.rules import Problem, Rule


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Objective(_Section):
    """What to make small (inside, always minimised), one after another."""

    minimise: tuple[str, ...] = Field(
        ("cost",), description="objectives in order; the first matters most"
    )
    slack: tuple[float, ...] = Field(
        (), description="share by which each objective but the last may get worse for the next"
    )


class TravelSettings(_Section):
    """Where minutes come from."""

    method: Literal["crow_fly", "streets", "matrix"] = "crow_fly"
    modes: tuple[str, ...] = ("walk", "drive")
    cutoff_minutes: float = Field(120.0, gt=0)
    detour: float = Field(1.3, ge=1, description="street length over crow-fly length")
    speeds_kmh: dict[str, float] = Field(default_factory=dict)
    file: str | None = Field(None, description="matrix or street file, relative to the place")


class SolverSettings(_Section):
    """Which engine, for how long, to what gap."""

    engine: str = "highs"
    time_limit_seconds: float = Field(300.0, gt=0)
    gap: float = Field(0.001, ge=0, description="relative gap at which to stop")
    threads: int = Field(2, ge=1)
    seed: int = Field(1, ge=0)


class Money(_Section):
    """How costs over years are summed (HM Treasury Green Book conventions)."""

    appraisal_years: int = Field(30, ge=1, le=125)
    discount_rate: float = Field(0.035, ge=0, lt=1, description="real, for the first 30 years")


class Scenario(_Section):
    """One question asked of one place."""

    question: str
    place: str = "."  # relative to the scenario's file
    problem: Problem
    year: int | None = None  # the year decided for; by default the last year of spending data
    objective: Objective = Objective()
    rules: tuple[SerializeAsAny[Rule], ...] = ()  # those written and those implied
    drop: tuple[str, ...] = ()  # names of implied rules that are not in force
    travel: TravelSettings = TravelSettings()
    money: Money = Money()
    solver: SolverSettings = SolverSettings()
    path: Path | None = Field(None, exclude=True)  # the file it was read from

    def of(self, kind: type[Rule]) -> list[Any]:
        """The scenario's rules of one kind, in the order given."""
        return [rule for rule in self.rules if isinstance(rule, kind)]

    def without(self, position: int) -> Scenario:
        """The same question without the rule at one position; for explanations."""
        rules = self.rules[:position] + self.rules[position + 1 :]
        return self.model_copy(update={"rules": rules})
