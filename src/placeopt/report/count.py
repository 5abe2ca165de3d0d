"""The count of a place as files: workbook, page with a map, map layer and tables."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placeopt.base.errors import UsageError
from placeopt.base.files import atomic_folder
from placeopt.place import Place
from placeopt.place.count import NOT_STATED, count_place
from placeopt.report.money import pounds, pounds_in_words
from placeopt.report.tables.formats import format_value, is_missing, is_unstated_figure
from placeopt.report.tables.sheet import Heading, Sheet
from placeopt.report.workbook.workbook import TITLE_STYLE, Styles, write_sheet
from placeopt.report.write import write_table

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#4d4d4d")
TITLES = {
    "estate_by_agency": "Who owns what",
    "estate_by_district": "Where it stands",
    "estate_by_kind": "Kinds of building",
    "estate_by_tenure": "How it is held",
    "estate_by_agency_and_district": "Owner and district",
    "estate_by_service": "Where services are",
    "running_cost_by_agency": "Who pays for running it",
    "spending_by_agency": "Who spends",
    "spending_by_service": "On what service",
    "spending_by_stream": "From what stream",
    "spending_by_kind": "What kind of spending",
    "who_pays_whom": "Who pays whom",
    "spending_by_district": "On whom, by district",
    "streams": "Streams",
    "reconciliation": "Reconciliation",
    "buildings": "Buildings",
    "spending": "Spending",
}
DISTRICTS = (
    "Ledgers hold no districts. Spending on a service with visits is shared out by the visits of "
    "each district's residents (by_visits_gbp), all other by residents (by_residents_gbp)."
)
MAP_WIDTH = 900  # pixels
COUNT_COLUMNS = (  # shown as whole numbers
    *("visits_per_year", "visits_served_per_year", "energy_kwh_per_year"),
    *("residents", "rows_filled"),
)


def write_count(
    place: Place,
    out: Path,
    ledger_total_gbp: float | None = None,
    year: int | None = None,
    load: NDArray[np.float64] | None = None,
    *,
    plain_csv: bool = False,
) -> pd.DataFrame:
    """Write count.xlsx, index.html, count.gpkg and tables/*.csv.

    Args:
        place: The place.
        out: The folder.
        ledger_total_gbp: Control total of the ledger (GBP), to reconcile spending with.
        year: Year of spending; by default the last.
        load: Today's visits and desks at each service point, where they are known.
        plain_csv: As in ``write_results``.

    Returns:
        The reconciliation: one row per breakdown, and whether it ties to its total.

    Raises:
        UsageError: The place has neither buildings nor spending of that year.
    """
    tables = count_place(place, ledger_total_gbp, year, load)
    if all(tables.get(name) is None or tables[name].empty for name in ("buildings", "spending")):
        raise UsageError("there is nothing to count: no buildings and no spending of that year")
    with atomic_folder(out) as made:
        _write_files(place, tables, made, plain_csv)
    return tables["reconciliation"]


def _write_files(place: Place, tables: dict[str, pd.DataFrame], out: Path, plain_csv: bool) -> None:
    (out / "tables").mkdir()
    for name, table in tables.items():
        write_table(table, out / "tables" / f"{name}.csv", plain_csv)
    _write_workbook(place, tables, out / "count.xlsx")
    (out / "index.html").write_text(_page(place, tables), encoding="utf-8")
    if "buildings" in tables:
        _write_layer(place, tables["buildings"], out / "count.gpkg")


def _write_workbook(place: Place, tables: dict[str, pd.DataFrame], path: Path) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        styles = Styles(book)
        summary = book.add_worksheet("Summary")
        summary.set_column(0, 0, 110)
        summary.write_string(
            0, 0, f"{place.info.name}: a count of the place", styles(**TITLE_STYLE)
        )
        notes = ["This place is made up."] if place.info.made_up else []
        for i, line in enumerate([*notes, *_sentences(place, tables)], start=2):
            summary.write_string(i, 0, line, styles(text_wrap=True))
        for name, title in {**TITLES, "assumptions": "Assumptions"}.items():
            table = place.assumptions if name == "assumptions" else tables.get(name)
            if table is not None:
                headings = tuple(_heading(str(column)) for column in table.columns)
                write_sheet(book, styles, Sheet(name, title, table, headings))


def _heading(column: str) -> Heading:
    """Return how a column of the count is shown, by the unit in its name."""
    form = "text"
    if "_gbp" in column:
        form = "gbp"
    elif column.endswith("_count") or column in COUNT_COLUMNS:
        form = "count"
    elif column.endswith("_m2"):
        form = "area"
    elif column == "share":
        form = "share"
    elif column.endswith("_m"):
        form = "coordinate"
    elif column == "year":
        form = "year"
    elif column.endswith("_per_year"):
        form = "tonnes"
    total = form in ("gbp", "count", "area", "share") and not column.startswith("per_")
    unit = {"gbp": " (GBP)", "area": " (m2)"}.get(form, "")
    text = column.replace("_gbp", "").removesuffix("_count").removesuffix("_m2").replace("_", " ")
    return Heading(column, text.capitalize() + unit, form, total, True, "")


def _sentences(place: Place, tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return the count in words."""
    sentences = []
    if "buildings" in tables:
        owners, buildings = tables["estate_by_agency"], tables["buildings"]
        known = owners[owners["agency_id"] != NOT_STATED]
        cost = float(buildings["running_cost_gbp_per_year"].sum())
        staff = float(buildings["staff_gbp_per_year"].sum())
        sentences.append(
            f"{len(known)} agencies hold {len(buildings)} buildings of "
            f"{buildings['floor_area_m2'].sum():,.0f} m2. Running the estate costs "
            f"{pounds_in_words(cost)} a year: {pounds_in_words(cost - staff)} for the buildings "
            f"and {pounds_in_words(staff)} for the staff of their service points."
        )
        sentences.append(_stated_in_words(buildings))
        without_owner = int(owners.loc[owners["agency_id"] == NOT_STATED, "buildings_count"].sum())
        if without_owner:
            sentences.append(f"The owner of {without_owner} buildings is not stated.")
    if "spending" in tables:
        lines = tables["spending"]
        year, total = int(lines["year"].iloc[0]), float(lines["amount_gbp"].sum())
        sentences.append(
            f"In {year} {lines['agency_id'].nunique()} agencies spent {pounds(total)} on "
            f"{lines['programme_id'].nunique()} programmes from "
            f"{lines['stream_id'].nunique()} streams. {DISTRICTS}"
        )
    rows = tables["reconciliation"]
    untied = rows[~rows["ties"]]
    sentences.append(f"All {len(rows)} breakdowns tie to their totals." if untied.empty else
                "These do not tie: " + "; ".join(
                    f"{r['breakdown']} is {pounds(r['difference_gbp'])} off" for r in
                    untied.to_dict("records")))  # fmt: skip
    if len(place.assumptions):
        sentences.append(
            f"{len(place.assumptions)} columns or parts of columns are filled by rule, not from a "
            "source: see Assumptions."
        )
    return sentences


def _stated_in_words(buildings: pd.DataFrame) -> str:
    """Return maintenance due, energy and carbon, as far as they are stated."""
    parts = []
    for column, name, in_text in (
        ("backlog_gbp", "Required maintenance", pounds_in_words),
        ("energy_kwh_per_year", "Energy", lambda number: f"{number:,.0f} kWh a year"),
        ("carbon_tco2e_per_year", "Carbon", lambda number: f"{number:,.0f} tCO2e a year"),
    ):
        known = buildings[column].dropna()
        if known.empty:
            parts.append(f"{name} is not stated.")
            continue
        note = f" (stated for {len(known)} of {len(buildings)} buildings)"
        parts.append(
            f"{name} is {in_text(float(known.sum()))}{note if len(known) < len(buildings) else ''}."
        )
    return " ".join(parts)


def _page(place: Place, tables: dict[str, pd.DataFrame]) -> str:
    """Return one HTML page without scripts, with a map in the place's own metres."""
    css = (files("placeopt.report.page") / "templates" / "page.css").read_text(encoding="utf-8")
    name = escape(place.info.name)
    note = '<p class="made-up">This place is made up.</p>' if place.info.made_up else ""
    sentences = "".join(f"<p>{escape(line)}</p>" for line in _sentences(place, tables))
    parts = [f"<section><h2>In words</h2>{sentences}</section>"]
    if "buildings" in tables:
        parts.append(f"<section><h2>Where</h2>{_map(place, tables)}</section>")
    shown = [name for name in TITLES if name in tables and name not in ("buildings", "spending")]
    parts += [_html_table(TITLES[name], tables[name]) for name in shown]
    if len(place.assumptions):
        parts.append(_html_table("Assumptions", place.assumptions))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}: a count'
        '</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{css}</style></head><body>{note}<header><p class='place'>{name}</p>"
        f"<h1>Who owns and spends what, where, on whom</h1></header><main>{''.join(parts)}"
        "<p class='note'>All tables are in count.xlsx and tables/*.csv, the buildings in "
        "count.gpkg.</p></main></body></html>"
    )


def _html_table(title: str, table: pd.DataFrame) -> str:
    headings = [_heading(str(column)) for column in table.columns]
    top = "".join(f"<th>{escape(heading.text)}</th>" for heading in headings)
    rows = []
    for record in table.head(500).itertuples(index=False):
        cells = "".join(
            _html_cell(heading, value) for heading, value in zip(headings, record, strict=True)
        )
        rows.append(f"<tr>{cells}</tr>")
    return (
        f"<section><h2>{escape(title)}</h2><div style='overflow:auto;max-height:32rem'><table>"
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _html_cell(heading: Heading, value: Any) -> str:
    if is_missing(value):
        return f"<td>{NOT_STATED}</td>" if is_unstated_figure(heading.name) else "<td></td>"
    if heading.format == "text":
        return (
            f"<td>{escape('yes' if value is True else 'no' if value is False else str(value))}</td>"
        )
    return f"<td class='number'>{escape(format_value(value, heading.format))}</td>"


def _map(place: Place, tables: dict[str, pd.DataFrame]) -> str:
    """Return a map: outlines of zones (or their points), and buildings coloured by owner."""
    buildings, zones = tables["buildings"], place.zones
    x = pd.concat([buildings["x_m"], zones["x_m"]]).dropna()
    y = pd.concat([buildings["y_m"], zones["y_m"]]).dropna()
    if place.boundaries is not None and place.has_outlines:
        edges = place.boundaries.total_bounds
        x, y = pd.concat([x, pd.Series(edges[::2])]), pd.concat([y, pd.Series(edges[1::2])])
    left, top = float(x.min()), float(y.max())
    extent = max(float(x.max()) - left, 1.0), max(top - float(y.min()), 1.0)
    scale = MAP_WIDTH / max(extent)
    pad = 12.0

    def to_pixels(px: float, py: float) -> tuple[float, float]:
        return round((px - left) * scale + pad, 1), round((top - py) * scale + pad, 1)

    owners = tables["estate_by_agency"]["agency_id"].tolist()
    colour = {owner: COLOURS[min(k, len(COLOURS) - 1)] for k, owner in enumerate(owners)}
    shapes = _outlines(place, to_pixels, 1 / scale)
    for row in buildings.to_dict("records"):
        px, py = to_pixels(row["x_m"], row["y_m"])
        label = f"{row['name'] or row['building_id']} ({row['kind']}), {row['agency_id']}, "
        label += f"{pounds_in_words(row['running_cost_gbp_per_year'])} a year"
        fill = colour[row["agency_id"]]
        shapes.append(f'<circle cx="{px}" cy="{py}" r="4" fill="{fill}" '
                     f'stroke="#fff"><title>{escape(label)}</title></circle>')  # fmt: skip
    width, height = extent[0] * scale + 2 * pad, extent[1] * scale + 2 * pad
    names = dict(zip(place.agencies["agency_id"], place.agencies["name"], strict=True))
    legend = "".join(
        f"<li style='display:inline-block;margin-right:1.2em'><span style='color:{colour[owner]}'>"
        f"&#9679;</span> "
        f"{escape(names.get(owner) or owner)}</li>" for owner in owners
    )  # fmt: skip
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" style="max-width:100%" '
        f'aria-label="Map of the buildings by owner">{"".join(shapes)}</svg>'
        f"<ul style='list-style:none;padding:0'>{legend}</ul>"
    )


def _outlines(place: Place, to_pixels: Any, tolerance: float) -> list[str]:
    style = 'fill="#eef1f3" stroke="#9aa5b1" stroke-width="0.7"'
    if place.boundaries is None or not place.has_outlines:
        points = [
            to_pixels(x, y) for x, y in zip(place.zones["x_m"], place.zones["y_m"], strict=True)
        ]
        return [f'<circle cx="{px}" cy="{py}" r="2.5" {style}/>' for px, py in points]
    polygons = []
    for shape in place.boundaries.geometry.simplify(tolerance):
        for part in getattr(shape, "geoms", [shape]):
            path = " ".join(
                f"{px},{py}" for px, py in (to_pixels(*xy[:2]) for xy in part.exterior.coords)
            )
            polygons.append(f'<polygon points="{path}" {style}/>')
    return polygons


def _write_layer(place: Place, buildings: pd.DataFrame, path: Path) -> None:
    import geopandas as gpd

    path.unlink(missing_ok=True)
    points = gpd.points_from_xy(buildings["x_m"], buildings["y_m"])
    layer = gpd.GeoDataFrame(buildings, geometry=points, crs=place.info.crs)
    layer.to_file(path, layer="buildings", driver="GPKG", engine="pyogrio")
