"""One table for readers: names beside ids, words for codes, plain headings."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from placeopt.report.tables.formats import STATE_WORDS, in_words, unit_in_words, yes_no
from placeopt.report.tables.group_names import group_in_words, mode_in_words

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place


UNIT_SUFFIXES = {  # suffix of a column's name -> (format, unit in the heading)
    "_gbp_per_year": ("gbp", "£ a year"),
    "_tco2e_per_year": ("tonnes", "tCO2e a year"),
    "_per_year": ("count", "a year"),
    "_gbp": ("gbp", "£"),
    "_m2": ("area", "m²"),
    "_minutes": ("minutes", "minutes"),
    "_share": ("share", "%"),
    "_count": ("count", "number"),
}


NAMING_TABLES = {  # id column -> table that names it
    "building_id": "buildings",
    "service_id": "services",
    "zone_id": "zones",
    "agency_id": "agencies",
    "district_id": "districts",
    "tier_id": "tiers",
    "programme_id": "programmes",
    "stream_id": "streams",
    "outcome_id": "outcomes",
    "benefit_id": "benefits",
    "from_agency_id": "agencies",
    "to_agency_id": "agencies",
    "building_before": "buildings",
    "building_after": "buildings",
    "to_building_id": "buildings",
}


TITLES = {
    "buildings": "Buildings",
    "services": "Services",
    "zones": "Zones",
    "access": "Access",
    "standards": "Standards of access",
    "assignment": "Where visits go",
    "assignment_today": "Where visits go today",
    "closed_points": "Closures",
    "closures": "Where users go",
    "closures_by_group": "Closures by group",
    "areas": "By area",
    "bands": "Residents by minutes",
    "sent_past": "Past nearer hosts",
    "money": "Money by agency",
    "running_split": "Running cost in parts",
    "whole_life": "Whole life cost",
    "cash_outlook": "Ten years of cash",
    "cost_lines": "Cost lines",
    "year_by_year": "Year by year",
    "rents": "Rents",
    "groups": "Residents by group",
    "losers": "Zones that lose most",
    "course": "Buildings year by year",
    "cash_years": "Cash by year",
    "cash_agencies": "Cash by agency and year",
    "buildings_by_year": "Building years",
    "services_by_year": "Service years",
    "assignment_by_year": "Where visits go by year",
    "objectives_by_year": "Measures by year",
    "carbon_by_year": "Carbon priced",
    "channels_by_year": "Visits and desks by year",
    "objectives": "Objectives",
    "spending": "Spending",
    "spending_years": "Spending by year",
    "payments": "Payments by stream",
    "streams": "Streams",
    "reserves": "Reserves",
    "result_payments": "Payment by results",
    "provider_results": "Providers paid by results",
    "outcomes": "Outcomes",
    "outcomes_by_year": "Outcomes by year",
    "cash_flow": "Cash flow by agency",
    "benefits_chain": "Benefits chain",
    "who_gains": "Who gains",
    "positions": "Positions",
    "transfers": "Transfers",
    "alone_spending": "Spending alone",
    "alone_payments": "Payments alone",
    "alone_objectives": "Objectives alone",
    "positions_alone": "Positions alone",
    "agencies": "Agencies",
    "prices": "Prices",
    "curves": "Curves",
    "reasons": "Reasons",
    "checks": "Rules",
    "findings": "Findings",
    "assumptions": "Assumptions",
    "provenance": "Provenance",
}


@dataclass(frozen=True)
class Heading:
    """One column as readers see it.

    Attributes:
        name: Name of the column in the plan's table.
        text: The heading, with the unit.
        format: A key of ``formats.EXCEL_FORMATS``, or a kind of text.
        total: Whether the column is totalled.
        page: Whether the page shows it.
        meaning: What it means.
    """

    name: str
    text: str
    format: str
    total: bool
    page: bool
    meaning: str


@dataclass(frozen=True)
class Sheet:
    """One table ready to be shown.

    Attributes:
        name: Name of the table.
        title: Title of the sheet.
        frame: The rows, with the columns of ``headings`` in their order.
        headings: How each column is shown.
    """

    name: str
    title: str
    frame: pd.DataFrame
    headings: tuple[Heading, ...]

    @property
    def on_page(self) -> tuple[Heading, ...]:
        """The columns that the page shows; columns without an entry are left out."""
        filled = (self.frame.notna() & (self.frame != "")).any()
        is_empty = not len(self.frame)
        return tuple(h for h in self.headings if h.page and (is_empty or filled[h.name]))

    def total(self, column: str) -> float:
        """Return the sum of a column without missing values; 0 where the table lacks the column."""
        return float(self.frame[column].sum()) if column in self.frame else 0.0


@cache
def headings() -> dict[tuple[str, str], Heading]:
    """Return (table, column) -> heading; table ``*`` holds columns with one meaning everywhere."""
    text = (files("placeopt.report.tables") / "columns.csv").read_text(encoding="utf-8")
    return {
        (row["table"], row["column"]): Heading(
            name=row["column"],
            text=row["heading"],
            format=row["format"],
            total=row["total"] == "yes",
            page=row["page"] == "yes",
            meaning=row["meaning"],
        )
        for row in csv.DictReader(text.splitlines())
    }


def find_heading(table: str, column: str, *, is_number: bool = False) -> Heading:
    """Return the heading of a column; made from its name where ``columns.csv`` has none."""
    known = headings()
    heading = known.get((table, column)) or known.get(("*", column))
    if heading:
        return heading
    year = re.search(r"\d{4}", column)
    yearly = known.get((table, column.replace(year[0], "{year}"))) if year else None
    if year and yearly:
        return replace(yearly, name=column, text=yearly.text.replace("{year}", year[0]))
    for suffix, (kind, unit) in UNIT_SUFFIXES.items():
        if column.endswith(suffix):
            return Heading(
                column, f"{in_words(column.removesuffix(suffix))} ({unit})", kind, False, True, ""
            )
    return Heading(column, in_words(column), "decimal" if is_number else "text", False, True, "")


def make_sheet(place: Place, name: str, table: pd.DataFrame) -> Sheet:
    """Return a table as a sheet: names beside ids, words for codes."""
    from pandas.api.types import is_numeric_dtype

    frame = _with_names(place, table)
    if name == "buildings":  # readers look for it first
        frame.insert(2, "decision", frame.pop("decision"))
        if "why" in frame:
            frame["why"] = frame.pop("why")  # the longest, after the years
        is_given_up = (frame["decision"] == "close") & (frame["status_before"] == "vacant")
        frame["decision"] = frame["decision"].mask(is_given_up, "given_up")
    headings = []
    for column in frame.columns:
        is_number = is_numeric_dtype(frame[column].dtype) and frame[column].dtype != bool
        headings.append(find_heading(name, column, is_number=is_number))
    services = names_by_id(place, "services")
    for heading in headings:
        values = frame[heading.name]
        if heading.format in ("code", "decision"):
            states = STATE_WORDS if heading.name in ("state", "status_before") else {}
            frame[heading.name] = [states.get(value, in_words(value)) for value in values]
        elif heading.format in ("who", "way"):
            in_text = group_in_words if heading.format == "who" else mode_in_words
            frame[heading.name] = [in_text(str(value)) for value in values]
        elif heading.name == "unit":
            frame["unit"] = [unit_in_words(str(value)) for value in values]
        elif heading.format == "yes_no":
            frame[heading.name] = [yes_no(value) for value in values]
        elif heading.format == "service_ids":
            frame[heading.name] = [_names_of_ids(value, services) for value in values]
    return Sheet(name, TITLES.get(name, in_words(name)), frame, tuple(headings))


def names_by_id(place: Place, table: str) -> dict[str, str]:
    """Return id -> name; the id itself where a row has no name."""
    rows = place.tables.get(table)
    if rows is None or rows.empty:
        return {}
    key = rows.columns[0]
    names = rows["name"] if "name" in rows else rows[key]
    return {
        str(i): str(name) if str(name) else str(i) for i, name in zip(rows[key], names, strict=True)
    }


def _with_names(place: Place, table: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for column in table.columns:
        columns[column] = table[column].array
        has_name = column == table.columns[0] and "name" in table.columns
        if column in NAMING_TABLES and not has_name:
            names = names_by_id(place, NAMING_TABLES[column])
            label = column.replace("_id", "_name") if column.endswith("_id") else f"{column}_name"
            columns[label] = [names.get(str(i), str(i)) for i in table[column]]
    import pandas as pd

    return pd.DataFrame(columns)


def _names_of_ids(value: Any, names: dict[str, str]) -> str:
    """Return ids joined by "; " as names; a number stays as it is."""
    ids = [part.strip() for part in str(value).split(";") if part.strip()]
    return "; ".join(names.get(part, part) for part in ids)
