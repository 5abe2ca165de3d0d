"""Compare the claims of engines with one another and with known values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

EQUAL_TOLERANCE = 1e-6  # relative difference at which objectives are equal, unless runs had a gap
PIECEWISE_ERROR = 2e-3  # error of the reference model's piecewise-linear curves, not a wrong claim
MAXIMISED = ("maximal-covering", "p-dispersion")
KNOWN_COLUMNS = ("family", "case", "value", "bound", "proven", "source")


def read_best_known(path: str | Path) -> pd.DataFrame:
    """A file of known values: family, case, value, bound, proven (yes or no), source.

    Raises:
        UsageError: If a column is missing or a value is not a number.
    """
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in KNOWN_COLUMNS if name not in frame]
    if missing:
        raise UsageError(f"{path} has no column {', '.join(missing)}")
    for name in ("value", "bound"):
        try:
            frame[name] = pd.to_numeric(frame[name].replace("", np.nan))
        except ValueError as error:
            raise UsageError(f"{path}, column {name}: {error}") from None
    invalid = frame.loc[~frame["proven"].isin(["yes", "no"]), "case"]
    if len(invalid):
        raise UsageError(f"{path}: proven is yes or no; it is neither for {', '.join(invalid[:5])}")
    return frame[list(KNOWN_COLUMNS)]


def judge(frame: pd.DataFrame, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Add what the runs of a case show about each other.

        wrong    claimed a solution, or infeasibility, although another checked plan or a value
                 known before is better
        beaten   its bound is contradicted by another's checked plan
        solved   checked, proven and neither of the two

    ``signed`` and ``best`` are as minimised. Runs are equal within 1e-6, or within the gap that
    they were asked for and reached.

    Args:
        frame: The records, one row a run.
        known: Values known before.

    Returns:
        The records with these columns.
    """
    frame = frame.copy()
    for name, default in (("claimed", None), ("second", np.nan), ("bound", np.nan)):
        if name not in frame:
            frame[name] = default
    frame["claimed"] = frame["claimed"].where(
        frame["claimed"].notna(), frame["status"] == "optimal"
    )
    if known is not None:
        frame = _with_known(frame, known)
    sign = np.where(frame["kind"].isin(MAXIMISED), -1.0, 1.0)
    verified = frame["verified"].eq(True)
    frame["signed"] = frame["objective"].where(verified).astype(float) * sign
    cases = frame.groupby(["family", "case"])
    best = cases["signed"].transform("min")
    frame["best"] = np.fmin(best, frame["best_known"].astype(float) * sign)
    size = np.maximum(1.0, frame["best"].abs())
    reached_gap = (
        (frame["signed"] - frame["bound"].astype(float) * sign).clip(lower=0.0).fillna(0.0)
    )
    piecewise_error = np.where(
        frame["engine"].str.startswith("pulp-") & frame["kind"].eq("budget"), PIECEWISE_ERROR, 0
    )
    slack = np.maximum(EQUAL_TOLERANCE * size, np.maximum(reached_gap, piecewise_error * size))
    if "tolerance" in frame:
        slack = np.maximum(slack, frame["tolerance"].astype(float).fillna(0.0) * size)
    frame["wrong"] = frame["claimed"].eq(True) & (frame["signed"] > frame["best"] + slack)
    second = frame["second"].where(verified).astype(float)
    most_covered_twice = second.groupby(
        [frame["family"], frame["case"], frame["signed"]]
    ).transform("max")
    frame["wrong"] |= frame["claimed"].eq(True) & (
        second < most_covered_twice - EQUAL_TOLERANCE * np.maximum(1.0, most_covered_twice)
    )
    frame["wrong"] |= (frame["status"] == "infeasible") & frame["best"].notna()
    bounds: pd.Series = frame["bound"].astype(float) * sign
    frame["beaten"] = bounds > frame["best"] + 10 * EQUAL_TOLERANCE * size
    frame["solved"] = frame["proven"].eq(True) & ~frame["wrong"] & ~frame["beaten"]
    return frame


def _with_known(frame: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Add values of the file where the case has none, with proof and source."""
    listed = known.rename(columns={"value": "known_value", "bound": "known_bound",
                                   "proven": "known_proven", "source": "known_source"})  # fmt: skip
    listed = listed.drop_duplicates(["family", "case"])
    frame = frame.merge(listed, how="left", on=["family", "case"])
    values = frame["best_known"].astype(float)
    frame["best_known"] = values.where(values.notna(), frame["known_value"])
    return frame


def best_found(judged: pd.DataFrame) -> pd.DataFrame:
    """The best checked value and the best bound of every case, as a file of known values."""
    rows = []
    for (family, case), runs in judged.groupby(["family", "case"], sort=True):
        check_record = runs[runs["signed"].notna()]
        if not len(check_record):
            continue
        best_run = check_record.iloc[int(check_record["signed"].to_numpy(float).argmin())]
        bounds = runs.loc[runs["bound"].notna() & ~runs["beaten"], "bound"].astype(float)
        proofs = runs[runs["solved"] & (runs["bound"].notna())]
        prover = proofs["engine"].iloc[0] if len(proofs) else best_run["engine"]
        maximised = best_run["kind"] in MAXIMISED
        bound = np.nan if not len(bounds) else bounds.min() if maximised else bounds.max()
        rows.append(
            {
                "family": family,
                "case": case,
                "value": float(best_run["objective"]),
                "bound": bound,
                "proven": "yes" if len(proofs) else "no",
                "source": f"placeopt bench, engine {prover}",
            }
        )
    import pandas as pd

    return pd.DataFrame(rows, columns=list(KNOWN_COLUMNS))
