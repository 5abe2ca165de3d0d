"""Small random budgets, solved by an independent search over a grid of spends.

Everything is computed from the place's tables on arrays of many plans at once, without the engine's
problem, curves or objectives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support.places import place_of

BASE, FIRST = 2025, 2026
ROUNDS = 5  # of looking closer about the best plan of the grid


@dataclass(frozen=True)
class Question:
    """A question for a random place."""

    totals: tuple[float, ...]
    objectives: tuple[str, ...] = ("weighted_outcomes",)
    weights: tuple[tuple[str, float], ...] = ()
    cut: float | None = None
    rise: float | None = None
    carry: bool = False
    standards: bool = False
    factors: Any = None  # (S, C) draws of the evidence
    tail: float = 0.0
    counted: int = 1

    @property
    def years(self) -> int:
        return len(self.totals)


def random_saturating_place(
    rng,
    *,
    programmes: int = 2,
    years: int = 1,
    combination: str = "add",
    concave: bool = False,
    lasting: bool = False,
    standards: bool = False,
    more: float = 1.0,
):
    """Programmes of agencies ``a`` and ``b`` on two outcomes, of either direction, that saturate
    early, late, at the stretch, at the target, or not at all; each stream is its agency's own,
    and brings in ``more`` times what its programmes get today."""
    p_ids = [f"p{i}" for i in range(programmes)]
    forms = ["exponential", "coverage", "power", "points"]
    forms += [] if concave else ["hill", "logistic"] * 2
    before = rng.integers(4, 26, programmes).astype(float)
    curves, points = [], []
    for p in p_ids:
        for o in ("o0", "o1"):
            if o == "o1" and rng.random() < 0.3 and p != "p0":
                continue
            form = str(rng.choice(forms))
            curves.append({
                "programme_id": p, "outcome_id": o, "form": form, "grade": int(rng.integers(1, 4)),
                "maximum_effect": 0.0 if form == "points" else float(rng.uniform(2, 5)),
                "scale_gbp": float(rng.uniform(25, 60) if form == "power" else rng.uniform(6, 30)),
                "shape": float(rng.uniform(0.4, 1.0 if concave else 1.6) if form == "power"
                               else rng.uniform(1.2, 4)),
                "lag_years": int(rng.integers(0, 2)) if lasting else 0,
                "persistence_share": float(rng.choice([0.0, 0.3, 0.6])) if lasting else 0.0,
            })  # fmt: skip
            if form == "points":
                slopes = rng.uniform(0.0, 0.25, 3)
                slopes = np.sort(slopes)[::-1] if concave else slopes
                at = np.cumsum(rng.uniform(5, 20, 3))
                if rng.random() < 0.5:  # today's spend but for rounding
                    at = before[p_ids.index(p)] * np.array([0.5, 1.0, 1.7])
                    at[1] = np.nextafter(at[1], rng.choice([0.0, np.inf]))
                done = np.cumsum(slopes * np.diff(at, prepend=0.0))
                points += [
                    {"programme_id": p, "outcome_id": o, "spend_gbp": float(s), "effect": float(e)}
                    for s, e in zip(at, done, strict=True)
                ]
    agency = [("a", "b")[i % 2] for i in range(programmes)]
    outcomes = [_outcome(rng, o, combination, curves, standards) for o in ("o0", "o1")]
    pairs = []
    if combination == "pair":
        on = [c["programme_id"] for c in curves if c["outcome_id"] == "o0"]
        pairs = [{"outcome_id": "o0", "programme_a": on[0], "programme_b": on[1],
                  "joint_effect_share": float(rng.uniform(0, 0.9))}]  # fmt: skip
    return place_of(
        agencies=[{"agency_id": "a"}, {"agency_id": "b"}],
        programmes=[
            {"programme_id": p, "agency_id": g} for p, g in zip(p_ids, agency, strict=True)
        ],
        streams=[{"stream_id": f"of_{g}", "agency_id": g} for g in "ab"],
        stream_amounts=[
            {"stream_id": f"of_{g}", "year": FIRST + t,
             "amount_gbp": more * float(before[[own == g for own in agency]].sum())}
            for g in "ab" for t in range(years)
        ],
        spending=[
            {"year": BASE, "programme_id": p, "stream_id": f"of_{g}", "amount_gbp": b}
            for p, g, b in zip(p_ids, agency, before, strict=True)
        ],
        outcomes=outcomes, curves=curves, curve_points=points, combinations=pairs,
    )  # fmt: skip


def _outcome(rng, key: str, combination: str, curves: list[dict], standards: bool) -> dict:
    """A baseline, a target, and the value beyond which improvement no longer counts."""
    lower = bool(rng.random() < 0.5)
    sign = -1 if lower else 1
    baseline, reach = float(rng.integers(30, 80)), float(rng.uniform(0.5, 6))
    row = {
        "outcome_id": key, "unit": "points", "direction": "lower" if lower else "higher",
        "baseline": baseline, "target": baseline + sign * reach,
        "weight": float(rng.uniform(0.4, 2)),
        "growth_share_per_year": float(rng.choice([0.0, 0.0, -0.02, 0.02])),
    }  # fmt: skip
    ways = ["counts", "target", "stretch", "early", "late", "hair"]
    how = str(rng.choice(ways, p=[0.15, 0.25, 0.1, 0.3, 0.1, 0.1]))
    if how == "counts":
        row["beyond"] = "counts"
    elif how == "stretch":
        row["stretch"] = baseline + sign * reach * float(rng.uniform(1.05, 1.6))
    elif how != "target":
        share = {"early": rng.uniform(0.1, 0.6), "late": rng.uniform(1.1, 3), "hair": 0.02}[how]
        row["saturates_at"] = baseline + sign * reach * float(share)
    if standards and rng.random() < 0.8:
        row["minimum_standard"] = baseline - sign * float(rng.uniform(0.1, 1.5))
    if combination in ("best_of", "remaining") and key == "o0":
        row["combination"] = combination
    if combination == "remaining" and key == "o0":
        row["whole_effect"] = float(rng.uniform(18, 30))
    return row


def effect(curve, points, spend):
    """The effect of yearly ``spend`` (any shape), by the form as the dictionary states it."""
    m, k, n = curve.maximum_effect, curve.scale_gbp, curve.shape
    if curve.form == "points":
        own = points[
            (points["programme_id"] == curve.programme_id)
            & (points["outcome_id"] == curve.outcome_id)
        ].sort_values("spend_gbp")
        return np.interp(spend, [0.0, *own["spend_gbp"]], [0.0, *own["effect"]])
    if curve.form == "power":
        return m * (spend / k) ** n
    if curve.form == "exponential":
        return m * (1 - np.exp(-spend / k))
    if curve.form == "coverage":
        return m * np.tanh(spend / k)
    if curve.form == "hill":
        return m * spend**n / (k**n + spend**n)
    assert curve.form == "logistic", curve.form
    start = 1 / (1 + np.exp(n))
    return m * (1 / (1 + np.exp(-n * (spend / k - 1))) - start) / (1 - start)


class Tables:
    """The place's tables, to evaluate plans ``spend`` (T, P, N)."""

    def __init__(self, place, question: Question):
        self.place, self.question = place, question
        self.programmes = list(place.programmes["programme_id"])
        paid = place.spending.groupby("programme_id")["amount_gbp"].sum()
        self.today = np.array([paid[p] for p in self.programmes])
        amounts = place.stream_amounts.groupby("year")["amount_gbp"].sum()
        self.comes_in = amounts.reindex(range(FIRST, FIRST + question.years)).to_numpy()
        self.curves = list(place.curves.itertuples())

    def levels(self, spend):
        """[(row of an outcome, baseline of each counted year (B,), gain (B, N), gain in each draw
        (S, B, N))]"""
        starts = {}
        asked = self.question
        factors = np.ones((0, len(self.curves))) if asked.factors is None else asked.factors
        changes = {}
        for c, curve in enumerate(self.curves):
            p = self.programmes.index(curve.programme_id)
            starts[c] = float(effect(curve, self.place.curve_points, self.today[p]))
            beyond = effect(curve, self.place.curve_points, spend[:, p]) - starts[c]
            kept = curve.persistence_share
            felt = np.zeros((asked.counted, spend.shape[2]))
            for b in range(asked.counted):
                for t in range(asked.years):
                    since = b - t - curve.lag_years
                    if since >= 0:
                        felt[b] += (1 - kept) * kept**since * beyond[t]
            changes[c] = felt
        found = []
        for row in self.place.outcomes.itertuples():
            own = [c for c, curve in enumerate(self.curves) if curve.outcome_id == row.outcome_id]
            at = {c: starts[c] + changes[c] for c in own}
            nothing = self._combined(row, {c: np.array(starts[c]) for c in own})
            drawn = [
                self._combined(row, {c: starts[c] + f[c] * changes[c] for c in own}) - nothing
                for f in factors
            ]
            ahead = FIRST - BASE + np.arange(asked.counted)
            drifted = row.baseline * (1 + row.growth_share_per_year) ** ahead
            gain = self._combined(row, at) - nothing if own else np.zeros_like(changes[0])
            found.append((row, drifted, gain, np.array(drawn)))
        return found

    def _combined(self, row, at):
        pairs = self.place.combinations
        pairs = pairs[pairs["outcome_id"] == row.outcome_id]
        if row.combination == "best_of" and len(at) > 1:
            return np.max(list(at.values()), axis=0)
        if row.combination == "remaining" and len(at) > 1:
            left = np.ones(())
            for done in at.values():
                left = left * (1 - np.minimum(done / row.whole_effect, 0.9999))
            return row.whole_effect * (1 - left)
        total = sum(at.values())
        for pair in pairs.itertuples():
            one, other = (
                at[next(c for c in at if self.curves[c].programme_id == p)]
                for p in (pair.programme_a, pair.programme_b)
            )
            total = total - (1 - pair.joint_effect_share) * np.minimum(one, other)
        return total

    def allowed(self, spend):
        """(N,) whether the rules allow it, except those on payments."""
        asked, years = self.question, self.question.years
        paid = spend.sum(axis=1)
        fits = (spend >= -1e-12).all(axis=(0, 1))
        total = np.minimum(np.array(asked.totals), np.inf)
        if asked.carry:
            fits &= (paid.cumsum(axis=0) <= total.cumsum()[:, None] + 1e-9).all(axis=0)
        else:
            fits &= (paid <= total[:, None] + 1e-9).all(axis=0)
        fits &= (paid <= self.comes_in[:, None] + 1e-9).all(axis=0)
        last = self.today[:, None]
        for t in range(years):
            if asked.cut is not None:
                fits &= (spend[t] >= (1 - asked.cut) * last - 1e-9).all(axis=0)
            if asked.rise is not None:
                fits &= (spend[t] <= (1 + asked.rise) * last + 1e-9).all(axis=0)
            last = spend[t]
        if asked.standards:
            for row, drifted, gain, drawn in self.levels(spend):
                if np.isnan(row.minimum_standard):
                    continue
                sign = -1 if row.direction == "lower" else 1
                needed = sign * (row.minimum_standard - drifted)[:years, None]
                fits &= (gain[:years] >= needed - 1e-9).all(axis=0)
                if len(drawn):
                    worst = np.sort(drawn[:, :years], axis=0)
                    many = asked.tail * len(worst) if asked.tail else 1.0
                    weight = np.clip(many - np.arange(len(worst)), 0, 1) / many
                    bad = np.tensordot(weight, worst, axes=1)
                    fits &= (bad >= needed - 1e-9).all(axis=0)
        return fits

    def objective(self, name: str, spend):
        """(N,) the minimised objective."""
        asked, years = self.question, self.question.years
        if name == "weighted":
            return sum(w * self.objective(part, spend) for part, w in asked.weights)
        if name == "least_money":  # 3.5 % a year
            return np.tensordot(1.035 ** -np.arange(years), spend.sum(axis=1), axes=1)
        if name == "least_disruption":
            today = np.broadcast_to(self.today[:, None], spend.shape[1:])[None]
            return np.abs(np.diff(np.concatenate([today, spend]), axis=0)).sum(axis=(0, 1))
        worth, worst = 0.0, -np.inf
        for row, drifted, gain, _ in self.levels(spend):
            sign = -1 if row.direction == "lower" else 1
            reach = abs(row.target - row.baseline)
            level = drifted[:, None] + sign * gain
            limit = next(x for x in (row.saturates_at, row.stretch, row.target) if not np.isnan(x))
            target = row.target
            if row.beyond != "counts":
                level = np.minimum(level, limit) if sign > 0 else np.maximum(level, limit)
                target = min(target, limit) if sign > 0 else max(target, limit)
            worth = worth + row.weight * (sign * (level - row.baseline)).sum(axis=0) / reach / years
            worst = np.maximum(worst, (sign * (target - level[:years]) / reach).max(axis=0))
        return -worth if name == "weighted_outcomes" else worst

    def best(self, name: str, rng, points: int, also=None) -> tuple[float, Any]:
        """The least objective over a grid that is refined about its best point, and the plan (T,
        P); inf where no plan is allowed. ``also`` (spend) is a further condition."""
        years, many = self.question.years, len(self.programmes)
        most = max(self.comes_in.max(), 1.0)
        axis = np.linspace(0, most, points)
        if self.question.cut is not None or self.question.rise is not None:
            low = 1 - (1.0 if self.question.cut is None else self.question.cut)
            high = 1 + (2.0 if self.question.rise is None else self.question.rise)
            share = np.unique(np.append(np.linspace(low, high, points - 1), 1.0))
            axes = [share] * (years * many)
        else:
            axes = [np.unique(np.append(axis, b)) for _ in range(years) for b in self.today]
        mesh = np.array(np.meshgrid(*axes, indexing="ij")).reshape(years, many, -1)
        if self.question.cut is not None or self.question.rise is not None:
            mesh = self.today[:, None] * np.cumprod(mesh, axis=0)
        found, plan = np.inf, None
        width = most / (points - 1)
        for _ in range(ROUNDS + 1):
            if plan is not None:
                near = plan[:, :, None] + rng.uniform(-width, width, (years, many, 3000))
                swap = near.copy()  # what one programme gets another gives
                swap[:, 0] = plan[:, 0, None] + plan[:, 1, None] - swap[:, 1]
                mesh, width = np.maximum(np.concatenate([near, swap], axis=2), 0.0), width / 4
            fits = self.allowed(mesh)
            if also is not None:
                fits &= also(mesh)
            if not fits.any():
                continue
            mesh = mesh[:, :, fits]
            value = self.objective(name, mesh)
            at = int(value.argmin())
            if value[at] < found:
                found, plan = float(value[at]), mesh[:, :, at]
        return found, plan
