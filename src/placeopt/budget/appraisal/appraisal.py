"""Costs and benefits of one investment, by agency and year.

    reached[b,t]  = population x phasing[t] x engagement x retention     (years of taking on)
    counted[b,h]  = sum over t of phase[h,t] x reached[b,t] x impact     (lag, duration, decay)
    gross, net, cashable, present                                        as in ``benefits.py``
    cost[c,t]     = amount x phasing[t], in real prices, x (1 + correction)
    net present value = sum of present benefits - sum of present costs;  ratio = their quotient

An agency's payback year is the first from which its cumulative present benefits stay at or above
its cumulative present costs. The tables are ``appraisal_costs``, ``appraisal_benefits``
and ``appraisal_phasing`` of a place; amounts of other price years are converted by
its table ``deflators``, and every result is in real prices, with a nominal column beside it.
Source: HM Treasury and New Economy, Supporting public service transformation: cost benefit
analysis guidance for local partnerships (2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placeopt.base.arrays import Floats
from placeopt.base.errors import PlaceError, UsageError, VerificationError, errors_among
from placeopt.budget.appraisal.benefits import (
    DEDUCTIONS,
    deflators,
    net_shares,
    phases,
    to_price_year,
)
from placeopt.budget.appraisal.optimism_bias import by_grade, corrections
from placeopt.place import Place
from placeopt.place.check.all_checks import check
from placeopt.scenario.discount import discount_factors
from placeopt.scenario.scenario import Money

SOCIETY = ""  # the agency of benefits that are in no budget


@dataclass(frozen=True)
class Appraisal:
    """The result of an appraisal.

    Attributes:
        name: The place's name.
        summary: Flat figures, with the unit in each key.
        chain: A row a benefit and year with every factor as a column.
        costs: A row a cost and year.
        agencies: Costs and benefits by agency.
        years: Totals by year.
    """

    name: str
    summary: dict[str, float | str]
    chain: pd.DataFrame
    costs: pd.DataFrame
    agencies: pd.DataFrame
    years: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        return {
            "chain": self.chain,
            "costs": self.costs,
            "agencies": self.agencies,
            "years": self.years,
        }


def appraise(
    place: Place, money: Money | None = None, *, payer: str = "", years: int | None = None
) -> Appraisal:
    """Appraise the investment that a place's appraisal tables describe.

    Args:
        place: The place.
        money: Discounting and optimism bias.
        payer: The agency whose share of the benefit is reported; by default the one that pays most.
        years: Years counted from the first cost or intake; by default until the last benefit.

    Raises:
        PlaceError: With every fault.
        UsageError: Where there is nothing to appraise.
    """
    money = money or Money()
    faults = errors_among(check(place))
    if faults:
        raise PlaceError(faults, "faults in the place's tables")
    if len(place.appraisal_costs) == 0 or len(place.appraisal_benefits) == 0:
        raise UsageError("nothing to appraise: fill appraisal_costs and appraisal_benefits")
    first = int(min(place.appraisal_costs["first_year"].min(), _intake(place)[0].min()))
    last = _last_year(place)
    span = np.arange(first, (last if years is None else first + years - 1) + 1)
    payer = payer or str(place.appraisal_costs.groupby("agency_id")["amount_gbp"].sum().idxmax())
    if payer not in set(place.agencies["agency_id"]):
        raise UsageError(f"no agency {payer!r}: name one of {', '.join(place.agencies.agency_id)}")

    chain = _chain(place, money, span)
    costs = _costs(place, money, span)
    agencies = _agencies(place, chain, costs, span)
    totals = _years(place, chain, costs, span)
    result = Appraisal(
        place.info.name, _summary(agencies, totals, costs, payer), chain, costs, agencies, totals
    )
    from placeopt.budget.verify.appraisal import verify_appraisal

    checks = verify_appraisal(place, money, result.tables, result.summary)
    broken = [failed_check for failed_check in checks if not failed_check.holds]
    if broken:
        raise VerificationError(
            "; ".join(f"{failed_check.name}: {failed_check.detail}" for failed_check in broken)
        )
    return result


def _chain(place: Place, money: Money, span: NDArray[np.int64]) -> pd.DataFrame:
    rows = place.appraisal_benefits
    first, last = _intake(place)
    own_correction = rows["correction_share"].to_numpy(float)
    correction = corrections(
        rows["grade"], own_correction, by_grade(place, "benefit"), applies=money.optimism_bias
    )
    values = _unit_values(place)
    shares = net_shares(rows, correction)
    phase = phases(
        rows["lag_years"], rows["duration_years"], rows["decay_share"], len(span), len(span)
    )
    taken_on = np.array(
        [
            _phasing(place, key, a, b, span)
            for key, a, b in zip(rows["benefit_id"], first, last, strict=True)
        ]
    )
    reached = (
        taken_on
        * (rows["population"] * rows["engagement_share"] * rows["retention_share"]).to_numpy(float)[
            :, None
        ]
    )
    counted = np.einsum("bht,bt->bh", phase, reached) * rows["impact"].to_numpy(float)[:, None]
    gross = counted * values[:, None]
    net = gross * shares[:, None]
    factor = np.array(
        [discount_factors(len(span), money.discount_rate, health=bool(h)) for h in rows["health"]]
    )
    b = np.repeat(np.arange(len(rows)), len(span))
    names = ("benefit_id", "name", "agency_id", "kind")
    factors = (
        *("population", "engagement_share", "retention_share", "impact"),
        *("lag_years", "duration_years", "decay_share"),
    )
    columns: dict[str, Any] = {name: rows[name].to_numpy()[b] for name in names}
    columns |= {"year": np.tile(span, len(rows)), "phasing_share": taken_on.ravel()}
    columns |= {name: rows[name].to_numpy(float)[b] for name in factors}
    columns |= {"reached": reached.ravel(), "counted": counted.ravel(), "unit_value_gbp": values[b]}
    columns |= {name: rows[name].to_numpy(float)[b] for name in ("attribution_share", *DEDUCTIONS)}
    columns |= {
        "correction_share": correction[b],
        "gross_gbp": gross.ravel(),
        "net_gbp": net.ravel(),
        "cashable_share": rows["cashable_share"].to_numpy(float)[b],
        "cashable_gbp": (net * rows["cashable_share"].to_numpy(float)[:, None]).ravel(),
        "discount_factor": factor.ravel(),
        "present_gbp": (net * factor).ravel(),
    }
    return pd.DataFrame(columns)


def _costs(place: Place, money: Money, span: NDArray[np.int64]) -> pd.DataFrame:
    index = deflators(place)
    table = by_grade(place, "cost")
    own_correction = place.appraisal_costs["correction_share"].to_numpy(float)
    applies = money.optimism_bias
    correction = corrections(place.appraisal_costs["grade"], own_correction, table, applies=applies)
    factor = discount_factors(len(span), money.discount_rate)
    cost_rows = []
    row: Any
    for at, row in enumerate(place.appraisal_costs.itertuples()):
        last = row.first_year if pd.isna(row.last_year) else row.last_year
        share = _phasing(place, row.cost_id, row.first_year, last, span)
        stated = place.info.price_year if pd.isna(row.price_year) else int(row.price_year)
        for t, year in enumerate(span):
            prices = int(year) if row.nominal and share[t] else stated
            amount = to_price_year(row.amount_gbp * share[t], prices, place.info.price_year, index)
            corrected = amount * (1 + correction[at])
            cost_rows.append(
                {
                    "cost_id": row.cost_id,
                    "name": row.name,
                    "agency_id": row.agency_id,
                    "kind": row.kind,
                    "year": int(year),
                    "amount_gbp": row.amount_gbp,
                    "phasing_share": share[t],
                    "price_year": prices,
                    "real_gbp": amount,
                    "correction_share": correction[at],
                    "cost_gbp": corrected,
                    "discount_factor": factor[t],
                    "present_gbp": corrected * factor[t],
                }
            )
    return pd.DataFrame(cost_rows)


def _agencies(
    place: Place, chain: pd.DataFrame, costs: pd.DataFrame, span: NDArray[np.int64]
) -> pd.DataFrame:
    """Costs and benefits by agency; the last row, without an agency, is society's."""
    names = dict(zip(place.agencies["agency_id"], place.agencies["name"], strict=True))
    total = chain["net_gbp"].sum()
    agency_rows = []
    for agency in [*names, SOCIETY]:
        paid, gained = costs[costs["agency_id"] == agency], chain[chain["agency_id"] == agency]
        if len(paid) == 0 and len(gained) == 0:
            continue
        cost, benefit = paid["present_gbp"].sum(), gained["present_gbp"].sum()
        agency_rows.append(
            {
                "agency_id": agency,
                "name": names.get(agency, "Society at large") or agency,
                "cost_gbp": paid["cost_gbp"].sum(),
                "benefit_gbp": gained["net_gbp"].sum(),
                "cashable_gbp": gained["cashable_gbp"].sum(),
                "benefit_share": gained["net_gbp"].sum() / total if total else np.nan,
                "cost_present_gbp": cost,
                "benefit_present_gbp": benefit,
                "net_present_gbp": benefit - cost,
                "benefit_cost_ratio": benefit / cost if cost > 0 else np.nan,
                "payback_year": _payback(
                    span, _by_year(gained, "present_gbp", span), _by_year(paid, "present_gbp", span)
                ),
            }
        )
    return pd.DataFrame(agency_rows)


