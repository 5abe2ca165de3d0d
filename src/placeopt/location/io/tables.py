"""Tables as location problems: CSV, Parquet, or NumPy's matrices. Columns are read by name.

wide    one row for each customer, one column for each site, named by its id; an empty cell means
        no connection. A first column that is text, has no name (a data frame's own index) or is
        named like an id (``customer``, ``zone``, ``id``, ``..._id``) holds customer ids.
long    ``customer``, ``site`` (or ``customer_id``, ``site_id``) and one of ``distance``,
        ``minutes``, ``cost``: a row for each pair; a pair that is not listed has no connection.
points  ``x`` and ``y`` (or ``easting`` and ``northing``), measured by ``metric`` (Euclidean by
        default), or ``longitude`` and
        ``latitude`` in degrees, measured as great circles; ids as in a wide table. Every point is
        a customer and a site, unless sites have a separate file.

``weight`` and ``demand`` are columns of customers, ``capacity`` and ``fixed_cost`` (or
``opening_cost``) of sites: in the points, in a long table (the same in every row of a customer or
site), or in a file of sites (``sites``) with the column ``site`` or ``site_id``, and ``x`` and
``y`` where customers are points. Any other column, and an ambiguous file, is refused. NumPy's
``.npy`` holds a dense matrix, ``.npz`` (``scipy.sparse.save_npz``) a sparse one, whose missing
entries are no connections.
"""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from placeopt.base.arrays import Floats
from placeopt.base.errors import UsageError
from placeopt.base.reading import require_parquet
from placeopt.location.distances import (
    COORDINATE_COLUMNS,
    Distances,
    Matrix,
    Metric,
    Pairs,
    Points,
    is_degrees,
)
from placeopt.location.statement import Problem

if TYPE_CHECKING:
    import pandas as pd

DISTANCE_COLUMNS = ("distance", "minutes", "cost")
CUSTOMER_FIELDS = {"weight": "weights", "demand": "demands"}
SITE_FIELDS = {
    "capacity": "capacities", "fixed_cost": "fixed_costs", "opening_cost": "fixed_costs",
}  # fmt: skip
ID_WORDS = ("id", "customer", "zone", "site", "name", "code")
OTHER_COLUMNS = (  # headings of wide tables that are more likely no site
    "population", "people", "residents", "households", "visits", "count", "total", "sum",
    "region", "postcode", "address", "ward", "district",
)  # fmt: skip
TOTAL_ROWS = ("total", "totals", "sum", "grand total")
MAX_NAMED_COLUMNS = 12  # names of columns in a message


def read_table(
    path: Path,
    kind: str,
    metric: Metric | None = None,
    sites: str | Path | None = None,
    **options: Any,
) -> Problem:
    """A problem of ``kind`` from the table at ``path``.

    Args:
        path: The table.
        kind: Kind of problem.
        metric: How points are measured.
        sites: A table of sites; see the module's text.
        **options: Fields of ``Problem``.

    Raises:
        UsageError: If a table cannot be read as such a problem.
    """
    if path.suffix in (".npy", ".npz"):
        if metric is not None or sites is not None:
            raise UsageError(f"{path.name} is a matrix: it has no metric and no table of sites")
        return _numpy(path, kind, options)
    table = Table(path)
    site_table = None if sites is None else Table(Path(sites))
    problem_fields: dict[str, Any] = {}
    coordinates = table.coordinate_columns()
    if coordinates:
        distances = _read_points(table, coordinates, site_table, metric, problem_fields)
    elif metric is not None:
        raise UsageError(f"{path.name} gives distances; metric is for points (columns x and y)")
    elif table.has("customer") and table.has("site"):
        distances = _read_long(table, problem_fields)
    else:
        distances = _read_wide(table, problem_fields)
    if site_table is not None and not coordinates:
        _add_site_fields(site_table, problem_fields)
    given = {name: value for name, value in problem_fields.items() if name not in options}
    return Problem(kind, distances, name=path.stem, **given, **options)


