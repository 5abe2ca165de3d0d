"""Synthetic budgets of many programmes over years.

Each programme has Hill curves (exponent 2 to 5, or 1 where concave) to two outcomes, some of them
a year late; a fifth of each effect persists into the next year. Half of the eight streams are
ring-fenced. There is ten per cent less money, and reserves may be carried between years. Half of
the outcomes have a minimum standard. With a pace, no programme falls by more than three tenths or
rises by more than half in a year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from placeopt.place import Place
    from placeopt.scenario import Scenario

STREAMS = 8
LARGEST_CUT_SHARE, LARGEST_RISE_SHARE = 0.3, 0.5  # of a programme in a year, under a pace


def many_programmes(
    programmes: int, outcomes: int, years: int, *, concave: bool, seed: int
) -> Place:
    """The place; money in GBP, outcomes in points."""
    from placeopt.place import Place

    rng = np.random.default_rng(seed)
    p_ids = [f"p{i:03}" for i in range(programmes)]
    o_ids = [f"o{i:02}" for i in range(outcomes)]
    f_ids = [f"f{i}" for i in range(STREAMS)]
    today = np.round(rng.lognormal(1.0, 0.8, programmes) * 1e6)
    payer = rng.integers(0, STREAMS, programmes)
    curves = []
    for i, p in enumerate(p_ids):
        for o in rng.choice(outcomes, 2, replace=False):
            shape = 1.0 if concave else float(rng.uniform(2, 5))
            curves.append(
                {
                    "programme_id": p,
                    "outcome_id": o_ids[o],
                    "form": "hill",
                    "maximum_effect": float(rng.uniform(1, 4)),
                    "scale_gbp": float(today[i] * rng.uniform(0.6, 1.6)),
                    "shape": shape,
                    "lag_years": int(rng.random() < 0.25 and years > 1),
                    "persistence_share": 0.2 * float(years > 1),
                }
            )
    paid = np.bincount(payer, today, STREAMS)
    rows: dict[str, list[dict[str, object]]] = {
        "agencies": [{"agency_id": "all"}],
        "programmes": [
            {"programme_id": p, "agency_id": "all", "maximum_gbp_per_year": 2.5 * gbp}
            for p, gbp in zip(p_ids, today, strict=True)
        ],
        "streams": [
            {"stream_id": f, "agency_id": "all", "ring_fenced": i % 2 == 1}
            for i, f in enumerate(f_ids)
        ],
        "stream_amounts": [
            {"stream_id": f, "year": 2026 + t, "amount_gbp": float(round(paid[i] * 0.97))}
            for i, f in enumerate(f_ids)
            for t in range(years)
        ],
        "stream_programmes": [
            {"stream_id": f_ids[f], "programme_id": p}
            for p, payer_of in zip(p_ids, payer, strict=True)
            for f in range(1, STREAMS, 2)
            if f == payer_of or rng.random() < 0.2
        ],
        "spending": [
            {"year": 2025, "programme_id": p, "stream_id": f_ids[f], "amount_gbp": gbp}
            for p, f, gbp in zip(p_ids, payer, today, strict=True)
        ],
        "outcomes": [
            {
                "outcome_id": o,
                "unit": "points",
                "direction": "higher",
                "baseline": 50.0,
                "target": 56.0,
                "minimum_standard": 48.5 if i % 2 else np.nan,
                "beyond": "counts",
                "weight": float(rng.uniform(0.5, 2)),
            }
            for i, o in enumerate(o_ids)
        ],
        "curves": curves,
    }
    return Place.from_frames(rows, name="Many programmes", made_up=True)


def make_scenario(years: int, gap: float, seconds: float, *, pace: bool) -> Scenario:
    """Weighted outcomes for a tenth less money, over the years."""
    from placeopt.scenario import Rule, Scenario
    from placeopt.scenario.rules.budget.money import OneBudget, Outcomes, Pace, Statutory, Streams
    from placeopt.scenario.scenario import Objective, SolverSettings

    rules: list[Rule] = [OneBudget(reduction_share=0.1, carry_over=years > 1)]
    rules += [Streams(), Statutory(), Outcomes()]
    if pace:
        rules.append(
            Pace(largest_cut_share=LARGEST_CUT_SHARE, largest_rise_share=LARGEST_RISE_SHARE)
        )
    return Scenario(
        question="How are many programmes paid for?",
        problem="budget",
        years=years,
        objective=Objective(minimise=("weighted_outcomes",)),
        rules=tuple(rules),
        solver=SolverSettings(gap=gap, time_limit_seconds=seconds),
    )
