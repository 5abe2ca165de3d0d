"""The number of years over which a budget's outcomes and benefits are counted.

By default the years cover the effects of the last decided year's spending:

    decided years + largest lag + n,   n the least with 1 - persistence^(n+1) >= 0.95

for the longest persistence, with at most ``MAX_EXTRA_YEARS`` years after the decided ones.
"""

from __future__ import annotations

import math

from placeopt.place import Place
from placeopt.scenario.scenario import Scenario

EFFECT_SHARE = 0.95  # of an effect that falls within the counted years
MAX_EXTRA_YEARS = 20  # counted years after the decided ones


def counted_years(place: Place, scenario: Scenario) -> int:
    """The number of years counted from the first decided one: the scenario's own, or the
    default."""
    if scenario.money.benefit_years is not None:
        return max(scenario.years, scenario.money.benefit_years)
    return scenario.years + min(MAX_EXTRA_YEARS, lasting_effect_years(place))


def lasting_effect_years(place: Place) -> int:
    """Years after the last decided one in which its spending still has an effect."""
    curves = place.curves
    lag = int(curves["lag_years"].max()) if len(curves) else 0
    persistence = float(curves["persistence_share"].max()) if len(curves) else 0.0
    if not 0 < persistence < 1:
        return lag
    return lag + max(0, math.ceil(math.log(1 - EFFECT_SHARE) / math.log(persistence) - 1 - 1e-9))
