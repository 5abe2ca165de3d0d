"""An estate plan in words: what closes, what it saves, who gains and who loses minutes."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.figures import Figure, count_true
from placeopt.report.narrative.minutes import as_if_driving
from placeopt.report.narrative.nearer import sent_in_words
from placeopt.report.narrative.sentences import (
    Sentence,
    Statement,
    Values,
    counted,
    gbp,
    minutes,
    one_of,
    share,
    state,
)
from placeopt.report.tables.formats import missing
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

NOTICEABLE_MINUTES = 1.0  # a journey that changes by less is "about the same"
NOTICEABLE_GBP = 0.5
PAST = "past_nearer_visits_per_year"  # where stated, sentences of their own say who goes past
FARTHER_MINUTES = 0.05  # a host is farther than the nearest by more than rounding


@dataclass(frozen=True)
class EstateFacts:
    """What the sentences of an estate plan rest on, each recomputed from the plan's tables."""

    answer: Answer

    @property
    def tables(self) -> Any:
        assert self.answer.plan is not None
        return self.answer.plan.tables

    @property
    def summary(self) -> Any:
        assert self.answer.plan is not None
        return self.answer.plan.summary

    @cached_property
    def counts(self) -> dict[str, int]:
        return counts_of(self.tables["buildings"])

    @cached_property
    def costs(self) -> dict[str, Any]:
        return costs_of(self.tables["money"], self.summary)

    @cached_property
    def people(self) -> dict[str, Any]:
        return travel_of(self.tables)

    @cached_property
    def by_tier(self) -> dict[str, int]:
        """Open buildings of each tier in the plan, by its name, in the place's order."""
        given = Counter(str(tier) for tier in self.tables["buildings"]["tier_id"] if tier)
        tiers = self.answer.place.tables["tiers"]
        names = dict(zip(tiers["tier_id"], tiers["name"], strict=True)) if len(tiers) else {}
        order = [str(tier) for tier in names] + sorted(given.keys() - set(map(str, names)))
        return {str(names.get(t) or t): given[t] for t in order if given[t]}

    @cached_property
    def passed(self) -> float:
        """Share of visits that go to a host farther than the nearest one with the full offer."""
        if not {"assignment", "access"} <= set(self.tables):
            return 0.0
        keys = ["zone_id", "service_id"]
        sent, near = self.tables["assignment"], self.tables["access"]
        both = sent.merge(near[[*keys, "minutes_after"]], on=keys, how="left")
        farther = both["minutes"] > both["minutes_after"] + FARTHER_MINUTES
        total = float(both["visits_per_year"].sum())
        return float(both.loc[farther, "visits_per_year"].sum()) / total if total else 0.0

    @cached_property
    def all_standards(self) -> list[dict[str, Any]]:
        """The standards of access of every decided year, row by row."""
        table = self.tables.get("standards")
        rows: list[dict[str, Any]] = [] if table is None else table.to_dict("records")
        return rows

    @property
    def standards_year(self) -> int:
        """The last decided year, or the last one in which a standard holds by the nearest only."""
        short = [r["year"] for r in self.all_standards if r["holds_after"] == "by_nearest_only"]
        return int(max(short or (row["year"] for row in self.all_standards)))

    @cached_property
    def standards(self) -> list[dict[str, Any]]:
        """The standards of access of one year, row by row."""
        rows = self.all_standards
        return [row for row in rows if row["year"] == self.standards_year]

    @cached_property
    def by_nearest_only(self) -> list[dict[str, Any]]:
        """Standards that hold by the nearest open place and not as residents are sent; those that
        fall short by most first."""
        rows = [row for row in self.standards if row["holds_after"] == "by_nearest_only"]
        short = {id(row): row["asked_share"] - row["served_share_after"] for row in rows}
        return sorted(rows, key=lambda row: -short[id(row)] if short[id(row)] > 0 else 0.0)

    @property
    def saving(self) -> float:
        return float(self.costs["saving_gbp_per_year"])

    @property
    def years(self) -> tuple[int, int] | None:
        first, last = (self.summary.get(f"{end}_year") for end in ("first", "last"))
        return None if first is None or first == last else (int(first), int(last))

    @property
    def present_saving(self) -> float | None:
        """Net present cost of doing nothing less the plan's, from the table of objectives."""
        rows = self.tables["objectives"].set_index("objective")
        if "cost" not in rows.index:
            return None
        return float(rows.at["cost", "do_nothing"] - rows.at["cost", "plan"])

    @property
    def held(self) -> tuple[int, float]:
        """(buildings open today that close and are neither sold nor given back, GBP a year)."""
        rows = self.tables["buildings"]
        if "disposal" not in rows:
            return 0, 0.0
        own = (rows["status_before"] == "open") & (rows["disposal"] == "held")
        return int(own.sum()), float(rows.loc[own, "running_cost_after_gbp_per_year"].sum())

    @property
    def measure(self) -> str:
        """The ending of what is counted where visits are sent, which comes first; empty where the
        plan states minutes to the nearest building only."""
        return "_as_sent" if "residents_longer_as_sent" in self.people else ""

    @property
    def carbon(self) -> tuple[float, float]:
        rows = self.tables["objectives"].set_index("objective")
        return float(rows.at["carbon", "do_nothing"]), float(rows.at["carbon", "plan"])


