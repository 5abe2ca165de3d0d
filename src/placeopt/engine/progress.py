"""Progress on the terminal: seconds, best plan, bound and gap, once a solve takes a while."""

from __future__ import annotations

import sys
from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from placeopt.engine.settings import Progress

if TYPE_CHECKING:
    from rich.live import Live


class TerminalProgress:
    """Progress on one line, redrawn twice a second after the first two seconds.

    Use it in ``with`` and pass it as ``progress``. A terminal shows the seconds even before an
    engine has reported, as reading, building and the first relaxation are silent. On a stream that
    is not a terminal a report is written every ten seconds instead.
    """

    def __init__(self, stream: TextIO | None = None, *, after: float = 2.0, unit: str = ""):
        self.stream = stream or sys.stderr
        self.after = after
        self.unit = unit
        self._live: Live | None = None
        self.latest: Progress | None = None
        self.last_report_seconds = 0.0
        self.started_at = 0.0

    def __enter__(self) -> TerminalProgress:
        self.started_at = monotonic()
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self.stream)
            self._live = Live(
                console=console, get_renderable=self._render, refresh_per_second=2, transient=True
            )
            self._live.start()
        return self

    def __call__(self, report: Progress) -> None:
        self.latest = report
        if self._live or report.seconds < self.after:
            return
        if report.seconds - self.last_report_seconds >= 10.0 or self.last_report_seconds == 0.0:
            self.last_report_seconds = report.seconds
            print(progress_line(report, self.unit), file=self.stream, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def _render(self) -> str:
        seconds = monotonic() - self.started_at
        if seconds < self.after:
            return ""
        if self.latest is None:
            return f"{seconds:.0f} s   no plan yet"
        return progress_line(replace(self.latest, seconds=seconds), self.unit)


def progress_line(report: Progress, unit: str = "") -> str:
    """One report in words: "12 s  best plan 1,234  bound 1,200  gap 2.8 %"."""
    unit = f" {unit}" if unit else ""
    plan = "none yet" if report.incumbent is None else f"{report.incumbent:,.6g}{unit}"
    bound = "none yet" if report.bound == float("-inf") else f"{report.bound:,.6g}{unit}"
    gap = f"{report.gap:.2%}" if report.gap < 10 else "open"
    return f"{report.seconds:.0f} s   best plan {plan}   bound {bound}   gap {gap}"
