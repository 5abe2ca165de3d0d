"""Charts as inline SVG without scripts, readable in print and by screen readers.

Every chart has a title and a description; the table beside it holds the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from placeopt.report.charts.palette import band_colours
from placeopt.scenario.wording import figure

CHART_WIDTH, LABEL_WIDTH, ROW_HEIGHT = 820, 270, 34
PHONE_WIDTH = 345  # pixels
SWIPE_HINT = Markup(
    '<p class="cue no-print" aria-hidden="true">Swipe the chart sideways to see all of it →</p>'
)
CHANGE_COLOUR = "#d55e00"
STATE_COLOURS = {  # of a building in a year, dark where it is in use
    "Open": "#1f4e79",
    "In use under its other entry": "#56b4e9",
    "Empty": "#b9c2cc",
    "Held empty": "#b9c2cc",
    "Possible site": "#eef1f3",
    "Not used": "#eef1f3",
    "Given up": "#ffffff",
    "Sold": "#ffffff",
    "Lease ended": "#f3e6c4",
}
BEFORE, AFTER, WORSE, BETTER = "#9aa7b4", "#1f4e79", "#b2182b", "#04724d"


@dataclass(frozen=True)
class Pair:
    """One label with a value today and in the plan, and the texts that show them."""

    label: str
    before: float
    after: float
    before_text: str
    after_text: str


@dataclass(frozen=True)
class BuildingYear:
    """A building in one year.

    Attributes:
        state: Its state, in words.
        services: Names of the services that it hosts.
        changed: Whether the services differ from the year before.
    """

    state: str
    services: str
    changed: bool


@dataclass(frozen=True)
class OutcomeMark:
    """Levels of one outcome, on its own scale; None where a level is not stated."""

    label: str
    unit: str
    higher_is_better: bool
    baseline: float
    after: float
    minimum: float | None
    target: float | None


def paired_bars(title: str, rows: Sequence[Pair], today: str = "today") -> Markup:
    """Draw two bars for each label: ``today`` above, the plan below."""
    largest = max([abs(v) for row in rows for v in (row.before, row.after)] or [1]) or 1
    bar_width = CHART_WIDTH - LABEL_WIDTH - 110
    height, body = ROW_HEIGHT * len(rows) + 30, []
    for number, row in enumerate(rows):
        top = 26 + number * ROW_HEIGHT
        body.append(row_label(row.label, top + 17))
        for shift, value, text, colour in (
            (2, row.before, row.before_text, BEFORE),
            (15, row.after, row.after_text, AFTER),
        ):
            length = max(1.0, abs(value) / largest * bar_width) if value else 0
            body.append(bar(LABEL_WIDTH, top + shift, length, 11, colour))
            body.append(text_at(LABEL_WIDTH + length + 6, top + shift + 10, text))
    key = legend([(BEFORE, today), (AFTER, "in the plan")])
    description = "; ".join(
        f"{r.label}: {r.before_text} {today}, {r.after_text} in the plan" for r in rows
    )
    return chart(title, description, height, key + Markup("").join(body))


def change_bars(title: str, rows: Sequence[tuple[str, float, str]], up_is_worse: bool) -> Markup:
    """Draw bars to the left for less, to the right for more.

    Args:
        title: Title of the chart.
        rows: (label, change, text of the change).
        up_is_worse: Whether an increase is drawn as worse.
    """
    largest = max([abs(value) for _, value, _ in rows] or [1]) or 1
    middle = LABEL_WIDTH + (CHART_WIDTH - LABEL_WIDTH) / 2
    bar_width = (CHART_WIDTH - LABEL_WIDTH) / 2 - 90
    step, body = 22, []
    for number, (label, value, text) in enumerate(rows):
        top = 8 + number * step
        length = abs(value) / largest * bar_width
        colour = (WORSE if up_is_worse else AFTER) if value > 0 else "#c77d1e"
        if up_is_worse and value <= 0:
            colour = BETTER
        body.append(row_label(label, top + 12))
        body.append(bar(middle if value > 0 else middle - length, top, length, 15, colour))
        if value > 0:
            body.append(text_at(middle + length + 6, top + 12, text))
        else:
            body.append(text_at(middle - length - 6, top + 12, text, anchor="end"))
    body.append(
        Markup('<line x1="{0}" x2="{0}" y1="2" y2="{1}" stroke="#444"/>').format(
            middle, 10 + step * len(rows)
        )
    )
    description = "; ".join(f"{label}: {text}" for label, _, text in rows)
    return chart(title, description, 14 + step * len(rows), Markup("").join(body))


def stacked_shares(
    title: str, names: Sequence[str], rows: Sequence[tuple[str, Sequence[float], Sequence[float]]]
) -> Markup:
    """Draw shares of residents by band.

    Args:
        title: Title of the chart.
        names: Names of the bands.
        rows: (label, residents by band today, residents by band in the plan).
    """
    colours = band_colours(len(names))
    bar_width, step = CHART_WIDTH - LABEL_WIDTH - 60, 44
    key = legend(list(zip(colours, names, strict=True)), wrap=4)
    top0 = 26 + 18 * ((len(names) - 1) // 4)
    body = []
    for number, (label, before, after) in enumerate(rows):
        top = top0 + number * step
        body.append(row_label(label, top + 19))
        for shift, values, when in ((0, before, "today"), (17, after, "plan")):
            total, x = sum(values) or 1.0, float(LABEL_WIDTH + 46)
            body.append(text_at(LABEL_WIDTH + 40, top + shift + 12, when, anchor="end"))
            for colour, value, name in zip(colours, values, names, strict=True):
                length = value / total * bar_width
                tip = f"{label}, {when}, {name}: {value:,.0f} residents"
                body.append(bar(x, top + shift, length, 15, colour, tip))
                x += length
    description = (
        f"{len(rows)} services, shares of residents by minutes; the table has the figures."
    )
    return chart(title, description, top0 + step * len(rows), key + Markup("").join(body))


def column_chart(title: str, bars: Sequence[tuple[str, float, str]]) -> Markup:
    """Draw one column per class: (label, residents, colour)."""
    largest = max([value for _, value, _ in bars] or [1]) or 1
    total = sum(value for _, value, _ in bars) or 1
    column_width, height, body = CHART_WIDTH / max(1, len(bars)), 220, []
    for number, (label, value, colour) in enumerate(bars):
        column_height = value / largest * 140
        left = number * column_width + 8
        body.append(
            bar(
                left,
                170 - column_height,
                column_width - 16,
                column_height,
                colour,
                f"{label}: {value:,.0f}",
                True,
            )
        )
        centre = left + column_width / 2 - 8
        text = f"{value:,.0f} ({100 * value / total:.0f} %)"
        body.append(text_at(centre, 164 - column_height, text, anchor="middle"))
        body.append(text_at(centre, 190, label, anchor="middle"))
    body.append(Markup('<line x1="0" x2="820" y1="170" y2="170" stroke="#444"/>'))
    body.append(text_at(CHART_WIDTH / 2, 212, "change in mean minutes", "middle"))
    description = "; ".join(f"{label}: {value:,.0f} residents" for label, value, _ in bars)
    return chart(title, description, height, Markup("").join(body))


def standards_chart(title: str, rows: Sequence[OutcomeMark]) -> Markup:
    """Draw outcomes, each on its own scale, better always to the right."""
    bar_width, step, body = CHART_WIDTH - LABEL_WIDTH - 60, 58, []
    for number, row in enumerate(rows):
        top = 44 + number * step
        levels = [v for v in (row.baseline, row.after, row.minimum, row.target) if v is not None]
        low, high = min(levels), max(levels)
        spread = (high - low) or abs(high) or 1.0

        def position(
            value: float,
            low: float = low,
            spread: float = spread,
            up: bool = (row.higher_is_better),
        ) -> float:
            share = (value - low) / spread
            return LABEL_WIDTH + 20 + (share if up else 1 - share) * bar_width

        body.append(row_label(row.label, top + 5))
        body.append(text_at(LABEL_WIDTH - 10, top + 21, row.unit, anchor="end", soft=True))
        body.append(
            Markup(
                '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="#c9d1d9" stroke-width="4"/>'
            ).format(LABEL_WIDTH + 20, LABEL_WIDTH + 20 + bar_width, top + 8, top + 8)
        )
        for value, colour in ((row.minimum, WORSE), (row.target, BETTER)):
            if value is not None:
                body.append(bar(position(value) - 1.5, top - 2, 3, 20, colour))
                body.append(
                    text_at(position(value), top + 32, level_in_words(value), anchor="middle")
                )
        body.append(dot(position(row.baseline), top + 8, "#fff", "#555"))
        body.append(dot(position(row.after), top + 8, AFTER, AFTER))
        body.append(
            text_at(position(row.after), top - 6, level_in_words(row.after), anchor="middle")
        )
    key = legend(
        [
            ("#ffffff", "today"),
            (AFTER, "in the plan"),
            (WORSE, "minimum standard"),
            (BETTER, "target"),
        ]
    ) + text_at(CHART_WIDTH - 10, 14, "better →", anchor="end")
    description = "; ".join(
        f"{r.label}: {level_in_words(r.baseline)} today, {level_in_words(r.after)} in the plan"
        + (f", minimum {level_in_words(r.minimum)}" if r.minimum is not None else "")
        + (f", target {level_in_words(r.target)}" if r.target is not None else "")
        for r in rows
    )
    return chart(title, description, 50 + step * len(rows), key + Markup("").join(body))


def timeline_chart(
    title: str, years: Sequence[str], rows: Sequence[tuple[str, Sequence[BuildingYear]]]
) -> Markup:
    """Draw the state of each building in each year.

    A bar at the left of a cell marks services that differ from the year before. Names are above
    their cells, so that four years fit a phone and no name is cut.

    Args:
        title: Title of the chart.
        years: Labels of the years.
        rows: (building, its state in each year).
    """
    states = list(dict.fromkeys(entry.state for _, entries in rows for entry in entries))
    legend_entries = [(STATE_COLOURS.get(s, "#fff"), s) for s in states]
    if any(entry.changed for _, entries in rows for entry in entries):
        legend_entries.append((CHANGE_COLOUR, "services change"))
    cell_width, step = 100, 40
    chart_width = max(4, len(years)) * cell_width
    lines = _legend_lines(legend_entries, chart_width)
    top0 = 26 + 18 * len(lines)
    body = [legend(line, down=18 * n) for n, line in enumerate(lines)]
    for n, year in enumerate(years):
        body.append(text_at((n + 0.5) * cell_width, top0 - 8, year, anchor="middle"))
    for number, (label, entries) in enumerate(rows):
        top = top0 + number * step + 18
        body.append(text_at(0, top - 5, label))
        for n, (year, entry) in enumerate(zip(years, entries, strict=True)):
            left = n * cell_width
            tip = f"{label}, {year}: {entry.state}" + (
                f": {entry.services}" if entry.services else ""
            )
            colour = STATE_COLOURS.get(entry.state, "#fff")
            body.append(bar(left + 1, top, cell_width - 2, 16, colour, tip, True))
            if entry.changed:
                body.append(bar(left + 1, top, 6, 16, CHANGE_COLOUR))
    description = "; ".join(
        f"{label}: " + ", ".join(f"{y} {s.state}" for y, s in zip(years, entries, strict=True))
        for label, entries in rows
    )
    height = top0 + step * len(rows) + 4
    return chart(title, description, height, Markup("").join(body), chart_width)


def _legend_lines(entries: Sequence[tuple[str, str]], width: float) -> list[list[tuple[str, str]]]:
    """Return the entries of a legend in lines of at most ``width`` pixels."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for entry in entries:
        own = _entry_width(entry[1])
        if lines[-1] and used + own > width:
            lines.append([])
            used = 0.0
        lines[-1].append(entry)
        used += own
    return lines


