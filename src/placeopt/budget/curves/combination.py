"""What several programmes do for one outcome together, so that nothing is counted twice.

A curve c in year b is at E[b,c], its effect at today's spending and what the plan adds to it. What
the curves of an outcome come to is

    add         sum of E
    best_of     max of E
    a pair      s (E1 + E2) + (1 - s) max(E1, E2): the better one, and the share s of the other
    remaining   W (1 - product of (1 - E / W)): each works on what the others leave of the whole W

and the outcome improves by what they come to beyond what they come to at today's spending. The
column ``outcomes.combination`` says which, and ``combinations`` states pairs. The first three are
exact in an integer program, a maximum being a choice:

    best[b,g] <= E[b,c] + M (1 - chosen[b,c]),  sum over c of g of chosen[b,c] = 1

with M the most that any curve of the group can do. The last is told in ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placeopt.base.errors import Finding
from placeopt.budget.curves.remaining_potential import inverse_transform
from placeopt.place.faults import error

if TYPE_CHECKING:
    from placeopt.place import Place

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CurveGroup:
    """Curves of one outcome of which the best counts whole and the others by a share."""

    outcome: int
    curves: tuple[int, ...]
    share: float


def curve_groups(place: Place) -> tuple[CurveGroup, ...]:
    """The groups that a place's outcomes and pairs of programmes state."""
    outcomes = pd.Index(place.outcomes["outcome_id"])
    rows = list(zip(place.curves["programme_id"], place.curves["outcome_id"], strict=True))
    found = []
    for o, (key, how) in enumerate(zip(outcomes, place.outcomes["combination"], strict=True)):
        own = tuple(c for c, (_, outcome) in enumerate(rows) if outcome == key)
        if how == "best_of" and len(own) > 1:
            found.append(CurveGroup(o, own, 0.0))
    row: Any
    for row in place.combinations.itertuples():
        pair = tuple(
            rows.index((key, row.outcome_id)) for key in (row.programme_a, row.programme_b)
        )
        share = float(row.joint_effect_share)
        found.append(CurveGroup(int(outcomes.get_loc(row.outcome_id)), pair, share))
    return tuple(found)


def combine_effects(
    level: Floats, groups: tuple[CurveGroup, ...], outcome: Ints, outcomes: int, whole: Floats
) -> Floats:
    """(..., O) what the curves at ``level`` (..., C) of ``outcome`` (C,) come to.

    ``whole`` (O,) is NaN but where each works on what the others leave.
    """
    weight = np.ones(level.shape[-1])
    for group in groups:
        weight[list(group.curves)] = group.share
    found = np.zeros((*level.shape[:-1], outcomes))
    for c, o in enumerate(outcome):
        found[..., o] += weight[c] * level[..., c]
    for group in groups:
        found[..., group.outcome] += (1 - group.share) * level[..., group.curves].max(axis=-1)
    return np.where(
        np.isfinite(whole), inverse_transform(found, np.where(np.isnan(whole), 1, whole)), found
    )


def potentials(place: Place) -> Floats:
    """(O,) the whole of each outcome whose programmes work on what the others leave, else NaN."""
    many = place.outcomes["outcome_id"].map(place.curves["outcome_id"].value_counts()).fillna(0)
    shared = (place.outcomes["combination"] == "remaining") & (many > 1)
    return np.where(shared, place.outcomes["whole_effect"].to_numpy(float), np.nan)


def uses_levels(place: Place, uncertain: bool) -> NDArray[np.bool_]:
    """(O,) outcomes on what the others leave whose effects persist, or may be otherwise."""
    lasting = place.curves.loc[place.curves["persistence_share"] > 0, "outcome_id"]
    found = place.outcomes["outcome_id"].isin(lasting).to_numpy() | uncertain
    return np.isfinite(potentials(place)) & found


def combination_faults(place: Place) -> Iterator[Finding]:
    """What cannot be decided with yet, said clearly rather than added up as if it could."""
    outcomes = place.outcomes
    for at, (key, how, whole) in enumerate(
        zip(outcomes["outcome_id"], outcomes["combination"], outcomes["whole_effect"], strict=True)
    ):
        of: dict[str, Any] = {"row": at + 2, "column": "combination", "value": how}
        own = place.curves[place.curves["outcome_id"] == key]
        pairs = int((place.combinations["outcome_id"] == key).sum())
        if how == "remaining" and len(own) > 1 and not whole > 0:
            yield error("outcomes.csv", "what is left of it needs its whole",
                        "give whole_effect, the most that all its programmes together can do",
                        row=at + 2, column="whole_effect")  # fmt: skip
        if how != "add" and pairs:
            message = f"{pairs} pairs in combinations say otherwise"
            yield error("outcomes.csv", message, "keep one of the two", **of)
