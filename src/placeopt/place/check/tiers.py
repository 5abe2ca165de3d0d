"""Slips in a ladder: a lower tier that costs or needs more than a higher one.

Few rows give no median to compare with, but an order: what a higher tier needs, a lower one does
not exceed. A digit too many in any but the highest tier, or one short in any but the lowest, breaks
it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placeopt.base.errors import Finding
from placeopt.place.check.plausible import IsNoted, note_hint
from placeopt.place.faults import row_number, table_label, warning
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place

COLUMNS = ("setup_cost_gbp", "running_cost_gbp_per_year", "min_usable_m2")
MIN_RATIO = 1.2  # times by which a lower tier is above a higher one before it is told


def tier_findings(place: Place, noted: IsNoted) -> Iterator[Finding]:
    """A warning for each number of a tier that is clearly above that of a higher tier."""
    tiers = place.tiers
    rank = tiers["rank"].to_numpy(float)
    for column in COLUMNS:
        values = tiers[column].to_numpy(float)
        for at in np.flatnonzero(values > 0).tolist():
            higher = np.flatnonzero((rank < rank[at]) & (values > 0))
            if not len(higher):
                continue
            least = int(higher[np.argmin(values[higher])])
            key = str(tiers["tier_id"].iloc[at])
            if values[at] <= MIN_RATIO * values[least] or noted("tiers", column, key):
                continue
            above = str(tiers["tier_id"].iloc[least])
            message = f"more than the {number_text(float(values[least]))} of the higher tier "
            message += f"{above}: a digit too many here, or one short there"
            yield warning(table_label(place, "tiers"), message,
                          f"correct one of the two; {note_hint(f'tiers.{column}', key)}",
                          row=row_number(at), column=column,
                          value=number_text(float(values[at])))  # fmt: skip
