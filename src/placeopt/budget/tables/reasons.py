"""The reason for each programme's spending in the last decided year, as code and numbers.

    past, floor, notice, contract, contracted    the least that it may get
    pace_cut, pace_rise                          falls or rises as far as the pace of a year allows
    maximum, same                                at its maximum; as today
    units                                        whole units that follow demand
    no_curve                                     no outcome depends on it
    alternative, no_alternative                  another of its set is bought; none of it is
    scale                                        at its minimum efficient scale
    stopped, not_bought                          nothing is spent on it
    whole                                        its effect depends on what other programmes leave
    flat, worth                                  the effect of a further round amount on its curves

The sentence is made from the code and its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from placeopt.base.arrays import Floats
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.scenario.wording import figure, listed, pounds_in_words

FLAT_TOLERANCE = 1e-9  # of an outcome's baseline: a smaller improvement is none


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        code: One of the codes above.
        sentence: The reason in words.
        amount: In ``unit``, NaN where the sentence states none.
        unit: The amount's unit.
        outcomes: Ids of outcomes, each with its improvement.
    """

    code: str
    sentence: str
    amount: float = math.nan
    unit: str = ""
    outcomes: tuple[tuple[str, float], ...] = ()


def reasons_table(
    problem: BudgetProblem,
    spend: Floats,
    maximum: Floats,
    units: Mapping[str, str],
    place_floor: Floats,
) -> pd.DataFrame:
    """The reasons of all programmes: a row a programme, and one more for each further outcome
    named.

    Args:
        problem: The budget problem.
        spend: (T, P) GBP a year.
        maximum: (P,) GBP a year, NaN where unknown.
        units: Units of outcomes by id.
        place_floor: (P,) GBP a year: the statutory floor in the place's own table, 0 where none.

    Returns:
        Columns: programme_id, code, amount, unit, outcome_id, improvement, sentence.
    """
    rows: list[tuple[object, ...]] = []
    for p, key in enumerate(problem.programmes.ids):
        reason = _reason(problem, p, spend, float(maximum[p]), units, float(place_floor[p]))
        for outcome, improvement in reason.outcomes or (("", math.nan),):
            rows.append((str(key), reason.code, reason.amount, reason.unit, outcome, improvement,
                         reason.sentence))  # fmt: skip
    columns = ["programme_id", "code", "amount", "unit", "outcome_id", "improvement", "sentence"]
    return pd.DataFrame(rows, columns=columns)


def _reason(
    problem: BudgetProblem,
    p: int,
    spend_by_year: Floats,
    maximum: float,
    units: Mapping[str, str],
    place_floor: float,
) -> Reason:
    years, before = spend_by_year[:, p], float(problem.programmes.base_spend[p])
    tolerance, spend = max(1.0, 1e-6 * before), float(years[-1])
    if not np.isnan(problem.limits.actual_spend[-1, p]):
        return Reason("past", "as it was: the year is past")
    minimum = _minimum_reason(problem, p, spend, tolerance, place_floor)
    if minimum is not None:
        return minimum
    earlier = float(years[-2]) if len(years) > 1 else before
    cut, rise = float(problem.limits.pace_cut[p]), float(problem.limits.pace_rise[p])
    if cut < 1 and spend < earlier - tolerance and spend <= earlier * (1 - cut) + tolerance:
        return Reason("pace_cut", "cut as fast as the pace allows", spend - earlier, "GBP")
    if (
        np.isfinite(rise)
        and spend > earlier + tolerance
        and spend >= earlier * (1 + rise) - tolerance
    ):
        return Reason("pace_rise", "raised as fast as the pace allows", spend - earlier, "GBP")
    if spend >= maximum - tolerance:
        return Reason("maximum", "at the most that can usefully be spent on it", maximum, "GBP")
    if abs(spend - before) <= tolerance:
        purchase = (
            _purchase_reason(problem, p, spend_by_year[-1], tolerance)
            if spend <= tolerance
            else None
        )
        return purchase or Reason("same", "as today")
    if p in problem.units.programme:
        return Reason("units", "its whole units follow demand")
    if not (problem.curves.programme == p).any():
        return Reason("no_curve", "no curve: no outcome depends on it")
    purchase = _purchase_reason(problem, p, spend_by_year[-1], tolerance)
    if purchase is not None and purchase.code == "stopped":
        return _stopped(problem, p, units)
    return purchase or _marginal_effect(problem, p, spend, maximum - spend, units)


def _minimum_reason(
    problem: BudgetProblem, p: int, spend: float, tolerance: float, place_floor: float
) -> Reason | None:
    """The floor, notice or contract that sets its spend, ``None`` where it gets more."""
    floor = float(problem.limits.floor[p])
    if floor > 0 and spend <= floor + tolerance:
        return Reason("floor", _floor_in_words(floor, place_floor), floor, "GBP")
    for code, least, text in (
        ("notice", problem.limits.notice_floor, "kept while its notice runs"),
        ("contract", problem.limits.contract_floor, "kept while its contract runs"),
        ("contracted", problem.limits.contracted_floor, "what is contracted for"),
    ):
        gbp = float(least[-1, p])
        if gbp > 0 and spend <= gbp + tolerance:
            return Reason(code, text, gbp, "GBP")
    return None


