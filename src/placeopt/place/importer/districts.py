"""Find the district of zones and buildings that state none, from district outlines.

A zone or building belongs to the district whose outline contains its point. Points in no outline,
or in several, keep an empty cell and are listed in a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.place.check.outlines import shape_findings
from placeopt.place.files.typed import parse_floats
from placeopt.place.importer.mapping import Districts
from placeopt.place.importer.report import Assumed, ImportReport
from placeopt.place.importer.sources import Source, crs_findings

Cells = dict[str, list[str]]
TableParts = dict[str, list[Cells]]  # table -> the cells built by each of its rules
RULE = "the district whose outline its point stands in (where no source states one)"


def find_districts(
    rule: Districts, source: Source, crs: str, parts: TableParts, report: ImportReport
) -> list[Finding]:
    """Fill empty ``district_id`` of zones and buildings, and add districts that are missing.

    Args:
        rule: The mapping's section ``districts``.
        source: The source that it names.
        crs: The place's coordinate system.
        parts: The cells built so far; changed in place.
        report: Receives the assumptions.

    Returns:
        Faults of the outlines, and warnings about points in no outline or in several.
    """
    columns = [rule.district_id, *([rule.name] if rule.name else [])]
    findings = [
        error(
            source.file,
            "the source has no such column, wanted for districts",
            f"name a column of the source{did_you_mean(column, source.table.cells)}",
            column=column,
        )
        for column in columns
        if column not in source.table.cells
    ]
    findings += crs_findings(source, crs)
    points = {
        (table, i): _points(piece)
        for table in ("zones", "buildings")
        for i, piece in enumerate(parts[table])
    }
    if not findings:
        findings += _shape_faults(source, list(points.values()))
    if findings:
        return findings
    ids = source.table.cells[rule.district_id]
    for table in ("zones", "buildings"):
        pieces = [(piece, points[table, i]) for i, piece in enumerate(parts[table])]
        findings += _fill(table, pieces, source, ids, report)
    _add_missing(rule, source, parts, report)
    return findings


def _points(piece: Cells) -> np.ndarray:
    """(rows, 2) metres; NaN where a row states none."""
    count = len(next(iter(piece.values()), []))
    empty = [""] * count
    return np.column_stack([parse_floats(piece.get(axis, empty))[0] for axis in ("x_m", "y_m")])


def _shape_faults(source: Source, points: Sequence[np.ndarray]) -> list[Finding]:
    """Faults of the outlines near the place; those further away do not matter."""
    import shapely

    assert source.shapes is not None  # crs_findings has seen to it
    shapes = np.asarray(source.shapes.array, object)
    known_points = np.vstack([np.empty((0, 2)), *points])
    known_points = known_points[np.isfinite(known_points).all(axis=1)]
    if not len(known_points):
        return []
    (left, bottom), (right, top) = known_points.min(axis=0), known_points.max(axis=0)
    bounds = shapely.bounds(shapes)
    is_outside = (bounds[:, 0] > right) | (bounds[:, 2] < left)
    is_outside |= (bounds[:, 1] > top) | (bounds[:, 3] < bottom)
    nearby = np.flatnonzero(~is_outside)
    return list(shape_findings(shapes, source.file, "district", nearby))


def _fill(
    table: str,
    pieces: Sequence[tuple[Cells, np.ndarray]],
    source: Source,
    ids: Sequence[str],
    report: ImportReport,
) -> Iterator[Finding]:
    import shapely

    assert source.shapes is not None
    tree = shapely.STRtree(np.asarray(source.shapes.array, object))
    key = f"{table.removesuffix('s')}_id"
    unmatched: list[str] = []
    ambiguous: dict[str, list[str]] = {}
    filled = 0
    for piece, xy in pieces:
        names = piece.get(key, [""] * len(xy))
        cells = piece.setdefault("district_id", [""] * len(xy))
        wanted = [i for i, cell in enumerate(cells) if not cell and np.isfinite(xy[i]).all()]
        districts_of: dict[int, set[str]] = {i: set() for i in wanted}
        hits = tree.query(shapely.points(xy[wanted]), predicate="intersects")
        for point, outline in hits.T.tolist():
            districts_of[wanted[point]].add(ids[outline])
        for i, matches in districts_of.items():
            if len(matches) == 1:
                cells[i] = matches.pop()
                filled += 1
            elif matches:
                ambiguous[names[i]] = sorted(matches)
            else:
                unmatched.append(names[i])
    if filled:
        report.assumed.append(Assumed(table, "district_id", filled, RULE, source.file, "published"))
    if unmatched:
        message = f"{len(unmatched)} of {table} stand in no outline, the first {unmatched[0]!r}"
        yield warning(source.file, message, "their district_id stays empty", ids=unmatched)
    if ambiguous:
        first, districts = next(iter(ambiguous.items()))
        message = (
            f"{len(ambiguous)} of {table} stand in the outlines of several districts, the first"
        )
        message += f" {first!r} in {' and '.join(districts)}"
        yield warning(source.file, message, "their district_id stays empty", ids=ambiguous)


def _add_missing(rule: Districts, source: Source, parts: TableParts, report: ImportReport) -> None:
    """Add the districts in use that the table ``districts`` lacks."""
    known = {cell for piece in parts["districts"] for cell in piece.get("district_id", [])}
    used = {
        cell for table in ("zones", "buildings") for piece in parts[table]
        for cell in piece.get("district_id", [])
    }  # fmt: skip
    name_of: dict[str, str] = {}
    names = source.table.cells[rule.name or rule.district_id]
    for district, name in zip(source.table.cells[rule.district_id], names, strict=True):
        if district in used - known:
            name_of.setdefault(district, name if rule.name else "")
    if name_of:
        parts["districts"].append({"district_id": list(name_of), "name": list(name_of.values())})
        rule_text = "districts whose outlines zones or buildings stand in"
        report.assumed.append(
            Assumed("districts", "district_id", len(name_of), rule_text, source.file, "published")
        )
