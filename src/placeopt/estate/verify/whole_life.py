"""The verifier on what running costs are made of and on the whole life: present worth by part,
ten years of cash, and the year in which a plan has paid back.

The last decided year's running costs go on to the end of the appraisal, as cash to the end of the
years that are shown.
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
from placeopt.estate.verify.tables import agree, differs
from placeopt.estate.verify.years import (
    Course,
    backlog_of,
    carbon_present,
    receipts_of,
    receipts_present,
)
from placeopt.scenario.discount import annuity, discount_factors

TEN = 10
NEAR = 0.5  # GBP
RUNNING = {"buildings", "staff", "held_empty"}
CASH = RUNNING | {"one_off", "maintenance", "receipts"}
ONCE = {*WORKS, "redundancy", "double_running"}
PARTS = {  # table -> its parts
    "running_split": RUNNING,
    "cash_outlook": CASH,
    "whole_life": {*RUNNING, *ONCE, "maintenance", "receipts", "shared_roof_benefit", "carbon"},
}
Cash = dict[tuple[int, str], float]  # (year, part) -> GBP


def running_in_parts(facts: Facts, sums: Sums) -> dict[str, float]:
    """GBP a year of buildings in use, staff and empty buildings; cost of capital by building."""
    empty = sums.parts["holding"].keys()
    tied_up = sums.parts["cost_of_capital"]
    held = sum(sums.parts["holding"].values()) + sum(tied_up.get(i, 0.0) for i in empty)
    staff = sum(sums.staff.values())
    return {"buildings": sums.running - staff - held, "staff": staff, "held_empty": held}


def once_in_parts(sums: Sums) -> dict[str, float]:
    """GBP paid once in a year, by part."""
    return {
        **sums.works(),
        "redundancy": sum(sums.redundancy.values()),
        "double_running": sum(sums.double.values()),
    }


def present_in_parts(course: Course) -> dict[str, float]:
    """Worth in the first year of every part of the net present cost."""
    money = course.first.facts.scenario.money
    start, count = course.first.facts.year, len(course.years)
    factor = discount_factors(count, money.discount_rate).tolist()
    found: dict[str, float] = defaultdict(float)
    for t, year in enumerate(course.years):
        weight = factor[t]
        if year is course.last:
            weight += annuity(money) - sum(factor)
        for part, gbp in running_in_parts(year.facts, year.sums).items():
            found[part] += weight * gbp
        found["shared_roof_benefit"] -= weight * year.sums.benefit
        for part, gbp in once_in_parts(year.sums).items():
            found[part] += factor[t] * gbp
        for i, (_, lag) in year.sums.sold.items():
            found["held_empty"] += factor[t] * _empty(year.facts, i) * annuity(money, lag)
    for when, _, gbp in backlog_of(course):
        found["maintenance"] += factor[when - start] * gbp
    found["receipts"] = -receipts_present(course)
    found["carbon"] = carbon_present(course)
    return found


def _empty(facts: Facts, i: str) -> float:
    row = facts.buildings[i]
    return float(row["holding_cost_gbp_per_year"] + row["cost_of_capital_gbp_per_year"])


def cash_in_parts(course: Course, years: int) -> Cash:
    """What is paid in each of so many years from the first on, undiscounted."""
    start = course.first.facts.year
    cash: Cash = defaultdict(float)
    for t in range(years):
        year = course.years[min(t, len(course.years) - 1)]
        for part, gbp in running_in_parts(year.facts, year.sums).items():
            cash[start + t, part] += gbp
    for year in course.years:
        when = year.facts.year
        cash[when, "one_off"] += sum(once_in_parts(year.sums).values())
        for i, (_, lag) in year.sums.sold.items():
            for later in range(lag):
                cash[when + later, "held_empty"] += _empty(year.facts, i)
    for when, _, gbp in backlog_of(course):
        cash[when, "maintenance"] += gbp
    for when, _, net in receipts_of(course):
        cash[when, "receipts"] -= net
    return {key: gbp for key, gbp in cash.items() if key[0] < start + years}


def wrong_whole_life(
    course: Course, nothing: Course, tables: Tables, summary: Mapping[str, Any]
) -> Iterator[str]:
    """Every figure about the whole life that is not the one found, in words."""
    for name, parts in PARTS.items():
        if set(tables[name]["part"]) != parts:
            yield f"{name}: the parts are not {', '.join(sorted(parts))}"
    was = running_in_parts(nothing.last.facts, nothing.last.sums)
    now = running_in_parts(course.last.facts, course.last.sums)
    columns = {
        "before_gbp_per_year": {(part,): gbp for part, gbp in was.items()},
        "after_gbp_per_year": {(part,): gbp for part, gbp in now.items()},
        "saving_gbp_per_year": {(part,): was[part] - now[part] for part in now},
    }
    yield from agree("running split", tables["running_split"], ("part",), columns)
    worth = {"do_nothing": present_in_parts(nothing), "plan": present_in_parts(course)}
    columns = {
        f"{name}_present_gbp": {(part,): gbp for part, gbp in found.items()}
        for name, found in worth.items()
    }
    columns["saving_present_gbp"] = {
        (part,): worth["do_nothing"].get(part, 0.0) - worth["plan"].get(part, 0.0)
        for part in worth["do_nothing"].keys() | worth["plan"].keys()
    }
    yield from agree("whole life", tables["whole_life"], ("part",), columns)
    yield from _outlook(course, nothing, tables)
    yield from _said(course, nothing, summary, was, now)


def _outlook(course: Course, nothing: Course, tables: Tables) -> Iterator[str]:
    start = course.first.facts.year
    ends = [when + 1 - start for when, _, net in receipts_of(course) if net]
    shown = max([TEN, len(course.years), *ends])
    plan, was = cash_in_parts(course, shown), cash_in_parts(nothing, shown)
    saving = {key: was.get(key, 0.0) - plan.get(key, 0.0) for key in {*plan, *was}}
    columns = {"plan_gbp": plan, "do_nothing_gbp": was, "saving_gbp": saving}
    yield from agree("cash outlook", tables["cash_outlook"], ("year", "part"), columns)
    stated = set(tables["cash_outlook"]["year"])
    if stated != set(range(start, start + shown)):
        yield f"cash outlook: {len(stated)} years, found {shown} from {start} on"


def _said(
    course: Course,
    nothing: Course,
    summary: Mapping[str, Any],
    was: dict[str, float],
    now: dict[str, float],
) -> Iterator[str]:
    facts = course.first.facts
    once: dict[str, float] = defaultdict(float)
    for year in course.years:
        for part, gbp in once_in_parts(year.sums).items():
            once[part] += gbp
    ten, was_ten = (sum(cash_in_parts(one, TEN).values()) for one in (course, nothing))
    found = {f"{part}_gbp": gbp for part, gbp in once.items()}
    found["one_off_gbp"] = sum(once.values())
    for part in now:
        found[f"{part}_cost_before_gbp_per_year"] = was[part]
        found[f"{part}_cost_after_gbp_per_year"] = now[part]
        found[f"{part}_cost_saving_gbp_per_year"] = was[part] - now[part]
    found |= {
        "ten_year_cash_do_nothing_gbp": was_ten,
        "ten_year_cash_plan_gbp": ten,
        "ten_year_cash_saving_gbp": was_ten - ten,
        "payback_year": _payback(course, nothing),
    }
    for name, value in found.items():
        if name not in summary:
            yield f"summary: {name} is not stated"
        else:
            yield from differs(f"summary {name}", summary[name], value)
    rate = facts.scenario.money.discount_rate
    if summary.get("discount_rate_share_per_year") != rate:
        yield f"summary discount_rate_share_per_year: the scenario's is {rate}"
    if summary.get("redundancy_counted") != _redundancy(facts):
        yield f"summary redundancy_counted: found {_redundancy(facts)}"


def _payback(course: Course, nothing: Course) -> float:
    """The year from whose end on the plan has never cost more than doing nothing; NaN: none."""
    start, money = course.first.facts.year, course.first.facts.scenario.money
    last = max((when + 1 - start for when, _, _ in receipts_of(course)), default=0)
    years = max(TEN, money.appraisal_years, len(course.years), last)
    saved: dict[int, float] = dict.fromkeys(range(start, start + years), 0.0)
    for sign, one in ((-1, course), (1, nothing)):
        for (when, _), gbp in cash_in_parts(one, years).items():
            saved[when] += sign * gbp
    so_far = dict(zip(saved, accumulate(saved.values()), strict=True))
    if so_far[start + years - 1] <= NEAR:
        return math.nan
    return float(max((when + 1 for when, gbp in so_far.items() if gbp < -NEAR), default=start))


def _redundancy(facts: Facts) -> str:
    """Whether the place states the redundancy of services with staff."""
    stated = {s for s, row in facts.services.items() if row["redundancy_gbp_per_point"] > 0}
    staffed = {s for s, row in facts.services.items() if row[STAFF] > 0 or row[BY_VISITS] > 0}
    if not stated:
        return "no"
    return "partly" if staffed - stated else "yes"
