"""A budget plan in words: who gets less and more, and what it does to outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.figures import Figure
from placeopt.report.narrative.sentences import (
    Sentence,
    Statement,
    Values,
    counted,
    gbp,
    one_of,
    share,
    state,
)
from placeopt.scenario.discount import discount_factors
from placeopt.scenario.wording import listed, pounds_in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer

MOVED_GBP = 0.5  # a change that a table in pounds shows
PENNIES = 0.5  # GBP that rounding and the solver's tolerance may leave a position short
NUMBERS = ("less", "more", "same", "none")  # what programmes get, against today
BETTER = {"higher": 1.0, "lower": -1.0}


@dataclass(frozen=True)
class BudgetFacts:
    """What the sentences of a budget plan rest on, each recomputed from the plan's tables."""

    answer: Answer

    @property
    def tables(self) -> Any:
        assert self.answer.plan is not None
        return self.answer.plan.tables

    @property
    def spending(self) -> Any:
        return self.tables["spending"]

    @property
    def outcomes(self) -> Any:
        return self.tables["outcomes"]

    @property
    def before(self) -> float:
        return float(self.spending["before_gbp"].sum())

    @property
    def after(self) -> float:
        return float(self.spending["after_gbp"].sum())

    @property
    def year(self) -> int | None:
        assert self.answer.plan is not None
        year = self.answer.plan.summary.get("decided_year", self.answer.scenario.year)
        return None if year is None else int(year)

    @cached_property
    def changes(self) -> dict[str, float]:
        """Programme, by its name or id, -> change against today; in the order of the table."""
        rows = self.spending
        return {
            str(name) or str(key): float(after - before)
            for key, name, after, before in zip(
                rows["programme_id"], rows["name"], rows["after_gbp"], rows["before_gbp"],
                strict=True,
            )
        }  # fmt: skip

    @property
    def when(self) -> str:
        """The year that a plan's figures are of."""
        return f"in {self.year}" if self.year else "in the last decided year"

    def numbers(self) -> tuple[int, int, int, int]:
        """(programmes that get less, more, the same, nothing today or in the plan)."""
        change = (self.spending["after_gbp"] - self.spending["before_gbp"]).to_numpy(float)
        less, more = int((change < -MOVED_GBP).sum()), int((change > MOVED_GBP).sum())
        none = int((self.spending[["before_gbp", "after_gbp"]] < MOVED_GBP).all(axis=1).sum())
        return less, more, len(change) - less - more - none, none

    def largest(self, sign: int) -> tuple[str, float, float]:
        """(programme, by name or id, change, share of today's spending) that moves most."""
        rows = self.spending
        at = ((rows["after_gbp"] - rows["before_gbp"]) * sign).to_numpy(float).argmax()
        row = rows.iloc[int(at)]
        change, before = float(row["after_gbp"] - row["before_gbp"]), float(row["before_gbp"])
        name = str(row["name"]) or str(row["programme_id"])
        return name, abs(change), abs(change) / before if before > 0 else math.nan

    def met(self, column: str) -> tuple[int, int]:
        """How many are met of how many that are stated, of the last decided year."""
        words = [str(value) for value in self.outcomes[column]]
        return words.count("yes"), words.count("yes") + words.count("no")

    @property
    def in_every_year(self) -> bool:
        """Whether every minimum standard holds in every decided year."""
        rows = self.tables.get("outcomes_by_year")
        return rows is None or "no" not in set(rows["standard_met"])

    def moved_outcomes(self, better: bool) -> list[str]:
        """Outcomes, by name or id, that are better or worse than today in the last year."""
        rows = self.outcomes
        sign = 1.0 if better else -1.0
        return [
            str(name) or str(key)
            for key, name, after, baseline, way in zip(
                rows["outcome_id"], rows["name"], rows["after"], rows["baseline"],
                rows["direction"], strict=True,
            )
            if sign * BETTER[way] * (after - baseline) > 1e-6 * max(1.0, abs(baseline))
        ]  # fmt: skip

    @property
    def on_their_floor(self) -> list[str]:
        """Outcomes exactly at their minimum standard: nothing more can be taken from them."""
        rows = self.outcomes
        away = (rows["after"] - rows["minimum_standard"]).abs()
        near = 1e-6 * rows[["after", "baseline"]].abs().max(axis=1).clip(lower=1e-6)
        return _named(rows[away <= near])

    @property
    def not_counted(self) -> list[str]:
        """Outcomes that the objective leaves out: no range to a target, or a weight of 0."""
        objective, place = self.answer.scenario.objective, self.answer.place.outcomes
        asked = {*objective.minimise, *objective.weights}
        rows = self.outcomes
        out = rows["target"].isna() | (rows["target"] == rows["baseline"])
        if "weighted_outcomes" in asked:
            out |= rows["outcome_id"].isin(place.loc[place["weight"] == 0, "outcome_id"])
        elif "fairest" not in asked:
            return []
        return _named(rows[out])

    @property
    def returned(self) -> float:
        """GBP that ring-fenced streams do not spend and give back, over all decided years."""
        return sum(gbp for own in self._given_back.values() for gbp in own.values())

    @cached_property
    def _given_back(self) -> dict[str, dict[int, float]]:
        """Stream id -> year -> GBP. Released money is free, and what is carried stays."""
        rule: Any = self._rule("streams")
        if rule is None or rule.unspent == "carried":
            return {}
        rows, paid = self.tables["streams"], self.tables["payments"]
        rows = rows[rows["ring_fenced"].astype(bool) & ~rows["stream_id"].isin(rule.release)]
        if self.by_year is None:
            left = rows["amount_gbp"] - rows["spent_after_gbp"]
            year = int(paid["year"].max())
            pairs = zip(rows["stream_id"], left, strict=True)
            return {str(key): {year: float(gbp)} for key, gbp in pairs if gbp > 0}
        brings = self.answer.place.stream_amounts.set_index(["stream_id", "year"])["amount_gbp"]
        spent = paid.groupby(["stream_id", "year"])["after_gbp"].sum()
        found: dict[str, dict[int, float]] = {}
        for key in rows["stream_id"]:
            for year in sorted(paid["year"].unique()):
                over = float(brings.get((key, year), 0.0) - spent.get((key, year), 0.0))
                if over > PENNIES:
                    found.setdefault(str(key), {})[int(year)] = over
        return found

    @property
    def returned_by_stream(self) -> str:
        """Which stream gives how much back in which year."""
        rows = self.tables["streams"]
        names = dict(zip(rows["stream_id"].astype(str), _named(rows, "stream_id"), strict=True))
        return "; ".join(
            f"{names[key]} {pounds_in_words(left)} in {year}"
            for key, own in self._given_back.items()
            for year, left in own.items()
        )

    @property
    def of_no_use(self) -> float:
        """GBP of what one year gives back that nothing could take, whatever the total were: each
        programme that its stream may pay for is at its maximum or has risen as fast as its pace
        lets it, and no other stream pays for it."""
        named, payments = self.answer.place.stream_programmes, self.tables["payments"]
        paid = payments[payments["year"] == payments["year"].max()]
        after = self.spending.set_index("programme_id")["after_gbp"]
        found = 0.0
        for stream, by_year in self._given_back.items():
            left = by_year.get(int(payments["year"].max()), 0.0)
            own = set(named.loc[named["stream_id"] == stream, "programme_id"])
            others = paid[paid["programme_id"].isin(own) & (paid["stream_id"] != stream)]
            full = all(after.get(key, 0.0) >= self._most(key) - MOVED_GBP for key in own)
            if own and full and others["after_gbp"].sum() < MOVED_GBP:
                found += left
        return found

    def _most(self, programme: str) -> float:
        """GBP of the last decided year: its maximum, or what its pace lets it rise to."""
        rows = self.answer.place.programmes
        (maximum,) = rows.loc[rows["programme_id"] == programme, "maximum_gbp_per_year"]
        most = math.inf if math.isnan(maximum) else float(maximum)
        pace: Any = self._rule("pace")
        (before,) = self.spending.loc[self.spending["programme_id"] == programme, "before_gbp"]
        if pace is None or pace.largest_rise_share is None or before <= 0:
            return most
        if programme in pace.exempt:
            return most
        return min(
            most, float(before) * (1 + pace.largest_rise_share) ** self.answer.scenario.years
        )

    def _rule(self, name: str) -> Any:
        return next((rule for rule in self.answer.scenario.rules if rule.name == name), None)

    @property
    def by_year(self) -> Any:
        """The spending of every year, or None where one year is decided."""
        rows = self.tables.get("spending_by_year")
        return None if rows is None or rows["year"].nunique() < 2 else rows

    @property
    def prevention(self) -> tuple[float, float]:
        """(GBP on prevention in the plan over the years, GBP at today's rate)."""
        kind = dict(zip(self.spending["programme_id"], self.spending["kind"], strict=True))
        rows = self.by_year
        ahead = rows["programme_id"].map(kind) == "preventive"
        today = self.spending.loc[self.spending["kind"] == "preventive", "before_gbp"].sum()
        return float(rows.loc[ahead, "plan_gbp"].sum()), float(today * rows["year"].nunique())

    @cached_property
    def units(self) -> list[tuple[str, int, int, str]]:
        """(programme, units that close by the last year, units today, unit) of whole units."""
        rows = self.tables.get("spending_by_year")
        if rows is None or "units" not in rows:
            return []
        place = self.answer.place
        left = rows[rows["year"] == rows["year"].max()].set_index("programme_id")["units"]
        names = place.programmes.set_index("programme_id")["name"]
        demand = place.outcomes.set_index("outcome_id")["baseline"]
        columns = ("programme_id", "outcome_id", "unit", "unit_capacity")
        found = []
        for p, o, unit, capacity in zip(*(place.provision[c] for c in columns), strict=True):
            if math.isfinite(left.get(p, math.nan)):
                today = math.ceil(demand[o] / capacity - 1e-6)
                found.append((str(names[p]) or str(p), round(today - left[p]), today, str(unit)))
        return found

    @property
    def provided(self) -> tuple[float, float, float]:
        """(GBP that providers earn by results, of it deferred, not paid or given back)."""
        rows = self.tables["provider_results"]
        lost = float((rows["not_paid_gbp"] + rows["clawback_gbp"]).sum())
        return float(rows["earned_gbp"].sum()), float(rows["deferred_gbp"].sum()), lost

    @property
    def moved(self) -> float:
        rows = self.tables.get("transfers")
        return 0.0 if rows is None else float(rows["amount_gbp"].sum())

    def short_by_year(self) -> list[tuple[str, int, float]]:
        """(agency, year, GBP) of every position in the plan that is below the one alone."""
        rows = self.tables["positions"]
        names = dict(zip(self.tables["agencies"]["agency_id"], self.tables["agencies"]["name"],
                         strict=True))  # fmt: skip
        return [
            (str(names.get(agency) or agency), int(year), float(alone - plan))
            for agency, year, alone, plan in zip(
                rows["agency_id"], rows["year"], rows["alone_gbp"], rows["plan_gbp"], strict=True
            )
            if alone - plan > PENNIES + 1e-6 * abs(alone)
        ]

    def short_over_all(self) -> list[str]:
        """Agencies whose discounted positions add up to less than those alone."""
        rows = self.tables["positions"].dropna(subset=["alone_gbp"])
        years = sorted(rows["year"].unique())
        rate = self.answer.scenario.money.discount_rate
        worth = dict(zip(years, discount_factors(len(years), rate), strict=True))
        over = (rows["plan_gbp"] - rows["alone_gbp"]) * rows["year"].map(worth)
        total = over.groupby(rows["agency_id"]).sum()
        return [str(agency) for agency, gbp_over in total.items() if gbp_over < -PENNIES]

    @property
    def compared_holds(self) -> bool:
        """Whether what rule B9 compares is borne out by the positions, as the rule says when."""
        rule: Any = next(
            (r for r in self.answer.scenario.rules if r.name == "nobody_worse_off"), None
        )
        if rule is None or "positions" not in self.tables:
            return False
        return not (self.short_by_year() if rule.when == "every_year" else self.short_over_all())


