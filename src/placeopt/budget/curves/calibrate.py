"""Response curves from evidence: observed pairs of spend and outcome, or unit cost and saturation.

From pairs (table ``evidence_pairs``), for each form by least squares

    value = base + sign x curve(spend; m, k, n),    sign -1 where lower is better, m >= 0

Given k and n the best base and m are a straight-line fit, so only k and n are searched (several
starts, scipy's bounded least squares, in logarithms). Among the forms the one with the smallest
corrected Akaike criterion is taken, unless the form is named.

From unit cost and saturation (table ``coverage``): the people served at yearly spend s are
N S tanh(s / (N S u)) for N people, the share S that can be reached and the cost u of one more
person; their number times the effect on each is the curve ``coverage``.

Nothing is fitted in silence: every fit comes with its residuals, and a fit that says little (few
pairs, no improvement, saturation beyond what was seen) says so.
Sources: Golub and Pereyra, Separable nonlinear least squares, Inverse Problems 19 (2003); Hurvich
and Tsai, Biometrika 76 (1989); Kerr and others, Optima, JAIDS 69 (2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placeopt.base.errors import Finding, PlaceError, UsageError
from placeopt.base.files import whole_file
from placeopt.base.number_format import pounds, pounds_and_pence
from placeopt.budget.appraisal.benefits import deflators, to_price_year
from placeopt.budget.curves.forms import Curve
from placeopt.place import Place
from placeopt.place.check.all_checks import check

Floats = NDArray[np.float64]

FORMS_WITH_SHAPE = ("power", "hill", "logistic")  # forms whose shape n is fitted too
PARAMETER_COUNT = {
    "power": 3,
    "exponential": 3,
    "coverage": 3,
    "hill": 4,
    "logistic": 4,
}  # with the base
MIN_SPARE_PAIRS = 2  # pairs beyond the parameters, so that the residuals say something
SHAPE_BOUNDS = (0.2, 8.0)
MIN_R2 = 0.25  # a share of the variation explained below which a fit says little


@dataclass(frozen=True)
class Fit:
    """One form fitted to one programme's and outcome's pairs.

    ``residual`` in the outcome's unit, one a pair, in the table's order; ``spread_share`` is the
    residuals' standard deviation over the effect that the curve has within the spends observed.
    """

    programme_id: str
    outcome_id: str
    curve: Curve
    base: float
    r2: float
    criterion: float
    residual: Floats
    spread_share: float
    pairs: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """New rows of ``curves``, every fit tried, every residual, and what a reader should know."""

    curves: pd.DataFrame
    fits: pd.DataFrame
    residuals: pd.DataFrame
    findings: tuple[Finding, ...]


def calibrate(place: Place, form: str | None = None) -> Calibration:
    """Curves from the place's tables ``evidence_pairs`` and ``coverage``.

    ``form`` names the one form to fit; else the best of all that the pairs suffice for is taken.
    Raises ``PlaceError`` with every fault (too few pairs, no improvement with spending), and
    ``UsageError`` where there is no evidence or no such form.
    """
    if form is not None and form not in PARAMETER_COUNT:
        raise UsageError(f"no form {form!r} to fit; choose from {', '.join(PARAMETER_COUNT)}")
    if len(place.evidence_pairs) == 0 and len(place.coverage) == 0:
        raise UsageError("nothing to calibrate from: fill evidence_pairs or coverage")
    faults = [one for one in check(place) if one.severity == "error"]
    faults += _origin_faults(place)
    if faults:
        raise PlaceError(faults, "faults in the evidence")
    rows, fits, residuals, findings = [], [], [], []
    sign = dict(zip(place.outcomes["outcome_id"],
                    np.where(place.outcomes["direction"] == "lower", -1.0, 1.0),
                    strict=True))  # fmt: skip
    for key, pairs in place.evidence_pairs.groupby(["programme_id", "outcome_id"], sort=False):
        programme, outcome = map(str, key)
        tried = fit_forms(programme, outcome, pairs, float(sign[outcome]), form)
        if isinstance(tried, Finding):
            findings.append(tried)
            continue
        best = min(tried, key=lambda fit: fit.criterion)
        grade = pairs["grade"].max() if pairs["grade"].notna().all() else pd.NA
        rows.append(_curve_row(best, grade, f"fitted to {len(pairs)} pairs, R2 {best.r2:.2f}"))
        fits += [_fit_row(fit, fit is best) for fit in tried]
        residuals += _residuals(best, pairs)
        findings += [_note(best, note) for note in best.notes]
    for row in place.coverage.itertuples():
        rows.append(_coverage_row(place, row))
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise PlaceError(errors, "curves cannot be fitted")
    return Calibration(
        pd.DataFrame(rows), pd.DataFrame(fits), pd.DataFrame(residuals), tuple(findings)
    )


def with_curves(place: Place, calibration: Calibration) -> Place:
    """The place with the calibrated curves in place of any it had for the same pairs.

    When effects come and how they last (lag and persistence) is not in the evidence of a curve, so
    it stays as the curve that is replaced had it.
    """
    keys, kept_columns = ["programme_id", "outcome_id"], ["lag_years", "persistence_share"]
    new = pd.MultiIndex.from_frame(calibration.curves[keys])

    def kept(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[~pd.MultiIndex.from_frame(frame[keys]).isin(new)]

    from placeopt.place.files.typed import conformed

    timing = place.curves[[*keys, *kept_columns]].drop_duplicates(keys)
    made_new = calibration.curves.drop(columns=kept_columns, errors="ignore")
    made_new = made_new.merge(timing, on=keys, how="left")
    curves = pd.concat([kept(place.curves), made_new], ignore_index=True)
    points = kept(place.curve_points).reset_index(drop=True)
    made = conformed({"curves": curves, "curve_points": points})
    return place.replace(curves=made["curves"], curve_points=made["curve_points"])


def fit_forms(
    programme: str, outcome: str, pairs: pd.DataFrame, sign: float, form: str | None = None
) -> list[Fit] | Finding:
    """Every form that the pairs suffice for, or the finding that says why there is none."""
    spend, value = pairs["spend_gbp"].to_numpy(float), pairs["outcome_value"].to_numpy(float)
    wanted = [form] if form else list(PARAMETER_COUNT)
    differing = len(np.unique(spend))
    enough = [
        name
        for name in wanted
        if len(pairs) >= PARAMETER_COUNT[name] + MIN_SPARE_PAIRS
        and differing >= PARAMETER_COUNT[name]
    ]
    where = f"{programme}, {outcome}"
    if not enough:
        need = min(PARAMETER_COUNT[name] for name in wanted)
        message = f"{len(pairs)} pairs at {differing} spends are too few to fit a curve"
        remedy = f"give at least {need + MIN_SPARE_PAIRS} pairs at {need} different spends"
        return _fault(pairs, where, message, remedy)
    if np.ptp(value) == 0:
        return _fault(pairs, where, "the outcome is the same at every spend",
                      "drop the pairs, or look at the data")  # fmt: skip
    tried = [fit_form(programme, outcome, name, spend, value, sign) for name in enough]
    if all(fit.curve.maximum_effect <= 0 for fit in tried):
        worse = "does not improve" if sign > 0 else "does not fall"
        return _fault(pairs, where, f"the outcome {worse} with spending in these pairs",
                      "drop them, look for what else differs, or check the direction")  # fmt: skip
    return [fit for fit in tried if fit.curve.maximum_effect > 0]


def fit_form(
    programme: str, outcome: str, form: str, spend: Floats, value: Floats, sign: float
) -> Fit:
    """The least-squares fit of one form; spend in GBP, value in the outcome's unit."""
    from scipy.optimize import least_squares

    top = float(spend.max())
    limits = [] if form == "power" else [(np.log(top / 50), np.log(top * 5))]
    limits += [tuple(np.log(SHAPE_BOUNDS))] if form in FORMS_WITH_SHAPE else []
    starts = [np.linspace(low, high, 7)[1:-1] for low, high in limits]
    low, high = (np.array([limit[side] for limit in limits]) for side in (0, 1))
    found = [
        least_squares(lambda x: _linear_fit(form, x, top, spend, value, sign)[2], start,
                      bounds=(low, high), x_scale=1.0)
        for start in product(*starts)
    ]  # fmt: skip
    best = min(found, key=lambda result: result.cost)
    base, effect, residual = _linear_fit(form, best.x, top, spend, value, sign)
    scale, shape = _parameters(form, best.x, top)
    curve = Curve(form, effect, scale, shape)
    squares, pairs, free = float(residual @ residual), len(spend), PARAMETER_COUNT[form]
    whole = float(((value - value.mean()) ** 2).sum())
    seen = float(np.ptp(curve.effect(spend)))
    spread = float(np.sqrt(squares / max(1, pairs - free)))
    floor = max(squares, 1e-18 * max(1.0, whole))  # an exact fit has no logarithm
    criterion = (
        pairs * np.log(floor / pairs) + 2 * free + 2 * free * (free + 1) / max(1, pairs - free - 1)
    )
    fit = Fit(
        programme, outcome, curve, base, 1 - squares / whole, criterion, residual,
        spread / seen if seen > 0 else np.inf, pairs,
    )  # fmt: skip
    at_edge = (best.x - low < 1e-4) | (high - best.x < 1e-4)
    return _with_notes(fit, top, bool(at_edge.any()))


