"""Write everything a person looks at: page, workbook, map layers, tables, summary, provenance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.report.sheets import sheets_of
from placeopt.report.story import tell
from placeopt.report.summary import plain, summary_of, write_json

if TYPE_CHECKING:
    from placeopt.engine import Answer


def write_results(answer: Answer, out: Path | str) -> dict[str, Path]:
    """Write an answer into the folder ``out`` (made if absent); returns name -> file.

    Always ``summary.json``, ``workbook.xlsx``, ``index.html`` and ``provenance.json``; with a
    plan, ``tables`` (a CSV a table, in the plan's own column names and codes); with an estate
    plan, ``plan.gpkg`` and ``map.svg``. Files of an earlier answer that this one does not have
    are removed, so that a folder never shows two answers at once. A workbook that is open
    elsewhere raises ``PermissionError`` where the system locks files.
    """
    from placeopt.report.page import write_page
    from placeopt.report.workbook import write_workbook
    from placeopt.report.years import yearly_sheets

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    _clear(out)
    story, sheets = tell(answer), {**sheets_of(answer), **yearly_sheets(answer)}
    files = {
        "summary": write_json(summary_of(answer, story), out / "summary.json"),
        "provenance": write_json(plain(answer.provenance), out / "provenance.json"),
        "workbook": write_workbook(answer, story, sheets, out / "workbook.xlsx"),
    }
    if answer.plan is not None:
        files["tables"] = _write_tables(answer, out / "tables")
        if "buildings" in answer.plan.tables:
            from placeopt.report.geopackage import write_geopackage
            from placeopt.report.picture import write_picture

            files["geopackage"] = write_geopackage(answer, sheets, out / "plan.gpkg")
            files["map"] = write_picture(answer, out / "map.svg")
    others = [str(path.relative_to(out)) for path in files.values()]
    files["page"] = write_page(answer, story, sheets, out / "index.html", others)
    return files


def _write_tables(answer: Answer, folder: Path) -> Path:
    assert answer.plan is not None
    folder.mkdir(exist_ok=True)
    for name, table in answer.plan.tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def _clear(out: Path) -> None:
    """Take away what an earlier answer left here; nothing else."""
    for name in ("plan.gpkg", "map.svg"):
        (out / name).unlink(missing_ok=True)
    folder = out / "tables"
    if folder.is_dir():
        for path in folder.glob("*.csv"):
            path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
