"""The one-year place budget as a readable model.

Sets        p programmes, f funding streams, o outcomes, c curves (one programme, one outcome)
Data        amount[f]     money of the decided year          stream_amounts.amount_gbp
            allowed[p,f]  f may pay for p                    streams.ring_fenced, stream_programmes
            floor[p]      statutory floor                    programmes.statutory_floor_gbp_per_year
            today[p]      spend in the last year of data     spending.amount_gbp
            minimum[o]    minimum standard                   outcomes.minimum_standard
            curve[c](s)   improvement at yearly spend s      curves, curve_points
Variables   pay[p,f] >= 0, spend[p], effect[c], gain[o], counts[o]
Minimise    - sum over o of weight[o] counts[o] / |target[o] - baseline[o]|  (weighted_outcomes)
            or sum over p of spend[p]                                        (least_money)
            or the largest shortfall of an outcome from its target, in ranges,
            or from its saturation if that comes first                       (fairest)
Subject to  (B1) sum over p of spend[p] <= total
            (B2) sum over p of pay[p,f] <= amount[f],  pay[p,f] = 0 where not allowed
            (B3) spend[p] >= floor[p]
            (B4) gain[o] >= minimum[o] - baseline[o]   (the other way round where lower is better)
            spend[p] = sum over f of pay[p,f]
            gain[o] = sum over c of o of (effect[c] - curve[c](today))
            counts[o] <= gain[o], and at most the distance from the baseline to saturates_at (else
            the stretch, else the target) unless improvement beyond it counts
            effect[c] is on the curve of c at spend[p], piecewise linear
            (B9) for every agency a that could stand alone, with transfer[a,b] >= 0,
                 cash[a] + others' money for its programmes - its money for others' + received[a]
                 - given[a] >= alone[a],  cash[a] = sum over o of saves[a,o] gain[o]
                 given[a] <= unspent[a] + cash[a] where gives[a] = 1, else 0
                 given[a] - from_unspent[a] <= cash[a], or <= 0; transfers from unspent money count
                 in B1 as spending

alone[a] (``alone``) is a's position in its own best plan: the same objective and standards, only
payments of its streams to its programmes decided, all others as today, within its share of the
total; among equally good plans the one that moves least money from today.

Run it on a place:  python models/budget.py data/marlshire --cut 0.1
It does not use placeopt: it reads the CSV files itself.
"""

from __future__ import annotations

import argparse
import itertools
import math
from pathlib import Path

import pandas as pd
import pulp

PIECES = 200  # straight pieces in which a smooth curve is cut


def solve(
    tables: dict[str, pd.DataFrame],
    total: float | None = None,
    objective: str = "weighted_outcomes",
    pieces: int = PIECES,
    positions: dict[str, float] | None = None,
) -> float | None:
    """The optimal value (minimised), or ``None`` where no budget is feasible. GBP or ranges.

    ``positions``: GBP that each agency has alone; with them nobody may be worse off (B9).
    """
    model, pay, unit = build(tables, total, objective, pieces)
    if positions is not None:
        nobody_worse_off(model, tables, pay, unit, positions, total)
    model.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=1e-9))
    if model.status != pulp.LpStatusOptimal:
        return None
    return float(pulp.value(model.objective))


def alone(
    tables: dict[str, pd.DataFrame],
    agency: str,
    total: float | None = None,
    pieces: int = PIECES,
) -> tuple[float, float] | None:
    """GBP: range of an agency's stand-alone position among its best plans that move least money;
    ``None`` where it cannot meet the standards alone. (B9)"""
    model, pay, unit = build(tables, total, "weighted_outcomes", pieces, agency)
    spend = {v.name[6:]: v for v in model.variables() if v.name.startswith("spend_")}
    moved = []
    for p, now in today_of(tables).items():
        away = model.add_variable(f"moved_{p}", 0)
        model += away >= spend[p] - now / unit
        model += away >= now / unit - spend[p]
        moved.append(away)
    worth = model.objective
    solver = pulp.PULP_CBC_CMD(msg=False, gapRel=1e-9)
    for aim in (worth, pulp.lpSum(moved)):
        model.setObjective(aim)
        model.solve(solver)
        if model.status != pulp.LpStatusOptimal:
            return None
        best = pulp.value(aim)
        model += aim <= best + 1e-6 * max(1e-3, abs(best))
    position = standing(model, tables, pay, unit, agency)
    ends = []
    for sign in (1, -1):
        model.setObjective(sign * position)
        model.solve(solver)
        ends.append(pulp.value(position) * unit)
    return ends[0], ends[1]


