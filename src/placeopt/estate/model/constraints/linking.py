"""Rows and columns that link the decided years (E12, E10).

Letters as in ``formulation.py``, and t decided years; t-1 of the first year is today.

    enters[b,s,t] >= host[b,s,t] - host[b,s,t-1]        a service moves in
    leaves[b,s,t] >= host[b,s,t-1] - host[b,s,t]        a service moves out: double running of staff
    redundant[s,t] >= sum_b host[b,s,t-1] - sum_b host[b,s,t]    staff of points fewer
    takes[b,k,t]  >= tier[b,k,t] - tier[b,k,t-1]        a tier is set up
    opens[b,t]    >= open[b,t] - open[b,t-1], once;     open[b,t] <= open[b,t-1] if open today
    host[b,s,t]   <= host[b,s,t-1] if hosted today;     sum_t enters[b,s,t] <= 1 otherwise
    fills[b,t]    >= host[b,s,t] - sum_r host[b,r,t-1], once; host[b,s,t] <= sum_r host[b,r,t-1]
                     where b hosts services today       an emptied building is not filled again
    sum_t opens[b,t] + dispose[b,T] <= 1                if vacant today
    dispose[b,t]  >= dispose[b,t-1]                     disposal is final
    dispose[b,t]  <= dispose[b,t-1]                     in a year in which its lease cannot end
    fitted[b,s,t] >= fitted[b,s,t-1], fitted[b,s,t-f] >= area[b,s,t]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.base.arrays import Ints
from placeopt.engine import Block, Model
from placeopt.engine.model import Terms
from placeopt.estate.model.constraints.service import staff_let_go
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.problem.horizon import Years
from placeopt.scenario.rules.estate.services import Capacity, Floor


@dataclass(frozen=True)
class Links:
    """Blocks that link the years (T of each) and the positions of their members.

    Attributes:
        enters: a service moves into a building.
        leaves: a service leaves a building.
        takes: a building takes a tier.
        opens: a building opens.
        fills: an empty building takes its first service.
        fitted: m2 fitted out by the end of the year.
        enters_host: positions in ``host`` of the members of ``enters``.
        leaves_host: the same of ``leaves``.
        takes_tier: positions in ``tier`` of ``takes``.
        opens_building: buildings of ``opens``.
        fills_building: buildings of ``fills``.
        fitted_host: positions in ``host`` of ``fitted``.
    """

    enters: tuple[Block, ...]
    leaves: tuple[Block, ...]
    takes: tuple[Block, ...]
    opens: tuple[Block, ...]
    fills: tuple[Block, ...]
    fitted: tuple[Block, ...]
    enters_host: Ints
    leaves_host: Ints
    takes_tier: Ints
    opens_building: Ints
    fills_building: Ints
    fitted_host: Ints

    @property
    def blocks(self) -> tuple[tuple[Block, ...], ...]:
        """Every kind of linking column, with a block a year."""
        return self.enters, self.leaves, self.takes, self.opens, self.fills, self.fitted


def link_years(model: Model, years: Years, columns: tuple[Columns, ...]) -> Links:
    """Add the linking rows and columns to ``model`` and return the blocks."""
    links = _add_links(model, years, columns)
    for t, problem in enumerate(years.problems):
        model.suffix = f"_{problem.year}"
        before = columns[t - 1] if t else None
        _moves(model, years, links, columns[t], before, t)
        staff_let_go(model, problem, columns[t], before)
        _closed_stays_closed(model, years, links, columns[t], before, t)
        _disposed_stays_disposed(model, problem, columns[t], before)
        _fitted_before_used(model, years, links, columns[t], t)
        if before is not None and not years.services_may_return:
            _stays_away(model, columns[t], before)
        if not years.buildings_may_refill:
            _filled_again(model, years, links, columns[t], before, t)
    model.suffix = ""
    _opened_once(model, years, links)
    _opened_or_disposed(model, years, links, columns[-1])
    if not years.services_may_return:
        _moves_in_once(model, years, links, columns[0])
    if links.fills[0].size:
        _once(model, "filled_once", links.fills)
    return links


def _add_links(model: Model, years: Years, columns: tuple[Columns, ...]) -> Links:
    """Add the linking columns of every year."""
    problem, x = years.first, columns[0]
    b, s, tiers = problem.buildings, problem.services, problem.tiers
    service = x.hosts.service
    counts_moves = years.moves_per_year is not None
    may_repeat = len(years.problems) > 2  # two years are too short to leave and return
    moves_once = may_repeat and not years.services_may_return
    enters = np.flatnonzero((s.moving_gbp[service] > 0) | counts_moves | (x.is_new & moves_once))
    double_running_gbp = years.double_running_years * s.staffing_gbp_per_year[service]
    leaves = np.flatnonzero(double_running_gbp > 0)
    takes = np.flatnonzero(tiers.setup_gbp[x.tier_tier] > 0)
    opens = np.flatnonzero(~b.open_today)
    is_empty = ~problem.hosted.any(axis=1) & np.isin(np.arange(len(b.ids)), x.hosts.building)
    fills = np.flatnonzero(is_empty & (may_repeat and not years.buildings_may_refill))
    fitted = np.flatnonzero(x.is_new)
    bounded = problem.scenario.of(Floor) and problem.scenario.of(Capacity)
    fitted_most = b.usable_m2[x.hosts.building[fitted]] if bounded else np.full(len(fitted), np.inf)
    blocks: dict[str, list[Block]] = {}
    for problem in years.problems:
        model.suffix = f"_{problem.year}"
        for name, members, labels, upper in (
            ("enters", enters, x.host.labels, 1.0),
            ("leaves", leaves, x.host.labels, 1.0),
            ("takes", takes, x.tier.labels, 1.0),
            ("opens", opens, x.open.labels, 1.0),
            ("fills", fills, x.open.labels, 1.0),
            ("fitted", fitted, x.host.labels, fitted_most),
        ):
            member_labels = {key: ids[members] for key, ids in labels.items()}
            block = model.add_columns(name, labels=member_labels, upper=upper)
            blocks.setdefault(name, []).append(block)
    model.suffix = ""
    by_name = {name: tuple(year_blocks) for name, year_blocks in blocks.items()}
    return Links(
        **by_name,
        enters_host=enters,
        leaves_host=leaves,
        takes_tier=takes,
        opens_building=opens,
        fills_building=fills,
        fitted_host=fitted,
    )


def _moves(
    model: Model, years: Years, links: Links, x: Columns, before: Columns | None, t: int
) -> None:
    """(E12) Services move in and out, tiers are set up, and at most so many services move in a
    year."""
    hosted = years.first.hosted[x.hosts.building, x.hosts.service].astype(float)
    no_tier = np.zeros(x.tier.size)
    for name, block, members, sign, block_name, today in (
        ("enters", links.enters[t], links.enters_host, 1, "host", hosted),
        ("leaves", links.leaves[t], links.leaves_host, -1, "host", hosted),
        ("takes", links.takes[t], links.takes_tier, 1, "tier", no_tier),
    ):
        rows = np.arange(len(members))
        terms: list[Terms] = [
            (rows, getattr(x, block_name).at(members), sign),
            (rows, block.all, -1),
        ]
        upper = np.zeros(len(members))
        if before is None:
            upper = sign * today[members]
        else:
            terms.append((rows, getattr(before, block_name).at(members), -sign))
        model.add_rows(name, rule="E12", labels=block.labels, terms=terms, upper=upper)
    limit = years.moves_per_year
    if limit is not None:
        moves: Terms = (0, links.enters[t].all, 1)
        model.add_rows("moves_at_most", rule="E12", size=1, terms=[moves], upper=limit)


def _closed_stays_closed(
    model: Model, years: Years, links: Links, x: Columns, before: Columns | None, t: int
) -> None:
    """(E12) A building open today may only close; any other opens at most once."""
    b = years.first.buildings
    if before is not None:
        buildings = np.flatnonzero(b.open_today)
        rows = np.arange(len(buildings))
        model.add_rows(
            "stays_closed",
            rule="E12",
            labels={"building_id": b.ids[buildings]},
            terms=[(rows, x.open.at(buildings), 1), (rows, before.open.at(buildings), -1)],
            upper=0,
        )
    buildings = links.opens_building
    rows = np.arange(len(buildings))
    terms = [(rows, x.open.at(buildings), 1), (rows, links.opens[t].all, -1)]
    if before is not None:
        terms.append((rows, before.open.at(buildings), -1))
    model.add_rows("opens", rule="E12", labels=links.opens[t].labels, terms=terms, upper=0)


def _opened_once(model: Model, years: Years, links: Links) -> None:
    """(E12) A building opens in at most one year."""
    _once(model, "opened_once", links.opens)


def _once(model: Model, name: str, blocks: tuple[Block, ...]) -> None:
    """(E12) At most one year's column of each member is 1."""
    rows = np.arange(blocks[0].size)
    model.add_rows(
        name,
        rule="E12",
        labels=blocks[0].labels,
        terms=[(rows, block.all, 1) for block in blocks],
        upper=1,
    )


