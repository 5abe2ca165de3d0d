"""Read a budget plan year by year from its tables alone, and the do-nothing plan.

The base year is the last year of spending data; the decided years start with the scenario's year.
Doing nothing pays in every decided year what was paid in the base year. The model that was solved
is not used.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import pandas as pd

from placeopt.place import Place
from placeopt.scenario import Rule, Scenario
from placeopt.scenario.rules.budget.money import Capital, Commissioning, Continuity, Prevention

GbpById = dict[str, float]  # an id, of a programme unless stated otherwise -> GBP
Payments = dict[tuple[str, str], float]  # (programme id, stream id) -> GBP
Breach = tuple[float, float, str, str]  # excess (below 0: slack), tolerance, subject, unit

Cached = TypeVar("Cached")
RuleKind = TypeVar("RuleKind", bound=Rule)

# HM Treasury, The Green Book (2022), annex 6: (last year of the step, rate).
DISCOUNTING = (
    *((30, 0.035), (75, 0.03), (125, 0.025), (200, 0.02)),
    *((300, 0.015), (math.inf, 0.01)),
)


class Tables(Protocol):
    """All that the verifier reads of a plan: its tables by name."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]: ...


@dataclass(frozen=True)
class Timeline:
    """Spending, units and payments by decided year.

    Attributes:
        years: The decided years.
        spend_today: By programme, GBP spent in the base year.
        units_today: By programme, units that today's demand needs.
        spend: By year and programme, GBP without one-off costs.
        units: By year and programme that runs units, whole units.
        payments: By year, programme and stream, GBP with one-off costs.
        cache: Results of ``cached``.
    """

    years: tuple[int, ...]
    spend_today: GbpById
    units_today: dict[str, int]
    spend: tuple[GbpById, ...]
    units: tuple[dict[str, float], ...]
    payments: tuple[Payments, ...]
    cache: dict[Hashable, Any] = field(default_factory=dict, compare=False)

    def cached(self, key: Hashable, work: Callable[[], Cached]) -> Cached:
        """What ``work`` returns for this timeline, computed once."""
        if key not in self.cache:
            self.cache[key] = work()
        found: Cached = self.cache[key]
        return found

    def previous_spend(self, position: int) -> GbpById:
        """Spending in the year before the one at ``position``."""
        return self.spend[position - 1] if position else self.spend_today


def plan_timeline(place: Place, scenario: Scenario, plan: Tables) -> Timeline:
    """The plan's timeline, from its tables ``spending_by_year`` and ``payments``."""
    years = decided_years(place, scenario)
    base = base_payments(place)
    spend = [dict.fromkeys(place.programmes["programme_id"], 0.0) for _ in years]
    units: list[dict[str, float]] = [{} for _ in years]
    runs = set(place.provision["programme_id"])
    for row in rows_of(plan.tables["spending_by_year"]):
        if row.year in years:
            at = years.index(row.year)
            spend[at][row.programme_id] = row.plan_gbp
            if row.programme_id in runs:
                units[at][row.programme_id] = row.units
    payments: list[Payments] = [defaultdict(float) for _ in years]
    for row in rows_of(plan.tables["payments"]):
        if row.year in years:
            payments[years.index(row.year)][row.programme_id, row.stream_id] += row.after_gbp
    return Timeline(
        years,
        by_programme(place, base),
        units_today(place),
        tuple(spend),
        tuple(units),
        tuple(payments),
    )


def do_nothing(place: Place, scenario: Scenario) -> Timeline:
    """The timeline in which every decided year is like the base year."""
    years = decided_years(place, scenario)
    base, year_count = base_payments(place), len(years)
    today, units = by_programme(place, base), units_today(place)
    as_today: dict[str, float] = {key: float(count) for key, count in units.items()}
    return Timeline(
        years, today, units, (today,) * year_count, (as_today,) * year_count, (base,) * year_count
    )


def decided_years(place: Place, scenario: Scenario) -> tuple[int, ...]:
    """The calendar years that are decided."""
    last = int(place.spending["year"].max())
    first = scenario.year if scenario.year is not None else last + 1
    return tuple(range(first, first + scenario.years))


def base_payments(place: Place) -> Payments:
    """What each stream paid towards each programme in the base year."""
    last = place.spending["year"].max()
    payments: Payments = defaultdict(float)
    for row in rows_of(place.spending):
        if row.year == last:
            payments[row.programme_id, row.stream_id] += row.amount_gbp
    return payments


def by_programme(place: Place, payments: Payments) -> GbpById:
    spend = dict.fromkeys(place.programmes["programme_id"], 0.0)
    for (programme, _), gbp in payments.items():
        spend[programme] = spend.get(programme, 0.0) + gbp
    return spend


def units_today(place: Place) -> dict[str, int]:
    """(B6) Units that today's demand needs, by programme."""
    demand = dict(zip(place.outcomes["outcome_id"], place.outcomes["baseline"], strict=True))
    return {
        row.programme_id: whole_units(demand[row.outcome_id], row.unit_capacity)
        for row in rows_of(place.provision)
    }


def whole_units(demand: float, capacity: float) -> int:
    """How many whole units serve a demand; a millionth of a unit is rounding."""
    return max(0, math.ceil(demand / capacity - 1e-6))


