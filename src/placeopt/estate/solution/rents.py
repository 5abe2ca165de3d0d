"""Fair rents (E15): one rent per m2 and building that covers the costs of all buildings, set after
the plan.

    minimise    transfers paid, then the largest difference of a rent from its building's cost
    sum_b rent[b] area[b] = cost of all buildings
    sum_b rent[b] area[b,a] + transfer[a] <= cost of a's buildings today      for every agency a
    sum_a transfer[a] = 0

An agency occupies the floor of the services it provides. Costs of buildings that are not occupied
are shared by all who pay rent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.arrays import Floats
from placeopt.base.errors import EngineError
from placeopt.engine import Model, solve
from placeopt.engine.settings import Settings
from placeopt.estate.problem.arrays import EstateProblem
from placeopt.estate.solution.decision import Costs

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.place import Place

OBJECTIVE_TOLERANCE = 1e-7  # relative slack of the transfers, for rounding


@dataclass(frozen=True)
class Rents:
    """Rents and transfers by building (B,) and agency (A,).

    Attributes:
        agency_ids: (A,) agencies.
        area_m2: (A, B) floor occupied.
        cost_gbp_per_year: (B,) of the building in the plan, without staff.
        rent_gbp_per_m2_per_year: (B,) rents.
        today_gbp_per_year: (A,) cost of the agency's buildings today.
        transfer_gbp_per_year: (A,) above 0 paid to, below 0 received from other agencies.
    """

    agency_ids: tuple[str, ...]
    area_m2: Floats
    cost_gbp_per_year: Floats
    rent_gbp_per_m2_per_year: Floats
    today_gbp_per_year: Floats
    transfer_gbp_per_year: Floats

    @property
    def paid_gbp_per_year(self) -> Floats:
        """(A,) rent paid, before transfers."""
        return self.area_m2 @ self.rent_gbp_per_m2_per_year


def fair_rents(place: Place, problem: EstateProblem, before: Costs, after: Costs) -> Rents:
    """Return the rents with the least transfers and, of those, nearest to each building's own cost.

    Args:
        place: owners of buildings and providers of services.
        problem: the last decided year.
        before: costs of today's arrangement.
        after: costs of the plan.

    Raises:
        EngineError: no rents are fair.
    """
    owner = place.buildings["agency_id"].to_numpy(str)
    provider = place.services["agency_id"].to_numpy(str)
    agencies = tuple(dict.fromkeys([*place.agencies["agency_id"], *owner, *provider]))
    provides = np.array([provider == a for a in agencies], float)
    area = provides @ after.area_m2.T
    cost = after.running_gbp_per_year - after.staffing_gbp_per_year.sum(axis=1)
    cost_today = before.running_gbp_per_year - before.staffing_gbp_per_year.sum(axis=1)
    today = np.array([cost_today[owner == a].sum() for a in agencies])
    rent, transfer = _least_transfers(problem, area, cost, today)
    return Rents(agencies, area, cost, rent, today, transfer)


def _least_transfers(
    problem: EstateProblem, area: Floats, cost: Floats, today: Floats
) -> tuple[Floats, Floats]:
    """Return rents (B,) and transfers (A,): the least transfers first, then the least
    difference."""
    occupied = area.sum(axis=0)
    is_let = np.flatnonzero(occupied > 0)
    cost_per_m2 = np.divide(cost, occupied, out=np.zeros_like(cost), where=occupied > 0)
    seed, threads = problem.scenario.solver.seed, problem.scenario.solver.threads
    transfers_limit: float | None = None
    for objective in ("transfers", "differences"):
        model = Model("rents")
        rent = model.add_columns("rent", size=len(is_let))
        pays_in = model.add_columns("pays_in", size=len(today))
        receives = model.add_columns("receives", size=len(today))
        difference = model.add_columns("apart", size=1)
        agency, building = np.nonzero(area[:, is_let])
        agencies = np.arange(len(today))
        model.add_rows(
            "costs_covered",
            rule="E15",
            size=1,
            terms=[(0, rent.all, occupied[is_let])],
            lower=cost.sum(),
            upper=cost.sum(),
        )
        model.add_rows(
            "none_pays_more",
            rule="E15",
            size=len(today),
            terms=[
                (agency, rent.at(building), area[agency, is_let[building]]),
                (agencies, pays_in.all, 1),
                (agencies, receives.all, -1),
            ],
            upper=today,
        )
        model.add_rows(
            "transfers_balance",
            rule="E15",
            size=1,
            terms=[(0, pays_in.all, 1), (0, receives.all, -1)],
            lower=0,
            upper=0,
        )
        for name, sign in (("above", 1), ("below", -1)):
            rows = np.arange(len(is_let))
            model.add_rows(
                name,
                rule="E15",
                size=len(is_let),
                terms=[(rows, rent.all, sign), (rows, difference.at(0), -1)],
                upper=sign * cost_per_m2[is_let],
            )
        if transfers_limit is None:
            model.add_cost(receives.all, 1)
        else:
            model.add_rows(
                "as_few", rule="E15", size=1, terms=[(0, receives.all, 1)], upper=transfers_limit
            )
            model.add_cost(difference.all, 1)
        result = solve(model, Settings(seed=seed, threads=threads))
        if result.objective is None:
            raise EngineError(f"no fair rents ({objective}): {result.status} {result.message}")
        transfers_limit = result.objective + OBJECTIVE_TOLERANCE * max(1.0, abs(result.objective))
    rents = np.zeros(len(cost))
    rents[is_let] = result.value(rent)
    return rents, result.value(pays_in) - result.value(receives)


def rents_table(problem: EstateProblem, rents: Rents) -> pd.DataFrame:
    """Return one row for each building let: its floor, cost and rent."""
    import pandas as pd

    let = np.flatnonzero(rents.area_m2.sum(axis=0) > 0)
    return pd.DataFrame(
        {
            "building_id": problem.buildings.ids[let],
            "area_let_m2": rents.area_m2.sum(axis=0)[let],
            "cost_gbp_per_year": rents.cost_gbp_per_year[let],
            "rent_gbp_per_m2_per_year": rents.rent_gbp_per_m2_per_year[let],
        }
    )


def agencies_table(rents: Rents) -> pd.DataFrame:
    """Return one row for each agency: the cost of its buildings today, and its rent and
    transfer."""
    import pandas as pd

    paid, transfer = rents.paid_gbp_per_year, rents.transfer_gbp_per_year
    return pd.DataFrame(
        {
            "agency_id": rents.agency_ids,
            "buildings_before_gbp_per_year": rents.today_gbp_per_year,
            "rent_after_gbp_per_year": paid,
            "transfer_gbp_per_year": transfer,
            "net_after_gbp_per_year": paid + transfer,
            "change_gbp_per_year": paid + transfer - rents.today_gbp_per_year,
        }
    )
