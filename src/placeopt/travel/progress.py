"""A line of progress on the terminal while minutes are computed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from placeopt.travel.fill_missing import ProgressCallback, Step


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """Yield a callback that updates a progress bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Remaining())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, object] = {}

        def update(step: Step) -> None:
            if step.mode not in tasks:
                tasks[step.mode] = bar.add_task(f"minutes by {step.mode}", total=step.total)
            bar.update(tasks[step.mode], completed=step.done)  # type: ignore[arg-type]

        yield update
