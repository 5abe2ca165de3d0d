"""Parameters of rules that hold ids of a place, by their declared types.

A rule declares ``services: tuple[ServiceId, ...]`` or ``floors_gbp: dict[ProgrammeId, Gbp]``, and
the check of a scenario compares every such id with the place's table, whatever the parameter is
called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from placeopt.scenario.positions import Path
from placeopt.scenario.rules.rule import Rule


@dataclass(frozen=True)
class IdOf:
    """A text that stands in a column of a place's table.

    Attributes:
        table: The table.
        column: The column.
    """

    table: str
    column: str


@dataclass(frozen=True)
class TravelMode:
    """A text that names one of the scenario's modes of travel."""


Kind = IdOf | TravelMode

AgencyId = Annotated[str, IdOf("agencies", "agency_id")]
BuildingId = Annotated[str, IdOf("buildings", "building_id")]
BuildingKind = Annotated[str, IdOf("buildings", "kind")]
DistrictId = Annotated[str, IdOf("districts", "district_id")]
OutcomeId = Annotated[str, IdOf("outcomes", "outcome_id")]
ProgrammeId = Annotated[str, IdOf("programmes", "programme_id")]
ServiceId = Annotated[str, IdOf("services", "service_id")]
StreamId = Annotated[str, IdOf("streams", "stream_id")]
TierId = Annotated[str, IdOf("tiers", "tier_id")]
Mode = Annotated[str, TravelMode()]


@dataclass(frozen=True)
class StatedId:
    """An id that a rule states.

    Attributes:
        kind: What it is an id of.
        value: The id.
        path: Where it stands in the rule: the parameter, and keys of tables on the way to it.
    """

    kind: Kind
    value: str
    path: Path


def stated_ids(rule: Rule) -> Iterator[StatedId]:
    """Every id in the rule's parameters, in their order, each once."""
    fields = type(rule).model_fields
    return iter(dict.fromkeys(
        found
        for name, field in fields.items()
        for found in _ids_in(field.rebuild_annotation(), getattr(rule, name), (name,))
    ))  # fmt: skip


def _ids_in(declared: object, value: object, path: Path) -> Iterator[StatedId]:
    """The ids in a value of a declared type."""
    origin, inner = get_origin(declared), get_args(declared)
    if origin is Annotated:
        for kind in inner[1:]:
            if isinstance(kind, IdOf | TravelMode) and isinstance(value, str):
                yield StatedId(kind, value, path)
        yield from _ids_in(inner[0], value, path)
    elif origin in (Union, UnionType):
        for one in inner:
            yield from _ids_in(one, value, path)
    elif origin is tuple and isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _ids_in(inner[0 if inner[-1] is Ellipsis else i], item, path)
    elif origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _ids_in(inner[0], key, (*path, key))
            yield from _ids_in(inner[1], item, (*path, key))
