"""A rule: one numbered statement that a scenario can switch on, tighten or drop.

Every rule of the house is a subclass of ``Rule``, registered once under its name: its number in
the problem's statement, the parameters with their units, and the sentence that a councillor
reads. ``services`` and ``money`` define them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from placeopt.scenario.section import Section

Problem = Literal["estate", "budget", "joint"]

RULES: dict[tuple[Problem, str], type[Rule]] = {}


class Rule(Section):
    """A rule of a scenario: parameters as given in its ``[[rules]]`` table."""

    problem: ClassVar[Problem]
    name: ClassVar[str]  # as written in a scenario: rule = "access"
    number: ClassVar[str]  # in the problem's statement: "E7"
    equation: ClassVar[str]  # in words and letters, for the documentation
    implied: ClassVar[bool] = False  # in force unless the scenario's ``drop`` names it

    once: ClassVar[bool] = False  # a scenario may write it once only

    rule: str = ""

    @classmethod
    def label(cls) -> str:
        return getattr(cls, "name", "rule")

    @model_validator(mode="before")
    @classmethod
    def _is_called_by_its_name(cls, values: Any) -> Any:
        name = getattr(cls, "name", None)
        if name is None or not isinstance(values, dict):
            return values
        if values.get("rule", name) != name:
            raise ValueError(f"rule is {values['rule']!r}; write rule = {name!r} or leave it out")
        return {"rule": name, **values}

    def sentence(self, names: dict[str, str] | None = None) -> str:
        """The rule as a councillor reads it; ``names`` maps ids to what people call them.

        Every rule of the house says it in its own words; a rule without them shows its equation.
        """
        return f"{self.number} {self.name}: {self.equation}."

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            RULES[cls.problem, cls.name] = cls
