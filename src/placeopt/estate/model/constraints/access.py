"""Rule E7 as rows: residents within the minutes of a host, counted by the nearest host.

Each function states one equation of ``formulation.py`` and is named after it.
``access_as_served.py`` states the rule where a standard counts residents as they are served.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placeopt.engine import Block, Model
from placeopt.estate.model.variables import Columns
from placeopt.estate.problem.arrays import EstateProblem, Standard
from placeopt.estate.problem.customers import minimal_rows, unique_rows
from placeopt.scenario.rules.estate.services import Access


def residents_within_minutes(
    model: Model, problem: EstateProblem, x: Columns, rules: list[Access]
) -> None:
    """(E7) A share of residents is within the minutes, and nobody beyond the ceiling, by the
    nearest host; ``access_as_served.py`` has the share as served."""
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
    """Positions of hosts that could count for a standard, and the columns that say they do."""
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
    """Columns that are 1 only where a host is in ``reach``, and how many residents each counts.

    Residents with the same buildings in reach are one column; those with none are never covered.
    """
    classes, member = unique_rows(reach)
    people = np.bincount(member, residents, len(classes)).astype(float)
    some = classes.any(axis=1)
    classes, people = classes[some], people[some]
    at = np.arange(len(people))
    labels = {"service_id": np.full(len(at), standard.service_id), "group": at}
    cover = model.add_columns(f"cover_{name}", labels=labels, upper=1, integer=True)
    group, host = np.nonzero(classes)
    model.add_rows(
        f"covered_{name}",
        rule="E7",
        labels=labels,
        terms=[(at, cover.all, 1), (group, column[host], -1)],
        upper=0,
    )
    return cover, people


def _everyone_under_ceiling(
    model: Model,
    standard: Standard,
    number: int,
    reach: NDArray[np.bool_],
    column: NDArray[np.int64],
) -> None:
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
