"""The parts of an estate's saving: buildings, staff and empty buildings; one-off; over the years.

A figure that the place states for no building is "not stated" here, never 0. A figure that it
states for some buildings is counted for those, with their number beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.money import pounds, pounds_in_words
from placeopt.report.tables.formats import is_missing, per_cent
from placeopt.scenario.wording import exact_per_cent

if TYPE_CHECKING:
    from placeopt.engine import Answer

NOT_STATED = "not stated"
RUNNING_COST_LABELS = {
    "buildings": "Buildings in use",
    "staff": "Staff of service points",
    "held_empty": "Buildings held empty",
}
ONE_OFF_LABELS = {
    "fit_out_gbp": "Fit-out",
    "moves_gbp": "Moves",
    "set_up_gbp": "Setting up hubs and other tiers",
    "closing_gbp": "Closing, with lease penalties",
    "double_running_gbp": "Staff paid twice over a move",
}
FIGURES_OF_COLUMN = {  # column of buildings -> keys of the figures made of it
    "backlog_gbp": ("maintenance_due_gbp",),
    "carbon_tco2e_per_year": ("carbon", "carbon_present_gbp"),
}
REDUNDANCY_NOTES = {
    "no": "Redundancy is not counted: the place states no such cost of any service.",
    "partly": "Redundancy is counted in part: the place states no such cost of some services that "
    "have staff.",
}


def saving_parts(answer: Answer) -> dict[str, Any] | None:
    """Return rows and notes for the page; None where the plan's summary lacks the parts."""
    if answer.plan is None or "buildings_cost_before_gbp_per_year" not in answer.plan.summary:
        return None
    summary = answer.plan.summary
    total = float(summary["running_cost_saving_gbp_per_year"])
    running = []
    for key, label in {**RUNNING_COST_LABELS, "running": "Running cost a year"}.items():
        before, after, saved = (
            float(summary[f"{key}_cost_{when}_gbp_per_year"])
            for when in ("before", "after", "saving")
        )
        share = per_cent(saved / total) if total > 0 else ""
        running.append((label, *(pounds_in_words(gbp) for gbp in (before, after, saved)), share))
    return {
        "years": answer.scenario.years,
        "running": running,
        "one_off": _one_off_rows(answer),
        "whole_period": _whole_period_rows(answer),
        "notes": omission_notes(answer),
    }


def unstated_figures(answer: Answer) -> set[str]:
    """Return the keys of figures that the place states for no building."""
    table = answer.place.buildings
    return {
        key
        for column, keys in FIGURES_OF_COLUMN.items()
        if column in table and not table[column].notna().any()
        for key in keys
    }


def partly_stated_figures(answer: Answer) -> dict[str, str]:
    """Return key -> for how many buildings it is stated, of figures stated for some only."""
    table = answer.place.buildings
    notes: dict[str, str] = {}
    for column, keys in FIGURES_OF_COLUMN.items():
        known = int(table[column].notna().sum()) if column in table else 0
        if 0 < known < len(table):
            notes.update(dict.fromkeys(keys, f"stated for {known} of {len(table)} buildings"))
    return notes


def omission_notes(answer: Answer) -> list[str]:
    """Return sentences on what the saving excludes."""
    if answer.plan is None:
        return []
    notes = []
    counted = answer.plan.summary.get("redundancy_counted")
    if counted in REDUNDANCY_NOTES:
        notes.append(REDUNDANCY_NOTES[counted])
    if answer.scenario.years == 1 and answer.plan.summary.get("backlog_before_gbp", 0.0) > 0:
        notes.append(
            f"Payback counts all closures, a full year of savings and, where nothing changes, all "
            f"maintenance already due in {int(answer.plan.summary['year'])}."
        )
    unstated = unstated_figures(answer)
    if "maintenance_due_gbp" in unstated:
        notes.append("Maintenance already due is not stated for any building, so none is counted.")
    if "carbon" in unstated:
        notes.append("Carbon is not stated for any building.")
    partly = partly_stated_figures(answer)
    for key, what in (("maintenance_due_gbp", "Maintenance already due"), ("carbon", "Carbon")):
        if key in partly:
            notes.append(f"{what} is {partly[key]}; no other is counted.")
    return notes


def _one_off_rows(answer: Answer) -> list[tuple[str, str]]:
    """Return what is paid or received once, over all decided years."""
    assert answer.plan is not None
    summary = answer.plan.summary
    rows = [
        (label, pounds(float(summary[k]))) for k, label in ONE_OFF_LABELS.items() if summary.get(k)
    ]
    is_counted = summary.get("redundancy_counted") != "no"
    rows.append(
        ("Redundancy", pounds(float(summary["redundancy_gbp"])) if is_counted else "not counted")
    )
    rows.append(("All that is paid once", pounds(float(summary["one_off_gbp"]))))
    kept = float(summary["backlog_after_gbp"])
    due = NOT_STATED if "maintenance_due_gbp" in unstated_figures(answer) else pounds(kept)
    note = partly_stated_figures(answer).get("maintenance_due_gbp")
    label = "Maintenance due in what is kept"
    rows.append((f"{label} ({note})" if note else label, due))
    rows.append(("Receipts, after the cost of selling", pounds(float(summary["receipts_net_gbp"]))))
    return rows


def _whole_period_rows(answer: Answer) -> list[tuple[str, str]]:
    """Return ten years of cash, the whole life, payback and the discount rate."""
    assert answer.plan is not None
    summary = answer.plan.summary
    year, years = summary["payback_year"], summary["appraisal_years"]
    payback = (
        "not within the appraisal"
        if is_missing(year) or not math.isfinite(float(year))
        else f"{int(year)}"
    )
    rate = float(summary["discount_rate_share_per_year"])
    return [
        ("Cash saved in the first ten years", pounds(float(summary["ten_year_cash_saving_gbp"]))),
        (
            f"Saved over {years} years, present value",
            pounds(float(summary["net_present_saving_gbp"])),
        ),
        ("Pays back by the end of", payback),
        ("Discount rate, real", f"{exact_per_cent(rate)} a year"),
        ("Years appraised", str(years)),
    ]
