"""``index.html``: one self-contained page that works offline."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.report.charts import palette, svg
from placeopt.report.charts.budget import budget_year_charts
from placeopt.report.charts.estate import estate_charts, make_pairs
from placeopt.report.money import pounds, pounds_in_words
from placeopt.report.narrative.consent import providers_in_words
from placeopt.report.narrative.counterfactual import counterfactual_in_words
from placeopt.report.narrative.minutes import as_if_driving, minutes_caveats_in_words
from placeopt.report.narrative.narrative import Narrative, objectives_in_words, verified_in_words
from placeopt.report.narrative.reassignment import reassignment_terms
from placeopt.report.tables.as_sent import minutes_column
from placeopt.report.tables.evidence import evidence_in_words
from placeopt.report.tables.formats import (
    NUMBER_FORMATS,
    empty_cell,
    format_in_row,
    format_value,
    in_words,
    is_missing,
)
from placeopt.report.tables.saving_parts import (
    NOT_STATED,
    partly_stated_figures,
    saving_parts,
    unstated_figures,
)
from placeopt.report.tables.sheet import Heading, Sheet
from placeopt.scenario.wording import exact_per_cent, figure

if TYPE_CHECKING:
    from markupsafe import Markup

    from placeopt.engine import Answer

MAX_ROWS = 400  # of a table on the page
DECISION_RANK = {"close": 0, "given_up": 0, "hub": 1, "open": 2, "moves_out": 0, "moves_in": 1}


def write_page(
    answer: Answer,
    narrative: Narrative,
    sheets: dict[str, Sheet],
    path: Path,
    other_files: list[str],
) -> Path:
    """Write the page; ``other_files`` are the files beside it that it links to."""
    html = render_page(answer, narrative, sheets, other_files)
    path.write_text(html, encoding="utf-8")
    return path


def render_page(
    answer: Answer, narrative: Narrative, sheets: dict[str, Sheet], other_files: list[str]
) -> str:
    """Return the page as text."""
    is_estate = answer.plan is not None and "buildings" in answer.plan.tables
    context: dict[str, Any] = {
        "answer": answer,
        "info": answer.place.info,
        "question": answer.scenario.question,
        "narrative": narrative,
        "verified": verified_in_words(answer),
        "minutes_caveats": minutes_caveats_in_words(answer),
        "as_if_driving": as_if_driving(answer),
        "objectives": objectives_in_words(answer),
        "cards": [
            _card(figure, unstated_figures(answer), partly_stated_figures(answer))
            for figure in _visible_figures(answer, narrative)
        ],
        "saving_parts": saving_parts(answer),
        "exact_terms": _exact_terms(answer),
        "tables": {name: _table(sheet) for name, sheet in sheets.items()},
        "charts": _charts(answer, sheets),
        "travel": _travel(answer),
        "carbon_sources": sorted(set(answer.place.carbon_values["source"]) - {""}),
        "other_files": other_files,
        "css": _asset("templates/page.css"),
        "js": _asset("templates/page.js"),
        "providers": providers_in_words(answer),
        "evidence": evidence_in_words(answer),
        "compared": counterfactual_in_words(answer) if answer.scenario.problem == "budget" else "",
        "map": None,
        "reach": None,
        "area": None,
    }
    if is_estate:
        context |= _map(answer, sheets) | {"reach": _reach(answer), "area": _area(answer)}
    return str(_template().render(context))


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

    from placeopt.report.page.map_data import build_map_data
    from placeopt.report.tables.closures import add_closures_to_map

    map_data = build_map_data(answer, sheets)
    flows = add_closures_to_map(answer, map_data.buildings)
    has_given_up = any(b["d"] == "close" and b["s"] == "vacant" for b in map_data.buildings)
    labels = {"close": "Closes or is given up"} if has_given_up else {}
    data = {
        "zones": map_data.zones,
        "districts": map_data.districts,
        "streets": map_data.streets,
        "buildings": map_data.buildings,
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
        "map_notes": map_data.notes,
        "has_streets": bool(map_data.streets),
        "has_districts": bool(map_data.districts),
        "leaflet_js": _without_links(_asset("vendor/leaflet/leaflet.js")),
        "leaflet_css": _without_links(_asset("vendor/leaflet/leaflet.css")),
    }


def _reach(answer: Answer) -> dict[str, Any] | None:
    from placeopt.report.page.reach import reach_maps

    reach = reach_maps(answer)
    if reach and reach["data"]:
        reach["data"] = data_script(reach["data"])
    return reach


def _area(answer: Answer) -> dict[str, Any] | None:
    from placeopt.report.page.my_area import area_data

    area = area_data(answer)
    if area:
        area |= {"js": _asset("templates/area.js"), "css": _asset("templates/area.css")}
        area["data"] = data_script(area["data"]) if area["data"] else None
    return area


def _scale(edges: Any, colours: Any, words: Any) -> dict[str, Any]:
    return {"edges": list(edges), "colours": list(colours), "words": list(words)}


def data_script(data: Any) -> Markup:
    """Return data as JSON for a script element; it cannot end the element."""
    from markupsafe import Markup

    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, safe in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, safe)
    return Markup(text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _without_links(text: Markup) -> Markup:
    """Return Leaflet without its source map and images, which would load files."""
    import re

    from markupsafe import Markup

    plain = re.sub(r"//# sourceMappingURL=.*", "", str(text))
    return Markup(re.sub(r"url\((?!#)[^)]*\)", "none", plain).replace("</script", "<\\/script"))


def _visible_figures(answer: Answer, narrative: Narrative) -> list[Any]:
    """Return the figures that have a value, those that the question names first."""
    lead, unstated = answer.scenario.answer.lead, unstated_figures(answer)
    visible = [
        f
        for f in narrative.figures
        if f.key in unstated or not (is_missing(f.plan) and is_missing(f.today))
    ]
    return sorted(visible, key=lambda f: lead.index(f.key) if f.key in lead else len(lead))


def _card(figure: Any, unstated_figures: set[str], partly: dict[str, str]) -> dict[str, str]:
    """Return a key figure: today, the plan, and whether the plan is better or worse."""
    if figure.key in unstated_figures:
        plan = {"plan": NOT_STATED, "today_is": figure.today_is}
        return {"label": figure.label, "today": "", "judgement": "", **plan}

    def text(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return ""
        return (
            pounds_in_words(value) if figure.format == "gbp" else format_value(value, figure.format)
        )

    note = f" ({partly[figure.key]})" if figure.key in partly else ""
    judgement = ""
    if figure.today is not None and figure.plan is not None and figure.better:
        change = figure.plan - figure.today
        if abs(change) > 1e-9:
            judgement = "better" if (change < 0) == (figure.better == "lower") else "worse"
    return {
        "label": f"{figure.label}{note}",
        "today": text(figure.today),
        "today_is": figure.today_is,
        "plan": text(figure.plan),
        "judgement": judgement,
    }


def _exact_terms(answer: Answer) -> list[tuple[str, str]]:
    """Return status, bound, gap and engine as (label, value) rows."""
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
        *reassignment_terms(answer),
        ("Engine", f"{result.engine} {result.version}".strip()),
        ("Time", seconds),
        ("Seed", "" if result.seed is None else str(result.seed)),
        ("Message", result.message),
    ]
    return [(name, value) for name, value in rows if value]


def _value_of(answer: Answer) -> str:
    return "Least cost found" if reassignment_terms(answer) else "Value of the plan"


def _travel(answer: Answer) -> list[str]:
    """Return how minutes were measured, one line per mode."""
    if answer.times is None:
        return []
    return [
        f"{in_words(mode)}: " + ", ".join(f"{in_words(k).lower()} {v}" for k, v in facts.items())
        for mode, facts in answer.times.provenance.items()
    ]


# ------------------------------------------------------------------------------------- tables


def _table(sheet: Sheet) -> dict[str, Any]:
    """Return a table of the page: headings and rows of (text, sort key, whether a number)."""
    frame, headings = sheet.frame, sheet.on_page
    if len(frame) and sheet.name in ("buildings", "zones", "access", "services"):
        frame = _largest_changes_first(sheet)
    rows = frame.head(MAX_ROWS).to_dict("records")
    return {
        "name": sheet.name,
        "title": sheet.title,
        "headings": headings,
        "rows": [[_cell(row, heading) for heading in headings] for row in rows],
        "totals": _totals(sheet, headings),
        "count": len(sheet.frame),
        "is_cut": len(sheet.frame) > MAX_ROWS,
    }


def _largest_changes_first(sheet: Sheet) -> Any:
    """Return the rows with buildings that change, or zones that lose most, at the top."""
    frame = sheet.frame
    if "change_minutes" in frame:
        return frame.sort_values(minutes_column(frame, "change"), ascending=False, kind="stable")
    rank = {in_words(word): number for word, number in DECISION_RANK.items()}
    order = frame["decision"].map(rank).fillna(9)
    return frame.loc[order.sort_values(kind="stable").index]


def _cell(row: Any, heading: Heading) -> tuple[str, Any, bool]:
    value = row[heading.name]
    kind = format_in_row(heading.format, str(row.get("unit", "")))
    is_number = kind in NUMBER_FORMATS and not isinstance(value, str)
    key = "" if is_missing(value) else (float(value) if is_number else str(value))
    if is_missing(value) and (words := empty_cell(heading.name, row)):
        return words, key, is_number
    return format_value(value, kind), key, is_number


def _totals(sheet: Sheet, headings: tuple[Heading, ...]) -> list[str]:
    if not any(heading.total for heading in headings) or not len(sheet.frame):
        return []
    return [format_value(sheet.total(h.name), h.format) if h.total else "" for h in headings]


# ------------------------------------------------------------------------------------- charts


def _charts(answer: Answer, sheets: dict[str, Sheet]) -> dict[str, Markup]:
    if answer.plan is None:
        return {}
    if "spending" in answer.plan.tables:
        return {**_budget_charts(sheets), **budget_year_charts(answer)}
    return estate_charts(sheets)


def _budget_charts(sheets: dict[str, Sheet]) -> dict[str, Markup]:
    spending, agencies, outcomes = (
        sheets[name].frame for name in ("spending", "agencies", "outcomes")
    )
    changed = spending[spending["change_gbp"].abs() >= 0.5]
    changed = changed.reindex(changed["change_gbp"].abs().sort_values(ascending=False).index).head(
        24
    )
    changed = changed.sort_values("change_gbp", ascending=False)
    rows = [
        (str(name), float(change), ("+" if change > 0 else "") + pounds_in_words(change))
        for name, change in zip(changed["name"], changed["change_gbp"], strict=True)
    ]
    marks = [
        svg.OutcomeMark(
            label=str(row["name"]),
            unit=str(row["unit"]),
            higher_is_better=str(row["direction"]).lower() == "higher",
            baseline=float(row["baseline"]),
            after=float(row["after"]),
            minimum=None if is_missing(row["minimum_standard"]) else float(row["minimum_standard"]),
            target=None if is_missing(row["target"]) else float(row["target"]),
        )
        for row in outcomes.to_dict("records")
    ]
    return {
        "spending": svg.change_bars("Change in spending by programme", rows, up_is_worse=False),
        "outcomes": svg.standards_chart("Outcomes against standards and targets", marks),
        "agencies": svg.paired_bars(
            "Spending by agency", make_pairs(agencies.set_index("name"), "before_gbp", "after_gbp")
        ),
    }
