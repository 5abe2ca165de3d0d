"""The command ``placeopt travel PLACE``: measure a place and write its minutes beside it.

The result, ``minutes.parquet``, is what a scenario with ``travel.method = "matrix"`` reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from placeopt.base.errors import Finding, UsageError
from placeopt.base.files import require_writable_file
from placeopt.place import read_place
from placeopt.travel.fill_missing import ProgressCallback, Workers
from placeopt.travel.matrix import write_matrix
from placeopt.travel.measure import measure
from placeopt.travel.times import TravelTimes
from placeopt.travel.transit.door_to_door import Transit

MINUTES_FILE = "minutes.parquet"


@dataclass(frozen=True)
class Measurement:
    """Measured minutes and the file they were written to."""

    times: TravelTimes
    file: Path

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.times.findings

    def __str__(self) -> str:
        """A summary: pairs reached by mode, warnings, the file."""
        lines = []
        for mode, minutes in self.times.minutes.items():
            reached = np.isfinite(minutes)
            share = reached.mean() if reached.size else 0.0
            middle = f"median {np.median(minutes[reached]):.1f} minutes" if reached.any() else ""
            lines.append(
                f"{mode}: {reached.sum():,} of {minutes.size:,} pairs within "
                f"{self.times.cutoff_minutes:g} minutes ({share:.0%}); {middle}".rstrip("; ")
            )
        lines += [f"warning: {finding}" for finding in self.findings]
        return "\n".join([*lines, f"written to {self.file}"])


def measure_place(
    path: Path,
    *,
    modes: Sequence[str] = ("walk", "drive"),
    streets: Path | None = None,
    gtfs: Path | Sequence[Path] | None = None,
    date: str | None = None,
    depart: str = "07:00-10:00",
    cutoff_minutes: float = 120.0,
    speeds_kmh: Mapping[str, float] | None = None,
    points: Path | None = None,
    columns: Mapping[str, str] | None = None,
    engine: str = "scipy",
    out: Path | None = None,
    progress: ProgressCallback | None = None,
    workers: Workers | None = None,
) -> Measurement:
    """Measure the place at ``path`` over streets and timetables and write its minutes.

    Paths are relative to the working directory. After Ctrl-C the same call resumes where it
    stopped. Arguments without a description are those of ``measure``.

    Args:
        path: The place.
        modes: The modes to measure.
        streets: The street file; by default the place's own.
        gtfs: One feed or several, for mode ``transit``.
        date: The day of travel, for mode ``transit``.
        depart: The window of departures, "from-before".
        out: The file to write; by default ``minutes.parquet`` beside the place.

    Raises:
        InputError: With every fault of the files.
        UsageError: The request is not valid.
    """
    place = read_place(path)
    transit = None
    if out is not None:
        require_writable_file(out)
    if "transit" not in modes and (gtfs or date is not None):
        option = "--gtfs" if gtfs else "--date"
        raise UsageError(f"{option} is of mode transit, which is not asked: add it to --modes")
    if "transit" in modes:
        feeds = [gtfs] if isinstance(gtfs, Path) else list(gtfs or ())
        if not feeds or date is None:
            raise UsageError("mode 'transit' needs a feed and a date: --gtfs FEED.zip --date DAY")
        start, _, end = depart.partition("-")
        transit = Transit(gtfs=[feed.resolve() for feed in feeds], date=date, depart=(start, end))
    times = measure(
        place,
        "streets",
        modes,
        cutoff_minutes,
        speeds_kmh=speeds_kmh,
        file=None if streets is None else streets.resolve(),
        columns=columns,
        points=None if points is None else points.resolve(),
        transit=transit,
        engine=engine,
        progress=progress,
        workers=workers,
    )
    home = place.folder if place.folder is not None else path.parent
    file = out if out is not None else home / MINUTES_FILE
    write_matrix(times, file, place)
    return Measurement(times, file)
