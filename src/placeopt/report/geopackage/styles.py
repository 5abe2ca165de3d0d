"""QGIS styles (QML) made from the palette: buildings by decision, zones by change of minutes."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from placeopt.report.charts.palette import (
    CHANGE_COLOURS,
    CHANGE_EDGES,
    CHANGE_WORDS,
    DECISIONS,
    FLOW,
    FLOW_WIDTHS,
)
from placeopt.report.tables.formats import in_words

SHAPES = {"circle": "circle", "ring": "circle", "cross": "cross_fill", "square": "square"}
QML = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def building_style() -> str:
    """Return markers by decision, which differ in shape and in colour."""
    categories, symbols = [], []
    for number, (decision, (colour, shape, radius)) in enumerate(DECISIONS.items()):
        categories.append(
            f'<category value="{decision}" symbol="{number}" '
            f'label={quoteattr(in_words(decision))} render="true"/>'
        )
        fill = "255,255,255,180" if shape == "ring" else _rgb(colour)
        edge = _rgb(colour) if shape == "ring" else "255,255,255,255"
        symbols.append(
            _symbol(
                number,
                "marker",
                "SimpleMarker",
                {
                    "name": SHAPES.get(shape, shape),
                    "color": fill,
                    "outline_color": edge,
                    "outline_width": "0.3",
                    "size": f"{radius * 0.55:.2f}",
                    "size_unit": "MM",
                },
            )
        )
    return _renderer(
        f'<renderer-v2 type="categorizedSymbol" attr="drawn_as" enableorderby="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2>"
    )


def zone_style(has_polygons: bool, change: str = "change_minutes") -> str:
    """Return the style of zones, shaded by minutes gained or lost in the column ``change``."""
    edges = (-1000.0, *CHANGE_EDGES, 1000.0)
    ranges, symbols = [], []
    for number, (colour, words) in enumerate(zip(CHANGE_COLOURS, CHANGE_WORDS, strict=True)):
        low, high = edges[number], edges[number + 1]
        ranges.append(
            f'<range lower="{low}" upper="{high}" symbol="{number}" '
            f'label={quoteattr(words + " (minutes)")} render="true"/>'
        )
        edge = {"outline_color": "150,150,150,255", "outline_width": "0.1"}
        if has_polygons:
            properties = {"color": _rgb(colour), "style": "solid", "outline_style": "solid", **edge}
            symbols.append(_symbol(number, "fill", "SimpleFill", properties))
        else:
            properties = {"name": "circle", "color": _rgb(colour), "size": "3", **edge}
            symbols.append(_symbol(number, "marker", "SimpleMarker", properties))
    return _renderer(
        f'<renderer-v2 type="graduatedSymbol" attr="{change}" graduatedMethod="GraduatedColor"'
        f' enableorderby="0"><ranges>{"".join(ranges)}</ranges>'
        f"<symbols>{''.join(symbols)}</symbols></renderer-v2>"
    )


def outline_style() -> str:
    """Return the style of the districts' outlines."""
    properties = {"style": "no", "outline_color": "60,60,60,255", "outline_width": "0.5"}
    symbol = _symbol(0, "fill", "SimpleFill", {**properties, "outline_style": "solid"})
    return _renderer(
        f'<renderer-v2 type="singleSymbol" enableorderby="0"><symbols>{symbol}</symbols>'
        "</renderer-v2>"
    )


def flow_style() -> str:
    """Return the style of flows: arrows, as wide as their visits."""
    edges = [0.0, *(visits for visits, _ in FLOW_WIDTHS), 1e12]
    ranges, symbols = [], []
    for number, width in enumerate((0.3, *(width for _, width in FLOW_WIDTHS))):
        low, high = edges[number], edges[number + 1]
        words = f"{low:,.0f} to {high:,.0f}" if high < 1e12 else f"{low:,.0f} or more"
        ranges.append(
            f'<range lower="{low}" upper="{high}" symbol="{number}" '
            f'label={quoteattr(words + " visits a year")} render="true"/>'
        )
        properties = {
            "color": _rgb(FLOW),
            "arrow_start_width": f"{width}",
            "arrow_width": f"{width}",
            "head_length": f"{1 + width}",
            "head_thickness": f"{1 + width}",
            "is_curved": "0",
            "head_type": "0",
        }
        fill = _symbol(
            f"@{number}@0", "fill", "SimpleFill", {"color": _rgb(FLOW), "style": "solid"}
        )
        symbols.append(_symbol(number, "line", "ArrowLine", properties, fill))
    return _renderer(
        '<renderer-v2 type="graduatedSymbol" attr="visits_per_year" '
        f'graduatedMethod="GraduatedColor" enableorderby="0"><ranges>{"".join(ranges)}</ranges>'
        f"<symbols>{''.join(symbols)}</symbols></renderer-v2>"
    )


def _renderer(xml: str) -> str:
    return f'{QML}<qgis version="3.28" styleCategories="Symbology">{xml}</qgis>'


def _symbol(
    number: int | str, kind: str, layer: str, properties: dict[str, str], inside: str = ""
) -> str:
    options = "".join(
        f'<Option name="{name}" value={quoteattr(value)} type="QString"/>'
        for name, value in properties.items()
    )
    return (
        f'<symbol name="{number}" type="{kind}" alpha="1" clip_to_extent="1">'
        f'<layer class="{layer}" enabled="1" pass="0" locked="0">'
        f'<Option type="Map">{options}</Option>{inside}</layer></symbol>'
    )


def _rgb(colour: str) -> str:
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return ",".join(str(part) for part in [*parts, 255])
