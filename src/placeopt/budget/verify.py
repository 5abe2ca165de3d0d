"""Re-check a budget plan from the tables alone: a place, a scenario and a plan, nothing else.

The arithmetic is done again, in plain Python, with its own reading of the curves: payments add up
to spending, streams and agencies; (B1) to (B4) hold; every outcome, by its true curve, and every
objective is what the plan says. Nothing of the model that was solved is known here.

Tolerances: money 1 GBP or a millionth, whichever is larger; outcomes a millionth of the larger
of level and baseline.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Protocol

import pandas as pd

from placeopt.budget.verify_outcomes import (
    Money,
    bad_levels,
    one_offs,
    outcome_levels,
    rows_of,
    totals,
)
from placeopt.place import Place
from placeopt.scenario import Check, Scenario, Verification
from placeopt.scenario.budget_rules import (
    Commissioning,
    OneBudget,
    Outcomes,
    Pace,
    Statutory,
    Streams,
    Uncertainty,
)

Payments = dict[tuple[str, str], float]  # (programme id, stream id) -> GBP


class Tables(Protocol):
    """All that the verifier sees of a plan: its tables by name."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]: ...


def verify(place: Place, scenario: Scenario, plan: Tables) -> Verification:
    """Every rule of the scenario and the plan's own arithmetic, checked against the tables."""
    base = _base_payments(place)
    planned = {
        (row.programme_id, row.stream_id): row.after_gbp for row in rows_of(plan.tables["payments"])
    }
    today, after = _by_programme(place, base), _spending(plan)
    checks = [*_rules(place, scenario, planned, after, today)]
    checks += _arithmetic(place, scenario, plan, base, planned)
    broken_today = [c for c in _rules(place, scenario, base, today, today) if not c.holds]
    return Verification(
        checks=tuple(checks),
        totals=totals(place, scenario, after, today),
        do_nothing=totals(place, scenario, today, today),
        broken_today=tuple(broken_today),
    )


def _rules(
    place: Place, scenario: Scenario, payments: Payments, spend: Money, today: Money
) -> list[Check]:
    """One check for each rule of the scenario, and the programmes' maxima."""
    checks = [_maxima(place, spend)]
    for rule in scenario.rules:
        if isinstance(rule, OneBudget):
            limit = rule.total(sum(today.values()))
            spent = sum(payments.values())
            checks.append(_check(rule, [(spent - limit, _tolerance(limit), "the total", "GBP")]))
        elif isinstance(rule, Streams):
            checks.append(_check(rule, _stream_breaches(place, scenario, rule, payments)))
        elif isinstance(rule, Statutory):
            checks.append(_check(rule, _floor_breaches(place, rule, spend)))
        elif isinstance(rule, Outcomes):
            checks.append(_check(rule, _outcome_breaches(place, rule, spend, today)))
        elif isinstance(rule, Uncertainty):
            checks.append(_check(rule, _evidence_breaches(place, scenario, rule, spend, today)))
        elif isinstance(rule, Pace):
            checks.append(_check(rule, _pace_breaches(rule, spend, today)))
        elif isinstance(rule, Commissioning):
            checks.append(_check(rule, _commissioning_breaches(place, spend)))
    return checks


Breach = tuple[float, float, str, str]  # how far over (below 0: room), tolerance, what, unit


def _check(rule, breaches: list[Breach]) -> Check:
    holds = all(over <= tolerance for over, tolerance, _, _ in breaches)
    detail = "nothing to check"
    if breaches:
        over, tolerance, what, unit = max(breaches, key=lambda breach: breach[0] / breach[1])
        side = "too far" if over > tolerance else "of room"
        detail = f"{what}: {abs(over):,.6g} {unit} {side}"
    return Check(rule.number, rule.name, rule.sentence(), holds, detail)


def _maxima(place: Place, spend: Money) -> Check:
    over = []
    for row in rows_of(place.programmes):
        most = row.maximum_gbp_per_year
        if not math.isnan(most):
            over.append((spend[row.programme_id] - most, _tolerance(most), row.programme_id, "GBP"))
    holds = all(amount <= tolerance for amount, tolerance, _, _ in over)
    detail = ", ".join(f"{key}: {amount:,.2f} GBP over" for amount, t, key, _ in over if amount > t)
    return Check("", "maximum", "No programme gets more than can usefully be spent.", holds, detail)


