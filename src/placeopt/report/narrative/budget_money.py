"""What a treasurer asks first of a budget plan: floors, steps, prevention, and money not spent.

Each sentence is stated only where the plan's tables show it. Money that is returned or left unspent
comes with the reason, as far as the tables show one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.budget_facts import (
    NOTICEABLE_GBP,
    ROUNDING_GBP,
    BudgetFacts,
    names_or_ids,
)
from placeopt.report.narrative.sentences import Sentence, Values, gbp, share
from placeopt.scenario.wording import listed, pounds_in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer

MIN_ACROSS_GBP = 1000.0  # a rise in what an agency pays for another's programme, worth naming
MIN_GAP = 1e-4  # the least gap that a sentence states
MAX_NAMED = 3  # payments across agencies named in one sentence


@dataclass(frozen=True)
class MoneyFacts:
    """The figures behind the sentences on floors, steps, prevention and unspent money.

    Attributes:
        budget: The facts of the plan.
    """

    budget: BudgetFacts

    @property
    def answer(self) -> Answer:
        """The answer."""
        return self.budget.answer

    @property
    def years(self) -> list[int]:
        """The decided years."""
        return sorted({int(year) for year in self.budget.tables["payments"]["year"]})

    @cached_property
    def below_place_floor(self) -> list[tuple[str, float, int]]:
        """(programme, GBP below the place's own statutory floor, year), the largest year of each.

        The scenario may state lower floors, or drop the rule.
        """
        rows = self.answer.place.programmes
        floors = dict(zip(rows["programme_id"], rows["statutory_floor_gbp_per_year"], strict=True))
        names = dict(zip(rows["programme_id"], names_or_ids(rows, "programme_id"), strict=True))
        worst: dict[str, tuple[float, int]] = {}
        for key, year, spent in zip(
            *(self._spent_by_year[c] for c in ("programme_id", "year", "plan_gbp")), strict=True
        ):
            floor = floors.get(key, 0.0)
            short = floor - spent if floor == floor else 0.0
            if short > max(1.0, 1e-6 * floor) and short >= worst.get(key, (0.0, 0))[0] - 1:
                worst[key] = float(short), int(year)
        named = [(names[key], short, year) for key, (short, year) in worst.items()]
        return sorted(named, key=lambda one: -one[1])

    @property
    def _spent_by_year(self) -> Any:
        """Spending by year, also where only one year is decided."""
        rows = self.budget.tables.get("spending_by_year")
        if rows is not None:
            return rows
        spending = self.budget.spending[["programme_id", "after_gbp"]]
        return spending.rename(columns={"after_gbp": "plan_gbp"}).assign(year=self.years[-1])

    @property
    def steps(self) -> list[tuple[int, float]]:
        """(year, share by which its spending is below today's); empty where one year is decided."""
        rows, before = self.budget.spending_by_year, self.budget.before_gbp
        if rows is None or before <= 0:
            return []
        spent = rows.groupby("year")["plan_gbp"].sum()
        return [(int(year), float(1 - gbp / before)) for year, gbp in spent.items()]

    @cached_property
    def saved_and_prevention(self) -> tuple[float, float]:
        """GBP below today's rate on other programmes over the years, and above it on prevention."""
        if self.budget.spending_by_year is None:
            return 0.0, 0.0
        plan, today = self.budget.prevention_gbp
        spent = float(self.budget.spending_by_year["plan_gbp"].sum())
        at_today = self.budget.before_gbp * len(self.years)
        return (at_today - today) - (spent - plan), plan - today

    @cached_property
    def prevention_cut(self) -> list[tuple[str, float]]:
        """(preventive programme, GBP less than today in the last decided year)."""
        rows = self.budget.spending
        rows = rows[(rows["kind"] == "preventive")]
        rows = rows[~rows["programme_id"].isin(self.budget.replaced)]
        cut = rows["before_gbp"] - rows["after_gbp"]
        pairs = zip(names_or_ids(rows, "programme_id"), cut, strict=True)
        named = [(name, float(gbp)) for name, gbp in pairs if gbp > NOTICEABLE_GBP]
        return sorted(named, key=lambda one: -one[1])

    @cached_property
    def left_by_stream(self) -> dict[str, float]:
        """Ring-fenced stream id -> GBP that it has left at the end and keeps (carried money)."""
        rule: Any = self.budget._rule("streams")
        if rule is None or rule.unspent != "carried":
            return {}
        rows = self.budget.tables["streams"]
        rows = rows[rows["ring_fenced"].astype(bool) & ~rows["stream_id"].isin(rule.release)]
        pairs = zip(rows["stream_id"].astype(str), rows["left_gbp"], strict=True)
        return {key: float(gbp) for key, gbp in pairs if gbp > ROUNDING_GBP}

    @property
    def left_in_words(self) -> str:
        """The streams with money left, by name."""
        rows = self.budget.tables["streams"]
        names = dict(
            zip(rows["stream_id"].astype(str), names_or_ids(rows, "stream_id"), strict=True)
        )
        parts = sorted(self.left_by_stream.items(), key=lambda one: -one[1])
        return "; ".join(f"{names[key]} {pounds_in_words(gbp)}" for key, gbp in parts)

    @property
    def cut_beside_left(self) -> float:
        """GBP that programmes which the money left may pay for get less than today."""
        allowed = self.answer.place.stream_programmes
        own = set(allowed.loc[allowed["stream_id"].isin(self.left_by_stream), "programme_id"])
        rows = self.budget.spending
        cut = (rows["before_gbp"] - rows["after_gbp"])[rows["programme_id"].isin(own)]
        return float(cut.clip(lower=0.0).sum())

    def total_is_used(self, years: list[int]) -> bool:
        """Whether the total of the one budget allows no pound more in any of the years."""
        rule: Any = self.budget._rule("one_budget")
        rows = self.budget.tables.get("reserves")
        if rule is None or rows is None or not years:
            return False
        rows = rows.set_index("year")
        allowed = max(1.0, 1e-6 * float(rows["in_gbp"].max()))
        if rule.carry_over:
            closing = rows["closing_gbp"]
            end = float(closing.iloc[-1]) - rule.opening_reserve_gbp
            headrooms: list[float] = [min(end, float(closing.loc[year:].min())) for year in years]
        else:
            headroom = rows["in_gbp"] - rows["out_gbp"] - rows["clawback_gbp"]
            headrooms = [float(headroom.loc[year]) for year in years]
        return max(headrooms) <= allowed

    @property
    def returned_years(self) -> list[int]:
        """The years in which ring-fenced money is returned."""
        return sorted({year for by_year in self.budget._returned.values() for year in by_year})

    @property
    def returned_has_no_use(self) -> bool:
        """Whether all that returned money may pay for is at its most in the year, or at its pace,
        and paid for by no other stream."""
        spent = self._spent_by_year.set_index(["programme_id", "year"])["plan_gbp"]
        today = self.budget.spending.set_index("programme_id")["before_gbp"]
        maximum = self.answer.place.programmes.set_index("programme_id")["maximum_gbp_per_year"]
        pace: Any = self.budget._rule("pace")
        allowed, paid = self.answer.place.stream_programmes, self.budget.tables["payments"]
        for stream, by_year in self.budget._returned.items():
            own = set(allowed.loc[allowed["stream_id"] == stream, "programme_id"])
            for year in by_year:
                for key in own:
                    limit = math.inf if math.isnan(maximum[key]) else float(maximum[key])
                    before = float(spent.get((key, year - 1), today.get(key, 0.0)))
                    rise = None if pace is None or key in pace.exempt else pace.largest_rise_share
                    if rise is not None and before > 0:
                        limit = min(limit, before * (1 + rise))
                    if spent.get((key, year), 0.0) < limit - NOTICEABLE_GBP:
                        return False
                others = paid[paid["programme_id"].isin(own) & (paid["stream_id"] != stream)]
                if (others.loc[others["year"] == year, "after_gbp"] >= NOTICEABLE_GBP).any():
                    return False
        return True

    @cached_property
    def cross_payments(self) -> list[tuple[str, str, float, float]]:
        """(stream, programme of another agency, GBP today, GBP in the last decided year)."""
        place, rows = self.answer.place, self.budget.tables["payments"]
        rows = rows[rows["year"] == rows["year"].max()]
        streams, programmes = place.streams, place.programmes
        payer = dict(zip(streams["stream_id"], streams["agency_id"], strict=True))
        runner = dict(zip(programmes["programme_id"], programmes["agency_id"], strict=True))
        stream = dict(zip(streams["stream_id"], names_or_ids(streams, "stream_id"), strict=True))
        programme = dict(
            zip(programmes["programme_id"], names_or_ids(programmes, "programme_id"), strict=True)
        )
        return [
            (stream[f], programme[p], float(before), float(after))
            for f, p, before, after in zip(
                *(rows[c] for c in ("stream_id", "programme_id", "before_gbp", "after_gbp")),
                strict=True,
            )
            if payer.get(f) and runner.get(p) and payer[f] != runner[p]
        ]

    @property
    def cross_payment_rises(self) -> list[tuple[str, str, float]]:
        """(stream, programme, GBP more than today), the largest first."""
        rises = [(f, p, after - before) for f, p, before, after in self.cross_payments]
        return sorted((r for r in rises if r[2] >= MIN_ACROSS_GBP), key=lambda r: -r[2])


def _steps_words(v: Values) -> str:
    parts = [f"{v[f'share_{n}']} {v[f'side_{n}']} in {v[f'year_{n}']}" for n in range(len(v) // 3)]
    return f"Against today it spends {listed(parts)}."


def _steps_values(f: MoneyFacts) -> Values:
    return {
        key: value
        for n, (year, less) in enumerate(f.steps)
        for key, value in (
            (f"share_{n}", share(abs(less))),
            (f"side_{n}", "less" if less >= 0 else "more"),
            (f"year_{n}", year),
        )
    }


def _across_values(f: MoneyFacts) -> Values:
    rises = f.cross_payment_rises
    named = [f"{stream} {pounds_in_words(gbp)} for {p}" for stream, p, gbp in rises[:MAX_NAMED]]
    more = f"; and {len(rises) - MAX_NAMED} more" if len(rises) > MAX_NAMED else ""
    return {
        "when": f.budget.year_phrase[:1].upper() + f.budget.year_phrase[1:],
        "after": gbp(sum(after for *_, after in f.cross_payments)),
        "before": gbp(sum(before for *_, before, _ in f.cross_payments)),
        "rises": "; ".join(named) + more,
    }


MONEY_SENTENCES: tuple[Sentence[MoneyFacts], ...] = (
    Sentence(
        "below_place_floor",
        lambda f: bool(f.below_place_floor),
        "Below the statutory floor in the place's own tables, as this question allows: {below}.",
        lambda f: {
            "below": "; ".join(
                f"{name} by {pounds_in_words(short)} in {year}"
                for name, short, year in f.below_place_floor
            )
        },
    ),
    Sentence(
        "steps",
        lambda f: bool(f.steps),
        _steps_words,
        _steps_values,
    ),
    Sentence(
        "prevention_from_savings",
        lambda f: f.saved_and_prevention[0] >= f.saved_and_prevention[1] >= 1,
        "Over {years} years other programmes cost {saved} less than at today's rate; {prevention} "
        "of that goes to prevention on top of today's.",
        lambda f: {
            "years": len(f.years),
            "saved": gbp(f.saved_and_prevention[0]),
            "prevention": gbp(f.saved_and_prevention[1]),
        },
    ),
    Sentence(
        "prevention_beyond_savings",
        lambda f: f.saved_and_prevention[1] > max(1.0, f.saved_and_prevention[0]),
        lambda v: (
            f"Over {v['years']} years {v['prevention']} more goes to prevention than at today's "
            f"rate, and {v['saved']} {v['side']} to other programmes."
        ),
        lambda f: {
            "years": len(f.years),
            "prevention": gbp(f.saved_and_prevention[1]),
            "saved": gbp(abs(f.saved_and_prevention[0])),
            "side": "less" if f.saved_and_prevention[0] >= 0 else "more",
        },
    ),
    Sentence(
        "prevention_cut",
        lambda f: bool(f.prevention_cut),
        "Less than today for prevention itself {when}, {total} in all: {cuts}.",
        lambda f: {
            "when": f.budget.year_phrase,
            "total": gbp(sum(cut for _, cut in f.prevention_cut)),
            "cuts": "; ".join(f"{name} {pounds_in_words(cut)}" for name, cut in f.prevention_cut),
        },
    ),
    Sentence(
        "returned",
        lambda f: f.budget.returned_gbp >= 1,
        "{returned} of ring-fenced money is not spent{in_years} and goes back to those who gave "
        "it{who}.",
        lambda f: {
            "returned": gbp(f.budget.returned_gbp),
            "in_years": "" if f.budget.spending_by_year is None else " over the decided years",
            "who": "" if f.budget.spending_by_year is None else f": {f.budget.returned_in_words}",
        },
    ),
    Sentence(
        "returned_for_the_total",
        lambda f: f.budget.returned_gbp >= 1 and f.total_is_used(f.returned_years),
        "It goes back because the total of the one budget is used up: whichever stream pays, a "
        "pound more would have to be saved elsewhere.",
    ),
    Sentence(
        "returned_for_want_of_use",
        lambda f: (
            f.budget.spending_by_year is not None
            and f.budget.returned_gbp >= 1
            and not f.total_is_used(f.returned_years)
            and f.returned_has_no_use
        ),
        "It goes back because what it may pay for can take no more: each such programme is at the "
        "most that can usefully be spent, or rises as fast as the pace of a year allows.",
    ),
    Sentence(
        "returned_for_no_gain",
        lambda f: (
            f.budget.returned_gbp >= 1
            and str(f.answer.result.status) == "optimal"
            and len(f.answer.scenario.objective.minimise) == 1
            and not f.total_is_used(f.returned_years)
            and not f.returned_has_no_use
        ),
        "It goes back because it is proven that no plan that spends it is better by more than "
        "{gap}.",
        lambda f: {"gap": share(max(f.answer.result.gap, MIN_GAP))},
    ),
    Sentence(
        "left",
        lambda f: sum(f.left_by_stream.values()) >= 1,
        "At the end of {year} {left} of ring-fenced money is left unspent: {streams}.",
        lambda f: {
            "year": f.years[-1],
            "left": gbp(sum(f.left_by_stream.values())),
            "streams": f.left_in_words,
        },
    ),
    Sentence(
        "left_for_the_total",
        lambda f: sum(f.left_by_stream.values()) >= 1 and f.total_is_used([f.years[-1]]),
        "It is left because the total of the one budget is used up: whichever stream pays, a pound "
        "more would have to be saved elsewhere.",
    ),
    Sentence(
        "left_beside_cuts",
        lambda f: sum(f.left_by_stream.values()) >= 1 and f.cut_beside_left >= 1,
        "Programmes that this money may pay for get {cut} less than today {when}.",
        lambda f: {"cut": gbp(f.cut_beside_left), "when": f.budget.year_phrase},
    ),
    Sentence(
        "across",
        lambda f: bool(f.cross_payment_rises),
        "{when} streams of one agency pay {after} for what another runs, today {before}; more than "
        "today: {rises}.",
        _across_values,
    ),
)
