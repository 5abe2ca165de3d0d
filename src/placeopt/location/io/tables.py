"""Tables as location problems: CSV, Parquet, or NumPy's matrices. Columns go by their names.

wide    one row a customer, one column a site, whose name is its id; an empty cell means that there
        is no way. A first column that is text, has no name (a data frame's own index) or is named
        like an id (``customer``, ``zone``, ``id``, ``..._id``) holds customer ids.
long    ``customer``, ``site`` (or ``customer_id``, ``site_id``) and one of ``distance``,
        ``minutes``, ``cost``: a row a pair; a pair that is not listed has no way.
points  ``x`` and ``y``, measured by ``metric`` (Euclidean unless said), or ``longitude`` and
        ``latitude`` in degrees, measured as great circles; ids as in a wide table. Every point is
        a customer and a site, unless sites have a file of their own.

``weight`` and ``demand`` are columns of customers, ``capacity`` and ``fixed_cost`` (or
``opening_cost``) of sites: in the points, in a long table (the same in every row of a customer or
site), or in a file of sites (``sites``) with the column ``site`` or ``site_id``, and ``x`` and
``y`` where customers are points. Any other column is refused, as is a file that could be read in
two ways. NumPy's ``.npy`` holds a dense matrix, ``.npz`` (``scipy.sparse.save_npz``) a sparse
one, of which what is not stored has no way.
"""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from placeopt.base.errors import UsageError
from placeopt.base.reading import require_parquet
from placeopt.location.distances import Distances, Matrix, Pairs, Points
from placeopt.location.statement import Problem

if TYPE_CHECKING:
    import pandas as pd

LENGTHS = ("distance", "minutes", "cost")
OF_CUSTOMERS = {"weight": "weights", "demand": "demands"}
OF_SITES = {
    "capacity": "capacities", "fixed_cost": "fixed_costs", "opening_cost": "fixed_costs",
}  # fmt: skip
ID_WORDS = ("id", "customer", "zone", "site", "name", "code")
PLACES = (("x", "y"), ("x_m", "y_m"), ("longitude", "latitude"), ("lon", "lat"))
SHOWN = 12  # names of columns in a message


def read_table(
    path: Path,
    kind: str,
    metric: str | None = None,
    sites: str | Path | None = None,
    **options: Any,
) -> Problem:
    """A problem of ``kind`` over the table at ``path``; ``options`` are fields of ``Problem``.

    ``metric``: how points are measured. ``sites``: a table of sites; see the module's text.
    Raises ``UsageError``.
    """
    if path.suffix in (".npy", ".npz"):
        if metric is not None or sites is not None:
            raise UsageError(f"{path.name} is a matrix: it has no metric and no table of sites")
        return _numpy(path, kind, options)
    table = Table(path)
    own = None if sites is None else Table(Path(sites))
    found: dict[str, Any] = {}
    place = table.place()
    if place:
        distances = _points(table, place, own, metric, found)
    elif metric is not None:
        raise UsageError(f"{path.name} gives distances; metric is for points (columns x and y)")
    elif table.has("customer") and table.has("site"):
        distances = _long(table, found)
    else:
        distances = _wide(table, found)
    if own is not None and not place:
        _add_sites(own, found)
    given = {name: value for name, value in found.items() if name not in options}
    return Problem(kind, distances, name=path.stem, **given, **options)


