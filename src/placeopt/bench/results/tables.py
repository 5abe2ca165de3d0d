"""The tables of a report, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.bench.results.judge import MAXIMISED
from placeopt.bench.standard_files import natural_sort_key

if TYPE_CHECKING:
    import pandas as pd

SHIFT_SECONDS = 1.0  # of the shifted geometric mean


def engines_of(rows: pd.DataFrame) -> list[str]:
    """The engines of the rows: ours first, then by name."""
    return sorted(rows["engine"].unique(), key=lambda e: (e != "placeopt", e))


def shifted_mean(seconds: Any) -> float:
    """The geometric mean of seconds + 1, less 1 (Achterberg 2007)."""
    values = np.asarray(seconds, float)
    return float(np.exp(np.log(values + SHIFT_SECONDS).mean()) - SHIFT_SECONDS)


def summary_table(frame: pd.DataFrame) -> str:
    """A row for each family and engine: proven, wrong, failed, shifted geometric mean."""
    lines = [
        "| family | engine | runs | proven | wrong claims | no checked plan | "
        "CPU s, shifted geometric mean | peak MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for family, group in frame.groupby("family", sort=True):
        for engine in engines_of(group):
            rows = group[group["engine"] == engine]
            mean = shifted_mean(penalised(rows))
            lines.append(
                f"| {family} | {engine} | {len(rows)} | {int(rows['solved'].sum())} | "
                f"{int(rows['wrong'].sum())} | {int((~rows['verified'].eq(True)).sum())} | "
                f"{mean:.2f} | {_rounded(rows['peak_mb'].max())} |"
            )
    note = "\nA run that is not proven counts with its time limit.\n"
    return "\n".join(lines) + "\n" + note


def penalised(rows: pd.DataFrame) -> pd.Series:
    """CPU seconds; the time limit if nothing was proven, unless more CPU time was used."""
    spent = rows["cpu_seconds"].astype(float).fillna(0.0)
    limit = rows["time_limit"].astype(float)
    return spent.where(rows["solved"], np.maximum(spent, limit))


def family_table(rows: pd.DataFrame) -> str:
    """A row for each case, a cell for each engine: objective, gap or proof, CPU seconds."""
    engines = engines_of(rows)
    has_known = rows["best_known"].notna().any()
    headings = ["case", *(["best known"] if has_known else []), *engines]
    lines = [f"| {' | '.join(headings)} |", "| --- |" + " ---: |" * (len(headings) - 1)]
    for case, group in _by_case(rows):
        known = group["best_known"].dropna()
        cells = [f"{known.iloc[0]:.10g}" if len(known) else ""] if has_known else []
        for engine in engines:
            engine_rows = group[group["engine"] == engine]
            cells.append(_cell(engine_rows) if len(engine_rows) else "")
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def ratio_table(frame: pd.DataFrame, ours: str = "placeopt") -> str:
    """CPU seconds of every other engine as a multiple of ours, case by case; "" without ours.

    ``>=``: by then the engine had stopped without a proof, or given a wrong answer.
    """
    if ours not in set(frame["engine"]):
        return ""
    others = [engine for engine in engines_of(frame) if engine != ours]
    if not others:
        return ""
    lines = [f"| case | {ours}, CPU s | {' | '.join(others)} |",
             "| --- | ---: |" + " ---: |" * len(others)]  # fmt: skip
    for case, group in _by_case(frame):
        engine_rows = group[group["engine"] == ours]
        if not len(engine_rows) or not engine_rows["solved"].all():
            continue
        our_seconds = max(0.001, float(engine_rows["cpu_seconds"].median()))
        cells = []
        for engine in others:
            rows = group[group["engine"] == engine]
            if not len(rows):
                cells.append("")
                continue
            ratio = float(rows["cpu_seconds"].median()) / our_seconds
            if ratio != ratio:  # it was ended from outside
                cells.append("no answer")
                continue
            cell = f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}"
            cells.append(cell if rows["solved"].all() else f">= {cell}")
        lines.append(f"| {case} | {our_seconds:.3f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def known_table(frame: pd.DataFrame) -> str:
    """Cases with a known value, and the best checked plan beside it."""
    lines = ["| family | case | known | proven | source | best here | beyond known |",
             "| --- | --- | ---: | --- | --- | ---: | ---: |"]  # fmt: skip
    for family, rows in frame[frame["best_known"].notna()].groupby("family", sort=True):
        for case, group in _by_case(rows):
            checked = group[group["signed"].notna()]
            first = group.iloc[0]
            known = float(first["best_known"])
            best_index = int(np.argmin(checked["signed"].to_numpy(float))) if len(checked) else 0
            value = f"{checked['objective'].iloc[best_index]:.10g}" if len(checked) else ""
            sign = -1.0 if first["kind"] in MAXIMISED else 1.0
            excess = (
                ""
                if not len(checked)
                else f"{_relative_excess(checked['signed'].min(), known * sign):.4%}"
            )
            proof = first.get("known_proven")
            source = first.get("known_source")
            lines.append(
                f"| {family} | {case} | {known:.10g} | {_text(proof)} | {_text(source)} | "
                f"{value} | {excess} |"
            )
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _relative_excess(value: float, known: float) -> float:
    excess = (value - known) / max(1e-9, abs(known))
    return 0.0 if abs(excess) < 1e-9 else excess


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _rounded(value: float) -> str:
    return "" if value != value else f"{value:.0f}"


def _by_case(rows: pd.DataFrame) -> list[Any]:
    """Cases in natural order: pmed2 before pmed10."""
    return sorted(rows.groupby("case"), key=lambda pair: natural_sort_key(str(pair[0])))


def _cell(runs: pd.DataFrame) -> str:
    """One engine's runs of a case: the first run's value, the median of their seconds."""
    row = runs.iloc[0]
    wrong_claim = " **wrongly called solved**" if row["wrong"] else ""
    if row["objective"] is None or row["objective"] != row["objective"]:
        if row["status"] == "infeasible":
            return "**wrongly called infeasible**" if row["wrong"] else "infeasible"
        return "no plan"
    value = f"{row['objective']:.10g}"
    if row.get("second") == row.get("second") and row.get("second") is not None:
        value += f", {row['second']:.10g} twice"
    if row["verified"] is not True and row["verified"] != True:  # noqa: E712, numpy's own
        return f"{value} fails the check{wrong_claim}"
    seconds = f"{float(runs['cpu_seconds'].median()):.2f} s"
    if row["solved"]:
        return f"{value} {seconds}"
    if wrong_claim:
        return f"{value}{wrong_claim} {seconds}"
    if row["beaten"]:
        return f"{value} **its bound is wrong** {seconds}"
    gap = row["gap"]
    return f"{value} gap {gap:.3%}" if gap == gap and gap is not None else f"{value} no bound"
