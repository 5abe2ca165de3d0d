"""Write the report of a run: one page of tables, performance profiles, gaps over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import UsageError
from placeopt.base.files import atomic_file
from placeopt.bench.results.judge import best_found, judge, read_best_known
from placeopt.bench.results.pictures import draw_gaps, draw_profiles
from placeopt.bench.results.records import read_records
from placeopt.bench.results.tables import family_table, known_table, ratio_table, summary_table

if TYPE_CHECKING:
    import pandas as pd


def report(out: str | Path, *, best_known: str | Path | None = None, pictures: bool = True) -> Path:
    """Write ``report.md``, ``best_known.csv`` and the pictures of the folder ``out``.

    Args:
        out: Folder of results.
        best_known: A file of values known before (``judge.read_best_known``).
        pictures: Whether to draw pictures.

    Returns:
        The path of the page.

    Raises:
        UsageError: If there are no results.
    """
    import pandas as pd

    out = Path(out)
    records = read_records(out)
    if not records:
        raise UsageError(
            f"there are no results in {out}; run: placeopt bench run SUITE --out {out}"
        )
    known_values = None if best_known is None else read_best_known(best_known)
    frame = judge(pd.DataFrame(records), known_values)
    sections = ["# Results\n", measured_on(frame), summary_table(frame)]
    if pictures and draw_profiles(frame, out / "profile.png"):
        sections.append(
            "![Share of cases proven within a multiple of the fastest time](profile.png)\n"
        )
    if pictures and draw_gaps(frame, out / "gaps.png"):
        sections.append("![Gap over time](gaps.png)\n")
    for family, rows in frame.groupby("family", sort=True):
        sections.append(f"## {family}\n\n{family_table(rows)}")
    ratios = ratio_table(frame)
    if ratios:
        sections.append(
            "## CPU seconds as a multiple of ours\n\n"
            f"{ratios}\n`>=`: stopped without a proof, or wrong, by then.\n"
        )
    known_section = known_table(frame)
    if known_section:
        sections.append(f"## Beside values known before\n\n{known_section}")
    page = out / "report.md"
    with atomic_file(page) as made:
        made.write_text("\n".join(sections), encoding="utf-8")
    with atomic_file(out / "best_known.csv") as made:
        best_found(frame).to_csv(made, index=False)
    return page


def measured_on(frame: pd.DataFrame) -> str:
    """A sentence for each machine (and set of versions) that the records come from."""
    sentences = []
    columns = ["processor", "cores", "threads", "system", "python", "versions"]
    if not set(columns) <= set(frame):
        return ""
    for (processor, cores, threads, system, python, versions), rows in frame.groupby(
        columns, sort=False
    ):
        limits = ", ".join(f"{limit:g}" for limit in sorted(rows["time_limit"].unique()))
        sentences.append(
            f"{len(rows)} runs on {processor}, {cores} cores, {system}, Python {python}; "
            f"{threads} thread a run, limit {limits} s of wall clock, median load "
            f"{rows['load'].median():.1f}; {versions}.\n"
        )
    return "\n".join(sentences)
