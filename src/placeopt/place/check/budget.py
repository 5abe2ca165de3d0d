"""What makes no sense in a budget: streams, programmes, outcomes and the curves between."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.number_format import pounds_and_pence
from placeopt.place.faults import error, row_number, table_label, warning
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place, unit_ranges

if TYPE_CHECKING:
    import pandas as pd

_PENNY = 0.005


def budget_findings(place: Place) -> Iterator[Finding]:
    """Faults between the columns and tables of a budget."""
    yield from ring_fences_broken(place)
    yield from ring_fences_without_programmes(place)
    yield from streams_overspent(place)
    yield from spending_outside_limits(place)
    yield from standards_against_direction(place)
    yield from saturation_without_gain(place)
    yield from curves_without_parameters(place)
    yield from power_curves_too_large(place)
    yield from points_without_a_curve(place)
    yield from outcomes_without_curve(place)
    yield from provision_without_demand(place)
    yield from amounts_in_thousands(place)
    yield from rewards_without_range(place)
    yield from inconsistent_provider_terms(place)
    yield from commitments_above_maximum(place)


def ring_fences_broken(place: Place) -> Iterator[Finding]:
    """A ring-fenced stream pays only for the programmes it is fenced for."""
    spending, streams = place.spending, place.streams
    fenced = set(streams.loc[streams["ring_fenced"], "stream_id"])
    allowed = _pairs(place.stream_programmes, "stream_id", "programme_id")
    for at, (stream, programme, amount) in enumerate(
        zip(spending["stream_id"], spending["programme_id"], spending["amount_gbp"], strict=True)
    ):
        if stream in fenced and (stream, programme) not in allowed and amount > 0:
            message = f"the ring-fenced stream may not pay for {programme}"
            yield error(table_label(place, "spending"), message,
                        "add the pair to stream_programmes, or correct the spending",
                        row=row_number(at), column="stream_id", value=stream)  # fmt: skip


def ring_fences_without_programmes(place: Place) -> Iterator[Finding]:
    """A ring-fence without programmes, and programmes of a stream without a ring-fence."""
    streams, pairs = place.streams, place.stream_programmes
    fenced = set(streams.loc[streams["ring_fenced"], "stream_id"])
    for at, stream in enumerate(streams["stream_id"]):
        if stream in fenced and stream not in set(pairs["stream_id"]):
            yield warning(table_label(place, "streams"), "the ring-fence names no programme",
                          "name the programmes in stream_programmes",
                          row=row_number(at), column="ring_fenced", value=stream)  # fmt: skip
    known = set(streams["stream_id"])
    for at, stream in enumerate(pairs["stream_id"]):
        if stream in known and stream not in fenced:
            yield warning(table_label(place, "stream_programmes"),
                          "the stream is not ring-fenced, so the row says nothing",
                          "set ring_fenced to yes, or delete the row",
                          row=row_number(at), column="stream_id", value=stream)  # fmt: skip


def streams_overspent(place: Place) -> Iterator[Finding]:
    """A stream that paid in a year more than it brought in, or than is stated at all."""
    amounts, keys = place.stream_amounts, ["stream_id", "year"]
    spent = place.spending.groupby(keys)["amount_gbp"].sum()
    stated = amounts.drop_duplicates(keys).set_index(keys)["amount_gbp"]
    for at, (stream, year, amount) in enumerate(
        zip(amounts["stream_id"], amounts["year"], amounts["amount_gbp"], strict=True)
    ):
        paid = spent.get((stream, year), 0.0)
        if paid > amount + _PENNY:
            message = f"{stream} paid {paid:.2f} in {year}, {paid - amount:.2f} more than it has"
            yield warning(
                table_label(place, "stream_amounts"),
                message,
                "correct the amount or the spending",
                row=row_number(at),
                column="amount_gbp",
                value=f"{amount:.2f}",
            )
    for stream, year in spent.index.difference(stated.index):
        if stream in set(place.streams["stream_id"]):
            message = f"{stream} paid {spent[stream, year]:.2f} in {year}, but no amount is stated"
            yield warning(table_label(place, "stream_amounts"), message,
                          "state what it brought in", column="year", value=year)  # fmt: skip


def spending_outside_limits(place: Place) -> Iterator[Finding]:
    """Floors above the maximum; today's spending under the floor or over the maximum; none."""
    programmes, file = place.programmes, table_label(place, "programmes")
    years = place.spending["year"]
    last = place.spending[years == years.max()] if len(years) else place.spending
    spent = last.groupby("programme_id")["amount_gbp"].sum()
    for at, (programme, floor, most) in enumerate(
        zip(
            programmes["programme_id"],
            programmes["statutory_floor_gbp_per_year"],
            programmes["maximum_gbp_per_year"],
            strict=True,
        )
    ):
        now = float(spent.get(programme, 0.0))
        row = row_number(at)
        if floor > most:
            yield error(file, f"the statutory floor is above the maximum of {most:.2f}",
                        "correct one of the two", row=row,
                        column="statutory_floor_gbp_per_year", value=f"{floor:.2f}")  # fmt: skip
        elif len(last) and now < floor - _PENNY:
            yield warning(file, f"spending in the last year was {now:.2f}, under the floor",
                          "correct the floor or the spending", row=row,
                          column="statutory_floor_gbp_per_year", value=f"{floor:.2f}")  # fmt: skip
        if now > most + _PENNY:
            yield warning(file, f"spending in the last year was {now:.2f}, over the maximum",
                          "correct the maximum or the spending", row=row,
                          column="maximum_gbp_per_year", value=f"{most:.2f}")  # fmt: skip