def _stream_breaches(
    place: Place, scenario: Scenario, rule: Streams, payments: Payments
) -> list[Breach]:
    year = _decided_year(place, scenario)
    amount = {
        row.stream_id: row.amount_gbp for row in rows_of(place.stream_amounts) if row.year == year
    }
    named = set(
        zip(
            place.stream_programmes["stream_id"],
            place.stream_programmes["programme_id"],
            strict=True,
        )
    )
    spent: dict[str, float] = defaultdict(float)
    breaches: list[Breach] = []
    fenced = {
        row.stream_id: (row.ring_fenced and row.stream_id not in rule.release)
        or row.purpose == "capital"
        for row in rows_of(place.streams)
    }
    for (programme, stream), gbp in payments.items():
        spent[stream] += gbp
        if fenced[stream] and (stream, programme) not in named and gbp != 0:
            what = f"stream {stream} pays for {programme} outside its ring-fence"
            breaches.append((abs(gbp), _tolerance(0), what, "GBP"))
    for stream in place.streams["stream_id"]:
        limit = amount.get(stream, 0.0)
        breaches.append((spent[stream] - limit, _tolerance(limit), f"stream {stream}", "GBP"))
    return breaches


def _floor_breaches(place: Place, rule: Statutory, spend: Money) -> list[Breach]:
    breaches: list[Breach] = []
    for row in rows_of(place.programmes):
        floor = rule.floors_gbp.get(row.programme_id, row.statutory_floor_gbp_per_year)
        if floor > 0:
            short = floor - spend[row.programme_id]
            breaches.append((short, _tolerance(floor), f"programme {row.programme_id}", "GBP"))
    return breaches


def _evidence_breaches(
    place: Place, scenario: Scenario, rule: Uncertainty, spend: Money, today: Money
) -> list[Breach]:
    """How far an outcome misses its minimum standard in bad evidence."""
    outcomes = next((r for r in scenario.rules if isinstance(r, Outcomes)), None)
    breaches: list[Breach] = []
    if outcomes is None:
        return breaches
    level = bad_levels(place, rule, spend, today)
    for row in rows_of(place.outcomes):
        terms = outcomes.terms(row.outcome_id)
        own = terms.minimum_standard
        wanted = row.minimum_standard if own is None else own
        if terms.minimum_holds and not math.isnan(wanted):
            short = (wanted - level[row.outcome_id]) * (-1.0 if row.direction == "lower" else 1.0)
            near = _outcome_tolerance(wanted, row.baseline)
            breaches.append(
                (short, near, f"standard of {row.outcome_id} in bad evidence", row.unit)
            )
    return breaches


def _pace_breaches(rule: Pace, spend: Money, today: Money) -> list[Breach]:
    """How far a programme fell or rose past its pace."""
    breaches: list[Breach] = []
    for key, before in today.items():
        if before == 0 or key in rule.exempt:
            continue
        near, what = _tolerance(before), f"programme {key}"
        if rule.largest_cut_share is not None:
            least = before * (1 - rule.largest_cut_share)
            breaches.append((least - spend[key], near, what, "GBP"))
        if rule.largest_rise_share is not None:
            breaches.append(
                (spend[key] - before * (1 + rule.largest_rise_share), near, what, "GBP")
            )
    return breaches


def _commissioning_breaches(place: Place, spend: Money) -> list[Breach]:
    """Below the efficient scale though bought, or bought beside an alternative."""
    breaches: list[Breach] = []
    bought: dict[str, list[str]] = defaultdict(list)
    for row in rows_of(place.programmes):
        key, scale = row.programme_id, row.minimum_scale_gbp_per_year
        if spend[key] > 0:
            if scale > 0:
                what = f"programme {key} below its efficient scale"
                breaches.append((scale - spend[key], _tolerance(scale), what, "GBP"))
            if row.one_of:
                bought[row.one_of].append(key)
    for choice, keys in bought.items():
        what = f"alternatives of {choice} bought: {', '.join(keys)}"
        breaches.append((len(keys) - 1.0, 0.5, what, "programmes"))
    return breaches


def _outcome_breaches(place: Place, rule: Outcomes, spend: Money, today: Money) -> list[Breach]:
    level = outcome_levels(place, spend, today)
    breaches: list[Breach] = []
    for row in rows_of(place.outcomes):
        terms = rule.terms(row.outcome_id)
        sign = -1.0 if row.direction == "lower" else 1.0
        wanted = []
        if terms.minimum_holds:
            wanted.append(("standard", terms.minimum_standard, row.minimum_standard))
        if terms.targets == "hold":
            wanted.append(("target", terms.target, row.target))
        for what, own, table in wanted:
            wanted_level = table if own is None else own
            if not math.isnan(wanted_level):
                short = sign * (wanted_level - level[row.outcome_id])
                near = _outcome_tolerance(wanted_level, row.baseline)
                breaches.append((short, near, f"{what} of {row.outcome_id}", row.unit))
    return breaches


