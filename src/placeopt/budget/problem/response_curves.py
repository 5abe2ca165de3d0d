"""Response curves of a budget problem: what they are, when effects are felt, how sure they are."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd

from placeopt.base.arrays import Floats
from placeopt.budget.curves.base import Form
from placeopt.budget.curves.combination import curve_groups
from placeopt.budget.curves.forms import Points, response_curve
from placeopt.budget.curves.remaining_potential import TransformedCurve
from placeopt.budget.problem import parts
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import Uncertainty


def curves(place: Place, outcomes: parts.Outcomes, decided: int) -> parts.Curves:
    """What spending does for outcomes.

    Args:
        place: The place.
        outcomes: Its outcomes.
        decided: How many years are decided.
    """
    rows, stated = place.curves, stated_curves(place)
    programmes = pd.Index(place.programmes["programme_id"])
    outcome = pd.Index(outcomes.ids).get_indexer(pd.Index(rows["outcome_id"])).astype(np.int64)
    potential = np.where(outcomes.uses_levels, np.nan, outcomes.potential)[outcome]
    return parts.Curves(
        programme=programmes.get_indexer(rows["programme_id"]).astype(np.int64),
        outcome=outcome,
        stated=stated,
        response=tuple(
            curve if np.isnan(w) else TransformedCurve(curve, float(w))
            for curve, w in zip(stated, potential, strict=True)
        ),
        effect_share=effect_share(place, len(outcomes.drifted_baseline), decided),
        groups=curve_groups(place),
    )


def stated_curves(place: Place) -> tuple[Form, ...]:
    """(C,) the response curves of the table ``curves``.

    Raises:
        UsageError: With the list of known forms where a curve's form is not one of them.
    """
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    rows = place.curve_points
    for programme, outcome, spend, effect in zip(
        *(rows[name] for name in ("programme_id", "outcome_id", "spend_gbp", "effect")), strict=True
    ):
        points[programme, outcome].append((float(spend), float(effect)))
    rows = place.curves
    stated: list[Form] = []
    parameters = rows[["maximum_effect", "scale_gbp", "shape"]].to_numpy(float)
    keys = zip(rows["programme_id"], rows["outcome_id"], rows["form"], strict=True)
    for (programme, outcome, form), (m, k, n) in zip(keys, parameters, strict=True):
        if form == Points.name:
            spends, effects = zip(*points[programme, outcome], strict=True)
            stated.append(Points(spend=spends, effect_at=effects))
        else:
            stated.append(response_curve(str(form), float(m), float(k), float(n)))
    return tuple(stated)


def effect_share(place: Place, counted: int, decided: int) -> Floats:
    """(B, T, C) the share of the effect of a year's spending that is felt in each counted year."""
    lag = place.curves["lag_years"].to_numpy(float)
    decay = place.curves["persistence_share"].to_numpy(float)
    since = (np.arange(counted)[:, None] - np.arange(decided)[None, :])[:, :, None] - lag
    return np.where(since >= 0, (1 - decay) * decay ** np.maximum(since, 0.0), 0.0)


def grades(place: Place) -> list[str]:
    """(C,) the evidence grade of each curve as a text, "" where there is none."""
    return ["" if pd.isna(grade) else str(int(grade)) for grade in place.curves["grade"]]


def evidence(place: Place, scenario: Scenario) -> parts.Evidence:
    """How much of each curve's effect may be there (B12)."""
    rule = next(iter(scenario.of(Uncertainty)), None)
    if rule is None:
        return parts.Evidence(np.zeros((0, len(place.curves))), 0.0)
    factors = np.array(rule.factors(grades(place)), float)
    return parts.Evidence(factors, rule.tail_share if rule.holds == "tail" else 0.0)
