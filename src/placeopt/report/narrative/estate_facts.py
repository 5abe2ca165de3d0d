"""The figures behind the sentences of an estate plan: buildings, costs, journeys and standards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.estate_totals import building_counts, cost_totals, travel_totals

if TYPE_CHECKING:
    from placeopt.engine import Answer

FARTHER_MINUTES = 0.05  # a host is farther than the nearest by more than rounding


@dataclass(frozen=True)
class EstateFacts:
    """The figures behind the sentences of an estate plan, each recomputed from the plan's tables.

    Attributes:
        answer: An answer with an estate plan.
    """

    answer: Answer

    @property
    def tables(self) -> Any:
        """The plan's tables, by name."""
        assert self.answer.plan is not None
        return self.answer.plan.tables

    @property
    def summary(self) -> Any:
        """The plan's summary."""
        assert self.answer.plan is not None
        return self.answer.plan.summary

    @cached_property
    def counts(self) -> dict[str, int]:
        """Buildings by what happens to them."""
        return building_counts(self.tables["buildings"])

    @cached_property
    def costs(self) -> dict[str, Any]:
        """Yearly costs today and in the plan, one-off costs and receipts."""
        return cost_totals(self.tables["money"], self.summary)

    @cached_property
    def travel(self) -> dict[str, Any]:
        """Residents whose journeys change, mean minutes and the zone that loses most."""
        return travel_totals(self.tables)

    @cached_property
    def by_tier(self) -> dict[str, int]:
        """Open buildings of each tier in the plan, by its name, in the place's order."""
        counts = Counter(str(tier) for tier in self.tables["buildings"]["tier_id"] if tier)
        tiers = self.answer.place.tables["tiers"]
        names = dict(zip(tiers["tier_id"], tiers["name"], strict=True)) if len(tiers) else {}
        order = [str(tier) for tier in names] + sorted(counts.keys() - set(map(str, names)))
        return {str(names.get(t) or t): counts[t] for t in order if counts[t]}

    @cached_property
    def share_past_nearest(self) -> float:
        """Share of visits to a host that is farther than the nearest one with the full offer."""
        if not {"assignment", "access"} <= set(self.tables):
            return 0.0
        keys = ["zone_id", "service_id"]
        assigned, nearest = self.tables["assignment"], self.tables["access"]
        both = assigned.merge(nearest[[*keys, "minutes_after"]], on=keys, how="left")
        is_farther = both["minutes"] > both["minutes_after"] + FARTHER_MINUTES
        total = float(both["visits_per_year"].sum())
        return float(both.loc[is_farther, "visits_per_year"].sum()) / total if total else 0.0

    @cached_property
    def all_standards(self) -> list[dict[str, Any]]:
        """The access standards of every decided year, row by row."""
        table = self.tables.get("standards")
        rows: list[dict[str, Any]] = [] if table is None else table.to_dict("records")
        return rows

    @property
    def standards_year(self) -> int:
        """The last year with a standard held by the nearest only, else the last decided year."""
        years = [r["year"] for r in self.all_standards if r["holds_after"] == "by_nearest_only"]
        return int(max(years or (row["year"] for row in self.all_standards)))

    @cached_property
    def standards(self) -> list[dict[str, Any]]:
        """The access standards of ``standards_year``, row by row."""
        rows = self.all_standards
        return [row for row in rows if row["year"] == self.standards_year]

    @cached_property
    def standards_by_nearest_only(self) -> list[dict[str, Any]]:
        """Standards that hold by the nearest open place only, the largest shortfall first.

        Where the plan sends residents, these standards do not hold.
        """
        rows = [row for row in self.standards if row["holds_after"] == "by_nearest_only"]
        shortfall = {id(row): row["asked_share"] - row["served_share_after"] for row in rows}
        return sorted(rows, key=lambda row: -shortfall[id(row)] if shortfall[id(row)] > 0 else 0.0)

    @property
    def saving(self) -> float:
        """Running cost saved in the last decided year (GBP a year)."""
        return float(self.costs["saving_gbp_per_year"])

    @property
    def years(self) -> tuple[int, int] | None:
        """First and last decided year; None where only one year is decided."""
        first, last = (self.summary.get(f"{end}_year") for end in ("first", "last"))
        return None if first is None or first == last else (int(first), int(last))

    @property
    def in_last_year(self) -> str:
        """The last decided year as a phrase; empty where only one year is decided."""
        return "" if self.years is None else f" in {self.years[1]}"

    @property
    def today_words(self) -> str:
        """What the plan's figures of a year are compared with.

        Over several years that is the last of them with nothing changed, for residents, visits and
        rates change by themselves.
        """
        return "today" if self.years is None else "if nothing changes"

    @property
    def present_saving(self) -> float | None:
        """Net present cost of doing nothing less that of the plan (GBP)."""
        rows = self.tables["objectives"].set_index("objective")
        if "cost" not in rows.index:
            return None
        return float(rows.at["cost", "do_nothing"] - rows.at["cost", "plan"])

    @property
    def held_empty(self) -> tuple[int, float]:
        """Buildings that close and are neither sold nor given back: number, and GBP a year."""
        rows = self.tables["buildings"]
        if "disposal" not in rows:
            return 0, 0.0
        is_held = (rows["status_before"] == "open") & (rows["disposal"] == "held")
        return int(is_held.sum()), float(rows.loc[is_held, "running_cost_after_gbp_per_year"].sum())

    @property
    def travel_suffix(self) -> str:
        """Suffix of the keys of ``travel`` that sentences use first.

        Empty where the plan states minutes to the nearest building only.
        """
        return "_as_sent" if "residents_longer_as_sent" in self.travel else ""

    @property
    def carbon(self) -> tuple[float, float]:
        """Carbon in the last year if nothing changes, and in the plan (tonnes CO2e)."""
        rows = self.tables["objectives"].set_index("objective")
        return float(rows.at["carbon", "do_nothing"]), float(rows.at["carbon", "plan"])