def do_nothing_spend(place: Place, timeline: Timeline, year: int) -> GbpById:
    """Spending of each programme in ``year`` under doing nothing.

    Today's spending, grown with the demand that its units serve.
    """
    spend, ahead = dict(timeline.spend_today), year - int(place.spending["year"].max())
    growth = dict(
        zip(place.outcomes["outcome_id"], place.outcomes["growth_share_per_year"], strict=True)
    )
    for row in rows_of(place.provision):
        spend[row.programme_id] *= (1 + growth[row.outcome_id]) ** ahead
    return spend


def actual_spend_keys(place: Place, scenario: Scenario) -> set[tuple[str, int]]:
    """(B13) Programmes and years whose spending is actual."""
    if rule_of(scenario, Continuity) is None:
        return set()
    return {
        (row.programme_id, row.year) for row in rows_of(place.commitments) if row.kind == "actual"
    }


def past_years(place: Place, scenario: Scenario) -> set[int]:
    """(B13) Years in which every programme's spending is actual: no other rule holds in them."""
    actual: dict[int, set[str]] = defaultdict(set)
    for programme, year in actual_spend_keys(place, scenario):
        actual[int(year)].add(programme)
    programmes_all = set(place.programmes["programme_id"])
    return {year for year, programmes in actual.items() if programmes >= programmes_all}


def one_off_costs(place: Place, scenario: Scenario, timeline: Timeline) -> tuple[GbpById, ...]:
    """By year, GBP of starting and stopping programmes (B10) and of closing units (B6)."""
    result = []
    has_purchases, has_closures = (
        rule_of(scenario, Commissioning),
        rule_of(scenario, Prevention),
    )
    closing = {row.programme_id: row.closing_cost_gbp for row in rows_of(place.provision)}
    for at, spend in enumerate(timeline.spend):
        before, costs = timeline.previous_spend(at), dict.fromkeys(timeline.spend_today, 0.0)
        for row in rows_of(place.programmes):
            key = row.programme_id
            if has_purchases and spend[key] > 0 and before[key] == 0:
                costs[key] += row.start_cost_gbp
            elif has_purchases and spend[key] == 0 and before[key] > 0:
                costs[key] += row.stop_cost_gbp
            if has_closures and key in closing:
                previous_units = timeline.units[at - 1][key] if at else timeline.units_today[key]
                costs[key] += closing[key] * max(0.0, previous_units - timeline.units[at][key])
        result.append(costs)
    return tuple(result)


def capital(place: Place, scenario: Scenario, timeline: Timeline) -> tuple[GbpById, ...]:
    """(B11) By year, GBP of capital of the programmes that start in it."""
    result = []
    in_force = rule_of(scenario, Capital) is not None
    for at, spend in enumerate(timeline.spend):
        before, capital_by_programme = (
            timeline.previous_spend(at),
            dict.fromkeys(timeline.spend_today, 0.0),
        )
        for row in rows_of(place.programmes):
            if in_force and spend[row.programme_id] > 0 and before[row.programme_id] == 0:
                capital_by_programme[row.programme_id] = row.capital_gbp
        result.append(capital_by_programme)
    return tuple(result)


def discount_factors(scenario: Scenario, years: int) -> list[float]:
    """The value of a pound of each year in the first decided one, by the declining schedule.

    The schedule is scaled where the scenario states another rate for the first years.
    """
    factor, factors = 1.0, []
    for year in range(years):
        if year:
            rate = next(rate for last, rate in DISCOUNTING if year <= last)
            factor /= 1 + rate * scenario.money.discount_rate / DISCOUNTING[0][1]
        factors.append(factor)
    return factors


def rule_of(scenario: Scenario, kind: type[RuleKind]) -> RuleKind | None:
    """The scenario's rule of that kind, ``None`` where it is not in force."""
    return next((rule for rule in scenario.rules if isinstance(rule, kind)), None)


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, each with its columns as attributes."""
    return iter(table.itertuples())


class Names:
    """The names of programmes, streams, outcomes and agencies; their ids where they have none.

    Args:
        place: The place.
    """

    def __init__(self, place: Place) -> None:
        self._by_table = {
            table: {
                str(key): str(name) or str(key)
                for key, name in zip(place.tables[table][column], place.tables[table]["name"],
                                     strict=True)
            }
            for table, column in (
                ("programmes", "programme_id"),
                ("streams", "stream_id"),
                ("outcomes", "outcome_id"),
                ("agencies", "agency_id"),
            )
        }  # fmt: skip

    def programme(self, key: str) -> str:
        return self._by_table["programmes"].get(key, key)

    def stream(self, key: str) -> str:
        return self._by_table["streams"].get(key, key)

    def outcome(self, key: str) -> str:
        return self._by_table["outcomes"].get(key, key)

    def agency(self, key: str) -> str:
        return self._by_table["agencies"].get(key, key)

    def of_rule(self) -> dict[str, str]:
        """Names by id, as the sentences of rules take them."""
        return {key: name for names in self._by_table.values() for key, name in names.items()}


def tolerance(gbp: float) -> float:
    """A pound, or a millionth of the amount where that is more."""
    return max(1.0, 1e-6 * abs(gbp))


def outcome_tolerance(level: float, baseline: float) -> float:
    """A millionth of the larger of level and baseline."""
    return 1e-6 * max(1e-6, abs(level), abs(baseline))
