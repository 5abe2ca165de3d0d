"""One case of a suite: a few plain values from which its instance is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One instance: its name, its family and how to make it.

    Attributes:
        name: Name of the case.
        family: Family in which cases are compared.
        kind: Kind of problem.
        generator: Name of the generator, if the instance is generated.
        path: Path of the file, if it is read.
        options: Options of the generator or the reader.
        best_known: Best value known, if any.
    """

    name: str
    family: str
    kind: str
    generator: str = ""
    path: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    best_known: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
