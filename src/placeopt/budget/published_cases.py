"""Read published budget cases as places, so that they are solved like any other place.

read_s_curves   a JSON file of services with Hill curves and one budget
read_hiptool    the two workbooks of an intervention prioritisation (interventions and burden)
read_pabulib    one participatory-budgeting election (.pb): projects of fixed cost, votes
read_package    a health benefits package stated as a whole linear program (several scarce
                resources at once, unlike a place's budget), as a model

The first three return a place and a scenario for ``placeopt.budget.solve``. A cell that cannot be
read is an error with its row, never ignored. Money is in the file's own
currency.

Sources: pabulib.org file format; HIPtool (Optima Consortium): an intervention averts
spend / ICER, at most the sum of coverage x burden over its causes, and is ranked by that times
1 - f - e + f frp/max(frp) + e (1 - equity/max(equity)), with f and e the weights of financial
risk protection and of equity.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from placeopt.base.errors import Finding, PlaceError
from placeopt.engine import Model
from placeopt.place import Place
from placeopt.scenario import Scenario

BASE_YEAR = 2025  # the cases state no year; a budget is decided for the year after this one


def read_s_curves(path: str | Path, case: int) -> tuple[Place, Scenario]:
    """One case of a file ``{"cases": [{slope, kappa, beta, budget}]}``; see ``s_curve_place``."""
    given = json.loads(Path(path).read_text(encoding="utf-8"))["cases"][case]
    return s_curve_place(given["slope"], given["kappa"], given["beta"], given["budget"])


def s_curve_place(
    slope: Sequence[float], kappa: Sequence[float], beta: Sequence[float], budget: float
) -> tuple[Place, Scenario]:
    """Services with S-shaped curves and one budget.

    The outcome is the sum of beta s^slope / (kappa^slope + s^slope); its baseline is the value
    of an equal split, which is also today's spending, and its target is 100 above it: so the
    optimum is the baseline minus 100 times the objective.
    """
    rows = list(zip(slope, kappa, beta, strict=True))
    keys = [f"service_{number}" for number in range(1, len(rows) + 1)]
    equal_share = budget / len(rows)
    today = sum(b * equal_share**n / (k**n + equal_share**n) for n, k, b in rows)
    curves = [
        {"outcome_id": "total", "form": "hill", "maximum_effect": b, "scale_gbp": k}
        | {"programme_id": key, "shape": n}
        for key, (n, k, b) in zip(keys, rows, strict=True)
    ]
    place = _place(
        "S-shaped services",
        budget,
        [{"programme_id": key} for key in keys],
        dict.fromkeys(keys, equal_share),
        [_outcome("total", "points", today, today + 100.0)],
        curves,
        [],
    )
    return place, _scenario(f"How are {budget:g} split over {len(keys)} services?")


def read_hiptool(
    interventions: str | Path,
    burden: str | Path,
    *,
    risk_weight: float = 0.25,
    equity_weight: float = 0.25,
) -> tuple[Place, Scenario]:
    """Read HIPtool's workbooks: outcome ``priority`` is maximised, ``dalys`` follows.

    Every active intervention is a programme. A cause counts whether or not it is marked active in
    the burden (that mark selects what is drawn in a chart). Each programme has its spending of
    today, and all of that money may be moved.

    Args:
        interventions: The workbook of interventions.
        burden: The workbook of the burden.
        risk_weight: f, the weight of financial risk protection.
        equity_weight: e, the weight of equity.

    Raises:
        PlaceError: With every cell that cannot be read.
    """
    rows = pd.read_excel(interventions, engine="calamine")
    dalys = pd.read_excel(burden, engine="calamine").set_index("Cause")["DALYs"]
    file = Path(interventions).name
    rows = _active(rows, file)
    findings: list[Finding] = []
    max_averted = [
        _max_averted(cell, dalys, (file, row), findings) for row, cell in rows.iloc[:, 3].items()
    ]
    for column in ("ICER", "Spending", "FRP", "Equity"):
        numbers = pd.to_numeric(rows[column], errors="coerce")
        for row in rows.index[numbers.isna() | (numbers < 0)]:
            message, remedy = "is not a number above 0", "give one"
            findings.append(_finding(file, row, column, rows.at[row, column], message, remedy))
    if findings:
        raise PlaceError(findings, "cells that were not understood")
    rows = rows.reset_index(drop=True)
    weight = (
        (1 - risk_weight - equity_weight)
        + risk_weight * rows["FRP"] / rows["FRP"].max()
        + equity_weight * (1 - rows["Equity"] / rows["Equity"].max())
    )
    keys, spend = rows["Short name"].str.strip().to_list(), rows["Spending"].to_list()
    full_coverage_gbp = np.array(max_averted) * rows["ICER"].to_numpy()
    has_burden = full_coverage_gbp > 0  # an intervention without burden averts nothing
    curves, points = [], []
    for outcome, outcome_weight in (("priority", weight), ("dalys", weight * 0 + 1.0)):
        for row in np.flatnonzero(has_burden):
            key = {"programme_id": keys[row], "outcome_id": outcome}
            curves.append({**key, "form": "points"})
            points.append(
                {
                    **key,
                    "spend_gbp": full_coverage_gbp[row],
                    "effect": max_averted[row] * outcome_weight[row],
                }
            )
    averted = np.minimum(np.array(spend) / rows["ICER"], max_averted)
    outcomes = [
        _outcome("priority", "weighted DALYs", float((averted * weight).sum()), np.inf),
        _outcome("dalys", "DALYs averted", float(averted.sum()), np.nan),
    ]
    outcomes[0]["target"] = float((np.array(max_averted) * weight).sum())
    programmes = [{"programme_id": key} for key in keys]
    money = dict(zip(keys, spend, strict=True))
    place = _place("HIPtool", sum(spend), programmes, money, outcomes, curves, points)
    return place, _scenario("Which interventions avert most for today's money?")


def read_pabulib(path: str | Path) -> tuple[Place, Scenario]:
    """Read an election: each project is bought at its cost or not at all, valued at its votes."""
    meta, projects = _sections(Path(path))
    budget = float(meta["budget"])
    keys = projects["project_id"].to_list()
    cost, votes = projects["cost"].astype(float), projects["votes"].astype(float)
    programmes = [
        {"programme_id": key, "minimum_scale_gbp_per_year": c, "maximum_gbp_per_year": c}
        for key, c in zip(keys, cost, strict=True)
    ]
    points = [
        {"programme_id": key, "outcome_id": "votes", "spend_gbp": c, "effect": v}
        for key, c, v in zip(keys, cost, votes, strict=True)
    ]
    curves = [{"programme_id": key, "outcome_id": "votes", "form": "points"} for key in keys]
    outcomes = [_outcome("votes", "votes", 0.0, float(votes.sum()))]
    money = dict.fromkeys(keys, 0.0)
    name = meta.get("description", Path(path).stem)
    place = _place(name, budget, programmes, money, outcomes, curves, points)
    return place, _scenario("Which projects have most votes for the money?")


def read_package(path: str | Path) -> Model:
    """Read a package of interventions as a model: minimise minus the net health of the choice.

    The file states ``obj`` (n,), rows ``dir`` and ``b`` (m,), and the matrix as triplets ``i``,
    ``j``, ``v`` counted from 0. The chosen shares are columns ``share``, at least 0. Duals of the
    rows (``placeopt.engine.solve(model).row_duals``) are minus the value of one more unit of a
    budget or of staff time.
    """
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    strange = sorted(set(data["dir"]) - {"<=", ">=", "=", "=="})
    if strange:
        message, remedy = f"rows of the kinds {strange}", "state rows as <=, >= or ="
        raise PlaceError([Finding("error", Path(path).name, None, "dir", None, message, remedy)])
    kind, right = np.array(data["dir"]), np.array(data["b"], float)
    model = Model("package")
    cost = -np.array(data["obj"], float)
    codes = np.array(data["intcode"], str)
    if len(codes) != len(cost):  # with task-shifting the file's columns carry no code of their own
        codes = np.arange(len(cost)).astype(str)
    share = model.add_columns("share", labels={"intervention_id": codes}, cost=cost)
    model.add_rows(
        "limits",
        rule="",
        size=len(right),
        terms=[(data["i"], share.at(data["j"]), data["v"])],
        lower=np.where(kind == "<=", -np.inf, right),
        upper=np.where(kind == ">=", np.inf, right),
    )
    return model


def _sections(path: Path) -> tuple[dict[str, str], pd.DataFrame]:
    """META as a dictionary and PROJECTS as texts of a Pabulib file."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    starts = {line.strip(): at for at, line in enumerate(lines) if line.strip().isupper()}
    missing = {"META", "PROJECTS", "VOTES"} - set(starts)
    if missing:
        message, remedy = f"has no section {sorted(missing)}", "give a file of the .pb format"
        raise PlaceError([Finding("error", path.name, None, None, None, message, remedy)])
    meta = dict(line.split(";", 1) for line in lines[starts["META"] + 2 : starts["PROJECTS"]])
    header = lines[starts["PROJECTS"] + 1].split(";")
    rows = [line.split(";") for line in lines[starts["PROJECTS"] + 2 : starts["VOTES"]]]
    faults = []
    for number, row in enumerate(rows, start=starts["PROJECTS"] + 3):
        if len(row) != len(header):
            message = f"{len(row)} fields where the heading has {len(header)}"
            remedy = "give as many"
            faults.append(Finding("error", path.name, number, None, None, message, remedy))
    if faults:
        raise PlaceError(faults, "rows that were not understood")
    return meta, pd.DataFrame(rows, columns=header)


