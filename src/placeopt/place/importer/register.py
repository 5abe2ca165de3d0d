"""Read a register of land and property as published or exported, and say what became of each row.

The columns are found by their headings: both generations of files under the Local Government
Transparency Code, its recommended extras, and the usual names of property systems. The source
gains the columns ``register_...`` below, one record for each building that can be placed; land
without buildings and rows that cannot be placed are left out and listed, row by row, in
``NAME-rows.csv`` beside the place. Rows that look like one building are shown in
``NAME-groups.csv`` and merged only when the mapping accepts them.

Source: Department for Communities and Local Government (2015), Local Government Transparency
Code, part 2, land and building assets; headings as councils publish them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from placeopt.base.errors import Finding, PlaceError
from placeopt.place.faults import did_you_mean, error, warning
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
_TOLD = 20  # rows without a place that are told one by one; the file of rows has all


@dataclass
class Register:
    """A register as a table of buildings, with all that was found and assumed on the way."""

    table: RawTable
    rows: list[RegisterRow]
    groups: list[DuplicateGroup]
    assumed: list[Assumed] = field(default_factory=list)
    headings: frozenset[str] = frozenset()  # of the file, those that were read


def read_register(table: RawTable, spec: RegisterFile, folder: Path, beside: Path) -> Register:
    """The register's buildings; tables it names are looked for in ``folder``, then ``beside``.

    PlaceError where the headings lack an id, a name or a place, or a category is not known.
    """
    found = find_headings(table)
    findings: list[Finding] = list(table.findings)
    require_headings(table, found, spec)
    rows = [read_row(table, found, at, findings) for at in range(len(table))]
    _place(rows, spec, folder, beside)
    _categorise(table, rows, found, spec, folder, beside)
    classify_tenures(table.file, rows, findings)
    held = [row for row in rows if not row.became]
    if spec.groups.lower().endswith(".csv"):
        groups = read_groups(_beside(spec.groups, folder, beside), held)
    else:
        groups = find_duplicate_groups(held, spec.metres)
    accepted = [g for g in groups if g.accepted or spec.groups == "accept"]
    _say_groups(table.file, spec, groups, accepted, findings)
    register = Register(table, rows, groups, headings=frozenset(found.values()))
    register.table = _buildings(table, held, accepted, found, findings, register.assumed)
    _say_unplaced(table.file, rows, findings)
    return register


def _place(rows: list[RegisterRow], spec: RegisterFile, folder: Path, beside: Path) -> None:
    """Rows without coordinates stand at the centre of their postcode, where a table has it."""
    points = _postcode_points(_beside(spec.postcodes, folder, beside)) if spec.postcodes else {}
    for row in rows:
        if row.placed:
            row.located = "register"
        elif row.postcode in points:
            row.x, row.y = points[row.postcode]
            row.located = "postcode"
        elif not row.became:
            why = "the table of postcodes lacks it" if row.postcode else "no full postcode"
            row.became = f"left out: no coordinates are published, and {why}"


def _postcode_points(path: Path) -> dict[str, tuple[float, float]]:
    table = read_messy_csv(path)
    names = {normalise_heading(name): name for name in table.columns}
    picked = []
    for choices in (
        ("pcds", "pcd", "postcode"),
        ("oseast1m", "east1m", "eastings", "easting"),
        ("osnrth1m", "north1m", "northings", "northing"),
    ):
        hit = next((names[choice] for choice in choices if choice in names), None)
        if hit is None:
            remedy = "give columns postcode, easting and northing"
            raise PlaceError([error(path.name, f"no column is {choices[-1]}", remedy)])
        picked.append(table.cells[hit])
    points = {}
    for code, x, y in zip(*picked, strict=True):
        east, north = plain_number(x), plain_number(y)
        if find_postcode(code) and east and north and float(east) > 0:
            points[find_postcode(code)] = (float(east), float(north))
    return points


def _categorise(
    table: RawTable,
    rows: list[RegisterRow],
    found: dict[str, str],
    spec: RegisterFile,
    folder: Path,
    beside: Path,
) -> None:
    """Kinds and statuses by the editable table of categories; land without buildings stays out."""
    known = _categories(_beside(spec.categories, folder, beside)) if spec.categories else None
    unknown: dict[str, RegisterRow] = {}
    for row in rows:
        category = row.cells.get("category", "")
        if known is None:
            row.kind = re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")
        elif category.lower() in known:
            row.kind, row.status = known[category.lower()]
        else:
            unknown.setdefault(category, row)
        if row.kind == LAND and not row.became:
            row.became = "left out: land without a building"
    if unknown:
        column = found.get("category")
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


def _say_groups(
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
    table: RawTable, held: list[RegisterRow], accepted: list[DuplicateGroup], found: dict[str, str],
    findings: list[Finding], assumed: list[Assumed],
) -> RawTable:  # fmt: skip
    """One record a building: the first row of each accepted group speaks for it."""
    member = {id(row): group for group in accepted for row in group.rows}
    firsts, position = [], {table.row(at): at for at in range(len(table))}
    for row in held:
        group = member.get(id(row))
        if group is not None and group.rows[0] is not row:
            row.became = f"merged into {group.rows[0].id}"
            row.group = group.name
            continue
        row.became, row.group = "a building", group.name if group else ""
        firsts.append((row, list(group.rows) if group else [row]))
    at = [position[row.number] for row, _ in firsts]
    cells = {name: [column[k] for k in at] for name, column in table.cells.items()}
    cells |= _register_columns(firsts, table.file, found, findings)
    if accepted:
        rows = sum(len(group.rows) for group in accepted)
        rule = f"{rows} rows of the register are {len(accepted)} buildings: the first row of each "
        rule += "group speaks for it, floor areas and costs are added"
        assumed.append(Assumed("buildings", "building_id", rows, rule,
                               "groups accepted in the mapping", "local"))  # fmt: skip
    by_postcode = sum(row.located == "postcode" for row, _ in firsts)
    if by_postcode:
        rule = "stands at the centre of its postcode: the register withholds its coordinates"
        assumed += [Assumed("buildings", column, by_postcode, rule, "table of postcodes",
                            "published") for column in ("x_m", "y_m")]  # fmt: skip
    numbers = tuple(row.number for row, _ in firsts)
    return RawTable(table.file, cells, findings, numbers=numbers)


def _register_columns(
    firsts: list[tuple[RegisterRow, list[RegisterRow]]],
    file: str,
    found: dict[str, str],
    findings: list[Finding],
) -> dict[str, list[str]]:
    return {
        "register_id": [row.id for row, _ in firsts],
        "register_uprn": [row.uprn for row, _ in firsts],
        "register_name": [row.name for row, _ in firsts],
        "register_address": [row.address for row, _ in firsts],
        "register_postcode": [row.postcode for row, _ in firsts],
        "register_x_m": [number_text(row.x) for row, _ in firsts],
        "register_y_m": [number_text(row.y) for row, _ in firsts],
        "register_located": [row.located for row, _ in firsts],
        "register_kind": [row.kind for row, _ in firsts],
        "register_status": [
            "vacant" if all(r.status == "vacant" for r in rows) else "open" for _, rows in firsts
        ],
        "register_tenure": [row.tenure for row, _ in firsts],
        "register_lease_break_year": [lease_end_year(row) for row, _ in firsts],
        "register_services": [row.cells.get("services", "") for row, _ in firsts],
        "register_rows": [str(len(rows)) for _, rows in firsts],
    } | {
        f"register_{name}": [_added(rows, what, file, found, findings) for _, rows in firsts]
        for what, name in (("area", "floor_area_m2"), ("running", "running_cost_gbp_per_year"),
                           ("maintenance", "backlog_gbp"))
    }  # fmt: skip


def _added(
    rows: list[RegisterRow], what: str, file: str, found: dict[str, str], findings: list[Finding]
) -> str:
    """The sum of what the rows of a building state; "" where none does."""
    values = []
    for row in rows:
        cell = row.cells.get(what, "")
        text = plain_number(cell)
        if text is not None:
            values.append(float(text))
        elif cell:
            findings.append(warning(file, "this is no number and was taken for empty",
                                    "correct it in the register", row=row.number,
                                    column=found[what], value=cell))  # fmt: skip
    return number_text(float(np.sum(values))) if values else ""


def _say_unplaced(file: str, rows: list[RegisterRow], findings: list[Finding]) -> None:
    lost = [row for row in rows if row.became.startswith("left out: no coordinates")]
    remedy = "give its postcode in a table of postcodes, or its coordinates"
    for row in lost[:_TOLD]:
        message = row.became.removeprefix("left out: ")
        findings.append(warning(file, message, remedy, row=row.number, column="place",
                                value=row.postcode or row.name or None))  # fmt: skip
    if len(lost) > _TOLD:
        message = f"{len(lost) - _TOLD} further rows have no place and stay out"
        ids = [row.id or f"row {row.number}" for row in lost[_TOLD:]]
        findings.append(warning(file, message, "the file of rows lists every one", ids=ids))


def _beside(name: str, folder: Path, beside: Path) -> Path:
    for home in (folder, beside):
        if (home / name).is_file():
            return home / name
    remedy = f"put it in {folder} or beside the mapping"
    raise PlaceError([error(name, "the file that the register names is missing", remedy)])