class Table:
    """A table with columns by lower-case name; ids are kept as they are written."""

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
        """Whether the table has a column of this name left."""
        return name in self.names

    def coordinate_columns(self) -> tuple[str, str] | None:
        """The columns of coordinates, if there are any."""
        return next(
            (pair for pair in COORDINATE_COLUMNS if self.has(pair[0]) and self.has(pair[1])), None
        )

    def take_number_column(self, name: str, *, empty: bool = False) -> np.ndarray:
        """Take a column of numbers out of the table; with ``empty`` it may hold NaN."""
        column = self.names.pop(name)
        values = _to_numbers(self.frame[column], self, str(column).strip())
        if not empty and np.isnan(values).any():
            row = int(np.flatnonzero(np.isnan(values))[0])
            self.fail(f"row {row + 2}, column {name}: it is empty; give a number")
        return values

    def take_id_column(self, name: str, *, once: bool = True) -> tuple[str, ...]:
        """Take a column of ids out of the table; with ``once`` each id may appear only once."""
        column = self.names.pop(name)
        values = self.frame[column]
        ids = tuple("" if each is None or each != each else str(each) for each in values)
        if "" in ids:
            self.fail(f"row {ids.index('') + 2}, column {name or 'of ids'}: an id is missing")
        if once and (twice := [each for each, count in Counter(ids).items() if count > 1]):
            rows = [row + 2 for row, each in enumerate(ids) if each == twice[0]]
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
        is_id = first in ID_WORDS or first.endswith("id") or _is_unnamed(first)
        values = self.frame[self.names[first]]
        if is_id or not _is_numeric(values):
            return first
        return None

    def take_fields(self, fields: dict[str, str], problem_fields: dict[str, Any]) -> None:
        """Take the columns of ``fields`` out as fields of the problem."""
        for word, field in fields.items():
            named = next((name for name in (word, f"{word}s") if self.has(name)), None)
            if named is not None:
                if field in problem_fields:
                    self.fail(f"{named}: {field} are given twice")
                problem_fields[field] = self.take_number_column(named)

    def refuse_other_columns(self, known: str) -> None:
        """Refuse columns that are left in the table."""
        if self.names:
            some = ", ".join(repr(name) for name in list(self.names)[:MAX_NAMED_COLUMNS])
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
    _refuse_short_rows(path, len(header))
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
            frame = pd.read_csv(path, dtype=ids, encoding="utf-8-sig", index_col=False)
    except pd.errors.ParserWarning as error:
        raise UsageError(
            f"{path.name}: rows have more cells than the {len(header)} columns named"
        ) from error
    except (ValueError, pd.errors.ParserError) as error:
        raise UsageError(f"{path.name} does not read as CSV: {str(error).strip()}") from error
    frame.columns = [name.strip() for name in header]
    return frame


