"""State the budget problem of a place and a scenario: tables to frozen arrays.

The base year is the last year of spending data. The first decided year is the scenario's, or the
year after the base year; each decided year's money is what ``stream_amounts`` states for it.
Capital streams pay only for the programmes named in ``stream_programmes``; where rule B11 is in
force they pay only for capital.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from placeopt.budget.arrays import OBJECTIVES, Bools, BudgetProblem, Floats, Ints, Texts
from placeopt.budget.combine import groups_of, too_much_of_the_whole, wholes
from placeopt.budget.curves import Curve
from placeopt.budget.partners import partners, with_positions_alone
from placeopt.budget.rest import OfTheRest
from placeopt.errors import PlaceError, UsageError
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.budget_rules import (
    Capital,
    Commissioning,
    Continuity,
    NobodyWorseOff,
    OneBudget,
    Outcomes,
    Pace,
    Prevention,
    Reinvestment,
    Statutory,
    Streams,
    Uncertainty,
)

__all__ = ["OBJECTIVES", "BudgetProblem", "state"]


def state(place: Place, scenario: Scenario, *, relax: str = "") -> BudgetProblem:
    """State the problem. Raises ``PlaceError`` and ``ScenarioError`` with all findings, and
    ``UsageError`` where nothing limits the money."""
    from placeopt.budget.inputs import require

    require(place, scenario)
    base_year = int(place.spending["year"].max())
    years = decided_years(place, scenario)
    programmes, streams = place.programmes, place.streams
    programme_ids = programmes["programme_id"].to_numpy(str)
    paid_gbp = paid_in(place, base_year)
    before = paid_gbp.sum(axis=1)

    streams_rule = next(iter(scenario.of(Streams)), None)
    allowed = may_pay(place, streams_rule) if streams_rule else np.ones(paid_gbp.shape, bool)
    revenue = (streams["purpose"] != "capital").to_numpy()
    if scenario.of(Capital):
        allowed = allowed & revenue[None, :]
    pairs = np.ones_like(allowed) if relax == "B2" else allowed
    pair_programme, pair_stream = np.nonzero(pairs)
    income = np.stack([amounts(place, int(year))[0] for year in years])
    amount = income if streams_rule else np.full_like(income, np.inf)
    made: dict[str, Any] = {
        "years": years,
        "programme_ids": programme_ids,
        "before": before,
        "amount": amount,
        "income": income,
        "carried": bool(streams_rule and streams_rule.unspent == "carried"),
        "objectives": objectives(scenario),
        **_total(scenario, before, len(years)),
        **_pace(scenario, programme_ids, before),
        **_outcomes(place, scenario, years, base_year),
        **_curves(place),
    }
    made["share"] = _share(place, len(made["drifted"]), len(years))
    problem = BudgetProblem(
        base_year=base_year,
        discount=(1 + scenario.money.discount_rate) ** -np.arange(len(years), dtype=float),
        preventive=(programmes["kind"] == "preventive").to_numpy(),
        pooled=programmes["pooled"].to_numpy(bool),
        floor=_floors(place, scenario),
        maximum=programmes["maximum_gbp_per_year"].fillna(np.inf).to_numpy(float),
        upper=_upper(programmes, pairs, made, relax),
        stream_ids=streams["stream_id"].to_numpy(str),
        revenue=revenue,
        pair_programme=pair_programme,
        pair_stream=pair_stream,
        pair_before=paid_gbp[pair_programme, pair_stream],
        pair_allowed=allowed[pair_programme, pair_stream],
        slack=scenario.objective.slack,
        money=scenario.money,
        groups=groups_of(place),
        whole=wholes(place),
        relax=relax,
        names=names(place),
        **made,
        **_evidence(place, scenario),
        **_commissioning(place, scenario, years, before, relax),
        **_commitments(place, scenario, years, relax),
        **_units(place, scenario, years, base_year, before, relax),
        **partners(place, scenario, years, relax),
    )
    if not relax and (faults := too_much_of_the_whole(problem)):
        raise PlaceError(faults, "faults in the place's curves")
    if scenario.of(NobodyWorseOff) and relax != "B9":
        plain = state(place, scenario) if relax else None
        if plain is not None:
            return replace(problem, alone=plain.alone)
        return with_positions_alone(problem, scenario.solver)
    return problem


def decided_years(place: Place, scenario: Scenario) -> Ints:
    """(T,) the calendar years decided: from the scenario's year, or the first after the data."""
    first = scenario.year if scenario.year is not None else int(place.spending["year"].max()) + 1
    return np.arange(first, first + scenario.years, dtype=np.int64)


def objectives(scenario: Scenario) -> tuple[str, ...]:
    """The scenario's objectives; weighted outcomes where it names none."""
    if "objective" not in scenario.model_fields_set:
        return ("weighted_outcomes",)
    return scenario.objective.minimise