def _active(rows: pd.DataFrame, file: str) -> pd.DataFrame:
    """Rows whose first column is 1; any value but 0 and 1 is an error."""
    flags = rows.iloc[:, 0]
    invalid = np.flatnonzero(~flags.isin([0, 1]))
    if len(invalid):
        column = str(rows.columns[0])
        message, remedy = "says neither 0 nor 1", "write 0 or 1"
        cells = [(row, flags.iloc[row]) for row in invalid]
        faults = [_finding(file, row, column, value, message, remedy) for row, value in cells]
        raise PlaceError(faults, "cells that were not understood")
    return rows[flags == 1]


def _max_averted(
    cell: Any, dalys: pd.Series, where: tuple[str, Any], faults: list[Finding]
) -> float:
    """The most that an intervention averts: ``cause: coverage; cause: coverage``."""
    total = 0.0
    if pd.isna(cell) or not str(cell).strip():
        return 0.0
    for part in str(cell).split(";"):
        cause, _, coverage = (text.strip() for text in part.rpartition(":"))
        try:
            total += float(dalys[cause]) * float(coverage)
        except (KeyError, ValueError):
            message, remedy = "names no cause of the burden, or no number", "write cause: coverage"
            faults.append(_finding(*where, "causes", part.strip(), message, remedy))
    return total


