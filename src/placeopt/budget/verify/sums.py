"""Check the figures in a plan's tables against its payments and the place's tables.

Payments add up to spending and one-off costs, streams, agencies and reserves; outcomes follow
from spending by the true curves; every objective has its stated value. Tables about one year
compare the last decided one with today.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from placeopt.budget.verify.benefits import check_chain
from placeopt.budget.verify.by_results import due_by_results, refunds, results
from placeopt.budget.verify.outcomes import (
    clawbacks,
    earnings,
    improvements,
    levels_asked,
    outcome_levels,
    paid_back,
    rewards,
)
from placeopt.budget.verify.partners import cash_flow_adds_up, positions_add_up
from placeopt.budget.verify.timeline import (
    Payments,
    Tables,
    Timeline,
    by_programme,
    capital,
    do_nothing,
    do_nothing_spend,
    one_off_costs,
    outcome_tolerance,
    rule_of,
    tolerance,
)
from placeopt.budget.verify.totals import totals
from placeopt.place import Place
from placeopt.scenario import Check, Scenario
from placeopt.scenario.rules.budget.money import OneBudget, Outcomes

Figures = Mapping[Any, float]  # an id, or (year, id) -> figure


def check_sums(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> list[Check]:
    """One check for each group of figures."""
    checks = [
        *_last_year(place, scenario, plan, timeline),
        *_by_year(place, scenario, plan, timeline),
        cash_flow_adds_up(place, scenario, timeline, plan),
        _known_ids(place, timeline),
    ]
    if "positions" in plan.tables:
        checks.append(positions_add_up(place, scenario, timeline, plan))
    if "benefits_chain" in plan.tables:
        improvement = improvements(place, scenario, timeline)
        checks.append(check_chain(place, scenario, plan.tables["benefits_chain"], improvement))
    if "reserves" in plan.tables:
        checks.append(_reserves(place, scenario, plan, timeline))
    checks += _results(place, scenario, plan, timeline)
    checks += _providers(place, scenario, plan, timeline)
    return checks


def _last_year(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> list[Check]:
    """The tables that describe the last decided year against today."""
    after, paid = timeline.spend[-1], timeline.payments[-1]
    agency = dict(zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True))
    by_agency: dict[str, float] = defaultdict(float)
    for programme, gbp in after.items():
        by_agency[agency[programme]] += gbp
    spending = plan.tables["spending"].set_index("programme_id")
    streams = plan.tables["streams"].set_index("stream_id")
    agencies = plan.tables["agencies"].set_index("agency_id")
    outcomes = plan.tables["outcomes"].set_index("outcome_id")
    objectives = plan.tables["objectives"].set_index("objective")
    do_nothing_timeline = do_nothing(place, scenario)
    return [
        _compare_figures("spending before", spending["before_gbp"], timeline.spend_today),
        _compare_figures("spending", spending["after_gbp"], after),
        _compare_figures(
            "one-off costs", spending["one_off_gbp"], one_off_costs(place, scenario, timeline)[-1]
        ),
        _compare_figures(
            "due by results", _due(spending), due_by_results(place, scenario, timeline)[-1]
        ),
        _compare_figures("streams", streams["spent_after_gbp"], _by_stream(paid)),
        _compare_figures("agencies", agencies["after_gbp"], by_agency),
        _compare_figures(
            "outcomes",
            outcomes["after"],
            outcome_levels(place, timeline)[-1],
            _outcome_tolerance(place),
        ),
        _compare_figures(
            "objectives in the plan",
            objectives["plan"],
            totals(place, scenario, timeline),
            _rounding,
            includes_missing=False,
        ),
        _compare_figures(
            "objectives today",
            objectives["do_nothing"],
            totals(place, scenario, do_nothing_timeline),
            _rounding,
            includes_missing=False,
        ),
    ]


def _by_year(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> list[Check]:
    """The tables that have a row for each decided year."""
    costs, capital_by_year = (
        one_off_costs(place, scenario, timeline),
        capital(place, scenario, timeline),
    )
    paid = [by_programme(place, payments) for payments in timeline.payments]
    due_by_year = due_by_results(place, scenario, timeline)
    cash = [
        {key: spend[key] + cost[key] + due_of_year[key] for key in spend}
        for spend, cost, due_of_year in zip(timeline.spend, costs, due_by_year, strict=True)
    ]
    unchanged_levels = outcome_levels(place, do_nothing(place, scenario))
    levels = outcome_levels(place, timeline)
    spending = plan.tables["spending_by_year"].set_index(["year", "programme_id"])
    checks = [
        _compare_figures(
            "what spending and one-off costs come to",
            _keyed(timeline, cash),
            _keyed(timeline, paid),
        ),
        _compare_figures(
            "spending by year", spending["plan_gbp"], _keyed(timeline, timeline.spend)
        ),
        _compare_figures("one-off costs by year", spending["one_off_gbp"], _keyed(timeline, costs)),
        _compare_figures("due by results by year", _due(spending), _keyed(timeline, due_by_year)),
        _compare_figures(
            "capital by year", spending["capital_gbp"], _keyed(timeline, capital_by_year)
        ),
        _compare_figures(
            "spending by year if nothing changed",
            spending["do_nothing_gbp"],
            _keyed(timeline, [do_nothing_spend(place, timeline, year) for year in timeline.years]),
        ),
        _compare_figures(
            "changes of spending by year",
            spending["change_gbp"],
            (spending["plan_gbp"] - spending["do_nothing_gbp"]).to_dict(),
        ),
    ]
    outcomes = plan.tables["outcomes_by_year"].set_index(["year", "outcome_id"])
    allowed = _outcome_tolerance(place)
    return [
        *checks,
        _compare_figures("outcomes by year", outcomes["plan"], _keyed(timeline, levels), allowed),
        _compare_figures(
            "outcomes if nothing changed",
            outcomes["do_nothing"],
            _keyed(timeline, unchanged_levels),
            allowed,
        ),
        _standards_met(place, scenario, plan),
    ]


def _due(table: pd.DataFrame) -> pd.Series:
    """Payments due by results; 0 where no provider is paid by results."""
    return table.get("by_results_gbp", pd.Series(0.0, table.index))


def _reserves(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> Check:
    """Check every year's reserve: opening, received, paid, closing."""
    rule = rule_of(scenario, OneBudget)
    table = plan.tables["reserves"].set_index("year")
    base, earned = sum(timeline.spend_today.values()), rewards(place, scenario, timeline)
    paid_back_gbp, refunded = (
        paid_back(place, scenario, timeline),
        refunds(place, scenario, timeline),
    )
    reserve, faults = (rule.opening_reserve_gbp if rule else 0.0), []
    for at, year in enumerate(timeline.years):
        if rule is None:
            break
        received = rule.total(base, at) + earned[at] + sum(refunded[at].values())
        paid = sum(timeline.payments[at].values())
        closing = reserve + received - paid - paid_back_gbp[at] if rule.carry_over else reserve
        for column, gbp in (
            ("opening_gbp", reserve),
            ("in_gbp", received),
            ("out_gbp", paid),
            ("clawback_gbp", paid_back_gbp[at]),
            ("closing_gbp", closing),
        ):
            reported = float(table[column].get(year, float("nan")))
            if not abs(reported - gbp) <= tolerance(gbp):
                faults.append(f"{column} of {year}: the plan says {reported:,.2f}, not {gbp:,.2f}")
        reserve = closing
    sentence = "The plan's reserves follow from its totals, rewards and payments."
    return Check("", "reserves", sentence, not faults, "; ".join(faults[:5]))


