"""The one-year budget problem as frozen arrays with labels.

Sets: programmes p (P of them), streams f (F), pairs n of a programme and a stream that may pay
for it (N), outcomes o (O), curves c (C), each from one programme to one outcome.

The base year is the last year of spending data. The decided year is the scenario's, or the year
after the base year; its money is what ``stream_amounts`` states for it. A curve passes through
today's spend and outcome: improvement[o] = sum over c of (curve(spend) - curve(spend today)).
Capital streams pay only for the programmes named in ``stream_programmes``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from placeopt.budget.curves import Curve
from placeopt.errors import UsageError
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.budget_rules import (
    Commissioning,
    OneBudget,
    Outcomes,
    Pace,
    Statutory,
    Streams,
    Uncertainty,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.str_]

OBJECTIVES = {
    "weighted_outcomes": "weighted baseline-to-target ranges (minus sign: a gain)",
    "least_money": "GBP/year",
    "fairest": "baseline-to-target ranges short of target, worst outcome",
    "least_disruption": "GBP/year moved up or down",
}


@dataclass(frozen=True)
class BudgetProblem:
    """One year's budget problem; money in GBP a year, outcomes in their own units.

    ``sign`` is +1 where higher is better and -1 where lower is; minimum, target and baseline are
    turned into improvements over the baseline in the wanted direction (``minimum_gain``,
    ``target_gain``; NaN where there is none). ``reach`` is the baseline-to-target range, NaN
    where it does not exist. ``relax`` is the number of a rule that may be breached at a price.
    """

    year: int
    base_year: int
    programme_ids: Texts
    before: Floats  # (P,) spend in the base year
    floor: Floats  # (P,) 0 where none, or where the rule is not in force
    maximum: Floats  # (P,) inf where none is known
    upper: Floats  # (P,) the most that can be spent: its maximum, or the money there is
    stream_ids: Texts
    amount: Floats  # (F,) inf where rule B2 is not in force
    pair_programme: Ints  # (N,)
    pair_stream: Ints  # (N,)
    pair_before: Floats  # (N,)
    pair_allowed: Bools  # (N,) False only where B2 is relaxed
    outcome_ids: Texts
    sign: Floats  # (O,)
    baseline: Floats
    minimum_gain: Floats  # NaN where no minimum standard holds
    target_gain: Floats  # NaN where no target is known
    target_holds: Bools
    shortfall_price: Floats  # 0 where targets are not priced
    reach: Floats
    weight: Floats
    curve_programme: Ints  # (C,)
    curve_outcome: Ints  # (C,)
    curves: tuple[Curve, ...]
    pace_lower: Floats  # (P,) the least that rule B5 lets it fall to, 0 where none
    pace_upper: Floats  # (P,) the most that rule B5 lets it rise to, inf where none
    must_choose: Bools  # (P,) whether rule B10 makes it a choice: bought or not
    least: Floats  # (P,) what is spent at least if it is bought
    start_cost: Floats  # (P,) paid if it is bought and was not in the base year
    stop_cost: Floats  # (P,) paid if it is not bought and was in the base year
    choice: Texts  # (P,) alternatives carry the same text, "" where there are none
    evidence: (
        Floats  # (S, C) factors of rule B12 on each curve's effects; S is 0 where not in force
    )
    tail: float  # share of evidence scenarios over which standards hold on average; 0: in each
    total: float  # inf where rule B1 is not in force
    objectives: tuple[str, ...]
    slack: tuple[float, ...]
    relax: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @property
    def lower(self) -> Floats:
        """(P,) the least that a curve is asked for."""
        return np.minimum(
            np.zeros_like(self.floor) if self.relax == "B3" else self.floor, self.upper
        )

    def bought(self, spend: Floats) -> Bools:
        """(P,) whether a programme is bought at ``spend`` (P,)."""
        return spend >= self.least / 2

    def one_off(self, spend: Floats) -> Floats:
        """(P,) GBP of starting and stopping that ``spend`` (P,) brings about."""
        bought = self.bought(spend)
        return np.where(bought, self.start_cost, self.stop_cost) * self.must_choose

    def gain(self, spend: Floats) -> Floats:
        """(O,) exact improvement over the baseline at ``spend`` (P,), by the true curves."""
        gain = np.zeros(len(self.outcome_ids))
        for p, o, curve in zip(self.curve_programme, self.curve_outcome, self.curves, strict=True):
            today, after = curve.effect([self.before[p], spend[p]])
            gain[o] += after - today
        return gain

    def bad_gain(self, spend: Floats) -> Floats:
        """(O,) improvement in bad evidence: the worst scenario, or the mean of the worst tail."""
        change = np.zeros((len(self.curves), len(self.outcome_ids)))
        for c, (p, o) in enumerate(zip(self.curve_programme, self.curve_outcome, strict=True)):
            today, after = self.curves[c].effect([self.before[p], spend[p]])
            change[c, o] = after - today
        gains = np.sort(self.evidence @ change, axis=0)  # (S, O) worst first
        worst = 1.0 if self.tail == 0 else self.tail * len(gains)
        weight = np.clip(worst - np.arange(len(gains)), 0, 1)
        return weight @ gains / worst

    def objective(self, name: str, spend: Floats, *, first: bool) -> float:
        """The exact value of one objective; the first one carries the priced shortfalls."""
        gain = self.gain(spend)
        if name == "weighted_outcomes":
            counted = np.isfinite(self.reach)
            value = -float((self.weight * gain / self.reach)[counted].sum())
        elif name == "fairest":
            counted = np.isfinite(self.reach)
            value = float(((self.target_gain - gain) / self.reach)[counted].max())
        elif name == "least_money":
            value = float(spend.sum() + self.one_off(spend).sum())
        else:
            value = float(np.abs(spend - self.before).sum())
        if first and self.shortfall_price.any():
            missed = np.maximum(0, self.target_gain - gain) / self.reach
            priced = self.shortfall_price > 0
            value += float((self.shortfall_price * missed)[priced].sum())
        return value


def state(place: Place, scenario: Scenario, *, relax: str = "") -> BudgetProblem:
    """State the one-year problem. Raises ``PlaceError`` and ``ScenarioError`` with all findings,
    and ``UsageError`` where nothing limits the money."""
    from placeopt.budget.inputs import require

    require(place, scenario)
    base_year = int(place.spending["year"].max())
    year = decided_year(place, scenario)
    programmes, streams = place.programmes, place.streams
    programme_ids = programmes["programme_id"].to_numpy(str)
    stream_ids = streams["stream_id"].to_numpy(str)
    spending = place.spending[place.spending["year"] == base_year]
    paid = spending.pivot_table(
        index="programme_id", columns="stream_id", values="amount_gbp", aggfunc="sum"
    ).reindex(index=programme_ids, columns=stream_ids)
    paid_gbp = paid.fillna(0.0).to_numpy(float)  # no row means that nothing was paid
    before = paid_gbp.sum(axis=1)

    streams_rule = next(iter(scenario.of(Streams)), None)
    allowed = may_pay(place, streams_rule) if streams_rule else np.ones(paid_gbp.shape, bool)
    pairs = np.ones_like(allowed) if relax == "B2" else allowed
    amount = amounts(place, year)[0] if streams_rule else np.full(len(stream_ids), np.inf)
    budget_rule = next(iter(scenario.of(OneBudget)), None)
    total = budget_rule.total(float(before.sum())) if budget_rule else np.inf
    pair_programme, pair_stream = np.nonzero(pairs)
    return BudgetProblem(
        year=year,
        base_year=base_year,
        programme_ids=programme_ids,
        before=before,
        floor=_floors(place, scenario),
        maximum=programmes["maximum_gbp_per_year"].fillna(np.inf).to_numpy(float),
        upper=_upper(programmes, pairs, amount, total, before, relax),
        stream_ids=stream_ids,
        amount=amount,
        pair_programme=pair_programme,
        pair_stream=pair_stream,
        pair_before=paid_gbp[pair_programme, pair_stream],
        pair_allowed=allowed[pair_programme, pair_stream],
        total=total,
        objectives=objectives(scenario),
        slack=scenario.objective.slack,
        relax=relax,
        names=names(place),
        **_evidence(place, scenario),  # type: ignore[arg-type]
        **_pace(scenario, programme_ids, before),  # type: ignore[arg-type]
        **_commissioning(place, scenario, before, relax),  # type: ignore[arg-type]
        **_outcomes(place, scenario),  # type: ignore[arg-type]
        **_curves(place),  # type: ignore[arg-type]
    )


def decided_year(place: Place, scenario: Scenario) -> int:
    """The scenario's year, or the year after the last year of spending data."""
    return scenario.year if scenario.year is not None else int(place.spending["year"].max()) + 1


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


