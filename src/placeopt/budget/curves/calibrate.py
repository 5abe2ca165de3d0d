"""Response curves from evidence: observed pairs of spend and outcome, or unit cost and saturation.

From pairs (table ``evidence_pairs``), for each form by least squares

    value = base + sign x curve(spend; m, k, n),    sign -1 where lower is better, m >= 0

Given k and n, the best base and m are a linear fit, so only k and n are searched (scipy's bounded
least squares in logarithms, from several starts). Among the forms the one with the smallest
corrected Akaike criterion is taken, unless a form is named.

From unit cost and saturation (table ``coverage``): the people served at yearly spend s are
N S tanh(s / (N S u)) for N people, the share S that can be reached and the cost u of one more
person; their number times the effect on each is the curve ``coverage``.

Every fit comes with its residuals, and notes warn of a poor fit: little variation explained,
saturation beyond the spends observed, a parameter at the edge of its range.
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

from placeopt.base.arrays import Floats
from placeopt.base.errors import Finding, PlaceError, UsageError, errors_among
from placeopt.base.files import atomic_file
from placeopt.base.number_format import pounds, pounds_and_pence
from placeopt.budget.appraisal.benefits import deflators, to_price_year
from placeopt.budget.curves.base import FORMS, Form, form_named
from placeopt.budget.curves.forms import response_curve
from placeopt.place import Place
from placeopt.place.check.all_checks import check

MIN_SPARE_PAIRS = 2  # pairs beyond the parameters, so that residuals mean something
SHAPE_BOUNDS = (0.2, 8.0)
MIN_R2 = 0.25  # share of the variation explained below which a fit is poor


@dataclass(frozen=True)
class Fit:
    """One form fitted to the pairs of one programme and outcome.

    Attributes:
        programme_id: The programme.
        outcome_id: The outcome.
        curve: The fitted curve.
        base: The outcome at no spending.
        r2: The share of the variation explained.
        criterion: The corrected Akaike criterion.
        residual: One a pair, in the outcome's unit, in the table's order.
        spread_share: The residuals' standard deviation over the effect of the curve within the
            spends observed.
        pairs: How many pairs were fitted.
        notes: Warnings.
    """

    programme_id: str
    outcome_id: str
    curve: Form
    base: float
    r2: float
    criterion: float
    residual: Floats
    spread_share: float
    pairs: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """The result of a calibration.

    Attributes:
        curves: New rows of the table ``curves``.
        fits: Every fit tried, one a row.
        residuals: Every residual of the chosen fits.
        findings: Warnings for the reader.
    """

    curves: pd.DataFrame
    fits: pd.DataFrame
    residuals: pd.DataFrame
    findings: tuple[Finding, ...]


def calibrate(place: Place, form: str | None = None) -> Calibration:
    """Fit curves to the place's tables ``evidence_pairs`` and ``coverage``.

    Args:
        place: The place.
        form: The one form to fit; by default the best of all that have enough pairs.

    Returns:
        The curves, with every fit and residual.

    Raises:
        PlaceError: With every fault (too few pairs, no improvement with spending).
        UsageError: Where there is no evidence or no such form.
    """
    if form is not None and form not in _fitted_forms():
        raise UsageError(f"no form {form!r} to fit; choose from {', '.join(_fitted_forms())}")
    if len(place.evidence_pairs) == 0 and len(place.coverage) == 0:
        raise UsageError("nothing to calibrate from: fill evidence_pairs or coverage")
    faults = errors_among(check(place))
    faults += _origin_faults(place)
    if faults:
        raise PlaceError(faults, "faults in the evidence")
    rows, fits, residuals, findings = [], [], [], []
    sign = dict(zip(place.outcomes["outcome_id"],
                    np.where(place.outcomes["direction"] == "lower", -1.0, 1.0),
                    strict=True))  # fmt: skip
    for key, pairs in place.evidence_pairs.groupby(["programme_id", "outcome_id"], sort=False):
        programme, outcome = map(str, key)
        form_fits = fit_forms(programme, outcome, pairs, float(sign[outcome]), form)
        if isinstance(form_fits, Finding):
            findings.append(form_fits)
            continue
        best = min(form_fits, key=lambda fit: fit.criterion)
        grade = pairs["grade"].max() if pairs["grade"].notna().all() else pd.NA
        rows.append(_curve_row(best, grade, f"fitted to {len(pairs)} pairs, R2 {best.r2:.2f}"))
        fits += [_fit_row(fit, fit is best) for fit in form_fits]
        residuals += _residuals(best, pairs)
        findings += [_note(best, note) for note in best.notes]
    for row in place.coverage.itertuples():
        rows.append(_coverage_row(place, row))
    errors = errors_among(findings)
    if errors:
        raise PlaceError(errors, "curves cannot be fitted")
    return Calibration(
        pd.DataFrame(rows), pd.DataFrame(fits), pd.DataFrame(residuals), tuple(findings)
    )


def with_curves(place: Place, calibration: Calibration) -> Place:
    """The place with the calibrated curves, in place of any it had for the same pairs.

    The lag and persistence of effects are not in the evidence of a curve, so they are kept from the
    curve that is replaced.
    """
    keys, kept_columns = ["programme_id", "outcome_id"], ["lag_years", "persistence_share"]
    new_keys = pd.MultiIndex.from_frame(calibration.curves[keys])

    def without_new(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[~pd.MultiIndex.from_frame(frame[keys]).isin(new_keys)]

    from placeopt.place.files.typed import tables_from_rows

    timing = place.curves[[*keys, *kept_columns]].drop_duplicates(keys)
    new_curves = calibration.curves.drop(columns=kept_columns, errors="ignore")
    new_curves = new_curves.merge(timing, on=keys, how="left")
    curves = pd.concat([without_new(place.curves), new_curves], ignore_index=True)
    points = without_new(place.curve_points).reset_index(drop=True)
    tables = tables_from_rows({"curves": curves, "curve_points": points})
    return place.replace(curves=tables["curves"], curve_points=tables["curve_points"])


def fit_forms(
    programme: str, outcome: str, pairs: pd.DataFrame, sign: float, form: str | None = None
) -> list[Fit] | Finding:
    """Fit every form that has enough pairs.

    Args:
        programme: The programme's id.
        outcome: The outcome's id.
        pairs: Rows of ``evidence_pairs``.
        sign: -1 where lower is better, else 1.
        form: The one form to fit, if any.

    Returns:
        The fits that improve the outcome, or the finding that explains why there is none.
    """
    spend, value = pairs["spend_gbp"].to_numpy(float), pairs["outcome_value"].to_numpy(float)
    forms = [form] if form else _fitted_forms()
    spend_count = len(np.unique(spend))
    allowed_forms = [
        name
        for name in forms
        if len(pairs) >= _parameter_count(name) + MIN_SPARE_PAIRS
        and spend_count >= _parameter_count(name)
    ]
    where = f"{programme}, {outcome}"
    if not allowed_forms:
        required = min(_parameter_count(name) for name in forms)
        message = f"{len(pairs)} pairs at {spend_count} spends are too few to fit a curve"
        remedy = f"give at least {required + MIN_SPARE_PAIRS} pairs at {required} different spends"
        return _fault(pairs, where, message, remedy)
    if np.ptp(value) == 0:
        return _fault(pairs, where, "the outcome is the same at every spend",
                      "drop the pairs, or look at the data")  # fmt: skip
    fits = [fit_form(programme, outcome, name, spend, value, sign) for name in allowed_forms]
    if all(fit.curve.maximum_effect <= 0 for fit in fits):
        worse = "does not improve" if sign > 0 else "does not fall"
        return _fault(pairs, where, f"the outcome {worse} with spending in these pairs",
                      "drop them, look for what else differs, or check the direction")  # fmt: skip
    return [fit for fit in fits if fit.curve.maximum_effect > 0]


def fit_form(
    programme: str, outcome: str, form: str, spend: Floats, value: Floats, sign: float
) -> Fit:
    """Fit one form by least squares; spend in GBP, value in the outcome's unit."""
    from scipy.optimize import least_squares

    max_spend, fitted = float(spend.max()), form_named(form).fitted
    limits = [(np.log(max_spend / 50), np.log(max_spend * 5))] if "scale_gbp" in fitted else []
    limits += [tuple(np.log(SHAPE_BOUNDS))] if "shape" in fitted else []
    starts = [np.linspace(lower, upper, 7)[1:-1] for lower, upper in limits]
    lower, upper = (np.array([limit[side] for limit in limits]) for side in (0, 1))
    solutions = [
        least_squares(lambda x: _linear_fit(form, x, max_spend, spend, value, sign)[2], start,
                      bounds=(lower, upper), x_scale=1.0)
        for start in product(*starts)
    ]  # fmt: skip
    best = min(solutions, key=lambda result: result.cost)
    base, effect, residual = _linear_fit(form, best.x, max_spend, spend, value, sign)
    scale, shape = _parameters(form, best.x, max_spend)
    curve = response_curve(form, effect, scale, shape)
    residual_squares, pairs, parameter_count = (
        float(residual @ residual),
        len(spend),
        _parameter_count(form),
    )
    total_squares = float(((value - value.mean()) ** 2).sum())
    effect_range = float(np.ptp(curve.effect(spend)))
    spread = float(np.sqrt(residual_squares / max(1, pairs - parameter_count)))
    floor = max(residual_squares, 1e-18 * max(1.0, total_squares))  # an exact fit has no logarithm
    criterion = (
        pairs * np.log(floor / pairs)
        + 2 * parameter_count
        + 2 * parameter_count * (parameter_count + 1) / max(1, pairs - parameter_count - 1)
    )
    fit = Fit(
        programme, outcome, curve, base, 1 - residual_squares / total_squares, criterion, residual,
        spread / effect_range if effect_range > 0 else np.inf, pairs,
    )  # fmt: skip
    at_edge = (best.x - lower < 1e-4) | (upper - best.x < 1e-4)
    return _with_notes(fit, max_spend, bool(at_edge.any()))