def tell_estate(answer: Answer) -> tuple[Statement, list[Statement], list[Figure]]:
    """Headline, sentences and key figures of an estate plan."""
    facts = EstateFacts(answer)
    said = [*state(SENTENCES, facts), *sent_in_words(answer)]
    return one_of(HEADLINES, facts), said, _figures(facts)


def counts_of(buildings: pd.DataFrame) -> dict[str, int]:
    """Buildings by what happens to them; those open today that stay open are parted by whether
    they take in a service, only lose one, only get a tier, or stay as they are."""
    found = Counter[str]()
    columns = ("status_before", "decision", "tier_id", "services_before", "services_after")
    for status, decision, tier, before, after in zip(
        *(buildings[column].tolist() for column in columns), strict=True
    ):
        was, now = (set(filter(None, str(text).split("; "))) for text in (before, after))
        if status != "open":
            found["given_up"] += decision == "close"
            found["open"] += decision == "open"
            continue
        found["was_open"] += 1
        if decision == "close":
            found["close"] += 1
        elif now - was:
            found["take_in"] += 1
        elif was - now:
            found["lose"] += 1
        else:
            found["same" if not tier else "tier_only"] += 1
    words = ("was_open", "close", "take_in", "lose", "tier_only", "same", "open", "given_up")
    return {word: found[word] for word in words} | {
        "open_after": sum(found[w] for w in ("take_in", "lose", "tier_only", "same", "open"))
    }


def _headline_values(f: EstateFacts) -> Values:
    today = f.costs["before_gbp_per_year"]
    return {
        "saving": gbp(abs(f.saving)),
        "share": share(abs(f.saving / today) if today else math.nan),
        "closes": counted(f.counts["close"], "building"),
    }


def _headline(how: str, share_of: bool = True) -> Any:
    def words(v: Values) -> str:
        of = f" ({v['share']} of what the estate costs to run today)" if share_of else ""
        closes = v["closes"]
        what = str(closes) if getattr(closes, "value", 0) else "no building"
        return f"The plan {how.format(**v)}{of} and closes {what}."

    return words


HEADLINES: tuple[Sentence[EstateFacts], ...] = (
    Sentence(
        "saves",
        lambda f: f.saving >= NOTICEABLE_GBP and f.costs["before_gbp_per_year"] > 0,
        _headline("saves {saving} a year"),
        _headline_values,
    ),
    Sentence(
        "costs_more",
        lambda f: f.saving <= -NOTICEABLE_GBP and f.costs["before_gbp_per_year"] > 0,
        _headline("costs a further {saving} a year"),
        _headline_values,
    ),
    Sentence(
        "costs_more_than_nothing",
        lambda f: f.saving <= -NOTICEABLE_GBP,
        _headline("costs {saving} a year", share_of=False),
        _headline_values,
    ),
    Sentence(
        "costs_the_same",
        lambda f: True,
        _headline("costs as much to run as today", share_of=False),
        _headline_values,
    ),
)


def _changes(v: Values) -> str:
    """What becomes of the buildings open today; parts without a building are left out."""
    how = {
        "close": ("closes", "close"),
        "take_in": ("takes in a service", "take in a service"),
        "lose": ("stays open without a service it has today",
                 "stay open without a service they have today"),
        "tier_only": ("gets a tier and keeps its services", "get a tier and keep their services"),
        "same": ("stays open as it is", "stay open as they are"),
    }  # fmt: skip
    parts = [f"{v[key]:,} {one if v[key] == 1 else many}" for key, (one, many) in how.items()
             if v[key]]  # fmt: skip
    return f"Of the {v['was_open']}, {listed(parts)}."


