"""All errors that placeopt raises, and findings about the user's input.

PlaceoptError
├── InputError            one or more faults in the input (exit status 1); carries findings
│   ├── PlaceError        ... in a place's tables
│   └── ScenarioError     ... in a scenario file
├── UsageError            a request that makes no sense (exit status 2)
│   └── OutputError       results cannot be written to the requested path
├── EngineError           an engine does not support the request, or failed
│   └── EngineMissing     the engine is not installed
├── NoPlanError           no plan within the limit (exit status 4)
└── VerificationError     a plan failed its independent verification (exit status 5)

An infeasible question is not an error: its answer has an explanation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One fault in the input: its position, the value found and the remedy.

    Attributes:
        severity: Whether it is an error or a warning.
        file: Name of the file.
        row: Row in the file as a person counts it: the heading is row 1, the first record row 2;
            None for a fault of a whole table or column.
        column: Name of the column.
        value: The value found.
        message: What is wrong.
        remedy: What would be right.
        ids: All ids that a finding about several rows concerns; its line only counts them.
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


def errors_among(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are errors, in their order."""
    return [finding for finding in findings if finding.severity == "error"]


def finding_lines(findings: Sequence[Finding], max_lines: int = 50) -> list[tuple[Severity, str]]:
    """The severity and line of each finding, with repeated faults shortened.

    Args:
        findings: The findings.
        max_lines: For one fault in more than ``max_lines`` + 1 rows of a column only the first
            ``max_lines`` lines are returned, then one line with the number of further rows and the
            last of them.

    Returns:
        (severity, line) of each line.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        row = finding.row is None
        key = (finding.severity, finding.file, row, finding.column, finding.message, finding.remedy)
        groups.setdefault(key, []).append(finding)
    lines: list[tuple[Severity, str]] = []
    for group in groups.values():
        listed = group if len(group) <= max_lines + 1 else group[:max_lines]
        lines += [(finding.severity, str(finding)) for finding in listed]
        unlisted = group[len(listed) :]
        if unlisted:
            rows = f", last in row {unlisted[-1].row}" if unlisted[-1].row is not None else ""
            where = f"{unlisted[0].file}: {unlisted[0].column or ''}".strip().removesuffix(":")
            lines.append(
                (unlisted[0].severity, f"{where}: the same {len(unlisted)} more times{rows}")
            )
    return lines


class PlaceoptError(Exception):
    """The base class of all errors that placeopt raises."""


class InputError(PlaceoptError):
    """Faults in the user's input, all of them at once."""

    def __init__(self, findings: Sequence[Finding], heading: str = "faults in the input"):
        self.findings = list(findings)
        lines = "\n".join(f"  {line}" for _, line in finding_lines(self.findings))
        text = heading.replace("faults", "fault", 1) if len(self.findings) == 1 else heading
        super().__init__(f"{len(self.findings)} {text}:\n{lines}")


class PlaceError(InputError):
    """Faults in a place's tables."""


class ScenarioError(InputError):
    """Faults in a scenario file."""


class UsageError(PlaceoptError):
    """A request that makes no sense as it was made."""


class OutputError(UsageError):
    """Results cannot be written to the requested path; existing files are unchanged."""


class EngineError(PlaceoptError):
    """An engine does not support the request, or failed."""


class EngineMissing(EngineError):
    """The engine is not installed; the message says what to install."""


class NoPlanError(PlaceoptError):
    """No plan was found within the limit; nothing is proven."""


class VerificationError(PlaceoptError):
    """A plan failed its independent verification and is not returned as an answer."""