def standards_against_direction(place: Place) -> Iterator[Finding]:
    """A target worse than the standard, or than today; a standard that today misses."""
    outcomes, file = place.outcomes, table_label(place, "outcomes")
    for at, (direction, baseline, standard, target) in enumerate(
        zip(
            outcomes["direction"],
            outcomes["baseline"],
            outcomes["minimum_standard"],
            outcomes["target"],
            strict=True,
        )
    ):
        sign, row = (-1.0 if direction == "lower" else 1.0), row_number(at)
        if sign * target < sign * standard:
            message = f"the target is worse than the standard {standard:g} ({direction} is better)"
            yield error(file, message, "correct one of the two, or the direction", row=row,
                        column="target", value=number_text(target))  # fmt: skip
        if sign * target < sign * baseline:
            message = f"the target is worse than the baseline {baseline:g} ({direction} is better)"
            yield warning(file, message, "check the target and the direction", row=row,
                          column="target", value=number_text(target))  # fmt: skip
        if sign * baseline < sign * standard:
            message = f"today's value {baseline:g} already misses the minimum standard"
            yield warning(file, message, "check the standard and the direction", row=row,
                          column="minimum_standard", value=number_text(standard))  # fmt: skip


def saturation_without_gain(place: Place) -> Iterator[Finding]:
    """Improvement that counts no further than today, unless that is written, or that both saturates
    and counts without end."""
    rows, file = place.outcomes, table_label(place, "outcomes")
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    level, baseline = (rows[name].to_numpy(float) for name in ("saturates_at", "baseline"))
    meant = (rows["beyond"] == "saturates").to_numpy()
    for at in np.flatnonzero((sign * (level - baseline) <= 0) & ~meant):
        message = f"no better than the baseline of {baseline[at]:g}: no improvement would count"
        remedy = "give a better value, leave it empty, or write beyond = saturates if today is "
        yield error(file, message, remedy + "past what counts", row=row_number(at),
                    column="saturates_at", value=number_text(level[at]))  # fmt: skip
    for at in np.flatnonzero(~np.isnan(level) & (rows["beyond"] == "counts").to_numpy()):
        yield error(file, "beyond says that all improvement counts", "leave one of the two empty",
                    row=row_number(at), column="saturates_at",
                    value=number_text(level[at]))  # fmt: skip