def _linear_fit(
    form: str, x: Floats, top: float, spend: Floats, value: Floats, sign: float
) -> tuple[float, float, Floats]:
    """Given k and n: base, m (never below 0) and the residuals of the best straight line."""
    scale, shape = _parameters(form, x, top)
    unit = sign * Curve(form, 1.0, scale, shape).effect(spend)
    about = unit - unit.mean()
    below = float(about @ about)
    effect = max(0.0, float(about @ (value - value.mean())) / below) if below > 0 else 0.0
    base = float(value.mean() - effect * unit.mean())
    return base, effect, value - base - effect * unit


def _parameters(form: str, x: Floats, top: float) -> tuple[float, float]:
    """Scale and shape from the logarithms that are searched; a power's scale is the top spend."""
    if form == "power":
        return top, float(np.exp(x[0]))
    return float(np.exp(x[0])), float(np.exp(x[1])) if form in FORMS_WITH_SHAPE else 1.0


def _with_notes(fit: Fit, top: float, at_edge: bool) -> Fit:
    from dataclasses import replace

    notes = []
    if fit.r2 < MIN_R2:
        notes.append(f"the curve explains only {fit.r2:.0%} of what was observed")
    if fit.curve.form != "power" and fit.curve.scale_gbp > top:
        notes.append(f"its scale lies beyond the largest spend observed, {pounds(top)}: where it "
                     "levels off is not known")  # fmt: skip
    if at_edge:
        notes.append("a parameter is at the edge of what is searched: other values fit as well")
    return replace(fit, notes=tuple(notes))


