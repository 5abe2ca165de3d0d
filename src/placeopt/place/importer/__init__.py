"""Import a place from a council's files; a mapping file says which column is which.

``import_place`` reads the mapping's sources, builds each table, checks the result and writes the
place with a report of what was taken, renamed, assumed and left out. Every value that no source
states is a row of the place's ``assumptions``. If there is any error, nothing is written.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding, PlaceError, errors_among
from placeopt.base.files import atomic_file, atomic_folder, require_writable
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.place.check.all_checks import check
from placeopt.place.columns import dictionary
from placeopt.place.files.raw import RawTable
from placeopt.place.files.typed import typed_table
from placeopt.place.files.write import FILES, write_files, write_place
from placeopt.place.importer.build import build_rows
from placeopt.place.importer.clean import NO_ACTION
from placeopt.place.importer.districts import find_districts
from placeopt.place.importer.finance import COLUMNS as FINANCE_COLUMNS
from placeopt.place.importer.groups import write_groups, write_rows
from placeopt.place.importer.mapping import Mapping, read_mapping
from placeopt.place.importer.prices import Deflator, deflator_of
from placeopt.place.importer.report import (
    Assumed,
    FinanceLine,
    ImportReport,
    LeftOut,
    Repriced,
    Taken,
)
from placeopt.place.importer.sources import GEOMETRY_COLUMNS, Source, crs_findings, read_source
from placeopt.place.tables import Place

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

__all__ = ["Assumed", "ImportReport", "LeftOut", "Repriced", "Taken", "import_place"]

REPORT_FILE, STREETS_FILE = "import-report.md", "streets.gpkg"


def import_place(
    mapping: str | Path,
    out: str | Path,
    folder: str | Path | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> ImportReport:
    """Import the place that ``mapping`` describes, write it to ``out`` and return the report.

    Args:
        mapping: The mapping file (TOML).
        out: A folder, or a file ending in .gpkg. The report is written into the folder, or beside
            the file, as import-report.md, and a street network as streets.gpkg.
        folder: The folder of the source files; by default that of the mapping.
        progress: Called with a line of text as each step begins.

    Raises:
        PlaceError: With every fault of the mapping, the sources and the resulting place.
        OutputError: ``out`` cannot be written; raised before any source is read.
    """
    mapping, out = Path(mapping), Path(out)
    rules = read_mapping(mapping)
    if out.suffix.lower() != ".gpkg":
        require_writable(out, (*FILES, *_report_files(rules)))
    report_progress = progress or (lambda step: None)
    source_folder = Path(folder) if folder is not None else mapping.parent
    sources = _read_sources(rules, source_folder, mapping.parent, report_progress)
    report = ImportReport(rules.place.name)
    report.findings += [f for source in sources.values() for f in source.table.findings]
    place = _build(rules, sources, report, report_progress)
    report_progress(f"writing {out}")
    if out.suffix.lower() == ".gpkg":
        write_place(place, out)
        with tempfile.TemporaryDirectory() as scratch:
            _write_report_files(report, rules, sources, Path(scratch))
            for path in Path(scratch).iterdir():
                with atomic_file(out.parent / path.name) as made:
                    shutil.copyfile(path, made)
    else:
        with atomic_folder(out, (*FILES, *_report_files(rules))) as made:
            write_files(place, made)
            _write_report_files(report, rules, sources, made)
    return report


def _report_files(rules: Mapping) -> list[str]:
    """The names of the files that ``_write_report_files`` may write."""
    registers = [f"{name}-{what}.csv" for name in rules.source for what in ("groups", "rows")]
    return [REPORT_FILE, STREETS_FILE, *registers]


def _write_report_files(
    report: ImportReport, rules: Mapping, sources: dict[str, Source], folder: Path
) -> None:
    """Write the files that accompany the place: report, register lists, street network."""
    (folder / REPORT_FILE).write_text(report.to_markdown(), encoding="utf-8")
    _write_registers(sources, folder)
    if rules.streets:
        _write_streets(rules, sources, folder / STREETS_FILE)


def _read_sources(
    rules: Mapping, folder: Path, mapping_folder: Path, report_progress: Callable[[str], None]
) -> dict[str, Source]:
    sources, findings = {}, []
    for name, spec in rules.source.items():
        report_progress(f"reading {spec.file}")
        try:
            sources[name] = read_source(spec, folder, mapping_folder)
        except PlaceError as faults:
            findings += faults.findings
    findings += [finding for source in sources.values() for finding in source.table.findings]
    _stop_at_errors(findings, "faults in the sources")
    for name, spec in rules.source.items():
        _clear_missing_cells(sources[name].table, spec.missing)
    return sources


def _clear_missing_cells(table: RawTable, missing: tuple[str, ...]) -> None:
    """Empty the cells that the mapping calls missing (``n/a``, ``TBC``), with a warning."""
    words = set(missing)
    rows: list[int] = []
    for cells in table.cells.values() if words else ():
        for i, cell in enumerate(cells):
            if cell in words:
                cells[i] = ""
                rows.append(table.row(i))
    if rows:
        message = f"{len(rows)} cells that the mapping calls missing were read as empty"
        ids = map(str, sorted(set(rows)))
        table.findings.append(warning(table.file, message, NO_ACTION, ids=ids))


def _build(
    rules: Mapping,
    sources: dict[str, Source],
    report: ImportReport,
    report_progress: Callable[[str], None],
) -> Place:
    """Return the place that the mapping describes, checked, and fill in the report."""
    used: dict[str, set[str]] = {name: set() for name in sources}
    _report_registers(sources, report)
    _report_finance(rules, sources, report)
    for key, source in sources.items():
        used[key] |= source.register.headings if source.register else set()
    table_parts: dict[str, list[dict[str, list[str]]]] = {table: [] for table in dictionary()}
    findings: list[Finding] = []
    prices = Deflator(rules.place.price_year)
    ordered_rules = sorted(rules.table, key=lambda rule: rule.table != "deflators")
    for i, rule in enumerate(ordered_rules, start=1):
        report_progress(f"making {rule.table} ({i} of {len(rules.table)})")
        if rule.table != "deflators" and not prices.index:
            prices = _prices(rules, table_parts["deflators"])
        try:
            cells, faults, columns = build_rows(rule, sources, rules.place.crs, report, prices)
        except PlaceError as failure:
            findings += failure.findings
            continue
        table_parts[rule.table].append(cells)
        findings += faults
        for name in [rule.source, *(join.source for join in rule.join)]:
            if name:
                used[name] |= columns
        for join in rule.join:
            used[join.source].add(join.other)
    if rules.districts is not None:
        outlines = rules.districts
        report_progress(f"finding districts in {rules.source[outlines.source].file}")
        found = find_districts(
            outlines, sources[outlines.source], rules.place.crs, table_parts, report
        )
        findings += found
        used[outlines.source] |= {outlines.district_id, *([outlines.name] if outlines.name else [])}
    _stop_at_errors(findings, "faults in what is imported")
    table_parts["assumptions"].append(_assumption_cells(report))
    tables = {}
    for table, pieces in table_parts.items():
        tables[table], faults = typed_table(table, _concatenate(table, pieces))
        findings += faults
        if len(tables[table]):
            report.rows[table] = len(tables[table])
    boundaries = _boundaries(rules, sources, findings, used)
    boundaries = _outlines_of_zones(boundaries, tables["zones"], report)
    place = Place(rules.place.info(), tables, boundaries)
    report_progress("checking the place")
    known = {(f.file, f.row, f.column) for f in findings}
    findings += [f for f in check(place) if (f.file, f.row, f.column) not in known]
    _stop_at_errors(findings, "faults in the place that would come out")
    report.findings = list(dict.fromkeys([*report.findings, *findings]))
    report.ignored = _unused_columns(rules, sources, used)
    return place


def _prices(rules: Mapping, deflators: list[dict[str, list[str]]]) -> Deflator:
    """The deflator of the place's price year; faults of the table are reported elsewhere."""
    table, _ = typed_table("deflators", _concatenate("deflators", deflators))
    return deflator_of(rules.place.price_year, table.dropna(subset=["year", "index"]))


