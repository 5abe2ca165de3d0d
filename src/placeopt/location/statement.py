"""The classical location problems, as one frozen record.

Let d[i,j] be the distance from customer i to site j, w[i] a customer's weight, f[j] what opening
a site costs, q[i] a customer's demand and Q[j] a site's capacity. S is the set of opened sites.

    p-median                        min  sum_i w[i] min_{j in S} d[i,j]             |S| = p
    p-centre                        min  max_{i: w[i]>0} min_{j in S} d[i,j]        |S| <= p
    covering                        min  sum_{j in S} f[j]    every customer has a site within
                                         the radius (or: customers of ``share`` of the weight)
    maximal-covering                max  sum_i w[i] c(min_{j in S} d[i,j])          |S| <= p
    p-dispersion                    max  min_{j,k in S} d[j,k]                      |S| = p
    facility-location               min  sum_j f[j] + sum_i w[i] min_{j in S} d[i,j]
    capacitated-facility-location   the same, sum_i q[i] x[i,j] <= Q[j], a customer may be split
    single-source                   the same, one site serves all of a customer
    capacitated-p-median            single-source with |S| = p and no f

c is 1 up to ``radius``, 0 beyond ``outer_radius`` and falls in a straight line between them
(gradual coverage); without ``outer_radius`` it is 1 or 0. ``ceiling`` forbids every assignment
beyond a distance, ``k_nearest`` every one to a site that is not among a customer's k nearest (all
that are as near as the k-th are among them). ``opened`` and ``closed`` are earlier
decisions; with ``fill_opened`` the opened sites hold exactly their capacity,
sum_i q[i] x[i,j] = Q[j].

Customers and sites are named by their ids everywhere (see ``labels``); without ids they are
positions, from 0. Positions of rows and columns appear only where a name says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from placeopt.base.arrays import Floats
from placeopt.base.errors import UsageError
from placeopt.location.distances import Distances, Matrix, Pairs
from placeopt.location.labels import (
    UnclearIds,
    as_numbers,
    chosen_positions,
    match_labels,
    pandas_labels,
    resolve_ids,
    values_by_id,
)

P_MEDIAN = "p-median"
P_CENTRE = "p-centre"
COVERING = "covering"
MAXIMAL_COVERING = "maximal-covering"
P_DISPERSION = "p-dispersion"
FACILITY_LOCATION = "facility-location"
CAPACITATED = "capacitated-facility-location"
SINGLE_SOURCE = "single-source"
CAPACITATED_P_MEDIAN = "capacitated-p-median"

KINDS = (
    P_MEDIAN,
    P_CENTRE,
    COVERING,
    MAXIMAL_COVERING,
    P_DISPERSION,
    FACILITY_LOCATION,
    CAPACITATED,
    SINGLE_SOURCE,
    CAPACITATED_P_MEDIAN,
)
NEEDS_P = {P_MEDIAN, P_CENTRE, MAXIMAL_COVERING, P_DISPERSION, CAPACITATED_P_MEDIAN}
NEEDS_RADIUS = {COVERING, MAXIMAL_COVERING}
NEEDS_CAPACITY = {CAPACITATED, SINGLE_SOURCE, CAPACITATED_P_MEDIAN}
KINDS_USING = {  # for each field that not every kind uses, the kinds that do
    "p": NEEDS_P,
    "radius": NEEDS_RADIUS,
    "outer_radius": {MAXIMAL_COVERING},
    "ceiling": {kind for kind in KINDS if kind != P_DISPERSION},
    "k_nearest": {kind for kind in KINDS if kind not in (*NEEDS_RADIUS, P_DISPERSION)},
    "fill_opened": NEEDS_CAPACITY,
    "share": {COVERING},
    "backup": {COVERING},
    "weights": {kind for kind in KINDS if kind != P_DISPERSION},
    "fixed_costs": {COVERING, FACILITY_LOCATION, CAPACITATED, SINGLE_SOURCE},
    "demands": NEEDS_CAPACITY,
    "capacities": NEEDS_CAPACITY,
}
ALIASES = {  # other names of these problems; spaces and underscores count as hyphens
    P_MEDIAN: ("pmedian", "pmp", "median"),
    P_CENTRE: ("p-center", "pcenter", "pcentre", "center", "centre"),
    COVERING: ("lscp", "set-covering", "set-cover", "location-set-covering"),
    MAXIMAL_COVERING: ("mclp", "maximum-covering", "max-covering"),
    P_DISPERSION: ("pdispersion", "dispersion"),
    FACILITY_LOCATION: ("uflp", "ufl", "splp", "uncapacitated-facility-location"),
    CAPACITATED: ("cflp", "cfl", "capacitated"),
    SINGLE_SOURCE: ("sscflp", "single-source-capacitated-facility-location"),
    CAPACITATED_P_MEDIAN: ("cpmp", "capacitated-pmedian"),
}
UNSPECIFIED: Any = None  # default of a vector: the same number for all
MAXIMISED_KINDS = {MAXIMAL_COVERING, P_DISPERSION}  # reported as maximised; minimised inside


@dataclass(frozen=True)
class Problem:
    """One location problem; the module's text has the equations.

    Values by customer or site are one number, a sequence in the order of the ids, or a pandas
    Series or mapping by id. A question without a plan (for example p too small to cover every
    customer) is not a fault; its answer is infeasible.

    Attributes:
        kind: One of KINDS.
        distances: Distances, or a table of them; the labels of a data frame are the ids of
            customers (rows) and sites (columns).
        p: Number of sites to open.
        weights: Weight, (customers,).
        fixed_costs: Cost of opening, (sites,).
        demands: Demand, (customers,).
        capacities: Capacity, (sites,).
        radius: Radius of coverage.
        outer_radius: Radius beyond which coverage is 0 (gradual coverage).
        ceiling: Largest distance of an assignment.
        k_nearest: Number of nearest sites that may serve a customer, one or (customers,).
        share: Share of the weight to cover.
        backup: Whether to cover most weight twice among the best coverings.
        fill_opened: Whether opened sites must be full.
        opened: Ids of sites that must open, or True or False for every site; kept as ids.
        closed: Ids of sites that must not open, in the same way.
        customer_ids: Ids of customers.
        site_ids: Ids of sites.
        name: Name of the problem.
        best_known: Best objective known.

    Raises:
        UsageError: With every fault that makes the question senseless.
    """

    kind: str
    distances: Distances
    p: int | None = None
    weights: Floats = UNSPECIFIED
    fixed_costs: Floats = UNSPECIFIED
    demands: Floats = UNSPECIFIED
    capacities: Floats | None = None
    radius: float | None = None
    outer_radius: float | None = None
    ceiling: float | None = None
    share: float = 1.0
    backup: bool = False
    k_nearest: Floats | int | None = None
    fill_opened: bool = False
    opened: tuple[Any, ...] = ()
    closed: tuple[Any, ...] = ()
    site_ids: tuple[Any, ...] = ()
    customer_ids: tuple[Any, ...] = ()
    name: str = ""
    best_known: float | None = None
    _positions: dict[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults: list[str] = []
        object.__setattr__(self, "kind", kind_of(self.kind))
        self._distances_and_ids(faults)
        opening = default_opening_cost(self.kind)
        self._set_values("weights", self.customer_ids, 1.0, faults)
        self._set_values("fixed_costs", self.site_ids, opening, faults)
        self._set_values("demands", self.customer_ids, 1.0, faults)
        if self.capacities is not None:
            self._set_values("capacities", self.site_ids, np.inf, faults)
        if self.k_nearest is not None:
            self._set_values("k_nearest", self.customer_ids, 1.0, faults)
        for name in ("opened", "closed"):
            self._set_chosen(name, faults)
        faults += _faults(self)
        if faults:
            raise UsageError(f"{self.name or self.kind}: " + "; ".join(faults))

    @property
    def customers(self) -> int:
        """Number of customers."""
        return self.distances.shape[0]

    @property
    def sites(self) -> int:
        """Number of sites."""
        return self.distances.shape[1]

    @property
    def maximised(self) -> bool:
        """Whether the objective is reported as a benefit, the more the better."""
        return self.kind in MAXIMISED_KINDS

    @property
    def opened_positions(self) -> tuple[int, ...]:
        """Columns of the sites that must open, ascending."""
        return self._positions["opened"]

    @property
    def closed_positions(self) -> tuple[int, ...]:
        """Columns of the sites that must not open, ascending."""
        return self._positions["closed"]

    @property
    def free(self) -> NDArray[np.int64]:
        """Positions of the sites that may open, including those that must."""
        is_closed = np.zeros(self.sites, bool)
        is_closed[list(self.closed_positions)] = True
        return np.flatnonzero(~is_closed)

    def replace(self, **changes: Any) -> Problem:
        """The problem with some fields changed; default opening costs follow the kind."""
        has_default_costs = bool((self.fixed_costs == default_opening_cost(self.kind)).all())
        if has_default_costs and "kind" in changes:
            changes = {"fixed_costs": UNSPECIFIED, **changes}
        return replace(self, **changes)

    def coverage(self, distance: Floats) -> Floats:
        """The share of a customer's weight that a site at ``distance`` covers, 0 to 1."""
        radius = float(self.radius or 0.0)
        distance = np.asarray(distance, float)
        if self.outer_radius is None or self.outer_radius <= radius:
            return (distance <= radius).astype(float)
        gradual = (self.outer_radius - distance) / (self.outer_radius - radius)
        return np.clip(np.where(np.isfinite(distance), gradual, 0.0), 0.0, 1.0)

    def _distances_and_ids(self, faults: list[str]) -> None:
        table = self.distances
        if hasattr(table, "to_pandas"):  # a table of Arrow or Polars
            table = table.to_pandas()
        rows, columns = pandas_labels(table), pandas_labels(table, "columns")
        if sparse.issparse(table):
            table = Pairs(table)
        if not hasattr(table, "shape") or isinstance(table, np.ndarray) or rows is not None:
            try:
                values = as_numbers(table)
            except (TypeError, ValueError):
                raise UsageError(
                    f"{self.name or self.kind}: distances are no table of numbers; give one row "
                    "a customer and one number a site in each"
                ) from None
            table = Matrix(values)
        orders = []
        for name, labels, size in (
            ("customer", rows, table.shape[0]),
            ("site", columns, table.shape[1]),
        ):
            ids: tuple[Any, ...] = tuple(range(size))
            order = None
            try:
                ids = resolve_ids(getattr(self, f"{name}_ids"), labels, size, name)
                order = None if labels is None else match_labels(labels, ids, name)
            except UnclearIds as error:
                faults.append(f"distances: {error}" if labels is not None else str(error))
            object.__setattr__(self, f"{name}_ids", ids)
            orders.append(np.arange(size) if order is None else order)
        if rows is not None:
            table = Matrix(table.dense()[np.ix_(*orders)])
        object.__setattr__(self, "distances", table)
        object.__setattr__(self, "_positions", {"opened": (), "closed": ()})

    def _set_values(
        self, name: str, ids: tuple[Any, ...], default: float, faults: list[str]
    ) -> None:
        given = getattr(self, name)
        what = "site" if name in ("fixed_costs", "capacities") else "customer"
        try:
            values = values_by_id(default if given is None else given, ids, what)
        except UnclearIds as error:
            faults.append(f"{name}: {error}")
            values = np.full(len(ids), default)
        values.flags.writeable = False
        object.__setattr__(self, name, values)

    def _set_chosen(self, name: str, faults: list[str]) -> None:
        try:
            positions = chosen_positions(getattr(self, name), self.site_ids)
        except UnclearIds as error:
            faults.append(f"{name}: {error}")
            positions = ()
        self._positions[name] = positions
        object.__setattr__(self, name, tuple(self.site_ids[j] for j in positions))