class Table:
    """A table and its columns by their names in small letters; ids are kept as they are written."""

    def __init__(self, path: Path, text: tuple[str, ...] = ()) -> None:
        """Read the table at ``path``; the columns named in ``text`` stay as they are written."""
        self.path = path
        if not path.exists():
            raise UsageError(f"there is no file {path}")
        self.frame = _parquet(path) if path.suffix == ".parquet" else _csv(path, text)
        if self.frame.empty:
            raise UsageError(f"{path.name} has names of columns and no rows; give one a customer")
        self.names: dict[str, str] = {}
        for column in self.frame.columns:
            name = str(column).strip().lower()
            if name in self.names:
                self.fail(f"column {name!r} stands twice; give each column a name of its own")
            self.names[name] = column
        for word in ("customer", "site"):
            if word not in self.names and f"{word}_id" in self.names:
                self.names[word] = self.names.pop(f"{word}_id")

    def fail(self, what: str) -> None:
        """Raise ``UsageError`` with the name of the file."""
        raise UsageError(f"{self.path.name}: {what}")

    def has(self, name: str) -> bool:
        return name in self.names

    def place(self) -> tuple[str, str] | None:
        """The columns of coordinates, if there are any."""
        return next((pair for pair in PLACES if self.has(pair[0]) and self.has(pair[1])), None)

    def numbers(self, name: str, *, empty: bool = False) -> np.ndarray:
        """A column taken out of the table, all numbers; ``empty``: NaN may stand in it."""
        column = self.names.pop(name)
        values = _numbers(self.frame[column], self, str(column).strip())
        if not empty and np.isnan(values).any():
            row = int(np.flatnonzero(np.isnan(values))[0])
            self.fail(f"row {row + 2}, column {name}: it is empty; give a number")
        return values

    def ids(self, name: str, *, once: bool = True) -> tuple[str, ...]:
        """A column of ids taken out of the table."""
        column = self.names.pop(name)
        values = self.frame[column]
        ids = tuple("" if one is None or one != one else str(one) for one in values)
        if "" in ids:
            self.fail(f"row {ids.index('') + 2}, column {name or 'of ids'}: an id is missing")
        if once and (twice := [one for one, count in Counter(ids).items() if count > 1]):
            rows = [row + 2 for row, one in enumerate(ids) if one == twice[0]]
            self.fail(
                f"rows {', '.join(map(str, rows[:5]))}, column {name or 'of ids'}: "
                f"{twice[0]!r} stands more than once; give each id once"
            )
        return ids

    def id_column(self, word: str) -> str | None:
        """The column that holds the ids of customers or sites (``word``), if there is one."""
        if self.has(word):
            return word
        first = str(self.frame.columns[0]).strip().lower()
        if first not in self.names:
            return None
        is_id = first in ID_WORDS or first.endswith("id") or _unnamed(first)
        values = self.frame[self.names[first]]
        if is_id or not _is_numeric(values):
            return first
        return None

    def extras(self, fields: dict[str, str], found: dict[str, Any]) -> None:
        """Take out the columns of ``fields`` as fields of the problem."""
        for word, field in fields.items():
            named = next((name for name in (word, f"{word}s") if self.has(name)), None)
            if named is not None:
                if field in found:
                    self.fail(f"{named}: {field} are given twice")
                found[field] = self.numbers(named)

    def nothing_left(self, known: str) -> None:
        """Refuse columns that nobody took out."""
        if self.names:
            some = ", ".join(repr(name) for name in list(self.names)[:SHOWN])
            self.fail(f"columns {some} are not known here; known are {known}")


def _csv(path: Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8 text; save it as CSV UTF-8") from error
    if not any(name.strip() for name in header):
        raise UsageError(f"{path.name} has no names of columns in its first line; is it empty?")
    if len(header) == 1 and (mark := next((m for m in (";", "\t", "|") if m in header[0]), "")):
        raise UsageError(
            f"{path.name}: columns are parted by {mark!r}; save it with commas between columns "
            "and a full stop in decimal numbers"
        )
    twice = [
        name for name, count in Counter(n.strip().lower() for n in header).items() if count > 1
    ]
    if twice:
        raise UsageError(f"{path.name}: column {twice[0]!r} stands twice; name each column once")
    ids = {
        position: str
        for position, name in enumerate(header)
        if (word := name.strip().lower()) in (*ID_WORDS, *text) or word.endswith("id") or (
            position == 0 and not word
        )
    }  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(path, dtype=ids, encoding="utf-8-sig", index_col=False)  # type: ignore[arg-type]
    except pd.errors.ParserWarning as error:
        raise UsageError(
            f"{path.name}: rows have more cells than the {len(header)} columns named"
        ) from error
    except (ValueError, pd.errors.ParserError) as error:
        raise UsageError(f"{path.name} does not read as CSV: {str(error).strip()}") from error
    frame.columns = [name.strip() for name in header]
    return frame


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    require_parquet(path)
    frame = pd.read_parquet(path)
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names=frame.index.name or "")
    return frame


