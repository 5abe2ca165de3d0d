"""A plan remade a year on: actual figures for assumed ones, contracts kept, a further year added.

The first year that was decided and is now past goes into ``commitments`` as it was (kind actual):
its effects still come, lagged and decayed, but no other rule holds in it any more (B13). What is
contracted for the years ahead goes there as the least that is spent. A settlement that rolls (three
or five years at any time) is given a further year, whose total is the last one's unless it is
stated. Do it again a year later, with the place and scenario that came out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from placeopt.base.errors import UsageError
from placeopt.base.number_format import pounds_and_pence
from placeopt.budget.problem.money import decided_years
from placeopt.engine import Plan
from placeopt.place import Place
from placeopt.scenario import Scenario
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
    """The place and the question of the next year.

    ``actual_gbp``: by programme id what was spent in the first year that is not past yet, GBP,
    one-off costs apart; programmes that are not named spent what ``plan`` says. ``contracted``:
    programmes whose spending of the years ahead is bound by contract to at least what it says.
    ``rolls``: decide one year more than before; its streams must have amounts in the place.
    Raises ``UsageError`` where an id is not the place's, an amount is below 0, no year is left, or
    the question drops continuity (B13).
    """
    spending = plan.tables["spending_by_year"]
    years = sorted({int(year) for year in spending["year"]})
    every = list(place.programmes["programme_id"])
    actual, contracted = dict(actual_gbp or {}), list(contracted)
    require_programmes(place, [*actual, *contracted])
    for key, gbp in actual.items():
        if not gbp >= 0:
            raise UsageError(f"{key}: {pounds_and_pence(gbp)} spent; give an amount of at least 0")
    ahead = years_ahead(place, scenario, rolls=rolls)
    planned = spending.set_index(["year", "programme_id"])["plan_gbp"]
    rows = [
        {"programme_id": key, "year": ahead[0], "kind": "actual",
         "amount_gbp": max(0.0, float(actual.get(key, planned[ahead[0], key])))}
        for key in every
    ]  # fmt: skip
    rows += [
        {"programme_id": key, "year": year, "kind": "contracted",
         "amount_gbp": max(0.0, float(planned[year, key]))}
        for key in contracted
        for year in ahead[1:]
    ]  # fmt: skip
    place = with_commitments(place, pd.DataFrame(rows, columns=place.commitments.columns))
    if not rolls:
        return place, scenario.model_copy(update={"year": years[0]})
    rules = tuple(_longer(rule) for rule in scenario.rules)
    changes = {"year": years[0], "years": scenario.years + 1, "rules": rules}
    return place, scenario.model_copy(update=changes)


def with_commitments(place: Place, rows: pd.DataFrame) -> Place:
    """The place with more rows of ``commitments``, which count before its own of a programme and
    year."""
    known = place.commitments
    made = rows.astype(known.dtypes.to_dict())
    table = made if known.empty else pd.concat([known, made], ignore_index=True)
    keys = ["programme_id", "year"]
    return place.replace(commitments=table.drop_duplicates(keys, keep="last", ignore_index=True))


def years_ahead(place: Place, scenario: Scenario, *, rolls: bool = False) -> list[int]:
    """The decided years that are not past yet, the first being the one whose figures come in.

    Raises ``UsageError`` where none would be left to decide or nothing would be kept.
    """
    if not scenario.of(Continuity):
        message = "the scenario drops continuity (B13), so that nothing actual or contracted would"
        raise UsageError(f"{message} be kept: take it out of drop")
    known, every = place.commitments, set(place.programmes["programme_id"])
    past = known[known["kind"] == "actual"].groupby("year")["programme_id"].agg(set)
    years = [int(year) for year in decided_years(place, scenario)]
    ahead = [year for year in years if not past.get(year, set()) >= every]
    if len(ahead) < 2 and not (ahead and rolls):
        raise UsageError(
            "no year would be left to decide: let the settlement roll (rolls=True, or --rolls)"
        )
    return ahead


def require_programmes(place: Place, ids: Iterable[str]) -> None:
    """Raise ``UsageError`` for the first id that is no programme of the place."""
    every = list(place.programmes["programme_id"])
    for key in ids:
        if key not in every:
            raise UsageError(f"no programme {key!r}: name one of {', '.join(every)}")


def _longer(rule):
    """The rule with its last year's number for the year that is added."""
    lists = {
        name: (*value, value[-1])
        for name, value in rule
        if name in ("total_gbp", "reduction_share", "receipts_gbp") and isinstance(value, tuple)
    }
    return rule.replace(**lists) if lists else rule
