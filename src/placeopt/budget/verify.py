"""Re-check a budget plan from the tables alone: a place, a scenario and a plan, nothing else.

The arithmetic is done again, in plain Python, with its own reading of the curves: payments add up
to spending, streams and agencies; (B1) to (B4) hold; every outcome, by its true curve, and every
objective is what the plan says. Nothing of the model that was solved is known here.

Tolerances: money 1 GBP or a millionth, whichever is larger; outcomes a millionth of the larger
of level and baseline.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import pandas as pd

from placeopt.place import Place
from placeopt.scenario import Check, Scenario, Verification
from placeopt.scenario.budget_rules import OneBudget, Outcomes, Statutory, Streams

Money = dict[str, float]  # programme id -> GBP
Payments = dict[tuple[str, str], float]  # (programme id, stream id) -> GBP


class Tables(Protocol):
    """All that the verifier sees of a plan: its tables by name."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]: ...


def verify(place: Place, scenario: Scenario, plan: Tables) -> Verification:
    """Every rule of the scenario and the plan's own arithmetic, checked against the tables."""
    base = _base_payments(place)
    planned = {
        (row.programme_id, row.stream_id): row.after_gbp for row in _rows(plan.tables["payments"])
    }
    today, after = _by_programme(place, base), _by_programme(place, planned)
    checks = [*_rules(place, scenario, planned, after, today)]
    checks += _arithmetic(place, scenario, plan, base, planned)
    broken_today = [c for c in _rules(place, scenario, base, today, today) if not c.holds]
    return Verification(
        checks=tuple(checks),
        totals=_totals(place, scenario, after, today),
        do_nothing=_totals(place, scenario, today, today),
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
            spent = sum(spend.values())
            checks.append(_check(rule, [(spent - limit, _tolerance(limit), "the total", "GBP")]))
        elif isinstance(rule, Streams):
            checks.append(_check(rule, _stream_breaches(place, scenario, rule, payments)))
        elif isinstance(rule, Statutory):
            checks.append(_check(rule, _floor_breaches(place, rule, spend)))
        elif isinstance(rule, Outcomes):
            checks.append(_check(rule, _outcome_breaches(place, rule, spend, today)))
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
    for row in _rows(place.programmes):
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
        row.stream_id: row.amount_gbp for row in _rows(place.stream_amounts) if row.year == year
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
        for row in _rows(place.streams)
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
    for row in _rows(place.programmes):
        floor = rule.floors_gbp.get(row.programme_id, row.statutory_floor_gbp_per_year)
        if floor > 0:
            short = floor - spend[row.programme_id]
            breaches.append((short, _tolerance(floor), f"programme {row.programme_id}", "GBP"))
    return breaches


def _outcome_breaches(place: Place, rule: Outcomes, spend: Money, today: Money) -> list[Breach]:
    level = _outcome_levels(place, spend, today)
    breaches: list[Breach] = []
    for row in _rows(place.outcomes):
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
    today, after = _by_programme(place, base), _by_programme(place, planned)
    levels = _outcome_levels(place, after, today)
    totals, nothing = _totals(place, scenario, after, today), _totals(place, scenario, today, today)
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
        _same("spending after", spending["after_gbp"], after, money),
        _same("spending before", spending["before_gbp"], today, money),
        _same("streams", streams["spent_after_gbp"], dict(by_stream), money),
        _same("agencies", agencies, dict(by_agency), money),
        _same(
            "outcomes",
            outcomes["after"],
            levels,
            lambda value: _outcome_tolerance(value, max(map(abs, near.values()), default=0.0)),
        ),
        _same("objectives in the plan", objectives["plan"], totals, level, both=False),
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


def _totals(place: Place, scenario: Scenario, spend: Money, today: Money) -> dict[str, float]:
    """Every objective recomputed; the scenario's first one carries its priced shortfalls."""
    level = _outcome_levels(place, spend, today)
    rule = next((rule for rule in scenario.rules if isinstance(rule, Outcomes)), None)
    weighted, worst, priced = 0.0, -math.inf, 0.0
    for row in _rows(place.outcomes):
        terms = (rule or Outcomes(rule="outcomes")).terms(row.outcome_id)
        sign = -1.0 if row.direction == "lower" else 1.0
        target = row.target if terms.target is None else terms.target
        reach = abs(target - row.baseline)
        if math.isnan(reach) or reach == 0:
            continue
        weighted += row.weight * sign * (level[row.outcome_id] - row.baseline) / reach
        short = sign * (target - level[row.outcome_id]) / reach
        worst = max(worst, short)
        if rule is not None and terms.targets == "priced":
            priced += (terms.shortfall_price or 0.0) * max(0.0, short)
    moved = sum(abs(spend[key] - today[key]) for key in today)
    totals = {"least_money": sum(spend.values()), "least_disruption": moved}
    if worst > -math.inf:
        totals |= {"weighted_outcomes": -weighted, "fairest": worst}
    chosen = scenario.objective.minimise
    first = chosen[0] if "objective" in scenario.model_fields_set else "weighted_outcomes"
    if first in totals:
        totals[first] += priced
    return totals


def _outcome_levels(place: Place, spend: Money, today: Money) -> dict[str, float]:
    """Outcome after = baseline, better by the sum of its curves' effects beyond today's."""
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in _rows(place.curve_points):
        points[row.programme_id, row.outcome_id].append((row.spend_gbp, row.effect))
    gain: dict[str, float] = defaultdict(float)
    for row in _rows(place.curves):
        key = row.programme_id, row.outcome_id
        form, after, before = row.form, spend[row.programme_id], today[row.programme_id]
        if form == "points":
            change = _between(points[key], after) - _between(points[key], before)
        else:
            shape = (row.maximum_effect, row.scale_gbp, row.shape)
            change = _effect(form, *shape, after) - _effect(form, *shape, before)
        gain[row.outcome_id] += change
    return {
        row.outcome_id: row.baseline
        + (-1.0 if row.direction == "lower" else 1.0) * gain[row.outcome_id]
        for row in _rows(place.outcomes)
    }


def _effect(form: str, most: float, scale: float, shape: float, spend: float) -> float:
    """A response curve as the data dictionary writes it."""
    if spend <= 0:
        return 0.0
    if form == "power":
        return most * (spend / scale) ** shape
    if form == "exponential":
        return most * (1.0 - math.exp(-spend / scale))
    if form == "hill":
        return most / (1.0 + math.exp(shape * (math.log(scale) - math.log(spend))))
    if form == "logistic":
        start, here = (0.5 * (1 + math.tanh(shape * (s / scale - 1) / 2)) for s in (0.0, spend))
        return most * (here - start) / (1.0 - start)
    raise ValueError(f"no curve form {form!r}")


def _between(points: list[tuple[float, float]], spend: float) -> float:
    """Straight lines between points, from (0, 0) unless a point says otherwise, flat at the end."""
    line = sorted(points)
    if line[0][0] > 0:
        line = [(0.0, 0.0), *line]
    for (x0, y0), (x1, y1) in itertools.pairwise(line):
        if x0 <= spend <= x1:
            return y0 + (y1 - y0) * (spend - x0) / (x1 - x0)
    return line[-1][1]


def _base_payments(place: Place) -> Payments:
    last = place.spending["year"].max()
    payments: Payments = defaultdict(float)
    for row in _rows(place.spending):
        if row.year == last:
            payments[row.programme_id, row.stream_id] += row.amount_gbp
    return payments


def _by_programme(place: Place, payments: Payments) -> Money:
    spend = dict.fromkeys(place.programmes["programme_id"], 0.0)
    for (programme, _), gbp in payments.items():
        spend[programme] = spend.get(programme, 0.0) + gbp
    return spend


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, each with its columns as attributes."""
    return iter(table.itertuples())


def _decided_year(place: Place, scenario: Scenario) -> int:
    return scenario.year if scenario.year is not None else int(place.spending["year"].max()) + 1


def _tolerance(gbp: float) -> float:
    return max(1.0, 1e-6 * abs(gbp))


def _outcome_tolerance(level: float, baseline: float) -> float:
    return 1e-6 * max(1e-6, abs(level), abs(baseline))