def _unnamed(name: str) -> bool:
    return not name or name.startswith("unnamed:") or name == "index"


def _is_numeric(values: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(values)) and not pd.api.types.is_bool_dtype(values)


def _numbers(values: Any, table: Table, name: str) -> np.ndarray:
    import pandas as pd

    if _is_numeric(values):
        return np.asarray(values, float)
    tried = pd.to_numeric(values, errors="coerce")
    wrong = np.flatnonzero(tried.isna() & values.notna())
    if len(wrong) or pd.api.types.is_bool_dtype(values):
        row = int(wrong[0]) if len(wrong) else 0
        table.fail(f"row {row + 2}, column {name}: {str(values.iloc[row])[:40]!r} is no number")
    return np.asarray(tried, float)


def _wide(table: Table, found: dict[str, Any]) -> Distances:
    if len(table.frame.columns) and (ids := table.id_column("customer")) is not None:
        found["customer_ids"] = table.ids(ids)
    table.extras(OF_CUSTOMERS, found)
    for word in OF_SITES:
        if table.has(word):
            table.fail(f"column {word}: it belongs to sites; give it in a table of sites (sites)")
    unnamed = [name for name in table.names if _unnamed(name)]
    if unnamed:
        table.fail("a column has no name; name each site by its id")
    if not table.names:
        table.fail(
            "there is no column of a site; name one a site, or give customer, site, distance"
        )
    columns = list(table.names.values())
    values = np.column_stack([_numbers(table.frame[c], table, str(c).strip()) for c in columns])
    if "customer_ids" not in found and _counts_up(values[:, 0]):
        table.fail(
            f"column {str(columns[0])!r} counts up: is it a site, or ids of customers? Name it "
            "customer_id if it holds ids, or give a column customer_id beside it"
        )
    _not_negative(table, values, [str(c).strip() for c in columns])
    found["site_ids"] = tuple(str(column).strip() for column in columns)
    return Matrix(values)


def _counts_up(values: np.ndarray) -> bool:
    """Whether values are 0, 1, 2, ... or 1, 2, 3, ... and so look like numbers of rows."""
    return len(values) > 2 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _not_negative(table: Table, values: np.ndarray, names: list[str]) -> None:
    rows, columns = np.nonzero(values < 0)
    if len(rows):
        table.fail(
            f"row {rows[0] + 2}, column {names[columns[0]]}: {values[rows[0], columns[0]]:g} is "
            "negative; give a distance of 0 or more"
        )


def _points(
    table: Table, place: tuple[str, str], own: Table | None, metric: str | None,
    found: dict[str, Any],
) -> Distances:  # fmt: skip
    degrees = place[0].startswith("lon")
    if degrees and metric not in (None, "great_circle"):
        table.fail(
            f"metric {metric} does not suit degrees; leave it out, or give x and y in metres"
        )
    if not degrees and metric == "great_circle":
        table.fail("metric great_circle asks for columns longitude and latitude in degrees")
    where = _coordinates(table, place)
    ids = table.id_column("customer")
    if ids is not None:
        found["customer_ids"] = table.ids(ids)
    table.extras(OF_CUSTOMERS, found)
    known = "an id, x, y, weight, demand"
    if own is None:
        table.extras(OF_SITES, found)
        table.nothing_left(f"{known}, capacity, fixed_cost")
        if ids is not None:
            found["site_ids"] = found["customer_ids"]
        sites = where
    else:
        table.nothing_left(known)
        if not (own.has(place[0]) and own.has(place[1])):
            own.fail(f"sites of points need the columns {place[0]} and {place[1]}")
        sites = _coordinates(own, place)
        _add_sites(own, found)
    return Points(where, sites, metric or ("great_circle" if degrees else "euclidean"))  # type: ignore[arg-type]


