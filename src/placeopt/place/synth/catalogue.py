"""The parts that every synthetic county shares: services, kinds of building, programmes, curves.

Each table is a CSV file in the folder ``data``. All its numbers are illustrative.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def catalogue(table: str) -> pd.DataFrame:
    """One table of the catalogue; empty text is ``""``."""
    import pandas as pd

    with (files("placeopt.place.synth") / "data" / f"{table}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file)
    text = frame.select_dtypes(exclude="number").columns
    return frame.fillna(dict.fromkeys(text, ""))


def parse_shares(text: str) -> dict[str, float]:
    """Parse ``"library:1;youth:0.3"`` to a mapping."""
    pairs = (part.split(":") for part in text.split(";") if part)
    return {key: float(value) for key, value in pairs}
