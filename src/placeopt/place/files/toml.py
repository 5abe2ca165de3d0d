"""Read and write place.toml, the general information about a place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from typing import Any

from placeopt.base.errors import Finding, InputError
from placeopt.base.findings import did_you_mean, error, warning
from placeopt.base.reading import parse_toml
from placeopt.place.files.cells import shorten, text_fault
from placeopt.place.tables import PlaceInfo

FILE = "place.toml"
YEARS = (1900, 2200)
_MEANING = {
    "name": ("a text", 'name = "Marlshire"'),
    "crs": ("the code of a projected coordinate system in metres", 'crs = "EPSG:27700"'),
    "price_year": ("a whole number", "price_year = 2025"),
    "sources": ("a list of texts", 'sources = ["ONS, population estimates mid-2022"]'),
    "licence": ("a text", 'licence = "OGL v3.0"'),
    "made_up": ("true or false", "made_up = false"),
    "plausible": (
        "a table of reasons",
        '[plausible] and below it "buildings.floor_area_m2.B01" = "measured on site"',
    ),
}


def parse_info(text: str, file: str = FILE) -> tuple[PlaceInfo, list[Finding]]:
    """Parse the text of place.toml; return the information and its faults."""
    try:
        values = parse_toml(text, file)
    except InputError as refused:
        return PlaceInfo(name=""), list(refused.findings)
    lines = text.splitlines()
    findings: list[Finding] = []
    valid_values: dict[str, Any] = {"name": ""}
    for key, value in values.items():
        line = _line_of(lines, key)
        if key not in _MEANING:
            remedy = f"remove it{did_you_mean(key, _MEANING)}"
            findings.append(warning(file, "the key is not known", remedy, row=line, column=key))
        elif not _has_type(key, value):
            description, example = _MEANING[key]
            findings.append(
                error(
                    file,
                    f"this is not {description}",
                    f"write for example {example}",
                    row=line,
                    column=key,
                    value=value,
                )
            )
        else:
            stated: dict[str, Any] = {key: tuple(value) if key == "sources" else value}
            if key == "plausible":
                stated = {key: dict(_flatten(value))}
            faults = [
                replace(finding, file=file, row=line)
                for finding in info_findings(PlaceInfo(**{"name": "", **stated}))
            ]
            findings += faults
            if not faults:
                valid_values |= stated
    if "name" not in values:
        remedy = f"write for example {_MEANING['name'][1]}"
        findings.append(error(file, "the name is missing", remedy, column="name"))
    return PlaceInfo(**valid_values), findings


def info_findings(info: PlaceInfo) -> Iterator[Finding]:
    """Errors for texts that are too long or cannot be shown, and for a price year out of range."""
    for key, texts in (("name", (info.name,)), ("sources", info.sources),
                       ("licence", (info.licence,)),
                       ("plausible", info.plausible.values())):  # fmt: skip
        for text in texts:
            if found := text_fault(text, strict=False):
                yield error(FILE, *found, column=key, value=shorten(text))
    low, high = YEARS
    if not low <= info.price_year <= high:
        message = f"this is {'below' if info.price_year < low else 'above'} the years known"
        yield error(FILE, message, f"give a year from {low} to {high}", column="price_year",
                    value=info.price_year)  # fmt: skip


def info_text(info: PlaceInfo) -> str:
    """The text of place.toml for ``info``; ``parse_info`` reads it back unchanged."""
    import tomli_w

    given = asdict(info)
    if not info.plausible:
        del given["plausible"]
    return tomli_w.dumps(given)


def _flatten(notes: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield notes by their full name, whether or not the file quotes the dotted name."""
    for name, reason in notes.items():
        if isinstance(reason, dict):
            yield from _flatten(reason, f"{before}{name}.")
        else:
            yield before + name, reason


def _has_type(key: str, value: Any) -> bool:
    if key == "plausible":
        reasons = [reason for _, reason in _flatten(value)] if isinstance(value, dict) else [None]
        return all(isinstance(reason, str) and reason.strip() for reason in reasons)
    if key == "sources":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    kind = {field.name: field.type for field in fields(PlaceInfo)}[key]
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool if kind == "bool" else str)


def _line_of(lines: list[str], key: str) -> int | None:
    pattern = re.compile(rf"""\s*(?:\[*\s*)?["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((row for row, line in enumerate(lines, start=1) if pattern.match(line)), None)
