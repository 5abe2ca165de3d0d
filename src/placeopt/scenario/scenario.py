"""The typed scenario: question, objective, rules, travel and solver settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from placeopt.base.errors import Finding, ScenarioError
from placeopt.scenario.combined_faults import combined_faults, is_engine
from placeopt.scenario.faults import MADE_IN_PYTHON, Origin, TomlFile
from placeopt.scenario.implied_rules import missing_implied
from placeopt.scenario.objectives import DEFAULT_OBJECTIVE
from placeopt.scenario.question import is_yes_or_no
from placeopt.scenario.ranges import Kmh, Minutes, Seed, Year
from placeopt.scenario.rules.rule import RULES, Problem, Rule
from placeopt.scenario.section import Section, to_plain_values

__all__ = [
    "Money",
    "Objective",
    "Scenario",
    "SolverSettings",
    "TravelSettings",
    "is_engine",
]


class Objective(Section):
    """What to minimise, in order."""

    section: ClassVar[str] = "objective"

    minimise: tuple[str, ...] = Field(
        ("cost",),
        description="objectives in order; the first has priority. An estate's scenario without it "
        "minimises cost and then, with the buildings, tiers and hosts found, visit "
        "minutes for at most 0.5 % of the cost and a tenth of the saving (not where "
        "residents choose their hosts)",
    )
    slack: tuple[Annotated[float, Field(le=1000)], ...] = Field(
        (), description="share by which each objective but the last may get worse for the next"
    )
    weights: dict[str, Annotated[float, Field(gt=0, le=1e9)]] = Field(
        default_factory=dict,
        description='for "weighted": value in GBP of one unit of each named objective (estate: of '
        "cost, a minute a year, a building, a tonne a year, a minute; budget: of a "
        "weighted range, a range, money, money moved)",
    )

    @model_validator(mode="after")
    def _check_slack(self) -> Objective:
        if not self.minimise:
            raise ValueError("nothing to minimise; name at least one objective")
        if len(set(self.minimise)) < len(self.minimise):
            raise ValueError("minimise names an objective twice; name each once")
        if self.slack and len(self.slack) != len(self.minimise) - 1:
            raise ValueError(
                f"slack has {len(self.slack)} for {len(self.minimise)} objectives; "
                f"give {len(self.minimise) - 1}, one for each objective but the last, or none"
            )
        if any(slack < 0 for slack in self.slack):
            raise ValueError("slack is below 0; give shares such as 0.02")
        if bool(self.weights) != ("weighted" in self.minimise):
            raise ValueError('weights and "weighted" in minimise go together; give both')
        return self


class TravelSettings(Section):
    """Where minutes come from."""

    section: ClassVar[str] = "travel"

    method: Literal["crow_fly", "streets", "matrix"] = "crow_fly"
    modes: tuple[str, ...] = Field(("walk", "drive"), min_length=1)
    cutoff_minutes: Minutes = 120.0
    detour: float = Field(1.3, ge=1, le=100, description="street length over straight-line length")
    speeds_kmh: dict[str, Kmh] = Field(default_factory=dict)
    file: str | None = Field(None, description="matrix or street file, relative to the place")


class SolverSettings(Section):
    """Which engine, for how long, to what gap."""

    section: ClassVar[str] = "solver"

    engine: str = "highs"
    time_limit_seconds: float = Field(300.0, gt=0, le=31_536_000)
    gap: float = Field(0.001, ge=0, lt=1, description="relative gap at which to stop: 0.01 is 1 %")
    threads: int = Field(2, ge=1, le=256)
    seed: Seed = 1


class Money(Section):
    """How costs over years are summed (HM Treasury Green Book conventions)."""

    section: ClassVar[str] = "money"

    appraisal_years: int = Field(30, ge=1, le=125)
    discount_rate: float = Field(0.035, ge=0, lt=1, description="real, for the first 30 years")
    benefit_years: int | None = Field(
        None,
        ge=1,
        le=60,
        description="years over which a budget's outcomes and benefits are counted, from the "
        "first decided year; at least the decided years; by default the decided years, the largest "
        "lag and as many more until 95 % of the longest effect is felt, at most 20 more",
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


class AnswerSettings(Section):
    """How the answer begins."""

    section: ClassVar[str] = "answer"

    lead: tuple[str, ...] = Field(
        (),
        description="figures with which the answer begins, in order: keys of facts in "
        "summary.json; empty means tiers, alternatives, whole units and agencies, "
        "where the plan has them",
    )
    yes_or_no: bool | None = Field(
        None,
        description="whether the answer begins with yes or no; empty means by the wording of the "
        "question",
    )
    compare_with: str = Field(
        "",
        description="a scenario file, relative to this one, to compare with, for the same place: "
        "it is solved too, within its own time limit, and the answer begins with the "
        "difference",
    )


class Scenario(Section):
    """One question asked of one place.

    Made in Python or read from a file, it is checked in the same way: the implied rules are added
    unless ``drop`` names them or a rule of their name is given, and all faults are reported at
    once.

    Raises:
        ScenarioError: With every fault: key, value and what would be right.
    """

    combined_fields: ClassVar[tuple[str, ...]] = ("rules",)

    question: str = Field(min_length=1, description="the question, as a sentence")
    place: str = "."  # relative to the scenario's file
    problem: Problem
    year: Year | None = Field(  # by default the last year of spending data
        None, description="the first decided year"
    )
    years: int = Field(1, ge=1, le=20, description="number of decided years, from year on")
    objective: Objective = Objective()
    rules: tuple[SerializeAsAny[Rule], ...] = ()  # those written and those implied
    drop: tuple[str, ...] = ()  # names of implied rules that are not in force
    travel: TravelSettings = TravelSettings()
    money: Money = Money()
    solver: SolverSettings = SolverSettings()
    answer: AnswerSettings = AnswerSettings()
    path: Path | None = Field(None, exclude=True, strict=False)  # the file it was read from

    @classmethod
    def combined_faults_of(cls, values: Mapping[str, Any]) -> list[Finding]:
        """Faults of the scenario as a whole; see ``combined_faults``."""
        written = {name: value if name == "rules" else to_plain_values(value)
                   for name, value in values.items()}  # fmt: skip
        return combined_faults(written, TomlFile(MADE_IN_PYTHON.name, written, {}))

    @field_validator("rules", mode="before")
    @classmethod
    def _parse_tables(cls, rules: Any, info: ValidationInfo) -> Any:
        """Convert rules given as tables to their types; anything else is left for the type
        check."""
        problem = info.data.get("problem")
        if not isinstance(rules, list | tuple) or problem is None:
            return rules
        kinds = [RULES.get((problem, str(rule.get("rule")))) if isinstance(rule, dict) else None
                 for rule in rules]  # fmt: skip
        return tuple(
            rule if kind is None else kind.model_validate(rule)
            for rule, kind in zip(rules, kinds, strict=True)
        )

    @model_validator(mode="after")
    def _set_default_objective(self) -> Scenario:
        default = DEFAULT_OBJECTIVE.get(self.problem)
        written = "minimise" in self.objective.model_fields_set
        if default and not written and self.objective.minimise != (default,):
            object.__setattr__(self, "objective", Objective(minimise=(default,)))
        appraised = self.money.appraisal_years
        if self.problem == "estate" and self.years > appraised:
            raise ValueError(
                f"{self.years} years are decided and {appraised} appraised; "
                "give money.appraisal_years of at least years"
            )
        return self

    @model_validator(mode="after")
    def _add_implied_rules(self) -> Scenario:
        if found := self.combined_faults_of(dict(self)):
            raise ScenarioError(found, "faults in the scenario")
        names = {rule.name for rule in self.rules}
        drop = tuple(dict.fromkeys(name for name in self.drop if name not in names))
        implied = missing_implied(self.problem, self.rules, drop)
        object.__setattr__(self, "drop", drop)
        placed, position = [], 0
        for rule in self.rules:
            if type(rule).implied and rule == type(rule)():  # of a scenario that is copied
                placed.append(rule)
                continue
            is_read = bool(rule.origin.source.lines)
            placed.append(rule if is_read else rule.placed(Origin(path=("rules", position))))
            position += 1
        object.__setattr__(self, "rules", (*implied, *placed))
        return self

    @property
    def yes_or_no(self) -> bool:
        """Whether the question asks for yes or no, as stated or judged by its words."""
        stated = self.answer.yes_or_no
        return is_yes_or_no(self.question) if stated is None else stated

    @property
    def place_path(self) -> Path:
        """The path of the place, relative to the scenario's file."""
        return (self.path.parent if self.path else Path()) / self.place

    def of(self, kind: type[Rule]) -> list[Any]:
        """Return the scenario's rules of one kind, in the order given."""
        return [rule for rule in self.rules if isinstance(rule, kind)]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; with ``update`` it is checked like a new scenario.

        ``drop`` removes all rules of its names, but rules given together with it hold. Implied
        rules that are neither given nor dropped are added again.
        """
        update = dict(update or {})
        dropped = update.get("drop")
        if "rules" not in update and isinstance(dropped, list | tuple):
            update["rules"] = tuple(rule for rule in self.rules if rule.name not in dropped)
            own_names = {rule.name for rule in self.rules if not rule.implied}
            update["drop"] = tuple(name for name in dropped if name not in own_names)
        return super().model_copy(update=update, deep=deep)

    def with_rules(self, rules: Sequence[Rule]) -> Self:
        """Return the scenario with only these rules, for relaxations and explanations.

        Implied rules that are not in ``rules`` are not in force. Nothing is checked.
        """
        copied = self.model_copy()
        object.__setattr__(copied, "rules", tuple(rules))
        missing = missing_implied(self.problem, rules, ())
        object.__setattr__(copied, "drop", tuple(rule.name for rule in missing))
        copied.model_fields_set.update(("rules", "drop"))
        return copied

    def without(self, position: int) -> Self:
        """Return the scenario without the rule at one position, for explanations."""
        return self.with_rules(self.rules[:position] + self.rules[position + 1 :])
