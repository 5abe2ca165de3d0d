"""Minutes as the crow flies, lengthened by a detour factor: for screening, never as evidence.

minutes[z,b] = detour x distance[z,b] / speed. Against streets, 35 % of walking "passes" at
15 minutes were false on a county network, so a standard is not shown to be met by these.
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
    """(from, to) minutes between points in metres, shape (n, 2); NaN beyond the cut-off."""
    from scipy.spatial.distance import cdist

    minutes = cdist(from_xy, to_xy)
    minutes *= detour / metres_per_minute(kmh)
    minutes[minutes > cutoff_minutes] = np.nan
    return minutes
