"""Read a register of land and property, as published or exported.

Columns are found by their headings: those of both generations of the Local Government
Transparency Code, its recommended extras, and the usual names in property systems. The source
gains the columns ``register_...`` below, with one record for each building that has a location.
Land without buildings and rows without a location are left out; ``NAME-rows.csv`` beside the place
lists the outcome of every row. Rows that are probably one building are listed in
``NAME-groups.csv``, and merged only if the mapping accepts them.

Source: Department for Communities and Local Government (2015), Local Government Transparency
Code, part 2, land and building assets; headings as councils publish them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from placeopt.base.errors import Finding, PlaceError
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.place.files.cells import plain_number
from placeopt.place.files.raw import RawTable, number_text
from placeopt.place.importer.clean import read_messy_csv
from placeopt.place.importer.groups import DuplicateGroup, find_duplicate_groups, read_groups
from placeopt.place.importer.mapping import RegisterFile
from placeopt.place.importer.register_rows import (
    RegisterRow,
    classify_tenures,
    find_headings,
    find_postcode,
    lease_end_year,
    normalise_heading,
    read_row,
    require_headings,
)
from placeopt.place.importer.report import Assumed

LAND = "land"
_MAX_WARNINGS = 20  # rows without a location that get a warning each; NAME-rows.csv has all


@dataclass
class Register:
    """A register as a table of buildings.

    Attributes:
        table: One record for each building.
        rows: Every row of the register with its outcome.
        groups: The groups of probable duplicates.
        assumed: The assumptions made.
        headings: The headings of the file that were read.
    """

    table: RawTable
    rows: list[RegisterRow]
    groups: list[DuplicateGroup]
    assumed: list[Assumed] = field(default_factory=list)
    headings: frozenset[str] = frozenset()


def read_register(
    table: RawTable, spec: RegisterFile, folder: Path, mapping_folder: Path
) -> Register:
    """Read a register.

    Args:
        table: The file as text.
        spec: How the mapping says to read it.
        folder: The folder of sources, in which the tables that ``spec`` names are looked for.
        mapping_folder: The folder of the mapping, in which they are looked for next.

    Raises:
        PlaceError: No heading gives an id, a name or a location, or a category is not known.
    """
    headings = find_headings(table)
    findings: list[Finding] = list(table.findings)
    require_headings(table, headings, spec)
    rows = [read_row(table, headings, i, findings) for i in range(len(table))]
    _locate(rows, spec, folder, mapping_folder)
    _categorise(table, rows, headings, spec, folder, mapping_folder)
    classify_tenures(table.file, rows, findings)
    kept = [row for row in rows if not row.outcome]
    if spec.groups.lower().endswith(".csv"):
        groups = read_groups(_find_file(spec.groups, folder, mapping_folder), kept)
    else:
        groups = find_duplicate_groups(kept, spec.metres)
    accepted = [g for g in groups if g.accepted or spec.groups == "accept"]
    _warn_of_groups(table.file, spec, groups, accepted, findings)
    register = Register(table, rows, groups, headings=frozenset(headings.values()))
    register.table = _buildings(table, kept, accepted, headings, findings, register.assumed)
    _warn_of_unlocated(table.file, rows, findings)
    return register


def _locate(
    rows: list[RegisterRow], spec: RegisterFile, folder: Path, mapping_folder: Path
) -> None:
    """Locate rows without coordinates at the centre of their postcode, if a table has it."""
    points = (
        _postcode_points(_find_file(spec.postcodes, folder, mapping_folder))
        if spec.postcodes
        else {}
    )
    for row in rows:
        if row.has_coordinates:
            row.located = "register"
        elif row.postcode in points:
            row.x, row.y = points[row.postcode]
            row.located = "postcode"
        elif not row.outcome:
            why = "the table of postcodes lacks it" if row.postcode else "no full postcode"
            row.outcome = f"left out: no coordinates are published, and {why}"


def _postcode_points(path: Path) -> dict[str, tuple[float, float]]:
    table = read_messy_csv(path)
    names = {normalise_heading(name): name for name in table.columns}
    columns = []
    for choices in (
        ("pcds", "pcd", "postcode"),
        ("oseast1m", "east1m", "eastings", "easting"),
        ("osnrth1m", "north1m", "northings", "northing"),
    ):
        heading = next((names[choice] for choice in choices if choice in names), None)
        if heading is None:
            remedy = "give columns postcode, easting and northing"
            raise PlaceError([error(path.name, f"no column is {choices[-1]}", remedy)])
        columns.append(table.cells[heading])
    points = {}
    for code, x, y in zip(*columns, strict=True):
        east, north = plain_number(x), plain_number(y)
        if find_postcode(code) and east and north and float(east) > 0:
            points[find_postcode(code)] = (float(east), float(north))
    return points


def _categorise(
    table: RawTable,
    rows: list[RegisterRow],
    headings: dict[str, str],
    spec: RegisterFile,
    folder: Path,
    mapping_folder: Path,
) -> None:
    """Set kinds and statuses from the table of categories; leave out land without buildings."""
    known = (
        _categories(_find_file(spec.categories, folder, mapping_folder))
        if spec.categories
        else None
    )
    unknown: dict[str, RegisterRow] = {}
    for row in rows:
        category = row.cells.get("category", "")
        if known is None:
            row.kind = re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")
        elif category.lower() in known:
            row.kind, row.status = known[category.lower()]
        else:
            unknown.setdefault(category, row)
        if row.kind == LAND and not row.outcome:
            row.outcome = "left out: land without a building"
    if unknown:
        column = headings.get("category")
        raise PlaceError(
            [error(table.file, f"{spec.categories} has no such category",
                   f"add a row category,kind,status to it{did_you_mean(category, known or ())}",
                   row=row.number, column=column, value=category)
             for category, row in unknown.items()], "categories without a kind",
        )  # fmt: skip


def _categories(path: Path) -> dict[str, tuple[str, str]]:
    table = read_messy_csv(path)
    missing = [name for name in ("category", "kind") if name not in table.cells]
    if missing:
        remedy = "give the columns category, kind and perhaps status"
        raise PlaceError([error(path.name, "the column is missing", remedy, column=missing[0])])
    status = table.cells.get("status", [""] * len(table))
    return {
        category.lower(): (kind, state or "open")
        for category, kind, state in zip(
            table.cells["category"], table.cells["kind"], status, strict=True
        )
    }


def _warn_of_groups(
    file: str, spec: RegisterFile, groups: list[DuplicateGroup], accepted: list[DuplicateGroup],
    findings: list[Finding],
) -> None:  # fmt: skip
    open_groups = [group for group in groups if group not in accepted]
    if open_groups:
        rows = sum(len(group.rows) for group in open_groups)
        message = f"{rows} rows look like {len(open_groups)} buildings and were not merged"
        remedy = (
            f'look at the file of groups; to merge all give groups = "accept", to merge some '
            f"edit its column accept and name the file (now groups = {spec.groups!r})"
        )
        ids = [row.id for group in open_groups for row in group.rows]
        findings.append(warning(file, message, remedy, row=open_groups[0].rows[0].number, ids=ids))


def _buildings(
    table: RawTable,
    kept: list[RegisterRow],
    accepted: list[DuplicateGroup],
    headings: dict[str, str],
    findings: list[Finding],
    assumed: list[Assumed],
) -> RawTable:
    """One record for each building: the first row of each accepted group stands for the group."""
    group_of_row = {id(row): group for group in accepted for row in group.rows}
    buildings, position = [], {table.row(positions): positions for positions in range(len(table))}
    for row in kept:
        group = group_of_row.get(id(row))
        if group is not None and group.rows[0] is not row:
            row.outcome = f"merged into {group.rows[0].id}"
            row.group = group.name
            continue
        row.outcome, row.group = "a building", group.name if group else ""
        buildings.append((row, list(group.rows) if group else [row]))
    positions = [position[row.number] for row, _ in buildings]
    cells = {name: [column[k] for k in positions] for name, column in table.cells.items()}
    cells |= _register_columns(buildings, table.file, headings, findings)
    if accepted:
        rows = sum(len(group.rows) for group in accepted)
        rule = f"{rows} rows of the register are {len(accepted)} buildings: the first row of each "
        rule += "group speaks for it, floor areas and costs are added"
        assumed.append(Assumed("buildings", "building_id", rows, rule,
                               "groups accepted in the mapping", "local"))  # fmt: skip
    by_postcode = sum(row.located == "postcode" for row, _ in buildings)
    if by_postcode:
        rule = "stands at the centre of its postcode: the register withholds its coordinates"
        assumed += [Assumed("buildings", column, by_postcode, rule, "table of postcodes",
                            "published") for column in ("x_m", "y_m")]  # fmt: skip
    numbers = tuple(row.number for row, _ in buildings)
    return RawTable(table.file, cells, findings, numbers=numbers)


def _register_columns(
    buildings: list[tuple[RegisterRow, list[RegisterRow]]],
    file: str,
    headings: dict[str, str],
    findings: list[Finding],
) -> dict[str, list[str]]:
    return {
        "register_id": [row.id for row, _ in buildings],
        "register_uprn": [row.uprn for row, _ in buildings],
        "register_name": [row.name for row, _ in buildings],
        "register_address": [row.address for row, _ in buildings],
        "register_postcode": [row.postcode for row, _ in buildings],
        "register_x_m": [number_text(row.x) for row, _ in buildings],
        "register_y_m": [number_text(row.y) for row, _ in buildings],
        "register_located": [row.located for row, _ in buildings],
        "register_kind": [row.kind for row, _ in buildings],
        "register_status": [
            "vacant" if all(r.status == "vacant" for r in rows) else "open" for _, rows in buildings
        ],
        "register_tenure": [row.tenure for row, _ in buildings],
        "register_lease_break_year": [lease_end_year(row) for row, _ in buildings],
        "register_services": [row.cells.get("services", "") for row, _ in buildings],
        "register_rows": [str(len(rows)) for _, rows in buildings],
    } | {
        f"register_{name}": [
            _sum_of_rows(rows, key, file, headings, findings) for _, rows in buildings
        ]
        for key, name in (
            ("area", "floor_area_m2"),
            ("running", "running_cost_gbp_per_year"),
            ("maintenance", "backlog_gbp"),
        )
    }


def _sum_of_rows(
    rows: list[RegisterRow], key: str, file: str, headings: dict[str, str], findings: list[Finding]
) -> str:
    """The sum of a column over the rows of a building; "" if none states it."""
    values = []
    for row in rows:
        cell = row.cells.get(key, "")
        text = plain_number(cell)
        if text is not None:
            values.append(float(text))
        elif cell:
            findings.append(warning(file, "this is no number and was taken for empty",
                                    "correct it in the register", row=row.number,
                                    column=headings[key], value=cell))  # fmt: skip
    return number_text(float(np.sum(values))) if values else ""


def _warn_of_unlocated(file: str, rows: list[RegisterRow], findings: list[Finding]) -> None:
    unlocated = [row for row in rows if row.outcome.startswith("left out: no coordinates")]
    remedy = "give its postcode in a table of postcodes, or its coordinates"
    for row in unlocated[:_MAX_WARNINGS]:
        message = row.outcome.removeprefix("left out: ")
        findings.append(warning(file, message, remedy, row=row.number, column="place",
                                value=row.postcode or row.name or None))  # fmt: skip
    if len(unlocated) > _MAX_WARNINGS:
        message = f"{len(unlocated) - _MAX_WARNINGS} further rows have no place and stay out"
        ids = [row.id or f"row {row.number}" for row in unlocated[_MAX_WARNINGS:]]
        findings.append(warning(file, message, "the file of rows lists every one", ids=ids))


def _find_file(name: str, folder: Path, mapping_folder: Path) -> Path:
    for parent in (folder, mapping_folder):
        if (parent / name).is_file():
            return parent / name
    remedy = f"put it in {folder} or beside the mapping"
    raise PlaceError([error(name, "the file that the register names is missing", remedy)])
