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

from placeopt.engine import Plan
from placeopt.errors import UsageError
from placeopt.place import Place
from placeopt.scenario import Scenario


def a_year_on(
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
    Raises ``UsageError`` where an id is not the place's, an amount is below 0, or no year is left.
    """
    spending = plan.tables["spending_by_year"]
    years = sorted(spending["year"].astype(int).unique())
    known, every = place.commitments, list(place.programmes["programme_id"])
    actual, contracted = dict(actual_gbp or {}), list(contracted)
    for key in [*actual, *contracted]:
        if key not in every:
            raise UsageError(f"no programme {key!r}: name one of {', '.join(every)}")
    for key, gbp in actual.items():
        if not gbp >= 0:
            raise UsageError(f"{key}: {gbp} GBP spent; give an amount of at least 0")
    past = known[known["kind"] == "actual"].groupby("year")["programme_id"].agg(set)
    ahead = [year for year in years if not past.get(year, set()) >= set(every)]
    if len(ahead) < 2 and not (ahead and rolls):
        raise UsageError("no year would be left to decide: let the settlement roll (rolls=True)")
    planned = spending.set_index(["year", "programme_id"])["plan_gbp"]
    rows = [
        {"programme_id": key, "year": ahead[0], "kind": "actual",
         "amount_gbp": float(actual.get(key, planned[ahead[0], key]))}
        for key in every
    ]  # fmt: skip
    rows += [
        {"programme_id": key, "year": year, "kind": "contracted",
         "amount_gbp": float(planned[year, key])}
        for key in contracted
        for year in ahead[1:]
    ]  # fmt: skip
    made = pd.DataFrame(rows, columns=known.columns).astype(known.dtypes.to_dict())
    table = made if known.empty else pd.concat([known, made], ignore_index=True)
    table = table.drop_duplicates(["programme_id", "year"], keep="last", ignore_index=True)
    place = place.replace(commitments=table)
    if not rolls:
        return place, scenario.model_copy(update={"year": years[0]})
    rules = tuple(_longer(rule) for rule in scenario.rules)
    changes = {"year": years[0], "years": scenario.years + 1, "rules": rules}
    return place, scenario.model_copy(update=changes)


def _longer(rule):
    """The rule with its last year's number for the year that is added."""
    lists = {
        name: (*value, value[-1])
        for name, value in rule
        if name in ("total_gbp", "reduction_share", "receipts_gbp") and isinstance(value, tuple)
    }
    return rule.model_copy(update=lists) if lists else rule