def curves_without_parameters(place: Place) -> Iterator[Finding]:
    """Every form of curve needs its parameters; the form "points" needs its points."""
    curves, file = place.curves, table_label(place, "curves")
    points = place.curve_points.groupby(["programme_id", "outcome_id"]).size()
    for at, curve in enumerate(curves.itertuples(index=False)):
        row = row_number(at)
        if curve.form == "points":
            if points.get((curve.programme_id, curve.outcome_id), 0) < 2:
                yield error(file, "a curve of points needs at least two", "give them in"
                            " curve_points", row=row, column="form", value="points")  # fmt: skip
            continue
        for column in ("maximum_effect", "scale_gbp", "shape"):
            value = getattr(curve, column)
            if np.isnan(value):
                yield error(file, f"a curve of form {curve.form} needs it", "give a number",
                            row=row, column=column)  # fmt: skip
            elif value <= 0 and column != "maximum_effect":
                yield error(file, f"a curve of form {curve.form} needs more than 0",
                            "give a number above 0", row=row, column=column,
                            value=number_text(value))  # fmt: skip


def power_curves_too_large(place: Place) -> Iterator[Finding]:
    """Power curves whose effect at the most that can be spent is no number that can be held."""
    amounts = place.stream_amounts
    money = float(amounts.groupby("year")["amount_gbp"].sum().max()) if len(amounts) else 0.0
    stated = place.programmes.dropna(subset="maximum_gbp_per_year")
    most = dict(zip(stated["programme_id"], stated["maximum_gbp_per_year"], strict=True))
    largest = unit_ranges()["outcome unit"].largest
    numbers = place.curves[["maximum_effect", "scale_gbp", "shape"]].to_numpy(float)
    powers = (place.curves["form"] == "power").to_numpy()
    good = powers & (np.nan_to_num(numbers) > 0).all(axis=1)
    for at in np.flatnonzero(good):
        effect, scale, shape = (float(number) for number in numbers[at])
        spend = float(min(most.get(place.curves["programme_id"].iloc[at], math.inf), money))
        digits = math.log10(effect) + (shape * math.log10(spend / scale) if spend > 0 else 0.0)
        if digits > math.log10(largest):
            message = (
                f"at {pounds_and_pence(spend)} a year the effect would have {digits:,.0f} digits"
            )
            yield error(table_label(place, "curves"), message,
                        "lower the shape, raise scale_gbp or give the programme a maximum",
                        row=row_number(at), column="shape",
                        value=number_text(shape))  # fmt: skip


def points_without_a_curve(place: Place) -> Iterator[Finding]:
    """Points of no curve, and effects that fall while spending rises."""
    curves, points = place.curves, place.curve_points
    file = table_label(place, "curve_points")
    known = _pairs(curves[curves["form"] == "points"], "programme_id", "outcome_id")
    pairs = list(zip(points["programme_id"], points["outcome_id"], strict=True))
    for at, pair in enumerate(pairs):
        if pair not in known:
            message = f"curves has no curve of form points for {pair[0]} and {pair[1]}"
            yield error(file, message, "add it there, or delete the point",
                        row=row_number(at), column="programme_id", value=pair[0])  # fmt: skip
    ordered = points.sort_values(["programme_id", "outcome_id", "spend_gbp"])
    falls = ordered.groupby(["programme_id", "outcome_id"])["effect"].diff() < 0
    for at in sorted(ordered.index[falls.to_numpy()]):
        yield warning(file, "the effect falls while spending rises", "check the point",
                      row=row_number(at), column="effect",
                      value=number_text(points['effect'].iloc[at]))  # fmt: skip


def outcomes_without_curve(place: Place) -> Iterator[Finding]:
    """An outcome with a standard or target but no programme that moves it."""
    outcomes = place.outcomes
    moved = set(place.curves["outcome_id"])
    asked = outcomes["minimum_standard"].notna() | outcomes["target"].notna()
    for at, (outcome, wanted) in enumerate(zip(outcomes["outcome_id"], asked, strict=True)):
        if wanted and outcome not in moved:
            yield warning(
                table_label(place, "outcomes"),
                "no programme has a curve for this outcome",
                "give one in curves, or drop its standard and target",
                row=row_number(at),
                column="outcome_id",
                value=outcome,
            )


