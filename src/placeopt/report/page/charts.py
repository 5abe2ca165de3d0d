"""Before-and-after bars as inline SVG: no script, no library, readable in print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from placeopt.engine import Answer
from placeopt.report.money import gbp

WIDTH, LABEL, ROW, BAR = 640, 220, 40, 14
LEFT = 20  # where an outcome's line begins
BEFORE, AFTER = "#9aa5b1", "#0072b2"


@dataclass(frozen=True)
class Chart:
    title: str
    svg: str
    note: str = ""


def charts(answer: Answer) -> list[Chart]:
    """The charts of one answer; empty where there is no plan."""
    if answer.plan is None:
        return []
    if answer.scenario.problem == "estate":
        return _estate(answer)
    return _budget(answer)


def _estate(answer: Answer) -> list[Chart]:
    assert answer.plan is not None
    names = dict(
        zip(answer.place.agencies["agency_id"], answer.place.agencies["name"], strict=True)
    )
    money = answer.plan.money.groupby("agency_id", sort=False)[
        ["before_gbp_per_year", "after_gbp_per_year"]
    ].sum()
    rows = [
        (str(names.get(agency) or agency or "no agency named"), row.iloc[0], row.iloc[1])
        for agency, row in money.iterrows()
    ]
    found = [Chart("Cost of a year by agency", bars(rows, gbp))]
    bands = answer.plan.bands
    for service in bands["service_id"].drop_duplicates().tolist()[:12]:
        part = bands[bands["service_id"] == service]
        rows = [
            (band, before, after)
            for band, before, after in zip(
                part["band"], part["residents_before"], part["residents_after"], strict=True
            )
        ]
        found.append(Chart(f"Residents by minutes: {_name(answer, service)}", bars(rows, _people)))
    return found


def _budget(answer: Answer) -> list[Chart]:
    assert answer.plan is not None
    spending = answer.plan.spending.sort_values("before_gbp", ascending=False).head(40)
    rows = [
        (name or identity, before, after)
        for name, identity, before, after in zip(
            spending["name"],
            spending["programme_id"],
            spending["before_gbp"],
            spending["after_gbp"],
            strict=True,
        )
    ]
    found = [Chart("Spending by programme", bars(rows, gbp))]
    agencies = answer.plan.agencies
    rows = [
        (name or identity, before, after)
        for name, identity, before, after in zip(
            agencies["name"],
            agencies["agency_id"],
            agencies["before_gbp"],
            agencies["after_gbp"],
            strict=True,
        )
    ]
    found.append(Chart("Spending by agency", bars(rows, gbp)))
    found.append(Chart("Outcomes from baseline to target", _outcomes(answer), _OUTCOMES_NOTE))
    return found


_OUTCOMES_NOTE = (
    "Each line runs from worse (left) to better (right). Grey: today. Blue: the plan. "
    "Red bar: minimum standard. Green bar: target."
)


def bars(rows: Sequence[tuple[str, float, float]], form) -> str:  # type: ignore[no-untyped-def]
    """Pairs of bars, today above plan, each with its figure."""
    most = max((max(before, after) for _, before, after in rows), default=0) or 1
    room = WIDTH - LABEL - 130
    height = ROW * len(rows) + 8
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(_aria(rows, form))}" '
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    for i, (label, before, after) in enumerate(rows):
        y = i * ROW + 4
        parts.append(
            f'<text x="{LABEL - 8}" y="{y + 18}" text-anchor="end">{escape(_short(label))}</text>'
        )
        for j, (value, colour) in enumerate(((before, BEFORE), (after, AFTER))):
            length = max(0.0, room * value / most)
            top = y + j * (BAR + 1)
            parts.append(
                f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
                f'<text class="figure" x="{LABEL + length + 5:.1f}" y="{top + 11}">'
                f"{escape(form(value))}</text>"
            )
    return "".join([*parts, "</svg>"])


def _outcomes(answer: Answer) -> str:
    assert answer.plan is not None
    outcomes = answer.plan.outcomes
    height = ROW * len(outcomes) + 12
    room = WIDTH - 2 * LEFT
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Outcomes, see the table" '
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    for i, row in enumerate(outcomes.to_dict("records")):
        y = i * ROW + 28
        marks = [row["baseline"], row["after"], row["minimum_standard"], row["target"]]
        known = [mark for mark in marks if mark == mark]
        low, high = min(known), max(known)
        sign = 1 if row["direction"] == "higher" else -1
        if sign < 0:
            low, high = high, low
        span = (high - low) or 1

        def at(value: float, low: float = low, span: float = span) -> float:
            return LEFT + room * (value - low) / span

        label = escape(row["name"] or row["outcome_id"])
        parts.append(
            f'<text x="8" y="{y - 12}">{label}</text>'
            f'<line x1="{LEFT}" x2="{LEFT + room}" y1="{y}" y2="{y}" stroke="#ccc"/>'
        )
        for value, colour in ((row["minimum_standard"], "#c0392b"), (row["target"], "#2e7d32")):
            if value == value:
                parts.append(
                    f'<line x1="{at(value):.1f}" x2="{at(value):.1f}" y1="{y - 8}" y2="{y + 8}" '
                    f'stroke="{colour}" stroke-width="3"/>'
                )
        for value, colour in ((row["baseline"], BEFORE), (row["after"], AFTER)):
            parts.append(
                f'<circle cx="{at(value):.1f}" cy="{y}" r="6" fill="{colour}">'
                f"<title>{value:.4g} {escape(row['unit'])}</title></circle>"
            )
    return "".join([*parts, "</svg>"])


def _people(count: float) -> str:
    return f"{count:,.0f}"


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


def _aria(rows: Sequence[tuple[str, float, float]], form) -> str:  # type: ignore[no-untyped-def]
    return "; ".join(f"{label}: {form(b)} today, {form(a)} planned" for label, b, a in rows)


def _name(answer: Answer, service: str) -> str:
    services = answer.place.services
    names = services.loc[services["service_id"] == service, "name"].tolist()
    return names[0] if names and names[0] else service
