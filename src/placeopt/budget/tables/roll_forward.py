"""Roll a plan forward by a year: actual figures replace planned ones, contracts stay.

The first decided year, now past, goes into ``commitments`` as it was (kind actual): its effects
still come, lagged and decaying, but no other rule holds in it (B13). Contracted spending of later
years goes there as a minimum. A rolling settlement (three or five years at any time) gains a
further year, whose total is the last one's unless it is stated. Repeat a year later with the place
and scenario returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from placeopt.base.errors import UsageError
from placeopt.base.number_format import pounds_and_pence
from placeopt.budget.problem.money import decided_years
from placeopt.engine import Plan
from placeopt.place import Place
from placeopt.scenario import Rule, Scenario
from placeopt.scenario.rules.budget.money import Continuity


def roll_forward(
    place: Place,
    scenario: Scenario,
    plan: Plan,
    *,
    actual_gbp: Mapping[str, float] | None = None,
    contracted: Iterable[str] = (),
    rolls: bool = False,
) -> tuple[Place, Scenario]:
    """Return the place and the question of the next year.

    Args:
        place: The place.
        scenario: The scenario of the plan.
        plan: The plan.
        actual_gbp: By programme id, GBP spent in the first year that is not past yet, without
            one-off costs; programmes not named spent what ``plan`` says.
        contracted: Programmes whose spending of later years is contracted to be at least the
            plan's.
        rolls: Decide one year more than before; its streams must have amounts in the place.

    Raises:
        UsageError: Where an id is not the place's, an amount is below 0, no year is left, or the
            question drops continuity (B13).
    """
    spending = plan.tables["spending_by_year"]
    years = sorted({int(year) for year in spending["year"]})
    programme_ids = list(place.programmes["programme_id"])
    actual, contracted = dict(actual_gbp or {}), list(contracted)
    require_programmes(place, [*actual, *contracted])
    for key, gbp in actual.items():
        if not gbp >= 0:
            raise UsageError(f"{key}: {pounds_and_pence(gbp)} spent; give an amount of at least 0")
    open_years = years_ahead(place, scenario, rolls=rolls)
    planned = spending.set_index(["year", "programme_id"])["plan_gbp"]
    rows = [
        {"programme_id": key, "year": open_years[0], "kind": "actual",
         "amount_gbp": max(0.0, float(actual.get(key, planned[open_years[0], key])))}
        for key in programme_ids
    ]  # fmt: skip
    rows += [
        {"programme_id": key, "year": year, "kind": "contracted",
         "amount_gbp": max(0.0, float(planned[year, key]))}
        for key in contracted
        for year in open_years[1:]
    ]  # fmt: skip
    place = with_commitments(place, pd.DataFrame(rows, columns=place.commitments.columns))
    if not rolls:
        return place, scenario.model_copy(update={"year": years[0]})
    rules = tuple(_longer(rule) for rule in scenario.rules)
    changes = {"year": years[0], "years": scenario.years + 1, "rules": rules}
    return place, scenario.model_copy(update=changes)


def with_commitments(place: Place, rows: pd.DataFrame) -> Place:
    """The place with more rows of ``commitments``, replacing its own of a programme and year."""
    existing = place.commitments
    new = rows.astype(existing.dtypes.to_dict())
    table = new if existing.empty else pd.concat([existing, new], ignore_index=True)
    keys = ["programme_id", "year"]
    return place.replace(commitments=table.drop_duplicates(keys, keep="last", ignore_index=True))


def years_ahead(place: Place, scenario: Scenario, *, rolls: bool = False) -> list[int]:
    """The decided years that are not past yet; the first is the one whose figures come in.

    Raises:
        UsageError: Where no year would be left to decide, or continuity (B13) is dropped.
    """
    if not scenario.of(Continuity):
        message = "the scenario drops continuity (B13), so that nothing actual or contracted would"
        raise UsageError(f"{message} be kept: take it out of drop")
    commitments, programme_ids = place.commitments, set(place.programmes["programme_id"])
    actual_programmes = (
        commitments[commitments["kind"] == "actual"].groupby("year")["programme_id"].agg(set)
    )
    years = [int(year) for year in decided_years(place, scenario)]
    open_years = [year for year in years if not actual_programmes.get(year, set()) >= programme_ids]
    if len(open_years) < 2 and not (open_years and rolls):
        raise UsageError(
            "no year would be left to decide: let the settlement roll (rolls=True, or --rolls)"
        )
    return open_years


def require_programmes(place: Place, ids: Iterable[str]) -> None:
    """Raise ``UsageError`` for the first id that is not a programme of the place."""
    every = list(place.programmes["programme_id"])
    for key in ids:
        if key not in every:
            raise UsageError(f"no programme {key!r}: name one of {', '.join(every)}")


def _longer(rule: Rule) -> Rule:
    """The rule with the last year's number repeated for the added year."""
    lists = {
        name: (*value, value[-1])
        for name, value in rule
        if name in ("total_gbp", "reduction_share", "receipts_gbp") and isinstance(value, tuple)
    }
    return rule.replace(**lists) if lists else rule
