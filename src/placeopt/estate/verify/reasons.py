"""The verifier on reasons: each building's reasons agree with its years.

Codes, years, amounts and ids of every reason are recomputed from the arrangements, and its sentence
must state them. What a building is needed for, and what would fail with it open, is checked against
the numbers of network rules and ceilings only; access is checked in the tests, because it takes a
search of every zone for every building.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from placeopt.estate.verify.read import Tables, rows
from placeopt.estate.verify.years import Schedule, Year, fit_out_years, receipts_of
from placeopt.scenario.rules.estate.services import Pinned, Sequence
from placeopt.scenario.wording import per_cent, pounds

Claim = tuple[int, float, str, frozenset[str]]  # year, amount, unit, ids
CODES_IN_WORDS = (  # codes whose reason has no figures
    "needed",
    "needed_until",
    "would_break",
)  # codes whose reason is in their words alone
COLUMNS = ("building_id", "code", "year", "amount", "unit", "subjects", "sentence")
RELATIVE_TOLERANCE = 1e-6


def wrong_reasons(schedule: Schedule, tables: Tables) -> Iterator[str]:
    """Yield every reason that is wrong or missing, and every text that is not its reasons."""
    stated: dict[str, dict[str, tuple[Any, ...]]] = {i: {} for i in schedule.last.facts.buildings}
    for i, code, *claim in rows(tables["reasons"], *COLUMNS):
        if code in stated[i]:
            yield f"reasons {i}: {code} stands twice"
        stated[i][code] = tuple(claim)
    texts = dict(rows(tables["buildings"], "building_id", "why"))
    for i, claims in stated.items():
        expected = dict(_expected_claims(schedule, i, "needed" in claims))
        for code in claims.keys() ^ expected.keys():
            if code not in CODES_IN_WORDS:
                yield f"reasons {i}: {code} is {'not so' if code in claims else 'not stated'}"
        for code, (year, amount, unit, ids, sentence) in claims.items():
            claim_stated = (year, amount, unit, frozenset(filter(None, ids.split("; "))))
            if code in expected and not _is_same_claim(claim_stated, expected[code]):
                yield f"reasons {i} {code}: stated {claim_stated}, found {expected[code]}"
            if code in CODES_IN_WORDS and not _is_valid_in_words(schedule, code, claim_stated):
                yield f"reasons {i} {code}: stated {claim_stated}"
            if code in expected and not _states_amount(sentence, *expected[code][:3]):
                yield f"reasons {i} {code}: {sentence!r} does not state {expected[code][:3]}"
        if texts.get(i) != " ".join(claim[-1] for claim in claims.values()):
            yield f"building {i}: why is not what its reasons say"


def _is_same_claim(stated: Claim, found: Claim) -> bool:
    """Whether year, unit and ids agree, and amounts within tolerance."""
    is_close = math.isclose(stated[1], found[1], rel_tol=RELATIVE_TOLERANCE, abs_tol=0.01)
    both_missing = math.isnan(stated[1]) and math.isnan(found[1])
    return (is_close or both_missing) and (stated[0], *stated[2:]) == (found[0], *found[2:])


def _is_valid_in_words(schedule: Schedule, code: str, claim: Claim) -> bool:
    """Whether a reason in words alone has no amount and names a decided year."""
    years = {year.facts.year for year in schedule.years}
    is_last_year = code == "needed_until" or claim[0] == schedule.last.facts.year
    return (
        math.isnan(claim[1])
        and claim[2:] == ("", frozenset())
        and claim[0] in years
        and is_last_year
    )


def _states_amount(sentence: str, year: int, amount: float, unit: str) -> bool:
    """Whether a sentence states the amount, in its own format."""
    if unit == "share":
        return per_cent(amount) in sentence
    if unit == "moves":
        return f"{amount:.0f} " in sentence
    if unit and abs(amount) >= 0.5:
        return pounds(abs(amount)) in sentence
    return True


def _expected_claims(schedule: Schedule, i: str, needed: bool) -> Iterator[tuple[str, Claim]]:
    """Yield code -> year, amount, unit and ids of a building, for the codes that figures decide."""
    last, first = schedule.last, schedule.first
    facts, arrangement, when = last.facts, last.arrangement, last.facts.year
    row = facts.buildings[i]
    none: frozenset[str] = frozenset()
    must_stay = any(i in rule.keep for rule in facts.scenario.of(Pinned)) or row["pinned"] == "keep"
    must_close = (
        any(i in rule.close for rule in facts.scenario.of(Pinned)) or row["pinned"] == "close"
    )
    if i in arrangement.open:
        if facts.unknown_use(i):
            yield "unknown_use", (when, math.nan, "", none)
            return
        yield from _claims_of_open(schedule, i, must_stay, needed)
        return
    if row["status"] == "candidate":
        yield "not_used", (when, math.nan, "", none)
        return
    if must_close:
        yield "must_close", (when, math.nan, "", none)
    if row["status"] == "open":
        yield from _claims_of_closed(schedule, i)
    else:
        yield "stays_empty", (when, math.nan, "", none)
    if i not in arrangement.disposed:
        cost = row["holding_cost_gbp_per_year"] + row["cost_of_capital_gbp_per_year"]
        yield "held", (when, float(cost), "GBP/year", none)
        return
    ended = next(year for year in schedule.years if i in year.arrangement.disposed)
    if first.facts.sellable(i):
        net_gbp = next(net_gbp for _, b, net_gbp in receipts_of(schedule) if b == i)
        yield "sold", (ended.facts.year, net_gbp, "GBP", none)
    else:
        yield "lease_ended", (ended.facts.year, ended.facts.penalty(i) or 0.0, "GBP", none)


def _claims_of_open(
    schedule: Schedule, i: str, keep: bool, needed: bool
) -> Iterator[tuple[str, Claim]]:
    """Yield the claims of an open building."""
    last, none = schedule.last, frozenset[str]()
    when = last.facts.year
    if keep:
        yield "must_stay", (when, math.nan, "", none)
    if schedule.first.facts.over_years and last.facts.buildings[i]["status"] != "open":
        opened = next(year.facts.year for year in schedule.years if i in year.arrangement.open)
        yield "opens", (opened, math.nan, "", none)
    hosted_ever = {s for year in schedule.years for b, s in year.arrangement.hosts if b == i}
    today = {s for b, s in schedule.first.before.hosts if b == i}
    now = {s for b, s in last.arrangement.hosts if b == i}
    moves_in_ever = any(
        (i, s) in year.arrangement.hosts - year.before.hosts
        for year in schedule.years
        for s in hosted_ever
    )
    if hosted_ever - today or moves_in_ever:
        works = sum(year.sums.works_at(i) for year in schedule.years)
        yield "takes_in", (when, works, "GBP", frozenset(now - today))
    if not needed and not keep:
        if not now:
            yield "no_service", (when, math.nan, "", none)
            return
        usable, used = last.facts.usable_m2(i), last.sums.area_used(i)
        share = (used / usable, "share") if usable > 0 else (math.nan, "")
        yield "hosts", (when, *share, none)


def _claims_of_closed(schedule: Schedule, i: str) -> Iterator[tuple[str, Claim]]:
    """Yield the claims of a closed building: the running cost saved, and what it waited for."""
    years, rules = schedule.years, schedule.first.facts.scenario.of(Sequence)
    closing = next(t for t, year in enumerate(years) if i not in year.arrangement.open)
    year, row = years[closing], schedule.first.facts.buildings[i]
    fixed = row["running_cost_fixed_gbp_per_year"] + row["cost_of_capital_gbp_per_year"]
    saved = float(fixed - schedule.last.sums.running_of(i))
    hosted = frozenset(s for b, s in schedule.first.before.hosts if b == i)
    yield "closes", (year.facts.year, saved, "GBP/year", hosted)
    if closing == 0:
        return
    moved_in, earlier = year.arrangement.hosts - year.before.hosts, years[closing - 1]
    destinations = frozenset(b for b, s in moved_in if (i, s) in year.before.hosts)
    years_ahead = fit_out_years(schedule.first.facts)
    if years_ahead and destinations:
        yield "fitted_out", (year.facts.year - years_ahead, math.nan, "", destinations)
    limit = rules[0].moves_per_year if rules else None
    if limit is not None and len(earlier.arrangement.hosts - earlier.before.hosts) >= limit:
        yield "moves_used_up", (earlier.facts.year, float(limit), "moves", frozenset())
    if i in schedule.last.arrangement.disposed and _can_end(year, i) and not _can_end(earlier, i):
        yield "lease_can_end", (year.facts.year, math.nan, "", frozenset())


def _can_end(year: Year, i: str) -> bool:
    """Whether a closed building can be sold or its lease ended in the year."""
    freehold = year.facts.buildings[i]["tenure"] == "freehold"
    return year.facts.sellable(i) or (not freehold and year.facts.penalty(i) is not None)
