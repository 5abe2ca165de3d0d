"""Charts of an estate plan: money by agency and year, residents by minutes and by change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.report.charts import palette, svg
from placeopt.report.money import pounds_in_words
from placeopt.report.tables.as_sent import minutes_column
from placeopt.report.tables.multi_year import running_by_year

if TYPE_CHECKING:
    from markupsafe import Markup

    from placeopt.report.tables.sheet import Sheet


MAX_BUILDINGS = 40  # of the chart of timelines, so that it stays readable
_STATE_NAMES = {"Empty": "Held empty", "Possible site": "Not used"}  # today's -> yearly name


def estate_charts(sheets: dict[str, Sheet]) -> dict[str, Markup]:
    """Return name -> chart, with those over years where the plan decides several years."""
    money, bands, zones = (sheets[name].frame for name in ("money", "bands", "zones"))
    by_agency = money.groupby("agency_name", sort=False)[
        ["before_gbp_per_year", "after_gbp_per_year"]
    ].sum()
    names = list(dict.fromkeys(bands["band"]))
    shares = []
    prefix = "sent_" if "residents_sent_after" in bands else ""
    before, after = f"residents_{prefix}before", f"residents_{prefix}after"
    for service, rows in bands.groupby("service_name", sort=False):
        rows = rows.set_index("band").reindex(names).fillna(0.0)
        shares.append((str(service), list(rows[before]), list(rows[after])))
    change = zones[minutes_column(zones, "change")]
    classes = [palette.class_of(x, palette.CHANGE_EDGES) for x in change]
    people = zones["population"].fillna(0.0).to_numpy(float)
    bars = [
        (words, float(sum(p for p, c in zip(people, classes, strict=True) if c == k)), colour)
        for k, (words, colour) in enumerate(
            zip(palette.CHANGE_WORDS, palette.CHANGE_COLOURS, strict=True)
        )
    ]
    charts = {
        "agencies": svg.paired_bars(
            "Running cost a year by agency",
            make_pairs(by_agency, "before_gbp_per_year", "after_gbp_per_year"),
        ),
        "bands": svg.stacked_shares(
            f"Residents by minutes{' as they are sent' if prefix else ' to the nearest service'}",
            names,
            shares,
        ),
        "change": svg.column_chart("Residents by change of minutes", bars),
    }
    return charts | (_multi_year_charts(sheets) if "course" in sheets else {})


def _multi_year_charts(sheets: dict[str, Sheet]) -> dict[str, Markup]:
    cash, agencies = sheets["cash_flow"].frame, sheets["cash_agencies"].frame
    running = running_by_year(sheets)
    ordered = agencies.sort_values("saving_gbp", ascending=False)
    saved = [
        (str(name) or "No agency stated", float(gbp), pounds_in_words(float(gbp)))
        for name, gbp in zip(ordered["agency_name"], ordered["saving_gbp"], strict=True)
    ]
    years = f"{int(cash['year'].min())} to {int(cash['year'].max())}"
    timelines, changing = building_timelines(sheets)
    title = "Each building that changes, today and year by year"
    title += f" (the first {MAX_BUILDINGS} of {changing:,})" if changing > MAX_BUILDINGS else ""
    return {
        "timelines": svg.timeline_chart(title, *timelines),
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
    """Return the state of each building that changes, in each year.

    Returns:
        Years from today on with (building, state in each year), those that change first and most
        often first; and how many buildings change.
    """
    today = sheets["buildings"].frame.set_index("building_id")
    by_year = sheets["buildings_by_year"].frame
    years = ["today", *(str(int(year)) for year in dict.fromkeys(by_year["year"]))]
    timelines = []
    for i, rows in by_year.groupby("building_id", sort=False):
        row = today.loc[i]
        states = [(str(row["status_before"]), str(row["services_before"]))]
        states += [(str(a), str(b)) for a, b in zip(rows["state"], rows["services"], strict=True)]
        services_of = [set(filter(None, services.split("; "))) for _, services in states]
        has_changed = [
            False,
            *(services_of[n] != services_of[n - 1] for n in range(1, len(services_of))),
        ]
        disposal = {"Given up": str(row["disposal"])} if row["disposal"] else {}
        timeline = [
            svg.BuildingYear(
                disposal.get(state, _STATE_NAMES.get(state, state)),
                services,
                changed and bool(hosted),
            )
            for (state, services), changed, hosted in zip(
                states, has_changed, services_of, strict=True
            )
        ]
        changes = [
            n
            for n in range(1, len(timeline))
            if has_changed[n] or timeline[n].state != timeline[n - 1].state
        ]
        if changes:
            label = str(row["name"]) or str(i)
            timelines.append((changes[0], -len(changes), label, timeline))
    timelines.sort(key=lambda entry: entry[:2])
    shown = [(label, timeline) for _, _, label, timeline in timelines[:MAX_BUILDINGS]]
    return (years, shown), len(timelines)


def make_pairs(frame: Any, before: str, after: str) -> list[svg.Pair]:
    """Return a pair of values for each row of a table, labelled by its index."""
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
