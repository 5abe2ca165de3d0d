"""Draw and write what a run measured: tables in Markdown, performance profiles, gaps over time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.files import natural
from placeopt.bench.run import read_records

if TYPE_CHECKING:
    import pandas as pd

SHIFT_SECONDS = 1.0  # of the shifted geometric mean
SAME = 1e-6  # objectives this near one another (relative) are equal


def report(out: str | Path, *, pictures: bool = True) -> Path:
    """Write ``report.md`` and the pictures of the folder ``out``; returns the page's path."""
    import pandas as pd

    out = Path(out)
    frame = pd.DataFrame(read_records(out))
    frame = judge(frame)
    parts = ["# Results\n", _machine_line(out), summary_table(frame)]
    if pictures and _profile(frame, out / "profile.png"):
        parts.append(
            "![Share of cases proven within a multiple of the fastest time](profile.png)\n"
        )
    if pictures and _gaps(frame, out / "gaps.png"):
        parts.append("![Gap over time](gaps.png)\n")
    for family, rows in frame.groupby("family", sort=True):
        parts.append(f"## {family}\n\n{family_table(rows)}")
    page = out / "report.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def judge(frame: pd.DataFrame) -> pd.DataFrame:
    """Add ``wrong``: called optimal although another checked plan or a known value is better."""
    frame = frame.copy()
    maximised = frame["kind"].isin(["maximal-covering", "p-dispersion"])
    value = frame["objective"].where(frame["verified"]).astype(float)
    sign = np.where(maximised, -1.0, 1.0)
    frame["signed"] = value * sign
    best = frame.groupby(["family", "case"])["signed"].transform("min")
    known: Any = frame["best_known"].astype(float) * sign
    frame["best"] = np.fmin(best, known)
    worse = frame["signed"] > frame["best"] + SAME * np.maximum(1.0, frame["best"].abs())
    frame["wrong"] = worse & (frame["status"] == "optimal")
    frame["solved"] = frame["proven"].eq(True) & ~frame["wrong"]
    return frame


def summary_table(frame: pd.DataFrame) -> str:
    """A row for each family and engine: proven, wrong, failed, shifted geometric mean."""
    lines = [
        "| family | engine | runs | proven | wrong claims | no checked plan | "
        "CPU s, shifted geometric mean | peak MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (family, engine), rows in frame.groupby(["family", "engine"], sort=True):
        seconds = rows["cpu_seconds"].where(rows["solved"], rows["time_limit"]).astype(float)
        mean = np.exp(np.log(seconds + SHIFT_SECONDS).mean()) - SHIFT_SECONDS
        lines.append(
            f"| {family} | {engine} | {len(rows)} | {int(rows['solved'].sum())} | "
            f"{int(rows['wrong'].sum())} | {int((~rows['verified'].astype(bool)).sum())} | "
            f"{mean:.2f} | {rows['peak_mb'].max():.0f} |"
        )
    note = "\nA run that is not proven counts with its time limit.\n"
    return "\n".join(lines) + "\n" + note


def family_table(rows: pd.DataFrame) -> str:
    """A row for each case, a cell for each engine: objective, gap or proof, CPU seconds."""
    engines = sorted(rows["engine"].unique(), key=lambda e: (e != "placeopt", e))
    lines = [f"| case | best known | {' | '.join(engines)} |",
             "| --- | ---: |" + " ---: |" * len(engines)]  # fmt: skip
    by_case = sorted(rows.groupby("case"), key=lambda pair: natural(str(pair[0])))
    for case, group in by_case:
        known = group["best_known"].dropna()
        cells = [f"{known.iloc[0]:.10g}" if len(known) else ""]
        for engine in engines:
            mine = group[group["engine"] == engine]
            cells.append(_cell(mine.iloc[0]) if len(mine) else "")
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row: Any) -> str:
    if row["objective"] is None or row["objective"] != row["objective"]:
        return "infeasible" if row["status"] == "infeasible" else "no plan"
    value = f"{row['objective']:.10g}"
    if not row["verified"]:
        return f"{value} fails the check"
    if row["wrong"]:
        return f"{value} **wrongly called optimal** {row['cpu_seconds']:.2f} s"
    if row["solved"]:
        return f"{value} {row['cpu_seconds']:.2f} s"
    gap = row["gap"]
    return f"{value} gap {gap:.3%}" if gap == gap and gap is not None else f"{value} no bound"


def _machine_line(out: Path) -> str:
    path = out / "machine.json"
    if not path.is_file():
        return ""
    machine = json.loads(path.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items())
    return (
        f"Measured on {machine['processor']}, {machine['cores']} cores, one thread a run, "
        f"Python {machine['python']}; {versions}.\n"
    )


def _profile(frame: pd.DataFrame, path: Path) -> bool:
    """Dolan and More (2002): the share of cases proven within a multiple of the fastest."""
    pyplot = _pyplot()
    if pyplot is None or not frame["solved"].any():
        return False
    seconds = frame["cpu_seconds"].where(frame["solved"], np.inf).astype(float).clip(lower=0.01)
    table = frame.assign(seconds=seconds).pivot_table(
        index=["family", "case", "repeat"], columns="engine", values="seconds", aggfunc="min"
    )
    table = table.fillna(np.inf)
    ratio = table.div(table.replace(np.inf, np.nan).min(axis=1), axis=0)
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for engine in ratio.columns:
        values = np.sort(ratio[engine].replace(np.inf, np.nan).dropna().to_numpy())
        share = np.arange(1, len(values) + 1) / len(ratio)
        axes.step(np.append(values, 1e4), np.append(share, share[-1:]), where="post", label=engine)
    axes.set(xscale="log", xlim=(1, 1e4), ylim=(0, 1.02))
    axes.set(xlabel="CPU seconds as a multiple of the fastest", ylabel="share of cases proven")
    axes.legend()
    _save(figure, path, pyplot)
    return True


def _gaps(frame: pd.DataFrame, path: Path) -> bool:
    """Our engine's gap over time, a line for each case that took a second or more."""
    pyplot = _pyplot()
    ours = frame[(frame["engine"] == "placeopt") & (frame["wall_seconds"] > 1)]
    if pyplot is None or len(ours) == 0:
        return False
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for _, row in ours.head(20).iterrows():
        points = [(t, abs(a - b) / max(1e-9, abs(a))) for t, a, b in row["trace"]
                  if a is not None and b is not None]  # fmt: skip
        if points:
            axes.step(*zip(*points, strict=True), where="post", label=row["case"])
    axes.set(xlabel="seconds", ylabel="gap", yscale="log", xscale="log")
    axes.legend(fontsize=6)
    _save(figure, path, pyplot)
    return True


def _save(figure: Any, path: Path, pyplot: Any) -> None:
    figure.tight_layout()
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
