"""The figures behind the sentences of a budget plan: spending, outcomes, streams and positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from placeopt.scenario.discount import discount_factors
from placeopt.scenario.wording import listed, pounds_in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer

NOTICEABLE_GBP = 0.5  # a change that a table in whole pounds shows
ROUNDING_GBP = 0.5  # rounding and the solver's tolerance may leave a position short by this
NEGLIGIBLE_GBP = 1000.0  # payments between agencies of less, over all years, are not worth making
NEGLIGIBLE_SHARE = 1e-4  # nor, in a small place, of less than this share of a year's spending
BETTER_SIGN = {"higher": 1.0, "lower": -1.0}


@dataclass(frozen=True)
class BudgetFacts:
    """The figures behind the sentences of a budget plan, each recomputed from the plan's tables.

    Attributes:
        answer: An answer with a budget plan.
    """

    answer: Answer

    @property
    def tables(self) -> Any:
        """The plan's tables, by name."""
        assert self.answer.plan is not None
        return self.answer.plan.tables

    @property
    def spending(self) -> Any:
        """Spending by programme, today and in the last decided year."""
        return self.tables["spending"]

    @property
    def outcomes(self) -> Any:
        """Outcomes today and in the last decided year."""
        return self.tables["outcomes"]

    @property
    def before_gbp(self) -> float:
        """Spending today (GBP a year)."""
        return float(self.spending["before_gbp"].sum())

    @property
    def after_gbp(self) -> float:
        """Spending in the last decided year (GBP)."""
        return float(self.spending["after_gbp"].sum())

    @property
    def year(self) -> int | None:
        """The last decided year; None where neither plan nor scenario states one."""
        assert self.answer.plan is not None
        year = self.answer.plan.summary.get("decided_year", self.answer.scenario.year)
        return None if year is None else int(year)

    @property
    def year_phrase(self) -> str:
        """The year of the plan's figures, as a phrase: "in 2027"."""
        return f"in {self.year}" if self.year else "in the last decided year"

    def change_counts(self) -> tuple[int, int, int, int]:
        """Return how many programmes get less, more, the same, and nothing today or in the plan."""
        change = (self.spending["after_gbp"] - self.spending["before_gbp"]).to_numpy(float)
        less, more = int((change < -NOTICEABLE_GBP).sum()), int((change > NOTICEABLE_GBP).sum())
        none = int((self.spending[["before_gbp", "after_gbp"]] < NOTICEABLE_GBP).all(axis=1).sum())
        return less, more, len(change) - less - more - none, none

    def largest_change(self, sign: int) -> tuple[str, float, float] | None:
        """Return the largest cut (``sign`` -1) or rise (1); None where there is none.

        What is bought in place of an alternative of today is no cut of one and rise of another.

        Returns:
            Programme by name or id, change (GBP), and its share of today's spending; NaN where
            nothing is spent today.
        """
        rows = self.spending
        rows = rows[~rows["programme_id"].isin(self.replaced)]
        change = ((rows["after_gbp"] - rows["before_gbp"]) * sign).to_numpy(float)
        if not len(rows) or change.max() <= NOTICEABLE_GBP:
            return None
        row = rows.iloc[int(change.argmax())]
        before = float(row["before_gbp"])
        name, largest = str(row["name"]) or str(row["programme_id"]), float(change.max())
        return name, largest, largest / before if before > 0 else math.nan

    @cached_property
    def replaced(self) -> dict[str, str]:
        """Programme id -> its set of alternatives, where the set buys others than today."""
        programmes = self.answer.place.programmes
        if "one_of" not in programmes:
            return {}
        sets = dict(zip(programmes["programme_id"], programmes["one_of"], strict=True))
        rows = self.spending
        bought: dict[str, list[set[str]]] = {}
        for key, before, after in zip(
            *(rows[c] for c in ("programme_id", "before_gbp", "after_gbp")), strict=True
        ):
            if sets.get(key):
                today, plan = bought.setdefault(str(sets[key]), [set(), set()])
                if before > NOTICEABLE_GBP:
                    today.add(str(key))
                if after > NOTICEABLE_GBP:
                    plan.add(str(key))
        return {
            str(key): str(one_of)
            for key, one_of in sets.items()
            if one_of
            and all(bought[str(one_of)])
            and bought[str(one_of)][0] != bought[str(one_of)][1]
        }

    @property
    def replacements(self) -> list[tuple[str, str, float, float]]:
        """(programmes of today, programmes of the plan, GBP today, GBP in the plan) of each set."""
        rows = self.spending.assign(
            shown=names_or_ids(self.spending, "programme_id"),
            one_of=self.spending["programme_id"].map(self.replaced),
        )
        replacements = []
        for _, own in rows.dropna(subset=["one_of"]).groupby("one_of", sort=False):
            old, new = (
                listed(own.loc[own[f"{when}_gbp"] > NOTICEABLE_GBP, "shown"])
                for when in ("before", "after")
            )
            replacements.append(
                (old, new, float(own["before_gbp"].sum()), float(own["after_gbp"].sum()))
            )
        return replacements

    def count_met(self, column: str) -> tuple[int, int]:
        """Return how many standards or targets are met in the last year, and how many are stated.

        Args:
            column: ``standard_met`` or ``target_met`` of the table ``outcomes``.
        """
        values = [str(value) for value in self.outcomes[column]]
        return values.count("yes"), values.count("yes") + values.count("no")

    @property
    def standards_hold_every_year(self) -> bool:
        """Whether every minimum standard holds in every decided year."""
        rows = self.tables.get("outcomes_by_year")
        return rows is None or "no" not in set(rows["standard_met"])

    def changed_outcomes(self, better: bool) -> list[str]:
        """Return the outcomes, by name or id, that become better (or worse) by the last year."""
        rows = self.outcomes
        sign = 1.0 if better else -1.0
        return [
            str(name) or str(key)
            for key, name, after, baseline, direction in zip(
                rows["outcome_id"], rows["name"], rows["after"], rows["baseline"],
                rows["direction"], strict=True,
            )
            if sign * BETTER_SIGN[direction] * (after - baseline) > 1e-6 * max(1.0, abs(baseline))
        ]  # fmt: skip

    @property
    def outcomes_at_minimum(self) -> list[str]:
        """Outcomes exactly at their minimum standard: nothing more can be taken from them."""
        rows = self.outcomes
        distance = (rows["after"] - rows["minimum_standard"]).abs()
        tolerance = 1e-6 * rows[["after", "baseline"]].abs().max(axis=1).clip(lower=1e-6)
        return names_or_ids(rows[distance <= tolerance])

    @property
    def outcomes_not_counted(self) -> list[str]:
        """Outcomes that the objective leaves out: no range to a target, or a weight of 0."""
        objective, place = self.answer.scenario.objective, self.answer.place.outcomes
        minimised = {*objective.minimise, *objective.weights}
        rows = self.outcomes
        is_left_out = rows["target"].isna() | (rows["target"] == rows["baseline"])
        if "weighted_outcomes" in minimised:
            is_left_out |= rows["outcome_id"].isin(place.loc[place["weight"] == 0, "outcome_id"])
        elif "fairest" not in minimised:
            return []
        return names_or_ids(rows[is_left_out])

    @property
    def returned_gbp(self) -> float:
        """GBP that ring-fenced streams do not spend and return, over all decided years."""
        return sum(gbp for by_year in self._returned.values() for gbp in by_year.values())

    @cached_property
    def _returned(self) -> dict[str, dict[int, float]]:
        """Stream id -> year -> GBP returned; nothing of released streams or carried money."""
        rule: Any = self._rule("streams")
        if rule is None or rule.unspent == "carried":
            return {}
        rows, paid = self.tables["streams"], self.tables["payments"]
        rows = rows[rows["ring_fenced"].astype(bool) & ~rows["stream_id"].isin(rule.release)]
        if self.spending_by_year is None:
            unspent = rows["amount_gbp"] - rows["spent_after_gbp"]
            year = int(paid["year"].max())
            pairs = zip(rows["stream_id"], unspent, strict=True)
            return {str(key): {year: float(gbp)} for key, gbp in pairs if gbp > 0}
        amounts = self.answer.place.stream_amounts.set_index(["stream_id", "year"])["amount_gbp"]
        spent = paid.groupby(["stream_id", "year"])["after_gbp"].sum()
        returned: dict[str, dict[int, float]] = {}
        for key in rows["stream_id"]:
            for year in sorted(paid["year"].unique()):
                unspent = float(amounts.get((key, year), 0.0) - spent.get((key, year), 0.0))
                if unspent > ROUNDING_GBP:
                    returned.setdefault(str(key), {})[int(year)] = unspent
        return returned

    @property
    def returned_in_words(self) -> str:
        """How much each stream returns in each year."""
        rows = self.tables["streams"]
        names = dict(
            zip(rows["stream_id"].astype(str), names_or_ids(rows, "stream_id"), strict=True)
        )
        return "; ".join(
            f"{names[key]} {pounds_in_words(gbp)} in {year}"
            for key, by_year in self._returned.items()
            for year, gbp in by_year.items()
        )

    @property
    def unusable_gbp(self) -> float:
        """GBP returned in the last year that could not be spent whatever the total budget.

        Each programme that the stream may pay for is at its maximum or has risen as fast as the
        rule on pace lets it, and no other stream pays for it.
        """
        allowed, payments = self.answer.place.stream_programmes, self.tables["payments"]
        paid = payments[payments["year"] == payments["year"].max()]
        after = self.spending.set_index("programme_id")["after_gbp"]
        unusable = 0.0
        for stream, by_year in self._returned.items():
            returned = by_year.get(int(payments["year"].max()), 0.0)
            own = set(allowed.loc[allowed["stream_id"] == stream, "programme_id"])
            others = paid[paid["programme_id"].isin(own) & (paid["stream_id"] != stream)]
            is_full = all(
                after.get(key, 0.0) >= self._upper_limit(key) - NOTICEABLE_GBP for key in own
            )
            if own and is_full and others["after_gbp"].sum() < NOTICEABLE_GBP:
                unusable += returned
        return unusable

    def _upper_limit(self, programme: str) -> float:
        """The most a programme can spend in the last year (GBP), by its maximum and its pace."""
        rows = self.answer.place.programmes
        (maximum,) = rows.loc[rows["programme_id"] == programme, "maximum_gbp_per_year"]
        limit = math.inf if math.isnan(maximum) else float(maximum)
        pace: Any = self._rule("pace")
        (before,) = self.spending.loc[self.spending["programme_id"] == programme, "before_gbp"]
        if pace is None or pace.largest_rise_share is None or before <= 0:
            return limit
        if programme in pace.exempt:
            return limit
        growth = float((1 + pace.largest_rise_share) ** self.answer.scenario.years)
        return min(limit, float(before) * growth)

    def _rule(self, name: str) -> Any:
        return next((rule for rule in self.answer.scenario.rules if rule.name == name), None)

    @property
    def spending_by_year(self) -> Any:
        """The spending of every year; None where only one year is decided."""
        rows = self.tables.get("spending_by_year")
        return None if rows is None or rows["year"].nunique() < 2 else rows

    @property
    def prevention_gbp(self) -> tuple[float, float]:
        """GBP on prevention over the decided years: in the plan, and at today's rate."""
        kind = dict(zip(self.spending["programme_id"], self.spending["kind"], strict=True))
        rows = self.spending_by_year
        is_preventive = rows["programme_id"].map(kind) == "preventive"
        today = self.spending.loc[self.spending["kind"] == "preventive", "before_gbp"].sum()
        return float(rows.loc[is_preventive, "plan_gbp"].sum()), float(
            today * rows["year"].nunique()
        )

    @cached_property
    def unit_closures(self) -> list[tuple[str, int, int, str]]:
        """Programmes with whole units: (name, units that close by the last year, today, unit)."""
        rows = self.tables.get("spending_by_year")
        if rows is None or "units" not in rows:
            return []
        place = self.answer.place
        units = rows[rows["year"] == rows["year"].max()].set_index("programme_id")["units"]
        names = place.programmes.set_index("programme_id")["name"]
        demand = place.outcomes.set_index("outcome_id")["baseline"]
        columns = ("programme_id", "outcome_id", "unit", "unit_capacity")
        closures = []
        for p, o, unit, capacity in zip(*(place.provision[c] for c in columns), strict=True):
            if math.isfinite(units.get(p, math.nan)):
                today = math.ceil(demand[o] / capacity - 1e-6)
                closed = round(today - units[p])
                closures.append((str(names[p]) or str(p), closed, today, str(unit)))
        return closures

    @property
    def provider_results_gbp(self) -> tuple[float, float, float]:
        """GBP that providers earn by results, of it deferred, and not paid or given back."""
        rows = self.tables["provider_results"]
        lost = float((rows["not_paid_gbp"] + rows["clawback_gbp"]).sum())
        return float(rows["earned_gbp"].sum()), float(rows["deferred_gbp"].sum()), lost

    @property
    def transferred_gbp(self) -> float:
        """GBP that agencies pay one another."""
        rows = self.tables.get("transfers")
        return 0.0 if rows is None else float(rows["amount_gbp"].sum())

    @property
    def negligible_gbp(self) -> float:
        """GBP over all decided years below which payments between agencies are not worth making."""
        return min(NEGLIGIBLE_GBP, NEGLIGIBLE_SHARE * self.before_gbp)

    def yearly_shortfalls(self) -> list[tuple[str, int, float]]:
        """Return (agency, year, GBP) of each position in the plan below the stand-alone one."""
        rows = self.tables["positions"]
        names = dict(zip(self.tables["agencies"]["agency_id"], self.tables["agencies"]["name"],
                         strict=True))  # fmt: skip
        return [
            (str(names.get(agency) or agency), int(year), float(alone - plan))
            for agency, year, alone, plan in zip(
                rows["agency_id"], rows["year"], rows["alone_gbp"], rows["plan_gbp"], strict=True
            )
            if alone - plan > ROUNDING_GBP + 1e-6 * abs(alone)
        ]

    def agencies_short_overall(self) -> list[str]:
        """Return the agencies whose discounted positions total less than their stand-alone ones."""
        rows = self.tables["positions"].dropna(subset=["alone_gbp"])
        years = sorted(rows["year"].unique())
        rate = self.answer.scenario.money.discount_rate
        factor = dict(zip(years, discount_factors(len(years), rate), strict=True))
        present = (rows["plan_gbp"] - rows["alone_gbp"]) * rows["year"].map(factor)
        total = present.groupby(rows["agency_id"]).sum()
        return [str(agency) for agency, change_gbp in total.items() if change_gbp < -ROUNDING_GBP]

    @property
    def nobody_worse_off(self) -> bool:
        """Whether rule B9 is in force and the positions keep it, each year or over all years."""
        rule = self._rule("nobody_worse_off")
        if rule is None or "positions" not in self.tables:
            return False
        return not (
            self.yearly_shortfalls() if rule.when == "every_year" else self.agencies_short_overall()
        )


def names_or_ids(rows: Any, key: str = "outcome_id") -> list[str]:
    """Return the names of rows, or the id in column ``key`` where a row has no name."""
    pairs = zip(rows["name"], rows[key], strict=True)
    return [str(name) or str(key) for name, key in pairs]
