"""Build the budget problem of a place and a scenario: tables to frozen arrays.

The base year is the last year of spending data. The first decided year is the scenario's, or the
year after the base year; each decided year's money is what ``stream_amounts`` states for it.
Capital streams pay only for the programmes named in ``stream_programmes``; where rule B11 is in
force they pay only for capital.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from placeopt.base.errors import Finding, InputError, PlaceError, UsageError
from placeopt.base.findings import error
from placeopt.budget.curves.combination import curve_groups, potentials
from placeopt.budget.curves.remaining_potential import MAX_EFFECT_SHARE
from placeopt.budget.problem import capital, commitments, money, outcomes
from placeopt.budget.problem.agencies import agency_arrays, with_stand_alone_positions
from placeopt.budget.problem.arrays import OBJECTIVES, BudgetProblem
from placeopt.budget.problem.checks import objectives
from placeopt.budget.problem.payment_by_results import provider_terms_of
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import (
    Capital,
    Commissioning,
    NobodyWorseOff,
    Streams,
    Uncertainty,
)

if TYPE_CHECKING:
    from placeopt.budget.problem.arrays import BudgetProblem
    from placeopt.place import Place


__all__ = ["OBJECTIVES", "BudgetProblem", "build_problem"]


def build_problem(
    place: Place, scenario: Scenario, *, relax: str = "", like: BudgetProblem | None = None
) -> BudgetProblem:
    """Build the budget problem.

    Args:
        place: The place.
        scenario: The scenario.
        relax: The number of a rule that may be breached at a price, for explanations.
        like: A problem of the same place and scenario whose stand-alone positions (B9) are reused.

    Raises:
        PlaceError: With all findings in the place.
        ScenarioError: With all findings in the scenario.
        UsageError: Where nothing limits the money.
    """
    problem = _build_without_positions(place, scenario, relax)
    if like is not None:
        return replace(
            problem, stand_alone=like.stand_alone, stand_alone_plans=like.stand_alone_plans
        )
    if scenario.of(NobodyWorseOff):
        return with_stand_alone_positions(problem, scenario.solver)
    return problem


def problem_faults(place: Place, scenario: Scenario) -> list[Finding]:
    """Faults that ``build_problem`` would raise for a place and a scenario that are each valid."""
    file = scenario.path.name if scenario.path else "the scenario"
    try:
        _build_without_positions(place, scenario, "")
    except InputError as faults:
        return faults.findings
    except UsageError as fault:
        message, _, remedy = str(fault).partition(": ")
        return [Finding("error", file, None, "drop", None, message, remedy)]
    return []


def _build_without_positions(place: Place, scenario: Scenario, relax: str) -> BudgetProblem:
    """The problem without the stand-alone positions (B9)."""
    from placeopt.budget.problem.checks import require

    require(place, scenario)
    base_year = int(place.spending["year"].max())
    years = money.decided_years(place, scenario)
    programmes, streams = place.programmes, place.streams
    programme_ids = programmes["programme_id"].to_numpy(str)
    paid_gbp = money.paid_in(place, base_year)
    before = paid_gbp.sum(axis=1)

    streams_rule = next(iter(scenario.of(Streams)), None)
    allowed = money.may_pay(place, streams_rule) if streams_rule else np.ones(paid_gbp.shape, bool)
    revenue = (streams["purpose"] != "capital").to_numpy()
    if scenario.of(Capital):
        allowed = allowed & revenue[None, :]
    pairs = np.ones_like(allowed) if relax == "B2" else allowed
    pair_programme, pair_stream = np.nonzero(pairs)
    income = np.stack([money.amounts(place, int(year))[0] for year in years])
    amount = income if streams_rule else np.full_like(income, np.inf)
    fields: dict[str, Any] = {
        "years": years,
        "programme_ids": programme_ids,
        "base_spend": before,
        "stream_limit": amount,
        "stream_income": income,
        "streams_carry_over": bool(streams_rule and streams_rule.unspent == "carried"),
        "objectives": objectives(scenario),
        **money.total(scenario, before, len(years)),
        **commitments.pace(scenario, programme_ids, before),
        **outcomes.outcomes(place, scenario, years, base_year),
        **outcomes.curves(place, bool(scenario.of(Uncertainty))),
    }
    commitment_fields = commitments.commitments(place, scenario, years, relax)
    fields["minimum_gain"][commitment_fields["is_past"]] = np.nan
    fields["target_holds"][commitment_fields["is_past"]] = False
    fields["provider_terms"] = provider_terms_of(
        place,
        fields["sign"],
        fields["drifted_baseline"],
        len(years),
        in_force=bool(scenario.of(Commissioning)),
        paid=relax != "B10",
        has_begun=(
            np.nan_to_num(commitment_fields["actual_spend"])[commitment_fields["is_past"]] > 0
        ).any(axis=0),
    )
    purchase_fields = commitments.commissioning(place, scenario, years, before, relax)
    purchase_fields["contract_floor"][commitment_fields["is_past"]] = 0.0
    fields["effect_share"] = outcomes.share(place, len(fields["drifted_baseline"]), len(years))
    problem = BudgetProblem(
        base_year=base_year,
        discount=(1 + scenario.money.discount_rate) ** -np.arange(len(years), dtype=float),
        preventive=(programmes["kind"] == "preventive").to_numpy(),
        pooled=programmes["pooled"].to_numpy(bool),
        floor=money.floors(place, scenario),
        maximum=programmes["maximum_gbp_per_year"].fillna(np.inf).to_numpy(float),
        upper=money.upper(programmes, pairs, fields | commitment_fields, relax),
        stream_ids=streams["stream_id"].to_numpy(str),
        revenue=revenue,
        pair_programme=pair_programme,
        pair_stream=pair_stream,
        pair_base_spend=paid_gbp[pair_programme, pair_stream],
        pair_allowed=allowed[pair_programme, pair_stream],
        slack=scenario.objective.slack,
        weights=scenario.objective.weights,
        money=scenario.money,
        groups=curve_groups(place),
        potential=potentials(place),
        relaxed_rule=relax,
        display_names=names(place),
        **fields,
        **outcomes.evidence(place, scenario),
        **purchase_fields,
        **commitment_fields,
        **commitments.units(place, scenario, years, base_year, before, relax),
        **agency_arrays(place, scenario, years),
        **capital.pots(place, scenario, years),
    )
    if not relax and (faults := curves_beyond_potential(problem)):
        raise PlaceError(faults, "faults in the place's curves")
    return problem


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
    for c, curve in enumerate(problem.curves):
        potential = float(problem.potential[problem.curve_outcome[c]])
        if np.isfinite(potential):
            max_spend = problem.upper[:, problem.curve_programme[c]].max()
            effect = float(getattr(curve, "stand_alone", curve).effect(max_spend))
            if effect >= potential * MAX_EFFECT_SHARE:
                key = problem.outcome_ids[problem.curve_outcome[c]]
                message = f"it does {effect:g} alone, and the whole of {key} is {potential:g}"
                remedy = "give a larger whole_effect in outcomes, or a smaller effect"
                findings.append(error("curves.csv", message, remedy, row=c + 2,
                                   column="maximum_effect", value=f"{effect:g}"))  # fmt: skip
    return findings