def tell_budget(answer: Answer) -> tuple[Statement, list[Statement], list[Figure]]:
    """Headline, sentences and key figures of a budget plan."""
    facts = BudgetFacts(answer)
    return one_of(HEADLINES, facts), state(SENTENCES, facts), _figures(facts)


def _headline_values(f: BudgetFacts) -> Values:
    change = f.after - f.before
    met, asked = f.met("standard_met")
    return {
        "after": gbp(f.after),
        "in_year": f" in {f.year}" if f.year else "",
        "change": gbp(abs(change)),
        "share": share(abs(change) / f.before if f.before else math.nan),
        "met": met,
        "asked": asked,
        "years": "" if f.by_year is None or not f.in_every_year else " in every year",
    }


def _headline(how: str) -> Any:
    def words(v: Values) -> str:
        text = how.format(**v)
        if v["asked"]:
            every = v["met"] == v["asked"]
            text += (
                f", and every minimum standard holds{v['years']}"
                if every
                else f", and {v['met']} of {v['asked']} minimum standards hold"
            )
        return f"{text}."

    return words


HEADLINES: tuple[Sentence[BudgetFacts], ...] = (
    Sentence(
        "spends_less",
        lambda f: f.after - f.before <= -1,
        _headline("The plan spends {after}{in_year}, {change} ({share}) less than today"),
        _headline_values,
    ),
    Sentence(
        "spends_more",
        lambda f: f.after - f.before >= 1 and f.before > 0,
        _headline("The plan spends {after}{in_year}, {change} ({share}) more than today"),
        _headline_values,
    ),
    Sentence(
        "spends_from_nothing",
        lambda f: f.after - f.before >= 1,
        _headline("The plan spends {after}{in_year}, where nothing is spent today"),
        _headline_values,
    ),
    Sentence(
        "spends_the_same",
        lambda f: True,
        _headline("The plan spends {after}{in_year}, as much as today"),
        _headline_values,
    ),
)


