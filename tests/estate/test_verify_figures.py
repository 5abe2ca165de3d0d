"""Every figure of a good plan, made wrong, is caught: table by table, column by column."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.rules.estate.services import Access, FairRents, Sequence
from placeopt.scenario.scenario import Money
from tests.estate.places import random_place, scenario, with_money
from tests.support.places import crow_minutes
from tests.support.tiers import sample

PARTS = 3


@pytest.fixture(scope="module")
def answers():
    """Small plans that together close, sell, set up tiers, move services and set rents; the last
    over three years, with a receipt before the end. Carbon is priced, in one year of the first and
    in four of the last. Access standards use both measures."""
    found = []
    priced = Money(appraisal_years=30, carbon_values=True)
    for seed, years in ((103, 1), (113, 1), (112, 3)):
        place = with_money(random_place(seed, 3, 5, 3), seed)
        place.tables["carbon_values"] = pd.DataFrame(
            [(2026 + n, 300.0 + 10 * n, "the test") for n in (0, 1, 5, 40)[: 1 + years]],
            columns=["year", "gbp_per_tco2e", "source"],
        )
        near = [Access(services="all", minutes=45, share=0.01, counts="nearest")]
        if years == 1:
            near.append(Access(services=("S0", "S1"), minutes=30, share=0.1, ceiling_minutes=45))
        asked = scenario(FairRents(), Sequence(double_running_years=0.5), *near, decided=years)
        asked = asked.model_copy(update={"money": priced, "year": 2026})
        found.append(solve(place, crow_minutes(place), asked))
    return found


def wrong(value):
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, str):
        return {"yes": "no", "no": "yes"}.get(value, "another")
    if isinstance(value, float) and not pd.isna(value):
        return value + 13 + abs(value) / 1000  # more than a millionth, to which figures agree
    return 1.0 if pd.isna(value) else value + 13


def uncaught(answer, name, part):
    """Columns of a table in which a wrong figure is not noticed in some row."""
    table, missed = answer.plan.tables[name], set()
    for number, column in enumerate(table.columns if len(table) else ()):
        if number % PARTS != part:
            continue
        row = 5 * number % len(table)
        changed = table.astype({column: object})
        changed.loc[row, column] = wrong(table[column].iloc[row])
        plan = replace(answer.plan, tables={**answer.plan.tables, name: changed})
        if verify(answer.place, answer.times, answer.scenario, plan).ok:
            missed.add(column)
    return missed


@pytest.mark.parametrize(
    ("number", "part"), sample([(n, (p + n) % PARTS) for n in range(3) for p in range(PARTS)], 3)
)
def test_every_wrong_figure_is_caught(answers, number, part):
    """Every third column of each answer, another third in each; all in the exhaustive run."""
    answer = answers[number]
    missed = {name: uncaught(answer, name, part) for name in answer.plan.tables}
    assert not {name: columns for name, columns in missed.items() if columns}


def test_every_wrong_figure_of_the_summary_is_caught(answers):
    answer = answers[0]
    for name, value in answer.plan.summary.items():
        if isinstance(value, str):
            continue
        plan = replace(answer.plan, summary={**answer.plan.summary, name: 1.01 * value + 13})
        assert not verify(answer.place, answer.times, answer.scenario, plan).ok, name


def test_a_table_or_row_too_few_or_too_many_is_caught(answers):
    answer = answers[0]
    for name, table in answer.plan.tables.items():
        others = {n: other for n, other in answer.plan.tables.items() if n != name}
        wrongs = {"none": others, "twice": {**others, name: pd.concat([table, table.iloc[-1:]])}}
        figures = table.select_dtypes("number").fillna(0).ne(0).any(axis=1)
        if figures.any():  # a row of nothing but noughts says nothing
            wrongs["one less"] = {**others, name: table.drop(index=figures.idxmax())}
        for what, tables in wrongs.items():
            plan = replace(answer.plan, tables=tables)
            verified = verify(answer.place, answer.times, answer.scenario, plan)
            assert not verified.ok, f"{name}, {what}"
