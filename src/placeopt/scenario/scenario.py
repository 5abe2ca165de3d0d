"""The question asked of a place: objective, rules, travel and solver settings, all typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from placeopt.scenario.objectives import DEFAULT_OBJECTIVE, OBJECTIVES
from placeopt.scenario.rules import Problem, Rule

# The names that engine/registry.py registers; a test keeps the two alike.
ENGINES = (
    *("highs", "cbc", "cp-sat", "scip", "glop", "pdlp"),
    *("gurobi", "cplex", "copt", "xpress"),
)


def is_engine(name: str) -> bool:
    """Whether ``name`` is a registered engine, or a solver of PuLP's written ``pulp:NAME``."""
    return name in ENGINES or (name.startswith("pulp:") and len(name) > len("pulp:"))


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
    weights: dict[str, Annotated[float, Field(gt=0, le=1e9)]] = Field(
        default_factory=dict,
        description='for "weighted": what one unit of each objective named counts for, in GBP (of '
        "an estate: of cost, of a minute a year, of a building, of a tonne a year, of a minute; of "
        "a budget: of a weighted range, of a range, of money, of money moved)",
    )

    @model_validator(mode="after")
    def _one_slack_for_each_but_the_last(self) -> Objective:
        if not self.minimise:
            raise ValueError("nothing to minimise; name at least one objective")
        if len(set(self.minimise)) < len(self.minimise):
            raise ValueError("an objective stands twice; name each once")
        if self.slack and len(self.slack) != len(self.minimise) - 1:
            raise ValueError(
                f"{len(self.slack)} slacks for {len(self.minimise)} objectives; "
                f"give {len(self.minimise) - 1}, one for each objective but the last, or none"
            )
        if any(slack < 0 for slack in self.slack):
            raise ValueError("a slack is below 0; give shares such as 0.02")
        if bool(self.weights) != ("weighted" in self.minimise):
            raise ValueError('weights and the objective "weighted" go together; give both')
        return self


class TravelSettings(_Section):
    """Where minutes come from."""

    method: Literal["crow_fly", "streets", "matrix"] = "crow_fly"
    modes: tuple[str, ...] = Field(("walk", "drive"), min_length=1)
    cutoff_minutes: float = Field(120.0, gt=0)
    detour: float = Field(1.3, ge=1, description="street length over crow-fly length")
    speeds_kmh: dict[str, float] = Field(default_factory=dict)
    file: str | None = Field(None, description="matrix or street file, relative to the place")


class SolverSettings(_Section):
    """Which engine, for how long, to what gap."""

    engine: str = "highs"
    time_limit_seconds: float = Field(300.0, gt=0)
    gap: float = Field(0.001, ge=0, lt=1, description="relative gap at which to stop: 0.01 is 1 %")
    threads: int = Field(2, ge=1)
    seed: int = Field(1, ge=0)


class Money(_Section):
    """How costs over years are summed (HM Treasury Green Book conventions)."""

    appraisal_years: int = Field(30, ge=1, le=125)
    discount_rate: float = Field(0.035, ge=0, lt=1, description="real, for the first 30 years")
    benefit_years: int | None = Field(
        None,
        ge=1,
        le=60,
        description="years over which a budget's outcomes and benefits are counted, from the "
        "first decided year; at least the decided years, which is the default",
    )
    optimism_bias: bool = Field(
        False, description="lower benefits by the correction of their evidence grade"
    )
    works_optimism_bias: bool = Field(
        False,
        description="raise fit-out, the set-up of a tier and required maintenance of a building by "
        "the share of its kind of works in works_optimism_bias",
    )
    carbon_values: bool = Field(
        False,
        description="price the carbon of open buildings in the net present cost, in the years of "
        "the appraisal that carbon_values states",
    )


class Scenario(_Section):
    """One question asked of one place."""

    question: str = Field(min_length=1, description="what is asked, as a sentence")
    place: str = "."  # relative to the scenario's file
    problem: Problem
    year: int | None = Field(  # by default the last year of spending data
        None, ge=1900, le=2200, description="the year decided for, the first one of several"
    )
    years: int = Field(1, ge=1, le=20, description="how many years are decided, from year on")
    objective: Objective = Objective()
    rules: tuple[SerializeAsAny[Rule], ...] = ()  # those written and those implied
    drop: tuple[str, ...] = ()  # names of implied rules that are not in force
    travel: TravelSettings = TravelSettings()
    money: Money = Money()
    solver: SolverSettings = SolverSettings()
    path: Path | None = Field(None, exclude=True)  # the file it was read from

    @model_validator(mode="after")
    def _objective_of_the_problem(self) -> Scenario:
        default = DEFAULT_OBJECTIVE.get(self.problem)
        if default and "minimise" not in self.objective.model_fields_set:
            object.__setattr__(self, "objective", Objective(minimise=(default,)))
        known = OBJECTIVES[self.problem].keys() - {"weighted"}
        if unknown := [name for name in self.objective.weights if name not in known]:
            raise ValueError(f"{unknown[0]!r} is no objective of {self.problem}: it has no weight")
        appraised = self.money.appraisal_years
        if self.problem == "estate" and self.years > appraised:
            raise ValueError(
                f"{self.years} years are decided and {appraised} appraised; "
                "give money.appraisal_years of at least years"
            )
        return self

    @property
    def place_path(self) -> Path:
        """Where the place is: ``place``, seen from the scenario's own file."""
        return (self.path.parent if self.path else Path()) / self.place

    def of(self, kind: type[Rule]) -> list[Any]:
        """The scenario's rules of one kind, in the order given."""
        return [rule for rule in self.rules if isinstance(rule, kind)]

    def without(self, position: int) -> Scenario:
        """The same question without the rule at one position; for explanations."""
        rules = self.rules[:position] + self.rules[position + 1 :]
        return self.model_copy(update={"rules": rules})