def _years(
    place: Place, chain: pd.DataFrame, costs: pd.DataFrame, span: NDArray[np.int64]
) -> pd.DataFrame:
    index = deflators(place)
    base = index.get(place.info.price_year, np.nan)
    inflation = np.array([index.get(int(year), np.nan) for year in span]) / base
    cost, benefit = _by_year(costs, "cost_gbp", span), _by_year(chain, "net_gbp", span)
    present = _by_year(chain, "present_gbp", span) - _by_year(costs, "present_gbp", span)
    return pd.DataFrame(
        {
            "year": span,
            "cost_gbp": cost,
            "benefit_gbp": benefit,
            "cashable_gbp": _by_year(chain, "cashable_gbp", span),
            "net_gbp": benefit - cost,
            "net_present_gbp": present,
            "cumulative_present_gbp": np.cumsum(present),
            "price_level": inflation,
            "cost_nominal_gbp": cost * inflation,
            "benefit_nominal_gbp": benefit * inflation,
        }
    )


def _summary(
    agencies: pd.DataFrame, years: pd.DataFrame, costs: pd.DataFrame, payer: str
) -> dict[str, float | str]:
    cost, benefit = agencies["cost_present_gbp"].sum(), agencies["benefit_present_gbp"].sum()
    fiscal = agencies.loc[agencies["agency_id"] != SOCIETY, "benefit_present_gbp"].sum()
    total_benefit = agencies["benefit_gbp"].sum()
    payer_benefit = agencies.loc[agencies["agency_id"] == payer, "benefit_gbp"].sum()
    span = years["year"].to_numpy()
    present = costs.groupby("year")["present_gbp"].sum().reindex(span, fill_value=0.0).to_numpy()
    gained = years["net_present_gbp"].to_numpy() + present
    return {
        "first_year": int(span[0]),
        "last_year": int(span[-1]),
        "cost_gbp": float(agencies["cost_gbp"].sum()),
        "benefit_gbp": float(total_benefit),
        "cashable_gbp": float(agencies["cashable_gbp"].sum()),
        "cost_present_gbp": float(cost),
        "benefit_present_gbp": float(benefit),
        "net_present_gbp": float(benefit - cost),
        "benefit_cost_ratio": float(benefit / cost) if cost else np.nan,
        "public_budgets_ratio": float(fiscal / cost) if cost else np.nan,
        "payback_year": _payback(span, gained, present),
        "payer": payer,
        "payer_benefit_gbp": float(payer_benefit),
        "payer_benefit_share": float(payer_benefit / total_benefit) if total_benefit else np.nan,
    }


