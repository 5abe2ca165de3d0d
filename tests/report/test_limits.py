"""The limits of a budget in words."""

import pandas as pd

from placeopt.report.narrative.limits import (
    order_of_breaking_in_words,
    path_of_cuts_in_words,
    prices_in_words,
)


def test_the_order_of_breaking_states_its_money_and_proof():
    row = {"step": 1, "least_gbp": 90.4, "bound_gbp": 90.0, "gap_share": 0.004, "today_gbp": 100.0,
           "cut_share": 0.096, "outcome_id": "falls", "name": "Falls", "missed_ranges": 0.1,
           "proven_first": False}  # fmt: skip
    last = row | {"step": 2, "least_gbp": 104, "bound_gbp": 104, "cut_share": -0.04, "name": ""}
    head, first, second = order_of_breaking_in_words(pd.DataFrame([row, last]), (2026, 2027), 0.035)
    assert head == (
        "The least money of the 2 years from 2026 on, discounted at 3.5%, against £100 for as many "
        "years as today:"
    )
    assert first == (
        "1. £90, 9.6% below today (proven: £90 is not enough); below it Falls breaks first "
        "(that no other can break in its stead is not proven)"
    )
    assert second.startswith("2. £104, 4.0% above today (proven: £104 is not enough); below it")
    assert path_of_cuts_in_words("it has choices", (2026,)) == "No path_of_cuts.csv: it has choices"


def test_prices_state_limit_unit_and_what_is_not_proven():
    row = {"rule": "B3", "what": "a higher floor", "id": "care", "name": "Home care", "step": 1000,
           "per": "GBP", "objective": "least_money", "unit": "gbp per year",
           "objective_before": 5e6, "objective_after": 5001000.0, "change_in_objective": 1.0,
           "lowest": 0.9, "highest": 1.1}  # fmt: skip
    idle = row | {"id": "lamps", "name": "Street lamps", "lowest": -1.0}
    none = row | {"name": "Wards", "change_in_objective": float("inf"), "lowest": float("inf")}
    lines = prices_in_words(pd.DataFrame([row, idle, none | {"highest": float("inf")}]))
    assert lines[0].endswith("giving £5,000,000; below 0 is better:")
    assert lines[1] == (
        "B3 a higher floor: Home care, by £1,000: +£1,000 (proven: +£900 to +£1,100)"
    )
    assert lines[2] == "B3 a higher floor: Wards, by £1,000: no plan is left"
    assert lines[3] == (
        "No change is proven for a step of 1 other limits: B3 a higher floor: Street lamps"
    )
