"""The verifier's own arithmetic of the joint effect of several programmes on one outcome.

Programmes of an outcome add up, or each works on what the others leave of a potential, or the best
one counts, or the better one of a pair counts in full and the other by a share. The joint effect at
today's spending is subtracted, so that unchanged spending changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from placeopt.place import Place

MAX_EFFECT_SHARE = 0.9999  # largest share of the potential of one programme, in any draw


def combined_improvement(
    place: Place, outcome: Any, effects: Mapping[int, tuple[float, float]]
) -> float:
    """The improvement of an outcome.

    Args:
        place: The place.
        outcome: Its row of ``outcomes``.
        effects: By row of ``curves``, the effect today and the change from it.
    """
    after = {curve: today + change for curve, (today, change) in effects.items()}
    before = {curve: today for curve, (today, _) in effects.items()}
    return _total_effect(place, outcome, after) - _total_effect(place, outcome, before)


def _total_effect(place: Place, outcome: Any, effect: dict[int, float]) -> float:
    if not effect:
        return 0.0
    if outcome.combination == "remaining" and len(effect) > 1:
        remaining = 1.0
        for single in effect.values():
            remaining *= 1 - min(single / outcome.whole_effect, MAX_EFFECT_SHARE)
        return float(outcome.whole_effect * (1 - remaining))
    if outcome.combination == "best_of":
        return max(effect.values())
    if not len(place.combinations):
        return sum(effect.values())
    unpaired, total = dict(effect), 0.0
    programme = place.curves["programme_id"].tolist()
    for pair in place.combinations.to_dict("records"):
        if pair["outcome_id"] != outcome.outcome_id:
            continue
        first, second = (
            unpaired.pop(next(c for c in effect if programme[c] == pair[name]))
            for name in ("programme_a", "programme_b")
        )
        total += max(first, second) + pair["joint_effect_share"] * min(first, second)
    return total + sum(unpaired.values())
