"""Charts of a budget over years: spending by kind, and outcomes against their standards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from placeopt.report.charts import svg
from placeopt.report.money import pounds_in_words
from placeopt.report.tables.formats import in_words, is_missing

if TYPE_CHECKING:
    from placeopt.engine import Answer

KINDS = {"reactive": "#8fa3b5", "preventive": "#1f4e79", "enabling": "#d9a441"}
CELL_HEIGHT, CELL_WIDTH, CELLS_PER_ROW = 150, 400, 2  # of one outcome's chart


def budget_year_charts(answer: Answer) -> dict[str, Markup]:
    """Return name -> chart of a plan of several years; empty for a single year."""
    assert answer.plan is not None
    tables = answer.plan.tables
    if "spending_by_year" not in tables or tables["spending_by_year"]["year"].nunique() < 2:
        return {}
    return {"kinds": _spending_by_kind(answer), "outcome_timelines": _outcome_timelines(answer)}


def _spending_by_kind(answer: Answer) -> Markup:
    """Draw one column per year, stacked by kind of programme; today first."""
    assert answer.plan is not None
    spending, by_year = (answer.plan.tables[name] for name in ("spending", "spending_by_year"))
    kind = dict(zip(spending["programme_id"], spending["kind"], strict=True))
    today = spending.groupby("kind")["before_gbp"].sum()
    years = by_year.assign(kind=by_year["programme_id"].map(kind))
    plan = years.pivot_table(index="kind", columns="year", values="plan_gbp", aggfunc="sum")
    columns: list[tuple[str, Any]] = [("today", today.to_dict())]
    columns += [(str(year), plan[year].to_dict()) for year in plan.columns]
    largest = max(sum(parts.values()) for _, parts in columns) or 1.0
    step, body, texts = svg.CHART_WIDTH / len(columns), [], []
    for number, (label, parts) in enumerate(columns):
        top, left, total = 200.0, number * step + 0.15 * step, sum(parts.values())
        for name, colour in KINDS.items():
            gbp = parts.get(name, 0.0)
            height = 150 * gbp / largest
            top -= height
            tip = f"{label}, {in_words(name).lower()}: {pounds_in_words(gbp)}"
            body.append(svg.bar(left, top, 0.7 * step, height, colour, tip))
            if height > 16:
                middle = left + 0.35 * step
                colour_of_text = "#fff" if name == "preventive" else "#111"
                words = Markup('<text x="{}" y="{}" text-anchor="middle" fill="{}">{}</text>')
                y = round(top + height / 2 + 4, 1)
                body.append(words.format(round(middle, 1), y, colour_of_text, pounds_in_words(gbp)))
        body.append(svg.text_at(left + 0.35 * step, top - 6, pounds_in_words(total), "middle"))
        body.append(svg.text_at(left + 0.35 * step, 218, label, "middle"))
        shares = ", ".join(f"{name} {pounds_in_words(gbp)}" for name, gbp in parts.items())
        texts.append(f"{label}: {shares}")
    key = svg.legend([(colour, in_words(name)) for name, colour in KINDS.items()])
    title = "Spending by kind of programme and year"
    return svg.chart(title, "; ".join(texts), 226, key + Markup("").join(body))


def _outcome_timelines(answer: Answer) -> Markup:
    """Draw each outcome over the years beside doing nothing, its standard and its target."""
    assert answer.plan is not None
    outcomes, by_year = (answer.plan.tables[name] for name in ("outcomes", "outcomes_by_year"))
    base = int(answer.place.spending["year"].max())
    body, texts = [], []
    for number, row in enumerate(outcomes.to_dict("records")):
        left = (number % CELLS_PER_ROW) * (svg.CHART_WIDTH / CELLS_PER_ROW)
        top = 30 + (number // CELLS_PER_ROW) * (CELL_HEIGHT + 20)
        own = by_year[by_year["outcome_id"] == row["outcome_id"]]
        years = [base, *(int(year) for year in own["year"])]
        plan, nothing = ([row["baseline"], *own[name]] for name in ("plan", "do_nothing"))
        levels = (row["minimum_standard"], row["target"])
        body.append(
            _outcome_chart(
                str(row["name"]), str(row["unit"]), years, plan, nothing, levels, left, top
            )
        )
        start, end = (svg.level_in_words(float(level)) for level in (plan[0], plan[-1]))
        texts.append(f"{row['name']}: {start} in {base}, {end} in {years[-1]}")
    rows = -(-len(outcomes) // CELLS_PER_ROW)
    key = svg.legend(
        [
            (svg.AFTER, "in the plan"),
            (svg.BEFORE, "if nothing changed"),
            (svg.WORSE, "minimum standard"),
            (svg.BETTER, "target"),
        ]
    )
    title = "Outcomes by year against standards and targets"
    height = 30 + rows * (CELL_HEIGHT + 20)
    return svg.chart(title, "; ".join(texts), height, key + Markup("").join(body))


def _outcome_chart(
    name: str,
    unit: str,
    years: Sequence[int],
    plan: Sequence[float],
    nothing: Sequence[float],
    levels: Sequence[Any],
    left: float,
    top: float,
) -> Markup:
    """Draw one outcome over the years, on its own scale."""
    known = [float(level) for level in levels if not is_missing(level)]
    low, high = min(*plan, *nothing, *known), max(*plan, *nothing, *known)
    spread = (high - low) or abs(high) or 1.0
    width, height, x0, y0 = CELL_WIDTH - 90, CELL_HEIGHT - 55, left + 12, top + 26

    def point(k: int, value: float) -> tuple[float, float]:
        x = x0 + width * k / max(1, len(years) - 1)
        return round(x, 1), round(y0 + height * (1 - (value - low) / spread), 1)

    title = Markup('<text x="{}" y="{}" font-weight="bold">{}<title>{}</title></text>')
    short = name if len(name) <= 44 else name[:43] + "…"
    parts = [title.format(x0, top + 12, short, f"{name}, {unit}")]
    for level, colour in zip(levels, (svg.WORSE, svg.BETTER), strict=True):
        if not is_missing(level):
            (a, y), (b, _) = point(0, float(level)), point(len(years) - 1, float(level))
            parts.append(_line([(a, y), (b, y)], colour, 1.5, "2 3"))
            parts.append(svg.text_at(b + 6, y + 4, svg.level_in_words(float(level)), soft=True))
    for series, colour, dash in ((nothing, svg.BEFORE, "6 4"), (plan, svg.AFTER, "")):
        parts.append(_line([point(*pair) for pair in enumerate(series)], colour, 2.5, dash))
    for k, value in enumerate(plan):
        parts.append(svg.dot(*point(k, value), svg.AFTER, "#fff"))
    x, y = point(len(years) - 1, plan[-1])
    is_clear = all(abs(point(0, level)[1] - y) > 12 for level in known)
    if is_clear:
        parts.append(svg.text_at(x + 8, y + 4, svg.level_in_words(plan[-1])))
    for k in (0, len(years) - 1):
        anchor = "start" if k == 0 else "end"
        parts.append(svg.text_at(point(k, low)[0], y0 + height + 18, str(years[k]), anchor, True))
    parts.append(svg.text_at(x0 + width / 2, y0 + height + 18, unit[:32], "middle", True))
    return Markup("").join(parts)


def _line(points: Sequence[tuple[float, float]], colour: str, width: float, dash: str) -> Markup:
    text = " ".join(f"{x},{y}" for x, y in points)
    return Markup(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-dasharray="{}"/>'
    ).format(text, colour, width, dash or "none")