def provision_without_demand(place: Place) -> Iterator[Finding]:
    """Whole units serve a demand, of which lower is better, and each serves some of it."""
    provision, file = place.provision, table_label(place, "provision")
    direction = dict(zip(place.outcomes["outcome_id"], place.outcomes["direction"], strict=True))
    for at, (outcome, capacity) in enumerate(
        zip(provision["outcome_id"], provision["unit_capacity"], strict=True)
    ):
        if direction.get(outcome) == "higher":
            message = "units serve a demand, but of this outcome higher is better"
            yield error(file, message, "name an outcome of which lower is better",
                        row=row_number(at), column="outcome_id", value=outcome)  # fmt: skip
        if capacity <= 0:
            yield error(file, "a unit serves nothing", "give a number above 0", row=row_number(at),
                        column="unit_capacity", value=number_text(capacity))  # fmt: skip


def amounts_in_thousands(place: Place) -> Iterator[Finding]:
    """Thousands among pounds: an amount some thousand times what the same line has in another
    year, and units that cost more than the programme that runs them spends."""
    for table, keys in (
        ("spending", ["programme_id", "stream_id"]),
        ("stream_amounts", ["stream_id"]),
    ):
        rows = place.tables[table]
        usual = rows["amount_gbp"].where(rows["amount_gbp"] > 0)
        usual = usual.groupby([rows[key] for key in keys]).transform("max")
        times = usual / rows["amount_gbp"].where(rows["amount_gbp"] > 0)
        for at in np.flatnonzero((times > 500).to_numpy()):
            message = (
                f"another year of the same has {usual.iloc[at]:.2f}, {times.iloc[at]:.0f} times it"
            )
            yield warning(
                table_label(place, table),
                message,
                "give both in pounds, not in thousands",
                row=row_number(at),
                column="amount_gbp",
                value=number_text(rows["amount_gbp"].iloc[at]),
            )
    years = place.spending["year"]
    last = place.spending[years == years.max()] if len(years) else place.spending
    spent = last.groupby("programme_id")["amount_gbp"].sum()
    demand = place.outcomes.drop_duplicates("outcome_id").set_index("outcome_id")["baseline"]
    columns = ("programme_id", "outcome_id", "unit_capacity", "unit_cost_gbp_per_year")
    kinds = zip(*(place.provision[name].tolist() for name in columns), strict=True)
    for position, (programme, outcome, capacity, cost) in enumerate(kinds):
        if not capacity > 0 or programme not in spent.index:
            continue
        units, now = np.ceil(demand.get(outcome, np.nan) / capacity - 1e-6), spent[programme]
        if units * cost > now * (1 + 1e-6) + 1:
            message = f"today's {units:.0f} units cost {units * cost:.2f}, but {programme}"
            yield warning(table_label(place, "provision"), f"{message} spends {now:.2f}",
                          "correct the cost of a unit, or the spending", row=row_number(position),
                          column="unit_cost_gbp_per_year", value=number_text(cost))  # fmt: skip


def rewards_without_range(place: Place) -> Iterator[Finding]:
    """A reward is earned between the target and a stretch that is better than it; money goes back
    between the target and a value that is worse."""
    rows, file = place.outcomes, table_label(place, "outcomes")
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    beyond = sign * (rows["stretch"].to_numpy(float) - rows["target"].to_numpy(float))
    for at in np.flatnonzero((rows["reward_gbp_per_unit"].to_numpy(float) > 0) & ~(beyond > 0)):
        message = "a reward needs a target and a stretch that is better than it"
        yield error(file, message, "give both, or take the reward out", row=row_number(at),
                    column="stretch", value=number_text(rows["stretch"].iloc[at]))  # fmt: skip
    target, until = rows["target"].to_numpy(float), rows["clawback_until"].to_numpy(float)
    for at in np.flatnonzero(rows["clawback_gbp_per_unit"].to_numpy(float) > 0):
        if np.isnan(target[at]):
            yield error(file, "money goes back for a target missed, and there is no target",
                        "give the target, or take the clawback out", row=row_number(at),
                        column="clawback_gbp_per_unit",
                        value=number_text(rows["clawback_gbp_per_unit"].iloc[at]))  # fmt: skip
        elif sign[at] * (target[at] - until[at]) <= 0:
            yield error(file, "the clawback ends at a value that is not worse than the target",
                        "give a worse value, or leave it empty", row=row_number(at),
                        column="clawback_until", value=number_text(until[at]))  # fmt: skip


