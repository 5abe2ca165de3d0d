"""A plain picture of a solution on points: which site serves which customer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from placeopt.base.errors import UsageError
from placeopt.base.files import atomic_file
from placeopt.location.distances import Points
from placeopt.location.solution import Solution

SIZE = 420  # pixels, the longer side
MARGIN = 12


def draw(solution: Solution, path: str | Path) -> Path:
    """Write an SVG: customers as dots, lines to their sites, open sites as squares.

    Unserved customers are hollow; if the problem has a radius, it is drawn around the open sites.

    Args:
        solution: A solution of a problem on points.
        path: The file to write.

    Returns:
        The file written.

    Raises:
        UsageError: If the problem has no points.
    """
    problem = solution.problem
    if not isinstance(problem.distances, Points):
        raise UsageError("only a problem on points can be drawn")
    customers, sites = problem.distances.customers, problem.distances.sites
    all_points = np.vstack([customers, sites])
    low = all_points.min(axis=0)
    scale = (SIZE - 2 * MARGIN) / max(1e-9, float((all_points.max(axis=0) - low).max()))

    def to_pixels(point: np.ndarray) -> tuple[float, float]:
        x, y = (point - low) * scale
        return round(float(x) + MARGIN, 1), round(SIZE - MARGIN - float(y), 1)

    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img">',
        f"<title>{problem.kind}: {solution.summary()}</title>",
        f'<rect width="{SIZE}" height="{SIZE}" fill="white"/>',
    ]
    for i, j in _served_pairs(solution):
        (a, b), (c, d) = to_pixels(customers[i]), to_pixels(sites[j])
        elements.append(f'<path d="M{a} {b}L{c} {d}" stroke="#9aa7b5" stroke-width="0.8"/>')
    if problem.radius:
        for j in solution.positions:
            x, y = to_pixels(sites[j])
            r = round(problem.radius * scale, 1)
            elements.append(
                f'<circle cx="{x}" cy="{y}" r="{r}" fill="#0b6e99" fill-opacity="0.07" '
                'stroke="#0b6e99" stroke-width="0.6"/>'
            )
    served = {i for i, _ in _served_pairs(solution)}
    for i, point in enumerate(customers):
        x, y = to_pixels(point)
        fill = "#33475b" if i in served else "white"
        elements.append(f'<circle cx="{x}" cy="{y}" r="2.6" fill="{fill}" stroke="#33475b"/>')
    for j in solution.positions:
        x, y = to_pixels(sites[j])
        elements.append(f'<rect x="{x - 5}" y="{y - 5}" width="10" height="10" fill="#c0392b"/>')
    target = Path(path)
    with atomic_file(target) as made:
        made.write_text("\n".join([*elements, "</svg>"]) + "\n", encoding="utf-8")
    return target


def _served_pairs(solution: Solution) -> list[tuple[int, int]]:
    """Pairs of a customer and a site that serves it."""
    if solution.flows is not None:
        pairs = solution.flows.tocoo()
        return [(int(i), int(j)) for i, j in zip(*pairs.coords, strict=True)]
    if solution.assigned is None:
        return []
    return [(i, int(j)) for i, j in enumerate(solution.assigned) if j >= 0]
