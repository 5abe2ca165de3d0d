"""The base class of rules: numbered statements that a scenario can enable, tighten or drop.

Every rule is a subclass of ``Rule``, registered under its name, with its number in the problem's
statement, its parameters with units, and a sentence for councillors. The modules in ``estate`` and
``budget`` define them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import PrivateAttr, model_validator

from placeopt.scenario.faults import Origin
from placeopt.scenario.section import Section

Problem = Literal["estate", "budget", "joint"]

RULES: dict[tuple[Problem, str], type[Rule]] = {}


class Rule(Section):
    """A rule of a scenario: parameters as given in its ``[[rules]]`` table.

    Attributes:
        problem: The problem that it belongs to.
        name: Its name in a scenario, as in rule = "access".
        number: Its number in the problem's statement, "E7".
        equation: Its equation for the documentation.
        implied: Whether it is in force unless the scenario's ``drop`` names it.
        once: Whether a scenario may write it only once.
    """

    problem: ClassVar[Problem]
    name: ClassVar[str]
    number: ClassVar[str]
    equation: ClassVar[str]
    implied: ClassVar[bool] = False
    once: ClassVar[bool] = False

    rule: str = ""
    _origin: Origin = PrivateAttr(default=Origin())

    @property
    def origin(self) -> Origin:
        """Where the rule stands: its file and line, or its position in Python."""
        return self._origin

    def placed(self, origin: Origin) -> Self:
        """Return the rule with its origin."""
        copied = super().model_copy()
        copied._origin = origin
        return copied

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with the same origin; with ``update`` it is checked like a new rule."""
        return super().model_copy(update=update, deep=deep).placed(self.origin)

    @classmethod
    def label(cls) -> str:
        return getattr(cls, "name", "rule")

    @model_validator(mode="before")
    @classmethod
    def _check_name(cls, values: Any) -> Any:
        name = getattr(cls, "name", None)
        if name is None or not isinstance(values, dict):
            return values
        if values.get("rule", name) != name:
            raise ValueError(f"rule is {values['rule']!r}; write rule = {name!r} or leave it out")
        return {"rule": name, **values}

    def sentence(self, names: dict[str, str] | None = None) -> str:
        """The rule as a sentence; ``names`` maps ids to names. By default it shows the equation."""
        return f"{self.number} {self.name}: {self.equation}."

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            RULES[cls.problem, cls.name] = cls
