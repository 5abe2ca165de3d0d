"""The step rule of every Lagrangian bound of this room, compiled.

A bound L(u) rises along the averaged subgradient g of its prices u by

    u <- u + step (target - L(u)) / |g|^2  g,      g <- keep g + (1 - keep) (demand - served)

``target`` is the cost of the best plan. After ``patience`` rounds without gain the step is halved
and the search goes back to the best prices.

Source: Held, Wolfe and Crowder (1974); Barahona and Anbil (2000) for the averaged direction.
"""

from __future__ import annotations

from placeopt.base.compiled import compiled

KEEP = 0.6


@compiled
def tally(value, best, target, stale, patience):
    """(whether ``value`` is a new best, rounds without gain, whether to go back and halve)."""
    better = value > best + 1e-9 * abs(best)
    stale = 0 if better and value > best + 1e-5 * abs(target - value) else stale + 1
    back = stale >= patience
    return better, (0 if back else stale), back


@compiled
def advance(u, direction, served, first, step, target, value, ceiling):
    """Move the prices in place (never above ``ceiling``); False where the subgradient is 0.

    ``served`` is the subgradient at u: what each customer lacks to be served exactly once.
    """
    keep = 0.0 if first else KEEP
    norm = 0.0
    for i in range(len(u)):
        direction[i] = keep * direction[i] + (1.0 - keep) * served[i]
        norm += direction[i] * direction[i]
    if norm < 1e-12:
        return False
    length = step * max(target - value, 1e-6 * abs(target)) / norm
    for i in range(len(u)):
        u[i] = min(ceiling[i], u[i] + length * direction[i])
    return True
