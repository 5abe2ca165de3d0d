"""The step rule of every Lagrangian bound of location problems, compiled.

A bound L(u) rises along the averaged subgradient g of its multipliers u by

    u <- u + step (target - L(u)) / |g|^2  g,      g <- keep g + (1 - keep) (demand - served)

``target`` is the cost of the best plan. After ``patience`` rounds without gain the step is halved
and the search returns to the best multipliers.

Source: Held, Wolfe and Crowder (1974); Barahona and Anbil (2000) for the averaged direction.
"""

from __future__ import annotations

from placeopt.base.arrays import Floats
from placeopt.base.compiled import compiled

DIRECTION_MEMORY = 0.6  # keep: the weight of the directions before in the averaged one


@compiled
def track_progress(
    bound: float, best: float, target: float, rounds_without_gain: int, patience: int
) -> tuple[bool, int, bool]:
    """Compare a bound with the best one so far.

    Args:
        bound: The bound of this round.
        best: The best bound of earlier rounds.
        target: The cost of the best plan.
        rounds_without_gain: Rounds since the bound rose noticeably.
        patience: Rounds without gain after which the step is halved.

    Returns:
        (whether ``bound`` is a new best, rounds without gain, whether to go back and halve).
    """
    is_better = bound > best + 1e-9 * abs(best)
    rounds_without_gain = (
        0 if is_better and bound > best + 1e-5 * abs(target - bound) else rounds_without_gain + 1
    )
    goes_back = rounds_without_gain >= patience
    return is_better, (0 if goes_back else rounds_without_gain), goes_back


@compiled
def take_step(
    u: Floats,
    direction: Floats,
    subgradient: Floats,
    is_first_round: bool,
    step: float,
    target: float,
    bound: float,
    ceiling: Floats,
) -> bool:
    """Move the multipliers in place, each at most to its ``ceiling``.

    Args:
        u: Multipliers, (customers,); changed in place.
        direction: Averaged subgradient, (customers,); changed in place.
        subgradient: Subgradient at u, (customers,): 1 less how often a customer is served.
        is_first_round: Whether there is no earlier direction.
        step: Step length.
        target: The cost of the best plan.
        bound: The bound at u.
        ceiling: Largest multipliers, (customers,).

    Returns:
        False if the direction is 0, else True.
    """
    memory = 0.0 if is_first_round else DIRECTION_MEMORY
    squared_norm = 0.0
    for i in range(len(u)):
        direction[i] = memory * direction[i] + (1.0 - memory) * subgradient[i]
        squared_norm += direction[i] * direction[i]
    if squared_norm < 1e-12:
        return False
    scaled_step = step * max(target - bound, 1e-6 * abs(target)) / squared_norm
    for i in range(len(u)):
        u[i] = min(ceiling[i], u[i] + scaled_step * direction[i])
    return True
