"""Why no budget fits: each rule dropped in turn, and what would have to give.

For each rule the other rules are kept and its own breach is made as small as it can be: the least
extra money (B1, B2), the least money below floors (B3), the least missed standards (B4). Where
even that does not fit, dropping the rule alone does not help.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from placeopt import engine
from placeopt.budget import formulate as equations
from placeopt.budget.arrays import BudgetProblem
from placeopt.budget.problem import state
from placeopt.budget.refine import Approximation
from placeopt.engine import Block, Clash, Explanation, Model, Result
from placeopt.errors import UsageError
from placeopt.place import Place
from placeopt.scenario import Scenario


def explain(place: Place, scenario: Scenario) -> Explanation:
    """Which rules clash, and what each would have to give for a plan to exist."""
    names = state(place, scenario, relax="B2").names
    clashes = []
    for rule in scenario.rules:
        if rule.number in TABLE_OF and not len(place.tables[TABLE_OF[rule.number]]):
            continue  # it says nothing of this place
        try:
            problem = state(place, scenario, relax=rule.number)
        except UsageError:
            continue
        gives = what_gives(problem, scenario)
        if gives:
            clashes.append(Clash(rule.number, rule.name, rule.sentence(names), gives))
    if clashes:
        rules = ", ".join(f"{clash.name} ({clash.number})" for clash in clashes)
        text = "The rules clash"
        sentence = f"{text}: no budget meets all of them. One of these would have to give: {rules}."
    else:
        sentence = (
            "No budget meets the rules, and giving up any single one of them is not enough: "
            "at least two would have to give."
        )
    return Explanation(sentence, tuple(clashes))


def what_gives(problem: BudgetProblem, scenario: Scenario) -> str:
    """How far the relaxed rule must at least be breached, in words; empty where it is no help."""
    approximation = Approximation(problem)
    model = equations.formulate(problem, approximation.pieces("under"), "")
    settings = scenario.solver
    result = engine.solve(
        model,
        engine=settings.engine,
        time_limit_seconds=settings.time_limit_seconds,
        gap=settings.gap,
        threads=settings.threads,
        seed=settings.seed,
    )
    if not result.has_plan:
        return ""
    return WORDS[problem.relax](problem, model, result)


def _budget(problem: BudgetProblem, model: Model, result: Result) -> str:
    money, block = equations.scale_of(problem).money_gbp, model.columns.get("breach")
    if block is None:
        return ""
    more = result.value(block) * money
    if len(problem.years) == 1:
        return f"the total would have to be at least {more[0]:,.0f} GBP higher"
    parts = [f"{m:,.0f} GBP in {y}" for m, y in zip(more, problem.years, strict=True) if m > 0.5]
    return f"the totals would have to be higher: by {', '.join(parts)}"


def _streams(problem: BudgetProblem, model: Model, result: Result) -> str:
    money = equations.scale_of(problem).money_gbp
    parts = []
    if "breach" in model.columns:
        block = model.columns["breach"]
        over = result.value(block) * money
        for at in np.flatnonzero(over > 0.5):
            key = block.labels["stream_id"][at]
            name, when = problem.names.get(key, key), _when(problem, block, at)
            parts.append(f"{name} would have to bring in {over[at]:,.0f} GBP more{when}")
    pay = result.value(model.columns["pay"]).reshape(len(problem.years), -1) * money
    outside = np.where(~problem.pair_allowed & (pay > 0.5), pay, 0.0).sum(axis=0)
    for f in np.unique(problem.pair_stream[outside > 0]):
        freed = outside[problem.pair_stream == f].sum()
        name = problem.names.get(problem.stream_ids[f], problem.stream_ids[f])
        parts.append(f"{freed:,.0f} GBP of {name} would have to leave its ring-fence")
    return "; ".join(parts)


def _floors(problem: BudgetProblem, model: Model, result: Result) -> str:
    block = model.columns.get("breach")
    if block is None:
        return ""
    below = result.value(block) * equations.scale_of(problem).money_gbp
    parts = []
    for position in np.flatnonzero(below > 0.5):
        key = block.labels["programme_id"][position]
        name, when = problem.names.get(key, key), _when(problem, block, position)
        parts.append(f"{name} would fall {below[position]:,.0f} GBP below its floor{when}")
    return "; ".join(parts)


def _outcomes(problem: BudgetProblem, model: Model, result: Result) -> str:
    scale = equations.scale_of(problem)
    at = {key: position for position, key in enumerate(problem.outcome_ids)}
    parts = []
    for kind in ("minimum", "target"):
        if f"breach_{kind}" not in model.columns:
            continue
        block = model.columns[f"breach_{kind}"]
        short = result.value(block)
        for position in np.flatnonzero(short > 1e-6):
            o = at[block.labels["outcome_id"][position]]
            t = int(block.labels["year"][position] - problem.years[0])
            gain = problem.minimum_gain if kind == "minimum" else problem.target_gain
            wanted = problem.drifted[t, o] + problem.sign[o] * gain[t, o]
            reached = wanted - problem.sign[o] * short[position] * scale.outcome[o]
            name = problem.names.get(problem.outcome_ids[o], problem.outcome_ids[o])
            what = "minimum standard" if kind == "minimum" else "target"
            when = _when(problem, block, position)
            parts.append(f"{name} would be {reached:.4g} against its {what} of {wanted:.4g}{when}")
    return "; ".join(parts)


def _pace(problem: BudgetProblem, model: Model, result: Result) -> str:
    money, parts = equations.scale_of(problem).money_gbp, []
    for kind, word in (("cut", "fall"), ("rise", "rise")):
        if f"breach_{kind}" in model.columns:
            block = model.columns[f"breach_{kind}"]
            past = result.value(block) * money
            for position in np.flatnonzero(past > 0.5):
                key = block.labels["programme_id"][position]
                name = problem.names.get(key, key)
                when, gbp = _when(problem, block, position), f"{past[position]:,.0f} GBP"
                parts.append(f"{name} would {word} {gbp} further than its pace{when}")
    return "; ".join(parts) or "notice would have to be cut short"


def _evidence(problem: BudgetProblem, model: Model, result: Result) -> str:
    parts = []
    for o, key in enumerate(problem.outcome_ids):
        for t, year in enumerate(problem.years):
            short = _sum(model, result, f"breach_{o}_{t}") * equations.scale_of(problem).outcome[o]
            if short > 1e-9:
                name, when = problem.names.get(key, key), f" in {year}"
                when = when if len(problem.years) > 1 else ""
                parts.append(f"{name} would miss its standard by {short:.4g} in bad evidence{when}")
    return "; ".join(parts)


def _sum(model: Model, result: Result, name: str) -> float:
    return float(result.value(model.columns[name]).sum()) if name in model.columns else 0.0


def _when(problem: BudgetProblem, block: Block, position: Any) -> str:
    """The year of a row or column, where several are decided."""
    return f" in {block.labels['year'][position]}" if len(problem.years) > 1 else ""


def _plainly(sentence: str) -> Callable[[BudgetProblem, Model, Result], str]:
    return lambda problem, model, result: sentence


TABLE_OF = {"B6": "provision", "B13": "commitments"}  # rules that hold where a table has rows
WORDS = {
    "B1": _budget,
    "B2": _streams,
    "B3": _floors,
    "B4": _outcomes,
    "B5": _pace,
    "B6": _plainly("units would have to close before demand no longer needs them"),
    "B7": _plainly("less than the stated share of savings would go into prevention"),
    "B8": _plainly("less than the stated share of revenue would go through the place"),
    "B9": _plainly("an agency would be worse off than alone"),
    "B10": _plainly(
        "services would have to be bought below their efficient scale, or side by side"
    ),
    "B11": _plainly("programmes that start would need more capital than there is"),
    "B12": _evidence,
    "B13": _plainly("what is contracted for would have to be given up"),
}
