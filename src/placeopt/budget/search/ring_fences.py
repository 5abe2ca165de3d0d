"""Payments by ring-fenced money that would go back, in place of money that an agency may keep.

What a ring-fenced stream does not spend returns to its funder. The same spending may be paid for by
several streams, and the objective does not see which of them pays. Here each such stream pays for
what another stream pays for in the same year, as far as its ring-fence allows, where no agency is
worse off by it: the other stream is of the same agency, or the ring-fenced one is of none. Spending
and totals stay as they are, so that every rule that held still holds.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.search.payments import payment_decimals
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import Streams, ThroughThePlace


def use_returnable_money_first(
    problem: BudgetProblem, pay: Floats, place: Place, scenario: Scenario
) -> Floats:
    """Return the payments with returnable money used before money that the agency keeps.

    Args:
        problem: The budget problem.
        pay: (T, N) GBP a year, whole in the last decimal of payments.
        place: The place, for the ring-fences of its streams and who brings them in.
        scenario: The scenario, for the streams that carry over or are released.

    Returns:
        (T, N) GBP a year.
    """
    rule = next(iter(scenario.of(Streams)), None)
    if rule is None or problem.streams.carry_over:
        return pay
    rows = place.streams.set_index("stream_id").loc[list(problem.streams.ids)]
    agency = rows["agency_id"].to_numpy(str)
    shares_count = bool(scenario.of(ThroughThePlace))  # what each agency's own streams pay (B8)

    def harms_none(fenced: str, other: str) -> bool:
        return fenced == other or (not fenced and not shares_count)

    is_revenue = (rows["purpose"] == "revenue").to_numpy()
    goes_back = rows["ring_fenced"].to_numpy(bool) & ~rows.index.isin(rule.release) & is_revenue
    unit = 10.0 ** -payment_decimals(problem)
    allowed = set(
        zip(
            place.stream_programmes["stream_id"],
            place.stream_programmes["programme_id"],
            strict=True,
        )
    )
    moved = pay.copy()
    for t in np.flatnonzero(~problem.horizon.is_past):
        for f in np.flatnonzero(goes_back & np.isfinite(problem.streams.limit[t])):
            left = problem.streams.limit[t, f] - moved[t, problem.pairs.stream == f].sum()
            for own in np.flatnonzero(problem.pairs.stream == f):
                p = problem.pairs.programme[own]
                if (problem.streams.ids[f], problem.programmes.ids[p]) not in allowed:
                    continue
                for other in np.flatnonzero(problem.pairs.programme == p):
                    g = problem.pairs.stream[other]
                    if goes_back[g] or not is_revenue[g] or not harms_none(agency[f], agency[g]):
                        continue
                    step = np.floor(min(left, moved[t, other]) / unit + 1e-6) * unit
                    if step <= 0:
                        continue
                    moved[t, own] += step
                    moved[t, other] -= step
                    left -= step
    return np.round(moved, payment_decimals(problem))
