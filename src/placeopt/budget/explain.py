"""Why no budget fits: each rule dropped in turn, and what would have to give.

For each rule the other rules are kept and its own breach is made as small as it can be: the least
extra money (B1, B2), the least money below floors (B3), the least missed standards (B4). Where
even that does not fit, dropping the rule alone does not help.
"""

from __future__ import annotations

import numpy as np

from placeopt import engine
from placeopt.budget import formulate as equations
from placeopt.budget.problem import BudgetProblem, state
from placeopt.budget.refine import Approximation
from placeopt.engine import Clash, Explanation, Model, Result
from placeopt.errors import UsageError
from placeopt.place import Place
from placeopt.scenario import Scenario


def explain(place: Place, scenario: Scenario) -> Explanation:
    """Which rules clash, and what each would have to give for a plan to exist."""
    names = state(place, scenario, relax="B2").names
    clashes = []
    for rule in scenario.rules:
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
    words = {
        "B1": _budget,
        "B2": _streams,
        "B3": _floors,
        "B4": _outcomes,
        "B5": _pace,
        "B10": _scales,
        "B12": _evidence,
    }
    return words[problem.relax](problem, model, result)


def _budget(problem: BudgetProblem, model: Model, result: Result) -> str:
    more = _sum(model, result, "breach") * equations.scale_of(problem).money_gbp
    return f"the total would have to be at least {more:,.0f} GBP higher"


def _streams(problem: BudgetProblem, model: Model, result: Result) -> str:
    money = equations.scale_of(problem).money_gbp
    parts = []
    if "breach" in model.columns:
        block = model.columns["breach"]
        over = result.value(block) * money
        for f in np.flatnonzero(over > 0.5):
            name = problem.names.get(problem.stream_ids[f], problem.stream_ids[f])
            parts.append(f"{name} would have to bring in {over[f]:,.0f} GBP more")
    pay = result.value(model.columns["pay"]) * money
    outside = np.flatnonzero(~problem.pair_allowed & (pay > 0.5))
    for f in np.unique(problem.pair_stream[outside]):
        freed = pay[outside][problem.pair_stream[outside] == f].sum()
        name = problem.names.get(problem.stream_ids[f], problem.stream_ids[f])
        parts.append(f"{freed:,.0f} GBP of {name} would have to leave its ring-fence")
    return "; ".join(parts)


def _floors(problem: BudgetProblem, model: Model, result: Result) -> str:
    block = model.columns["breach"]
    below = result.value(block) * equations.scale_of(problem).money_gbp
    parts = []
    for position in np.flatnonzero(below > 0.5):
        key = block.labels["programme_id"][position]
        name = problem.names.get(key, key)
        parts.append(f"{name} would fall {below[position]:,.0f} GBP below its floor")
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
            least = problem.minimum_gain[o] if kind == "minimum" else problem.target_gain[o]
            wanted = problem.baseline[o] + problem.sign[o] * least
            reached = wanted - problem.sign[o] * short[position] * scale.outcome[o]
            name = problem.names.get(problem.outcome_ids[o], problem.outcome_ids[o])
            what = "minimum standard" if kind == "minimum" else "target"
            parts.append(f"{name} would be {reached:.4g} against its {what} of {wanted:.4g}")
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
                parts.append(f"{name} would {word} {past[position]:,.0f} GBP further than its pace")
    return "; ".join(parts)


def _evidence(problem: BudgetProblem, model: Model, result: Result) -> str:
    parts = []
    for o, key in enumerate(problem.outcome_ids):
        short = _sum(model, result, f"breach_{o}") * equations.scale_of(problem).outcome[o]
        if short > 1e-9:
            name = problem.names.get(key, key)
            parts.append(f"{name} would miss its standard by {short:.4g} in bad evidence")
    return "; ".join(parts)


def _scales(problem: BudgetProblem, model: Model, result: Result) -> str:
    return "services would have to be bought below their efficient scale, or side by side"


def _sum(model: Model, result: Result, name: str) -> float:
    return float(result.value(model.columns[name]).sum()) if name in model.columns else 0.0


WORDS = {
    "B1": _budget,
    "B2": _streams,
    "B3": _floors,
    "B4": _outcomes,
    "B5": _pace,
    "B10": _scales,
    "B12": _evidence,
}