def kind_of(name: Any) -> str:
    """The kind that a name means; other names, such as ``p-center`` and ``mclp``, are understood.

    Raises:
        UsageError: If there is no such kind.
    """
    normalised = str(name).strip().lower().replace("_", "-").replace(" ", "-")
    for kind in KINDS:
        if normalised == kind or normalised in ALIASES[kind]:
            return kind
    if normalised in ("flow-refuelling", "flow-refueling", "frlm"):
        raise UsageError(f"{name!r} is about roads and trips: see FlowRefuelling, locate_stations")
    matches = get_close_matches(
        normalised, [*KINDS, *(n for names in ALIASES.values() for n in names)], n=1
    )
    suggestion = f"did you mean {matches[0]!r}? " if matches else ""
    raise UsageError(f"no problem {name!r}; {suggestion}there are {', '.join(KINDS)}")


def default_opening_cost(kind: str) -> float:
    """The cost of opening a site if none is given."""
    return 1.0 if kind == COVERING else 0.0


def fields_used_by(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``fields`` that a problem of ``kind`` uses."""
    return {name: value for name, value in fields.items() if kind in KINDS_USING.get(name, KINDS)}


def _ignored_field_faults(problem: Problem) -> list[str]:
    """Faults for fields that were given and would be ignored."""
    defaults: dict[str, Any] = {"share": 1.0, "weights": 1.0, "demands": 1.0}
    defaults |= {"backup": False, "fill_opened": False}
    defaults["fixed_costs"] = default_opening_cost(problem.kind)
    faults = []
    for name, kinds in KINDS_USING.items():
        given = getattr(problem, name)
        if problem.kind in kinds or given is None:
            continue
        if name not in defaults or not np.all(np.asarray(given) == defaults[name]):
            instead = ADVICE.get(name, "")
            faults.append(f"{name}: {problem.kind} has none; leave it out{instead}")
    return faults


ADVICE = {
    "capacities": f", or ask for {CAPACITATED_P_MEDIAN}, {CAPACITATED} or {SINGLE_SOURCE}",
    "fixed_costs": f", or ask for {FACILITY_LOCATION}",
    "demands": ", or give it as weights",
    "radius": ", or give it as ceiling",
}


def _number_faults(problem: Problem) -> list[str]:
    faults = []
    for name in ("radius", "outer_radius", "ceiling"):
        value = getattr(problem, name)
        if value is not None and not (is_number(value) and value >= 0):
            faults.append(f"{name} is {value!r}; give a distance of 0 or more")
    outer, radius = problem.outer_radius, problem.radius
    if not faults and outer is not None and radius is not None and outer < radius:
        faults.append(f"outer_radius is {outer:g}, below the radius of {radius:g}")
    if not is_number(problem.share) or not 0 < problem.share <= 1:
        faults.append(f"share is {problem.share!r}; give a share above 0 and at most 1")
    for name in ("backup", "fill_opened"):
        if not isinstance(getattr(problem, name), bool | np.bool_):
            faults.append(f"{name} is {getattr(problem, name)!r}; give True or False")
    if problem.k_nearest is not None:
        count = np.asarray(problem.k_nearest)
        wrong = count[~(np.isfinite(count) & (count >= 1) & (count == np.round(count)))]
        if len(wrong):
            faults.append(f"k_nearest is {wrong[0]:g}; give whole numbers of 1 or more")
    return faults


def _fill_faults(problem: Problem) -> list[str]:
    if problem.fill_opened is False or problem.capacities is None:
        return []
    if not problem.opened:
        return ["fill_opened: no site is opened before; give opened, or leave it out"]
    unlimited = [j for j in problem.opened_positions if np.isinf(problem.capacities[j])]
    if unlimited:
        return [f"fill_opened: site {problem.site_ids[unlimited[0]]!r} has no end to its capacity"]
    return []


def is_number(value: Any) -> bool:
    """Whether a value is one number and not True or False."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _faults(problem: Problem) -> list[str]:
    faults = _ignored_field_faults(problem) + _number_faults(problem) + _fill_faults(problem)
    if not _is_whole_or_none(problem.p) or (
        problem.kind in NEEDS_P and (problem.p is None or problem.p < 1)
    ):
        faults.append(f"p is {problem.p!r}; give a whole number of 1 or more")
    if problem.kind in NEEDS_RADIUS and problem.radius is None:
        faults.append("radius is None; give a distance of 0 or more")
    if problem.kind in NEEDS_CAPACITY and problem.capacities is None:
        faults.append("there are no capacities; give one for each site")
    if problem.kind == P_DISPERSION and problem.customers != problem.sites:
        faults.append("p-dispersion measures sites against sites; give a square table")
    if problem.customers == 0 or problem.sites == 0:
        faults.append(f"{problem.customers} customers and {problem.sites} sites; give at least one")
    for name in ("weights", "demands", "fixed_costs"):
        values = getattr(problem, name)
        if not np.isfinite(values).all() or (name != "fixed_costs" and (values < 0).any()):
            is_wrong = ~np.isfinite(values) | ((values < 0) & (name != "fixed_costs"))
            range_ = "finite" if name == "fixed_costs" else "finite and 0 or more"
            faults.append(f"{name} must be {range_}{_first_wrong(problem, name, is_wrong)}")
    if problem.capacities is not None and not (problem.capacities >= 0).all():
        wrong = _first_wrong(problem, "capacities", ~(problem.capacities >= 0))
        faults.append(f"capacities must be 0 or more{wrong}")
    both = [one for one in problem.opened if one in set(problem.closed)]
    if both:
        faults.append(f"sites {both} are to be both opened and closed")
    return faults


def _first_wrong(problem: Problem, name: str, is_wrong: NDArray[np.bool_]) -> str:
    """The first wrong value of a field and whose it is, and how many more there are."""
    positions = np.flatnonzero(is_wrong)
    is_of_site = name in ("fixed_costs", "capacities")
    ids = problem.site_ids if is_of_site else problem.customer_ids
    noun, first = ("site" if is_of_site else "customer"), positions[0]
    more = f", and {len(positions) - 1} more are wrong" if len(positions) > 1 else ""
    return f": that of {noun} {ids[first]!r} is {getattr(problem, name)[first]:g}{more}"


def _is_whole_or_none(p: Any) -> bool:
    return p is None or (isinstance(p, int | np.integer) and not isinstance(p, bool))
