"""A plain picture of a solution on points: who goes where."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from placeopt.base.errors import UsageError
from placeopt.base.files import whole_file
from placeopt.location.distances import Points
from placeopt.location.solution import Solution

SIZE = 420  # pixels, the longer side
MARGIN = 12


def draw(solution: Solution, path: str | Path) -> Path:
    """Write an SVG: customers as dots, lines to their sites, opened sites as squares.

    Customers whom nobody serves are hollow; a radius, if the problem has one, is drawn around the
    opened sites. Raises ``UsageError`` for a problem that has no points.
    """
    problem = solution.problem
    if not isinstance(problem.distances, Points):
        raise UsageError("only a problem on points can be drawn")
    customers, sites = problem.distances.customers, problem.distances.sites
    both = np.vstack([customers, sites])
    low = both.min(axis=0)
    scale = (SIZE - 2 * MARGIN) / max(1e-9, float((both.max(axis=0) - low).max()))

    def at(point: np.ndarray) -> tuple[float, float]:
        x, y = (point - low) * scale
        return round(float(x) + MARGIN, 1), round(SIZE - MARGIN - float(y), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img">',
        f"<title>{problem.kind}: {solution.summary()}</title>",
        f'<rect width="{SIZE}" height="{SIZE}" fill="white"/>',
    ]
    for i, j in _trips(solution):
        (a, b), (c, d) = at(customers[i]), at(sites[j])
        parts.append(f'<path d="M{a} {b}L{c} {d}" stroke="#9aa7b5" stroke-width="0.8"/>')
    if problem.radius:
        for j in solution.positions:
            x, y = at(sites[j])
            r = round(problem.radius * scale, 1)
            parts.append(
                f'<circle cx="{x}" cy="{y}" r="{r}" fill="#0b6e99" fill-opacity="0.07" '
                'stroke="#0b6e99" stroke-width="0.6"/>'
            )
    served = {i for i, _ in _trips(solution)}
    for i, point in enumerate(customers):
        x, y = at(point)
        fill = "#33475b" if i in served else "white"
        parts.append(f'<circle cx="{x}" cy="{y}" r="2.6" fill="{fill}" stroke="#33475b"/>')
    for j in solution.positions:
        x, y = at(sites[j])
        parts.append(f'<rect x="{x - 5}" y="{y - 5}" width="10" height="10" fill="#c0392b"/>')
    target = Path(path)
    with whole_file(target) as made:
        made.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")
    return target


def _trips(solution: Solution) -> list[tuple[int, int]]:
    """Customers and the sites that serve them."""
    if solution.flows is not None:
        pairs = solution.flows.tocoo()
        return [(int(i), int(j)) for i, j in zip(*pairs.coords, strict=True)]
    if solution.assigned is None:
        return []
    return [(i, int(j)) for i, j in enumerate(solution.assigned) if j >= 0]
