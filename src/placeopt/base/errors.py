"""Everything placeopt raises, and the one kind of thing it finds.

PlaceoptError
├── InputError            one or more faults in what the user gave (exit status 1); carries findings
│   ├── PlaceError        ... in a place's tables
│   └── ScenarioError     ... in a scenario file
├── UsageError            a request that makes no sense (exit status 2)
│   └── OutputError       results cannot be written where they were asked for
├── EngineError           an engine was asked for what it cannot do, or broke
│   └── EngineMissing     the engine is not installed
├── NoPlanError           no plan within the limit (exit status 4)
└── VerificationError     a plan failed its independent verification (exit status 5)

Infeasible is an answer with an explanation, not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One fault in what the user gave: where it is, what is there and what would be right.

    ``row`` is the row as a person counts it in the file: the heading is row 1, the first
    record row 2; ``None`` where the fault is of a whole table or column. ``ids`` are all that a
    finding about several rows is about; the line that a person reads counts them.
    """

    severity: Severity
    file: str
    row: int | None
    column: str | None
    value: str | None
    message: str
    remedy: str
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = self.file
        if self.row is not None:
            where += f" row {self.row}"
        what = f"{self.column} " if self.column else ""
        value = f"is {self.value!r}: " if self.value is not None else ""
        return f"{where}: {what}{value}{self.message}; {self.remedy}"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def told(findings: Sequence[Finding], most: int = 50) -> list[tuple[Severity, str]]:
    """Each finding's severity and line; of one fault in more than ``most`` + 1 rows of a column
    the first ``most`` and a line that says how many more there are, and up to which row."""
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        row = finding.row is None
        key = (finding.severity, finding.file, row, finding.column, finding.message, finding.remedy)
        alike.setdefault(key, []).append(finding)
    lines: list[tuple[Severity, str]] = []
    for group in alike.values():
        few = group if len(group) <= most + 1 else group[:most]
        lines += [(finding.severity, str(finding)) for finding in few]
        rest = group[len(few) :]
        if rest:
            rows = f", last in row {rest[-1].row}" if rest[-1].row is not None else ""
            where = f"{rest[0].file}: {rest[0].column or ''}".strip().removesuffix(":")
            lines.append((rest[0].severity, f"{where}: the same {len(rest)} more times{rows}"))
    return lines


class PlaceoptError(Exception):
    """The root of everything placeopt raises on purpose."""


class InputError(PlaceoptError):
    """Faults in what the user gave, all of them at once."""

    def __init__(self, findings: Sequence[Finding], heading: str = "faults in the input"):
        self.findings = list(findings)
        lines = "\n".join(f"  {line}" for _, line in told(self.findings))
        said = heading.replace("faults", "fault", 1) if len(self.findings) == 1 else heading
        super().__init__(f"{len(self.findings)} {said}:\n{lines}")


class PlaceError(InputError):
    """Faults in a place's tables."""


class ScenarioError(InputError):
    """Faults in a scenario file."""


class UsageError(PlaceoptError):
    """A request that makes no sense as it was made."""


class OutputError(UsageError):
    """Results cannot be written where they were asked for; what was there is as it was."""


class EngineError(PlaceoptError):
    """An engine was asked for what it cannot do, or broke."""


class EngineMissing(EngineError):
    """The engine is not installed; the message says what to install."""


class NoPlanError(PlaceoptError):
    """No plan was found within the limit; nothing is proven."""


class VerificationError(PlaceoptError):
    """A plan failed its independent verification and is not returned as an answer."""