def _report_registers(sources: dict[str, Source], report: ImportReport) -> None:
    """Add to the report what the registers left out and assumed."""
    for source in sources.values():
        if source.register is None:
            continue
        report.assumed += source.register.assumed
        reasons = Counter(row.outcome for row in source.register.rows)
        for reason, rows in reasons.items():
            if reason.startswith("left out: "):
                reason_text = reason.removeprefix("left out: ")
                report.left_out.append(LeftOut(source.file, "buildings", rows, reason_text))


def _report_finance(rules: Mapping, sources: dict[str, Source], report: ImportReport) -> None:
    """Add to the report which column of a finance file became which line, with its sum in
    pounds."""
    for name, source in sources.items():
        spec, cells = rules.source[name].finance, source.table.cells
        if spec is None:
            continue
        rows = zip(
            *(cells[c] for c in ("kind", "source_column", "line", "amount_gbp")), strict=True
        )
        amounts: dict[tuple[str, str], list[float]] = {}
        for kind, column, line, gbp in rows:
            if kind == "line":
                amounts.setdefault((column, line), []).append(float(gbp))
        report.lines += [
            FinanceLine(source.file, column, line, len(gbp), spec.unit_gbp, sum(gbp))
            for (column, line), gbp in amounts.items()
        ]


def _write_registers(sources: dict[str, Source], folder: Path) -> None:
    """Write, for every register, the outcome of each row and the groups of likely duplicates."""
    for name, source in sources.items():
        if source.register is not None:
            write_groups(folder / f"{name}-groups.csv", source.register.groups)
            write_rows(folder / f"{name}-rows.csv", source.register.rows)


