"""What an independent verifier found: each rule, whether it holds, and the totals it recomputed.

These are records only, so that a problem's ``verify.py`` can speak without knowing anything of
the model that was solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """One rule checked against one plan."""

    number: str  # "E7"; "" for a check of the plan's own arithmetic
    name: str
    sentence: str
    holds: bool
    detail: str = ""  # the tightest place where it holds, or the worst breach, with ids and units
    held_by: str = ""  # where a plain "holds" would say too much: by what measure alone it does


@dataclass(frozen=True)
class Verification:
    """A plan re-checked from the tables alone.

    ``totals`` are the plan's figures recomputed from the tables, ``do_nothing`` the same figures
    for today's arrangement, and ``broken_today`` the checks that today's arrangement fails.
    """

    checks: tuple[Check, ...]
    totals: Mapping[str, float] = field(default_factory=dict)
    do_nothing: Mapping[str, float] = field(default_factory=dict)
    broken_today: tuple[Check, ...] = ()

    @property
    def ok(self) -> bool:
        return all(check.holds for check in self.checks)

    @property
    def broken(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.holds)
