"""The pictures of a report: performance profiles, and gaps over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.results.tables import engines_of

if TYPE_CHECKING:
    import pandas as pd

MIN_SECONDS = 0.01  # shorter times count as this: a clock's step
LARGEST_RATIO = 1e4
MAX_LINES = 40
MIN_PANEL_CASES = 5  # cases from which a family has its own panel
MIN_GAP = 1e-6  # a closed gap is drawn as this
COLOURS = ("#0b6e99", "#c8553d", "#6a994e", "#8f5aa8", "#b8860b", "#5f6c72", "#d4679f", "#2a9d8f")
DASHES = ("-", "--", "-.", ":")


def draw_profiles(frame: pd.DataFrame, path: Path) -> bool:
    """Draw performance profiles: the share of cases proven within a multiple of the fastest time.

    One panel for all cases together and one for each family of ``MIN_PANEL_CASES`` cases or more.
    An engine's share is of the cases that it was given. Source: Dolan and More (2002).

    Args:
        frame: The judged records.
        path: The file to write.

    Returns:
        False if nothing was proven or matplotlib is not installed.
    """
    pyplot = _pyplot()
    if pyplot is None or not frame["solved"].any():
        return False
    engines = engines_of(frame)
    families = [(str(name), rows) for name, rows in frame.groupby("family", sort=True)
                if rows["case"].nunique() >= MIN_PANEL_CASES]  # fmt: skip
    panels = families if len(families) == frame["family"].nunique() == 1 else [
        ("all cases", frame), *families
    ]  # fmt: skip
    figure, grid = _panels(pyplot, len(panels))
    for axes, (title, panel_rows) in zip(grid, panels, strict=False):
        largest_ratio = 10.0
        for number, (engine, ratios) in enumerate(profile(panel_rows, engines).items()):
            cases_asked = _cases(panel_rows[panel_rows["engine"] == engine])
            if not cases_asked:
                continue
            share = np.arange(1, len(ratios) + 1) / cases_asked
            largest_ratio = max(largest_ratio, float(ratios.max(initial=1.0)) * 1.3)
            axes.step(
                np.concatenate([[1.0], ratios, [LARGEST_RATIO]]),
                np.concatenate([[0.0], share, [share[-1] if len(share) else 0.0]]),
                where="post", color=_colour(engine, engines), label=engine,
                linestyle=DASHES[number % len(DASHES)], linewidth=2.2 if number == 0 else 1.4,
            )  # fmt: skip
        axes.set(xscale="log", xlim=(1, largest_ratio), ylim=(-0.02, 1.04))
        _powers_of_ten(axes)
        axes.set_title(f"{title} ({_cases(panel_rows)})", fontsize=9)
    figure.supxlabel("CPU seconds as a multiple of the fastest", fontsize=9)
    figure.supylabel("share of cases proven", fontsize=9)
    _save(figure, path, pyplot, engines, dashed=True)
    return True


def profile(frame: pd.DataFrame, engines: list[str]) -> dict[str, np.ndarray]:
    """The sorted ratios of each engine's seconds to the fastest, over the cases it proved."""
    seconds = frame["cpu_seconds"].astype(float).clip(lower=MIN_SECONDS)
    table = frame.assign(seconds=seconds.where(frame["solved"], np.inf)).pivot_table(
        index=["family", "case"], columns="engine", values="seconds", aggfunc="median"
    )
    fastest = table.replace(np.inf, np.nan).min(axis=1)
    ratios = table.div(fastest, axis=0)
    no_ratios = np.zeros(0)
    return {
        engine: np.sort(values[np.isfinite(values)]) if engine in ratios else no_ratios
        for engine in engines
        for values in [ratios[engine].to_numpy(float) if engine in ratios else no_ratios]
    }


def draw_gaps(frame: pd.DataFrame, path: Path) -> bool:
    """Draw the gap over time of runs that reported progress and took a second or more.

    Args:
        frame: The judged records.
        path: The file to write.

    Returns:
        False if there are no such runs or matplotlib is not installed.
    """
    pyplot = _pyplot()
    lines = _lines(frame)
    if pyplot is None or not lines:
        return False
    families = sorted({family for family, *_ in lines})
    engines_with_lines = {line[1] for line in lines}
    engines = [engine for engine in engines_of(frame) if engine in engines_with_lines]
    figure, grid = _panels(pyplot, len(families))
    for axes, family in zip(grid, families, strict=False):
        family_lines = [line for line in lines if line[0] == family]
        for _, engine, seconds, gaps in family_lines:
            axes.step(seconds, gaps, where="post", color=_colour(engine, engines), alpha=0.75,
                      linewidth=1.2)  # fmt: skip
        first = min(line[2][0] for line in family_lines)
        last = max(line[2][-1] for line in family_lines)
        limits = (10 ** np.floor(np.log10(first)), 10 ** np.ceil(np.log10(last)))
        axes.set(xscale="log", yscale="log", xlim=limits, ylim=(MIN_GAP / 1.5, 2.0))
        _powers_of_ten(axes)
        axes.set_title(family, fontsize=9)
    figure.supxlabel("seconds of wall clock", fontsize=9)
    figure.supylabel("gap, a line for each case", fontsize=9)
    _save(figure, path, pyplot, engines, dashed=False)
    return True


def _lines(frame: pd.DataFrame) -> list[tuple[str, str, list[float], list[float]]]:
    """(family, engine, seconds, gaps) of the runs to draw; a gap over 1 is drawn as 1."""
    lines = []
    rows = frame[frame["wall_seconds"].astype(float) > 1]
    for _, row in rows.iterrows():
        trace = row["trace"] if isinstance(row["trace"], list) else []
        points = [(t, abs(a - b) / max(1e-9, abs(a))) for t, a, b in trace
                  if a is not None and b is not None]  # fmt: skip
        if len(points) > 1:
            seconds = [max(MIN_SECONDS, t) for t, _ in points] + [float(row["wall_seconds"])]
            gaps = [min(1.0, max(MIN_GAP, gap)) for _, gap in points]
            lines.append((row["family"], row["engine"], seconds, [*gaps, gaps[-1]]))
    return lines[:MAX_LINES]


def _cases(frame: pd.DataFrame) -> int:
    return len(frame.groupby(["family", "case"]))


def _panels(pyplot: Any, count: int) -> tuple[Any, list[Any]]:
    """A figure with so many panels, three in a row."""
    columns = min(3, count)
    rows = -(-count // columns)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(max(6.0, 3.9 * columns), 2.9 * rows + 0.9), squeeze=False,
        sharey=True,
    )  # fmt: skip
    for axes in grid.flat:
        axes.grid(True, alpha=0.25)
    for axes in list(grid.flat)[count:]:
        axes.set_visible(False)
    return figure, list(grid.flat)


def _powers_of_ten(axes: Any) -> None:
    """Labels at powers of ten only, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _colour(engine: str, engines: list[str]) -> str:
    return COLOURS[engines.index(engine) % len(COLOURS)]


def _save(figure: Any, path: Path, pyplot: Any, engines: list[str], dashed: bool) -> None:
    """Save with one legend over all panels."""
    handles = [
        pyplot.Line2D([], [], color=_colour(engine, engines), linewidth=2.2 if i == 0 else 1.4,
                      linestyle=DASHES[i % len(DASHES)] if dashed else "-")
        for i, engine in enumerate(engines)
    ]  # fmt: skip
    figure.legend(handles, engines, loc="upper center", ncols=max(1, len(engines)), fontsize=8,
                  frameon=False)  # fmt: skip
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_figheight()))
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
