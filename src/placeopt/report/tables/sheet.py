"""One table as people read it: names beside ids, words for codes, plain headings."""

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


UNITS = {  # ending of a column's name -> (format, unit in the heading)
    "_gbp_per_year": ("gbp", "£ a year"),
    "_tco2e_per_year": ("tonnes", "tCO2e a year"),
    "_per_year": ("count", "a year"),
    "_gbp": ("gbp", "£"),
    "_m2": ("area", "m²"),
    "_minutes": ("minutes", "minutes"),
    "_share": ("share", "%"),
    "_count": ("count", "number"),
}


NAMED = {  # id column -> (table that names it)
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
    """One column as people read it; ``format`` is a key of ``formats.EXCEL`` or a kind of text."""

    name: str
    text: str
    format: str
    total: bool
    page: bool
    meaning: str


@dataclass(frozen=True)
class Sheet:
    """One table ready to be shown; ``frame`` has the columns of ``headings`` in their order."""

    name: str
    title: str
    frame: pd.DataFrame
    headings: tuple[Heading, ...]

    @property
    def on_page(self) -> tuple[Heading, ...]:
        """The columns that the page shows; one without a single entry only takes room."""
        filled = (self.frame.notna() & (self.frame != "")).any()
        bare = not len(self.frame)
        return tuple(h for h in self.headings if h.page and (bare or filled[h.name]))

    def total(self, column: str) -> float:
        """The sum of a column, missing values left out; 0 where the table lacks the column."""
        return float(self.frame[column].sum()) if column in self.frame else 0.0


@cache
def headings() -> dict[tuple[str, str], Heading]:
    """(table, column) -> heading; table ``*`` is for columns that mean the same everywhere."""
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


def find_heading(table: str, column: str, *, number: bool = False) -> Heading:
    """The heading of a column; made from its name where ``columns.csv`` does not state one."""
    known = headings()
    found = known.get((table, column)) or known.get(("*", column))
    if found:
        return found
    year = re.search(r"\d{4}", column)
    of_years = known.get((table, column.replace(year[0], "{year}"))) if year else None
    if year and of_years:
        return replace(of_years, name=column, text=of_years.text.replace("{year}", year[0]))
    for ending, (kind, unit) in UNITS.items():
        if column.endswith(ending):
            return Heading(
                column, f"{in_words(column.removesuffix(ending))} ({unit})", kind, False, True, ""
            )
    return Heading(column, in_words(column), "decimal" if number else "text", False, True, "")


def make_sheet(place: Place, name: str, table: pd.DataFrame) -> Sheet:
    """One table dressed: names beside ids, words for codes."""
    from pandas.api.types import is_numeric_dtype

    frame = _with_names(place, table)
    if name == "buildings":  # what everybody looks for first
        frame.insert(2, "decision", frame.pop("decision"))
        if "why" in frame:
            frame["why"] = frame.pop("why")  # the longest, after the years
        empty = (frame["decision"] == "close") & (frame["status_before"] == "vacant")
        frame["decision"] = frame["decision"].mask(empty, "given_up")
    found = []
    for column in frame.columns:
        numeric = is_numeric_dtype(frame[column].dtype) and frame[column].dtype != bool
        found.append(find_heading(name, column, number=numeric))
    services = names_by_id(place, "services")
    for heading in found:
        values = frame[heading.name]
        if heading.format in ("code", "decision"):
            states = STATE_WORDS if heading.name in ("state", "status_before") else {}
            frame[heading.name] = [states.get(value, in_words(value)) for value in values]
        elif heading.format in ("who", "way"):
            said = group_in_words if heading.format == "who" else mode_in_words
            frame[heading.name] = [said(str(value)) for value in values]
        elif heading.name == "unit":
            frame["unit"] = [unit_in_words(str(value)) for value in values]
        elif heading.format == "yes_no":
            frame[heading.name] = [yes_no(value) for value in values]
        elif heading.format == "service_ids":
            frame[heading.name] = [_each_named(value, services) for value in values]
    return Sheet(name, TITLES.get(name, in_words(name)), frame, tuple(found))


def names_by_id(place: Place, table: str) -> dict[str, str]:
    """Id -> what people call it; the id where nobody has named it."""
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
        own = column == table.columns[0] and "name" in table.columns
        if column in NAMED and not own:
            names = names_by_id(place, NAMED[column])
            label = column.replace("_id", "_name") if column.endswith("_id") else f"{column}_name"
            columns[label] = [names.get(str(i), str(i)) for i in table[column]]
    import pandas as pd

    return pd.DataFrame(columns)


def _each_named(value: Any, names: dict[str, str]) -> str:
    """Ids joined by "; " as names; a bare count stays as it is."""
    ids = [part.strip() for part in str(value).split(";") if part.strip()]
    return "; ".join(names.get(part, part) for part in ids)