def _arithmetic(
    place: Place, scenario: Scenario, plan: Tables, base: Payments, planned: Payments
) -> list[Check]:
    """The plan's tables say what its payments make of the place's tables."""
    today, after = _by_programme(place, base), _spending(plan)
    cost = one_offs(place, scenario, after, today)
    cash = {key: after[key] + cost[key] for key in after}
    levels = outcome_levels(place, after, today)
    planned_totals = totals(place, scenario, after, today)
    nothing = totals(place, scenario, today, today)
    spending = plan.tables["spending"].set_index("programme_id")
    streams = plan.tables["streams"].set_index("stream_id")
    outcomes = plan.tables["outcomes"].set_index("outcome_id")
    objectives = plan.tables["objectives"].set_index("objective")
    by_stream: dict[str, float] = defaultdict(float)
    for (_, stream), gbp in planned.items():
        by_stream[stream] += gbp
    agency = dict(zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True))
    by_agency: dict[str, float] = defaultdict(float)
    for programme, gbp in after.items():
        by_agency[agency[programme]] += gbp
    near = dict(zip(place.outcomes["outcome_id"], place.outcomes["baseline"], strict=True))
    money, level = _tolerance, (lambda value: _outcome_tolerance(value, 0.0))
    agencies = plan.tables["agencies"].set_index("agency_id")["after_gbp"]
    return [
        _same("what is paid", spending["after_gbp"] + _one_off(plan), _paid(planned), money),
        _same("what spending and one-off costs come to", pd.Series(cash), _paid(planned), money),
        _same("spending before", spending["before_gbp"], today, money),
        _same("streams", streams["spent_after_gbp"], dict(by_stream), money),
        _same("agencies", agencies, dict(by_agency), money),
        _same(
            "outcomes",
            outcomes["after"],
            levels,
            lambda value: _outcome_tolerance(value, max(map(abs, near.values()), default=0.0)),
        ),
        _same("objectives in the plan", objectives["plan"], planned_totals, level, both=False),
        _same("objectives today", objectives["do_nothing"], nothing, level, both=False),
        _known_ids(place, planned),
    ]


def _same(
    what: str,
    said: pd.Series,
    found: dict[str, float],
    tolerance: Callable[[float], float],
    *,
    both: bool = True,
) -> Check:
    keys = list(said.index) + [key for key in found if both and key not in said.index]
    wrong = []
    for key in keys:
        a, b = float(said.get(key, 0.0)), found.get(key, 0.0)  # type: ignore[arg-type]
        if not abs(a - b) <= tolerance(b):
            wrong.append(f"{key or 'none'}: the plan says {a:,.6g}, the tables give {b:,.6g}")
    sentence = f"The plan's figures for {what} follow from its payments and the tables."
    return Check("", what, sentence, not wrong, "; ".join(wrong[:5]))


def _known_ids(place: Place, planned: Payments) -> Check:
    programmes, streams = set(place.programmes["programme_id"]), set(place.streams["stream_id"])
    wrong = [
        f"{programme} from {stream}: {gbp}"
        for (programme, stream), gbp in planned.items()
        if programme not in programmes or stream not in streams or not gbp >= 0
    ]
    sentence = "Every payment is from a stream of the place to a programme of the place, above 0."
    return Check("", "payments", sentence, not wrong, "; ".join(wrong[:5]))


def _base_payments(place: Place) -> Payments:
    last = place.spending["year"].max()
    payments: Payments = defaultdict(float)
    for row in rows_of(place.spending):
        if row.year == last:
            payments[row.programme_id, row.stream_id] += row.amount_gbp
    return payments


def _spending(plan: Tables) -> Money:
    """What the plan says each programme spends, one-off costs apart."""
    return {row.programme_id: row.after_gbp for row in rows_of(plan.tables["spending"])}


def _one_off(plan: Tables) -> pd.Series:
    return plan.tables["spending"].set_index("programme_id")["one_off_gbp"]


def _paid(payments: Payments) -> Money:
    paid: Money = defaultdict(float)
    for (programme, _), gbp in payments.items():
        paid[programme] += gbp
    return dict(paid)


def _by_programme(place: Place, payments: Payments) -> Money:
    spend = dict.fromkeys(place.programmes["programme_id"], 0.0)
    for (programme, _), gbp in payments.items():
        spend[programme] = spend.get(programme, 0.0) + gbp
    return spend


def _decided_year(place: Place, scenario: Scenario) -> int:
    return scenario.year if scenario.year is not None else int(place.spending["year"].max()) + 1


def _tolerance(gbp: float) -> float:
    return max(1.0, 1e-6 * abs(gbp))


def _outcome_tolerance(level: float, baseline: float) -> float:
    return 1e-6 * max(1e-6, abs(level), abs(baseline))
