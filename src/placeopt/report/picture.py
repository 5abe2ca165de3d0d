"""The plan's map as a still picture (SVG), for papers and pages that run no script."""

from __future__ import annotations

from html import escape
from pathlib import Path

from placeopt.engine import Answer
from placeopt.report.layers import COLOURS
from placeopt.report.page.map import map_data

WIDTH = 900
STEPS = [(-5, "#1b7837"), (-0.5, "#a6dba0"), (0.5, "#f7f7f7"), (5, "#e6c48a"), (15, "#bf812d")]
FURTHEST = "#8c510a"
LAST = {"hub": 2, "keep": 1, "open": 1}  # drawn over the others


def write_picture(answer: Answer, path: Path) -> Path | None:
    """Draw zones by change in minutes and buildings by decision; ``None`` if nothing to draw."""
    drawn = map_data(answer)
    if drawn is None:
        return None
    points = [
        at for zone in drawn["zones"] for ring in zone["rings"] or [[zone["at"]]] for at in ring
    ]
    points += [building["at"] for building in drawn["buildings"]]
    bottom, top = min(p[0] for p in points), max(p[0] for p in points)
    left, right = min(p[1] for p in points), max(p[1] for p in points)
    scale = (WIDTH - 20) / max(right - left, 1)
    height = round((top - bottom) * scale) + 20

    def at(point: list[int]) -> str:
        return f"{10 + (point[1] - left) * scale:.1f},{10 + (top - point[0]) * scale:.1f}"

    title = escape(answer.scenario.question)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 34}" role="img" '
        f'aria-label="{title}" font-family="system-ui, sans-serif" font-size="15">',
        f'<rect width="{WIDTH}" height="{height + 34}" fill="#ffffff"/>',
    ]
    for zone in drawn["zones"]:
        for ring in zone["rings"]:
            corners = " ".join(at(point) for point in ring)
            parts.append(
                f'<polygon points="{corners}" fill="{_shade(zone["change"])}" stroke="#8a97a3" '
                'stroke-width="0.5"/>'
            )
    for ring in drawn["districts"]:
        corners = " ".join(at(point) for point in ring)
        parts.append(f'<polygon points="{corners}" fill="none" stroke="#37474f"/>')
    for building in sorted(drawn["buildings"], key=lambda b: LAST.get(b["decision"], 0)):
        parts.append(_mark(at(building["at"]), building["decision"]))
    parts.append(_legend(height + 18, {b["decision"] for b in drawn["buildings"]}))
    path.write_text("".join([*parts, "</svg>\n"]), encoding="utf-8")
    return path


def _mark(at: str, decision: str) -> str:
    x, y = at.split(",")
    colour = COLOURS[decision][0]
    if decision == "hub":
        return (
            f'<rect x="{float(x) - 8:.1f}" y="{float(y) - 8:.1f}" width="16" height="16" rx="2" '
            f'fill="{colour}" stroke="#fff" stroke-width="2"/>'
        )
    radius = 4 if decision in {"close", "stay_vacant", "not_used"} else 5.5
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}" stroke="#fff"/>'


def _legend(y: float, decisions: set[str]) -> str:
    parts, x = [], 14
    for decision, (_, label) in COLOURS.items():
        if decision in decisions:
            parts.append(_mark(f"{x},{y}", decision))
            parts.append(f'<text x="{x + 13}" y="{y + 5}">{escape(label)}</text>')
            x += 34 + 8 * len(label)
    for colour, label in ((STEPS[1][1], "zone nearer"), (STEPS[3][1], "zone further")):
        parts.append(f'<rect x="{x}" y="{y - 7}" width="14" height="14" fill="{colour}"/>')
        parts.append(f'<text x="{x + 19}" y="{y + 5}">{label}</text>')
        x += 34 + 8 * len(label)
    return "".join(parts)


def _shade(change: float | None) -> str:
    if change is None:
        return "#cfd8dc"
    return next((colour for limit, colour in STEPS if change <= limit), FURTHEST)
