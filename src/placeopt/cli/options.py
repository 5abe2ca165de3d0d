"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PlainCsv = Annotated[
    bool, typer.Option("--plain-csv", help="No text in tables that a spreadsheet would run.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results; made if absent.")]
