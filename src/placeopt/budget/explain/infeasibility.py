"""Explain why no budget fits: each rule is relaxed in turn, as little as possible.

For each rule the other rules are kept and its own breach is minimised: the least extra money (B1,
B2, B11), the least money below floors (B3) or contracts (B13), the least missed standards (B4), and
so on. Where even that is infeasible, relaxing the rule alone does not help. The curves are refined
as in a solve until lines above the curves prove that the breach is the least. Where time runs out,
the proven part is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from placeopt import engine
from placeopt.base.deadline import Deadline, record_timeout, recording_timeouts
from placeopt.base.errors import UsageError
from placeopt.budget.curves.piecewise import Side
from placeopt.budget.model import formulation
from placeopt.budget.model.scale import scale_of
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.build import build_problem
from placeopt.budget.search.approximation import Approximation
from placeopt.budget.search.rounding import spend_from_result
from placeopt.budget.tables.years import stand_alone_positions, stand_alone_tables
from placeopt.engine import Block, Clash, Explanation, Model, Result
from placeopt.engine.settings import Settings
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.wording import figure, pounds

MAX_ROUNDS = 12
MAX_RULE_SECONDS = 10.0  # for refining the breach of one rule
PROOF_TOLERANCE = 1e-4  # of the breach: its bound must be this close
MAX_LISTED = 6
BreachParts = Iterator[tuple[float, str]]  # size of a breach, and its description


def explain(place: Place, scenario: Scenario, stated: BudgetProblem) -> Explanation:
    """Explain which rules clash, and how far each would have to be relaxed for a plan to exist.

    Args:
        place: The place.
        scenario: The scenario.
        stated: The problem that has no plan, with its stand-alone positions (B9).

    Returns:
        The rules any one of which could be relaxed for a plan to exist, and by how much.
    """
    clashes, unexplored = [], []
    for position, rule in enumerate(scenario.rules):
        if Deadline.enclosing().has_passed:
            unexplored.append(f"{rule.name} ({rule.number})")
            continue
        if rule.number in RULE_TABLE and not len(place.tables[RULE_TABLE[rule.number]]):
            continue  # the rule does not apply to this place
        try:
            problem = build_problem(place, scenario, relax=rule.number)
            problem = replace(problem, agencies=stated.agencies)
        except UsageError:
            continue
        part = Deadline.enclosing().part(1 / (len(scenario.rules) - position))
        part.limit_seconds = max(MAX_RULE_SECONDS, part.limit_seconds)
        with recording_timeouts() as ended, part.enforced():
            relaxation = minimal_relaxation(problem, scenario)
        if ended and not relaxation:  # it may still help
            unexplored.append(f"{rule.name} ({rule.number})")
        if relaxation:
            sentence, stated_at = rule.sentence(stated.display_names), str(rule.origin)
            clashes.append(Clash(rule.number, rule.name, sentence, relaxation, stated_at))
    tables = {}
    if stated.agencies.has_position_rule:
        tables = {
            "positions_alone": stand_alone_positions(stated),
            **stand_alone_tables(stated),
        }
    if unexplored:
        record_timeout("the explanation")
    return Explanation(_sentence(clashes, unexplored), tuple(clashes), tables)


def _sentence(clashes: list[Clash], unexplored: list[str]) -> str:
    if unexplored:
        unknown = f"The time limit came before it was known of these: {', '.join(unexplored)}."
        if not clashes:
            return f"No budget meets the rules. {unknown}"
        return f"{_sentence(clashes, [])} {unknown}".replace("; no other single rule would do", "")
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


def minimal_relaxation(problem: BudgetProblem, scenario: Scenario) -> str:
    """The least breach of the relaxed rule, in words; empty where relaxing it does not help."""
    settings, deadline = scenario.solver, Deadline(MAX_RULE_SECONDS)

    def solve_side(side: Side) -> tuple[Model, Result]:
        model = formulation.formulate(problem, approximation.pieces(side), "")
        for name in RELAXED_ROWS.get(problem.relaxed_rule, ()):
            _relax_rows(model, name)
        return model, engine.solve(model, Settings.of(settings))

    approximation = Approximation(problem)
    best: tuple[Model, Result] | None = None
    least, bound = np.inf, 0.0
    for _ in range(MAX_ROUNDS):
        model, result = solve_side("under")
        spends = [spend_from_result(problem, model, result)] if result.has_plan else []
        if result.objective is not None and result.objective < least:
            best, least = (model, result), result.objective
        is_exact = not approximation.errors().any()
        if not is_exact:
            model, result = solve_side("over")
            if not result.has_plan:
                break  # no plan even with lines above the curves
            spends.append(spend_from_result(problem, model, result))
        bound = max(bound, result.bound)
        is_late = deadline.has_passed or Deadline.enclosing().has_passed
        if is_exact or is_late or least - bound <= PROOF_TOLERANCE * least + 1e-9:
            break
        approximation.add(*spends)
    return "" if best is None else _describe_breach(problem, *best, bound)


def _relax_rows(model: Model, name: str) -> None:
    """Let the rows of a block be missed at a cost of one a unit, by new columns."""
    if name not in model.rows:
        return
    rows, arrays = model.rows[name], model.arrays()
    block_rows = slice(rows.start, rows.start + rows.size)
    sign = np.where(np.isfinite(arrays.row_lower[block_rows]), 1.0, -1.0)
    breach = model.add_columns(f"breach_{name}", labels=rows.labels, size=rows.size, cost=1.0)
    model.add_terms(rows, [(np.arange(rows.size), breach.all, sign)])


def _describe_breach(problem: BudgetProblem, model: Model, result: Result, bound: float) -> str:
    """Describe a breach, its largest parts first.

    For money the total is given, and the proven part of it.
    """
    breaches = sorted(
        DESCRIPTIONS[problem.relaxed_rule](problem, model, result), key=lambda part: -part[0]
    )
    if not breaches:
        return FIXED_DESCRIPTIONS.get(problem.relaxed_rule, "")
    text = "; ".join(words for _, words in breaches[:MAX_LISTED])
    if len(breaches) > MAX_LISTED:
        text += f"; and {len(breaches) - MAX_LISTED} more"
    if problem.relaxed_rule == "B10":
        return f"for example, {text}"
    if problem.relaxed_rule in ("B4", "B12"):
        return f"with as little missed as can be: {text}" if len(breaches) > 1 else text
    total_gbp = sum(gbp for gbp, _ in breaches)
    proven_gbp = bound * scale_of(problem).money_gbp
    is_proven = proven_gbp >= total_gbp * (1 - PROOF_TOLERANCE) - 0.5
    if len(breaches) > 1:
        text = f"{pounds(total_gbp)} in all, for example: {text}"
    return text if is_proven else f"{text} (at least {pounds(proven_gbp)} is proven)"


def _budget(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    if "breach" not in model.columns:
        return
    more = result.value(model.columns["breach"]) * scale_of(problem).money_gbp
    for gbp, year in zip(more, problem.horizon.years, strict=True):
        if gbp > 0.5 and len(problem.horizon.years) == 1:
            yield gbp, f"the total would have to be {pounds(gbp)} higher"
        elif gbp > 0.5:
            yield gbp, f"the total of {year} would have to be {pounds(gbp)} higher"


def _streams(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    money = scale_of(problem).money_gbp
    if "breach" in model.columns:
        block = model.columns["breach"]
        breach = result.value(block) * money
        for at in np.flatnonzero(breach > 0.5):
            name, when = _name(problem, block, "stream_id", at), _when(problem, block, at)
            yield breach[at], f"{name} would have to bring in {pounds(breach[at])} more{when}"
    pay = result.value(model.columns["pay"]).reshape(len(problem.horizon.years), -1) * money
    outside = np.where(~problem.pairs.allowed & (pay > 0.5), pay, 0.0).sum(axis=0)
    for f in np.unique(problem.pairs.stream[outside > 0]):
        outside_gbp = float(outside[problem.pairs.stream == f].sum())
        name = problem.display_names.get(problem.streams.ids[f], problem.streams.ids[f])
        yield outside_gbp, f"{pounds(outside_gbp)} of {name} would have to leave its ring-fence"


def _outcomes(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    scale = scale_of(problem)
    at = {key: position for position, key in enumerate(problem.outcomes.ids)}
    for kind in ("minimum", "target"):
        if f"breach_{kind}" not in model.columns:
            continue
        block = model.columns[f"breach_{kind}"]
        short = result.value(block)
        for position in np.flatnonzero(short > 1e-6):
            o = at[block.labels["outcome_id"][position]]
            t = int(block.labels["year"][position] - problem.horizon.years[0])
            gain = (
                problem.standards.minimum_gain
                if kind == "minimum"
                else problem.standards.target_gain
            )
            required = (
                problem.outcomes.drifted_baseline[t, o] + problem.outcomes.sign[o] * gain[t, o]
            )
            missed = short[position] * scale.outcome[o]
            reached = required - problem.outcomes.sign[o] * missed
            reached = 0.0 if abs(reached) < 1e-6 * missed else reached
            name = problem.display_names.get(problem.outcomes.ids[o], problem.outcomes.ids[o])
            what = "minimum standard" if kind == "minimum" else "target"
            when = _when(problem, block, position)
            words = (
                f"{name} would be {figure(reached)} against its {what} of {figure(required)}{when}"
            )
            yield float(short[position]), words


def _pace(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    for kind, word in (("cut", "fall"), ("rise", "rise")):
        template = f"{{name}} would {word} {{gbp}} further than its pace{{when}}"
        yield from _money(f"breach_{kind}", "programme_id", template)(problem, model, result)


def _minimum_scale(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    """(B10) Programmes below their scale, or beside an alternative, in a plan without the rule."""
    money = scale_of(problem).money_gbp
    spend = result.value(model.columns["spend"]).reshape(problem.limits.upper.shape) * money
    display = [problem.display_names.get(key, key) for key in problem.programmes.ids]
    for t, year in enumerate(problem.horizon.years):
        when = f" in {year}" if len(problem.horizon.years) > 1 else ""
        for p in np.flatnonzero((spend[t] > 1) & (spend[t] < problem.purchases.min_spend - 1)):
            missing = float(problem.purchases.min_spend[p] - spend[t, p])
            words = (
                f"{display[p]} would be bought {pounds(missing)} below its efficient scale{when}"
            )
            yield missing, words
        for choice in np.unique(
            problem.purchases.alternative_set[problem.purchases.alternative_set != ""]
        ):
            side_by_side = [
                display[p]
                for p in np.flatnonzero(
                    (problem.purchases.alternative_set == choice) & (spend[t] > 1)
                )
            ]
            if len(side_by_side) > 1:
                yield 0.0, f"{' and '.join(side_by_side)} would be bought side by side{when}"


def _evidence(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    for o, key in enumerate(problem.outcomes.ids):
        for t, year in enumerate(problem.horizon.years):
            name = f"breach_{o}_{t}"
            if name not in model.columns:
                continue
            missed = float(result.value(model.columns[name]).sum())
            missed *= float(scale_of(problem).outcome[o])
            if missed > 1e-9:
                when = f" in {year}" if len(problem.horizon.years) > 1 else ""
                display = problem.display_names.get(key, key)
                words = (
                    f"{display} would miss its standard by {figure(missed)} in bad evidence{when}"
                )
                yield missed, words


def _money(
    column: str, key: str, template: str
) -> Callable[[BudgetProblem, Model, Result], BreachParts]:
    """Words for a breach in money, with {name}, {gbp} and {when}."""

    def parts(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
        if column not in model.columns:
            return
        block = model.columns[column]
        missed = result.value(block) * scale_of(problem).money_gbp
        for at in np.flatnonzero(missed > 0.5):
            name, when = _name(problem, block, key, at), _when(problem, block, at)
            yield float(missed[at]), template.format(name=name, gbp=pounds(missed[at]), when=when)

    return parts


def _reinvestment(problem: BudgetProblem, model: Model, result: Result) -> BreachParts:
    for column, template in (
        ("breach_prevention", "prevention would get {gbp} less than today{when}"),
        ("breach_reinvestment", "prevention would get {gbp} less than its share{when}"),
    ):
        yield from _money(column, "year", template)(problem, model, result)


def _name(problem: BudgetProblem, block: Block, key: str, position: Any) -> str:
    key_value = block.labels[key][position]
    return problem.display_names.get(key_value, str(key_value))


def _when(problem: BudgetProblem, block: Block, position: Any) -> str:
    """The year of a row or column, where several years are decided and the row is of one."""
    if len(problem.horizon.years) == 1 or "year" not in block.labels:
        return " over the years" if len(problem.horizon.years) > 1 else ""
    return f" in {block.labels['year'][position]}"


# rules that only apply where a table has rows
RULE_TABLE = {
    "B6": "provision",
    "B13": "commitments",
}
RELAXED_ROWS = {  # blocks of rows that are relaxed after formulation
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
FIXED_DESCRIPTIONS = {  # for breaches that have no size
    "B5": "notice would have to be cut short, or the old not run beside the new",
    "B10": "contracts would have to end early, what is bought together be bought apart, or "
    "providers be paid less than their results earn",
}