def _results(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> list[Check]:
    """Check what each year's results earn, defer and pay back (B4), row by row."""
    earned, due = earnings(place, scenario, timeline), clawbacks(place, scenario, timeline)
    rule = rule_of(scenario, Outcomes)
    if "result_payments" not in plan.tables:
        is_missing = rule_of(scenario, OneBudget) and any(part for part in (*earned, *due))
        sentence = "Results that are paid for have their table."
        return [Check("", "result payments", sentence, not is_missing, "")] if is_missing else []
    rows = plan.tables["result_payments"].set_index(["year", "outcome_id"])
    deferred_share = rule.deferred_share if rule else 0.0
    deferred = [{key: deferred_share * gbp for key, gbp in year.items()} for year in earned]
    levels = _keyed(timeline, outcome_levels(place, timeline))
    targets_by_outcome = {
        key: asked["target"] for key, asked in levels_asked(place, scenario).items()
    }
    targets = _keyed(timeline, [targets_by_outcome for _ in timeline.years])
    return [
        _compare_figures(
            "results paid for",
            rows["plan"],
            levels,
            _outcome_tolerance(place),
            includes_missing=False,
        ),
        _compare_figures(
            "targets that are paid for",
            rows["target"],
            targets,
            _outcome_tolerance(place),
            includes_missing=False,
        ),
        _compare_figures("rewards", rows["reward_gbp"], _keyed(timeline, earned)),
        _compare_figures("deferred rewards", rows["deferred_gbp"], _keyed(timeline, deferred)),
        _compare_figures("money that goes back", rows["clawback_gbp"], _keyed(timeline, due)),
    ]


def _providers(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> list[Check]:
    """(B10) Check what each year's results earn providers, and what they lose, row by row."""
    results_by_key = {
        (
            timeline.years[result.position],
            result.terms.programme_id,
            result.terms.outcome_id,
        ): result
        for result in results(place, scenario, timeline)
    }
    if "provider_results" not in plan.tables:
        sentence = "Providers who are paid by results have their table."
        return (
            [Check("", "provider results", sentence, not results_by_key, "")]
            if results_by_key
            else []
        )
    rows = plan.tables["provider_results"].set_index(["year", "programme_id", "outcome_id"])
    checks = []
    for column, figure, allowed in (
        ("plan", "level", _outcome_tolerance(place)),
        ("units_paid", "earned_units", _outcome_tolerance(place)),
        ("units_lost", "lost_units", _outcome_tolerance(place)),
        *((name, name, tolerance) for name in ("earned_gbp", "deferred_gbp")),
        *((name, name, tolerance) for name in ("not_paid_gbp", "clawback_gbp")),
    ):
        figures = {key: float(getattr(result, figure)) for key, result in results_by_key.items()}
        checks.append(_compare_figures(f"providers' {column}", rows[column], figures, allowed))
    return checks


def _standards_met(place: Place, scenario: Scenario, plan: Tables) -> Check:
    """Check levels of standards and targets, and whether they are met."""
    faults = []
    levels = levels_asked(place, scenario)
    baseline = dict(zip(place.outcomes["outcome_id"], place.outcomes["baseline"], strict=True))
    lower_is_better = set(place.outcomes.loc[place.outcomes["direction"] == "lower", "outcome_id"])
    row: dict[Any, Any]
    for row in plan.tables["outcomes_by_year"].to_dict("records"):
        sign = -1.0 if row["outcome_id"] in lower_is_better else 1.0
        for column, level in (("standard_met", "minimum_standard"), ("target_met", "target")):
            expected = levels[row["outcome_id"]][level]
            is_same = abs(row[level] - expected) <= outcome_tolerance(expected, 0.0)
            if not is_same and not math.isnan(row[level]):
                faults.append(f"{level} of {row['outcome_id']} in {row['year']}: {row[level]}")
            allowed = outcome_tolerance(row[level], float(baseline[row["outcome_id"]]))
            is_met = sign * (row["plan"] - row[level]) >= -allowed
            status = "" if pd.isna(row[level]) else "yes" if is_met else "no"
            if row[column] != status:
                faults.append(f"{column} of {row['outcome_id']} in {row['year']}: {row[column]!r}")
    sentence = "The plan says which standards and targets are met as its levels say it."
    return Check("", "standards and targets", sentence, not faults, "; ".join(faults[:5]))


def _known_ids(place: Place, timeline: Timeline) -> Check:
    programmes, streams = set(place.programmes["programme_id"]), set(place.streams["stream_id"])
    faults = [
        f"{programme} from {stream}: {gbp}"
        for payments in timeline.payments
        for (programme, stream), gbp in payments.items()
        if programme not in programmes or stream not in streams or not gbp >= 0
    ]
    sentence = "Every payment is from a stream of the place to a programme of the place, above 0."
    return Check("", "payments", sentence, not faults, "; ".join(faults[:5]))


def _compare_figures(
    what: str,
    reported: pd.Series | Figures,
    expected: Figures,
    allowed: Callable[[float], float] = tolerance,
    *,
    includes_missing: bool = True,
) -> Check:
    """Check that every reported figure is as expected.

    With ``includes_missing`` every expected figure must also be reported, unless it is 0.
    """
    reported_by_key = dict(reported.items())
    keys = [
        *reported_by_key,
        *(key for key in expected if includes_missing and key not in reported_by_key),
    ]
    faults = []
    for key in keys:
        a, b = float(reported_by_key.get(key, 0.0)), expected.get(key, 0.0)
        if not abs(a - b) <= allowed(b):
            name = ", ".join(map(str, key)) if isinstance(key, tuple) else key or "none"
            faults.append(f"{name}: the plan says {a:,.6g}, the tables give {b:,.6g}")
    sentence = f"The plan's figures for {what} follow from its payments and the tables."
    return Check("", what, sentence, not faults, "; ".join(faults[:5]))


def _keyed(timeline: Timeline, figures: Any) -> dict[tuple[int, str], float]:
    return {
        (year, key): value
        for year, own in zip(timeline.years, figures, strict=True)
        for key, value in own.items()
    }


def _by_stream(payments: Payments) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    for (_, stream), gbp in payments.items():
        spent[stream] += gbp
    return spent


def _outcome_tolerance(place: Place) -> Callable[[float], float]:
    """A millionth of the largest baseline or level, because rounding errors of curves add up."""
    largest = max(map(abs, place.outcomes["baseline"]), default=0.0)
    return lambda value: outcome_tolerance(value, largest)


def _rounding(value: float) -> float:
    return outcome_tolerance(value, 0.0)
