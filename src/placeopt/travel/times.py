"""Minutes from zones to buildings, by mode, with where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import Finding


@dataclass(frozen=True)
class TravelTimes:
    """Minutes from every zone to every building, one matrix for each mode.

    ``minutes[mode]`` has shape (zones, buildings), float64, minutes one way, door to door;
    NaN = unreachable or beyond the cut-off, never 0 for missing. ``zone_ids`` and
    ``building_ids`` are in the order of the place's tables. ``cutoff_minutes`` states beyond
    which minute pairs were not kept (``inf``: all were). ``provenance`` states, for each mode,
    method, speeds, detour factor, source and date. ``worst[mode]``, where there is one, holds
    the same pairs at their worst: of several sample points in a zone the slowest, by public
    transport the worst tenth of departures. ``findings`` are warnings met while measuring.
    """

    zone_ids: tuple[str, ...]
    building_ids: tuple[str, ...]
    minutes: Mapping[str, NDArray[np.float64]]
    cutoff_minutes: float = np.inf
    provenance: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    worst: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def modes(self) -> tuple[str, ...]:
        return tuple(self.minutes)

    def reindex(self, zone_ids: Sequence[str], building_ids: Sequence[str]) -> TravelTimes:
        """The same minutes with rows and columns in the order of these ids."""
        zones, buildings = tuple(zone_ids), tuple(building_ids)
        if (zones, buildings) == (tuple(self.zone_ids), tuple(self.building_ids)):
            return self
        row = {one: at for at, one in enumerate(self.zone_ids)}
        column = {one: at for at, one in enumerate(self.building_ids)}
        at = np.ix_([row[one] for one in zones], [column[one] for one in buildings])
        return replace(
            self,
            zone_ids=zones,
            building_ids=buildings,
            minutes={mode: minutes[at] for mode, minutes in self.minutes.items()},
            worst={mode: minutes[at] for mode, minutes in self.worst.items()},
        )

    def matrix(self, mode: str) -> NDArray[np.float64]:
        """(zones, buildings) minutes by ``mode``; KeyError names the modes there are."""
        try:
            return self.minutes[mode]
        except KeyError:
            raise KeyError(f"no minutes by {mode!r}; there are {', '.join(self.modes)}") from None

    def fastest(self, modes: Sequence[str]) -> NDArray[np.float64]:
        """(zones, buildings) minutes by the fastest of ``modes``; NaN where none reaches."""
        stack = np.stack([self.matrix(mode) for mode in modes])
        return np.fmin.reduce(stack, axis=0)