def names(place: Place) -> dict[str, str]:
    """What people call each id."""
    found: dict[str, str] = {}
    for table, key in (
        ("programmes", "programme_id"),
        ("streams", "stream_id"),
        ("outcomes", "outcome_id"),
        ("agencies", "agency_id"),
    ):
        rows = place.tables[table]
        found |= {k: n or k for k, n in zip(rows[key], rows["name"], strict=True)}
    return found


def paid_in(place: Place, year: int) -> Floats:
    """(P, F) GBP that each stream paid for each programme; no row means that nothing was paid."""
    spending = place.spending[place.spending["year"] == year]
    paid = spending.pivot_table(
        index="programme_id", columns="stream_id", values="amount_gbp", aggfunc="sum"
    ).reindex(index=place.programmes["programme_id"], columns=place.streams["stream_id"])
    return paid.fillna(0.0).to_numpy(float)


def amounts(place: Place, year: int) -> tuple[Floats, Bools]:
    """(F,) what each stream brings in that year, and whether the table says so."""
    rows = place.stream_amounts[place.stream_amounts["year"] == year]
    found = rows.set_index("stream_id")["amount_gbp"].reindex(place.streams["stream_id"])
    return found.to_numpy(float), found.notna().to_numpy()


def may_pay(place: Place, rule: Streams | None) -> Bools:
    """(P, F) whether a stream may pay for a programme."""
    programmes, streams = place.programmes["programme_id"], place.streams["stream_id"]
    fenced = place.streams["ring_fenced"].to_numpy(bool)
    if rule:
        fenced = fenced & ~streams.isin(rule.release).to_numpy()
    fenced = fenced | (place.streams["purpose"] == "capital").to_numpy()
    allowed = np.repeat(~fenced[None, :], len(programmes), axis=0)
    p = pd.Index(programmes).get_indexer(place.stream_programmes["programme_id"])
    f = pd.Index(streams).get_indexer(place.stream_programmes["stream_id"])
    allowed[p, f] = True
    return allowed


def _floors(place: Place, scenario: Scenario) -> Floats:
    rule = next(iter(scenario.of(Statutory)), None)
    if rule is None:
        return np.zeros(len(place.programmes))
    given = place.programmes["programme_id"].map(rule.floors_gbp)
    return given.fillna(place.programmes["statutory_floor_gbp_per_year"]).to_numpy(float)


def _total(scenario: Scenario, before: Floats, decided: int) -> dict[str, Any]:
    rule = next(iter(scenario.of(OneBudget)), None)
    if rule is None:
        total, opening, carry = np.full(decided, np.inf), 0.0, False
    else:
        total = np.array([rule.total(float(before.sum()), t) for t in range(decided)])
        opening, carry = rule.opening_reserve_gbp, rule.carry_over
    return {"total": total, "opening_reserve": opening, "carry_over": carry}


def _upper(programmes: pd.DataFrame, pairs: Bools, money: dict[str, Any], relax: str) -> Floats:
    """(T, P) the most that a programme can be given."""
    amount, before = money["amount"], money["before"]
    limit = (amount.cumsum(axis=0) if money["carried"] else amount) @ pairs.T.astype(float)
    if np.isinf(amount).any() or relax == "B2":
        limit = np.full((len(amount), len(programmes)), np.inf)
    rewards = np.nansum(money["reward"] * money["reward_span"])
    total = money["total"] + rewards * (np.arange(len(amount)) > 0)
    if money["carry_over"]:
        total = money["opening_reserve"] + total.cumsum()
    if relax != "B1":
        limit = np.minimum(limit, total[:, None])
    if relax:
        limit = np.where(np.isfinite(limit), limit, 10 * before.sum())
    limit = np.fmin(programmes["maximum_gbp_per_year"].to_numpy(float), limit)
    if not relax:  # what a pace lets it rise to
        steps = np.arange(1, len(amount) + 1)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            paced = before * (1 + money["pace_rise"]) ** steps
        limit = np.fmin(limit, np.where(np.isfinite(money["pace_rise"]), paced, np.inf))
    if not np.isfinite(limit).all():
        raise UsageError(
            "nothing limits the money: keep the rule streams (B2), or give one_budget (B1) a total"
        )
    return limit


def grades(place: Place) -> list[str]:
    """(C,) the evidence grade of each curve as a text, "" where there is none."""
    return ["" if pd.isna(grade) else str(int(grade)) for grade in place.curves["grade"]]


def _evidence(place: Place, scenario: Scenario) -> dict[str, Any]:
    rule = next(iter(scenario.of(Uncertainty)), None)
    if rule is None:
        return {"evidence": np.zeros((0, len(place.curves))), "tail": 0.0}
    factors = np.array(rule.factors(grades(place)), float)
    return {"evidence": factors, "tail": rule.tail_share if rule.holds == "tail" else 0.0}


