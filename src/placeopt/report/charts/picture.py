"""A static map of an estate plan, today beside the plan, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from placeopt.report.charts import palette
from placeopt.report.tables.formats import in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer

PANEL_WIDTH, GAP, TOP, FOOT = 470, 30, 54, 118  # pixels
STATUS_SYMBOLS = {"open": "keep", "vacant": "stay_vacant"}


def write_picture(answer: Answer, path: Path | str) -> Path:
    """Write the picture of an estate plan as an SVG file."""
    path = Path(path)
    path.write_text(draw_picture(answer), encoding="utf-8")
    return path


def draw_picture(answer: Answer) -> str:
    """Return the picture as SVG text: zones shaded by minutes, buildings marked by decision."""
    from placeopt.report.geopackage.layers import district_outlines, plan_layers
    from placeopt.report.page.map_data import MAX_ZONES, aggregate_to_squares, simplify_zones
    from placeopt.report.tables.as_sent import drawn_as, minutes_column

    assert answer.plan is not None
    layers = plan_layers(answer)
    zones, has_polygons = layers["zones"], answer.place.has_outlines
    outlines = None
    if has_polygons:
        zones = simplify_zones(zones)
        outlines = district_outlines(answer, zones)
    if len(zones) > MAX_ZONES:
        zones = aggregate_to_squares(zones)
    buildings = answer.plan.buildings.dropna(subset=["x_m", "y_m"])
    to_pixels = PixelTransform(zones.total_bounds)
    height = TOP + to_pixels.height + FOOT
    panels = []
    for number, (title, minutes, column) in enumerate(
        (
            ("Today", minutes_column(zones, "before"), "status_before"),
            ("The plan", minutes_column(zones, "after"), "decision"),
        )
    ):
        shapes = [
            _zone(
                shape,
                to_pixels,
                palette.colour_of(float(value), palette.MINUTES_EDGES, palette.MINUTES_COLOURS),
            )
            for shape, value in zip(zones.geometry, zones[minutes], strict=True)
            if shape is not None
        ]
        if outlines is not None:
            shapes += [
                Markup('<path d="{}" fill="none" stroke="#555" stroke-width="1.1"/>').format(
                    svg_path(shape, to_pixels)
                )
                for shape in outlines.geometry
            ]
        symbols = (
            buildings[column].map(STATUS_SYMBOLS).fillna("not_used")
            if column != "decision"
            else drawn_as(answer.plan.tables).loc[buildings.index]
        )
        shapes += _markers(buildings, symbols, to_pixels)
        left = number * (PANEL_WIDTH + GAP)
        panels.append(
            Markup(
                '<g transform="translate({},0)"><text x="0" y="42" font-size="17" '
                'font-weight="bold">{}</text><g transform="translate(0,{})">{}</g></g>'
            ).format(left, title, TOP, Markup("").join(shapes))
        )
    info = answer.place.info
    name = f"{info.name} (a made-up place)" if info.made_up else info.name
    width = 2 * PANEL_WIDTH + GAP
    description = f"Two maps of {name}: open buildings today, and what the plan does with each."
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 0 {0} {1}" '
            'width="{0}" height="{1}" role="img" '
            'font-family="Helvetica, Arial, sans-serif" font-size="12.5" fill="#222">'
            '<title>{2}</title><desc>{3}</desc><rect x="-16" width="{0}" height="{1}" fill="#fff"/>'
            '<text x="0" y="20" font-size="14">{4}</text>{5}{6}</svg>\n'
        ).format(
            width + 32,
            height,
            name,
            description,
            f"{name}: minutes to services, and the buildings that offer them",
            Markup("").join(panels),
            _legend(TOP + to_pixels.height + 26, set(buildings["decision"])),
        )
    )


class PixelTransform:
    """Transform from metres of the place to pixels of a panel.

    Attributes:
        scale: Pixels per metre.
        left: Easting of the left edge (m).
        top: Northing of the upper edge (m).
        height: Height of the map in pixels.
    """

    def __init__(self, bounds: Any, width: float = PANEL_WIDTH, height: float = 560):
        west, south, east, north = bounds
        self.scale = min(width / max(east - west, 1), height / max(north - south, 1))
        self.left = west - (width / self.scale - (east - west)) / 2
        self.top = north
        self.height = round((north - south) * self.scale)

    def __call__(self, xy: Any) -> Any:
        """Return pixels, shape (points, 2), of eastings and northings in metres."""
        xy = np.asarray(xy, float)
        return np.round(
            np.column_stack([(xy[:, 0] - self.left), (self.top - xy[:, 1])]) * self.scale, 1
        )


def svg_path(shape: Any, to_pixels: PixelTransform) -> str:
    """Return the outline of a polygon as the ``d`` of an SVG path."""
    parts = []
    for part in getattr(shape, "geoms", [shape]):
        for ring in (part.exterior, *part.interiors):
            corners = to_pixels(np.asarray(ring.coords)[:, :2])
            parts.append("M" + "L".join(f"{x:g},{y:g}" for x, y in corners[:-1]) + "Z")
    return "".join(parts)


def _zone(shape: Any, to_pixels: PixelTransform, colour: str) -> Markup:
    if shape.geom_type == "Point":
        ((x, y),) = to_pixels([[shape.x, shape.y]])
        return Markup('<circle cx="{}" cy="{}" r="6" fill="{}" fill-opacity="0.8"/>').format(
            x, y, colour
        )
    return Markup(
        '<path d="{}" fill="{}" stroke="#fff" stroke-width="0.5" fill-rule="evenodd"/>'
    ).format(svg_path(shape, to_pixels), colour)


def _markers(buildings: Any, symbols: Any, to_pixels: PixelTransform) -> list[Markup]:
    """Return the markers of buildings, in the drawing order of the palette."""
    if not len(buildings):
        return []
    positions = to_pixels(buildings[["x_m", "y_m"]].to_numpy(float))
    markers = []
    for symbol in palette.DECISIONS:
        if symbol == "not_used":
            continue
        markers += [marker(symbol, x, y) for x, y in positions[(symbols == symbol).to_numpy()]]
    return markers


def marker(symbol: str, x: float, y: float) -> Markup:
    """Return the marker of a building; decisions differ in shape and in colour."""
    colour, shape, r = palette.DECISIONS[symbol]
    if shape == "cross":
        arm = r * 0.8
        d = f"M{x - arm:.1f},{y - arm:.1f}L{x + arm:.1f},{y + arm:.1f}"
        d += f"M{x - arm:.1f},{y + arm:.1f}L{x + arm:.1f},{y - arm:.1f}"
        return Markup(
            '<path d="{0}" stroke="#fff" stroke-width="4.6"/>'
            '<path d="{0}" stroke="{1}" stroke-width="2.6"/>'
        ).format(d, colour)
    if shape == "square":
        return Markup(
            '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" stroke="#fff" '
            'stroke-width="1.4"/>'
        ).format(round(x - r, 1), round(y - r, 1), 2 * r, 2 * r, colour)
    if shape == "diamond":
        d = f"M{x:.1f},{y - r:.1f}L{x + r:.1f},{y:.1f}L{x:.1f},{y + r:.1f}L{x - r:.1f},{y:.1f}Z"
        return Markup('<path d="{}" fill="{}" stroke="#fff" stroke-width="1.4"/>').format(d, colour)
    fill = "none" if shape == "ring" else colour
    edge = colour if shape == "ring" else "#fff"
    return Markup(
        '<circle cx="{}" cy="{}" r="{}" fill="{}" stroke="{}" stroke-width="1.2"/>'
    ).format(round(x, 1), round(y, 1), r, fill, edge)


def _legend(top: float, decisions: set[str]) -> Markup:
    """Return the legend under the maps: markers and shades."""
    parts, x = [], 0.0
    for symbol in palette.DECISIONS:
        if symbol not in decisions or symbol == "not_used":
            continue
        label = "Open" if symbol == "keep" else in_words(symbol)
        parts.append(marker(symbol, x + 8, top))
        parts.append(Markup('<text x="{}" y="{}">{}</text>').format(x + 20, top + 4, label))
        x += 40 + 7 * len(label)
    parts.append(
        Markup('<text x="0" y="{}">Mean minutes to the nearest service</text>').format(top + 34)
    )
    for number, (colour, words) in enumerate(
        zip(palette.MINUTES_COLOURS, palette.MINUTES_WORDS, strict=True)
    ):
        left = number * 106
        parts.append(
            Markup(
                '<rect x="{}" y="{}" width="22" height="14" fill="{}" stroke="#999" '
                'stroke-width="0.5"/><text x="{}" y="{}">{}</text>'
            ).format(left, top + 46, colour, left + 28, top + 58, words)
        )
    return Markup("").join(parts)