def _tiers(v: Values) -> str:
    return f"Buildings by tier: {'; '.join(f'{number:,} {name}' for name, number in v.items())}."


SENTENCES: tuple[Sentence[EstateFacts], ...] = (
    Sentence(
        "changes",
        lambda f: f.counts["was_open"] > 0,
        _changes,
        lambda f: {
            "was_open": counted(
                f.counts["was_open"], "building open today", "buildings open today"
            ),
            **{key: f.counts[key] for key in ("close", "take_in", "lose", "tier_only", "same")},
        },
    ),
    Sentence("tiers", lambda f: bool(f.by_tier), _tiers, lambda f: f.by_tier),
    Sentence(
        "new_sites",
        lambda f: f.counts["open"] > 0,
        "The plan opens {sites}.",
        lambda f: {
            "sites": counted(
                f.counts["open"],
                "building that is not open today",
                "buildings that are not open today",
            )
        },
    ),
    Sentence(
        "given_up",
        lambda f: f.counts["given_up"] > 0,
        "It gives up {empty}.",
        lambda f: {
            "empty": counted(
                f.counts["given_up"],
                "building that stands empty today",
                "buildings that stand empty today",
            )
        },
    ),
    Sentence(
        "held_empty",
        lambda f: f.held[0] > 0,
        lambda v: (
            f"Of those that close, {v['held']} {v['stand']} empty and {v['cost']} "
            f"{v['gbp']} a year."
        ),
        lambda f: {
            "held": f.held[0],
            "stand": "stands" if f.held[0] == 1 else "stand",
            "cost": "costs" if f.held[0] == 1 else "cost",
            "gbp": gbp(f.held[1]),
        },
    ),
    Sentence(
        "running_falls",
        lambda f: f.saving >= NOTICEABLE_GBP,
        "Running costs fall from {before} to {after} a year.",
        lambda f: _running(f),
    ),
    Sentence(
        "running_rises",
        lambda f: f.saving <= -NOTICEABLE_GBP,
        "Running costs rise from {before} to {after} a year.",
        lambda f: _running(f),
    ),
    Sentence(
        "works",
        lambda f: f.costs["works_gbp"] >= NOTICEABLE_GBP,
        "Works, moves and closing cost {works} once.",
        lambda f: {"works": gbp(f.costs["works_gbp"])},
    ),
    Sentence(
        "receipts",
        lambda f: f.costs["receipts_net_gbp"] >= NOTICEABLE_GBP,
        "Sales bring in {net} after their cost.",
        lambda f: {"net": gbp(f.costs["receipts_net_gbp"])},
    ),
    Sentence(
        "maintenance",
        lambda f: bool(f.costs["maintenance_before_gbp"]),
        "Maintenance of {due} is due on the buildings that are open or empty today; in the plan "
        "{kept} has to be paid, on those that it keeps, holds empty or opens.",
        lambda f: {
            "due": gbp(f.costs["maintenance_before_gbp"]),
            "kept": gbp(f.costs["maintenance_after_gbp"] or 0.0),
        },
    ),
    Sentence(
        "closes_by_year",
        lambda f: f.years is not None and bool(_closing(f)),
        lambda v: (
            f"The plan decides {v['first']} to {v['last']}; buildings close: "
            + listed(f"{number} in {year}" for year, number in v.items() if year.isdigit())
            + "."
        ),
        lambda f: {"first": f.years[0], "last": f.years[1], **_closing(f)},  # type: ignore[index]
    ),
    Sentence(
        "closes_in_no_year",
        lambda f: f.years is not None and not _closing(f),
        "The plan decides {first} to {last}; no building closes.",
        lambda f: {"first": f.years[0], "last": f.years[1]},  # type: ignore[index]
    ),
    Sentence(
        "receipts_gross",
        lambda f: f.years is not None and bool(f.summary.get("receipts_gross_gbp")),
        "Sales bring in {gross} gross, {net} net.",
        lambda f: {
            "gross": gbp(f.summary["receipts_gross_gbp"]),
            "net": gbp(f.summary["receipts_net_gbp"]),
        },
    ),
    Sentence(
        "clawback",
        lambda f: f.years is not None and bool(f.summary.get("receipts_clawback_gbp")),
        "{back} goes back to those who paid for the buildings.",
        lambda f: {"back": gbp(f.summary["receipts_clawback_gbp"])},
    ),
    Sentence(
        "present_saving",
        lambda f: (
            f.present_saving is not None
            and f.present_saving >= NOTICEABLE_GBP
            and "appraisal_years" in f.summary
        ),
        "Over {years} years, discounted, the plan saves {saving} against doing nothing.",
        lambda f: {"years": f.summary["appraisal_years"], "saving": gbp(f.present_saving or 0.0)},
    ),
    Sentence(
        "present_cost",
        lambda f: (
            f.present_saving is not None
            and f.present_saving <= -NOTICEABLE_GBP
            and "appraisal_years" in f.summary
        ),
        "Over {years} years, discounted, the plan costs {more} more than doing nothing.",
        lambda f: {"years": f.summary["appraisal_years"], "more": gbp(-(f.present_saving or 0.0))},
    ),
    Sentence(
        "carbon",
        lambda f: "carbon_present_saving_gbp" in f.summary,
        "Open buildings emit {after} of CO2e a year at the end, against {before} if nothing "
        "changes.",
        lambda f: {
            "before": counted(f.carbon[0], "tonne"),
            "after": counted(f.carbon[1], "tonne"),
        },
    ),
    Sentence(
        "carbon_saved",
        lambda f: f.summary.get("carbon_present_saving_gbp", 0.0) >= NOTICEABLE_GBP,
        "At the value of a tonne in each of {years} years, discounted, the carbon saved is worth "
        "{worth}, which is counted in the figure over the years.",
        lambda f: _carbon_worth(f),
    ),
    Sentence(
        "carbon_added",
        lambda f: f.summary.get("carbon_present_saving_gbp", 0.0) <= -NOTICEABLE_GBP,
        "At the value of a tonne in each of {years} years, discounted, the carbon added costs "
        "{worth}, which is counted in the figure over the years.",
        lambda f: _carbon_worth(f),
    ),
    Sentence(
        "standards_as_sent",
        lambda f: bool(f.standards) and all(row["holds_after"] == "as_sent" for row in f.standards),
        "Every standard of access holds where the plan sends residents.",
    ),
    Sentence(
        "standards_by_nearest",
        lambda f: bool(f.by_nearest_only),
        lambda v: _nearest_only(v),
        lambda f: _short_as_sent(f),
    ),
    Sentence(
        "minutes",
        lambda f: _measured(f),
        "To the nearest building that offers what they need, residents travel {after} on average, "
        "against {before} today{driving}.",
        lambda f: {
            "driving": as_if_driving(f.answer),
            "after": minutes(f.people["minutes_after"]),
            "before": minutes(f.people["minutes_before"]),
        },
    ),
    Sentence(
        "longer_and_shorter",
        lambda f: _measured(f),
        lambda v: _longer_and_shorter(v),
        lambda f: _changed_residents(f),
    ),
    Sentence(
        "loses_most",
        lambda f: _measured(f) and f.people[f"worst_change{f.measure}"] > NOTICEABLE_MINUTES,
        "{zone} loses most: {more}.",
        lambda f: {
            "zone": f.people[f"worst_zone{f.measure}"],
            "more": minutes(f.people[f"worst_change{f.measure}"]),
        },
    ),
    Sentence(
        "out_of_reach",
        lambda f: f.people["residents_out_of_reach"] >= 0.5,
        "{residents} can no longer reach what they need within the minutes measured.",
        lambda f: {"residents": counted(f.people["residents_out_of_reach"], "resident")},
    ),
    Sentence(
        "sent_minutes",
        lambda f: _sent_farther(f) and PAST in f.summary,
        "Counted where the plan sends them, a visit takes {after} on average, against {before} "
        "today{driving}.",
        lambda f: _as_sent(f),
    ),
    Sentence(
        "sent",
        lambda f: _sent_farther(f) and PAST not in f.summary,
        "{share} of visits go past the nearest building with their service; counted where the "
        "plan sends them, a visit takes {after} on average, against {before} today{driving}.",
        lambda f: {"share": share(f.passed), **_as_sent(f)},
    ),
)