def _pace(scenario: Scenario, programme_ids: Texts, before: Floats) -> dict[str, Any]:
    cut, rise = np.full(len(before), np.inf), np.full(len(before), np.inf)
    for rule in scenario.of(Pace):
        bound = (before > 0) & ~np.isin(programme_ids, rule.exempt)
        if rule.largest_cut_share is not None:
            cut = np.where(bound, rule.largest_cut_share, cut)
        if rule.largest_rise_share is not None:
            rise = np.where(bound, rule.largest_rise_share, rise)
    return {"pace_cut": cut, "pace_rise": rise}


def _commissioning(
    place: Place, scenario: Scenario, years: Ints, before: Floats, relax: str
) -> dict[str, Any]:
    rows = place.programmes
    rule = next(iter(scenario.of(Commissioning)), None)
    scale = rows["minimum_scale_gbp_per_year"].to_numpy(float)
    start, stop = (
        rows[f"{name}_cost_gbp"].to_numpy(float) * (rule is not None) for name in ("start", "stop")
    )
    once = np.where(before > 0, stop, start)  # what a single change from today would cost
    if len(years) > 1:
        once = start + stop
    choice = rows["one_of"].to_numpy(str)
    at = {key: p for p, key in enumerate(rows["programme_id"])}
    groups = tuple(tuple(at[key] for key in group) for group in rule.coherent) if rule else ()
    grouped = np.isin(np.arange(len(rows)), [p for group in groups for p in group])
    needs = (scale > 0) | (once > 0) | (choice != "") | grouped
    needs &= rule is not None and relax != "B10"
    capital = rows["capital_gbp"].to_numpy(float) * bool(scenario.of(Capital))
    until = rows["contract_until_year"].astype("Float64").to_numpy(float, na_value=-np.inf)
    runs = (years[:, None] <= until[None, :]) & (rule is not None) & (relax != "B10")
    return {
        "must_choose": needs | ((capital > 0) & (relax != "B11")),
        "least": np.maximum(np.maximum(scale, before / 1000), 1e-6 * before.sum()),
        "start_cost": start,
        "stop_cost": stop,
        "choice": choice,
        "coherent": groups if relax != "B10" else (),
        "contract": np.where(runs, before, 0.0),
        "capital": capital,
    }


def _commitments(place: Place, scenario: Scenario, years: Ints, relax: str) -> dict[str, Any]:
    """Notice (B5), and what is contracted for or actual (B13)."""
    before = paid_in(place, int(place.spending["year"].max())).sum(axis=1)
    notice = np.zeros((len(years), len(before)))
    if any(rule.notice for rule in scenario.of(Pace)) and relax != "B5":
        given = place.programmes["notice_years"].to_numpy(int)
        notice = np.where(np.arange(len(years))[:, None] < given[None, :], before, 0.0)
    least, actual = np.zeros_like(notice), np.full_like(notice, np.nan)
    if scenario.of(Continuity) and relax != "B13":
        rows = place.commitments
        p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
        t = pd.Index(years).get_indexer(pd.Index(rows["year"].to_numpy(np.int64)))
        gbp, past = rows["amount_gbp"].to_numpy(float), (rows["kind"] == "actual").to_numpy()
        for chosen, table in ((~past, least), (past, actual)):
            chosen = chosen & (t >= 0)
            table[t[chosen], p[chosen]] = gbp[chosen]
    return {"notice": notice, "contracted": least, "actual": actual}


def _units(
    place: Place, scenario: Scenario, years: Ints, base_year: int, before: Floats, relax: str
) -> dict[str, Any]:
    """Whole units (B6) and what the demand they serve would cost if nothing changed (B7)."""
    rows = place.provision
    p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
    o = pd.Index(place.outcomes["outcome_id"]).get_indexer(rows["outcome_id"])
    growth = place.outcomes["growth_share_per_year"].to_numpy(float)
    nothing = np.tile(before, (len(years), 1))
    nothing[:, p] *= (1 + growth[o]) ** (years - base_year)[:, None]
    if not scenario.of(Prevention) or relax == "B6":
        rows, p, o = rows.iloc[:0], p[:0], o[:0]
    capacity = rows["unit_capacity"].to_numpy(float)
    today = place.outcomes["baseline"].to_numpy(float)[o]
    reinvest = next(iter(scenario.of(Reinvestment)), None)
    return {
        "do_nothing": nothing,
        "unit_programme": p.astype(np.int64),
        "unit_outcome": o.astype(np.int64),
        "unit_capacity": capacity,
        "unit_cost": rows["unit_cost_gbp_per_year"].to_numpy(float),
        "closing_cost": rows["closing_cost_gbp"].to_numpy(float),
        "units_today": np.ceil(today / capacity - 1e-6),
        "double_running": max(
            (rule.double_running_years for rule in scenario.of(Pace) if relax != "B5"), default=0
        ),
        "reinvest_share": reinvest.share if reinvest and relax != "B7" else np.nan,
    }


