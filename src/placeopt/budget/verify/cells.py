"""Check every other cell of a plan: copies from the place, and what follows from the figures that
``sums`` checks.

Names, kinds, agencies and levels are the place's. Earlier spending, unspent money, changes, shares,
met standards and the summary follow from the tables. What only the solver knows (prices, reasons,
whether a curve is concave, the error of its approximation, rounds) is not checked.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pandas as pd

from placeopt.budget.verify.completeness import KEYS
from placeopt.budget.verify.outcomes import bad_levels, levels_asked
from placeopt.budget.verify.timeline import (
    Tables,
    Timeline,
    base_payments,
    outcome_tolerance,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.budget.verify.totals import totals
from placeopt.place import Place
from placeopt.scenario import Check, Scenario
from placeopt.scenario.rules.budget.money import OneBudget, Statutory, Streams, Uncertainty

Rows = dict[Any, dict[str, Any]]  # key -> column -> expected value


class AnyOf(tuple[Any, ...]):
    """Values of which a cell may have any one."""


def check_cells(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> list[Check]:
    """One check for each table's cells, one for the objectives, one for the summary."""
    checks = []
    largest = max((abs(row.baseline) for row in rows_of(place.outcomes)), default=0.0)
    for name, expected in (
        ("spending", _spending(place, scenario, plan)),
        ("payments", _payments(place, timeline)),
        ("streams", _streams(place, scenario, timeline)),
        ("agencies", _agencies(place, plan)),
        ("outcomes", _outcomes(place, scenario, plan, timeline)),
        ("curves", _curves(place)),
    ):
        faults = _differ(name, plan.tables[name], expected, largest)
        sentence = f"The other cells of the table {name} are the place's, or follow from it."
        checks.append(Check("", f"cells of {name}", sentence, not faults, "; ".join(faults[:5])))
    objective_names, reported = (
        {*totals(place, scenario, timeline)},
        {*plan.tables["objectives"]["objective"]},
    )
    chosen = scenario.objective.minimise if "objective" in scenario.model_fields_set else ()
    faults = sorted((objective_names & {*chosen}) - reported | reported - objective_names)
    sentence = "The plan has a row for every objective that was chosen, and none of another."
    checks.append(Check("", "rows of objectives", sentence, not faults, ", ".join(faults)))
    if summary := getattr(plan, "summary", None):
        faults = _summary(place, scenario, plan, timeline, summary)
        sentence = "The summary says what the tables say."
        checks.append(Check("", "summary", sentence, not faults, "; ".join(faults[:5])))
    return checks


def _spending(place: Place, scenario: Scenario, plan: Tables) -> Rows:
    before: dict[str, float] = defaultdict(float)
    for (programme, _), gbp in base_payments(place).items():
        before[programme] += gbp
    planned = plan.tables["spending"].set_index("programme_id")["after_gbp"].to_dict()
    rule, expected = rule_of(scenario, Statutory), {}
    for row in rows_of(place.programmes):
        key, today = row.programme_id, before[row.programme_id]
        floor = 0.0
        if rule is not None:
            floor = rule.floors_gbp.get(key, row.statutory_floor_gbp_per_year)
        own = row.statutory_floor_gbp_per_year
        change = planned.get(key, math.nan) - today
        expected[key] = {
            **{name: getattr(row, name) for name in ("name", "agency_id", "kind")},
            "change_gbp": change,
            "change_share": change / today if today > 0 else math.nan,
            "statutory_floor_gbp": floor if floor > 0 else math.nan,
            "place_floor_gbp": own if own > 0 and own != floor else math.nan,
        }
    return expected


def _payments(place: Place, timeline: Timeline) -> Rows:
    base = base_payments(place)
    pairs = {*base, *(pair for paid in timeline.payments for pair in paid)}
    return {
        (year, *pair): {"before_gbp": base.get(pair, 0.0)}
        for year in timeline.years
        for pair in pairs
    }