def nobody_worse_off(model, tables, pay, unit, positions, total) -> None:
    """(B9) After transfers no agency is below its stand-alone position, in GBP."""
    agencies = list(tables["agencies"]["agency_id"])
    transfer = {
        (a, b): model.add_variable(f"transfer_{a}_{b}", 0)
        for a in agencies
        for b in agencies
        if a != b
    }
    amounts = tables["stream_amounts"]
    amount = amounts[amounts["year"] == tables["spending"]["year"].max() + 1]
    amount = amount.set_index("stream_id")["amount_gbp"]
    from_unspent = []
    for a in agencies:
        given = pulp.lpSum(v for (x, _), v in transfer.items() if x == a)
        received = pulp.lpSum(v for (_, y), v in transfer.items() if y == a)
        if a in positions:
            own = standing(model, tables, pay, unit, a) + received - given
            model += own >= positions[a] / unit
        free = [
            row["stream_id"]
            for _, row in tables["streams"].iterrows()
            if row["agency_id"] == a
            and row["ring_fenced"] not in (True, "yes")
            and row["purpose"] != "capital"
        ]
        has = pulp.lpSum(amount[f] / unit for f in free)
        has -= pulp.lpSum(v for (_, f), v in pay.items() if f in free)
        has += cash(model, tables, unit, a)
        gives = model.add_variable(f"gives_{a}", cat="Binary")
        model += given <= 1000 * gives
        model += given <= has + 1000 * (1 - gives)
        saves = model.add_variable(f"saves_{a}", cat="Binary")
        from_unspent.append(model.add_variable(f"from_unspent_{a}", 0))
        model += given - from_unspent[-1] <= 1000 * saves
        model += given - from_unspent[-1] <= cash(model, tables, unit, a) + 1000 * (1 - saves)
    if total is not None:
        model += pulp.lpSum(pay.values()) + pulp.lpSum(from_unspent) <= total / unit


def standing(model, tables, pay, unit, agency):
    """An agency's position before transfers: cash saved, others' money for its programmes, less its
    money for others'."""
    runs = tables["programmes"].set_index("programme_id")["agency_id"]
    pays = tables["streams"].set_index("stream_id")["agency_id"]
    got = [v for (p, f), v in pay.items() if runs[p] == agency and pays[f] != agency]
    given = [v for (p, f), v in pay.items() if runs[p] != agency and pays[f] == agency]
    return cash(model, tables, unit, agency) + pulp.lpSum(got) - pulp.lpSum(given)


def cash(model, tables, unit, agency):
    """Cash that better outcomes save an agency in the year, from benefits without a lag."""
    saved = pulp.LpAffineExpression()
    for _, row in tables.get("benefits", pd.DataFrame()).iterrows():
        if row["agency_id"] == agency:
            share = row["cashable_share"] * row["attribution_share"]
            for name in ("deadweight", "displacement", "leakage", "substitution"):
                share *= 1 - row[f"{name}_share"]
            saved += model.gains[row["outcome_id"]] * (share * row["unit_value_gbp"] / unit)
    return saved


