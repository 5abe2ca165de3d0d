"""The verifier on parts of running costs and on the whole life: present value by part, cash by
year, and the payback year.

The last decided year's running costs continue to the end of the appraisal, as cash to the end of
the years shown.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from placeopt.estate.verify.facts import Facts
from placeopt.estate.verify.read import Tables
from placeopt.estate.verify.sums import BY_VISITS, STAFF, WORKS, Sums
from placeopt.estate.verify.tables import compare_columns, compare_figure
from placeopt.estate.verify.years import (
    Schedule,
    backlog_of,
    carbon_present,
    receipts_of,
    receipts_present,
)
from placeopt.scenario.discount import annuity, discount_factors

OUTLOOK_YEARS = 10
GBP_TOLERANCE = 0.5  # GBP
RUNNING = {"buildings", "staff", "held_empty"}
CASH = RUNNING | {"one_off", "maintenance", "receipts"}
ONE_OFF = {*WORKS, "redundancy", "double_running"}
PARTS = {  # table -> its parts
    "running_split": RUNNING,
    "cash_outlook": CASH,
    "whole_life": {*RUNNING, *ONE_OFF, "maintenance", "receipts", "shared_roof_benefit", "carbon"},
}
Cash = dict[tuple[int, str], float]  # (year, part) -> GBP


def running_parts(facts: Facts, sums: Sums) -> dict[str, float]:
    """Return GBP a year of buildings in use, staff and empty buildings; cost of capital by
    building."""
    held_buildings = sums.parts["holding"].keys()
    cost_of_capital = sums.parts["cost_of_capital"]
    held_gbp = sum(sums.parts["holding"].values()) + sum(
        cost_of_capital.get(i, 0.0) for i in held_buildings
    )
    staff_gbp = sum(sums.staff.values())
    return {
        "buildings": sums.running - staff_gbp - held_gbp,
        "staff": staff_gbp,
        "held_empty": held_gbp,
    }


def one_off_parts(sums: Sums) -> dict[str, float]:
    """Return one-off GBP of a year, by part."""
    return {
        **sums.works(),
        "redundancy": sum(sums.redundancy.values()),
        "double_running": sum(sums.double_running.values()),
    }


def present_value_parts(schedule: Schedule) -> dict[str, float]:
    """Return the present value of every part of the net present cost."""
    money = schedule.first.facts.scenario.money
    start, count = schedule.first.facts.year, len(schedule.years)
    factor = discount_factors(count, money.discount_rate).tolist()
    found: dict[str, float] = defaultdict(float)
    for t, year in enumerate(schedule.years):
        weight = factor[t]
        if year is schedule.last:
            weight += annuity(money) - sum(factor)
        for part, gbp in running_parts(year.facts, year.sums).items():
            found[part] += weight * gbp
        found["shared_roof_benefit"] -= weight * year.sums.benefit
        for part, gbp in one_off_parts(year.sums).items():
            found[part] += factor[t] * gbp
        for i, (_, lag) in year.sums.sold.items():
            found["held_empty"] += (
                factor[t] * _holding_gbp_per_year(year.facts, i) * annuity(money, lag)
            )
    for when, _, gbp in backlog_of(schedule):
        found["maintenance"] += factor[when - start] * gbp
    found["receipts"] = -receipts_present(schedule)
    found["carbon"] = carbon_present(schedule)
    return found


def _holding_gbp_per_year(facts: Facts, i: str) -> float:
    """Return the yearly cost of an empty building."""
    row = facts.buildings[i]
    return float(row["holding_cost_gbp_per_year"] + row["cost_of_capital_gbp_per_year"])


def cash_parts(schedule: Schedule, years: int) -> Cash:
    """Return (year, part) -> GBP paid in so many years from the first, undiscounted."""
    start = schedule.first.facts.year
    cash: Cash = defaultdict(float)
    for t in range(years):
        year = schedule.years[min(t, len(schedule.years) - 1)]
        for part, gbp in running_parts(year.facts, year.sums).items():
            cash[start + t, part] += gbp
    for year in schedule.years:
        when = year.facts.year
        cash[when, "one_off"] += sum(one_off_parts(year.sums).values())
        for i, (_, lag) in year.sums.sold.items():
            for later in range(lag):
                cash[when + later, "held_empty"] += _holding_gbp_per_year(year.facts, i)
    for when, _, gbp in backlog_of(schedule):
        cash[when, "maintenance"] += gbp
    for when, _, net in receipts_of(schedule):
        cash[when, "receipts"] -= net
    return {key: gbp for key, gbp in cash.items() if key[0] < start + years}


def wrong_whole_life(
    schedule: Schedule, nothing: Schedule, tables: Tables, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Yield every figure about the whole life that differs from the one recomputed."""
    for name, parts in PARTS.items():
        if set(tables[name]["part"]) != parts:
            yield f"{name}: the parts are not {', '.join(sorted(parts))}"
    was = running_parts(nothing.last.facts, nothing.last.sums)
    now = running_parts(schedule.last.facts, schedule.last.sums)
    columns = {
        "before_gbp_per_year": {(part,): gbp for part, gbp in was.items()},
        "after_gbp_per_year": {(part,): gbp for part, gbp in now.items()},
        "saving_gbp_per_year": {(part,): was[part] - now[part] for part in now},
    }
    yield from compare_columns("running split", tables["running_split"], ("part",), columns)
    present = {"do_nothing": present_value_parts(nothing), "plan": present_value_parts(schedule)}
    columns = {
        f"{name}_present_gbp": {(part,): gbp for part, gbp in found.items()}
        for name, found in present.items()
    }
    columns["saving_present_gbp"] = {
        (part,): present["do_nothing"].get(part, 0.0) - present["plan"].get(part, 0.0)
        for part in present["do_nothing"].keys() | present["plan"].keys()
    }
    yield from compare_columns("whole life", tables["whole_life"], ("part",), columns)
    yield from _outlook(schedule, nothing, tables)
    yield from _summary(schedule, nothing, summary, was, now)