def _coordinates(table: Table, place: tuple[str, str]) -> np.ndarray:
    """(rows, 2): x, y, or latitude, longitude."""
    first, second = table.numbers(place[0]), table.numbers(place[1])
    if not place[0].startswith("lon"):
        return np.column_stack([first, second])
    wrong = np.flatnonzero((np.abs(first) > 180) | (np.abs(second) > 90))
    if len(wrong):
        table.fail(
            f"row {wrong[0] + 2}: longitude {first[wrong[0]]:g}, latitude {second[wrong[0]]:g} "
            "is no place in degrees"
        )
    return np.column_stack([second, first])


def _add_sites(own: Table, found: dict[str, Any]) -> None:
    """What a table of sites says: their ids, capacities and opening costs."""
    ids = own.id_column("site")
    if ids is None:
        own.fail("there is no column of ids; name it site_id")
    assert ids is not None
    names = own.ids(ids)
    extras: dict[str, Any] = {}
    own.extras(OF_SITES, extras)
    own.nothing_left("site_id, capacity, fixed_cost, and x and y where customers are points")
    known = found.get("site_ids")
    if known is None:
        found["site_ids"] = known = names
    if set(known) != set(names):
        odd = sorted(set(known) ^ set(names))
        own.fail(f"site {odd[0]!r} is in one table only; give the same sites in both")
    at = {name: row for row, name in enumerate(names)}
    order = [at[name] for name in known]
    for field, values in extras.items():
        if field in found:
            own.fail(f"{field} are given twice")
        found[field] = values[order]


def _long(table: Table, found: dict[str, Any]) -> Distances:
    lengths = [word for word in LENGTHS if table.has(word)]
    if len(lengths) != 1:
        said = f"columns {', '.join(lengths)} could all be it" if lengths else "there is none"
        table.fail(f"no one column of lengths ({said}); name it one of {', '.join(LENGTHS)}")
    length = table.numbers(lengths[0], empty=True)
    _not_negative(table, length[:, None], lengths)
    pairs = [table.ids(word, once=False) for word in ("customer", "site")]
    extras: dict[str, Any] = {}
    table.extras(OF_CUSTOMERS | OF_SITES, extras)
    table.nothing_left(
        f"customer, site, one of {', '.join(LENGTHS)}, weight, demand, capacity, fixed_cost"
    )
    customers, rows = np.unique(pairs[0], return_inverse=True)
    sites, columns = np.unique(pairs[1], return_inverse=True)
    _, first, times = np.unique(rows * len(sites) + columns, return_index=True, return_counts=True)
    if (times > 1).any():
        row = int(first[times > 1][0])
        table.fail(
            f"row {row + 2}: customer {pairs[0][row]!r} and site {pairs[1][row]!r}: "
            "the pair is listed twice"
        )
    for field, values in extras.items():
        of_customer = field in OF_CUSTOMERS.values()
        of, count = (rows, len(customers)) if of_customer else (columns, len(sites))
        each = np.zeros(count)
        each[of] = values
        differs = np.flatnonzero(each[of] != values)
        if len(differs):
            row = int(differs[0])
            whose = f"customer {pairs[0][row]!r}" if of_customer else f"site {pairs[1][row]!r}"
            table.fail(f"row {row + 2}: {whose} has two different {field}; give the same each time")
        found[field] = each
    found["customer_ids"], found["site_ids"] = tuple(customers.tolist()), tuple(sites.tolist())
    there = ~np.isnan(length)
    values = sparse.coo_array(
        (length[there], (rows[there], columns[there])), shape=(len(customers), len(sites))
    )
    return Pairs(values.tocsr())


def _numpy(path: Path, kind: str, options: dict) -> Problem:
    try:
        if path.suffix == ".npy":
            distances: Distances = Matrix(np.load(path, allow_pickle=False))
        else:
            distances = Pairs(sparse.csr_array(sparse.load_npz(path)))
    except (ValueError, KeyError, OSError) as error:
        told = "a dense matrix (numpy.save)" if path.suffix == ".npy" else "scipy.sparse.save_npz"
        raise UsageError(f"{path.name} does not read as written by {told}: {error}") from error
    return Problem(kind, distances, name=path.stem, **options)
