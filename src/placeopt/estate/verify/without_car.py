"""The verifier on the minutes of residents without a car, as sent and to the nearest host."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from placeopt.estate.verify.residents import CAR_MODES, FastestMinutes, nearest_hosts
from placeopt.estate.verify.tables import compare_figure
from placeopt.estate.verify.years import Schedule, Year


def wrong_without_car(
    schedule: Schedule, nothing: Schedule, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Yield figures on residents without a car that differ from those recomputed, or are missing
    where another of them is stated."""
    found: dict[str, float] = {}
    for when, year in (("before", nothing.last), ("after", schedule.last)):
        found |= {f"{name}_{when}": value for name, value in _figures(year).items()}
    residents = sum(
        float(row["population"]) * _share(row) for row in schedule.last.facts.zones.values()
    )
    found["residents_without_car"] = residents
    stated = found.keys() & summary.keys()
    if stated and (residents <= 0 or not CAR_MODES & set(_modes(schedule.last))):
        yield "summary: residents without a car, where nobody drives or everybody has one"
    for name in found if stated else ():
        if name not in summary:
            yield f"summary {name}: nothing stated"
            continue
        yield from compare_figure(f"summary {name}", summary[name], found[name])


def _modes(year: Year) -> tuple[str, ...]:
    """Return the scenario's modes that have minutes."""
    return tuple(m for m in year.facts.scenario.travel.modes if m in year.facts.times.modes)


def _share(zone: Mapping[str, Any]) -> float:
    """Return the share of a zone's residents without a car; 0 where it is not stated."""
    share = float(zone["without_car_share"])
    return share if share == share else 0.0


def _figures(year: Year) -> dict[str, float]:
    """Return the figures of one arrangement of service points."""
    facts, arrangement = year.facts, year.arrangement
    fastest = FastestMinutes(facts, _modes(year), car=False)
    weight = {
        (zone, s): visits * _share(facts.zones[zone])
        for (zone, s), visits in facts.visits.items()
        if not facts.services[s]["back_office"]
    }
    sent = [
        (fastest.to(zone, i), part * weight[zone, s])
        for (zone, s), shares in arrangement.served.items()
        if (zone, s) in weight
        for i, part in shares.items()
    ]
    nearest = {
        s: nearest_hosts(facts, [i for i, of in arrangement.hosts if of == s], _modes(year), False)
        for s, row in facts.services.items()
        if not row["back_office"]
    }
    near = [(nearest[s].get(zone, math.inf), visits) for (zone, s), visits in weight.items()]
    figures = {}
    for words, beyond, pairs in (
        ("minutes_as_sent", "sent_out_of_reach", sent),
        ("minutes_to_nearest", "nearest_out_of_reach", near),
    ):
        mean, out = _mean_and_beyond(pairs)
        figures[f"without_car_{words}"] = mean
        figures[f"without_car_{beyond}_visits_per_year"] = out
    return figures


def _mean_and_beyond(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return mean minutes over visits in reach, and visits out of reach, of (minutes, visits)."""
    spent = reached = beyond = 0.0
    for minutes, visits in pairs:
        if minutes == math.inf:
            beyond += visits
        else:
            spent, reached = spent + visits * minutes, reached + visits
    return spent / reached if reached > 0 else math.nan, beyond