def _opened_or_disposed(model: Model, years: Years, links: Links, last: Columns) -> None:
    """(E12) A building vacant today is opened or disposed of, not both."""
    if years.buildings_may_refill:
        return
    vacant = years.first.buildings.vacant_today
    members = np.flatnonzero(vacant[last.dispose_building])
    row_of = np.full(len(vacant), -1)
    row_of[links.opens_building] = np.arange(len(links.opens_building))
    rows, opens = np.arange(len(members)), row_of[last.dispose_building[members]]
    model.add_rows(
        "opened_or_disposed",
        rule="E12",
        labels={key: ids[members] for key, ids in last.dispose.labels.items()},
        terms=[
            (rows, last.dispose.at(members), 1),
            *((rows, block.at(opens), 1) for block in links.opens),
        ],
        upper=1,
    )


def _stays_away(model: Model, x: Columns, before: Columns) -> None:
    """(E12) A service that leaves a building of today does not return to it."""
    hosts = np.flatnonzero(~x.is_new)
    rows = np.arange(len(hosts))
    model.add_rows(
        "stays_away",
        rule="E12",
        labels={key: ids[hosts] for key, ids in x.host.labels.items()},
        terms=[(rows, x.host.at(hosts), 1), (rows, before.host.at(hosts), -1)],
        upper=0,
    )