def _streams(place: Place, scenario: Scenario, timeline: Timeline) -> Rows:
    """What a stream has in the last year (B2: carried money included) and has left."""
    amount = {(row.stream_id, row.year): row.amount_gbp for row in rows_of(place.stream_amounts)}
    rule = rule_of(scenario, Streams)
    before: dict[str, float] = defaultdict(float)
    for (_, stream), gbp in base_payments(place).items():
        before[stream] += gbp
    expected: Rows = {}
    for row in rows_of(place.streams):
        key, unspent = row.stream_id, 0.0
        available = 0.0
        for year, paid in zip(timeline.years, timeline.payments, strict=True):
            carried = unspent if rule is not None and rule.unspent == "carried" else 0.0
            available = (
                amount.get((key, year), math.nan) + carried if rule is not None else math.nan
            )
            unspent = available - sum(gbp for (_, stream), gbp in paid.items() if stream == key)
        leftover = unspent if math.isnan(unspent) else max(0.0, unspent)
        is_released = rule is not None and (rule.unspent == "carried" or key in rule.release)
        is_returned = row.ring_fenced and not is_released
        expected[key] = {
            **{name: getattr(row, name) for name in ("name", "agency_id", "ring_fenced")},
            "amount_gbp": available,
            "spent_before_gbp": before[key],
            "returned_gbp": leftover if is_returned else 0.0,
            "left_gbp": 0.0 if is_returned else leftover,
        }
    return expected


def _agencies(place: Place, plan: Tables) -> Rows:
    agency_of = dict(
        zip(place.programmes["programme_id"], place.programmes["agency_id"], strict=True)
    )
    names = dict(zip(place.agencies["agency_id"], place.agencies["name"], strict=True))
    if "" in agency_of.values():
        names[""] = "no agency stated"
    before = dict.fromkeys(names, 0.0)
    for (programme, _), gbp in base_payments(place).items():
        if agency_of[programme] in before:
            before[agency_of[programme]] += gbp
    after = plan.tables["agencies"].set_index("agency_id")["after_gbp"].to_dict()
    return {
        key: {
            "name": names[key],
            "before_gbp": gbp,
            "change_gbp": after.get(key, math.nan) - gbp,
        }
        for key, gbp in before.items()
    }


def _outcomes(place: Place, scenario: Scenario, plan: Tables, timeline: Timeline) -> Rows:
    """The last year's outcomes; a level is the scenario's own, or else the table's."""
    levels, rule = levels_asked(place, scenario), rule_of(scenario, Uncertainty)
    bad = bad_levels(place, rule, timeline)[-1] if rule is not None else {}
    reported = plan.tables["outcomes"].set_index("outcome_id")
    rows: Rows = {}
    for row in rows_of(place.outcomes):
        key, sign = row.outcome_id, -1.0 if row.direction == "lower" else 1.0
        if key not in reported.index:
            rows[key] = {}
            continue
        after = _number(reported["after"][key])
        expected: dict[str, Any] = {
            **{name: getattr(row, name) for name in ("name", "unit", "direction", "baseline")},
            "minimum_standard": AnyOf((levels[key]["minimum_standard"], row.minimum_standard)),
            "target": levels[key]["target"],
            "change": after - row.baseline,
            "after_bad_evidence": bad.get(key, math.nan),
        }
        for column, level in (("standard_met", "minimum_standard"), ("target_met", "target")):
            limit = _number(reported[level][key])
            allowed = outcome_tolerance(limit, row.baseline)
            margin = sign * (after - limit) + allowed
            status = (
                AnyOf(("yes", "no"))
                if abs(margin) < 1e-3 * allowed
                else "yes"
                if margin > 0
                else "no"
            )
            expected[column] = "" if math.isnan(limit) else status
        rows[key] = expected
    return rows


def _curves(place: Place) -> Rows:
    return {(row.programme_id, row.outcome_id): {"form": row.form} for row in rows_of(place.curves)}


