"""A solved budget year by year, as tables in the user's own rows and ids.

spending_by_year   a row a year and programme: what it would spend if nothing changed, what it
                   spends, one-off costs, what is due by results less what is withheld for them
                   (B10), capital, whole units run
outcomes_by_year   a row a year and outcome: level if nothing changed and in the plan, met or not
reserves           a row a year (B1): opening, what came in (total, rewards, what providers give
                   back), what was paid, what was paid back for missed results
result_payments    a row a year and outcome that is paid for by results (B4): level and target,
                   reward earned, the part of it that is deferred, money to pay back
provider_results   a row a year and terms of a provider paid by results (B10): units paid for,
                   earned, deferred, lost again, given back
positions          a row a year and agency (B9): stand-alone with its range, in the plan before and
                   after transfers, and its parts
transfers          a row for each payment from one agency to another (B9)
alone_spending     a row for each agency with a stand-alone position, year and programme of its own:
                   its spending in the stand-alone plan (B9), whole units run
alone_payments     the same for each of its streams that pays
alone_objectives   a row for each of these agencies and objectives, in order: the value of the plan
                   and the proven bound
cash_flow          a row a year, agency and line: if nothing changed, in the plan, saved

Lines of ``cash_flow``: the spending, one-off costs, ``results`` (what is due by results less what
is withheld, less what is given back) and capital of the programmes that the agency runs, and
``benefits``, the cash that better outcomes save it (below 0: a cost avoided).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from placeopt import engine
from placeopt.base.arrays import Floats
from placeopt.base.deadline import without_deadline
from placeopt.budget.problem import cash_flows, effects
from placeopt.budget.problem.agencies import (
    agency_positions,
    cash_savings,
    cross_agency_payments,
    freed_money,
    provider_refunds,
    transferable_money,
    unspent_money,
)
from placeopt.budget.problem.arrays import BudgetProblem, sum_by_group
from placeopt.budget.problem.stand_alone import stand_alone_problem
from placeopt.engine import Model
from placeopt.engine.model import Terms
from placeopt.engine.settings import Settings

ROUNDING_GBP = 0.05  # GBP that rounding may leave


def yearly_tables(problem: BudgetProblem, spend: Floats, pay: Floats) -> dict[str, pd.DataFrame]:
    """The tables above, without those of rules that are not in force."""
    tables = {
        "spending_by_year": _spending(problem, spend),
        "outcomes_by_year": _outcomes(problem, spend),
    }
    if np.isfinite(problem.money.total).all():
        tables["reserves"] = _reserves(problem, spend, pay)
        if problem.rewards.price.any() or problem.rewards.clawback.any():
            tables["result_payments"] = _results(problem, spend)
    if len(problem.provider_terms.programme):
        tables["provider_results"] = _providers(problem, spend)
    if problem.agencies.has_position_rule:
        tables["positions"], tables["transfers"] = _positions(problem, spend, pay)
        tables |= stand_alone_tables(problem)
    tables["cash_flow"] = _cash_flow(problem, spend)
    return tables


def standard_status(problem: BudgetProblem, after: Floats, level: Floats) -> list[str]:
    """(O,) yes, no, or empty where there is no level; a millionth of the level is rounding."""
    tolerance = 1e-6 * np.maximum(
        1e-6, np.maximum(np.abs(level), np.abs(problem.outcomes.baseline))
    )
    is_met = problem.outcomes.sign * (after - level) >= -tolerance
    return [
        "" if np.isnan(x) else "yes" if ok else "no" for x, ok in zip(level, is_met, strict=True)
    ]


def _spending(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    units = np.full_like(spend, np.nan)
    units[:, problem.units.programme] = cash_flows.units_kept(problem, spend)
    rows = _yearly_rows(problem, "programme_id", problem.programmes.ids)
    rows["do_nothing_gbp"] = problem.programmes.do_nothing.ravel()
    rows["plan_gbp"] = spend.ravel()
    rows["change_gbp"] = rows["plan_gbp"] - rows["do_nothing_gbp"]
    rows["one_off_gbp"] = cash_flows.one_off_costs(problem, spend).ravel()
    if len(problem.provider_terms.programme):
        rows["by_results_gbp"] = cash_flows.result_payments(problem, spend).ravel()
    rows["capital_gbp"] = (cash_flows.starts(problem, spend) * problem.capital.cost).ravel()
    rows["units"] = units.ravel()
    return rows


def _outcomes(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    decided = len(problem.horizon.years)
    rows = _yearly_rows(problem, "outcome_id", problem.outcomes.ids)
    drifted, level = (
        problem.outcomes.drifted_baseline[:decided],
        effects.outcome_levels(problem, spend)[:decided],
    )
    rows["do_nothing"], rows["plan"] = drifted.ravel(), level.ravel()
    minimum = drifted + problem.outcomes.sign * problem.standards.minimum_gain
    target = drifted + problem.outcomes.sign * problem.standards.target_gain
    rows["minimum_standard"], rows["target"] = minimum.ravel(), target.ravel()
    for name, required in (("standard_met", minimum), ("target_met", target)):
        rows[name] = [
            word
            for after, limits in zip(level, required, strict=True)
            for word in standard_status(problem, after, limits)
        ]
    return rows


def _reserves(problem: BudgetProblem, spend: Floats, pay: Floats) -> pd.DataFrame:
    paid = pay.sum(axis=1)
    reserves = np.round(cash_flows.reserves(problem, paid, spend), 2) + 0.0
    return pd.DataFrame(
        {
            "year": problem.horizon.years,
            "opening_gbp": reserves[:-1],
            "in_gbp": problem.money.total
            + cash_flows.rewards_received(problem, spend)
            + cash_flows.refunds(problem, spend).sum(axis=1),
            "out_gbp": paid,
            "clawback_gbp": cash_flows.clawback_paid(problem, spend),
            "closing_gbp": reserves[1:],
        }
    )


def _results(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    """Rewards and clawbacks of every year's results, by outcome."""
    decided, earned = len(problem.horizon.years), cash_flows.rewards_earned(problem, spend)
    rows = _yearly_rows(problem, "outcome_id", problem.outcomes.ids)
    rows["plan"] = effects.outcome_levels(problem, spend)[:decided].ravel()
    rows["target"] = (
        problem.outcomes.drifted_baseline[:decided]
        + problem.outcomes.sign * problem.standards.target_gain
    ).ravel()
    rows["reward_gbp"] = earned.ravel()
    rows["deferred_gbp"] = (problem.rewards.deferred_share * earned).ravel()
    rows["clawback_gbp"] = cash_flows.clawback_due(problem, spend).ravel()
    return rows[
        np.tile((problem.rewards.price > 0) | (problem.rewards.clawback > 0), decided)
    ].reset_index(drop=True)


