"""What links the decided years (E12, E10): rows and columns over the columns of every year.

Letters as in ``formulate.py``, and t decided years; t-1 of the first year is today.

    enters[b,s,t] >= host[b,s,t] - host[b,s,t-1]        a service moves in
    leaves[b,s,t] >= host[b,s,t-1] - host[b,s,t]        and out: its staff run double
    redundant[s,t] >= sum_b host[b,s,t-1] - sum_b host[b,s,t]    and some are let go
    takes[b,k,t]  >= tier[b,k,t] - tier[b,k,t-1]        a tier is set up
    opens[b,t]    >= open[b,t] - open[b,t-1], once;     open[b,t] <= open[b,t-1] of one open today
    dispose[b,t]  >= dispose[b,t-1]                     what is disposed of is gone
    dispose[b,t]  <= dispose[b,t-1]                     in a year in which its lease cannot end
    fitted[b,s,t] >= fitted[b,s,t-1], fitted[b,s,t-f] >= area[b,s,t]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Block, Model
from placeopt.engine.model import Terms
from placeopt.estate.columns import Columns
from placeopt.estate.equations.service import staff_let_go
from placeopt.estate.problem import EstateProblem
from placeopt.estate.years import Years
from placeopt.scenario.estate_rules import Capacity, Floor

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Links:
    """Blocks of every year (T of each) and the positions that their members speak of."""

    enters: tuple[Block, ...]
    leaves: tuple[Block, ...]
    takes: tuple[Block, ...]
    opens: tuple[Block, ...]
    fitted: tuple[Block, ...]
    enters_host: Ints  # positions in host
    leaves_host: Ints
    takes_tier: Ints  # positions in tier
    opens_building: Ints
    fitted_host: Ints


def link_years(model: Model, years: Years, columns: tuple[Columns, ...]) -> Links:
    """Add what links the years to ``model``."""
    links = _add_links(model, years, columns)
    for t, problem in enumerate(years.problems):
        model.suffix = f"_{problem.year}"
        before = columns[t - 1] if t else None
        _moves(model, years, links, columns[t], before, t)
        staff_let_go(model, problem, columns[t], before)
        _closed_stays_closed(model, years, links, columns[t], before, t)
        _disposed_stays_disposed(model, problem, columns[t], before)
        _fitted_before_used(model, years, links, columns[t], t)
    model.suffix = ""
    _opened_once(model, years, links)
    return links


def _add_links(model: Model, years: Years, columns: tuple[Columns, ...]) -> Links:
    problem, x = years.first, columns[0]
    b, s, tiers = problem.buildings, problem.services, problem.tiers
    service = x.hosts.service
    counted = years.moves_per_year is not None
    enters = np.flatnonzero((s.moving_gbp[service] > 0) | counted)
    double = years.double_running_years * s.staffing_gbp_per_year[service]
    leaves = np.flatnonzero(double > 0)
    takes = np.flatnonzero(tiers.setup_gbp[x.tier_tier] > 0)
    opens = np.flatnonzero(~b.open_today)
    fitted = np.flatnonzero(x.new)
    bounded = problem.scenario.of(Floor) and problem.scenario.of(Capacity)
    room = b.usable_m2[x.hosts.building[fitted]] if bounded else np.full(len(fitted), np.inf)
    blocks: dict[str, list[Block]] = {}
    for problem in years.problems:
        model.suffix = f"_{problem.year}"
        for name, at, labels, most in (
            ("enters", enters, x.host.labels, 1.0),
            ("leaves", leaves, x.host.labels, 1.0),
            ("takes", takes, x.tier.labels, 1.0),
            ("opens", opens, x.open.labels, 1.0),
            ("fitted", fitted, x.host.labels, room),
        ):
            here = {key: ids[at] for key, ids in labels.items()}
            block = model.add_columns(name, labels=here, upper=most)
            blocks.setdefault(name, []).append(block)
    model.suffix = ""
    by_name = {name: tuple(of) for name, of in blocks.items()}
    return Links(
        **by_name,
        enters_host=enters,
        leaves_host=leaves,
        takes_tier=takes,
        opens_building=opens,
        fitted_host=fitted,
    )


def _moves(
    model: Model, years: Years, links: Links, x: Columns, before: Columns | None, t: int
) -> None:
    """(E12) Services that move in and out, tiers set up, and at most so many moves a year."""
    hosted = years.first.hosted[x.hosts.building, x.hosts.service].astype(float)
    no_tier = np.zeros(x.tier.size)
    for name, block, at, sign, of, today in (
        ("enters", links.enters[t], links.enters_host, 1, "host", hosted),
        ("leaves", links.leaves[t], links.leaves_host, -1, "host", hosted),
        ("takes", links.takes[t], links.takes_tier, 1, "tier", no_tier),
    ):
        rows = np.arange(len(at))
        terms: list[Terms] = [(rows, getattr(x, of).at(at), sign), (rows, block.all, -1)]
        upper = np.zeros(len(at))
        if before is None:
            upper = sign * today[at]
        else:
            terms.append((rows, getattr(before, of).at(at), -sign))
        model.add_rows(name, rule="E12", labels=block.labels, terms=terms, upper=upper)
    most = years.moves_per_year
    if most is not None:
        moves: Terms = (0, links.enters[t].all, 1)
        model.add_rows("moves_at_most", rule="E12", size=1, terms=[moves], upper=most)


def _closed_stays_closed(
    model: Model, years: Years, links: Links, x: Columns, before: Columns | None, t: int
) -> None:
    """(E12) What is open today only closes; another building opens, once."""
    b = years.first.buildings
    if before is not None:
        at = np.flatnonzero(b.open_today)
        rows = np.arange(len(at))
        model.add_rows(
            "stays_closed",
            rule="E12",
            labels={"building_id": b.ids[at]},
            terms=[(rows, x.open.at(at), 1), (rows, before.open.at(at), -1)],
            upper=0,
        )
    at = links.opens_building
    rows = np.arange(len(at))
    terms = [(rows, x.open.at(at), 1), (rows, links.opens[t].all, -1)]
    if before is not None:
        terms.append((rows, before.open.at(at), -1))
    model.add_rows("opens", rule="E12", labels=links.opens[t].labels, terms=terms, upper=0)


def _opened_once(model: Model, years: Years, links: Links) -> None:
    rows = np.arange(len(links.opens_building))
    model.add_rows(
        "opened_once",
        rule="E12",
        labels=links.opens[0].labels,
        terms=[(rows, block.all, 1) for block in links.opens],
        upper=1,
    )


def _disposed_stays_disposed(
    model: Model, problem: EstateProblem, x: Columns, before: Columns | None
) -> None:
    """(E12) What was sold, or its lease ended, is gone; a lease ends only in a year it can."""
    if before is None:
        return
    row_of = np.full(len(problem.buildings.ids), -1)
    row_of[x.dispose_building] = np.arange(x.dispose.size)
    at = np.flatnonzero(row_of[before.dispose_building] >= 0)
    assert len(at) == before.dispose.size  # what can be gone by a year can be gone by the next
    model.add_rows(
        "stays_disposed",
        rule="E12",
        labels=before.dispose.labels,
        terms=[
            (at, before.dispose.at(at), 1),
            (at, x.dispose.at(row_of[before.dispose_building]), -1),
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
    """(E12) What a service uses where it is new has been fitted out; fit-out is never undone."""
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