def _outcomes(place: Place, scenario: Scenario, years: Ints, base_year: int) -> dict[str, Any]:
    rows = place.outcomes
    rule = next(iter(scenario.of(Outcomes)), None)
    terms = [(rule or Outcomes(rule="outcomes")).terms(key) for key in rows["outcome_id"]]
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    baseline = rows["baseline"].to_numpy(float)
    counted = max(len(years), scenario.money.benefit_years or 0)
    growth = rows["growth_share_per_year"].to_numpy(float)
    passed = int(years[0]) - base_year + np.arange(counted)[:, None]
    drifted = baseline * (1 + growth) ** passed
    minimum = _own([term.minimum_standard for term in terms], rows["minimum_standard"])
    target = _own([term.target for term in terms], rows["target"])
    reach = np.abs(target - baseline)
    reach = np.where(reach > 0, reach, np.nan)
    held = np.array([bool(term.minimum_holds) for term in terms], bool) & (rule is not None)
    modes = np.array([term.targets for term in terms] or [""])[: len(terms)]
    known = np.isfinite(target) & (rule is not None)
    prices = np.array([term.shortfall_price or 0.0 for term in terms], float)
    begun = years[:, None] >= ((rule.from_year if rule else None) or years[0])
    decided = drifted[: len(years)]
    reward = rows["reward_gbp_per_unit"].to_numpy(float) * (rule is not None)
    span = np.fmax(0.0, sign * (rows["stretch"].to_numpy(float) - target))
    return {
        "outcome_ids": rows["outcome_id"].to_numpy(str),
        "sign": sign,
        "baseline": baseline,
        "drifted": drifted,
        "minimum_gain": np.where(held & begun, sign * (minimum - decided), np.nan),
        "target_gain": sign * (target - decided),
        "target_holds": (modes == "hold") & known & begun,
        "shortfall_price": np.where((modes == "priced") & known & (reach > 0), prices, 0.0),
        "reach": reach,
        "weight": rows["weight"].to_numpy(float),
        "reward": np.where(span > 0, reward, 0.0),
        "reward_span": span,
        "deferred_share": rule.deferred_share if rule else 0.0,
    }


def ranges(place: Place, scenario: Scenario) -> Floats:
    """(O,) baseline-to-target ranges, NaN where there is none."""
    years, base = decided_years(place, scenario), int(place.spending["year"].max())
    return np.asarray(_outcomes(place, scenario, years, base)["reach"], float)


def _own(given: list[float | None], table: pd.Series) -> Floats:
    own = np.array([np.nan if value is None else value for value in given], float)
    return np.where(np.isnan(own), table.to_numpy(float), own)


def _curves(place: Place) -> dict[str, Any]:
    rows, points = place.curves, place.curve_points
    grouped = points.groupby(["programme_id", "outcome_id"])
    by_curve = {(str(p), str(o)): group for (p, o), group in grouped}  # type: ignore[misc]
    curves = []
    row: Any
    for row in rows.itertuples():
        if row.form == "points":
            group = by_curve[row.programme_id, row.outcome_id]
            spend, effect = tuple(group["spend_gbp"]), tuple(group["effect"])
            curves.append(Curve("points", spend=spend, effect_at=effect))
        else:
            m, k, n = float(row.maximum_effect), float(row.scale_gbp), float(row.shape)
            curves.append(Curve(str(row.form), m, k, n))
    programmes = pd.Index(place.programmes["programme_id"])
    outcomes = pd.Index(place.outcomes["outcome_id"])
    outcome = outcomes.get_indexer(rows["outcome_id"]).astype(np.int64)
    whole = wholes(place)[outcome]
    return {
        "curve_programme": programmes.get_indexer(rows["programme_id"]).astype(np.int64),
        "curve_outcome": outcome,
        "curves": tuple(
            curve if np.isnan(w) else OfTheRest("rest", alone=curve, whole=float(w))
            for curve, w in zip(curves, whole, strict=True)
        ),
    }


def _share(place: Place, counted: int, decided: int) -> Floats:
    """(B, T, C) of the effect of a year's spending that is there in each counted year."""
    lag = place.curves["lag_years"].to_numpy(float)
    decay = place.curves["persistence_share"].to_numpy(float)
    since = (np.arange(counted)[:, None] - np.arange(decided)[None, :])[:, :, None] - lag
    return np.where(since >= 0, (1 - decay) * decay ** np.maximum(since, 0.0), 0.0)
