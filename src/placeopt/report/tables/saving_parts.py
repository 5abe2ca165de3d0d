"""What an estate's saving is made of: buildings, staff, held empty; once; and over the years.

What the place states for no building at all is "not stated" here, never 0; what it states for some
is counted for those, and for how many is said.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.money import pounds, pounds_in_words
from placeopt.report.tables.formats import missing, per_cent
from placeopt.scenario.wording import exact_per_cent

if TYPE_CHECKING:
    from placeopt.engine import Answer

NOT_STATED = "not stated"
RUNNING = {
    "buildings": "Buildings in use",
    "staff": "Staff of service points",
    "held_empty": "Buildings held empty",
}
ONCE = {
    "fit_out_gbp": "Fit-out",
    "moves_gbp": "Moves",
    "set_up_gbp": "Setting up hubs and other tiers",
    "closing_gbp": "Closing, with lease penalties",
    "double_running_gbp": "Staff paid twice over a move",
}
UNSTATED = {  # column of buildings -> keys of the figures that are made of it
    "backlog_gbp": ("maintenance_due_gbp",),
    "carbon_tco2e_per_year": ("carbon", "carbon_present_gbp"),
}
REDUNDANCY = {
    "no": "Redundancy is not counted: the place states no such cost of any service.",
    "partly": "Redundancy is counted in part: the place states no such cost of some services that "
    "have staff.",
}


def made_of(answer: Answer) -> dict[str, Any] | None:
    """Rows and notes for the page; None where the plan does not say."""
    if answer.plan is None or "buildings_cost_before_gbp_per_year" not in answer.plan.summary:
        return None
    summary = answer.plan.summary
    total = float(summary["running_cost_saving_gbp_per_year"])
    running = []
    for key, label in {**RUNNING, "running": "Running cost a year"}.items():
        was, now, saved = (
            float(summary[f"{key}_cost_{when}_gbp_per_year"])
            for when in ("before", "after", "saving")
        )
        share = per_cent(saved / total) if total > 0 else ""
        running.append((label, *(pounds_in_words(gbp) for gbp in (was, now, saved)), share))
    return {
        "years": answer.scenario.years,
        "running": running,
        "once": _once(answer),
        "over": _over(answer),
        "notes": notes_of(answer),
    }


def unstated(answer: Answer) -> set[str]:
    """Keys of figures that the place states for no building."""
    table = answer.place.buildings
    return {
        key
        for column, keys in UNSTATED.items()
        if column in table and not table[column].notna().any()
        for key in keys
    }


def partly_stated(answer: Answer) -> dict[str, str]:
    """Key of a figure that some buildings state and others do not -> for how many it is stated."""
    table, found = answer.place.buildings, {}
    for column, keys in UNSTATED.items():
        known = int(table[column].notna().sum()) if column in table else 0
        if 0 < known < len(table):
            found.update(dict.fromkeys(keys, f"stated for {known} of {len(table)} buildings"))
    return found


def notes_of(answer: Answer) -> list[str]:
    """What is not counted, in sentences."""
    if answer.plan is None:
        return []
    notes = []
    counted = answer.plan.summary.get("redundancy_counted")
    if counted in REDUNDANCY:
        notes.append(REDUNDANCY[counted])
    lacking = unstated(answer)
    if "maintenance_due_gbp" in lacking:
        notes.append("Maintenance already due is not stated for any building, so none is counted.")
    if "carbon" in lacking:
        notes.append("Carbon is not stated for any building.")
    partly = partly_stated(answer)
    for key, what in (("maintenance_due_gbp", "Maintenance already due"), ("carbon", "Carbon")):
        if key in partly:
            notes.append(f"{what} is {partly[key]}; no other is counted.")
    return notes


def _once(answer: Answer) -> list[tuple[str, str]]:
    """What is paid or received once, all decided years together."""
    assert answer.plan is not None
    summary = answer.plan.summary
    rows = [(label, pounds(float(summary[k]))) for k, label in ONCE.items() if summary.get(k)]
    counted = summary.get("redundancy_counted") != "no"
    rows.append(
        ("Redundancy", pounds(float(summary["redundancy_gbp"])) if counted else "not counted")
    )
    rows.append(("All that is paid once", pounds(float(summary["one_off_gbp"]))))
    kept = float(summary["backlog_after_gbp"])
    due = NOT_STATED if "maintenance_due_gbp" in unstated(answer) else pounds(kept)
    note = partly_stated(answer).get("maintenance_due_gbp")
    label = "Maintenance due in what is kept"
    rows.append((f"{label} ({note})" if note else label, due))
    rows.append(("Receipts, after the cost of selling", pounds(float(summary["receipts_net_gbp"]))))
    return rows


def _over(answer: Answer) -> list[tuple[str, str]]:
    """Ten years of cash, the whole life, payback, and what it is discounted with."""
    assert answer.plan is not None
    summary = answer.plan.summary
    year, years = summary["payback_year"], summary["appraisal_years"]
    paid = (
        "not within the appraisal"
        if missing(year) or not math.isfinite(float(year))
        else f"{int(year)}"
    )
    rate = float(summary["discount_rate_share_per_year"])
    return [
        ("Cash saved in the first ten years", pounds(float(summary["ten_year_cash_saving_gbp"]))),
        (
            f"Saved over {years} years, present value",
            pounds(float(summary["net_present_saving_gbp"])),
        ),
        ("Pays back by the end of", paid),
        ("Discount rate, real", f"{exact_per_cent(rate)} a year"),
        ("Years appraised", str(years)),
    ]
