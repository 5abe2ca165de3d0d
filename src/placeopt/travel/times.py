"""Travel times from zones to buildings by mode, with their provenance."""

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

    Attributes:
        zone_ids: In the order of the place's table.
        building_ids: In the order of the place's table.
    minutes: Mode -> (zones, buildings) float64 minutes one way, door to door; NaN if unreachable or
            beyond the cut-off, never 0 for missing.
        cutoff_minutes: Longer journeys were dropped (``inf``: none were).
        provenance: Mode -> method, speeds, detour factor, source and date.
    worst: Mode -> (zones, buildings) minutes at their worst, if known: from the slowest of several
            sample points in a zone, or for the worst tenth of departures by public transport.
        findings: Warnings of the measurement.
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
        """Return the same minutes with rows and columns in the order of these ids."""
        zones, buildings = tuple(zone_ids), tuple(building_ids)
        if (zones, buildings) == (tuple(self.zone_ids), tuple(self.building_ids)):
            return self
        row = {key: z for z, key in enumerate(self.zone_ids)}
        column = {key: b for b, key in enumerate(self.building_ids)}
        order = np.ix_([row[key] for key in zones], [column[key] for key in buildings])
        return replace(
            self,
            zone_ids=zones,
            building_ids=buildings,
            minutes={mode: minutes[order] for mode, minutes in self.minutes.items()},
            worst={mode: minutes[order] for mode, minutes in self.worst.items()},
        )

    def matrix(self, mode: str) -> NDArray[np.float64]:
        """(zones, buildings) minutes by ``mode``; KeyError lists the modes if it is unknown."""
        try:
            return self.minutes[mode]
        except KeyError:
            raise KeyError(f"no minutes by {mode!r}; there are {', '.join(self.modes)}") from None

    def fastest(self, modes: Sequence[str]) -> NDArray[np.float64]:
        """(zones, buildings) minutes by the fastest of ``modes``; NaN if unreachable by all."""
        stack = np.stack([self.matrix(mode) for mode in modes])
        fastest: NDArray[np.float64] = np.fmin.reduce(stack, axis=0)
        return fastest