def _number_words(v: Values) -> str:
    less, more, same, none = (int(getattr(v[key], "value", 0)) for key in NUMBERS)
    parts = [f"{v['less']} {'gets' if less == 1 else 'get'} less"] if less else []
    for number, how in ((more, "more"), (same, "the same")):
        if number:
            parts.append(
                f"{number:,} {how}"
                if parts
                else f"{v['more' if how == 'more' else 'same']} {'gets' if number == 1 else 'get'} "
                f"{how}"
            )
    text = [listed(parts)] if parts else []
    if none:
        who = f"{none:,}" if parts else str(v["none"])
        text.append(f"{who} {'gets' if none == 1 else 'get'} nothing, today or in the plan")
    return f"{'; '.join(text)}."


def _largest_values(f: BudgetFacts, sign: int) -> Values:
    name, change, of_today = f.largest(sign)
    values: dict[str, Any] = {"name": name, "change": gbp(change)}
    return values | ({"share": share(of_today)} if math.isfinite(of_today) else {})


def _largest(which: str) -> Any:
    def words(v: Values) -> str:
        of = f" ({v['share']})" if "share" in v else ", where nothing is spent today"
        return f"The largest {which} is in {v['name']}: {v['change']}{of}."

    return words


def _named(rows: Any, key: str = "outcome_id") -> list[str]:
    """Outcomes, or what else ``key`` says, by name, or by id where they have none."""
    pairs = zip(rows["name"], rows[key], strict=True)
    return [str(name) or str(key) for name, key in pairs]


