"""Check that small areas and indices of deprivation are of one census.

An index is published for the areas of one census: IMD 2015 and 2019 and WIMD 2019 for areas of
2011, IMD 2025 for areas of 2021, SIMD 2020 for data zones of 2011. A code that survived from one
census to the next is the same area. Any other code has no value, or a wrong one. A mapping may mix
censuses only if it says so (``mixed``).

Source: ONS, lower layer super output areas 2011 and 2021 (codes above E01033768 are of 2021);
MHCLG, English Indices of Deprivation 2019 and 2025; Welsh Government, WIMD 2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from placeopt.base.errors import Finding
from placeopt.base.findings import error, warning
from placeopt.place.importer.formula import FormulaError, formula_columns
from placeopt.place.importer.mapping import ColumnRule, Join, TableRule

CENSUS_OF_INDEX = {  # index and its year -> census of the areas it is published for
    ("IMD", 2010): 2001, ("IMD", 2015): 2011, ("IMD", 2019): 2011, ("IMD", 2025): 2021,
    ("WIMD", 2014): 2011, ("WIMD", 2019): 2011, ("SIMD", 2016): 2011, ("SIMD", 2020): 2011,
}  # fmt: skip
_INDEX = re.compile(
    r"(?<![a-z])([ws]?imd|[ws]?index of multiple deprivation|indices of deprivation)"
    r"[^0-9]*?((?:20)?[0-9]{2})(?![0-9])",
    re.IGNORECASE,
)
_AREA = re.compile(
    r"(?:LSOA|MSOA|DZ|DataZone|Data Zone|OA)[ _]?(?:code)?[^0-9a-z]*"
    r"((?:20)?(?:01|11|21|22))(?![0-9])",
    re.IGNORECASE,
)
_LAST_OF_2011 = {"E01": 33768, "W01": 1909, "S01": 13481}


def census_year(heading: str) -> int | None:
    """The census of the areas that a heading names: 2021 for ``LSOA21CD``."""
    match = _AREA.search(heading)
    return None if match is None else _year(match[1])


def index_year(heading: str) -> tuple[str, int] | None:
    """The index of deprivation that a heading names: ("IMD", 2019) for ``IMD19_decile``."""
    match = _INDEX.search(heading)
    if match is None:
        return None
    name = match[1].upper() if len(match[1]) <= 4 else "IMD"
    return name, _year(match[2])


def vintage_findings(
    rule: TableRule, file: str, cells: Mapping[str, list[str]]
) -> Iterator[Finding]:
    """Findings on joins across censuses, and on indices that are not for the zones' own areas."""
    for join in rule.join:
        yield from _join_findings(join, file)
    if rule.table != "zones" or "zone_id" not in rule.columns:
        return
    zone_column = rule.columns["zone_id"].from_ or ""
    year = census_year(zone_column)
    codes = cells.get(zone_column, [])
    yield from _code_findings(zone_column, year, codes, file)
    has_2021_codes = any(_is_of_2021(code) for code in codes)
    year = year or (2021 if has_2021_codes else None)
    deprivation = rule.columns.get("deprivation_quintile")
    if deprivation is None:
        return
    for column in _columns(deprivation):
        yield from _index_findings(column, deprivation, year, zone_column, file)


def _join_findings(join: Join, file: str) -> Iterator[Finding]:
    own, other = census_year(join.column), census_year(join.other)
    if own is None or other is None or own == other:
        return
    message = f"areas of {own} are joined with areas of {other} ({join.column}, {join.other})"
    if join.mixed:
        yield warning(file, message, "areas that changed have no values", column=join.column)
    else:
        remedy = "join by codes of one census (a lookup of ONS has both), or say mixed = true"
        yield error(file, message, remedy, column=join.column)


def _index_findings(
    column: str, rule: ColumnRule, year: int | None, zone_column: str, file: str
) -> Iterator[Finding]:
    index = index_year(column)
    if index is None:
        return
    name = f"{index[0]} {index[1]}"
    census = CENSUS_OF_INDEX.get(index)
    if census is None:
        yield warning(file, f"{name}: it is not known which areas it is published for",
                      "check that they are the zones", column=column)  # fmt: skip
    elif year is None:
        message = f"{name} is published for areas of {census}; the heading {zone_column!r} does "
        message += "not say of which census the zones are"
        yield warning(file, message, f"check that they are of {census}", column=column)
    elif year != census:
        message = f"{name} is published for areas of {census}, the zones are areas of {year}"
        if rule.mixed:
            yield warning(file, message, "areas that changed have no values", column=column)
        else:
            remedy = "use the index of the zones' own census, or say mixed = true"
            yield error(file, message, remedy, column=column)


def _code_findings(column: str, year: int | None, codes: list[str], file: str) -> Iterator[Finding]:
    later_codes = [code for code in codes if _is_of_2021(code)]
    if year == 2011 and later_codes:
        message = f"{len(later_codes)} codes under a heading of 2011 are of later areas"
        yield error(
            file, message, "give the codes of one census", column=column, value=later_codes[0]
        )


def _is_of_2021(code: str) -> bool:
    last = _LAST_OF_2011.get(code[:3])
    return last is not None and len(code) == 9 and code[3:].isdigit() and int(code[3:]) > last


def _columns(rule: ColumnRule) -> list[str]:
    """The source columns that a rule reads, including those of its ``fill``."""
    names = [rule.from_] if rule.from_ else []
    if rule.formula:
        try:
            names += formula_columns(rule.formula)
        except FormulaError:  # reported where the formula is evaluated
            return names
    return names + (_columns(rule.fill) if rule.fill else [])


def _year(digits: str) -> int:
    return int(digits) if len(digits) == 4 else 2000 + int(digits)