def _refuse_short_rows(path: Path, columns: int) -> None:
    """Refuse rows with fewer cells than there are columns; an empty cell has its comma."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        try:
            for row in rows:
                if row and len(row) < columns:
                    raise UsageError(
                        f"{path.name}: line {rows.line_num} has {len(row)} cells under {columns} "
                        "names of columns; give each row a cell for each column, empty if need be"
                    )
        except (csv.Error, UnicodeDecodeError):
            return  # the reader that follows says what is wrong


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    require_parquet(path)
    frame = pd.read_parquet(path)
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(names=frame.index.name or "")
    return frame


def _is_unnamed(name: str) -> bool:
    return not name or name.startswith("unnamed:") or name == "index"


def _is_numeric(values: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(values)) and not pd.api.types.is_bool_dtype(values)


def _to_numbers(values: Any, table: Table, name: str) -> np.ndarray:
    import pandas as pd

    if _is_numeric(values):
        return np.asarray(values, float)
    tried = pd.to_numeric(values, errors="coerce")
    wrong = np.flatnonzero(tried.isna() & values.notna())
    if len(wrong) or pd.api.types.is_bool_dtype(values):
        row = int(wrong[0]) if len(wrong) else 0
        table.fail(f"row {row + 2}, column {name}: {str(values.iloc[row])[:40]!r} is no number")
    return np.asarray(tried, float)


def _read_wide(table: Table, problem_fields: dict[str, Any]) -> Distances:
    if len(table.frame.columns) and (ids := table.id_column("customer")) is not None:
        problem_fields["customer_ids"] = table.take_id_column(ids)
    table.take_fields(CUSTOMER_FIELDS, problem_fields)
    _refuse_no_sites(table, problem_fields.get("customer_ids", ()))
    for word in SITE_FIELDS:
        if table.has(word):
            table.fail(f"column {word}: it belongs to sites; give it in a table of sites (sites)")
    unnamed = [name for name in table.names if _is_unnamed(name)]
    if unnamed:
        table.fail("a column has no name; name each site by its id")
    if not table.names:
        table.fail(
            "there is no column of a site; name one a site, or give customer, site, distance"
        )
    columns = list(table.names.values())
    values = np.column_stack([_to_numbers(table.frame[c], table, str(c).strip()) for c in columns])
    if "customer_ids" not in problem_fields and _is_row_number(values[:, 0]):
        table.fail(
            f"column {str(columns[0])!r} counts up: is it a site, or ids of customers? Name it "
            "customer_id if it holds ids, or give a column customer_id beside it"
        )
    _not_negative(table, values, [str(c).strip() for c in columns])
    problem_fields["site_ids"] = tuple(str(column).strip() for column in columns)
    return Matrix(values)


def _refuse_no_sites(table: Table, customer_ids: tuple[str, ...]) -> None:
    """Refuse columns and rows that are more likely no site and no customer."""
    coordinates = {name for pair in COORDINATE_COLUMNS[1:] for name in pair}
    for name in table.names:
        if name in coordinates:
            table.fail(
                f"column {name}: is it a coordinate? Points need two of them (x and y, easting and "
                "northing, longitude and latitude); rename the column if it is a site"
            )
        if name in OTHER_COLUMNS:
            table.fail(
                f"column {name}: is it a site? Rename it if so; name it weight if it counts "
                "customers, else leave it out"
            )
    for row, each in enumerate(customer_ids):
        if each.strip().lower() in TOTAL_ROWS:
            table.fail(f"row {row + 2}: is {each!r} a customer? Rename it if so, else leave it out")


def _is_row_number(values: np.ndarray) -> bool:
    """Whether values are 0, 1, 2, ... or 1, 2, 3, ... and so look like row numbers."""
    return len(values) > 2 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _not_negative(table: Table, values: np.ndarray, names: list[str]) -> None:
    rows, columns = np.nonzero(values < 0)
    if len(rows):
        table.fail(
            f"row {rows[0] + 2}, column {names[columns[0]]}: {values[rows[0], columns[0]]:g} is "
            "negative; give a distance of 0 or more"
        )


def _read_points(
    table: Table, coordinates: tuple[str, str], site_table: Table | None, metric: Metric | None,
    problem_fields: dict[str, Any],
) -> Distances:  # fmt: skip
    degrees = is_degrees(coordinates)
    if degrees and metric not in (None, "great_circle"):
        table.fail(
            f"metric {metric} does not suit degrees; leave it out, or give x and y in metres"
        )
    if not degrees and metric == "great_circle":
        table.fail("metric great_circle asks for columns longitude and latitude in degrees")
    points = _coordinates(table, coordinates)
    if not degrees and metric is None:
        _refuse_likely_degrees(table, coordinates, points)
    ids = table.id_column("customer")
    if ids is not None:
        problem_fields["customer_ids"] = table.take_id_column(ids)
    table.take_fields(CUSTOMER_FIELDS, problem_fields)
    known = "an id, x, y, weight, demand"
    if site_table is None:
        table.take_fields(SITE_FIELDS, problem_fields)
        table.refuse_other_columns(f"{known}, capacity, fixed_cost")
        if ids is not None:
            problem_fields["site_ids"] = problem_fields["customer_ids"]
        sites = points
    else:
        table.refuse_other_columns(known)
        if not (site_table.has(coordinates[0]) and site_table.has(coordinates[1])):
            site_table.fail(
                f"sites of points need the columns {coordinates[0]} and {coordinates[1]}"
            )
        sites = _coordinates(site_table, coordinates)
        _add_site_fields(site_table, problem_fields)
    return Points(points, sites, metric or ("great_circle" if degrees else "euclidean"))


def _refuse_likely_degrees(table: Table, coordinates: tuple[str, str], points: Floats) -> None:
    """Refuse points named as lengths that all look like degrees in the United Kingdom."""
    for pair, order in (("longitude, latitude", [0, 1]), ("latitude, longitude", [1, 0])):
        east, north = points[:, order].T
        is_inside = (east > -9) & (east < 3) & (north > 49) & (north < 62)
        if is_inside.all():
            first = f"{points[0, 0]:g}, {points[0, 1]:g}"
            table.fail(
                f"columns {', '.join(coordinates)}: {first} and all others look like {pair} in "
                "degrees; name them so, or say metric euclidean if they are lengths"
            )


def _coordinates(table: Table, coordinates: tuple[str, str]) -> np.ndarray:
    """(rows, 2): x, y, or latitude, longitude."""
    first, second = (
        table.take_number_column(coordinates[0]),
        table.take_number_column(coordinates[1]),
    )
    if not is_degrees(coordinates):
        return np.column_stack([first, second])
    wrong = np.flatnonzero((np.abs(first) > 180) | (np.abs(second) > 90))
    if len(wrong):
        table.fail(
            f"row {wrong[0] + 2}: longitude {first[wrong[0]]:g}, latitude {second[wrong[0]]:g} "
            "is no place in degrees"
        )
    return np.column_stack([second, first])


def _add_site_fields(site_table: Table, problem_fields: dict[str, Any]) -> None:
    """Add the ids, capacities and opening costs of a table of sites."""
    ids = site_table.id_column("site")
    if ids is None:
        site_table.fail("there is no column of ids; name it site_id")
    assert ids is not None
    names = site_table.take_id_column(ids)
    extras: dict[str, Any] = {}
    site_table.take_fields(SITE_FIELDS, extras)
    site_table.refuse_other_columns(
        "site_id, capacity, fixed_cost, and x and y where customers are points"
    )
    known = problem_fields.get("site_ids")
    if known is None:
        problem_fields["site_ids"] = known = names
    if set(known) != set(names):
        odd = sorted(set(known) ^ set(names))
        site_table.fail(f"site {odd[0]!r} is in one table only; give the same sites in both")
    at = {name: row for row, name in enumerate(names)}
    order = [at[name] for name in known]
    for field, values in extras.items():
        if field in problem_fields:
            site_table.fail(f"{field} are given twice")
        problem_fields[field] = values[order]


def _read_long(table: Table, problem_fields: dict[str, Any]) -> Distances:
    lengths = [word for word in DISTANCE_COLUMNS if table.has(word)]
    if len(lengths) != 1:
        candidates_text = (
            f"columns {', '.join(lengths)} could all be it" if lengths else "there is none"
        )
        table.fail(
            f"no one column of lengths ({candidates_text}); "
            f"name it one of {', '.join(DISTANCE_COLUMNS)}"
        )
    length = table.take_number_column(lengths[0], empty=True)
    _not_negative(table, length[:, None], lengths)
    pairs = [table.take_id_column(word, once=False) for word in ("customer", "site")]
    extras: dict[str, Any] = {}
    table.take_fields(CUSTOMER_FIELDS | SITE_FIELDS, extras)
    table.refuse_other_columns(
        f"customer, site, one of {', '.join(DISTANCE_COLUMNS)}, weight, demand, capacity, "
        "fixed_cost"
    )
    customers, rows = np.unique(pairs[0], return_inverse=True)
    sites, columns = np.unique(pairs[1], return_inverse=True)
    _, first, occurrences = np.unique(
        rows * len(sites) + columns, return_index=True, return_counts=True
    )
    if (occurrences > 1).any():
        row = int(first[occurrences > 1][0])
        table.fail(
            f"row {row + 2}: customer {pairs[0][row]!r} and site {pairs[1][row]!r}: "
            "the pair is listed twice"
        )
    for field, values in extras.items():
        of_customer = field in CUSTOMER_FIELDS.values()
        owner, count = (rows, len(customers)) if of_customer else (columns, len(sites))
        each = np.zeros(count)
        each[owner] = values
        differs = np.flatnonzero(each[owner] != values)
        if len(differs):
            row = int(differs[0])
            whose = f"customer {pairs[0][row]!r}" if of_customer else f"site {pairs[1][row]!r}"
            table.fail(f"row {row + 2}: {whose} has two different {field}; give the same each time")
        problem_fields[field] = each
    problem_fields["customer_ids"], problem_fields["site_ids"] = (
        tuple(customers.tolist()),
        tuple(sites.tolist()),
    )
    is_given = ~np.isnan(length)
    values = sparse.coo_array(
        (length[is_given], (rows[is_given], columns[is_given])), shape=(len(customers), len(sites))
    )
    return Pairs(values.tocsr())


def _numpy(path: Path, kind: str, options: dict[str, Any]) -> Problem:
    try:
        if path.suffix == ".npy":
            distances: Distances = Matrix(np.load(path, allow_pickle=False))
        else:
            distances = Pairs(sparse.csr_array(sparse.load_npz(path)))
    except (ValueError, KeyError, OSError) as error:
        expected_format = (
            "a dense matrix (numpy.save)" if path.suffix == ".npy" else "scipy.sparse.save_npz"
        )
        raise UsageError(
            f"{path.name} does not read as written by {expected_format}: {error}"
        ) from error
    except UsageError as error:
        raise UsageError(f"{path.name}: {error}") from error
    return Problem(kind, distances, name=path.stem, **options)
