"""Find slips in the tiers: a lower tier that costs or needs more than a higher one.

A place has too few tiers for a median, but they are ordered: a lower tier needs no more than a
higher one. A digit too many or too few breaks that order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.findings import row_number, warning
from placeopt.place.check.plausible import IsNoted, note_hint
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place, table_label

COLUMNS = ("setup_cost_gbp", "running_cost_gbp_per_year", "min_usable_m2")
MIN_RATIO = 1.2  # of a lower tier to a higher one, for a warning


def tier_findings(place: Place, is_noted: IsNoted) -> Iterator[Finding]:
    """Warnings for numbers of a tier that are clearly above those of a higher tier."""
    tiers = place.tiers
    rank = tiers["rank"].to_numpy(float)
    for column in COLUMNS:
        values = tiers[column].to_numpy(float)
        for i in np.flatnonzero(values > 0).tolist():
            higher = np.flatnonzero((rank < rank[i]) & (values > 0))
            if not len(higher):
                continue
            smallest = int(higher[np.argmin(values[higher])])
            key = str(tiers["tier_id"].iloc[i])
            if values[i] <= MIN_RATIO * values[smallest] or is_noted("tiers", column, key):
                continue
            higher_tier = str(tiers["tier_id"].iloc[smallest])
            message = f"more than the {number_text(float(values[smallest]))} of the higher tier "
            message += f"{higher_tier}: a digit too many here, or one short there"
            yield warning(table_label(place, "tiers"), message,
                          f"correct one of the two; {note_hint(f'tiers.{column}', key)}",
                          row=row_number(i), column=column,
                          value=number_text(float(values[i])))  # fmt: skip
