"""The difference between an answer and the answer to the question that it is compared with.

Of two plans with values a and b of the same objective and bounds A <= a and B <= b, the best plans
differ by no less than A - b and no more than a - B. Where 0 lies between, it is not proven which
question has the better plan, unless one question only adds limits to the other: its best plan is
then no better.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.sentences import Amount, Statement, gbp, quantity, share
from placeopt.scenario.wording import figure

if TYPE_CHECKING:
    from placeopt.engine import Answer
    from placeopt.scenario import Scenario

LIMITS = frozenset(  # rules that forbid plans and do nothing else
    (
        "access",
        "fairness",
        "revenue",
        "carbon",
        "network",
        "floor",
        "capacity",
        "pace",
        "prevention",
    ),
)
MAX_OUTCOMES = 8  # in the sentence
RELATIVE_TOLERANCE = 1e-9  # values that differ by less are stated as equal


def difference(answer: Answer) -> tuple[Any, Statement] | None:
    """Return the difference as plain values, and its sentence.

    None where nothing is compared or one of the two questions has no plan. ``plan`` and ``other``
    are the first objective's values in the two plans, as the tables state them; ``lowest`` and
    ``highest`` bound plan - other of the best plans, where each question has one objective.
    """
    other = answer.compared
    if other is None:
        return None
    if answer.plan is None or other.plan is None:
        return None
    name = answer.scenario.objective.minimise[0]
    mine, theirs = (_objective_value(each_answer, name) for each_answer in (answer, other))
    if mine is None or theirs is None:
        return None
    unit = str(answer.plan.objectives.set_index("objective").at[name, "unit"])
    lowest, highest = _proven_range(answer, other)
    side = _side_with_more_limits(answer.scenario, other.scenario)
    if lowest is not None and highest is not None and side:
        lowest, highest = (max(lowest, 0.0), highest) if side == "this" else (
            lowest, min(highest, 0.0))  # fmt: skip
    facts = {
        "question": other.scenario.question,
        "objective": name,
        "unit": unit,
        "plan": mine,
        "other": theirs,
        "lowest": lowest,
        "highest": highest,
    }
    return facts, _sentence(facts, _changed_outcomes(answer, other), side)


def _side_with_more_limits(mine: Scenario, other: Scenario) -> str:
    """Return "this" or "that" where one question is the other with more limits; else "".

    Only rules that can but forbid plans count as limits: others may allow a better plan.
    """
    apart = {"question", "answer", "solver", "rules"}
    if mine.model_dump(exclude=apart) != other.model_dump(exclude=apart):
        return ""
    rules, other_rules = ([rule.model_dump() for rule in s.rules] for s in (mine, other))
    more = [rule for rule in rules if rule not in other_rules]
    less = [rule for rule in other_rules if rule not in rules]
    if any(rule["rule"] not in LIMITS for rule in (*more, *less)) or bool(more) == bool(less):
        return ""
    return "this" if more else "that"


def _objective_value(answer: Answer, name: str) -> float | None:
    """Return an objective's value in the plan; None where the plan's table lacks it."""
    assert answer.plan is not None
    value = float(answer.plan.objectives.set_index("objective")["plan"].get(name, math.nan))
    return value if math.isfinite(value) else None


def _proven_range(answer: Answer, other: Answer) -> tuple[float | None, float | None]:
    """Return the range of the best plans' difference; (None, None) with several objectives."""
    results = []
    for each_answer in (answer, other):
        result, objectives = each_answer.result, each_answer.scenario.objective.minimise
        if len(objectives) > 1 or result.objective is None or not math.isfinite(result.bound):
            return None, None
        results.append((result.bound, result.objective))
    (bound, value), (other_bound, other_value) = results
    return bound - other_value, value - other_bound


