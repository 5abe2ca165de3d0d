"""Write an answer's result folder."""

from __future__ import annotations

import json
from pathlib import Path

from placeopt.engine import Answer
from placeopt.report.layers import write_layers
from placeopt.report.page import write_page
from placeopt.report.picture import write_picture
from placeopt.report.summary import plain, summary_of
from placeopt.report.workbook import write_workbook


def write_results(answer: Answer, out: Path | str) -> dict[str, Path]:
    """Write everything a person looks at into the folder ``out``; returns name -> file.

    ``summary.json``, ``workbook.xlsx``, ``index.html``, ``plan.gpkg`` and ``map.svg`` (where
    the plan has places on the ground), ``tables/*.csv`` and ``provenance.json``.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    written["summary.json"] = _write_json(out / "summary.json", summary_of(answer))
    written["workbook.xlsx"] = write_workbook(answer, out / "workbook.xlsx")
    layers = write_layers(answer, out / "plan.gpkg")
    if layers is not None:
        written["plan.gpkg"] = layers
    picture = write_picture(answer, out / "map.svg")
    if picture is not None:
        written["map.svg"] = picture
    written["index.html"] = write_page(answer, out / "index.html")
    if answer.plan is not None:
        (out / "tables").mkdir(exist_ok=True)
        for name, table in answer.plan.tables.items():
            path = out / "tables" / f"{name}.csv"
            table.to_csv(path, index=False)
            written[f"tables/{name}.csv"] = path
    written["provenance.json"] = _write_json(out / "provenance.json", dict(answer.provenance))
    return written


def _write_json(path: Path, value: dict[str, object]) -> Path:
    path.write_text(json.dumps(plain(value), indent=2, ensure_ascii=False), encoding="utf-8")
    return path
