"""Find slips of unit: thousands for pounds, square feet, per cent for shares, a digit too many.

A number is judged by comparison: a whole column with the usual size of such columns
(``plausible.csv``), a single cell with similar rows. A slip by a factor shifts every quantity that
uses the column, so the evidence of all of them is added up: for each column and each usual factor,
the sum of squared deviations (in standard deviations of the logarithm, each capped) before, less
that after undoing the factor. The best pair of column and factor is reported if it explains enough.
Rows deviate from the median of their peers; the spread is estimated from median absolute
deviations, which a few slips do not change.

A note under ``[plausible]`` in place.toml says that a column, or one row of it, is right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.errors import Finding
from placeopt.base.findings import row_number, warning
from placeopt.place.check.quantities import ColumnName, Quantity, columns_of, logarithms, quantities
from placeopt.place.columns import dictionary
from placeopt.place.files.raw import number_text, texts_of
from placeopt.place.tables import Place, table_label

COLUMN_EVIDENCE = 8.0  # sum of squared deviations that a factor must explain, for a column
CELL_EVIDENCE = 16.0  # the same for one cell: there are many more of them
GENERIC_HANDICAP = 2.0  # extra evidence that a factor without a named cause needs
MAX_EVIDENCE = 30.0  # of one quantity
MIN_SPREAD = 0.45  # standard deviation of the logarithm: similar rows may differ by half
MAD_TO_SD = 1.4826  # median absolute deviation of a normal distribution to standard deviation
FEW_RESIDUALS = 8  # with fewer, the spread of rows is not estimated from them
MANY_RESIDUALS = 20
TAIL, TAIL_OF_FEW = (0.9, 1.645), (0.8, 1.282)  # share of absolute deviations, and its normal sd
SMALL_GROUP = 12  # up to this size a row is left out of the median that it is compared with
MOSTLY_ONE_VALUE = 0.9  # share above which a column counts as filled with one value
MAX_SINGLE_WARNINGS = 3  # more rows with the same slip share one warning

# (table, column, key of the row) -> whether a note says that it is right.
IsNoted = Callable[[str, str, str | None], bool]


@dataclass(frozen=True)
class Slip:
    """A usual factor of a slip.

    Attributes:
        factor: What the number is multiplied by.
        words: How findings describe it.
        generic: Whether it has no named cause.
    """

    factor: float
    words: str
    generic: bool = False

    @property
    def handicap(self) -> float:
        """Extra evidence that the slip needs compared with one that has a named cause."""
        return GENERIC_HANDICAP if self.generic else 0.0


GENERIC_SLIPS = (
    Slip(10, "ten times too much (a digit too many)"),
    Slip(0.1, "a tenth of what it should be (a digit short)"),
    Slip(100, "a hundred times too much"),
    Slip(0.01, "a hundredth of what it should be"),
    Slip(1000, "a thousand times too much"),
    Slip(0.001, "a thousandth of what it should be"),
)
# numerator of a unit, or its denominator -> slips that precede the generic ones
SLIPS_OF_UNIT = {
    "GBP": (
        Slip(1e-3, "thousands of pounds"),
        Slip(1e-6, "millions of pounds"),
        Slip(1e3, "pounds times 1,000"),
        Slip(100, "pence"),
    ),
    "/m2": (Slip(1 / 10.764, "pounds per square foot"),),
    "m2": (
        Slip(10.764, "square feet"),
        Slip(1 / 10.764, "square feet turned into square metres twice"),
        Slip(1e-4, "hectares"),
    ),
    "share": (Slip(100, "per cent, not a share"), Slip(0.01, "a share divided by 100")),
    "persons": (Slip(1e-3, "thousands of people"), Slip(1e3, "people times 1,000")),
    "people": (Slip(1e-3, "thousands of people"), Slip(1e3, "people times 1,000")),
    "visits": (
        Slip(1 / 12, "visits a month"),
        Slip(1 / 52, "visits a week"),
        Slip(1 / 365, "visits a day"),
        Slip(1e3, "visits times 1,000"),
        Slip(1e-3, "thousands of visits"),
    ),
    "kWh": (Slip(1e-3, "megawatt hours"), Slip(3.6, "megajoules")),
    "tCO2e": (Slip(1e3, "kilograms"),),
}


def slips_of(unit: str) -> tuple[Slip, ...]:
    """The usual slips of a unit, those with a named cause first."""
    head = unit.split("/")[0].split(" ")[0]
    named = [*SLIPS_OF_UNIT.get(head, ()), *(SLIPS_OF_UNIT["/m2"] if "GBP/m2" in unit else ())]
    known = {round(math.log(slip.factor), 3) for slip in named}
    others = (slip for slip in GENERIC_SLIPS if round(math.log(slip.factor), 3) not in known)
    return (*named, *(replace(slip, generic=True) for slip in others))


def plausible_findings(place: Place, is_noted: IsNoted) -> list[Finding]:
    """Return a warning for each column and each cell that looks like a slip of unit.

    Args:
        place: The place.
        is_noted: Whether a note says that a column, or one row of it, is right.
    """
    known = [q for q in quantities() if len(place.tables[q.table])]
    logs = {q: logarithms(place, q) for q in known}
    logs = {q: values for q, values in logs.items() if np.isfinite(values).any()}
    found = []
    shifted: dict[ColumnName, float] = {}
    for name, slip, quantity, middle, rows in _column_slips(logs, shifted):
        shifted[name] = math.log(slip.factor)
        if not is_noted(*name, None):
            found.append(_column_warning(place, name, slip, quantity, middle, rows))
    for table in dictionary():
        quantities_of_table = [q for q in logs if q.table == table and q.peers]
        if quantities_of_table:
            found += _cell_slips(place, table, quantities_of_table, logs, shifted, is_noted)
    return found


def _column_slips(
    logs: dict[Quantity, Floats], shifted: dict[ColumnName, float]
) -> Iterator[tuple[ColumnName, Slip, Quantity, float, int]]:
    """Yield the columns whose median is far from the usual one, the clearest first.

    Yields:
        Column, slip, the quantity that shows it best, that quantity's median, and its rows.
    """
    deviation: dict[Quantity, float] = {}
    rows: dict[Quantity, int] = {}
    for quantity, values in logs.items():
        stated = values[np.isfinite(values)]
        if len(stated) != 2:  # the median of two different values is meaningless
            deviation[quantity] = float(np.median(stated)) - quantity.centre
            rows[quantity] = len(stated)
        elif abs(stated[0] - stated[1]) < 2 * quantity.spread:
            deviation[quantity] = float(stated.mean()) - quantity.centre
            rows[quantity] = 2
    middles = {q: math.exp(z + q.centre) for q, z in deviation.items()}
    parts = {quantity: columns_of(quantity) for quantity in deviation}
    names = sorted({name for exponents in parts.values() for name in exponents})
    while True:
        best: tuple[float, ColumnName, Slip] | None = None
        for name in (name for name in names if name not in shifted):
            for slip in slips_of(_unit(name)):
                gain = sum(
                    _capped_square(deviation[q] / q.spread)
                    - _capped_square(
                        (deviation[q] - exponents[name] * math.log(slip.factor)) / q.spread
                    )
                    for q, exponents in parts.items()
                    if name in exponents
                )
                gain -= slip.handicap
                if gain > COLUMN_EVIDENCE and (best is None or gain > best[0] + 1e-9):
                    best = gain, name, slip
        if best is None:
            return
        _, name, slip = best
        affected = [q for q in deviation if name in parts[q]]
        clearest = max(affected, key=lambda q: (abs(deviation[q]) / q.spread, q.column == name[1]))
        yield name, slip, clearest, middles[clearest], rows[clearest]
        for q in affected:
            deviation[q] -= parts[q][name] * math.log(slip.factor)


def _capped_square(deviation: float) -> float:
    return min(deviation * deviation, MAX_EVIDENCE)


def _cell_slips(
    place: Place,
    table: str,
    quantities_of_table: Sequence[Quantity],
    logs: dict[Quantity, Floats],
    shifted: dict[ColumnName, float],
    is_noted: IsNoted,
) -> Iterator[Finding]:
    """Yield warnings for cells far from those of similar rows."""
    count = len(place.tables[table])
    deviation, spread, expected = {}, {}, {}
    parts = {
        q: {c: e for (source, c), e in columns_of(q).items() if source == table}
        for q in quantities_of_table
    }
    for q in quantities_of_table:
        shift = sum(e * shifted.get(name, 0.0) for name, e in columns_of(q).items())
        centre, spread[q] = _expected_values(place, q, logs[q], q.centre + shift)
        filled = _constant_column(place, q)
        if filled is not None:  # the ratio would only reflect its divisor
            parts[q] = {q.column: 1}
            own = np.log(np.where(filled > 0, filled, np.nan))
            centre = logs[q] - own + float(np.nanmedian(own))
            spread[q] = np.full(count, MIN_SPREAD)
        deviation[q] = logs[q] - centre
        expected[q] = centre
    best_gain = np.full(count, CELL_EVIDENCE)
    best: list[tuple[str, Slip] | None] = [None] * count
    for column in sorted({column for exponents in parts.values() for column in exponents}):
        affected_exponents = [(q, e[column]) for q, e in parts.items() if column in e]
        for slip in slips_of(_unit((table, column))):
            gain = np.full(count, -slip.handicap)
            for q, exponent in affected_exponents:
                after = deviation[q] - exponent * math.log(slip.factor)
                reduction = _capped_squares(deviation[q] / spread[q]) - _capped_squares(
                    after / spread[q]
                )
                gain += np.where(np.isfinite(reduction), reduction, 0.0)
            for i in np.flatnonzero(gain > best_gain + 1e-9).tolist():
                best_gain[i], best[i] = gain[i], (column, slip)
    groups: dict[tuple[str, Slip], list[int]] = {}
    keys = _keys(place, table)
    for i, found in enumerate(best):
        if found is not None and not is_noted(table, found[0], keys[i]):
            groups.setdefault(found, []).append(i)
    for (column, slip), rows in groups.items():
        affected = [q for q, exponents in parts.items() if column in exponents]
        reported = rows if len(rows) <= MAX_SINGLE_WARNINGS else rows[:1]
        for i in reported:
            q = max(affected, key=lambda q: abs(np.nan_to_num(deviation[q][i] / spread[q][i])))
            similar_rows = rows if reported is not rows else []
            finding = _cell_warning(
                place,
                q,
                column,
                slip,
                i,
                keys[i],
                math.exp(logs[q][i]),
                math.exp(expected[q][i]),
                similar_rows,
            )
            yield replace(finding, ids=tuple(keys[row] for row in similar_rows))


def _constant_column(place: Place, q: Quantity) -> Floats | None:
    """(rows,) the column of a ratio if nearly all of it is one value (an assumption), else None."""
    values = place.tables[q.table][q.column].to_numpy(float, na_value=np.nan)
    stated = values[values > 0]
    if not q.per or len(stated) < FEW_RESIDUALS:
        return None
    _, counts = np.unique(stated, return_counts=True)
    return values if counts.max() >= MOSTLY_ONE_VALUE * len(stated) else None


def _capped_squares(deviations: Floats) -> Floats:
    return np.minimum(deviations * deviations, MAX_EVIDENCE)


def _expected_values(
    place: Place, q: Quantity, values: Floats, centre: float
) -> tuple[Floats, Floats]:
    """Return the expected value of each row and its standard deviation.

    The expected value is the median of the row's peers, shrunk towards the usual value ``centre``
    the fewer they are.

    Returns:
        (rows,) expected logarithm; (rows,) standard deviation; both NaN where ``values`` is.
    """
    import pandas as pd

    frame = place.tables[q.table]
    stated = np.flatnonzero(np.isfinite(values))
    codes = np.zeros(len(frame), int)
    if q.peers != "*":
        groups_of = frame.groupby(q.peers.split(), dropna=False, sort=False)
        codes = groups_of.ngroup().to_numpy(int)
    own, group_of_row = values[stated], codes[stated]
    series = pd.Series(own)
    groups = series.groupby(group_of_row)
    size = groups.transform("size").to_numpy(int)
    middle = groups.transform("median").to_numpy(float).copy()
    scatter = _estimate_spread(own, middle, size, q.spread)
    for members in groups.indices.values():
        if 1 < len(members) <= SMALL_GROUP:  # the row itself is left out
            member_values = own[members]
            middle[members] = [
                np.median(np.delete(member_values, i)) for i in range(len(member_values))
            ]
    others = np.where(size > 1, size - 1, 0) / scatter**2
    prior = 1 / q.spread**2
    expected, spread = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    expected[stated] = (prior * centre + others * middle) / (prior + others)
    spread[stated] = np.sqrt(scatter**2 + 1 / (prior + others))
    return expected, spread


def _estimate_spread(values: Floats, middle: Floats, size: np.ndarray, usual: float) -> float:
    """The standard deviation of rows from the median of their group, over all groups."""
    if not len(values):
        return usual
    rounded, counts = np.unique(np.round(values, 9), return_counts=True)
    most_common = rounded[counts.argmax()]
    filled = np.abs(values - most_common) < 1e-8
    if len(values) >= FEW_RESIDUALS and filled.mean() >= MOSTLY_ONE_VALUE:
        return MIN_SPREAD
    if filled.mean() < 0.3:
        filled = np.zeros(len(values), bool)
    deviations = np.abs(values - middle)[~filled & (size > 1)]
    pairs = size[~filled & (size > 1)] == 2
    deviations = np.where(pairs, deviations * math.sqrt(2), deviations)
    if len(deviations) < FEW_RESIDUALS:
        return max(usual, MIN_SPREAD)
    tail = TAIL if len(deviations) >= MANY_RESIDUALS else TAIL_OF_FEW
    heavy = float(np.quantile(deviations, tail[0])) / tail[1]  # for distributions with heavy tails
    return max(float(np.median(deviations)) * MAD_TO_SD, heavy, MIN_SPREAD)


def _unit(name: ColumnName) -> str:
    table, column = name
    return next(c.unit for c in dictionary()[table] if c.name == column)


def _keys(place: Place, table: str) -> list[str]:
    """The key of each row as notes write it: its parts joined by "/"."""
    frame = place.tables[table]
    names = [column.name for column in dictionary()[table] if column.key]
    return ["/".join(parts) for parts in zip(*(texts_of(frame[n]) for n in names), strict=True)]


def _column_warning(
    place: Place, name: ColumnName, slip: Slip, quantity: Quantity, middle: float, rows: int
) -> Finding:
    table, column = name
    basis = f"the median of {rows} rows" if rows > 1 else "its one row"
    shown = _three_digits(middle)
    message = (
        f"the column looks like {slip.words}: {quantity.words} is {shown} in {basis}, "
        f"usually {_three_digits(quantity.low)} to {_three_digits(quantity.high)}"
    )
    values = place.tables[table][column].astype(float)
    value = _three_digits(float(values[values > 0].median()))
    return warning(
        table_label(place, table), message, _remedy(name, None), column=column, value=value
    )


def _cell_warning(
    place: Place,
    quantity: Quantity,
    column: str,
    slip: Slip,
    i: int,
    key: str,
    value_here: float,
    usual: float,
    similar_rows: Sequence[int],
) -> Finding:
    table, last = quantity.table, row_number(similar_rows[-1]) if similar_rows else 0
    count = len(similar_rows) - 1
    others = f" (and so in {count} more rows, last in row {last})" if similar_rows else ""
    shown, about = _three_digits(value_here), _three_digits(usual)
    message = (
        f"looks like {slip.words}: {quantity.words} is {shown} and about {about} in rows "
        f"like it{others}"
    )
    value = number_text(float(place.tables[table][column].astype(float).iloc[i]))
    remedy = _remedy((table, column), None if similar_rows else key)
    return warning(
        table_label(place, table), message, remedy, row=row_number(i), column=column, value=value
    )


def _remedy(name: ColumnName, key: str | None) -> str:
    return f"give {_unit(name) or 'the number'}; {note_hint('.'.join(name), key)}"


def note_hint(name: str, key: str | None) -> str:
    """The advice on how to note that a number is right."""
    note = name if key is None else f"{name}.{key}"
    return f'if it is right, write "{note}" = "why" under [plausible] in place.toml'


def _three_digits(number: float) -> str:
    """A number to three significant digits, without an exponent unless very large or small."""
    if number != 0 and not 1e-4 <= abs(number) < 1e15:
        return f"{number:.2e}"
    digits = 2 - math.floor(math.log10(abs(number))) if number else 0
    text = f"{round(number, digits):,.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if digits > 0 else text


class PlausibleNotes:
    """The notes of a place's ``[plausible]`` table; calling it marks a note as used."""

    def __init__(self, place: Place):
        self.place = place
        self.used: set[str] = set()

    def __call__(self, table: str, column: str, key: str | None) -> bool:
        """Whether a note says that the column, or its row with ``key``, is right."""
        names = [f"{table}.{column}"] + ([f"{table}.{column}.{key}"] if key is not None else [])
        finding = [name for name in names if name in self.place.info.plausible]
        self.used.update(finding)
        return bool(finding)

    def unused(self, prefix: str = "") -> Iterator[Finding]:
        """Warnings for notes that suppressed nothing: misspelt, or no longer needed."""
        tables = dictionary()
        known = [f"{t}.{c.name}" for t, columns in tables.items() for c in columns]
        for name in self.place.info.plausible:
            if name in self.used or name.startswith("minutes.") != (prefix == "minutes."):
                continue
            close = [] if name in known else get_close_matches(name, known, n=1, cutoff=0.8)
            hint = f", did you mean {close[0]!r}?" if close else ""
            remedy = f"take it out or correct it{hint}"
            column = f"plausible.{name}"
            yield warning("place.toml", "the note silences no warning", remedy, column=column)