def _summary(
    place: Place, scenario: Scenario, plan: Tables, timeline: Timeline, summary: Any
) -> list[str]:
    spending, streams = plan.tables["spending"], plan.tables["streams"]
    outcomes, objectives = plan.tables["outcomes"], plan.tables["objectives"]
    change, total = spending["change_gbp"], rule_of(scenario, OneBudget)
    last = len(timeline.years) - 1
    expected: dict[str, Any] = {
        "base_year": int(place.spending["year"].max()),
        "decided_year": timeline.years[-1],
        "decided_years_count": len(timeline.years),
        "total_gbp": total.total(sum(timeline.spend_today.values()), last) if total else math.nan,
        "spent_before_gbp": spending["before_gbp"].sum(),
        "spent_after_gbp": spending["after_gbp"].sum(),
        "one_off_gbp": spending["one_off_gbp"].sum(),
        "change_gbp": change.sum(),
        "moved_gbp": change.abs().sum(),
        "returned_gbp": streams["returned_gbp"].sum(),
        "programmes_cut_count": (change < -0.5).sum(),
        "programmes_raised_count": (change > 0.5).sum(),
        "standards_count": (outcomes["standard_met"] != "").sum(),
        "standards_met_count": (outcomes["standard_met"] == "yes").sum(),
        "targets_count": (outcomes["target_met"] != "").sum(),
        "targets_met_count": (outcomes["target_met"] == "yes").sum(),
        "objective_name": objectives["objective"].iloc[0],
        "objective_unit": objectives["unit"].iloc[0],
        "objective_do_nothing": objectives["do_nothing"].iloc[0],
        "objective_plan": objectives["plan"].iloc[0],
        "curves_count": len(plan.tables["curves"]),
    }
    if "concave" in plan.tables["curves"]:
        expected["curves_not_concave_count"] = (plan.tables["curves"]["concave"] == "no").sum()
    if "by_results_gbp" in spending:
        expected["by_results_gbp"] = spending["by_results_gbp"].sum()
    return [
        f"{name}: {summary.get(name)}, not {value}"
        for name, value in expected.items()
        if name in summary
        and not _is_equal(summary[name], value, _cell_tolerance(name, value, 0.0))
    ]


def _differ(name: str, rows: pd.DataFrame, expected: Rows, largest: float) -> list[str]:
    """Cells that are not as expected, unknown rows and missing rows.

    ``largest`` is the largest baseline. A stream that pays a programme nothing, today and in the
    plan, needs no payment.
    """
    faults, reported_keys, keys = [], set(), KEYS[name]
    for row in rows.to_dict("records"):
        parts = tuple(row[key] for key in keys)
        key = parts[0] if len(keys) == 1 else parts
        reported_keys.add(key)
        if key not in expected:
            faults.append(f"{key}: no such row")
            continue
        for column, value in expected[key].items():
            allowed = value if isinstance(value, AnyOf) else (value,)
            reported = row.get(column, "no such column")
            if not any(
                _is_equal(reported, one, _cell_tolerance(column, one, largest)) for one in allowed
            ):
                faults.append(
                    f"{column} of {key}: {reported}, not {' or '.join(map(str, allowed))}"
                )
    missing = [
        key
        for key in expected.keys() - reported_keys
        if name != "payments" or expected[key]["before_gbp"] > 0
    ]
    return faults + [f"{key}: no row" for key in missing]


def _cell_tolerance(column: str, value: Any, largest: float) -> float:
    if isinstance(value, str) or pd.isna(value):
        return 0.0
    if column.endswith("_gbp"):
        return tolerance(value)
    return outcome_tolerance(value, 1.0 if column.endswith("_share") else max(1.0, largest))


def _is_equal(reported: Any, value: Any, allowed: float) -> bool:
    if _empty(reported) or _empty(value):
        return _empty(reported) and _empty(value)
    if isinstance(reported, str) or isinstance(value, str):
        return bool(reported == value)
    return bool(reported == value or abs(float(reported) - float(value)) <= allowed)


def _empty(cell: Any) -> bool:
    return bool(cell == "" if isinstance(cell, str) else pd.isna(cell))


def _number(cell: Any) -> float:
    """A cell as a number, NaN where it is none."""
    return math.nan if isinstance(cell, str) or pd.isna(cell) else float(cell)
