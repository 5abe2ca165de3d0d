"""Points: TSPLIB files (G. Reinelt) and the city files of the maximal covering papers.

TSPLIB  ``NODE_COORD_SECTION`` with ``i x y`` lines. The p-median papers take the whole part of
        the Euclidean distance (``floor``), the p-centre papers and TSPLIB itself round it.
cities  the same heading, then ``x y`` lines (metres) or, with ``EDGE_WEIGHT_TYPE : COORD``,
        ``latitude longitude`` in degrees, and ``DEMAND_SECTION`` with one demand a line.
        Coordinates in degrees are measured as great circles, R = 6,378,137 m.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from placeopt.location.distances import Metric, Points
from placeopt.location.statement import MAXIMAL_COVERING, P_MEDIAN, Problem


def read_tsplib(path: Path, p: int | None, metric: Metric = "floor") -> Problem:
    """A p-median problem on the points of a TSPLIB file; the file knows no ``p``."""
    rows = _section(path, "NODE_COORD_SECTION")
    if rows.shape[1] != 3:
        raise ValueError(f"lines of NODE_COORD_SECTION have {rows.shape[1]} numbers, not i x y")
    points = rows[:, 1:3]
    return Problem(P_MEDIAN, Points(points, points, metric), p=p, name=path.stem)


def read_city(path: Path, p: int | None, radius: float | None) -> Problem:
    """A maximal covering problem of a city file; the file knows neither ``p`` nor ``radius``."""
    points = _section(path, "NODE_COORD_SECTION")
    demand = _section(path, "DEMAND_SECTION")[:, 0]
    metric: Metric = "great_circle" if "COORD\n" in _heading(path) else "euclidean"
    distances = Points(points, points, metric)
    return Problem(MAXIMAL_COVERING, distances, p=p, radius=radius, weights=demand, name=path.stem)


def _heading(path: Path) -> str:
    text = path.read_text().split("NODE_COORD_SECTION", 1)[0]
    return "\n".join(line.strip() for line in text.splitlines()) + "\n"


def _section(path: Path, name: str) -> np.ndarray:
    """The rows of numbers after the line ``name``, up to the next word."""
    rows: list[list[float]] = []
    inside = False
    for line in path.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0][0].isalpha():
            inside = words[0] == name
        elif inside:
            rows.append([float(word) for word in words])
    if not rows:
        raise ValueError(f"there are no numbers after {name}")
    widths = sorted({len(row) for row in rows})
    if len(widths) > 1:
        raise ValueError(f"lines after {name} have {widths[0]} and {widths[-1]} numbers")
    return np.array(rows)
