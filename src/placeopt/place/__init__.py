"""Places: tables and their data dictionary; reading, writing, checking, importing, synthesis."""

from typing import TYPE_CHECKING, Any

from placeopt.place.check.all_checks import check
from placeopt.place.columns import Column, dictionary
from placeopt.place.demand import demand_of, digital_shares_of
from placeopt.place.files.read import check_files, read_leniently, read_place
from placeopt.place.files.template_workbook import write_template_workbook as write_template
from placeopt.place.files.write import write_place
from placeopt.place.synth import synthesise
from placeopt.place.tables import Place, PlaceInfo

if TYPE_CHECKING:
    from placeopt.place.importer import import_place

__all__ = [
    "Column",
    "Place",
    "PlaceInfo",
    "check",
    "check_files",
    "demand_of",
    "dictionary",
    "digital_shares_of",
    "import_place",
    "read_leniently",
    "read_place",
    "synthesise",
    "write_place",
    "write_template",
]


def __getattr__(name: str) -> Any:
    """Load the importer on first use, because few runs import a place."""
    if name == "import_place":
        from placeopt.place.importer import import_place

        return import_place
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
