"""Read actual and contracted money since the plan was made, from a file that is checked as a whole.

The file has the columns of the table ``commitments``. An empty ``kind`` (or no such column) means
``actual``: what was spent in the first decided year that is not past yet. Rows of kind
``contracted`` are money that is contracted for later years.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding, PlaceError, errors_among
from placeopt.base.findings import error, row_number, sort_findings
from placeopt.place import Place
from placeopt.place.files.read import read_records

if TYPE_CHECKING:
    import pandas as pd


def read_actual(
    place: Place, path: Path, year: int
) -> tuple[dict[str, float], pd.DataFrame, list[Finding]]:
    """Read the file of actual and contracted money.

    Args:
        place: The place.
        path: The file.
        year: The year whose actual figures are given.

    Returns:
        GBP spent in ``year`` by programme id, the rows of contracted money, and warnings.

    Raises:
        PlaceError: With every fault of the file.
    """
    rows, findings = read_records(place, "commitments", path, {"kind": "actual"})
    findings = sort_findings([*findings, *_of_other_years(rows, path.name, year)])
    is_actual = rows["kind"] == "actual"
    faults = errors_among(findings)
    if not is_actual.any() and not faults:
        remedy = f"give a row for each programme with what was spent in {year}"
        faults = [error(path.name, "no row is of kind actual", remedy)]
    if faults:
        raise PlaceError(faults, f"faults in {path}")
    pairs = zip(rows["programme_id"][is_actual], rows["amount_gbp"][is_actual], strict=True)
    spent = {str(key): float(gbp) for key, gbp in pairs}
    return spent, rows[~is_actual], findings


def _of_other_years(rows: pd.DataFrame, file: str, year: int) -> Iterator[Finding]:
    """Faults of actual money of another year, and of contracts that are not in later years."""
    for at, (kind, given) in enumerate(zip(rows["kind"], rows["year"], strict=True)):
        if given is None or given != given or not 1900 <= given <= 2200:
            continue  # reported already
        if kind == "actual" and given != year:
            message = "this is not the first decided year without actual figures"
            yield error(file, message, f"give {year}, or kind contracted for money that is bound",
                        row=row_number(at), column="year", value=given)  # fmt: skip
        elif kind == "contracted" and given <= year:
            message = f"money is contracted for a year after {year}, which is now past"
            yield error(file, message, "give a later year, or kind actual if it was spent",
                        row=row_number(at), column="year", value=given)  # fmt: skip