def _fitted_forms() -> list[str]:
    """The forms with parameters to look for."""
    return [name for name, form in FORMS.items() if form.fitted]


def _parameter_count(form: str) -> int:
    """How many numbers are fitted: the form's own, and the base."""
    return len(form_named(form).fitted) + 1


def _linear_fit(
    form: str, x: Floats, max_spend: float, spend: Floats, value: Floats, sign: float
) -> tuple[float, float, Floats]:
    """Base, m (never below 0) and residuals of the best linear fit, given k and n."""
    scale, shape = _parameters(form, x, max_spend)
    unit = sign * response_curve(form, 1.0, scale, shape).effect(spend)
    centred = unit - unit.mean()
    variation = float(centred @ centred)
    effect = max(0.0, float(centred @ (value - value.mean())) / variation) if variation > 0 else 0.0
    base = float(value.mean() - effect * unit.mean())
    return base, effect, value - base - effect * unit


def _parameters(form: str, x: Floats, max_spend: float) -> tuple[float, float]:
    """Scale and shape from the logarithms that are searched; a power's scale is the top spend."""
    searched, fitted = (float(np.exp(value)) for value in x), form_named(form).fitted
    scale = next(searched) if "scale_gbp" in fitted else max_spend
    return scale, next(searched) if "shape" in fitted else 1.0