def inconsistent_provider_terms(place: Place) -> Iterator[Finding]:
    """Scales that end before they start, more given back than was paid, more withheld than the
    price or than results can pay, outcomes whose effects do not add up."""
    rows, file = place.provider_terms, table_label(place, "provider_terms")
    outcomes = place.outcomes.drop_duplicates("outcome_id").set_index("outcome_id")
    paired = set(place.combinations["outcome_id"])
    withheld = rows.groupby("programme_id")["withheld_share"].transform("sum")
    now = rows["gbp_per_unit"] * (1 - rows["deferred_share"])
    for at, key in enumerate(rows["outcome_id"]):
        found, row = [], rows.iloc[at]
        if key in outcomes.index:
            sign = -1.0 if outcomes.at[key, "direction"] == "lower" else 1.0
            if not sign * (row["paid_to"] - row["paid_from"]) > 0:
                found.append(("paid_to", "the scale ends where it is not better than at its start",
                              "give a value better than paid_from"))  # fmt: skip
            if outcomes.at[key, "combination"] != "add" or key in paired:
                found.append(("outcome_id", "programmes do not add up on this outcome",
                              "pay for an outcome whose combination is add"))  # fmt: skip
        if row["clawback_gbp_per_unit"] > now.iloc[at] + _PENNY:
            found.append(("clawback_gbp_per_unit", "more goes back than was paid by then",
                          f"give at most {now.iloc[at]:.2f}"))  # fmt: skip
        if withheld.iloc[at] > 1 + 1e-9:
            found.append(("withheld_share", "more than the whole price is withheld",
                          "let the programme's rows come to at most 1"))  # fmt: skip
        for column, message, remedy in found:
            yield error(file, message, remedy, row=row_number(at), column=column,
                        value=str(row[column]))  # fmt: skip
    yield from providers_at_a_loss(place)


def providers_at_a_loss(place: Place) -> Iterator[Finding]:
    """Providers from whom more is withheld than results can ever pay, and no donors; and rows of a
    programme of which some name its provider a donor."""
    rows, file = place.provider_terms, table_label(place, "provider_terms")
    programmes = place.programmes
    scale = dict(
        zip(programmes["programme_id"], programmes["minimum_scale_gbp_per_year"], strict=True)
    )
    paid = rows["gbp_per_unit"] * (rows["paid_to"] - rows["paid_from"]).abs()
    for programme, own in rows.groupby("programme_id"):
        at, donor = row_number(int(own.index[0])), own["donor"]
        if donor.any() and not donor.all():
            yield error(file, f"some rows of {programme} name its provider a donor, some do not",
                        "say the same in all of them", row=at, column="donor")  # fmt: skip
        if donor.any() or programme not in scale:
            continue
        share, most = float(own["withheld_share"].sum()), float(paid[own.index].sum())
        least = share * float(scale[programme])
        if share > 0 and (most <= 0 or most < least - _PENNY):
            held = f"at least {pounds_and_pence(least)} are withheld"
            message = f"results pay at most {pounds_and_pence(most)} a year, and "
            message += held if least else "a share is withheld"
            yield error(file, message, "pay more for results, withhold less, or name the provider "
                        "a donor (donor = yes)", row=at, column="gbp_per_unit",
                        value=str(own["gbp_per_unit"].iloc[0]))  # fmt: skip


def commitments_above_maximum(place: Place) -> Iterator[Finding]:
    """More contracted for in a year than can usefully be spent; actual figures are facts."""
    rows = place.commitments
    most = place.programmes.drop_duplicates("programme_id").set_index("programme_id")
    limit = rows["programme_id"].map(most["maximum_gbp_per_year"]).astype(float)
    over = (rows["kind"] == "contracted") & (rows["amount_gbp"] > limit + _PENNY)
    for at in over.to_numpy().nonzero()[0]:
        message = f"more than the programme's maximum of {limit.iloc[at]:.2f}"
        yield error(table_label(place, "commitments"), message, "correct one of the two",
                    row=row_number(at), column="amount_gbp",
                    value=number_text(rows["amount_gbp"].iloc[at]))  # fmt: skip


def _pairs(frame: pd.DataFrame, first: str, second: str) -> set[tuple[str, str]]:
    return set(zip(frame[first], frame[second], strict=True))