def _payback(span: NDArray[np.int64], gained: Floats, paid: Floats) -> float:
    """The year from which cumulative gains stay at or above cumulative costs."""
    if paid.sum() <= 0:
        return np.nan
    short = np.flatnonzero(np.cumsum(gained - paid) < -1e-6)
    if len(short) == 0:
        return float(span[0])
    return float(span[short[-1] + 1]) if short[-1] + 1 < len(span) else np.nan


def _by_year(rows: pd.DataFrame, column: str, span: NDArray[np.int64]) -> Floats:
    return rows.groupby("year")[column].sum().reindex(span, fill_value=0.0).to_numpy(float)


def _phasing(place: Place, item: str, first: int, last: int, span: NDArray[np.int64]) -> Floats:
    """(H,) share of the full amount in each year: stated, or 1 from first to last year."""
    rows = place.appraisal_phasing[place.appraisal_phasing["item_id"] == item]
    if len(rows) == 0:
        return ((span >= first) & (span <= last)).astype(float)
    stated = dict(zip(rows["year"].astype(int), rows["share"].astype(float), strict=True))
    return np.array([stated.get(int(year), 0.0) for year in span])


def _intake(place: Place) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = place.appraisal_benefits
    first = rows["first_year"].to_numpy(np.int64)
    return first, rows["last_year"].fillna(rows["first_year"]).to_numpy(np.int64)


def _last_year(place: Place) -> int:
    rows, costs = place.appraisal_benefits, place.appraisal_costs
    paid = costs["last_year"].fillna(costs["first_year"]).max()
    last_benefit = (
        _intake(place)[1] + (rows["lag_years"] + rows["duration_years"]).to_numpy(np.int64) - 1
    )
    return int(max(paid, last_benefit.max()))


def _unit_values(place: Place) -> Floats:
    """(B,) GBP a unit in the place's prices."""
    index, costs = deflators(place), place.unit_costs.set_index("code")
    values, price_year = [], place.info.price_year
    row: Any
    for row in place.appraisal_benefits.itertuples():
        if row.unit_cost:
            cost = costs.loc[row.unit_cost]
            values.append(
                to_price_year(cost["amount_gbp"], int(cost["price_year"]), price_year, index)
            )
        else:
            year = price_year if pd.isna(row.price_year) else int(row.price_year)
            values.append(to_price_year(row.unit_value_gbp, year, price_year, index))
    return np.array(values)