def _finding(file: str, row: Any, column: str, value: Any, message: str, remedy: str) -> Finding:
    return Finding("error", file, int(row) + 2, column, str(value), message, remedy)


def _outcome(key: str, unit: str, baseline: float, target: float) -> dict[str, Any]:
    row = {"outcome_id": key, "unit": unit, "direction": "higher", "baseline": baseline}
    weight = np.nan if np.isnan(target) else 1.0  # without a target it cannot count
    return {**row, "target": target, "weight": weight, "beyond": "counts"}


def _place(
    name: str,
    budget: float,
    programmes: list[dict[str, Any]],
    today: dict[str, float],
    outcomes: list[dict[str, Any]],
    curves: list[dict[str, Any]],
    points: list[dict[str, Any]],
) -> Place:
    """A place with one open stream of ``budget`` and these rows; defaults filled in."""
    given: dict[str, list[dict[str, Any]]] = {
        "agencies": [{"agency_id": "all"}],
        "streams": [{"stream_id": "budget", "agency_id": "all"}],
        "stream_amounts": [
            {"stream_id": "budget", "year": BASE_YEAR + 1, "amount_gbp": budget},
        ],
        "programmes": [{"agency_id": "all", **row} for row in programmes],
        "spending": [
            {"year": BASE_YEAR, "programme_id": key, "stream_id": "budget", "amount_gbp": gbp}
            for key, gbp in today.items()
        ],
        "outcomes": outcomes,
        "curves": curves,
        "curve_points": points,
    }
    return Place.from_frames(given, name=name)


def _scenario(question: str) -> Scenario:
    return Scenario(
        question=question,
        problem="budget",
        objective={"minimise": ("weighted_outcomes",)},  # type: ignore[arg-type]
        solver={"gap": 1e-4},  # type: ignore[arg-type]
    )
