"""The charts of an estate plan: money by agency and year, residents by minutes and change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.charts import palette, svg
from placeopt.report.money import pounds_in_words
from placeopt.report.tables.as_sent import minutes_column
from placeopt.report.tables.multi_year import running_by_year

if TYPE_CHECKING:
    from markupsafe import Markup

    from placeopt.report.tables.sheet import Sheet


MOST_LINES = 40  # buildings of the chart of time lines: more is no longer read
_SAME = {"Empty": "Held empty", "Possible site": "Not used"}  # today's words for a year's


def estate_charts(sheets: dict[str, Sheet]) -> dict[str, Markup]:
    """Name -> chart; those over years where the plan has a cash flow of several years."""
    money, bands, zones = (sheets[name].frame for name in ("money", "bands", "zones"))
    by_agency = money.groupby("agency_name", sort=False)[
        ["before_gbp_per_year", "after_gbp_per_year"]
    ].sum()
    names = list(dict.fromkeys(bands["band"]))
    shares = []
    sent = "sent_" if "residents_sent_after" in bands else ""
    before, after = f"residents_{sent}before", f"residents_{sent}after"
    for service, rows in bands.groupby("service_name", sort=False):
        rows = rows.set_index("band").reindex(names).fillna(0.0)
        shares.append((str(service), list(rows[before]), list(rows[after])))
    change = zones[minutes_column(zones, "change")]
    classes = [palette.class_of(x, palette.CHANGE_EDGES) for x in change]
    people = zones["population"].fillna(0.0).to_numpy(float)
    bars = [
        (words, float(sum(p for p, c in zip(people, classes, strict=True) if c == at)), colour)
        for at, (words, colour) in enumerate(
            zip(palette.CHANGE_WORDS, palette.CHANGE_COLOURS, strict=True)
        )
    ]
    drawn = {
        "agencies": svg.paired_bars(
            "Running cost a year by agency",
            make_pairs(by_agency, "before_gbp_per_year", "after_gbp_per_year"),
        ),
        "bands": svg.stacked_shares(
            f"Residents by minutes{' as they are sent' if sent else ' to the nearest service'}",
            names,
            shares,
        ),
        "change": svg.column_chart("Residents by change of minutes", bars),
    }
    return drawn | (_over_years(sheets) if "course" in sheets else {})


def _over_years(sheets: dict[str, Sheet]) -> dict[str, Markup]:
    cash, agencies = sheets["cash_flow"].frame, sheets["cash_agencies"].frame
    running = running_by_year(sheets)
    ordered = agencies.sort_values("saving_gbp", ascending=False)
    saved = [
        (str(name) or "No agency stated", float(gbp), pounds_in_words(float(gbp)))
        for name, gbp in zip(ordered["agency_name"], ordered["saving_gbp"], strict=True)
    ]
    years = f"{int(cash['year'].min())} to {int(cash['year'].max())}"
    lines, change = building_timelines(sheets)
    title = "Each building that changes, today and year by year"
    title += f" (the first {MOST_LINES} of {change:,})" if change > MOST_LINES else ""
    return {
        "timelines": svg.timeline_chart(title, *lines),
        "running": svg.paired_bars(
            "Running cost by year",
            make_pairs(running, "do_nothing_gbp", "plan_gbp"),
            today="doing nothing",
        ),
        "cash": svg.change_bars(
            f"Cash saved by agency, {years}: running, works, maintenance and receipts",
            saved,
            up_is_worse=False,
        ),
    }


def building_timelines(
    sheets: dict[str, Sheet],
) -> tuple[tuple[list[str], list[tuple[str, list[svg.BuildingYear]]]], int]:
    """Years from today on, and what each building that changes is in them, those that change first
    and most often first; with how many buildings change."""
    today = sheets["buildings"].frame.set_index("building_id")
    by_year = sheets["buildings_by_year"].frame
    years = ["today", *(str(int(year)) for year in dict.fromkeys(by_year["year"]))]
    found = []
    for i, rows in by_year.groupby("building_id", sort=False):
        was = today.loc[i]
        seen = [(str(was["status_before"]), str(was["services_before"]))]
        seen += [(str(a), str(b)) for a, b in zip(rows["state"], rows["services"], strict=True)]
        each = [set(filter(None, services.split("; "))) for _, services in seen]
        moved = [False, *(each[n] != each[n - 1] for n in range(1, len(each)))]
        left = {"Given up": str(was["disposal"])} if was["disposal"] else {}
        stays = [
            svg.BuildingYear(
                left.get(state, _SAME.get(state, state)), services, changed and bool(here)
            )
            for (state, services), changed, here in zip(seen, moved, each, strict=True)
        ]
        turns = [
            n for n in range(1, len(stays)) if moved[n] or stays[n].state != stays[n - 1].state
        ]
        if turns:
            found.append((turns[0], -len(turns), str(was["name"]) or str(i), stays))
    found.sort(key=lambda one: one[:2])
    shown = [(label, stays) for _, _, label, stays in found[:MOST_LINES]]
    return (years, shown), len(found)


def make_pairs(frame: Any, before: str, after: str) -> list[svg.Pair]:
    """Two bars for each row of a table, labelled by its index."""
    return [
        svg.Pair(
            label=str(name) or "No agency stated",
            before=float(row[before]),
            after=float(row[after]),
            before_text=pounds_in_words(float(row[before])),
            after_text=pounds_in_words(float(row[after])),
        )
        for name, row in frame.iterrows()
    ]