def _sentence(facts: dict[str, Any], outcomes: list[str], side: str = "") -> Statement:
    is_gain = facts["objective"] == "weighted_outcomes"  # minimised as a negative gain
    sign = -1.0 if is_gain else 1.0
    amount = _amount_function(facts)
    mine, theirs = sign * facts["plan"], sign * facts["other"]
    change = mine - theirs
    values: dict[str, Any] = {
        "mine": amount(mine), "theirs": amount(theirs), "apart": amount(abs(change)),
        "question": facts["question"],
    }  # fmt: skip
    words = _SUBJECTS.get(facts["objective"], "The plan comes to {mine}")
    words += ", against {theirs} for the question “{question}”: "
    if abs(change) <= RELATIVE_TOLERANCE * max(1.0, abs(mine)):
        words += "no difference."
    else:
        words += "{apart} more" if change > 0 else "{apart} less"
        if theirs > 0:
            values["part"] = share(abs(change) / theirs)
            words += " ({part})"
        words += "."
    if facts["lowest"] is not None:
        low, high = sorted((sign * facts["lowest"], sign * facts["highest"]))
        words += _range_words(low, high, amount, values, side)
    text = words.format(**values)
    if not outcomes:
        return Statement("lead_difference", text, values)
    values |= {f"outcome_{n}": outcome for n, outcome in enumerate(outcomes)}
    head = f"{text} In this plan and in that one"
    text = f"{head}: {'; '.join(outcomes)}."
    return Statement("lead_difference", text, values, head, tuple(outcomes))


def _range_words(
    low: float, high: float, amount: Callable[[float], Amount], values: Any, side: str
) -> str:
    """Return the proven range of the difference in words; its amounts are added to ``values``."""
    values |= {"low": amount(abs(low)), "high": amount(abs(high))}
    if side and low <= 0 <= high:
        values["most"] = max((values["low"], values["high"]), key=lambda one: one.value)
        first, second = ("This", "that one") if side == "this" else ("That", "this one")
        return (
            f" {first} question keeps every rule of {second} and more, so its best plan is no "
            "better; the best plans differ by at most {most}."
        )
    if low <= 0 <= high:
        return (
            " Which question has the better best plan is not proven: this one's may be anything "
            "from {low} less to {high} more."
        )
    if str(values["low"]) == str(values["high"]):
        return " It is proven that the best plans differ by that much."
    first, last = ("low", "high") if low > 0 else ("high", "low")
    return f" It is proven that the best plans differ by between {{{first}}} and {{{last}}}."


def _changed_outcomes(answer: Answer, other: Answer) -> list[str]:
    """Return each outcome's level in the two plans, where the stated figures differ."""
    assert answer.plan is not None
    assert other.plan is not None
    if "outcomes" not in answer.plan.tables:
        return _carbon_of_both(answer, other)
    other_levels = other.plan.outcomes.set_index("outcome_id")["after"]
    changed = []
    for row in answer.plan.outcomes.to_dict("records"):
        mine, theirs = figure(float(row["after"])), figure(float(other_levels[row["outcome_id"]]))
        if mine != theirs:
            unit = f" ({row['unit']})" if row["unit"] else ""
            changed.append(f"{row['name'] or row['outcome_id']} {mine} and {theirs}{unit}")
    return changed[:MAX_OUTCOMES]


def _carbon_of_both(answer: Answer, other: Answer) -> list[str]:
    """Return the carbon of the two plans in the last decided year, where the figures differ."""
    mine, theirs = (_objective_value(each_answer, "carbon") for each_answer in (answer, other))
    if mine is None or theirs is None:
        return []
    texts = [quantity(value, "tonne") for value in (mine, theirs)]
    if str(texts[0]) == str(texts[1]):
        return []
    return [f"carbon of open buildings in the last year {texts[0]} and {texts[1]} of CO2e"]


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


def _amount_function(facts: dict[str, Any]) -> Callable[[float], Amount]:
    """Return the function that writes values of the objective."""
    if facts["unit"].startswith("GBP"):
        return gbp
    if facts["objective"] == "weighted_outcomes":
        return lambda value: Amount(float(value), "ranges", figure(value, 3))
    unit = facts["unit"].split(",")[0]
    return lambda value: quantity(value, unit, unit)