def _coverage_row(place: Place, row: Any) -> dict[str, Any]:
    cost = row.unit_cost_gbp
    if row.unit_cost:
        stated = place.unit_costs.set_index("code").loc[row.unit_cost]
        cost = to_price_year(stated["amount_gbp"], int(stated["price_year"]), place.info.price_year,
                    deflators(place))  # fmt: skip
    people = row.population * row.saturation_share
    told = f"{people:.0f} people at most at {pounds_and_pence(cost)} each"
    return {
        "programme_id": row.programme_id,
        "outcome_id": row.outcome_id,
        "form": "coverage",
        "maximum_effect": people * row.effect_per_person,
        "scale_gbp": people * cost,
        "shape": 1.0,
        "grade": row.grade,
        "source": f"{told}; {row.source}" if row.source else told,
    }


def _curve_row(fit: Fit, grade: Any, source: str) -> dict[str, Any]:
    curve = fit.curve
    return {
        "programme_id": fit.programme_id,
        "outcome_id": fit.outcome_id,
        "form": curve.form,
        "maximum_effect": curve.maximum_effect,
        "scale_gbp": curve.scale_gbp,
        "shape": curve.shape,
        "grade": grade,
        "source": source,
    }


def _fit_row(fit: Fit, chosen: bool) -> dict[str, Any]:
    curve = fit.curve
    return {
        "programme_id": fit.programme_id,
        "outcome_id": fit.outcome_id,
        "form": curve.form,
        "chosen": "yes" if chosen else "no",
        "pairs": fit.pairs,
        "value_at_no_spend": fit.base,
        "maximum_effect": curve.maximum_effect,
        "scale_gbp": curve.scale_gbp,
        "shape": curve.shape,
        "r2": fit.r2,
        "spread_share": fit.spread_share,
        "largest_residual": float(np.abs(fit.residual).max()),
        "criterion": fit.criterion,
    }


