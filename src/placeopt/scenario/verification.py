"""The result of an independent verifier: each rule, whether it holds, and the recomputed totals.

These records are independent of the model that was solved, so that verifiers can use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from placeopt.base.errors import VerificationError


@dataclass(frozen=True)
class Check:
    """The check of one rule against a plan.

    Attributes:
        number: The number of the rule, "E7"; "" for a check of the plan's arithmetic.
        name: The name of the rule.
        sentence: What is checked.
        holds: Whether it holds.
        detail: Where it holds most tightly, or the worst breach, with ids and units.
        stated_at: Where the rule stands: file and line, position in Python, or "implied".
        held_by: The only measure by which it holds, if a plain "holds" would claim too much.
    """

    number: str
    name: str
    sentence: str
    holds: bool
    detail: str = ""
    held_by: str = ""
    stated_at: str = ""

    def __str__(self) -> str:
        where = f" ({self.stated_at})" if self.stated_at else ""
        return f"{self.name}{where}: {self.sentence} {self.detail}".strip()


@dataclass(frozen=True)
class Verification:
    """The check of a plan from the tables alone.

    Attributes:
        checks: The checks of all rules.
        totals: The plan's figures, recomputed from the tables.
        do_nothing: The same figures for today's arrangement.
        broken_today: The checks that today's arrangement fails.
    """

    checks: tuple[Check, ...]
    totals: Mapping[str, float] = field(default_factory=dict)
    do_nothing: Mapping[str, float] = field(default_factory=dict)
    broken_today: tuple[Check, ...] = ()

    @property
    def ok(self) -> bool:
        return all(check.holds for check in self.checks)

    def require(self) -> None:
        """Raise ``VerificationError`` unless every check holds; it names the rules that fail."""
        if not self.ok:
            broken = "; ".join(map(str, self.broken))
            raise VerificationError(f"the plan failed its verification: {broken}")

    @property
    def broken(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.holds)