def _with_notes(fit: Fit, max_spend: float, at_edge: bool) -> Fit:
    from dataclasses import replace

    notes = []
    if fit.r2 < MIN_R2:
        notes.append(f"the curve explains only {fit.r2:.0%} of what was observed")
    if "scale_gbp" in fit.curve.fitted and fit.curve.scale_gbp > max_spend:
        notes.append(f"its scale lies beyond the largest spend observed, {pounds(max_spend)}: "
                     "where it levels off is not known")  # fmt: skip
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
    description = f"{people:.0f} people at most at {pounds_and_pence(cost)} each"
    return {
        "programme_id": row.programme_id,
        "outcome_id": row.outcome_id,
        "form": "coverage",
        "maximum_effect": people * row.effect_per_person,
        "scale_gbp": people * cost,
        "shape": 1.0,
        "grade": row.grade,
        "source": f"{description}; {row.source}" if row.source else description,
    }


def _curve_row(fit: Fit, grade: Any, source: str) -> dict[str, Any]:
    curve = fit.curve
    return {
        "programme_id": fit.programme_id,
        "outcome_id": fit.outcome_id,
        "form": curve.name,
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
        "form": curve.name,
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
            "fitted": row["outcome_value"] - residual,
            "residual": residual,
        }
        for row, residual in zip(pairs.to_dict("records"), fit.residual, strict=True)
    ]


def _origin_faults(place: Place) -> Iterator[Finding]:
    """Faults of curves with two origins, or of coverage with two costs or none."""
    pairs = set(zip(place.evidence_pairs["programme_id"], place.evidence_pairs["outcome_id"],
                    strict=True))  # fmt: skip
    row: Any
    for row in place.coverage.itertuples():
        if (row.programme_id, row.outcome_id) in pairs:
            message = f"{row.programme_id}, {row.outcome_id} are in evidence_pairs too"
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
    return Finding("warning", "evidence_pairs.csv", None, fit.curve.name, where, note, remedy)


def write_calibration(calibration: Calibration, folder: Path | str) -> Path:
    """Write a page and the tables of a calibration into ``folder``; return the page's path."""
    folder = Path(folder)
    tables = {"calibration-fits.csv": calibration.fits}
    tables["calibration-residuals.csv"] = calibration.residuals
    for name, table in tables.items():
        with atomic_file(folder / name) as made:
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
    with atomic_file(page) as made:
        made.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page