def _entry_width(text: str) -> float:
    return 17 + 7.2 * len(text) + 18


def level_in_words(value: float) -> str:
    """Return an outcome's level as text: ``80,000``, ``83.5``."""
    return figure(value)


def chart(
    title: str, description: str, height: float, body: Markup, width: int | None = None
) -> Markup:
    """Return the chart as an SVG element.

    A chart with a ``width`` of its own is shrunk to fit a phone as far as its text stays readable;
    a wider one is swiped sideways.
    """
    size, must_swipe = "", True
    if width is not None:
        size = f' style="min-width:{round(0.85 * width)}px;max-width:{round(1.3 * width)}px"'
        must_swipe = 0.85 * width > PHONE_WIDTH
    return Markup(
        '{}<div class="chart-wrap" tabindex="0"><svg class="chart" role="img" '
        'viewBox="0 0 {} {}"{} '
        'aria-label="{}"><title>{}</title><desc>{}</desc>{}</svg></div>'
    ).format(
        SWIPE_HINT if must_swipe else "",
        CHART_WIDTH if width is None else width,
        round(height),
        Markup(size),
        title,
        title,
        description,
        body,
    )


def legend(entries: Sequence[tuple[str, str]], wrap: int = 9, down: float = 0.0) -> Markup:
    """Return a legend: (colour, text), ``wrap`` to a line, ``down`` pixels below the top."""
    parts, x = [], 0.0
    for number, (colour, text) in enumerate(entries):
        line = number // wrap + down / 18
        x = 0.0 if number % wrap == 0 else x
        parts.append(
            Markup(
                '<rect x="{}" y="{}" width="12" height="12" fill="{}" stroke="#666" '
                'stroke-width="0.6"/>'
            ).format(round(x, 1), 4 + 18 * line, colour)
        )
        parts.append(text_at(x + 17, 14 + 18 * line, text))
        x += _entry_width(text)
    return Markup("").join(parts)