def _floor_in_words(floor: float, place_floor: float) -> str:
    """The floor in force, and the place's own where this question states another."""
    if abs(floor - place_floor) < 1:
        return "at its statutory floor"
    text = f"at the floor that this question states, {pounds_in_words(floor)}"
    if place_floor <= 0:
        return f"{text}; the place's own tables state none"
    side = "below" if floor < place_floor else "above"
    difference = pounds_in_words(abs(floor - place_floor))
    return f"{text}: {difference} {side} the one in the place's own tables"


def _purchase_reason(
    problem: BudgetProblem, p: int, spend: Floats, tolerance: float
) -> Reason | None:
    """The reason where nothing is spent on it, or the least that can be bought."""
    if (
        spend[p] <= tolerance
        and problem.purchases.is_optional[p]
        and problem.purchases.alternative_set[p]
    ):
        others = [
            problem.display_names.get(problem.programmes.ids[q], str(problem.programmes.ids[q]))
            for q in np.flatnonzero(
                problem.purchases.alternative_set == problem.purchases.alternative_set[p]
            )
            if q != p and spend[q] > max(1.0, 1e-6 * problem.programmes.base_spend[q])
        ]
        if others:
            return Reason("alternative", f"another of its alternatives is bought: {others[0]}")
        return Reason("no_alternative", "none of its alternatives is bought")
    if (
        problem.purchases.is_optional[p]
        and tolerance < spend[p] <= problem.purchases.min_spend[p] + tolerance
    ):
        least = float(problem.purchases.min_spend[p])
        return Reason("scale", "at its minimum efficient scale", least, "GBP")
    if spend[p] <= tolerance:
        stopped = problem.programmes.base_spend[p] > tolerance
        if stopped:
            return Reason("stopped", "stopped")
        return Reason("not_bought", "not bought, today or in the plan")
    return None


def _stopped(problem: BudgetProblem, p: int, units: Mapping[str, str]) -> Reason:
    """What stopping a programme frees and what that alone changes on its curves."""
    before = float(problem.programmes.base_spend[p])
    text = f"stopped: that frees {pounds_in_words(before)} a year"
    improvements, changed, depends = _effects(problem, p, before, 0.0, units)
    parts = [f"{direction}s {listed(what)}" for direction, what in changed.items() if what]
    if parts:
        text += f" and alone {', and '.join(parts)}"
    elif not depends:
        text += "; by its curves no outcome changes"
    if depends:
        text += "; what else it costs depends on what other programmes do"
    return Reason("stopped", text, before, "GBP", tuple(improvements))


def _effects(
    problem: BudgetProblem, p: int, spend: float, to: float, units: Mapping[str, str]
) -> tuple[list[tuple[str, float]], dict[str, list[str]], bool]:
    """What moving a programme's spend does on its curves.

    Returns:
        Outcome ids with their improvement; the outcomes that improve and worsen, in words; and
        whether some effect depends on other programmes and is left out.
    """
    improvements: list[tuple[str, float]] = []
    changed: dict[str, list[str]] = {"improve": [], "worsen": []}
    depends = False
    for c in np.flatnonzero(problem.curves.programme == p):
        o = problem.curves.outcome[c]
        if np.isfinite(problem.outcomes.potential[o]):
            depends = True  # the effect there depends on other programmes
            continue
        before, after = (float(problem.curves.response[c].effect(x)) for x in (spend, to))
        key = str(problem.outcomes.ids[o])
        improvements.append((key, after - before))
        if abs(after - before) > FLAT_TOLERANCE * max(
            1.0, abs(float(problem.outcomes.baseline[o]))
        ):
            direction = "improve" if after > before else "worsen"
            amount, unit = figure(abs(after - before), 3), units.get(key, "")
            amount += f" ({unit})" if unit else ""
            changed[direction].append(f"{problem.display_names.get(key, key)} by {amount}")
    return improvements, changed, depends


def _marginal_effect(
    problem: BudgetProblem, p: int, spend: float, headroom: float, units: Mapping[str, str]
) -> Reason:
    """The effect of a further round amount on its curves.

    The amount is about a tenth of the spend, and no more than the headroom below its maximum (NaN
    where unknown).
    """
    max_step = max(0.1 * spend, 1.0)
    step = 10.0 ** math.floor(
        math.log10(max_step if math.isnan(headroom) else min(max_step, headroom))
    )
    improvements, changed, _ = _effects(problem, p, spend, spend + step, units)
    if not improvements:
        return Reason("whole", "what one more pound does depends on what the others leave")
    gbp = pounds_in_words(step)
    parts = [f"{direction} {listed(what)}" for direction, what in changed.items() if what]
    if not parts:
        text = f"a further {gbp} would improve nothing: its curves are flat there"
        return Reason("flat", text, step, "GBP", tuple(improvements))
    text = f"a further {gbp} would {', and '.join(parts)}"
    return Reason("worth", text, step, "GBP", tuple(improvements))
