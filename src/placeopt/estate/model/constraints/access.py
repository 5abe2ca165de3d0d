"""Rule E7 as rows: residents within the minutes of a host, counted by the nearest host.

A function states the rows of one equation of ``formulation.py``; structural rows have no rule.
``access_as_served.py`` states the rule where a standard counts residents as they are served.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Block, Model
from placeopt.estate.model.constraints.registry import states
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.problem.customers import minimal_rows, unique_rows
from placeopt.scenario.rules.estate.services import Access


@states(Access)
def residents_within_minutes(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Access]
) -> None:
    """(E7) A share of residents has a host within the minutes, and all have one under the
    ceiling."""
    for number, standard in enumerate(problem.standards):
        hosts, column = eligible_hosts(x, standard)
        building = x.hosts.building[hosts]
        if standard.has_share and not standard.is_counted_as_served:
            _share_within(model, standard, number, standard.within[:, building], column)
        if standard.rule.ceiling_minutes is not None:
            _everyone_under_ceiling(
                model, standard, number, standard.under_ceiling[:, building], column
            )


def eligible_hosts(x: Columns, standard: Standard) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return positions of hosts that could count for a standard, and the columns that are 1 if they
    do."""
    hosts = x.hosts.of_service(standard.service)
    column = x.full_column[hosts] if standard.rule.offer == "full" else x.host.at(hosts)
    return hosts[column >= 0], column[column >= 0]


def _share_within(
    model: Model,
    standard: Standard,
    number: int,
    reach: NDArray[np.bool_],
    column: NDArray[np.int64],
) -> None:
    """(E7) The share of residents covered is at least the share asked."""
    cover, residents = add_cover(model, standard, f"{number}", reach, standard.residents, column)
    total = standard.residents.sum()
    model.add_rows(
        f"share_within_{number}",
        rule="E7",
        labels={"service_id": [standard.service_id], "district_id": [standard.scope]},
        terms=[(0, cover.all, residents / total)],
        lower=standard.rule.share,
    )


def add_cover(
    model: Model,
    standard: Standard,
    name: str,
    reach: NDArray[np.bool_],
    residents: NDArray[np.float64],
    column: NDArray[np.int64],
) -> tuple[Block, NDArray[np.float64]]:
    """Add columns that are 1 only where a host is in ``reach``, and return them with the residents
    of each.

    Args:
        model: gains columns and rows.
        standard: labels.
        name: of the block.
        reach: (P, N) whether a host is within the minutes of a point.
        residents: (P,) of the points.
        column: (N,) the columns of the hosts.

    Returns:
        The columns, one for all points with the same hosts in reach, and their residents. Points
        with no host in reach have none.
    """
    classes, member = unique_rows(reach)
    group_residents = np.bincount(member, residents, len(classes)).astype(float)
    is_reachable = classes.any(axis=1)
    classes, group_residents = classes[is_reachable], group_residents[is_reachable]
    rows = np.arange(len(group_residents))
    labels = {"service_id": np.full(len(rows), standard.service_id), "group": rows}
    cover = model.add_columns(f"cover_{name}", labels=labels, upper=1, integer=True)
    group, host = np.nonzero(classes)
    model.add_rows(
        f"covered_{name}",
        rule="E7",
        labels=labels,
        terms=[(rows, cover.all, 1), (group, column[host], -1)],
        upper=0,
    )
    return cover, group_residents


def _everyone_under_ceiling(
    model: Model,
    standard: Standard,
    number: int,
    reach: NDArray[np.bool_],
    column: NDArray[np.int64],
) -> None:
    """(E7) Every point has a host under the ceiling."""
    classes, _ = unique_rows(reach)
    classes = minimal_rows(classes)
    group, host = np.nonzero(classes)
    model.add_rows(
        f"ceiling_{number}",
        rule="E7",
        labels={
            "service_id": np.full(len(classes), standard.service_id),
            "group": np.arange(len(classes)),
        },
        terms=[(group, column[host], 1)],
        lower=1,
    )
