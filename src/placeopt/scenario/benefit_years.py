"""Over how many years a budget's outcomes and benefits are counted.

By default as long as what the last decided year buys lasts:

    decided years + largest lag + n,   n the least with 1 - persistence^(n+1) >= 0.95

of the longest persistence; ``MAX_EXTRA_YEARS`` years beyond the decided ones at most.
"""

from __future__ import annotations

import math

from placeopt.place import Place
from placeopt.scenario.scenario import Scenario

EFFECT_SHARE = 0.95  # share of an effect that has been felt by the last counted year
MAX_EXTRA_YEARS = 20  # counted years after the decided ones


def counted_years(place: Place, scenario: Scenario) -> int:
    """The years counted, from the first decided one on: the scenario's own, else the default."""
    if scenario.money.benefit_years is not None:
        return max(scenario.years, scenario.money.benefit_years)
    return scenario.years + min(MAX_EXTRA_YEARS, lasting_effect_years(place))


def lasting_effect_years(place: Place) -> int:
    """Years after the last decided one in which what it buys is still felt."""
    curves = place.curves
    lag = int(curves["lag_years"].max()) if len(curves) else 0
    kept = float(curves["persistence_share"].max()) if len(curves) else 0.0
    if not 0 < kept < 1:
        return lag
    return lag + max(0, math.ceil(math.log(1 - EFFECT_SHARE) / math.log(kept) - 1 - 1e-9))