def _running(f: EstateFacts) -> Values:
    return {when: gbp(f.costs[f"{when}_gbp_per_year"]) for when in ("before", "after")}


def _carbon_worth(f: EstateFacts) -> Values:
    return {
        "years": f.summary["carbon_priced_years"],
        "worth": gbp(abs(f.summary["carbon_present_saving_gbp"])),
    }


def _closing(f: EstateFacts) -> dict[str, int]:
    """Year -> buildings that close in it."""
    if "closes_year" not in f.tables["buildings"]:
        return {}
    years = f.tables["buildings"]["closes_year"].dropna().astype(int).value_counts().sort_index()
    return {str(year): int(number) for year, number in years.items()}


def _measured(f: EstateFacts) -> bool:
    return bool(f.people["residents"]) and math.isfinite(f.people["minutes_before"])


def _changed_residents(f: EstateFacts) -> Values:
    """Residents whose journeys change, where visits are sent and to the nearest building."""
    found: dict[str, Any] = {"measure": f.measure}
    for ending in dict.fromkeys((f.measure, "")):
        for way in ("longer", "shorter"):
            people = f.people[f"residents_{way}{ending}"]
            found[f"{way}{ending}"] = counted(people, "resident")
            found[f"{way}{ending}_share"] = share(people / f.people["residents"])
    return found


