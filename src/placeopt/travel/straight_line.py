"""Straight-line minutes with a detour factor: for screening, not as evidence.

minutes[z,b] = detour x distance[z,b] / speed. Compared with streets on a county network, 35 % of
walking "passes" at 15 minutes were false, so these minutes do not show that a standard is met.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.travel.speeds import metres_per_minute


def straight_line_minutes(
    from_xy: NDArray[np.float64],
    to_xy: NDArray[np.float64],
    kmh: float,
    detour: float,
    cutoff_minutes: float,
) -> NDArray[np.float64]:
    """Minutes between points in a straight line.

    Args:
        from_xy: (origins, 2) metres.
        to_xy: (destinations, 2) metres.
        kmh: The speed.
        detour: Street length over straight-line length.
        cutoff_minutes: Longer journeys are NaN.

    Returns:
        (origins, destinations) minutes.
    """
    from scipy.spatial.distance import cdist

    minutes: NDArray[np.float64] = cdist(from_xy, to_xy)
    minutes *= detour / metres_per_minute(kmh)
    minutes[minutes > cutoff_minutes] = np.nan
    return minutes
