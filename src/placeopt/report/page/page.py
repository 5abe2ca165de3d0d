"""``index.html``: one page that holds everything it shows and asks nothing of the internet."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.report.charts import palette, svg
from placeopt.report.charts.budget import yearly_charts
from placeopt.report.charts.estate import estate_charts, pairs_of
from placeopt.report.money import pounds, pounds_in_words
from placeopt.report.narrative.budget import compared_in_words
from placeopt.report.narrative.consent import providers_in_words
from placeopt.report.narrative.minutes import as_if_driving, measured_in_words
from placeopt.report.narrative.nearer import exact_terms
from placeopt.report.narrative.story import Story, objectives_in_words, verified_in_words
from placeopt.report.tables.as_sent import sent_first
from placeopt.report.tables.formats import (
    NUMBERS,
    format_in_row,
    in_words,
    missing,
    not_stated,
    show,
)
from placeopt.report.tables.saving_parts import NOT_STATED, made_of, partly_stated, unstated
from placeopt.report.tables.sheet import Heading, Sheet
from placeopt.scenario.wording import exact_per_cent, figure

if TYPE_CHECKING:
    from markupsafe import Markup

    from placeopt.engine import Answer

MOST_ROWS = 400  # of a table on the page
FIRST = {"close": 0, "given_up": 0, "hub": 1, "open": 2, "moves_out": 0, "moves_in": 1}


def write_page(
    answer: Answer, story: Story, sheets: dict[str, Sheet], path: Path, others: list[str]
) -> Path:
    """Write the page; ``others`` are the files beside it that it names."""
    html = page_of(answer, story, sheets, others)
    path.write_text(html, encoding="utf-8")
    return path


def page_of(answer: Answer, story: Story, sheets: dict[str, Sheet], others: list[str]) -> str:
    """The page as text."""
    estate = answer.plan is not None and "buildings" in answer.plan.tables
    context: dict[str, Any] = {
        "answer": answer,
        "info": answer.place.info,
        "question": answer.scenario.question,
        "story": story,
        "verified": verified_in_words(answer),
        "measured": measured_in_words(answer),
        "as_if_driving": as_if_driving(answer),
        "objectives": objectives_in_words(answer),
        "cards": [
            _card(figure, unstated(answer), partly_stated(answer))
            for figure in _shown(answer, story)
        ],
        "made": made_of(answer),
        "exact": _exact(answer),
        "tables": {name: _table(sheet) for name, sheet in sheets.items()},
        "charts": _charts(answer, sheets),
        "travel": _travel(answer),
        "carbon_sources": sorted(set(answer.place.carbon_values["source"]) - {""}),
        "others": others,
        "css": _asset("templates/page.css"),
        "js": _asset("templates/page.js"),
        "providers": providers_in_words(answer),
        "compared": compared_in_words(answer) if answer.scenario.problem == "budget" else "",
        "map": None,
        "reach": None,
        "area": None,
    }
    if estate:
        context |= _map(answer, sheets) | {"reach": _reach(answer), "area": _area(answer)}
    return _template().render(context)


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("placeopt.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _asset(name: str) -> Markup:
    from markupsafe import Markup

    return Markup((files("placeopt.report.page") / name).read_text(encoding="utf-8"))


def _map(answer: Answer, sheets: dict[str, Sheet]) -> dict[str, Any]:
    from markupsafe import Markup

    from placeopt.report.page.map_data import map_of
    from placeopt.report.tables.closures import add_to_map

    drawn = map_of(answer, sheets)
    flows = add_to_map(answer, drawn.buildings)
    given_up = any(b["d"] == "close" and b["s"] == "vacant" for b in drawn.buildings)
    labels = {"close": "Closes or is given up"} if given_up else {}
    data = {
        "zones": drawn.zones,
        "districts": drawn.districts,
        "streets": drawn.streets,
        "buildings": drawn.buildings,
        "flows": flows,
        "flow": palette.FLOW,
        "decisions": {
            word: {
                "colour": colour,
                "shape": shape,
                "radius": radius,
                "label": labels.get(word) or in_words(word),
            }
            for word, (colour, shape, radius) in palette.DECISIONS.items()
        },
        "change": _scale(palette.CHANGE_EDGES, palette.CHANGE_COLOURS, palette.CHANGE_WORDS),
        "minutes": _scale(palette.MINUTES_EDGES, palette.MINUTES_COLOURS, palette.MINUTES_WORDS),
        "missing": palette.OUT_OF_REACH,
    }
    from placeopt.report.charts.picture import draw_picture

    return {
        "map": data_script(data),
        "picture": Markup(draw_picture(answer)),
        "map_notes": drawn.notes,
        "has_streets": bool(drawn.streets),
        "has_districts": bool(drawn.districts),
        "leaflet_js": _without_links(_asset("vendor/leaflet/leaflet.js")),
        "leaflet_css": _without_links(_asset("vendor/leaflet/leaflet.css")),
    }


def _reach(answer: Answer) -> dict[str, Any] | None:
    from placeopt.report.page.reach import reach_of

    shown = reach_of(answer)
    if shown and shown["data"]:
        shown["data"] = data_script(shown["data"])
    return shown


def _area(answer: Answer) -> dict[str, Any] | None:
    from placeopt.report.page.my_area import look_up

    shown = look_up(answer)
    if shown:
        shown |= {"js": _asset("templates/area.js"), "css": _asset("templates/area.css")}
        shown["data"] = data_script(shown["data"]) if shown["data"] else None
    return shown


def _scale(edges: Any, colours: Any, words: Any) -> dict[str, Any]:
    return {"edges": list(edges), "colours": list(colours), "words": list(words)}


def data_script(data: Any) -> Markup:
    """Data inside a script element: valid JSON that cannot end the element."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, safe in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, safe)
    return Markup(text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _without_links(text: Markup) -> Markup:
    """Leaflet without what would ask for a file: its source map and its images."""
    import re

    from markupsafe import Markup

    plain = re.sub(r"//# sourceMappingURL=.*", "", str(text))
    return Markup(re.sub(r"url\((?!#)[^)]*\)", "none", plain).replace("</script", "<\\/script"))


def _shown(answer: Answer, story: Story) -> list[Any]:
    """The figures that say anything, those first that the question names."""
    lead, lacking = answer.scenario.answer.lead, unstated(answer)
    known = [
        f for f in story.figures if f.key in lacking or not (missing(f.plan) and missing(f.today))
    ]
    return sorted(known, key=lambda f: lead.index(f.key) if f.key in lead else len(lead))


def _card(figure: Any, unstated: set[str], partly: dict[str, str]) -> dict[str, str]:
    """A key figure: today, the plan, and whether the change is for the better."""
    if figure.key in unstated:
        return {"label": figure.label, "today": "", "plan": NOT_STATED, "feeling": ""}

    def said(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return ""
        return pounds_in_words(value) if figure.format == "gbp" else show(value, figure.format)

    note = f" ({partly[figure.key]})" if figure.key in partly else ""
    feeling = ""
    if figure.today is not None and figure.plan is not None and figure.good:
        change = figure.plan - figure.today
        if abs(change) > 1e-9:
            feeling = "better" if (change < 0) == (figure.good == "lower") else "worse"
    return {
        "label": f"{figure.label}{note}",
        "today": said(figure.today),
        "plan": said(figure.plan),
        "feeling": feeling,
    }


def _exact(answer: Answer) -> list[tuple[str, str]]:
    """The exact terms, for those who ask."""
    result = answer.result
    first = answer.scenario.objective.minimise[-1]

    def number(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return "none"
        return pounds(value) if first in ("cost", "weighted", "least_money") else figure(value, 6)

    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in result.seconds.items())
    rows = [
        ("Status", str(result.status)),
        ("Objective (always made small)", objectives_in_words(answer)),
        (_value_of(answer), number(result.objective)),
        ("Proven bound: no plan is below", number(result.bound)),
        ("Gap", exact_per_cent(result.gap) if math.isfinite(result.gap) else "not known"),
        ("Gap asked for", exact_per_cent(answer.scenario.solver.gap)),
        *exact_terms(answer),
        ("Engine", f"{result.engine} {result.version}".strip()),
        ("Time", seconds),
        ("Seed", "" if result.seed is None else str(result.seed)),
        ("Message", result.message),
    ]
    return [(name, value) for name, value in rows if value]


def _value_of(answer: Answer) -> str:
    return "Least cost found" if exact_terms(answer) else "Value of the plan"


def _travel(answer: Answer) -> list[str]:
    """Where the minutes come from, one line a mode."""
    if answer.times is None:
        return []
    return [
        f"{in_words(mode)}: " + ", ".join(f"{in_words(k).lower()} {v}" for k, v in facts.items())
        for mode, facts in answer.times.provenance.items()
    ]


# ------------------------------------------------------------------------------------- tables


def _table(sheet: Sheet) -> dict[str, Any]:
    """A table of the page: headings and rows of (text, sort key, whether a number)."""
    frame, shown = sheet.frame, sheet.on_page
    if len(frame) and sheet.name in ("buildings", "zones", "access", "services"):
        frame = _most_telling_first(sheet)
    rows = frame.head(MOST_ROWS).to_dict("records")
    return {
        "name": sheet.name,
        "title": sheet.title,
        "headings": shown,
        "rows": [[_cell(row, heading) for heading in shown] for row in rows],
        "totals": _totals(sheet, shown),
        "count": len(sheet.frame),
        "cut": len(sheet.frame) > MOST_ROWS,
    }


def _most_telling_first(sheet: Sheet) -> Any:
    """Buildings and services that change, and zones that lose most, at the top."""
    frame = sheet.frame
    if "change_minutes" in frame:
        return frame.sort_values(sent_first(frame, "change"), ascending=False, kind="stable")
    rank = {in_words(word): number for word, number in FIRST.items()}
    order = frame["decision"].map(rank).fillna(9)
    return frame.loc[order.sort_values(kind="stable").index]


def _cell(row: Any, heading: Heading) -> tuple[str, Any, bool]:
    value = row[heading.name]
    kind = format_in_row(heading.format, str(row.get("unit", "")))
    number = kind in NUMBERS and not isinstance(value, str)
    key = "" if missing(value) else (float(value) if number else str(value))
    if missing(value) and not_stated(heading.name, row):
        return NOT_STATED, key, number
    return show(value, kind), key, number


def _totals(sheet: Sheet, shown: tuple[Heading, ...]) -> list[str]:
    if not any(heading.total for heading in shown) or not len(sheet.frame):
        return []
    return [show(sheet.total(h.name), h.format) if h.total else "" for h in shown]


# ------------------------------------------------------------------------------------- charts


def _charts(answer: Answer, sheets: dict[str, Sheet]) -> dict[str, Markup]:
    if answer.plan is None:
        return {}
    if "spending" in answer.plan.tables:
        return {**_budget_charts(sheets), **yearly_charts(answer)}
    return estate_charts(sheets)


def _budget_charts(sheets: dict[str, Sheet]) -> dict[str, Markup]:
    spending, agencies, outcomes = (
        sheets[name].frame for name in ("spending", "agencies", "outcomes")
    )
    moved = spending[spending["change_gbp"].abs() >= 0.5]
    moved = moved.reindex(moved["change_gbp"].abs().sort_values(ascending=False).index).head(24)
    moved = moved.sort_values("change_gbp", ascending=False)
    rows = [
        (str(name), float(change), ("+" if change > 0 else "") + pounds_in_words(change))
        for name, change in zip(moved["name"], moved["change_gbp"], strict=True)
    ]
    marks = [
        svg.Mark(
            label=str(row["name"]),
            unit=str(row["unit"]),
            higher_is_better=str(row["direction"]).lower() == "higher",
            baseline=float(row["baseline"]),
            after=float(row["after"]),
            minimum=None if missing(row["minimum_standard"]) else float(row["minimum_standard"]),
            target=None if missing(row["target"]) else float(row["target"]),
        )
        for row in outcomes.to_dict("records")
    ]
    return {
        "spending": svg.changes("Change in spending by programme", rows, up_is_worse=False),
        "outcomes": svg.standards("Outcomes against standards and targets", marks),
        "agencies": svg.pairs(
            "Spending by agency", pairs_of(agencies.set_index("name"), "before_gbp", "after_gbp")
        ),
    }
