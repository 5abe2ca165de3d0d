"""How far an answer differs from that to the question that it is compared with.

Of two plans with values a and b of the same objective and bounds A <= a and B <= b, the best plans
differ by no less than A - b and no more than a - B. Where 0 lies between, it is not proven which
question has the better plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.sentences import Amount, Statement, counted, gbp, share
from placeopt.scenario.wording import figure

if TYPE_CHECKING:
    from placeopt.engine import Answer

MOST_OUTCOMES = 8  # that the sentence lists
NEAR = 1e-9  # relative: plans whose values differ by less have the same


def difference(answer: Answer) -> tuple[Any, Statement] | None:
    """The difference as plain values, and its sentence; None where nothing is compared or one of
    the two questions has no plan.

    ``plan`` and ``other`` are the first objective's values in the two plans, as the tables state
    them; ``lowest`` and ``highest`` bound plan - other of the best plans, where each question has
    one objective.
    """
    other = answer.compared
    if other is None:
        return None
    if answer.plan is None or other.plan is None:
        return None
    name = answer.scenario.objective.minimise[0]
    mine, theirs = (_value(one, name) for one in (answer, other))
    if mine is None or theirs is None:
        return None
    unit = str(answer.plan.objectives.set_index("objective").at[name, "unit"])
    lowest, highest = _proven(answer, other)
    found = {
        "question": other.scenario.question,
        "objective": name,
        "unit": unit,
        "plan": mine,
        "other": theirs,
        "lowest": lowest,
        "highest": highest,
    }
    return found, _sentence(found, _outcomes(answer, other))


def _value(answer: Answer, name: str) -> float | None:
    assert answer.plan is not None
    value = float(answer.plan.objectives.set_index("objective")["plan"].get(name, math.nan))
    return value if math.isfinite(value) else None


def _proven(answer: Answer, other: Answer) -> tuple[float | None, float | None]:
    """Between which amounts the best plans differ, where the results speak of one objective."""
    known = []
    for one in (answer, other):
        result, asked = one.result, one.scenario.objective.minimise
        if len(asked) > 1 or result.objective is None or not math.isfinite(result.bound):
            return None, None
        known.append((result.bound, result.objective))
    (bound, value), (other_bound, other_value) = known
    return bound - other_value, value - other_bound


def _sentence(found: dict[str, Any], outcomes: list[str]) -> Statement:
    gain = found["objective"] == "weighted_outcomes"  # minimised as a negative gain
    sign = -1.0 if gain else 1.0
    amount = _amount_of(found)
    mine, theirs = sign * found["plan"], sign * found["other"]
    apart = mine - theirs
    values: dict[str, Any] = {
        "mine": amount(mine), "theirs": amount(theirs), "apart": amount(abs(apart)),
        "question": found["question"],
    }  # fmt: skip
    words = _SUBJECTS.get(found["objective"], "The plan comes to {mine}")
    words += ", against {theirs} for the question “{question}”: "
    if abs(apart) <= NEAR * max(1.0, abs(mine)):
        words += "no difference."
    else:
        words += "{apart} more" if apart > 0 else "{apart} less"
        if theirs > 0:
            values["part"] = share(abs(apart) / theirs)
            words += " ({part})"
        words += "."
    if found["lowest"] is not None:
        low, high = sorted((sign * found["lowest"], sign * found["highest"]))
        words += _between(low, high, amount, values)
    if outcomes:
        values |= {f"outcome_{n}": text for n, text in enumerate(outcomes)}
        listed = "; ".join(f"{{outcome_{n}}}" for n in range(len(outcomes)))
        words += f" In this plan and in that one: {listed}."
    return Statement("lead_difference", words.format(**values), values)


def _between(low: float, high: float, amount: Callable[[float], Amount], values: Any) -> str:
    """Between which amounts the best plans differ, in words; the amounts go into ``values``."""
    values |= {"low": amount(abs(low)), "high": amount(abs(high))}
    if low <= 0 <= high:
        return (
            " Which question has the better best plan is not proven: this one's may be anything "
            "from {low} less to {high} more."
        )
    if str(values["low"]) == str(values["high"]):
        return " It is proven that the best plans differ by that much."
    first, last = ("low", "high") if low > 0 else ("high", "low")
    return f" It is proven that the best plans differ by between {{{first}}} and {{{last}}}."


def _outcomes(answer: Answer, other: Answer) -> list[str]:
    """Each outcome's level in the two plans, where it is not the same to a reader."""
    assert answer.plan is not None
    assert other.plan is not None
    if "outcomes" not in answer.plan.tables:
        return []
    there = other.plan.outcomes.set_index("outcome_id")["after"]
    found = []
    for row in answer.plan.outcomes.to_dict("records"):
        mine, theirs = figure(float(row["after"])), figure(float(there[row["outcome_id"]]))
        if mine != theirs:
            unit = f" ({row['unit']})" if row["unit"] else ""
            found.append(f"{row['name'] or row['outcome_id']} {mine} and {theirs}{unit}")
    return found[:MOST_OUTCOMES]


_SUBJECTS = {
    "cost": "All costs of the appraisal, discounted, come to {mine}",
    "weighted_outcomes": "By the question's weights, outcomes improve by {mine} (1 is the way of "
    "one outcome from baseline to target at weight 1)",
    "least_money": "The plan spends {mine}",
    "least_disruption": "The plan moves {mine} up or down",
    "visit_minutes": "Visits take {mine}",
    "buildings": "The plan needs {mine}",
    "carbon": "Open buildings emit {mine}",
}


def _amount_of(found: dict[str, Any]) -> Callable[[float], Amount]:
    if found["unit"].startswith("GBP"):
        return gbp
    if found["objective"] == "weighted_outcomes":
        return lambda value: Amount(float(value), "ranges", figure(value, 3))
    unit = found["unit"].split(",")[0]
    return lambda value: counted(value, unit, unit)