def bar(
    x: float, y: float, width: float, height: float, colour: str, tip: str = "", edge: bool = False
) -> Markup:
    """Return a rectangle with a tooltip; lengths are in pixels of the chart."""
    title = Markup("<title>{}</title>").format(tip) if tip else Markup("")
    line = Markup(' stroke="#777" stroke-width="0.6"') if edge else Markup("")
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"{}>{}</rect>').format(
        round(x, 1), round(y, 1), round(max(0, width), 1), round(height, 1), colour, line, title
    )


def dot(x: float, y: float, fill: str, edge: str) -> Markup:
    """Return a circle of 6 pixels."""
    return Markup('<circle cx="{}" cy="{}" r="6" fill="{}" stroke="{}" stroke-width="2"/>').format(
        round(x, 1), y, fill, edge
    )


def row_label(text: str, y: float) -> Markup:
    """Return the label at the left of a row, cut to 36 characters."""
    short = text if len(text) <= 36 else text[:35] + "…"
    return Markup('<text x="{}" y="{}" text-anchor="end">{}<title>{}</title></text>').format(
        LABEL_WIDTH - 10, round(y, 1), escape(short), escape(text)
    )


def text_at(x: float, y: float, text: str, anchor: str = "start", soft: bool = False) -> Markup:
    """Return a text; ``anchor`` is start, middle or end, and ``soft`` text is grey."""
    return Markup('<text x="{}" y="{}" text-anchor="{}"{}>{}</text>').format(
        round(x, 1), round(y, 1), anchor, Markup(' class="soft"') if soft else "", text
    )