def _upper(
    programmes: pd.DataFrame,
    pairs: Bools,
    amount: Floats,
    total: float,
    before: Floats,
    relax: str,
) -> Floats:
    """(P,) the most that a programme can be given."""
    open_ended = np.isinf(amount).any() or relax == "B2"
    streams = np.full(len(programmes), np.inf) if open_ended else pairs @ amount
    money = np.minimum(streams, np.inf if relax == "B1" else total)
    if relax and not np.isfinite(money).all():
        money = np.minimum(money, 10 * before.sum())
    maximum = programmes["maximum_gbp_per_year"].to_numpy(float)
    upper = np.fmin(maximum, money)
    if not np.isfinite(upper).all():
        raise UsageError(
            "nothing limits the money: keep the rule streams (B2), or give one_budget (B1) a total"
        )
    return upper


def grades(place: Place) -> list[str]:
    """(C,) the evidence grade of each curve as a text, "" where there is none."""
    return ["" if pd.isna(grade) else str(int(grade)) for grade in place.curves["grade"]]


def _evidence(place: Place, scenario: Scenario) -> dict[str, object]:
    rule = next(iter(scenario.of(Uncertainty)), None)
    if rule is None:
        return {"evidence": np.zeros((0, len(place.curves))), "tail": 0.0}
    factors = np.array(rule.factors(grades(place)), float)
    return {"evidence": factors, "tail": rule.tail_share if rule.holds == "tail" else 0.0}


