"""Find the district of zones and buildings that state none from outlines of districts.

A zone or building is of the district whose outline its point stands in. What stands in none, or in
several, keeps an empty cell and is told with all its ids: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from placeopt.base.errors import Finding
from placeopt.place.check.outlines import shape_findings
from placeopt.place.faults import did_you_mean, error, warning
from placeopt.place.files.typed import parse_floats
from placeopt.place.importer.mapping import Districts
from placeopt.place.importer.report import Assumed, ImportReport
from placeopt.place.importer.sources import Source, crs_findings

Cells = dict[str, list[str]]
TableParts = dict[str, list[Cells]]  # table -> the rows of each of its rules
RULE = "the district whose outline its point stands in (where no source states one)"


def find_districts(
    rule: Districts, source: Source, crs: str, parts: TableParts, report: ImportReport
) -> list[Finding]:
    """Fill empty ``district_id`` of zones and buildings, and add districts that are missing.

    Args:
        rule: The mapping's section ``districts``.
        source: The source that it names.
        crs: The place's coordinate system.
        parts: The rows made so far; changed in place.
        report: Where what was found is noted.

    Returns:
        Faults of the outlines, and warnings about points that stand in none or in several.
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
        (table, at): _points(piece)
        for table in ("zones", "buildings")
        for at, piece in enumerate(parts[table])
    }
    if not findings:
        findings += _shape_faults(source, list(points.values()))
    if findings:
        return findings
    ids = source.table.cells[rule.district_id]
    for table in ("zones", "buildings"):
        pieces = [(piece, points[table, at]) for at, piece in enumerate(parts[table])]
        findings += _fill(table, pieces, source, ids, report)
    _add_missing(rule, source, parts, report)
    return findings


def _points(piece: Cells) -> np.ndarray:
    """(rows, 2) metres of a piece's rows; NaN where it states none."""
    count = len(next(iter(piece.values()), []))
    empty = [""] * count
    return np.column_stack([parse_floats(piece.get(axis, empty))[0] for axis in ("x_m", "y_m")])


def _shape_faults(source: Source, points: Sequence[np.ndarray]) -> list[Finding]:
    """Faults of the outlines near the place; those of the rest of a country are not asked for."""
    import shapely

    assert source.shapes is not None  # crs_findings has seen to it
    shapes = np.asarray(source.shapes.array, object)
    stated = np.vstack([np.empty((0, 2)), *points])
    stated = stated[np.isfinite(stated).all(axis=1)]
    if not len(stated):
        return []
    (left, bottom), (right, top) = stated.min(axis=0), stated.max(axis=0)
    bounds = shapely.bounds(shapes)
    away = (bounds[:, 0] > right) | (bounds[:, 2] < left)
    away |= (bounds[:, 1] > top) | (bounds[:, 3] < bottom)
    near = np.flatnonzero(~away)
    return list(shape_findings(shapes, source.file, "district", near))


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
    nowhere: list[str] = []
    several: dict[str, list[str]] = {}
    filled = 0
    for piece, xy in pieces:
        names = piece.get(key, [""] * len(xy))
        cells = piece.setdefault("district_id", [""] * len(xy))
        wanted = [at for at, cell in enumerate(cells) if not cell and np.isfinite(xy[at]).all()]
        here: dict[int, set[str]] = {at: set() for at in wanted}
        hits = tree.query(shapely.points(xy[wanted]), predicate="intersects")
        for which, outline in hits.T.tolist():
            here[wanted[which]].add(ids[outline])
        for at, found in here.items():
            if len(found) == 1:
                cells[at] = found.pop()
                filled += 1
            elif found:
                several[names[at]] = sorted(found)
            else:
                nowhere.append(names[at])
    if filled:
        report.assumed.append(Assumed(table, "district_id", filled, RULE, source.file, "published"))
    if nowhere:
        message = f"{len(nowhere)} of {table} stand in no outline, the first {nowhere[0]!r}"
        yield warning(source.file, message, "their district_id stays empty", ids=nowhere)
    if several:
        first, districts = next(iter(several.items()))
        message = f"{len(several)} of {table} stand in the outlines of several districts, the first"
        message += f" {first!r} in {' and '.join(districts)}"
        yield warning(source.file, message, "their district_id stays empty", ids=several)


def _add_missing(rule: Districts, source: Source, parts: TableParts, report: ImportReport) -> None:
    """Rows of the table districts for outlines in which something stands, if it has them not."""
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
        said = "districts whose outlines zones or buildings stand in"
        report.assumed.append(
            Assumed("districts", "district_id", len(name_of), said, source.file, "published")
        )
