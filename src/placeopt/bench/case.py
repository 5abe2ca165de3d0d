"""One case of a suite: a few plain values from which its instance is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One instance: its name, its family and how to make it."""

    name: str
    family: str
    kind: str
    generator: str = ""
    path: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    best_known: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
