"""Benefits of better outcomes, by agency and year.

    counted[b,t] = sum over k = lag .. lag + duration - 1 of
                   (1 - decay)^(k - lag) x improvement[o,t-k]
    gross[b,t]   = counted[b,t] x unit value
    net[b,t]     = gross x attribution x (1 - deadweight) x (1 - displacement) x (1 - leakage)
                         x (1 - substitution) x (1 - correction)
    cashable     = net x cashable share
    present      = net x discount factor (the lower health schedule for effects on health)

An improvement is what the plan adds to an outcome, in its own unit and wanted direction, beyond
doing nothing. A benefit without an agency is society's: it counts in the total but in no budget.
Sources: HM Treasury and New Economy, Supporting public service transformation: cost benefit
analysis guidance for local partnerships (2014); Homes and Communities Agency, Additionality Guide
(4th ed., 2014) for the four deductions; HM Treasury, The Green Book (2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from placeopt.base.arrays import Floats, Ints
from placeopt.budget.appraisal.optimism_bias import by_grade, corrections
from placeopt.place import Place
from placeopt.scenario.discount import discount_factors
from placeopt.scenario.scenario import Money

DEDUCTIONS = ("deadweight_share", "displacement_share", "leakage_share", "substitution_share")
CHAIN_COLUMNS = (
    *("benefit_id", "outcome_id", "agency_id", "kind", "year", "improvement", "counted"),
    *("unit_value_gbp", "attribution_share", *DEDUCTIONS, "correction_share", "gross_gbp"),
    *("net_gbp", "cashable_share", "cashable_gbp", "discount_factor", "present_gbp"),
)


@dataclass(frozen=True)
class Benefits:
    """The place's benefits as arrays, one entry a row of its table (B of them).

    Attributes:
        outcome: (B,) position of the outcome.
        agency: (B,) position of the agency, -1 where society gains.
        unit_value: (B,) GBP a unit.
        net_share: (B,) attribution, the four deductions and the correction multiplied.
        correction: (B,) correction for optimism bias.
        cashable_share: (B,) share that is cash.
        phase: (B, H, T) how much of a unit's improvement in decided year t counts in year h.
        discount: (B, H) discount factors.
    """

    outcome: Ints
    agency: Ints
    unit_value: Floats
    net_share: Floats
    correction: Floats
    cashable_share: Floats
    phase: Floats
    discount: Floats

    @property
    def cashable_per_unit(self) -> Floats:
        """(B,) cash from one unit of counted improvement, in GBP."""
        return self.unit_value * self.net_share * self.cashable_share


def build_benefits(place: Place, money: Money, years: int, counted: int) -> Benefits:
    """The benefits of ``years`` years of improvement, counted over ``counted`` years."""
    rows = place.benefits
    own_correction = rows["correction_share"].to_numpy(float)
    correction = corrections(
        rows["grade"], own_correction, by_grade(place, "benefit"), applies=money.optimism_bias
    )
    schedules = {
        health: discount_factors(counted, money.discount_rate, health=health)
        for health in (False, True)
    }
    return Benefits(
        outcome=_positions(place.outcomes["outcome_id"], rows["outcome_id"]),
        agency=_positions(place.agencies["agency_id"], rows["agency_id"]),
        unit_value=unit_values(place),
        net_share=net_shares(rows, correction),
        correction=correction,
        cashable_share=rows["cashable_share"].to_numpy(float),
        phase=phases(
            rows["lag_years"], rows["duration_years"], rows["decay_share"], years, counted
        ),
        discount=np.array([schedules[bool(h)] for h in rows["health"]]).reshape(-1, counted),
    )


def cashable_per_gain(place: Place, money: Money, years: int, counted: int) -> Floats:
    """Cash in GBP that agency a saves in counted year h, for one unit of outcome o in decided year
    t.

    The unit is an improvement on doing nothing.

    Returns:
        (H, T, A, O) GBP.
    """
    benefits = build_benefits(place, money, years, counted)
    cash = np.zeros((counted, years, len(place.agencies), len(place.outcomes)))
    for b in np.flatnonzero(benefits.agency >= 0):
        per_unit = benefits.phase[b] * benefits.cashable_per_unit[b]
        cash[:, :, benefits.agency[b], benefits.outcome[b]] += per_unit
    return cash


def benefits_chain_table(
    place: Place, money: Money, first_year: int, improvement: Floats
) -> pd.DataFrame:
    """The plan table ``benefits_chain``: one row a benefit and year, every factor a column.

    ``improvement`` (H, O) in each counted year, in the outcomes' units and wanted direction.
    """
    counted = len(improvement)
    benefits = build_benefits(place, money, counted, counted)
    rows = place.benefits
    b = np.repeat(np.arange(len(rows)), counted)
    year = np.tile(np.arange(counted), len(rows))
    better = np.asarray(improvement, float)[:, benefits.outcome].T  # (B, H)
    counted_units = np.einsum("bht,bt->bh", benefits.phase, better)
    gross = counted_units * benefits.unit_value[:, None]
    net = gross * benefits.net_share[:, None]
    factors = ("attribution_share", *DEDUCTIONS, "cashable_share")
    columns: dict[str, Any] = {
        name: rows[name].to_numpy()[b] for name in ("benefit_id", "outcome_id", "agency_id", "kind")
    }
    columns |= {name: rows[name].to_numpy(float)[b] for name in factors}
    columns |= {
        "year": first_year + year,
        "improvement": better.ravel(),
        "counted": counted_units.ravel(),
        "unit_value_gbp": benefits.unit_value[b],
        "correction_share": benefits.correction[b],
        "gross_gbp": gross.ravel(),
        "net_gbp": net.ravel(),
        "cashable_gbp": (net * benefits.cashable_share[:, None]).ravel(),
        "discount_factor": benefits.discount.ravel(),
        "present_gbp": (net * benefits.discount).ravel(),
    }
    return pd.DataFrame(columns, columns=list(CHAIN_COLUMNS))


def net_shares(rows: pd.DataFrame, correction: Floats) -> Floats:
    """(B,) share of a gross benefit after attribution, deductions and correction."""
    share = rows["attribution_share"].to_numpy(float) * (1 - correction)
    for name in DEDUCTIONS:
        share = share * (1 - rows[name].to_numpy(float))
    return share


def phases(lag: Any, duration: Any, decay: Any, years: int, counted: int) -> Floats:
    """(B, H, T) how much of year t's improvement counts in year h, for each row."""
    # years since the improvement
    years_since = np.arange(counted)[:, None] - np.arange(years)[None, :]
    lag, duration, decay = (np.asarray(x, float)[:, None, None] for x in (lag, duration, decay))
    since = years_since[None] - lag
    # 0 ** 0 is 1: a whole decay leaves the first year
    remaining = (1 - decay) ** np.maximum(since, 0)
    return np.where((since >= 0) & (since < duration), remaining, 0.0)


def unit_values(place: Place) -> Floats:
    """(B,) GBP a unit in the place's prices: stated, or a unit cost brought to them."""
    rows, costs = place.benefits, place.unit_costs.set_index("code")
    index = deflators(place)
    stated = rows["unit_value_gbp"].to_numpy(float).copy()
    for b, code in enumerate(rows["unit_cost"]):
        if code:
            cost = costs.loc[code]
            stated[b] = to_price_year(
                cost["amount_gbp"], int(cost["price_year"]), place.info.price_year, index
            )
    return stated


def deflators(place: Place) -> dict[int, float]:
    """Price level by year."""
    rows = place.deflators
    return dict(zip(rows["year"].astype(int), rows["index"].astype(float), strict=True))


def to_price_year(amount: float, price_year: int, wanted: int, index: dict[int, float]) -> float:
    """Convert an amount in prices of ``price_year`` to prices of the year ``wanted``.

    Raises:
        KeyError: For a year without an index, which ``place.check`` reports first.
    """
    return float(amount) if price_year == wanted else amount * index[wanted] / index[price_year]


def _positions(known: pd.Series, wanted: pd.Series) -> Ints:
    return np.asarray(pd.Index(known).get_indexer(pd.Index(wanted)), np.int64)