def _residuals(fit: Fit, pairs: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "programme_id": fit.programme_id,
            "outcome_id": fit.outcome_id,
            "observation": row["observation"],
            "spend_gbp": row["spend_gbp"],
            "outcome_value": row["outcome_value"],
            "fitted": row["outcome_value"] - miss,
            "residual": miss,
        }
        for row, miss in zip(pairs.to_dict("records"), fit.residual, strict=True)
    ]


def _origin_faults(place: Place) -> Iterator[Finding]:
    """A curve has one origin: pairs, or unit cost and saturation."""
    pairs = set(zip(place.evidence_pairs["programme_id"], place.evidence_pairs["outcome_id"],
                    strict=True))  # fmt: skip
    row: Any
    for row in place.coverage.itertuples():
        if (row.programme_id, row.outcome_id) in pairs:
            message = f"{row.programme_id}, {row.outcome_id} stand in evidence_pairs too"
            yield Finding("error", "coverage.csv", int(row.Index) + 2, "programme_id",
                          row.programme_id, message, "keep one of the two")  # fmt: skip
        if np.isnan(row.unit_cost_gbp) == (row.unit_cost == ""):
            message = "it has a cost of its own or a unit cost's"
            yield Finding("error", "coverage.csv", int(row.Index) + 2, "unit_cost_gbp", "",
                          message, "give one of the two")  # fmt: skip


def _fault(pairs: pd.DataFrame, where: str, message: str, remedy: str) -> Finding:
    row = int(pairs.index[0]) + 2
    return Finding("error", "evidence_pairs.csv", row, "programme_id", where, message, remedy)


def _note(fit: Fit, note: str) -> Finding:
    where = f"{fit.programme_id}, {fit.outcome_id}"
    remedy = "look for more evidence, or give it a worse grade"
    return Finding("warning", "evidence_pairs.csv", None, fit.curve.form, where, note, remedy)


def write_calibration(calibration: Calibration, folder: Path | str) -> Path:
    """Write what was fitted into ``folder``: a page to read, and its tables; returns the page."""
    folder = Path(folder)
    tables = {"calibration-fits.csv": calibration.fits}
    tables["calibration-residuals.csv"] = calibration.residuals
    for name, table in tables.items():
        with whole_file(folder / name) as made:
            table.to_csv(made, index=False)
    lines = ["# What was fitted", ""]
    row: Any
    for row in calibration.curves.itertuples():
        lines.append(
            f"- {row.programme_id} on {row.outcome_id}: {row.form}, maximum_effect "
            f"{row.maximum_effect:.6g}, scale_gbp {row.scale_gbp:,.0f}, shape {row.shape:.4g} "
            f"({row.source})"
        )
    for row in calibration.fits.itertuples():
        lines.append(
            f"- tried for {row.programme_id} on {row.outcome_id}: {row.form}, R2 {row.r2:.3f}, "
            f"largest residual {row.largest_residual:.4g}, spread {row.spread_share:.1%} of the "
            f"effect seen, criterion {row.criterion:.2f}{', taken' if row.chosen == 'yes' else ''}"
        )
    lines += [f"- {finding.severity}: {finding}" for finding in calibration.findings]
    page = folder / "calibration-report.md"
    with whole_file(page) as made:
        made.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page