def _longer_and_shorter(v: Values) -> str:
    sent = str(v["measure"])
    if not sent:
        return (
            "Journeys to the nearest building get longer by more than a minute for "
            f"{_of_all(v, 'longer')} and shorter for {_of_all(v, 'shorter')}."
        )
    return (
        "Where the plan sends them, journeys get longer by more than a minute for "
        f"{_of_all(v, f'longer{sent}')} and shorter for {_of_all(v, f'shorter{sent}')}; to the "
        f"nearest building, longer for {_of_all(v, 'longer')} and shorter for "
        f"{_of_all(v, 'shorter')}."
    )


def _short_as_sent(f: EstateFacts) -> Values:
    """How many standards hold by the nearest open place only, and the one that is shortest."""
    first = f.by_nearest_only[0]
    found: dict[str, Any] = {"number": len(f.by_nearest_only), "total": len(f.standards)}
    if f.standards_year != max(row["year"] for row in f.all_standards):
        found["year"] = f.standards_year
    if first["asked_share"] - first["served_share_after"] > 0:
        names = f.answer.place.tables["services"].set_index("service_id")["name"]
        service = str(first["service_id"])
        found |= {
            "service": str(names.get(service) or service),
            "within": minutes(first["minutes"]),
            "near": share(first["nearest_share_after"]),
            "sent": share(first["served_share_after"]),
            "asked": share(first["asked_share"]),
        }
    return found


def _nearest_only(v: Values) -> str:
    hold = "holds" if v["number"] == 1 else "hold"
    of = f"In {v['year']}, of" if "year" in v else "Of"
    text = f"{of} {v['total']} standards of access {v['number']} {hold} by the nearest open place "
    text += "only, and not where the plan sends residents"
    if "service" in v:
        text += (
            f"; {v['service']} within {v['within']}: {v['near']} by the nearest, {v['sent']} as "
            f"sent, {v['asked']} asked"
        )
    return f"{text}."


def _sent_farther(f: EstateFacts) -> bool:
    """Whether a noticeable share of visits is counted farther than the nearest host."""
    return _measured(f) and f.passed >= 0.005 and math.isfinite(f.people["sent_after"])


def _as_sent(f: EstateFacts) -> Values:
    means = {when: minutes(f.people[f"sent_{when}"]) for when in ("after", "before")}
    return {**means, "driving": as_if_driving(f.answer)}


def _of_all(v: Values, way: str) -> str:
    """So many residents, and which share of all they are."""
    residents = v[way]
    some = getattr(residents, "value", 0.0) >= 0.5
    return f"{residents} ({v[f'{way}_share']})" if some else "nobody"


def _figures(f: EstateFacts) -> list[Figure]:
    """The key figures: key, label, today, plan, format and which way is good."""
    costs, people, points = f.costs, f.people, f.tables["services"]
    running = (costs["before_gbp_per_year"], costs["after_gbp_per_year"])
    due = (costs["maintenance_before_gbp"], costs["maintenance_after_gbp"])
    opened = (float(f.counts["was_open"]), float(f.counts["open_after"]))
    hosted = (float(count_true(points["before"])), float(count_true(points["after"])))
    near = (people["minutes_before"], people["minutes_after"])
    driving = as_if_driving(f.answer)
    nearest = f"Mean minutes to the nearest service{driving}"
    figures = [
        Figure("running_cost_gbp_per_year", "Running cost a year", *running, "gbp"),
        Figure("works_gbp", "One-off works and moves", None, costs["works_gbp"], "gbp"),
        Figure("maintenance_due_gbp", "Maintenance already due", *due, "gbp"),
        Figure("receipts_net_gbp", "Receipts, net", None, costs["receipts_net_gbp"], "gbp", ""),
        Figure("buildings_open", "Open buildings", *opened, "count"),
        Figure("service_points", "Service points", *hosted, "count", ""),
        Figure("minutes_to_nearest", nearest, *near, "minutes"),
    ]
    if "carbon_present_saving_gbp" in f.summary:
        was, now = (f.summary[f"carbon_present_{when}_gbp"] for when in ("before", "after"))
        figures.append(Figure("carbon_present_gbp", "Carbon, priced", was, now, "gbp"))
    if math.isfinite(people["sent_after"]):
        sent = (people["sent_before"], people["sent_after"])
        label = f"Mean minutes where visits are sent{driving}"
        figures.append(Figure("minutes_as_sent", label, *sent, "minutes"))
    return figures


