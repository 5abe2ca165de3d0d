"""Build the budget problem of a place and a scenario: tables to frozen arrays.

The base year is the last year of spending data. The first decided year is the scenario's, or the
year after the base year; each decided year's money is what ``stream_amounts`` states for it.
Capital streams pay only for the programmes named in ``stream_programmes``; where rule B11 is in
force they pay only for capital.
"""

from __future__ import annotations

import numpy as np

from placeopt.base.arrays import Bools, Floats, Ints
from placeopt.base.errors import Finding, InputError, PlaceError, UsageError
from placeopt.base.findings import error
from placeopt.budget.curves.remaining_potential import MAX_EFFECT_SHARE
from placeopt.budget.problem import commitments, money, outcomes, parts, response_curves
from placeopt.budget.problem.agencies import agencies, agency_of, may_fund_transfers
from placeopt.budget.problem.arrays import BudgetProblem
from placeopt.budget.problem.capital import capital_pots
from placeopt.budget.problem.checks import objectives, require
from placeopt.budget.problem.payment_by_results import ProviderTerms, provider_terms_of
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import Capital, Commissioning, Streams


def build_problem(place: Place, scenario: Scenario, *, relax: str = "") -> BudgetProblem:
    """Build the budget problem; stand-alone positions (B9) are not known yet.

    Args:
        place: The place, free of faults.
        scenario: The scenario, free of faults.
        relax: The number of a rule that may be breached at a price, for explanations.

    Returns:
        The problem.

    Raises:
        PlaceError: Where a curve alone reaches the whole potential of its outcome.
        UsageError: Where nothing limits the money.
    """
    paid_gbp = money.paid_in(place, int(place.spending["year"].max()))
    before = paid_gbp.sum(axis=1)
    years = money.decided_years(place, scenario)
    contracted, actual = commitments.commitments(place, scenario, years)
    horizon = _horizon(place, scenario, years, actual)
    stated_outcomes = outcomes.outcomes(place, scenario, horizon.years, horizon.base_year)
    allowed = _allowed_pairs(place, scenario)
    pays = np.ones_like(allowed) if relax == "B2" else allowed
    streams = _streams(place, scenario, horizon.years)
    one_budget = money.one_budget(scenario, before, len(horizon.years))
    rewards = outcomes.rewards(place, scenario)
    terms = _provider_terms(place, scenario, stated_outcomes, horizon, actual, relax)
    capital = capital_pots(place, scenario, horizon.years)
    affordable = money.affordable_spend(pays, streams, one_budget, rewards, terms, relax)
    problem = BudgetProblem(
        horizon=horizon,
        programmes=_programmes(place, horizon, before),
        limits=_limits(place, scenario, horizon, affordable, before, contracted, actual, relax),
        purchases=commitments.purchases(
            place, scenario, horizon.years, before, capital.cost, relax
        ),
        streams=streams,
        pairs=_pairs(pays, allowed, paid_gbp),
        money=one_budget,
        outcomes=stated_outcomes,
        standards=outcomes.standards(place, scenario, horizon, stated_outcomes.drifted_baseline),
        rewards=rewards,
        curves=response_curves.curves(place, stated_outcomes, len(horizon.years)),
        units=commitments.whole_units(place, scenario, relax),
        shares=commitments.shares(scenario),
        capital=capital,
        agencies=agencies(place, scenario, horizon.years),
        evidence=response_curves.evidence(place, scenario),
        provider_terms=terms,
        objectives=parts.Objectives(
            objectives(scenario), scenario.objective.slack, scenario.objective.weights
        ),
        display_names=names(place),
        relaxed_rule=relax,
    )
    if not relax and (faults := curves_beyond_potential(problem)):
        raise PlaceError(faults, "faults in the place's curves")
    return problem


def problem_faults(place: Place, scenario: Scenario) -> list[Finding]:
    """Faults that ``build_problem`` would raise for a place and a scenario that are each valid."""
    file = scenario.path.name if scenario.path else "the scenario"
    try:
        require(place, scenario)
        build_problem(place, scenario)
    except InputError as faults:
        return faults.findings
    except UsageError as fault:
        message, _, remedy = str(fault).partition(": ")
        return [Finding("error", file, None, "drop", None, message, remedy)]
    return []


def _horizon(place: Place, scenario: Scenario, years: Ints, actual: Floats) -> parts.Horizon:
    return parts.Horizon(
        years=years,
        base_year=int(place.spending["year"].max()),
        discount=(1 + scenario.money.discount_rate) ** -np.arange(len(years), dtype=float),
        is_past=np.asarray(np.isfinite(actual).all(axis=1), bool),
    )


