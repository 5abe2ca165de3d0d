"""Combine the effects of several programmes on one outcome, so that nothing is counted twice.

A curve c in year b has the effect E[b,c]: its effect at today's spending plus what the plan adds to
it. The curves of an outcome combine to

    add         sum of E
    best_of     max of E
    a pair      s (E1 + E2) + (1 - s) max(E1, E2): the better one, and the share s of the other
    remaining   W (1 - product of (1 - E / W)): each works on the potential that the others leave

and the outcome improves by the difference from the same at today's spending. The column
``outcomes.combination`` names the way, and ``combinations`` lists pairs. The first three are exact
in an integer program, where a maximum is a choice:

    best[b,g] <= E[b,c] + M (1 - chosen[b,c]),  sum over c of g of chosen[b,c] = 1

with M the largest effect of any curve of the group. The last is described in
``remaining_potential``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placeopt.base.arrays import Floats, Ints
from placeopt.base.errors import Finding
from placeopt.base.findings import error
from placeopt.budget.curves.remaining_potential import inverse_transform

if TYPE_CHECKING:
    from placeopt.place import Place


@dataclass(frozen=True)
class CurveGroup:
    """Curves of one outcome of which the best counts in full and the others by a share.

    Attributes:
        outcome: The outcome's position.
        curves: Positions of the curves.
        share: The share of each curve that is not the best.
    """

    outcome: int
    curves: tuple[int, ...]
    share: float


def curve_groups(place: Place) -> tuple[CurveGroup, ...]:
    """The groups from a place's outcomes and pairs of programmes."""
    outcomes = pd.Index(place.outcomes["outcome_id"])
    rows = list(zip(place.curves["programme_id"], place.curves["outcome_id"], strict=True))
    groups = []
    for o, (key, combination) in enumerate(
        zip(outcomes, place.outcomes["combination"], strict=True)
    ):
        members = tuple(c for c, (_, outcome) in enumerate(rows) if outcome == key)
        if combination == "best_of" and len(members) > 1:
            groups.append(CurveGroup(o, members, 0.0))
    row: Any
    for row in place.combinations.itertuples():
        pair = tuple(
            rows.index((key, row.outcome_id)) for key in (row.programme_a, row.programme_b)
        )
        share = float(row.joint_effect_share)
        groups.append(CurveGroup(int(outcomes.get_loc(row.outcome_id)), pair, share))
    return tuple(groups)


def combine_effects(
    level: Floats, groups: tuple[CurveGroup, ...], outcome: Ints, outcomes: int, potential: Floats
) -> Floats:
    """Combine the curves' effects by outcome.

    Args:
        level: (..., C) effects of the curves, or their transforms on a remaining potential.
        groups: Curves of which the best counts in full.
        outcome: (C,) the outcome of each curve.
        outcomes: O, how many outcomes there are.
        potential: (O,) remaining potentials, NaN where effects add up or the best counts.

    Returns:
        (..., O) combined effects in outcome units.
    """
    weight = np.ones(level.shape[-1])
    for group in groups:
        weight[list(group.curves)] = group.share
    total = np.zeros((*level.shape[:-1], outcomes))
    for c, o in enumerate(outcome):
        total[..., o] += weight[c] * level[..., c]
    for group in groups:
        total[..., group.outcome] += (1 - group.share) * level[..., group.curves].max(axis=-1)
    return np.where(
        np.isfinite(potential),
        inverse_transform(total, np.where(np.isnan(potential), 1, potential)),
        total,
    )


def potentials(place: Place) -> Floats:
    """(O,) the potential W of outcomes with the combination ``remaining``, else NaN."""
    curve_counts = (
        place.outcomes["outcome_id"].map(place.curves["outcome_id"].value_counts()).fillna(0)
    )
    is_shared = (place.outcomes["combination"] == "remaining") & (curve_counts > 1)
    return np.where(is_shared, place.outcomes["whole_effect"].to_numpy(float), np.nan)


def uses_levels(place: Place, uncertain: bool) -> NDArray[np.bool_]:
    """(O,) whether an outcome is modelled by levels of cumulative effects.

    These are outcomes on a remaining potential whose effects persist, or have uncertain evidence.
    """
    lasting = place.curves.loc[place.curves["persistence_share"] > 0, "outcome_id"]
    persists = place.outcomes["outcome_id"].isin(lasting).to_numpy() | uncertain
    return np.isfinite(potentials(place)) & persists


def combination_faults(place: Place) -> Iterator[Finding]:
    """Faults in how programmes of an outcome combine."""
    outcomes = place.outcomes
    for row, (key, combination, potential) in enumerate(
        zip(outcomes["outcome_id"], outcomes["combination"], outcomes["whole_effect"], strict=True)
    ):
        cell: dict[str, Any] = {"row": row + 2, "column": "combination", "value": combination}
        curves = place.curves[place.curves["outcome_id"] == key]
        pairs = int((place.combinations["outcome_id"] == key).sum())
        if combination == "remaining" and len(curves) > 1 and not potential > 0:
            yield error("outcomes.csv", "what is left of it needs its whole",
                        "give whole_effect, the most that all its programmes together can do",
                        row=row + 2, column="whole_effect")  # fmt: skip
        if combination != "add" and pairs:
            message = f"{pairs} pairs in combinations say otherwise"
            yield error("outcomes.csv", message, "keep one of the two", **cell)
