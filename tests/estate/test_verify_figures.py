"""Every figure of a good plan, made wrong, is caught: table by table, column by column."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from placeopt.estate import solve
from placeopt.estate.verify import verify
from placeopt.scenario.estate_rules import FairRents
from tests.estate.places import crow_minutes, random_place, scenario

# What only repeats the place's own words, or explains.
SAID_AGAIN = {"name", "kind", "agency_id", "district_id", "x_m", "y_m", "mode", "why", "unit"}


@pytest.fixture(scope="module")
def answers():
    """Small plans that between them close, sell, set up tiers, move services and set rents."""
    found = []
    for seed in (103, 112, 113):
        place = random_place(seed, 5, 5, 3)
        rules = [] if seed == 112 else [FairRents()]
        found.append(solve(place, crow_minutes(place), scenario(*rules, years=30)))
    return found


def wrong(value):
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, str):
        return {"yes": "no", "no": "yes"}.get(value, "another")
    return 1.0 if pd.isna(value) else value + 13


def uncaught(answer, name):
    """Columns of a table in which no row's wrong figure is noticed."""
    table, missed = answer.plan.tables[name], set()
    for column in table.columns:
        for row in range(min(len(table), 3)):
            changed = table.astype({column: object})
            changed.loc[row, column] = wrong(table[column].iloc[row])
            plan = replace(answer.plan, tables={**answer.plan.tables, name: changed})
            try:
                ok = verify(answer.place, answer.times, answer.scenario, plan).ok
            except KeyError:
                continue
            if ok:
                missed.add(column)
    return missed


def test_every_wrong_figure_is_caught(answers):
    for answer in answers:
        missed = {n: uncaught(answer, n) - SAID_AGAIN for n in answer.plan.tables}
        assert not {name: columns for name, columns in missed.items() if columns}


def test_every_wrong_figure_of_the_summary_is_caught(answers):
    answer = answers[0]
    for name, value in answer.plan.summary.items():
        if isinstance(value, str) or name.startswith("cost_"):
            continue
        plan = replace(answer.plan, summary={**answer.plan.summary, name: value + 13})
        assert not verify(answer.place, answer.times, answer.scenario, plan).ok, name