def _moves_in_once(model: Model, years: Years, links: Links, x: Columns) -> None:
    """(E12) A service moves into a building in one year at most."""
    if len(years.problems) < 3:
        return
    members = np.flatnonzero(x.is_new[links.enters_host])
    rows = np.arange(len(members))
    model.add_rows(
        "moves_in_once",
        rule="E12",
        labels={key: ids[members] for key, ids in links.enters[0].labels.items()},
        terms=[(rows, block.at(members), 1) for block in links.enters],
        upper=1,
    )


def _filled_again(
    model: Model, years: Years, links: Links, x: Columns, before: Columns | None, t: int
) -> None:
    """(E12) Services move only into a building that hosts some already, or that never did."""
    column = np.full(len(years.first.buildings.ids), -1)
    column[links.fills_building] = np.arange(len(links.fills_building))
    used_today: NDArray[np.bool_] = np.asarray(years.first.hosted.any(axis=1))
    is_implied: NDArray[np.bool_] = np.zeros_like(x.is_new)
    if not years.services_may_return:
        is_implied = ~x.is_new  # implied by ``_stays_away``
    hosts = np.flatnonzero(
        (used_today[x.hosts.building] & ~is_implied) | (column[x.hosts.building] >= 0)
    )
    if before is None:
        hosts = hosts[~used_today[x.hosts.building[hosts]]]
    fills = column[x.hosts.building[hosts]]
    with_fills = np.flatnonzero(fills >= 0)
    terms: list[Terms] = [
        (np.arange(len(hosts)), x.host.at(hosts), 1),
        (with_fills, links.fills[t].at(fills[with_fills]), -1),
    ]
    if before is not None:
        row, other = _same_building(x, hosts)
        terms.append((row, before.host.at(other), -1))
    labels = {key: ids[hosts] for key, ids in x.host.labels.items()}
    model.add_rows("not_refilled", rule="E12", labels=labels, terms=terms, upper=0)


def _same_building(x: Columns, hosts: Ints) -> tuple[Ints, Ints]:
    """Return every (row, host) in the building of the row's host, one of ``hosts``."""
    order = np.argsort(x.hosts.building, kind="stable")
    sorted_ids = x.hosts.building[order]
    start = np.searchsorted(sorted_ids, x.hosts.building[hosts], "left")
    size = np.searchsorted(sorted_ids, x.hosts.building[hosts], "right") - start
    row = np.repeat(np.arange(len(hosts)), size)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    return row, order[np.repeat(start, size) + offset]


def _disposed_stays_disposed(
    model: Model, problem: EstateProblem, x: Columns, before: Columns | None
) -> None:
    """(E12) Disposal is final; a lease ends only in a year in which it can."""
    if before is None:
        return
    row_of = np.full(len(problem.buildings.ids), -1)
    row_of[x.dispose_building] = np.arange(x.dispose.size)
    members = np.flatnonzero(row_of[before.dispose_building] >= 0)
    assert len(members) == before.dispose.size  # disposable by one year is disposable by the next
    model.add_rows(
        "stays_disposed",
        rule="E12",
        labels=before.dispose.labels,
        terms=[
            (members, before.dispose.at(members), 1),
            (members, x.dispose.at(row_of[before.dispose_building]), -1),
        ],
        upper=0,
    )
    stuck = np.flatnonzero(~problem.buildings.can_end[before.dispose_building])
    if len(stuck):
        rows, building = np.arange(len(stuck)), before.dispose_building[stuck]
        model.add_rows(
            "lease_goes_on",
            rule="E12",
            labels={"building_id": problem.buildings.ids[building]},
            terms=[
                (rows, x.dispose.at(row_of[building]), 1),
                (rows, before.dispose.at(stuck), -1),
            ],
            upper=0,
        )


def _fitted_before_used(model: Model, years: Years, links: Links, x: Columns, t: int) -> None:
    """(E12) The area of a new service has been fitted out before use; fit-out is never undone."""
    rows = np.arange(len(links.fitted_host))
    terms = [(rows, x.area.at(links.fitted_host), 1)]
    ready = t - years.fit_out_years
    if ready >= 0:
        terms.append((rows, links.fitted[ready].all, -1))
    labels = links.fitted[t].labels
    model.add_rows("fitted_before_used", rule="E12", labels=labels, terms=terms, upper=0)
    if t:
        terms = [(rows, links.fitted[t - 1].all, 1), (rows, links.fitted[t].all, -1)]
        model.add_rows("fit_out_stays", rule="E12", labels=labels, terms=terms, upper=0)