def _providers(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    """What every year's results earn each provider, whenever it is due, and what is lost again."""
    terms, gain, decided = (
        problem.provider_terms,
        effects.gain(problem, spend),
        len(problem.horizon.years),
    )
    p, o, bought = terms.programme, terms.outcome, cash_flows.is_bought(problem, spend)
    ids = {"programme_id": problem.programmes.ids[p], "outcome_id": problem.outcomes.ids[o]}
    rows = _yearly_rows(problem, "programme_id", ids["programme_id"])
    rows["outcome_id"] = np.tile(ids["outcome_id"], decided)
    start = problem.outcomes.drifted_baseline[:decided, o] + problem.outcomes.sign[o] * terms.start
    earned, lost = terms.earned_units(gain, bought), terms.lost_units(gain, bought)
    figures = {
        "plan": effects.outcome_levels(problem, spend)[:decided, o],
        "paid_from": start,
        "paid_to": start + problem.outcomes.sign[o] * terms.span,
        "units_paid": earned,
        "earned_gbp": terms.price * earned,
        "deferred_gbp": terms.deferred_share * terms.price * earned,
        "units_lost": lost,
        "not_paid_gbp": terms.deferred_share * terms.price * lost,
        "clawback_gbp": terms.clawback * lost,
    }
    return rows.assign(**{name: values.ravel() for name, values in figures.items()})


def _positions(
    problem: BudgetProblem, spend: Floats, pay: Floats
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each agency's position in the plan, and the transfers."""
    available = np.maximum(0.0, transferable_money(problem, spend, pay))
    if problem.agencies.counterfactual == "most_it_could_keep":
        available = unspent_money(problem, pay)
    positions, savings = agency_positions(problem, spend, pay), cash_savings(problem, spend)
    unallocated = np.full(len(spend), np.inf)
    if cash_flows.total_limits_transfers(problem):
        unallocated = cash_flows.unallocated_total(problem, pay.sum(axis=1), spend)
    # (T, from, to)
    transfers = least_transfers(problem, positions, available, savings, unallocated)
    net = transfers.sum(axis=1) - transfers.sum(axis=2)
    rows = stand_alone_positions(problem)
    received, paid = cross_agency_payments(problem, pay)
    parts = {
        "cashable_gbp": savings,
        "freed_gbp": freed_money(problem, spend),
        "paid_by_others_gbp": received,
        "paid_for_others_gbp": paid,
        "given_back_gbp": provider_refunds(problem, spend),
        "unspent_gbp": unspent_money(problem, pay),
        "plan_before_transfers_gbp": positions,
        "transfers_gbp": net,
        "plan_gbp": positions + net,
    }
    rows = rows.assign(**{name: values.ravel() + 0.0 for name, values in parts.items()})
    t, a, b = np.nonzero(transfers > 0)
    columns = {
        "year": problem.horizon.years[t],
        "from_agency_id": problem.agencies.ids[a],
        "to_agency_id": problem.agencies.ids[b],
        "amount_gbp": transfers[t, a, b],
    }
    return rows, pd.DataFrame(columns)


def stand_alone_positions(problem: BudgetProblem) -> pd.DataFrame:
    """A row for each year and agency: its stand-alone position and its range."""
    low, high = problem.agencies.stand_alone.copy(), problem.agencies.stand_alone.copy()
    for plan in problem.agencies.stand_alone_plans:
        low[:, plan.agency], high[:, plan.agency] = plan.low, plan.high
    rows = _yearly_rows(problem, "agency_id", problem.agencies.ids)
    for name, values in (
        ("alone", problem.agencies.stand_alone),
        ("alone_low", low),
        ("alone_high", high),
    ):
        rows[f"{name}_gbp"] = values.ravel() + 0.0
    return rows


def stand_alone_tables(problem: BudgetProblem) -> dict[str, pd.DataFrame]:
    """The stand-alone plans: for every agency, only what it decides by itself."""
    years, decided = problem.horizon.years, len(problem.horizon.years)
    spending, payments, objectives = [], [], []
    for plan in problem.agencies.stand_alone_plans:
        a, own_problem = plan.agency, stand_alone_problem(problem, plan.agency)
        p = np.flatnonzero(problem.programmes.agency == a)
        units = np.full_like(plan.spend, np.nan)
        units[:, own_problem.units.programme] = cash_flows.units_kept(own_problem, plan.spend)
        rows = {
            "agency_id": problem.agencies.ids[a],
            "year": np.repeat(years, len(p)),
            "programme_id": np.tile(problem.programmes.ids[p], decided),
            "before_gbp": np.tile(problem.programmes.base_spend[p], decided),
            "alone_gbp": plan.spend[:, p].ravel(),
            "units": units[:, p].ravel(),
        }
        spending.append(pd.DataFrame(rows))
        assert own_problem.pairs.fixed is not None
        n = np.flatnonzero(np.isnan(own_problem.pairs.fixed))
        rows = {
            "agency_id": problem.agencies.ids[a],
            "year": np.repeat(years, len(n)),
            "programme_id": np.tile(problem.programmes.ids[problem.pairs.programme[n]], decided),
            "stream_id": np.tile(problem.streams.ids[problem.pairs.stream[n]], decided),
            "before_gbp": np.tile(problem.pairs.base_spend[n], decided),
            "alone_gbp": plan.pay[:, n].ravel(),
        }
        paid = pd.DataFrame(rows)
        payments.append(paid[(paid["before_gbp"] != 0) | (paid["alone_gbp"] != 0)])
        objective_rows = pd.DataFrame(plan.objectives, columns=["objective", "alone", "bound"])
        objective_rows.insert(0, "agency_id", problem.agencies.ids[a])
        objectives.append(objective_rows)
    columns = ["agency_id", "year", "programme_id"]
    money = ["before_gbp", "alone_gbp"]
    tables = {}
    for name, parts, headings in (
        ("alone_spending", spending, [*columns, *money, "units"]),
        ("alone_payments", payments, [*columns, "stream_id", *money]),
        ("alone_objectives", objectives, ["agency_id", "objective", "alone", "bound"]),
    ):
        empty = pd.DataFrame(columns=headings)
        tables[name] = pd.concat(parts, ignore_index=True) if parts else empty
    return tables


def least_transfers(
    problem: BudgetProblem,
    positions: Floats,
    available: Floats,
    savings: Floats | None = None,
    unallocated: Floats | None = None,
) -> Floats:
    """Return the least transfers after which no agency is worse off than alone.

    Every agency that is short gets just its shortfall. It is paid by those that have a surplus and
    may transfer it, in proportion to that; an agency without a stand-alone position has no
    shortfall and may give all it has. With ``most_it_could_keep``, an agency with a stand-alone
    position may give all of its surplus. Over the horizon the shortfall is that of all years, paid
    in the years in which the payer may transfer. Where years are linked and proportions do not
    fit, the least total is found by a linear program.

    Args:
        problem: The budget problem.
        positions: (T, A) GBP before transfers.
        available: (T, A) GBP that each may transfer: of the year, or cumulative where streams carry
            over.
        savings: (T, A) GBP that each saves in a year.
        unallocated: (T,) GBP that the one budget leaves for transfers beyond savings.

    Returns:
        (T, A, A) GBP from one agency to another.
    """
    has_position = np.isfinite(problem.agencies.stand_alone).all(axis=0)
    surplus = np.where(has_position, positions - problem.agencies.stand_alone, available)
    surplus = np.where(np.abs(surplus) < ROUNDING_GBP, 0.0, surplus)
    keeps_all = problem.agencies.counterfactual == "most_it_could_keep"
    savings = available if savings is None else savings
    unallocated = np.full(len(available), np.inf) if unallocated is None else unallocated
    transferable = np.maximum(0.0, available)
    if problem.streams.carry_over:  # transferable in a year and not needed later
        transferable = np.minimum.accumulate(transferable[::-1])[::-1]
    if keeps_all or not problem.streams.carry_over or problem.agencies.over_horizon:
        transfers = _in_proportion(problem, surplus, available, transferable, savings, unallocated)
        if keeps_all or _fits_in_total(problem, transfers, savings, unallocated):
            return transfers
    return _least_by_program(
        problem, np.where(has_position, surplus, np.inf), transferable, savings, unallocated
    )


def _in_proportion(
    problem: BudgetProblem,
    surplus: Floats,
    available: Floats,
    transferable: Floats,
    savings: Floats,
    unallocated: Floats,
) -> Floats:
    """(T, A, A) GBP: shortfalls, paid in proportion to what others have over and may transfer."""
    has_position = np.isfinite(problem.agencies.stand_alone).all(axis=0)
    keeps_all = problem.agencies.counterfactual == "most_it_could_keep"
    yearly_available = (
        np.diff(transferable, axis=0, prepend=0.0)
        if problem.streams.carry_over and not keeps_all
        else available
    )
    if problem.agencies.over_horizon:
        year_surplus = np.maximum(0.0, surplus) if keeps_all else np.maximum(0.0, yearly_available)
        if not keeps_all:
            year_surplus = np.stack(
                [
                    _within_total(*one)
                    for one in zip(year_surplus, savings, unallocated, strict=True)
                ]
            )
        total, most = problem.horizon.discount @ surplus, problem.horizon.discount @ year_surplus
        giveable = np.minimum(np.where(has_position, np.maximum(0.0, total), most), most)
        transfers_total = _proportional_transfers(
            np.where(has_position, np.maximum(0.0, -total), 0.0), giveable
        )
        timing = year_surplus / np.maximum(most, 1e-300)  # (T, A)
        return timing[:, :, None] * transfers_total[None]
    transfers = np.zeros((*surplus.shape, surplus.shape[1]))
    remaining = np.zeros(surplus.shape[1])
    for t in range(len(surplus)):
        remaining = (remaining if problem.streams.carry_over else 0.0) + yearly_available[t]
        allowed = np.where(has_position & keeps_all, np.inf, np.maximum(0.0, remaining))
        giveable = np.minimum(np.where(has_position, np.maximum(0.0, surplus[t]), np.inf), allowed)
        if not keeps_all:
            giveable = _within_total(giveable, savings[t], unallocated[t])
        transfers[t] = _proportional_transfers(
            np.where(has_position, np.maximum(0.0, -surplus[t]), 0.0), giveable
        )
        remaining = remaining - transfers[t].sum(axis=1)
    return transfers


def _within_total(spare: Floats, savings: Floats, unallocated: float) -> Floats:
    """(A,) what each may give, reduced where unsaved money exceeds the unallocated total."""
    from_savings = np.minimum(spare, np.maximum(0.0, savings))
    from_unspent = spare - from_savings
    share = min(1.0, unallocated / max(float(from_unspent.sum()), 1e-300))
    within: Floats = from_savings + from_unspent * share
    return within


def _fits_in_total(
    problem: BudgetProblem, transfers: Floats, savings: Floats, unallocated: Floats
) -> bool:
    """Whether transfers beyond savings fit in what the one budget (B1) leaves, (T,)."""
    paid = transfers.sum(axis=2)
    if problem.streams.carry_over:
        paid, savings = np.cumsum(paid, axis=0), np.cumsum(savings, axis=0)
    from_unspent = np.maximum(0.0, paid - np.maximum(0.0, savings))
    if problem.streams.carry_over:
        from_unspent = np.maximum.accumulate(from_unspent, axis=0)
        unallocated = unallocated if problem.money.carry_over else np.cumsum(unallocated)
    elif problem.money.carry_over:
        from_unspent = np.cumsum(from_unspent, axis=0)
    return bool((from_unspent.sum(axis=1) <= unallocated + ROUNDING_GBP / 10).all())


def _least_by_program(
    problem: BudgetProblem,
    surplus: Floats,
    transferable: Floats,
    savings: Floats,
    unallocated: Floats,
) -> Floats:
    """(T, A, A) GBP, the least transfers by a linear program.

    No agency with a surplus (T, A) below 0 stays short, in a year or over the horizon. No agency
    pays more than its surplus or what it may transfer (T, A), nor, all together, more than they
    save and the one budget (B1) leaves (T,).
    """
    decided, agencies = surplus.shape
    giver, taker = np.nonzero(~np.eye(agencies, dtype=bool))
    model, year = Model("transfers"), np.arange(decided)[:, None]
    unit = max(1.0, float(np.abs(surplus[np.isfinite(surplus)]).max(initial=0.0)))
    horizon = problem.agencies.over_horizon
    rows = agencies if horizon else decided * agencies
    moved = model.add_columns("transfer", size=decided * len(giver), cost=1.0)
    slip = model.add_columns("slip", size=rows, cost=1e3)  # for rounding
    unspent_money = model.add_columns("from_unspent", size=decided * agencies)
    at = moved.at(year * len(giver) + np.arange(len(giver)))
    first = 0 * year if horizon else year * agencies
    weight = problem.horizon.discount[:, None] if horizon else np.ones((1, 1))
    terms: list[Terms] = [(first + taker, at, weight), (first + giver, at, -weight)]
    terms.append((np.arange(rows), slip.all, np.ones(1)))
    short = -(problem.horizon.discount @ surplus) if horizon else -surplus.ravel()
    min_surplus = np.where(np.isfinite(short), short, -np.inf) / unit
    model.add_rows("position", rule="B9", size=rows, terms=terms, lower=min_surplus)
    ones, agency_index = np.ones(1), np.arange(agencies)
    paid_terms: list[Terms] = []
    unspent_terms: list[Terms] = []
    for k, s in zip(*np.nonzero(cash_flows.transfer_periods(problem)), strict=True):
        paid_terms.append((k * agencies + giver, at[s], ones))
        unspent_terms.append(
            (k * agencies + agency_index, unspent_money.at(s * agencies + agency_index), -ones)
        )
    size = decided * agencies
    upper = transferable.ravel() / unit
    model.add_rows("given", rule="B9", size=size, terms=paid_terms, upper=upper)
    upper = np.maximum(0.0, cash_flows.transfer_periods(problem) @ savings).ravel() / unit
    model.add_rows(
        "given_from_saved", rule="B9", size=size, terms=[*paid_terms, *unspent_terms], upper=upper
    )
    if cash_flows.total_limits_transfers(problem):
        linked = (
            np.tril(np.ones((decided, decided))) if problem.money.carry_over else np.eye(decided)
        )
        t, s = np.nonzero(linked)
        terms = [
            (t[:, None], unspent_money.at(s[:, None] * agencies + agency_index), np.ones((1, 1)))
        ]
        model.add_rows("left", rule="B1", size=decided, terms=terms, upper=unallocated / unit)
    with without_deadline():
        result = engine.solve(model, Settings(time_limit_seconds=60.0))
    transfers = np.zeros((decided, agencies, agencies))
    transfers[:, giver, taker] = result.value(moved).reshape(decided, -1) * unit
    return np.where(transfers < ROUNDING_GBP / 10, 0.0, transfers)


def _proportional_transfers(shortfall: Floats, surplus: Floats) -> Floats:
    """(A, A) all shortfalls, paid in proportion to the surplus."""
    return np.outer(surplus / max(surplus.sum(), 1e-300), shortfall)


def _cash_flow(problem: BudgetProblem, spend: Floats) -> pd.DataFrame:
    agencies = len(problem.agencies.ids)
    owner = np.where(problem.programmes.agency < 0, agencies, problem.programmes.agency)

    def by_agency(gbp: Floats) -> Floats:
        return sum_by_group(gbp, owner, agencies + 1)

    zeros = np.zeros((len(spend), agencies + 1))
    benefits = zeros.copy()
    benefits[:, :agencies] = -cash_savings(problem, spend)
    lines = {
        "spending": (by_agency(problem.programmes.do_nothing), by_agency(spend)),
        "one_off": (zeros, by_agency(cash_flows.one_off_costs(problem, spend))),
        "results": (
            zeros,
            by_agency(
                cash_flows.result_payments(problem, spend) - cash_flows.refunds(problem, spend)
            ),
        ),
        "capital": (zeros, by_agency(cash_flows.starts(problem, spend) * problem.capital.cost)),
        "benefits": (zeros, benefits),
    }
    parts = []
    for line, (do_nothing, plan) in lines.items():
        rows = _yearly_rows(problem, "agency_id", np.append(problem.agencies.ids, ""))
        rows["line"] = line
        rows["do_nothing_gbp"], rows["plan_gbp"] = do_nothing.ravel(), plan.ravel()
        rows["saving_gbp"] = rows["do_nothing_gbp"] - rows["plan_gbp"]
        parts.append(rows[(rows["do_nothing_gbp"] != 0) | (rows["plan_gbp"] != 0)])
    return pd.concat(parts, ignore_index=True)


def _yearly_rows(problem: BudgetProblem, key: str, ids: np.ndarray) -> pd.DataFrame:
    """A row for each decided year and id."""
    decided = len(problem.horizon.years)
    columns = {"year": np.repeat(problem.horizon.years, len(ids)), key: np.tile(ids, decided)}
    return pd.DataFrame(columns)