def _programmes(place: Place, horizon: parts.Horizon, before: Floats) -> parts.Programmes:
    rows = place.programmes
    return parts.Programmes(
        ids=rows["programme_id"].to_numpy(str),
        agency=agency_of(place, rows),
        preventive=(rows["kind"] == "preventive").to_numpy(),
        pooled=rows["pooled"].to_numpy(bool),
        base_spend=before,
        do_nothing=commitments.do_nothing(place, horizon.years, horizon.base_year, before),
    )


def _limits(
    place: Place,
    scenario: Scenario,
    horizon: parts.Horizon,
    affordable: Floats,
    before: Floats,
    contracted: Floats,
    actual: Floats,
    relax: str,
) -> parts.SpendLimits:
    """Between what spending may lie; in past years only what was spent holds."""
    rows, years, is_past = place.programmes, horizon.years, horizon.is_past[:, None]
    maximum = rows["maximum_gbp_per_year"].fillna(np.inf).to_numpy(float)
    cut, rise = commitments.pace(scenario, rows["programme_id"].to_numpy(str), before)
    notice = commitments.notice(place, scenario, years, before, relax)
    contracts = commitments.running_contracts(place, scenario, years, before, relax)
    return parts.SpendLimits(
        floor=money.floors(place, scenario),
        maximum=maximum,
        upper=money.largest_spend(affordable, before, maximum, rise, actual, relax),
        pace_cut=cut,
        pace_rise=rise,
        notice_floor=np.where(is_past, 0.0, notice),
        contract_floor=np.where(is_past, 0.0, contracts),
        contracted_floor=np.where(is_past, 0.0, contracted),
        actual_spend=actual,
    )


def _allowed_pairs(place: Place, scenario: Scenario) -> Bools:
    """(P, F) whether a stream may pay for a programme (B2); for capital only where B11 is not."""
    rule = next(iter(scenario.of(Streams)), None)
    shape = len(place.programmes), len(place.streams)
    allowed = money.may_pay(place, rule) if rule else np.ones(shape, bool)
    if scenario.of(Capital):
        allowed = allowed & (place.streams["purpose"] != "capital").to_numpy()[None, :]
    return allowed


def _pairs(pays: Bools, allowed: Bools, paid_gbp: Floats) -> parts.Pairs:
    p, f = np.nonzero(pays)
    return parts.Pairs(p, f, base_spend=paid_gbp[p, f], allowed=allowed[p, f])


def _streams(place: Place, scenario: Scenario, years: Ints) -> parts.Streams:
    rule, rows = next(iter(scenario.of(Streams)), None), place.streams
    income = np.stack([money.amounts(place, int(year))[0] for year in years])
    return parts.Streams(
        ids=rows["stream_id"].to_numpy(str),
        agency=agency_of(place, rows),
        revenue=(rows["purpose"] != "capital").to_numpy(),
        limit=income if rule else np.full_like(income, np.inf),
        income=income,
        carry_over=bool(rule and rule.unspent == "carried"),
        may_fund_transfers=may_fund_transfers(place, scenario),
    )


def _provider_terms(
    place: Place,
    scenario: Scenario,
    stated: parts.Outcomes,
    horizon: parts.Horizon,
    actual: Floats,
    relax: str,
) -> ProviderTerms:
    """Terms of providers; those from whom a past year has bought have consented."""
    past_spend = np.nan_to_num(actual)[horizon.is_past]
    return provider_terms_of(
        place,
        stated.sign,
        stated.drifted_baseline,
        len(horizon.years),
        in_force=bool(scenario.of(Commissioning)),
        paid=relax != "B10",
        has_begun=np.asarray((past_spend > 0).any(axis=0), bool),
    )


def names(place: Place) -> dict[str, str]:
    """What people call each id."""
    result: dict[str, str] = {}
    for table, key in (
        ("programmes", "programme_id"),
        ("streams", "stream_id"),
        ("outcomes", "outcome_id"),
        ("agencies", "agency_id"),
    ):
        rows = place.tables[table]
        result |= {k: n or k for k, n in zip(rows[key], rows["name"], strict=True)}
    return result


def curves_beyond_potential(problem: BudgetProblem) -> list[Finding]:
    """Faults of curves that alone would reach the whole potential or more."""
    findings = []
    for c, curve in enumerate(problem.curves.stated):
        potential = float(problem.outcomes.potential[problem.curves.outcome[c]])
        if np.isfinite(potential):
            max_spend = problem.limits.upper[:, problem.curves.programme[c]].max()
            effect = float(curve.effect(max_spend))
            if effect >= potential * MAX_EFFECT_SHARE:
                key = problem.outcomes.ids[problem.curves.outcome[c]]
                message = f"it does {effect:g} alone, and the whole of {key} is {potential:g}"
                remedy = "give a larger whole_effect in outcomes, or a smaller effect"
                findings.append(error("curves.csv", message, remedy, row=c + 2,
                                   column="maximum_effect", value=f"{effect:g}"))  # fmt: skip
    return findings
