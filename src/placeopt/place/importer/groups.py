"""Find rows of a register that are probably one building: same UPRN, or same address nearby."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import PlaceError
from placeopt.base.findings import error
from placeopt.place.files.cells import pad_uprn
from placeopt.place.importer.clean import read_messy_csv

if TYPE_CHECKING:
    from placeopt.place.importer.register_rows import RegisterRow

COLUMNS = ("group", "accept", "row", "id", "uprn", "name", "address", "postcode", "x_m", "y_m",
           "why")  # fmt: skip


@dataclass(frozen=True)
class DuplicateGroup:
    """Rows that are probably one building.

    Attributes:
        name: The group's name in the file of groups.
        rows: Its rows.
        why: Why they are grouped.
        accepted: Whether a person has accepted the group.
    """

    name: str
    rows: tuple[RegisterRow, ...]
    why: str
    accepted: bool = False


def find_duplicate_groups(rows: Sequence[RegisterRow], metres: float) -> list[DuplicateGroup]:
    """Groups of two or more rows: first by UPRN, then by address within ``metres`` of one
    another."""
    groups: list[tuple[list[RegisterRow], str]] = []
    grouped: set[int] = set()
    for members in _buckets(rows, lambda row: pad_uprn(row.uprn)).values():
        if len(members) > 1:
            groups.append((members, f"the same UPRN {members[0].uprn}"))
            grouped.update(id(row) for row in members)
    remaining = [row for row in rows if id(row) not in grouped]
    for members in _buckets(remaining, _address_key).values():
        while len(members) > 1:
            first, inside = members[0], [members[0]]
            outside: list[RegisterRow] = []
            for row in members[1:]:
                (inside if _distance(first, row) <= metres else outside).append(row)
            if len(inside) > 1:
                largest = max(_distance(first, row) for row in inside[1:])
                groups.append((inside, f"the same address, at most {largest:.0f} m apart"))
            members = outside
    groups.sort(key=lambda pair: pair[0][0].number)
    return [
        DuplicateGroup(f"G{k}", tuple(members), why)
        for k, (members, why) in enumerate(groups, start=1)
    ]


def write_groups(path: Path, groups: Sequence[DuplicateGroup]) -> None:
    """Write the groups to a CSV file for editing: ``accept`` is yes or no for a whole group."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for group in groups:
            for row in group.rows:
                accept = "yes" if group.accepted else "no"
                writer.writerow((group.name, accept, row.number, row.id, row.uprn, row.name,
                                 row.address, row.postcode, f"{row.x:g}", f"{row.y:g}",
                                 group.why))  # fmt: skip


def write_rows(path: Path, rows: Sequence[RegisterRow]) -> None:
    """Write the outcome of every row of a register to a CSV file."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("row", "id", "uprn", "name", "postcode", "located", "group", "became"))
        for row in rows:
            writer.writerow((row.number, row.id, row.uprn, row.name, row.postcode, row.located,
                             row.group, row.outcome))  # fmt: skip


def read_groups(path: Path, rows: Sequence[RegisterRow]) -> list[DuplicateGroup]:
    """Read the edited groups; rows are matched by id and row number.

    Raises:
        PlaceError: With every row that does not match, and every group neither all yes nor all no.
    """
    table = read_messy_csv(path)
    for name in ("group", "accept", "row", "id"):
        if name not in table.cells:
            remedy = "keep the columns of the file of groups"
            raise PlaceError([error(path.name, "the column is missing", remedy, column=name)])
    by_number = {row.number: row for row in rows}
    found: dict[str, list[RegisterRow]] = {}
    accepted_words: dict[str, set[str]] = {}
    faults = []
    for i, (name, accept, number, key) in enumerate(
        zip(*(table.cells[c] for c in ("group", "accept", "row", "id")), strict=True)
    ):
        row = by_number.get(int(number)) if number.isdigit() else None
        if row is None or row.id != key:
            faults.append(error(path.name, "the register has no such building in that row",
                                "write the file of groups anew", row=table.row(i),
                                column="row", value=f"{number}, {key}"))  # fmt: skip
            continue
        found.setdefault(name, []).append(row)
        accepted_words.setdefault(name, set()).add(accept.lower())
    for name, words in accepted_words.items():
        if words not in ({"yes"}, {"no"}):
            faults.append(error(path.name, f"group {name} is neither all yes nor all no",
                                "say yes or no in every row of a group", column="accept",
                                value=", ".join(sorted(words))))  # fmt: skip
    if faults:
        raise PlaceError(faults, "faults in the groups")
    return [
        DuplicateGroup(name, tuple(members), "as edited", accepted_words[name] == {"yes"})
        for name, members in found.items() if len(members) > 1
    ]  # fmt: skip


def _buckets(
    rows: Sequence[RegisterRow], key_of: Callable[[RegisterRow], str]
) -> dict[str, list[RegisterRow]]:
    found: dict[str, list[RegisterRow]] = {}
    for row in rows:
        key = key_of(row)
        if key:
            found.setdefault(key, []).append(row)
    return found


def _address_key(row: RegisterRow) -> str:
    """The normalised address and the postcode; "" if the address has fewer than two words."""
    text = re.sub(r"[^a-z0-9]+", " ", row.address.lower().replace(row.postcode.lower(), " "))
    return f"{text.strip()}|{row.postcode}" if " " in text.strip() else ""


def _distance(first: RegisterRow, other: RegisterRow) -> float:
    """Metres between two rows; 0 where the register withholds either location."""
    distance = math.hypot(first.x - other.x, first.y - other.y)
    return 0.0 if math.isnan(distance) else distance
