"""The plan as a GeoPackage that QGIS opens with keep, close and hub in their colours."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from xml.sax.saxutils import quoteattr

from placeopt.engine import Answer

COLOURS = {  # decision -> (colour, what it says); colours told apart with colour-blind eyes
    "hub": ("#d55e00", "shared hub"),
    "keep": ("#0072b2", "kept"),
    "open": ("#009e73", "opened"),
    "close": ("#4d4d4d", "closed"),
    "stay_vacant": ("#b3b3b3", "stays vacant"),
    "not_used": ("#e0e0e0", "candidate not used"),
}


def write_layers(answer: Answer, path: Path) -> Path | None:
    """Write every table of the plan that has places on the ground, and the rest as attributes.

    ``None`` where the plan has nothing to draw (a budget, or no plan).
    """
    import geopandas as gpd
    import pyogrio

    if answer.plan is None or "buildings" not in answer.plan.tables:
        return None
    path.unlink(missing_ok=True)
    for name in ("zones", "buildings"):
        layer = answer.layer(name)
        pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG", append=path.exists())
    for name in ("services", "access"):
        table = gpd.pd.DataFrame(answer.plan.tables[name])
        pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=True)
    _write_styles(path, _is_polygons(answer))
    return path


def _is_polygons(answer: Answer) -> bool:
    return answer.place.boundaries is not None


def _write_styles(path: Path, polygons: bool) -> None:
    """Put a default style for each layer into ``layer_styles``, where QGIS looks for it."""
    styles = [("buildings", _buildings_style()), ("zones", _zones_style(polygons))]
    with sqlite3.connect(path) as file:
        file.execute(
            "CREATE TABLE IF NOT EXISTS layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, "
            "f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT, "
            "f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, "
            "useAsDefault BOOLEAN, description TEXT, owner TEXT, ui TEXT, "
            "update_time DATETIME DEFAULT CURRENT_TIMESTAMP)"
        )
        file.execute(
            "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles')"
        )
        for name, qml in styles:
            file.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, "
                "owner) VALUES ('', '', ?, 'geom', ?, ?, '', 1, 'placeopt', '')",
                (name, name, qml),
            )


def _qml(renderer: str, geometry_type: int) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.22" styleCategories="Symbology">{renderer}'
        f"<layerGeometryType>{geometry_type}</layerGeometryType></qgis>"
    )


def _buildings_style() -> str:
    categories, symbols = [], []
    for i, (decision, (colour, label)) in enumerate(COLOURS.items()):
        size = "4.2" if decision == "hub" else "2.8"
        shape = "square" if decision == "hub" else "cross2" if decision == "close" else "circle"
        categories.append(
            f'<category value={quoteattr(decision)} symbol="{i}" label={quoteattr(label)} '
            'render="true"/>'
        )
        symbols.append(
            f'<symbol type="marker" name="{i}" alpha="1"><layer class="SimpleMarker" '
            f'enabled="1"><Option type="Map">'
            f'<Option type="QString" name="color" value="{_rgba(colour)}"/>'
            f'<Option type="QString" name="name" value="{shape}"/>'
            f'<Option type="QString" name="outline_color" value="{_rgba("#ffffff")}"/>'
            f'<Option type="QString" name="size" value="{size}"/>'
            "</Option></layer></symbol>"
        )
    renderer = (
        '<renderer-v2 type="categorizedSymbol" attr="decision" enableorderby="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2>"
    )
    return _qml(renderer, 0)


def _zones_style(polygons: bool) -> str:
    """Zones by the change in minutes: nearer green, as today grey, further brown."""
    ranges = [
        (-1e6, -5, "#1b7837", "more than 5 minutes nearer"),
        (-5, -0.5, "#a6dba0", "nearer"),
        (-0.5, 0.5, "#f2f2f2", "as today"),
        (0.5, 5, "#e6c48a", "up to 5 minutes further"),
        (5, 15, "#bf812d", "5 to 15 minutes further"),
        (15, 1e6, "#8c510a", "more than 15 minutes further"),
    ]
    kind, layer = ("fill", "SimpleFill") if polygons else ("marker", "SimpleMarker")
    steps = "".join(
        f'<range lower="{low}" upper="{high}" symbol="{i}" label={quoteattr(label)} render="true"/>'
        for i, (low, high, _, label) in enumerate(ranges)
    )
    symbols = "".join(
        f'<symbol type="{kind}" name="{i}" alpha="0.8"><layer class="{layer}" enabled="1">'
        f'<Option type="Map"><Option type="QString" name="color" value="{_rgba(colour)}"/>'
        f'<Option type="QString" name="outline_color" value="{_rgba("#999999")}"/>'
        '<Option type="QString" name="outline_width" value="0.1"/></Option></layer></symbol>'
        for i, (_, _, colour, _) in enumerate(ranges)
    )
    renderer = (
        '<renderer-v2 type="graduatedSymbol" attr="change_minutes" graduatedMethod='
        f'"GraduatedColor"><ranges>{steps}</ranges><symbols>{symbols}</symbols></renderer-v2>'
    )
    return _qml(renderer, 2 if polygons else 0)


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},255"