def costs_of(money: pd.DataFrame, summary: Any) -> dict[str, Any]:
    """Yearly costs before and after, one-off costs and receipts, from the money table.

    Maintenance that is due whether or not anything changes is kept apart from works, where the
    plan's summary states it (``backlog_before_gbp``, ``backlog_after_gbp``).
    """
    once = money["one_off_gbp"].fillna(0.0)
    receipts = float(-once[money["line"] == "receipts, net"].sum())
    before, after = (float(money[f"{when}_gbp_per_year"].sum()) for when in ("before", "after"))
    paid = float(once.sum()) + receipts
    due, kept = (_known(summary.get(f"backlog_{when}_gbp")) for when in ("before", "after"))
    some, all_of = (summary.get(key, 0) for key in ("backlog_stated_buildings", "buildings_in_all"))
    return {
        "before_gbp_per_year": before,
        "after_gbp_per_year": after,
        "saving_gbp_per_year": before - after,
        "one_off_cost_gbp": paid,
        "works_gbp": paid - (kept or 0.0),
        "maintenance_before_gbp": due,
        "maintenance_after_gbp": kept,
        "maintenance_stated": f"{some} of {all_of} buildings" if some < all_of else "",
        "receipts_net_gbp": receipts,
    }


def _known(number: Any) -> float | None:
    """A number; None where it is missing."""
    return None if missing(number) else float(number)


def travel_of(tables: Any) -> dict[str, Any]:
    """Who gains and who loses minutes: residents, means (by residents) and the zone hit worst."""
    zones = tables["zones"]
    people = zones["population"].fillna(0.0)
    known = zones["minutes_before"].notna() & zones["minutes_after"].notna() & (people > 0)
    weight = float(people[known].sum())

    def mean(column: str) -> float:
        return float((people * zones[column])[known].sum() / weight) if weight else math.nan

    sent = {"sent_before": math.nan, "sent_after": math.nan}
    measures = tables["objectives"].set_index("objective")
    visits = float(tables["assignment"]["visits_per_year"].sum()) if "assignment" in tables else 0.0
    if "visit_minutes" in measures.index and visits > 0:
        sent["sent_before"] = float(measures.at["visit_minutes", "do_nothing"]) / visits
        sent["sent_after"] = float(measures.at["visit_minutes", "plan"]) / visits
    return {
        "residents": float(people.sum()),
        **_moved(zones, people, "change_minutes", ""),
        "residents_out_of_reach": float(
            people[zones["minutes_before"].notna() & zones["minutes_after"].isna()].sum()
        ),
        "minutes_before": mean("minutes_before"),
        "minutes_after": mean("minutes_after"),
        **_moved(zones, people, "sent_change_minutes", "_as_sent"),
        **sent,
    }


def _moved(zones: pd.DataFrame, people: pd.Series, column: str, ending: str) -> dict[str, Any]:
    """Residents whose minutes change noticeably by one measure, and the zone hit worst by it;
    nothing where the table has no such measure."""
    if column not in zones:
        return {}
    change = zones[column]
    worst: pd.Series | None = None
    if change.notna().any():
        worst = zones.iloc[int(change.fillna(-math.inf).to_numpy(float).argmax())]
    return {
        f"residents_longer{ending}": float(people[change > NOTICEABLE_MINUTES].sum()),
        f"residents_shorter{ending}": float(people[change < -NOTICEABLE_MINUTES].sum()),
        f"worst_zone{ending}": None if worst is None else str(worst["name"] or worst["zone_id"]),
        f"worst_change{ending}": math.nan if worst is None else float(worst[column]),
    }
