"""What a place is: its tables, their dictionary, reading, writing, checking and making."""

from typing import TYPE_CHECKING, Any

from placeopt.place.check.all_checks import check
from placeopt.place.demand import demand_of, digital_shares_of
from placeopt.place.files.read import check_files, read_leniently, read_place
from placeopt.place.files.template_workbook import write_template_workbook as write_template
from placeopt.place.files.write import write_place
from placeopt.place.synth import synthesise
from placeopt.place.tables import Column, Place, PlaceInfo, dictionary

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
    """The importer loads when it is first asked for: few runs import a place."""
    if name == "import_place":
        from placeopt.place.importer import import_place

        return import_place
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