def today_of(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """GBP spent on each programme in the last year of data."""
    rows = tables["spending"]
    base = rows[rows["year"] == rows["year"].max()]
    spent = base.groupby("programme_id")["amount_gbp"].sum()
    return spent.reindex(tables["programmes"]["programme_id"]).fillna(0)


def build(
    tables: dict[str, pd.DataFrame],
    total: float | None = None,
    objective: str = "weighted_outcomes",
    pieces: int = PIECES,
    agency: str | None = None,
) -> tuple[pulp.LpProblem, dict[tuple[str, str], pulp.LpVariable], float]:
    """The model, its payments by (programme, stream), and the GBP in one unit of them.

    With ``agency`` only its streams' payments for its programmes are decided (B9, alone).
    """
    programmes = tables["programmes"].set_index("programme_id")
    outcomes = tables["outcomes"].set_index("outcome_id")
    base_year = tables["spending"]["year"].max()
    base = tables["spending"][tables["spending"]["year"] == base_year]
    today = today_of(tables)
    amounts = tables["stream_amounts"]
    amount = amounts[amounts["year"] == base_year + 1].set_index("stream_id")["amount_gbp"]
    allowed = may_pay(tables)
    unit = today.sum() / 100  # hundredths of today's money: solvers like small numbers

    model = pulp.LpProblem("budget", pulp.LpMinimize)
    pay = {(p, f): model.add_variable(f"pay_{p}_{f}", 0) for p, f in allowed}
    spend = {p: model.add_variable(f"spend_{p}", 0) for p in programmes.index}
    paid = base.groupby(["programme_id", "stream_id"])["amount_gbp"].sum()
    runs = programmes["agency_id"] if agency is not None else {}
    pays = tables["streams"].set_index("stream_id")["agency_id"] if agency is not None else {}
    for p, f in allowed:  # alone, all others pay as today
        if agency is not None and not (runs[p] == agency and pays[f] == agency):
            model += pay[p, f] == paid.get((p, f), 0.0) / unit
    for p in programmes.index:
        model += spend[p] == pulp.lpSum(pay[q, f] for q, f in allowed if q == p)
        if agency is not None and runs[p] != agency:
            continue
        model += (
            spend[p] >= number(programmes.at[p, "statutory_floor_gbp_per_year"], 0) / unit
        )  # B3
        if number(programmes.at[p, "maximum_gbp_per_year"]) is not None:
            model += spend[p] <= programmes.at[p, "maximum_gbp_per_year"] / unit
    for f in tables["streams"]["stream_id"]:
        if agency is not None and pays[f] != agency:
            continue
        model += pulp.lpSum(pay[p, g] for p, g in allowed if g == f) <= amount[f] / unit  # B2
    if total is not None:
        if agency is not None:  # its share of the total, and all that others pay today
            own = sum(gbp for (_, f), gbp in paid.items() if pays[f] == agency)
            total = total * own / today.sum() + today.sum() - own
        model += pulp.lpSum(spend.values()) <= total / unit  # B1

    money = min(float(amount.sum()), math.inf if total is None else total)
    gain = {o: pulp.LpAffineExpression() for o in outcomes.index}
    for _, curve in tables["curves"].iterrows():
        p, o = curve["programme_id"], curve["outcome_id"]
        effect = response(curve, tables["curve_points"])
        most = min(money, number(programmes.at[p, "maximum_gbp_per_year"], math.inf))
        grid = cut(curve, tables["curve_points"], most, today[p], pieces)
        heights = [effect(s) for s in grid]
        on_curve = on_the_curve(model, f"{p}_{o}", spend[p], [s / unit for s in grid], heights)
        gain[o] += on_curve - effect(today[p])
    model.gains = gain

    sign = {o: -1 if outcomes.at[o, "direction"] == "lower" else 1 for o in outcomes.index}
    reach, short, counts = {}, {}, {}
    for o, row in outcomes.iterrows():
        if number(row["minimum_standard"]) is not None:
            model += gain[o] >= sign[o] * (row["minimum_standard"] - row["baseline"])  # B4
        if number(row["target"]) is not None and row["target"] != row["baseline"]:
            reach[o] = abs(row["target"] - row["baseline"])
            counts[o] = model.add_variable(f"counts_{o}")  # what is useful of the improvement
            model += counts[o] <= gain[o]
            most = saturation(row)
            asked = sign[o] * (row["target"] - row["baseline"])
            if most is not None:
                model += counts[o] <= sign[o] * (most - row["baseline"])
                asked = min(asked, sign[o] * (most - row["baseline"]))
            short[o] = (asked - counts[o]) * (1 / reach[o])

    if objective == "weighted_outcomes":
        weight = {o: number(outcomes.at[o, "weight"], 1) for o in reach}
        model += -pulp.lpSum(weight[o] / reach[o] * counts[o] for o in reach)
    elif objective == "fairest":
        worst = model.add_variable("worst")
        model += worst + 0
        for o in reach:
            model += worst >= short[o]
    else:
        model += pulp.lpSum(spend.values()) * unit
    return model, pay, unit


def saturation(row: pd.Series) -> float | None:
    """The level beyond which an outcome no longer counts; ``None`` where all of it counts."""
    if row.get("beyond") == "counts":
        return None
    stated = (number(row.get(name)) for name in ("saturates_at", "stretch", "target"))
    return next((level for level in stated if level is not None), None)


def may_pay(tables: dict[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """(programme, stream) pairs: every programme for open revenue money, the named ones else."""
    named = tables["stream_programmes"]
    pairs = set(zip(named["programme_id"], named["stream_id"], strict=True))
    return [
        (p, row["stream_id"])
        for p in tables["programmes"]["programme_id"]
        for _, row in tables["streams"].iterrows()
        if (p, row["stream_id"]) in pairs
        or not (row["ring_fenced"] in (True, "yes") or row["purpose"] == "capital")
    ]


def response(curve: pd.Series, points: pd.DataFrame):
    """The response curve as a function of yearly spend in GBP."""
    m, k, n = curve["maximum_effect"], curve["scale_gbp"], curve["shape"]
    if curve["form"] == "power":
        return lambda s: m * (s / k) ** n
    if curve["form"] == "exponential":
        return lambda s: m * (1 - math.exp(-s / k))
    if curve["form"] == "coverage":
        return lambda s: m * math.tanh(s / k)
    if curve["form"] == "hill":
        return lambda s: m * s**n / (k**n + s**n)
    if curve["form"] == "logistic":

        def level(s):
            return 1 / (1 + math.exp(-n * (s / k - 1)))

        return lambda s: m * (level(s) - level(0)) / (1 - level(0))

    line = corners(curve, points)

    def between(s):
        for (x0, y0), (x1, y1) in itertools.pairwise(line):
            if s <= x1:
                return y0 + (y1 - y0) * (s - x0) / (x1 - x0)
        return line[-1][1]

    return between


def corners(curve: pd.Series, points: pd.DataFrame) -> list[tuple[float, float]]:
    """The points of a curve of the form points, from (0, 0) unless one says otherwise."""
    own = points[
        (points["programme_id"] == curve["programme_id"])
        & (points["outcome_id"] == curve["outcome_id"])
    ].sort_values("spend_gbp")
    line = list(zip(own["spend_gbp"], own["effect"], strict=True))
    return line if line[0][0] == 0 else [(0.0, 0.0), *line]


def cut(
    curve: pd.Series, points: pd.DataFrame, most: float, today: float, pieces: int
) -> list[float]:
    """Breakpoints of the curve: its own corners, or spends closer together near 0."""
    if curve["form"] == "points":
        grid = {s for s, _ in corners(curve, points) if s < most} | {0.0, most}
    else:
        grid = {most * (i / pieces) ** 2 for i in range(pieces + 1)}
    return sorted(grid | {min(today, most)})


def on_the_curve(model, name, spend, grid, effect):
    """A weighted mean of neighbouring points of the curve; concave curves need no choice."""
    weight = [model.add_variable(f"weight_{name}_{i}", 0) for i in range(len(grid))]
    model += pulp.lpSum(weight) == 1
    model += spend == pulp.lpSum(s * w for s, w in zip(grid, weight, strict=True))
    slopes = [(effect[i + 1] - effect[i]) / (grid[i + 1] - grid[i]) for i in range(len(grid) - 1)]
    steepest = max(map(abs, slopes))
    if any(b > a + 1e-9 * steepest for a, b in itertools.pairwise(slopes)):
        piece = [model.add_variable(f"piece_{name}_{i}", cat="Binary") for i in range(len(slopes))]
        model += pulp.lpSum(piece) == 1
        for i, w in enumerate(weight):
            model += w <= pulp.lpSum(piece[max(0, i - 1) : i + 1])
    return pulp.lpSum(e * w for e, w in zip(effect, weight, strict=True))


def number(value, otherwise=None):
    """The value, or ``otherwise`` where the cell is empty."""
    return otherwise if value is None or value == "" or pd.isna(value) else float(value)


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """The budget tables of a place, from its folder."""
    names = "programmes streams stream_amounts stream_programmes spending outcomes curves"
    tables = {}
    for name in [*names.split(), "curve_points"]:
        columns = [f"{name[:-1]}_id", "programme_id", "stream_id", "outcome_id"]
        tables[name] = pd.read_csv(folder / f"{name}.csv", dtype=dict.fromkeys(columns, str))
    for column, default in (("shape", 1.0), ("maximum_effect", math.nan), ("scale_gbp", math.nan)):
        if column not in tables["curves"]:
            tables["curves"][column] = default
    tables["curves"]["shape"] = tables["curves"]["shape"].fillna(1.0)
    return tables


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The one-year place budget in PuLP.")
    parser.add_argument("place", type=Path, help="folder of a place")
    parser.add_argument("--cut", type=float, default=0.1, help="share below the base year")
    parser.add_argument("--objective", default="weighted_outcomes")
    arguments = parser.parse_args()
    place = read(arguments.place)
    rows = place["spending"]
    spent = rows.loc[rows["year"] == rows["year"].max(), "amount_gbp"].sum()
    value = solve(place, total=spent * (1 - arguments.cut), objective=arguments.objective)
    print("no budget fits" if value is None else f"{arguments.objective}: {value:,.6f}")