def _names(v: Values) -> str:
    return listed(str(name) for name in v.values())


def _unit_words(v: Values) -> str:
    parts = []
    for n in range((len(v) - 1) // 4):
        name, closed, today, unit = (v[f"{key}_{n}"] for key in ("name", "close", "today", "unit"))
        number = int(closed)  # type: ignore[arg-type]
        what = f"{number} of {today}" if number >= 0 else f"none of {today}, {-number} more run"
        parts.append(f"{what} in {name}" + (f" (unit: {unit})" if unit else ""))
    return f"Whole units that close by {v['year']}: {'; '.join(parts)}."


def _unit_values(unit: tuple[str, int, int, str]) -> Values:
    name, closed, today, one = unit
    return {"name": name, "close": closed, "today": today, "unit": one}


def _transfer_values(f: BudgetFacts) -> Values:
    alone = f.tables["positions"]["alone_gbp"] if "positions" in f.tables else None
    some = alone is not None and alone.isna().any()
    return {
        "moved": gbp(f.moved),
        "none": "no agency that could stand alone" if some else "no agency",
    }


SENTENCES: tuple[Sentence[BudgetFacts], ...] = (
    Sentence(
        "numbers",
        lambda f: len(f.spending) > 0,
        _number_words,
        lambda f: {
            key: counted(number, "programme")
            for key, number in zip(NUMBERS, f.numbers(), strict=True)
        },
    ),
    Sentence(
        "largest_cut",
        lambda f: f.numbers()[0] > 0,
        _largest("cut"),
        lambda f: _largest_values(f, -1),
    ),
    Sentence(
        "largest_rise",
        lambda f: f.numbers()[1] > 0,
        _largest("rise"),
        lambda f: _largest_values(f, 1),
    ),
    Sentence(
        "better",
        lambda f: bool(f.moved_outcomes(True)),
        lambda v: f"Better than today: {_names(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.moved_outcomes(True))},
    ),
    Sentence(
        "worse",
        lambda f: bool(f.moved_outcomes(False)),
        lambda v: f"Worse than today: {_names(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.moved_outcomes(False))},
    ),
    Sentence(
        "targets",
        lambda f: f.met("target_met")[1] > 0,
        "{met} of {asked} reached{when}.",
        lambda f: {
            "when": "" if f.by_year is None else f" {f.when}",
            "met": f.met("target_met")[0],
            "asked": counted(f.met("target_met")[1], "target"),
        },
    ),
    Sentence(
        "on_their_floor",
        lambda f: bool(f.on_their_floor),
        lambda v: f"Exactly at the minimum standard: {_names(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.on_their_floor)},
    ),
    Sentence(
        "not_counted",
        lambda f: bool(f.not_counted),
        lambda v: f"Not counted in the objective: {_names(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.not_counted)},
    ),
    Sentence(
        "over_years",
        lambda f: f.by_year is not None,
        "Over {years} years it spends {spent}, {ahead} of it on prevention ({today} at today's "
        "rate).",
        lambda f: {
            "years": int(f.by_year["year"].nunique()),
            "spent": gbp(f.by_year["plan_gbp"].sum()),
            "ahead": gbp(f.prevention[0]),
            "today": gbp(f.prevention[1]),
        },
    ),
    Sentence(
        "one_off",
        lambda f: f.by_year is not None and f.by_year["one_off_gbp"].sum() >= 1,
        "Starting, stopping and closing cost {once} besides, once.",
        lambda f: {"once": gbp(f.by_year["one_off_gbp"].sum())},
    ),
    Sentence(
        "units",
        lambda f: bool(f.units),
        _unit_words,
        lambda f: {
            "year": int(f.tables["spending_by_year"]["year"].max()),
            **{
                f"{key}_{n}": value
                for n, unit in enumerate(f.units)
                for key, value in _unit_values(unit).items()
            },
        },
    ),
    Sentence(
        "benefits",
        lambda f: len(f.tables.get("benefits_chain", ())) > 0,
        "Better outcomes are worth {net} net over the years counted; {cash} of it can be taken "
        "out of budgets.",
        lambda f: {
            "net": gbp(f.tables["benefits_chain"]["net_gbp"].sum()),
            "cash": gbp(f.tables["benefits_chain"]["cashable_gbp"].sum()),
        },
    ),
    Sentence(
        "transfers_every_year",
        lambda f: f.moved >= 1 and "positions" in f.tables and not f.short_by_year(),
        "With transfers of {moved} {none} is worse off in any year than it would be alone.",
        _transfer_values,
    ),
    Sentence(
        "transfers_over_all",
        lambda f: (
            f.moved >= 1
            and "positions" in f.tables
            and bool(f.short_by_year())
            and not f.short_over_all()
        ),
        lambda v: (
            f"With transfers of {v['moved']} {v['none']} is worse off than it would be alone over "
            f"the {v['years']} years together; in some of them it is: {v['who']}."
        ),
        lambda f: {
            **_transfer_values(f),
            "years": int(f.tables["positions"]["year"].nunique()),
            "who": "; ".join(
                f"{agency} in {year} by {gbp(short)}" for agency, year, short in f.short_by_year()
            ),
        },
    ),
    Sentence(
        "transfers_short",
        lambda f: f.moved >= 1 and "positions" in f.tables and bool(f.short_over_all()),
        "Agencies pay each other {moved}.",
        _transfer_values,
    ),
    Sentence(
        "compared",
        lambda f: f.compared_holds,
        "{compared}",
        lambda f: {"compared": compared_in_words(f.answer)},
    ),
    Sentence(
        "providers",
        lambda f: "provider_results" in f.tables and f.provided[0] >= 1,
        "Results earn providers {earned}, {deferred} of it deferred; what falls due after the "
        "last year is set aside in it.",
        lambda f: {"earned": gbp(f.provided[0]), "deferred": gbp(f.provided[1])},
    ),
    Sentence(
        "providers_lose",
        lambda f: "provider_results" in f.tables and f.provided[2] >= 1,
        "Providers are not paid {lost} of what they earn, or give it back, for results that are "
        "not held.",
        lambda f: {"lost": gbp(f.provided[2])},
    ),
    Sentence(
        "returned",
        lambda f: f.returned >= 1,
        "{returned} of ring-fenced money is not spent{in_years} and goes back to those who gave "
        "it{who}.",
        lambda f: {
            "returned": gbp(f.returned),
            "in_years": "" if f.by_year is None else " over the decided years",
            "who": "" if f.by_year is None else f": {f.returned_by_stream}",
        },
    ),
    Sentence(
        "no_use",
        lambda f: f.by_year is None and f.of_no_use >= 1,
        "{gbp} of it cannot be put to use: what it may pay for can take no more, and nobody else "
        "pays for that.",
        lambda f: {"gbp": gbp(f.of_no_use)},
    ),
)


def _figures(f: BudgetFacts) -> list[Figure]:
    met, asked = f.met("standard_met")
    reached, targets = f.met("target_met")
    moved = float((f.spending["after_gbp"] - f.spending["before_gbp"]).abs().sum())
    figures = [Figure("spending_gbp", "Spending", f.before, f.after, "gbp", "")]
    if asked:
        label = f"Minimum standards met, of {asked}"
        figures.append(Figure("standards_met", label, None, float(met), "count"))
    if targets:
        label = f"Targets met, of {targets}"
        figures.append(Figure("targets_met", label, None, float(reached), "count"))
    return [
        *figures,
        _going_back(f),
        Figure("moved_gbp", "Money moved up or down", None, moved, "gbp", ""),
    ]


def _going_back(f: BudgetFacts) -> Figure:
    if f.by_year is None:
        return Figure("returned_gbp", "Ring-fenced money going back", None, f.returned, "gbp")
    label = "Ring-fenced money going back, all decided years"
    return Figure("returned_over_years_gbp", label, None, f.returned, "gbp")


def alone_in_words(answer: Answer) -> list[str]:
    """Without a plan: what rule B9 compares each agency with, and each position alone."""
    rows = answer.explanation.tables.get("positions_alone") if answer.explanation else None
    if rows is None:
        return []
    names = dict(
        zip(answer.place.agencies["agency_id"], answer.place.agencies["name"], strict=True)
    )
    said = []
    for agency, own in rows.groupby("agency_id", sort=False):
        gbp = float(own["alone_gbp"].sum())
        stands = pounds_in_words(gbp)
        if own["alone_gbp"].isna().any():
            stands = "no position alone"
        said.append(f"{names.get(str(agency)) or str(agency)}: {stands}")
    years = ", over the decided years" if rows["year"].nunique() > 1 else ""
    return [compared_in_words(answer), f"Positions alone{years}: {'; '.join(said)}."]


def compared_in_words(answer: Answer) -> str:
    """What rule B9 compares each agency with, in one sentence that names the counterfactual; empty
    where the rule is not in force."""
    rule: Any = next((r for r in answer.scenario.rules if r.name == "nobody_worse_off"), None)
    if rule is None:
        return ""
    when = "in each year" if rule.when == "every_year" else "over the years together"
    who = "each agency" if rule.counterfactual == "today" else "each agency that could stand alone"
    held = f"After transfers {who} is" if answer.plan is not None else f"{who.capitalize()} must be"
    return f"{held} no worse off {when} than {COUNTERFACTUALS[rule.counterfactual]}."


COUNTERFACTUALS = {  # what a position is compared with, and what it counts
    "alone_for_outcomes": "with its own best plan for the same objective and standards, made alone "
    "with its own money, all others as today; what it saves in cash (by better outcomes and by "
    "whole units that close) and what others pay for its programmes count, less what it pays for "
    "others', and money left unspent is no gain",
    "today": "it is today; what it saves in cash (by better outcomes and by whole units that "
    "close) and what others pay for its programmes count, less what it pays for others', and money "
    "left unspent is no gain",
    "most_it_could_keep": "if it kept and saved the most money that it could by itself, all others "
    "as today; money left unspent counts as its own",
}