def _concatenate(table: str, pieces: list[dict[str, list[str]]]) -> RawTable:
    """Concatenate the rows of several rules for one table; missing columns are empty."""
    names = [c.name for c in dictionary()[table] if not pieces or any(c.name in p for p in pieces)]
    lengths = [len(next(iter(piece.values()), [])) for piece in pieces]
    cells: dict[str, list[str]] = {name: [] for name in names}
    for piece, length in zip(pieces, lengths, strict=True):
        for name in names:
            cells[name] += piece.get(name, [""] * length)
    return RawTable(f"{table}.csv", cells)


def _assumption_cells(report: ImportReport) -> dict[str, list[str]]:
    """The report's assumptions as rows of the place's table of assumptions."""
    cells: dict[str, list[str]] = {c.name: [] for c in dictionary()["assumptions"]}
    count: dict[str, int] = {}
    for assumed in report.assumed:
        key = f"{assumed.table}.{assumed.column}"
        count[key] = count.get(key, 0) + 1
        record = (
            key if count[key] == 1 else f"{key}.{count[key]}",
            assumed.table,
            assumed.column,
            str(assumed.rows),
            assumed.rule,
            assumed.source,
            assumed.grade,
        )
        for name, cell in zip(cells, record, strict=True):
            cells[name].append(cell)
    return cells


def _boundaries(
    rules: Mapping,
    sources: dict[str, Source],
    findings: list[Finding],
    used: dict[str, set[str]],
) -> gpd.GeoDataFrame | None:
    """The zones' outlines from the source that the mapping names, or None."""
    import geopandas as gpd

    if rules.boundaries is None:
        return None
    name, column = rules.boundaries.source, rules.boundaries.zone_id
    source = sources[name]
    findings += crs_findings(source, rules.place.crs)
    if source.shapes is None:
        return None
    if column not in source.table.cells:
        remedy = f"name a column of the source{did_you_mean(column, source.table.cells)}"
        findings.append(error(source.file, "no such column for the boundaries", remedy,
                              column=column))  # fmt: skip
        return None
    ids = source.table.cells[column]
    used[name].add(column)
    frame = gpd.GeoDataFrame({"zone_id": ids}, geometry=source.shapes.array, crs=source.shapes.crs)
    return frame.astype({"zone_id": str})


def _outlines_of_zones(
    boundaries: gpd.GeoDataFrame | None, zones: pd.DataFrame, report: ImportReport
) -> gpd.GeoDataFrame | None:
    """The outlines of those zones that were imported."""
    if boundaries is None or not len(zones):
        return boundaries
    kept = boundaries["zone_id"].isin(zones["zone_id"])
    if not kept.any():
        return boundaries  # none match: the check reports it
    if not kept.all():
        reason = "outlines of areas that are no zones of the place"
        report.left_out.append(LeftOut("boundaries", "zones", int((~kept).sum()), reason))
    return boundaries[kept].reset_index(drop=True)


def _unused_columns(
    rules: Mapping, sources: dict[str, Source], used: dict[str, set[str]]
) -> dict[str, list[str]]:
    copied = {rules.streets.edges, rules.streets.nodes} if rules.streets else set()
    own_columns = {
        name: FINANCE_COLUMNS for name in sources if rules.source[name].finance is not None
    }
    return {
        source.file: [
            c for c in source.table.columns
            if c not in {*used[name], *GEOMETRY_COLUMNS, *own_columns.get(name, ())}
        ]
        for name, source in sources.items()
        if name not in copied
    }  # fmt: skip


def _write_streets(rules: Mapping, sources: dict[str, Source], path: Path) -> None:
    """Copy the street network from its source, under the layer names that ``travel`` reads."""
    import pyogrio

    assert rules.streets is not None
    for layer, name in (("edges", rules.streets.edges), ("nodes", rules.streets.nodes)):
        pyogrio.write_dataframe(
            sources[name].frame, path, layer=layer, driver="GPKG", append=layer != "edges"
        )


def _stop_at_errors(findings: list[Finding], heading: str) -> None:
    errors = errors_among(findings)
    if errors:
        raise PlaceError(errors, heading)
