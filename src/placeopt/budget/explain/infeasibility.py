"""Why no budget fits: each rule is given way on in turn, as little as can be.

For each rule the other rules are kept and its own breach is made as small as it can be: the least
extra money (B1, B2, B11), the least money below floors (B3) or what is contracted for (B13), the
least missed standards (B4), and so on. Where even that does not fit, giving way on the rule alone
does not help. The curves are refined as in a solve, until what is given is proven (by lines above
the curves) to be the least; where time is too short, what is proven of it is said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from placeopt import engine
from placeopt.base.deadline import ended_by_clock, ending_in, seconds_left, watching_the_clock
from placeopt.base.errors import UsageError
from placeopt.budget.model import formulation
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.build import build_problem, names
from placeopt.budget.search.refinement import Approximation
from placeopt.budget.search.rounding import spend_from_result
from placeopt.budget.tables.years import stand_alone_positions, stand_alone_tables
from placeopt.engine import Block, Clash, Explanation, Model, Result
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import NobodyWorseOff
from placeopt.scenario.scenario import SolverSettings
from placeopt.scenario.wording import figure, pounds

MAX_ROUNDS = 12
MAX_RULE_SECONDS = 10.0  # after which a rule's breach is refined no further
PROOF_TOLERANCE = 1e-4  # of the breach: where its bound is as close, the breach is the least
MAX_LISTED = 6
BreachParts = Iterator[tuple[float, str]]  # how much is given, and what that is in words


def explain(place: Place, scenario: Scenario, stated: BudgetProblem | None = None) -> Explanation:
    """Which rules clash, and what each would have to give for a plan to exist; ``stated``: the
    problem, where it is known, so that positions alone (B9) are not solved for again."""
    known, like = names(place), None
    if scenario.of(NobodyWorseOff):
        like = stated if stated is not None else build_problem(place, scenario)
    clashes, unseen = [], []
    for position, rule in enumerate(scenario.rules):
        if seconds_left() <= 0:
            unseen.append(f"{rule.name} ({rule.number})")
            continue
        if rule.number in RULE_TABLE and not len(place.tables[RULE_TABLE[rule.number]]):
            continue  # it says nothing of this place
        try:
            problem = build_problem(place, scenario, relax=rule.number, like=like)
        except UsageError:
            continue
        share = max(MAX_RULE_SECONDS, seconds_left() / (len(scenario.rules) - position))
        with watching_the_clock() as late, ending_in(share):
            gives = minimal_relaxation(problem, scenario)
        if late and not gives:  # not known to be of no help
            unseen.append(f"{rule.name} ({rule.number})")
        if gives:
            clashes.append(Clash(rule.number, rule.name, rule.sentence(known), gives))
    tables = {}
    if like is not None:
        tables = {"positions_alone": stand_alone_positions(like), **stand_alone_tables(like)}
    if unseen:
        ended_by_clock("the explanation")
    return Explanation(_sentence(clashes, unseen), tuple(clashes), tables)


def _sentence(clashes: list[Clash], unseen: list[str]) -> str:
    if unseen:
        late = f"The time limit came before it was known of these: {', '.join(unseen)}."
        if not clashes:
            return f"No budget meets the rules. {late}"
        return f"{_sentence(clashes, [])} {late}".replace("; no other single rule would do", "")
    if not clashes:
        return (
            "No budget meets the rules, and giving up any single one of them is not enough: "
            "at least two would have to give."
        )
    rules = ", ".join(f"{clash.name} ({clash.number})" for clash in clashes)
    text = "The rules clash: no budget meets all of them."
    if len(clashes) == 1:
        return f"{text} {rules} would have to give; no other single rule would do."
    return f"{text} One of these would have to give: {rules}."


def solve_with_settings(model: Model, settings: SolverSettings) -> Result:
    """Solve with everything that the scenario sets for the solver."""
    return engine.solve(
        model,
        engine=settings.engine,
        time_limit_seconds=settings.time_limit_seconds,
        gap=settings.gap,
        threads=settings.threads,
        seed=settings.seed,
    )


def minimal_relaxation(problem: BudgetProblem, scenario: Scenario) -> str:
    """How far the relaxed rule must at least be breached, in words; empty where it is no help."""
    settings, began = scenario.solver, time.monotonic()

    def solved(side: str) -> tuple[Model, Result]:
        model = formulation.formulate(problem, approximation.pieces(side), "")
        for name in RELAXED_ROWS.get(problem.relaxed_rule, ()):
            _relax_rows(model, name)
        return model, solve_with_settings(model, settings)

    approximation = Approximation(problem)
    best: tuple[Model, Result] | None = None
    least, bound = np.inf, 0.0
    for _ in range(MAX_ROUNDS):
        model, result = solved("under")
        spends = [spend_from_result(problem, model, result)] if result.has_plan else []
        if result.objective is not None and result.objective < least:
            best, least = (model, result), result.objective
        exact = not approximation.errors().any()
        if not exact:
            model, result = solved("over")
            if not result.has_plan:
                break  # with lines above the curves no plan gives way, so none does in truth
            spends.append(spend_from_result(problem, model, result))
        bound = max(bound, result.bound)
        late = min(MAX_RULE_SECONDS - (time.monotonic() - began), seconds_left()) <= 0
        if exact or late or least - bound <= PROOF_TOLERANCE * least + 1e-9:
            break
        approximation.add(*spends)
    return "" if best is None else _describe_breach(problem, *best, bound)


def _relax_rows(model: Model, name: str) -> None:
    """Columns by which the rows of a block may be missed, each unit of which costs one."""
    if name not in model.rows:
        return
    rows, arrays = model.rows[name], model.arrays()
    own = slice(rows.start, rows.start + rows.size)
    sign = np.where(np.isfinite(arrays.row_lower[own]), 1.0, -1.0)
    past = model.add_columns(f"breach_{name}", labels=rows.labels, size=rows.size, cost=1.0)
    model.add_terms(rows, [(np.arange(rows.size), past.all, sign)])


def _describe_breach(problem: BudgetProblem, model: Model, result: Result, bound: float) -> str:
    """What is given, the most first; where it is money, all of it and what is proven of that."""
    found = sorted(
        DESCRIPTIONS[problem.relaxed_rule](problem, model, result), key=lambda part: -part[0]
    )
    if not found:
        return FIXED_DESCRIPTIONS.get(problem.relaxed_rule, "")
    text = "; ".join(words for _, words in found[:MAX_LISTED])
    if len(found) > MAX_LISTED:
        text += f"; and {len(found) - MAX_LISTED} more"
    if problem.relaxed_rule == "B10":
        return f"for example, {text}"
    if problem.relaxed_rule in ("B4", "B12"):
        return f"with as little missed as can be: {text}" if len(found) > 1 else text
    given = sum(gbp for gbp, _ in found)
    proven = bound * formulation.scale_of(problem).money_gbp
    close = proven >= given * (1 - PROOF_TOLERANCE) - 0.5
    if len(found) > 1:
        text = f"{pounds(given)} in all, for example: {text}"
    return text if close else f"{text} (at least {pounds(proven)} is proven)"


def _budget(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    if "breach" not in model.columns:
        return
    more = result.value(model.columns["breach"]) * formulation.scale_of(problem).money_gbp
    for gbp, year in zip(more, problem.years, strict=True):
        if gbp > 0.5 and len(problem.years) == 1:
            yield gbp, f"the total would have to be {pounds(gbp)} higher"
        elif gbp > 0.5:
            yield gbp, f"the total of {year} would have to be {pounds(gbp)} higher"


def _streams(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    money = formulation.scale_of(problem).money_gbp
    if "breach" in model.columns:
        block = model.columns["breach"]
        over = result.value(block) * money
        for at in np.flatnonzero(over > 0.5):
            name, when = _name(problem, block, "stream_id", at), _when(problem, block, at)
            yield over[at], f"{name} would have to bring in {pounds(over[at])} more{when}"
    pay = result.value(model.columns["pay"]).reshape(len(problem.years), -1) * money
    outside = np.where(~problem.pair_allowed & (pay > 0.5), pay, 0.0).sum(axis=0)
    for f in np.unique(problem.pair_stream[outside > 0]):
        freed = float(outside[problem.pair_stream == f].sum())
        name = problem.display_names.get(problem.stream_ids[f], problem.stream_ids[f])
        yield freed, f"{pounds(freed)} of {name} would have to leave its ring-fence"


def _outcomes(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    scale = formulation.scale_of(problem)
    at = {key: position for position, key in enumerate(problem.outcome_ids)}
    for kind in ("minimum", "target"):
        if f"breach_{kind}" not in model.columns:
            continue
        block = model.columns[f"breach_{kind}"]
        short = result.value(block)
        for position in np.flatnonzero(short > 1e-6):
            o = at[block.labels["outcome_id"][position]]
            t = int(block.labels["year"][position] - problem.years[0])
            gain = problem.minimum_gain if kind == "minimum" else problem.target_gain
            wanted = problem.drifted_baseline[t, o] + problem.sign[o] * gain[t, o]
            missed = short[position] * scale.outcome[o]
            reached = wanted - problem.sign[o] * missed
            reached = 0.0 if abs(reached) < 1e-6 * missed else reached
            name = problem.display_names.get(problem.outcome_ids[o], problem.outcome_ids[o])
            what = "minimum standard" if kind == "minimum" else "target"
            when = _when(problem, block, position)
            words = (
                f"{name} would be {figure(reached)} against its {what} of {figure(wanted)}{when}"
            )
            yield float(short[position]), words


def _pace(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    for kind, word in (("cut", "fall"), ("rise", "rise")):
        said = f"{{name}} would {word} {{gbp}} further than its pace{{when}}"
        yield from _money(f"breach_{kind}", "programme_id", said)(problem, model, result)


def _minimum_scale(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    """(B10) What a plan without the rule buys below its scale, or beside an alternative."""
    money = formulation.scale_of(problem).money_gbp
    spend = result.value(model.columns["spend"]).reshape(problem.upper.shape) * money
    called = [problem.display_names.get(key, key) for key in problem.programme_ids]
    for t, year in enumerate(problem.years):
        when = f" in {year}" if len(problem.years) > 1 else ""
        for p in np.flatnonzero((spend[t] > 1) & (spend[t] < problem.min_purchase - 1)):
            short = float(problem.min_purchase[p] - spend[t, p])
            words = f"{called[p]} would be bought {pounds(short)} below its efficient scale{when}"
            yield short, words
        for choice in np.unique(problem.alternative_set[problem.alternative_set != ""]):
            side = [
                called[p]
                for p in np.flatnonzero((problem.alternative_set == choice) & (spend[t] > 1))
            ]
            if len(side) > 1:
                yield 0.0, f"{' and '.join(side)} would be bought side by side{when}"


def _evidence(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    for o, key in enumerate(problem.outcome_ids):
        for t, year in enumerate(problem.years):
            name = f"breach_{o}_{t}"
            if name not in model.columns:
                continue
            short = float(result.value(model.columns[name]).sum())
            short *= float(formulation.scale_of(problem).outcome[o])
            if short > 1e-9:
                when = f" in {year}" if len(problem.years) > 1 else ""
                called = problem.display_names.get(key, key)
                words = f"{called} would miss its standard by {figure(short)} in bad evidence{when}"
                yield short, words


def _money(
    column: str, key: str, said: str
) -> Callable[[BudgetProblem, Model, Result], BreachParts]:
    """Words for a breach in money, with {name}, {gbp} and {when}."""

    def parts(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
        if column not in model.columns:
            return
        block = model.columns[column]
        missed = result.value(block) * formulation.scale_of(problem).money_gbp
        for at in np.flatnonzero(missed > 0.5):
            name, when = _name(problem, block, key, at), _when(problem, block, at)
            yield float(missed[at]), said.format(name=name, gbp=pounds(missed[at]), when=when)

    return parts


def _reinvestment(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    for column, said in (
        ("breach_prevention", "prevention would get {gbp} less than today{when}"),
        ("breach_reinvestment", "prevention would get {gbp} less than its share{when}"),
    ):
        yield from _money(column, "year", said)(problem, model, result)


def _name(problem: BudgetProblem, block: Block, key: str, position: Any) -> str:
    found = block.labels[key][position]
    return problem.display_names.get(found, str(found))


def _when(problem: BudgetProblem, block: Block, position: Any) -> str:
    """The year of a row or column, where several are decided and the row is of one."""
    if len(problem.years) == 1 or "year" not in block.labels:
        return " over the years" if len(problem.years) > 1 else ""
    return f" in {block.labels['year'][position]}"


RULE_TABLE = {"B6": "provision", "B13": "commitments"}  # rules that hold where a table has rows
RELAXED_ROWS = {  # blocks of rows that may be missed, where the equations know nothing of it
    "B6": ("provision",),
    "B7": ("prevention", "reinvestment"),
    "B8": ("through",),
    "B9": ("position",),
    "B11": ("pots",),
    "B13": ("contracted",),
}
DESCRIPTIONS: dict[str, Callable[[BudgetProblem, Model, Result], BreachParts]] = {
    "B1": _budget,
    "B2": _streams,
    "B3": _money("breach", "programme_id", "{name} would fall {gbp} below its floor{when}"),
    "B4": _outcomes,
    "B5": _pace,
    "B6": _money(
        "breach_provision",
        "programme_id",
        "{name} would have to free {gbp} more than its closing units do{when}",
    ),
    "B7": _reinvestment,
    "B8": _money(
        "breach_through",
        "agency_id",
        "{name} would put {gbp} less through the place than its share{when}",
    ),
    "B9": _money(
        "breach_position", "agency_id", "{name} would be {gbp} worse off than alone{when}"
    ),
    "B10": _minimum_scale,
    "B11": _money("breach_pots", "year", "{gbp} more capital would be needed{when}"),
    "B12": _evidence,
    "B13": _money(
        "breach_contracted",
        "programme_id",
        "{name} would get {gbp} less than is contracted for{when}",
    ),
}
FIXED_DESCRIPTIONS = {  # where nothing that can be counted is given
    "B5": "notice would have to be cut short, or the old not run beside the new",
    "B10": "contracts would have to end early, what is bought together be bought apart, or "
    "providers be paid less than their results earn",
}