def _pace(scenario: Scenario, programme_ids: Texts, before: Floats) -> dict[str, object]:
    lower, upper = np.zeros(len(before)), np.full(len(before), np.inf)
    for rule in scenario.of(Pace):
        bound = (before > 0) & ~np.isin(programme_ids, rule.exempt)
        if rule.largest_cut_share is not None:
            lower = np.where(bound, before * (1 - rule.largest_cut_share), lower)
        if rule.largest_rise_share is not None:
            upper = np.where(bound, before * (1 + rule.largest_rise_share), upper)
    return {"pace_lower": lower, "pace_upper": upper}


def _commissioning(
    place: Place, scenario: Scenario, before: Floats, relax: str
) -> dict[str, object]:
    rows = place.programmes
    scale = rows["minimum_scale_gbp_per_year"].to_numpy(float)
    start = np.where(before > 0, 0.0, rows["start_cost_gbp"].to_numpy(float))
    stop = np.where(before > 0, rows["stop_cost_gbp"].to_numpy(float), 0.0)
    choice = rows["one_of"].to_numpy(str)
    in_force = bool(scenario.of(Commissioning)) and relax != "B10"
    return {
        "must_choose": ((scale > 0) | (start > 0) | (stop > 0) | (choice != "")) & in_force,
        "least": np.maximum(np.maximum(scale, before / 1000), 1e-6 * before.sum()),
        "start_cost": start,
        "stop_cost": stop,
        "choice": choice,
    }


def _outcomes(place: Place, scenario: Scenario) -> dict[str, object]:
    rows = place.outcomes
    rule = next(iter(scenario.of(Outcomes)), None)
    terms = [(rule or Outcomes(rule="outcomes")).terms(key) for key in rows["outcome_id"]]
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    baseline = rows["baseline"].to_numpy(float)
    minimum = _own([term.minimum_standard for term in terms], rows["minimum_standard"])
    target = _own([term.target for term in terms], rows["target"])
    target_gain = sign * (target - baseline)
    reach = np.abs(target_gain)
    reach = np.where(reach > 0, reach, np.nan)
    held = np.array([bool(term.minimum_holds) for term in terms], bool) & (rule is not None)
    modes = np.array([term.targets for term in terms] or [""])[: len(terms)]
    known = np.isfinite(target) & (rule is not None)
    prices = np.array([term.shortfall_price or 0.0 for term in terms], float)
    return {
        "outcome_ids": rows["outcome_id"].to_numpy(str),
        "sign": sign,
        "baseline": baseline,
        "minimum_gain": np.where(held, sign * (minimum - baseline), np.nan),
        "target_gain": target_gain,
        "target_holds": (modes == "hold") & known,
        "shortfall_price": np.where((modes == "priced") & known & (reach > 0), prices, 0.0),
        "reach": reach,
        "weight": rows["weight"].to_numpy(float),
    }


def _own(given: list[float | None], table: pd.Series) -> Floats:
    own = np.array([np.nan if value is None else value for value in given], float)
    return np.where(np.isnan(own), table.to_numpy(float), own)


def _curves(place: Place) -> dict[str, object]:
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
    return {
        "curve_programme": programmes.get_indexer(rows["programme_id"]).astype(np.int64),
        "curve_outcome": outcomes.get_indexer(rows["outcome_id"]).astype(np.int64),
        "curves": tuple(curves),
    }
