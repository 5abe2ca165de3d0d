"""Slips of unit: thousands for pounds, square feet, per cent for shares, a digit too many.

No single number is wrong by itself, so each is compared: a whole column with the usual size of
such columns (``plausible.csv``), a single cell with the rows that are like it. A slip by a factor
shifts every quantity that the column is part of, so the evidence of all of them is added up: for
each column and each factor that people slip by, the sum of squared deviations (in standard
deviations of the logarithm, each capped) before less that after undoing the factor. The best pair
is warned of where it explains enough. Deviations of rows are from the median of their peers, with
the spread estimated from median absolute deviations, which a few slips do not move.

A note under ``[plausible]`` in place.toml says that a column, or a row of it, is right as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from placeopt.base.errors import Finding
from placeopt.place.check.quantities import (
    ColumnName,
    Floats,
    Quantity,
    columns_of,
    logarithms,
    quantities,
)
from placeopt.place.faults import row_number, table_label, warning
from placeopt.place.files.raw import number_text, texts_of
from placeopt.place.tables import Place, dictionary

COLUMN_EVIDENCE = 8.0  # sum of squared deviations that a factor must explain, for a column
CELL_EVIDENCE = 16.0  # the same for one cell: there are many more of them
NAMED_FIRST = 2.0  # evidence by which a factor without a name must be better than one with a name
LARGEST_EVIDENCE = 30.0  # of one quantity, so that nothing counts without end
LEAST_SPREAD = 0.45  # rows that are alike may well differ by half: standard deviation of logarithm
MAD_TO_SD = 1.4826  # median absolute deviation of a normal distribution to standard deviation
FEW_RESIDUALS = 8  # below it the spread of rows is not estimated from them
MANY_RESIDUALS = 20
TAIL, TAIL_OF_FEW = (0.9, 1.645), (0.8, 1.282)  # share of absolute deviations, and its normal sd
SMALL_GROUP = 12  # up to this size a row is left out of the median that it is compared with
MOSTLY_ONE_VALUE = 0.9  # a column filled with one value: any other is compared strictly
ROWS_BY_THEMSELVES = 3  # more rows with the same slip are one warning

IsNoted = Callable[
    [str, str, str | None], bool
]  # table, column, row's key -> is it said to be right


@dataclass(frozen=True)
class Slip:
    """A factor that people slip by, and what it looks like."""

    factor: float
    words: str
    generic: bool = False

    @property
    def handicap(self) -> float:
        """Evidence that the slip must have more than one that is known by a name."""
        return NAMED_FIRST if self.generic else 0.0


GENERIC_SLIPS = (
    Slip(10, "ten times too much (a digit too many)"),
    Slip(0.1, "a tenth of what it should be (a digit short)"),
    Slip(100, "a hundred times too much"),
    Slip(0.01, "a hundredth of what it should be"),
    Slip(1000, "a thousand times too much"),
    Slip(0.001, "a thousandth of what it should be"),
)
# the first part of a unit, or what it is per -> slips that go before the generic ones
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
    """The factors that numbers of a unit are off by, those with a name first."""
    head = unit.split("/")[0].split(" ")[0]
    named = [*SLIPS_OF_UNIT.get(head, ()), *(SLIPS_OF_UNIT["/m2"] if "GBP/m2" in unit else ())]
    known = {round(math.log(slip.factor), 3) for slip in named}
    others = (slip for slip in GENERIC_SLIPS if round(math.log(slip.factor), 3) not in known)
    return (*named, *(replace(slip, generic=True) for slip in others))


def plausible_findings(place: Place, noted: IsNoted) -> list[Finding]:
    """A warning for each column and each cell that looks like a slip of unit."""
    known = [q for q in quantities() if len(place.tables[q.table])]
    logs = {q: logarithms(place, q) for q in known}
    logs = {q: values for q, values in logs.items() if np.isfinite(values).any()}
    found = []
    shifted: dict[ColumnName, float] = {}
    for name, slip, quantity, middle, rows in _columns_off(logs, shifted):
        shifted[name] = math.log(slip.factor)
        if not noted(*name, None):
            found.append(_column_warning(place, name, slip, quantity, middle, rows))
    for table in dictionary():
        here = [q for q in logs if q.table == table and q.peers]
        if here:
            found += _cells_off(place, table, here, logs, shifted, noted)
    return found


def _columns_off(
    logs: dict[Quantity, Floats], shifted: dict[ColumnName, float]
) -> Iterator[tuple[ColumnName, Slip, Quantity, float, int]]:
    """Columns whose middle is far from the usual one, the clearest first."""
    off: dict[Quantity, float] = {}
    rows: dict[Quantity, int] = {}
    for quantity, values in logs.items():
        stated = values[np.isfinite(values)]
        if len(stated) != 2:  # of two values that differ the middle is nobody's
            off[quantity] = float(np.median(stated)) - quantity.centre
            rows[quantity] = len(stated)
        elif abs(stated[0] - stated[1]) < 2 * quantity.spread:
            off[quantity] = float(stated.mean()) - quantity.centre
            rows[quantity] = 2
    middles = {q: math.exp(z + q.centre) for q, z in off.items()}
    parts = {quantity: columns_of(quantity) for quantity in off}
    names = sorted({name for of in parts.values() for name in of})
    while True:
        best: tuple[float, ColumnName, Slip] | None = None
        for name in (name for name in names if name not in shifted):
            for slip in slips_of(_unit(name)):
                gain = sum(
                    _cost(off[q] / q.spread)
                    - _cost((off[q] - of[name] * math.log(slip.factor)) / q.spread)
                    for q, of in parts.items()
                    if name in of
                )
                gain -= slip.handicap
                if gain > COLUMN_EVIDENCE and (best is None or gain > best[0] + 1e-9):
                    best = gain, name, slip
        if best is None:
            return
        _, name, slip = best
        touched = [q for q in off if name in parts[q]]
        worst = max(touched, key=lambda q: (abs(off[q]) / q.spread, q.column == name[1]))
        yield name, slip, worst, middles[worst], rows[worst]
        for q in touched:
            off[q] -= parts[q][name] * math.log(slip.factor)


def _cost(deviation: float) -> float:
    return min(deviation * deviation, LARGEST_EVIDENCE)


def _cells_off(
    place: Place,
    table: str,
    here: Sequence[Quantity],
    logs: dict[Quantity, Floats],
    shifted: dict[ColumnName, float],
    noted: IsNoted,
) -> Iterator[Finding]:
    """Cells far from the rows that are like theirs."""
    count = len(place.tables[table])
    off, spread, usual = {}, {}, {}
    parts = {q: {c: e for (of, c), e in columns_of(q).items() if of == table} for q in here}
    for q in here:
        shift = sum(e * shifted.get(name, 0.0) for name, e in columns_of(q).items())
        centre, spread[q] = _peers(place, q, logs[q], q.centre + shift)
        filled = _filled_with(place, q)
        if filled is not None:  # the ratio would only tell of what it is divided by
            parts[q] = {q.column: 1}
            own = np.log(np.where(filled > 0, filled, np.nan))
            centre = logs[q] - own + float(np.nanmedian(own))
            spread[q] = np.full(count, LEAST_SPREAD)
        off[q] = logs[q] - centre
        usual[q] = centre
    best_gain = np.full(count, CELL_EVIDENCE)
    best: list[tuple[str, Slip] | None] = [None] * count
    for column in sorted({column for of in parts.values() for column in of}):
        touching = [(q, of[column]) for q, of in parts.items() if column in of]
        for slip in slips_of(_unit((table, column))):
            gain = np.full(count, -slip.handicap)
            for q, exponent in touching:
                after = off[q] - exponent * math.log(slip.factor)
                saved = _costs(off[q] / spread[q]) - _costs(after / spread[q])
                gain += np.where(np.isfinite(saved), saved, 0.0)
            for at in np.flatnonzero(gain > best_gain + 1e-9).tolist():
                best_gain[at], best[at] = gain[at], (column, slip)
    groups: dict[tuple[str, Slip], list[int]] = {}
    keys = _keys(place, table)
    for at, found in enumerate(best):
        if found is not None and not noted(table, found[0], keys[at]):
            groups.setdefault(found, []).append(at)
    for (column, slip), rows in groups.items():
        touched = [q for q, of in parts.items() if column in of]
        shown = rows if len(rows) <= ROWS_BY_THEMSELVES else rows[:1]
        for at in shown:
            q = max(touched, key=lambda q: abs(np.nan_to_num(off[q][at] / spread[q][at])))
            alike = rows if shown is not rows else []
            said = _cell_warning(place, q, column, slip, at, keys[at],
                                 math.exp(logs[q][at]), math.exp(usual[q][at]), alike)  # fmt: skip
            yield replace(said, ids=tuple(keys[row] for row in alike))


def _filled_with(place: Place, q: Quantity) -> Floats | None:
    """(rows,) the column of a ratio where nearly all rows of it have one value, as one that an
    assumption filled has; None where they differ."""
    values = place.tables[q.table][q.column].to_numpy(float, na_value=np.nan)
    stated = values[values > 0]
    if not q.per or len(stated) < FEW_RESIDUALS:
        return None
    _, counts = np.unique(stated, return_counts=True)
    return values if counts.max() >= MOSTLY_ONE_VALUE * len(stated) else None


def _costs(deviations: Floats) -> Floats:
    return np.minimum(deviations * deviations, LARGEST_EVIDENCE)


def _peers(place: Place, q: Quantity, values: Floats, centre: float) -> tuple[Floats, Floats]:
    """(rows,) what each row should be near, and the standard deviation from it: the median of its
    peers, drawn towards the usual value the fewer they are."""
    import pandas as pd

    frame = place.tables[q.table]
    stated = np.flatnonzero(np.isfinite(values))
    codes = np.zeros(len(frame), int)
    if q.peers != "*":
        groups_of = frame.groupby(q.peers.split(), dropna=False, sort=False)
        codes = groups_of.ngroup().to_numpy(int)
    own, of = values[stated], codes[stated]
    series = pd.Series(own)
    groups = series.groupby(of)
    size = groups.transform("size").to_numpy(int)
    middle = groups.transform("median").to_numpy(float).copy()
    scatter = _scatter(own, middle, size, q.spread)
    for members in groups.indices.values():
        if 1 < len(members) <= SMALL_GROUP:  # the row itself is left out
            mine = own[members]
            middle[members] = [np.median(np.delete(mine, i)) for i in range(len(mine))]
    others = np.where(size > 1, size - 1, 0) / scatter**2
    prior = 1 / q.spread**2
    near, spread = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    near[stated] = (prior * centre + others * middle) / (prior + others)
    spread[stated] = np.sqrt(scatter**2 + 1 / (prior + others))
    return near, spread


def _scatter(values: Floats, middle: Floats, size: np.ndarray, usual: float) -> float:
    """Standard deviation of rows from the median of their group, over all groups."""
    if not len(values):
        return usual
    rounded, counts = np.unique(np.round(values, 9), return_counts=True)
    commonest = rounded[counts.argmax()]
    filled = np.abs(values - commonest) < 1e-8
    if len(values) >= FEW_RESIDUALS and filled.mean() >= MOSTLY_ONE_VALUE:
        return LEAST_SPREAD
    if filled.mean() < 0.3:
        filled = np.zeros(len(values), bool)
    rest = np.abs(values - middle)[~filled & (size > 1)]
    pairs = size[~filled & (size > 1)] == 2
    rest = np.where(pairs, rest * math.sqrt(2), rest)
    if len(rest) < FEW_RESIDUALS:
        return max(usual, LEAST_SPREAD)
    tail = TAIL if len(rest) >= MANY_RESIDUALS else TAIL_OF_FEW
    heavy = float(np.quantile(rest, tail[0])) / tail[1]  # where many rows are far from their peers
    return max(float(np.median(rest)) * MAD_TO_SD, heavy, LEAST_SPREAD)


def _unit(name: ColumnName) -> str:
    table, column = name
    return next(c.unit for c in dictionary()[table] if c.name == column)


def _keys(place: Place, table: str) -> list[str]:
    """What a note calls each row: its key, its parts joined by "/"."""
    frame = place.tables[table]
    names = [column.name for column in dictionary()[table] if column.key]
    return ["/".join(parts) for parts in zip(*(texts_of(frame[n]) for n in names), strict=True)]


def _column_warning(
    place: Place, name: ColumnName, slip: Slip, quantity: Quantity, middle: float, rows: int
) -> Finding:
    table, column = name
    of = f"the median of {rows} rows" if rows > 1 else "its one row"
    message = (
        f"the column looks like {slip.words}: {quantity.words} is {_short(middle)} in {of}, "
        f"usually {_short(quantity.low)} to {_short(quantity.high)}"
    )
    values = place.tables[table][column].astype(float)
    value = _short(float(values[values > 0].median()))
    return warning(
        table_label(place, table), message, _remedy(name, None), column=column, value=value
    )


def _cell_warning(
    place: Place,
    quantity: Quantity,
    column: str,
    slip: Slip,
    at: int,
    key: str,
    here: float,
    usual: float,
    alike: Sequence[int],
) -> Finding:
    table, last = quantity.table, row_number(alike[-1]) if alike else 0
    others = f" (and so in {len(alike) - 1} more rows, last in row {last})" if alike else ""
    message = (
        f"looks like {slip.words}: {quantity.words} is {_short(here)} and about {_short(usual)} in "
        f"rows like it{others}"
    )
    value = number_text(float(place.tables[table][column].astype(float).iloc[at]))
    remedy = _remedy((table, column), None if alike else key)
    return warning(
        table_label(place, table), message, remedy, row=row_number(at), column=column, value=value
    )


def _remedy(name: ColumnName, key: str | None) -> str:
    return f"give {_unit(name) or 'the number'}; {note_hint('.'.join(name), key)}"


def note_hint(name: str, key: str | None) -> str:
    """How to say that a number is right as it is."""
    note = name if key is None else f"{name}.{key}"
    return f'if it is right, write "{note}" = "why" under [plausible] in place.toml'


def _short(number: float) -> str:
    """A number to three digits, without an exponent where people can read it."""
    if number != 0 and not 1e-4 <= abs(number) < 1e15:
        return f"{number:.2e}"
    digits = 2 - math.floor(math.log10(abs(number))) if number else 0
    text = f"{round(number, digits):,.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if digits > 0 else text


class PlausibleNotes:
    """The notes of a place's [plausible] table, and which of them silenced something."""

    def __init__(self, place: Place):
        self.place = place
        self.used: set[str] = set()

    def __call__(self, table: str, column: str, key: str | None) -> bool:
        """Whether a note says that the column, or its row ``key``, is right."""
        names = [f"{table}.{column}"] + ([f"{table}.{column}.{key}"] if key is not None else [])
        said = [name for name in names if name in self.place.info.plausible]
        self.used.update(said)
        return bool(said)

    def unused(self, prefix: str = "") -> Iterator[Finding]:
        """A warning for each note that silences nothing: it is misspelt, or no longer needed."""
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
