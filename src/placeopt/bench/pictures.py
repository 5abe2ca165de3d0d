"""The pictures of a report: performance profiles, and gaps over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.tables import engines_of

if TYPE_CHECKING:
    import pandas as pd

LEAST_SECONDS = 0.01  # what is quicker is as quick: a clock's step
FARTHEST = 1e4
MOST_LINES = 40
COLOURS = ("#0b6e99", "#c8553d", "#6a994e", "#8f5aa8", "#b8860b", "#5f6c72", "#d4679f", "#2a9d8f")
DASHES = ("-", "--", "-.", ":")


def draw_profiles(frame: pd.DataFrame, path: Path) -> bool:
    """Dolan and More (2002): the share of cases proven within a multiple of the fastest time.

    One panel for all cases together and one for each family of two cases or more. False where
    nothing was proven or matplotlib is not installed.
    """
    pyplot = _pyplot()
    if pyplot is None or not frame["solved"].any():
        return False
    engines = engines_of(frame)
    families = [(str(name), rows) for name, rows in frame.groupby("family", sort=True)
                if rows["case"].nunique() > 1]  # fmt: skip
    panels = [("all cases", frame)] if len(families) != 1 else []
    panels += families
    if not panels:
        panels = [("all cases", frame)]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(4.2 * columns + 0.6, 2.9 * rows + 0.9), squeeze=False, sharey=True
    )
    for axes, (title, part) in zip(grid.flat, panels, strict=False):
        for number, (engine, ratios) in enumerate(profile(part, engines).items()):
            share = np.arange(1, len(ratios) + 1) / _cases(part)
            axes.step(
                np.concatenate([[1.0], ratios, [FARTHEST]]),
                np.concatenate([[0.0], share, [share[-1] if len(share) else 0.0]]),
                where="post", label=engine, color=COLOURS[number % len(COLOURS)],
                linestyle=DASHES[number % len(DASHES)], linewidth=2 if number == 0 else 1.4,
            )  # fmt: skip
        axes.set(xscale="log", xlim=(1, FARTHEST), ylim=(-0.02, 1.04))
        axes.set_title(f"{title} ({_cases(part)})", fontsize=9)
        axes.grid(True, alpha=0.25)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel("CPU seconds as a multiple of the fastest", fontsize=9)
    figure.supylabel("share of cases proven", fontsize=9)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=len(labels), fontsize=8, frameon=False)
    _save(figure, path, pyplot, top=1 - 0.35 / figure.get_figheight())
    return True


def profile(frame: pd.DataFrame, engines: list[str]) -> dict[str, np.ndarray]:
    """For each engine the sorted ratios of its seconds to the fastest, of the cases it proved."""
    seconds = frame["cpu_seconds"].astype(float).clip(lower=LEAST_SECONDS)
    table = frame.assign(seconds=seconds.where(frame["solved"], np.inf)).pivot_table(
        index=["family", "case"], columns="engine", values="seconds", aggfunc="median"
    )
    best = table.replace(np.inf, np.nan).min(axis=1)
    ratios = table.div(best, axis=0)
    none = np.zeros(0)
    return {
        engine: np.sort(values[np.isfinite(values)]) if engine in ratios else none
        for engine in engines
        for values in [ratios[engine].to_numpy(float) if engine in ratios else none]
    }


def draw_gaps(frame: pd.DataFrame, path: Path) -> bool:
    """The gap over time of runs that told of their progress and took a second or more."""
    pyplot = _pyplot()
    lines = _lines(frame)
    if pyplot is None or not lines:
        return False
    families = sorted({family for family, *_ in lines})
    columns = min(3, len(families))
    rows = -(-len(families) // columns)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(4.2 * columns + 0.6, 2.9 * rows + 0.9), squeeze=False, sharey=True
    )
    engines = engines_of(frame)
    engines = [engine for engine in engines if engine in {line[1] for line in lines}]
    for axes, family in zip(grid.flat, families, strict=False):
        for of, engine, seconds, gaps in lines:
            if of == family:
                colour = COLOURS[engines.index(engine) % len(COLOURS)]
                axes.step(seconds, gaps, where="post", color=colour, alpha=0.7, linewidth=1.2)
        axes.set(xscale="log", yscale="log", ylim=(1e-6, 2.0))
        axes.set_title(family, fontsize=9)
        axes.grid(True, alpha=0.25)
    for axes in list(grid.flat)[len(families) :]:
        axes.set_visible(False)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("gap, a line for each case", fontsize=9)
    handles = [pyplot.Line2D([], [], color=COLOURS[i % len(COLOURS)]) for i in range(len(engines))]
    figure.legend(handles, engines, loc="upper center", ncols=max(1, len(engines)), fontsize=8,
                  frameon=False)  # fmt: skip
    _save(figure, path, pyplot, top=1 - 0.35 / figure.get_figheight())
    return True


def _lines(frame: pd.DataFrame) -> list[tuple[str, str, list[float], list[float]]]:
    """(family, engine, seconds, gaps) of the runs worth a line; a gap over 1 is drawn as 1."""
    lines = []
    rows = frame[frame["wall_seconds"].astype(float) > 1]
    for _, row in rows.iterrows():
        trace = row["trace"] if isinstance(row["trace"], list) else []
        points = [(t, abs(a - b) / max(1e-9, abs(a))) for t, a, b in trace
                  if a is not None and b is not None]  # fmt: skip
        if len(points) > 1:
            seconds = [max(LEAST_SECONDS, t) for t, _ in points] + [float(row["wall_seconds"])]
            gaps = [min(1.0, max(1e-6, gap)) for _, gap in points]
            lines.append((row["family"], row["engine"], seconds, [*gaps, gaps[-1]]))
    return lines[:MOST_LINES]


def _cases(frame: pd.DataFrame) -> int:
    return len(frame.groupby(["family", "case"]))


def _save(figure: Any, path: Path, pyplot: Any, top: float) -> None:
    figure.tight_layout(rect=(0, 0, 1, top))
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot
