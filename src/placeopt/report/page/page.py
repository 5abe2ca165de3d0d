"""Put the page together: words first, then the map, charts, tables, rules and provenance.

Everything is inlined (style, script, Leaflet), so that the file opens from a folder, a mail or a
council's intranet without any connection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from placeopt.engine import Answer
from placeopt.report.headings import TITLES, Heading, heading_of
from placeopt.report.layers import COLOURS
from placeopt.report.money import gbp_exact
from placeopt.report.page.charts import charts
from placeopt.report.page.map import map_data
from placeopt.report.page.story import story
from placeopt.report.summary import plain, summary_of

ROWS_SHOWN = 500  # longer tables show this many rows and name the CSV that has them all
HIDDEN = {"x_m", "y_m"}


@dataclass(frozen=True)
class Table:
    """A table as the page shows it: headings, and cells as (text, sort key)."""

    name: str
    title: str
    headings: list[Heading]
    rows: list[list[tuple[str, Any]]]
    left_out: int


def write_page(answer: Answer, path: Path) -> Path:
    """Write the page to ``path``."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_asset("page/page.html"))
    drawn = map_data(answer)
    text = template.render(
        answer=answer,
        summary=summary_of(answer),
        story=story(answer),
        charts=charts(answer),
        tables=_tables(answer),
        checks=answer.verification.checks if answer.verification else (),
        broken_today=answer.verification.broken_today if answer.verification else (),
        assumptions=answer.place.assumptions.to_dict("records"),
        facts=_facts(plain(dict(answer.provenance))),
        colours=COLOURS,
        map_json=_script_safe(json.dumps(drawn)) if drawn else "",
        style=_asset("page/page.css"),
        script=_asset("page/page.js"),
        leaflet_style=_asset("vendor/leaflet.css") if drawn else "",
        leaflet=_asset("vendor/leaflet.js") if drawn else "",
    )
    path.write_text(text, encoding="utf-8")
    return path


def _tables(answer: Answer) -> list[Table]:
    if answer.plan is None:
        return []
    problem = answer.scenario.problem
    found = []
    for name, title in TITLES.get(problem, {}).items():
        if name not in answer.plan.tables:
            continue
        table = answer.plan.tables[name]
        columns = [c for c in table.columns if c not in HIDDEN]
        headings = [heading_of(problem, name, c) for c in columns]
        cut = table[columns].head(ROWS_SHOWN)
        cells = [
            [shown(heading, value) for value in cut[heading.column].tolist()]
            for heading in headings
        ]
        rows = [list(row) for row in zip(*cells, strict=True)]
        found.append(Table(name, title, headings, rows, len(table) - len(cut)))
    return found


def shown(heading: Heading, value: Any) -> tuple[str, Any]:
    """(what a cell shows, what it sorts by)."""
    if value is None or value is pd.NA or value != value:
        return "–", ""
    form = heading.format
    if form == "yesno":
        return ("yes" if value else "no"), int(bool(value))
    if isinstance(value, str) or form in {"text", "wide"}:
        is_word = heading.column in {"kind", "decision", "status_before", "line", "objective"}
        return str(value).replace("_", " ") if is_word else str(value), str(value)
    number = float(value)
    texts = {
        "gbp": gbp_exact(number),
        "minutes": f"{number:.1f}",
        "share": f"{100 * number:.1f} %",
        "small": f"{number:.3g}",
        "number": f"{number:,.2f}",
        "year": f"{number:.0f}",
    }
    return texts.get(form, f"{number:,.0f}"), number


def _facts(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            facts += _facts(value, f"{name} · ")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            facts.append((name.replace("_", " "), text))
    return facts


def _script_safe(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _asset(name: str) -> str:
    return (files("placeopt.report") / name).read_text(encoding="utf-8")