def _outlook(schedule: Schedule, nothing: Schedule, tables: Tables) -> Iterator[str]:
    """Yield differences in the cash outlook."""
    start = schedule.first.facts.year
    ends = [when + 1 - start for when, _, net in receipts_of(schedule) if net]
    shown_years = max([OUTLOOK_YEARS, len(schedule.years), *ends])
    plan, was = cash_parts(schedule, shown_years), cash_parts(nothing, shown_years)
    saving = {key: was.get(key, 0.0) - plan.get(key, 0.0) for key in {*plan, *was}}
    columns = {"plan_gbp": plan, "do_nothing_gbp": was, "saving_gbp": saving}
    yield from compare_columns("cash outlook", tables["cash_outlook"], ("year", "part"), columns)
    stated = set(tables["cash_outlook"]["year"])
    if stated != set(range(start, start + shown_years)):
        yield f"cash outlook: {len(stated)} years, found {shown_years} from {start} on"


def _summary(
    schedule: Schedule,
    nothing: Schedule,
    summary: Mapping[str, Any],
    was: dict[str, float],
    now: dict[str, float],
) -> Iterator[str]:
    """Yield differences in the summary's figures about the whole life."""
    facts = schedule.first.facts
    once: dict[str, float] = defaultdict(float)
    for year in schedule.years:
        for part, gbp in one_off_parts(year.sums).items():
            once[part] += gbp
    ten_years, ten_years_today = (
        sum(cash_parts(one, OUTLOOK_YEARS).values()) for one in (schedule, nothing)
    )
    found = {f"{part}_gbp": gbp for part, gbp in once.items()}
    found["one_off_gbp"] = sum(once.values())
    for part in now:
        found[f"{part}_cost_before_gbp_per_year"] = was[part]
        found[f"{part}_cost_after_gbp_per_year"] = now[part]
        found[f"{part}_cost_saving_gbp_per_year"] = was[part] - now[part]
    found |= {
        "ten_year_cash_do_nothing_gbp": ten_years_today,
        "ten_year_cash_plan_gbp": ten_years,
        "ten_year_cash_saving_gbp": ten_years_today - ten_years,
        "payback_year": _payback(schedule, nothing),
    }
    for name, value in found.items():
        if name not in summary:
            yield f"summary: {name} is not stated"
        else:
            yield from compare_figure(f"summary {name}", summary[name], value)
    rate = facts.scenario.money.discount_rate
    if summary.get("discount_rate_share_per_year") != rate:
        yield f"summary discount_rate_share_per_year: the scenario's is {rate}"
    if summary.get("redundancy_counted") != _redundancy_counted(facts):
        yield f"summary redundancy_counted: found {_redundancy_counted(facts)}"


def _payback(schedule: Schedule, nothing: Schedule) -> float:
    """Return the year from whose end on the plan has never cost more than doing nothing; NaN if
    none."""
    start, money = schedule.first.facts.year, schedule.first.facts.scenario.money
    last = max((when + 1 - start for when, _, _ in receipts_of(schedule)), default=0)
    years = max(OUTLOOK_YEARS, money.appraisal_years, len(schedule.years), last)
    saved: dict[int, float] = dict.fromkeys(range(start, start + years), 0.0)
    for sign, schedule_signed in ((-1, schedule), (1, nothing)):
        for (when, _), gbp in cash_parts(schedule_signed, years).items():
            saved[when] += sign * gbp
    so_far = dict(zip(saved, accumulate(saved.values()), strict=True))
    if so_far[start + years - 1] <= GBP_TOLERANCE:
        return math.nan
    return float(
        max((when + 1 for when, gbp in so_far.items() if gbp < -GBP_TOLERANCE), default=start)
    )


def _redundancy_counted(facts: Facts) -> str:
    """Return whether the place states the redundancy of services with staff: no, partly or yes."""
    stated = {s for s, row in facts.services.items() if row["redundancy_gbp_per_point"] > 0}
    staffed = {s for s, row in facts.services.items() if row[STAFF] > 0 or row[BY_VISITS] > 0}
    if not stated:
        return "no"
    return "partly" if staffed - stated else "yes"
