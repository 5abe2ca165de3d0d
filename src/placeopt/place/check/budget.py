"""Check the tables of a budget: streams, programmes, outcomes and response curves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from placeopt.base.errors import Finding
from placeopt.base.findings import error, row_number, warning
from placeopt.base.number_format import pounds_and_pence
from placeopt.place.columns import unit_ranges
from placeopt.place.files.raw import number_text
from placeopt.place.tables import Place, table_label

if TYPE_CHECKING:
    import pandas as pd

_TOLERANCE_GBP = 0.005


def budget_findings(place: Place) -> Iterator[Finding]:
    """Findings on inconsistencies between the columns and tables of a budget."""
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
    """Errors for ring-fenced money spent on programmes outside the ring-fence."""
    spending, streams = place.spending, place.streams
    fenced = set(streams.loc[streams["ring_fenced"], "stream_id"])
    allowed = _pairs(place.stream_programmes, "stream_id", "programme_id")
    for i, (stream, programme, amount) in enumerate(
        zip(spending["stream_id"], spending["programme_id"], spending["amount_gbp"], strict=True)
    ):
        if stream in fenced and (stream, programme) not in allowed and amount > 0:
            message = f"the ring-fenced stream may not pay for {programme}"
            yield error(table_label(place, "spending"), message,
                        "add the pair to stream_programmes, or correct the spending",
                        row=row_number(i), column="stream_id", value=stream)  # fmt: skip


def ring_fences_without_programmes(place: Place) -> Iterator[Finding]:
    """Warnings for ring-fences without programmes and for programmes of an unfenced stream."""
    streams, pairs = place.streams, place.stream_programmes
    fenced = set(streams.loc[streams["ring_fenced"], "stream_id"])
    for i, stream in enumerate(streams["stream_id"]):
        if stream in fenced and stream not in set(pairs["stream_id"]):
            yield warning(table_label(place, "streams"), "the ring-fence names no programme",
                          "name the programmes in stream_programmes",
                          row=row_number(i), column="ring_fenced", value=stream)  # fmt: skip
    known = set(streams["stream_id"])
    for i, stream in enumerate(pairs["stream_id"]):
        if stream in known and stream not in fenced:
            yield warning(table_label(place, "stream_programmes"),
                          "the stream is not ring-fenced, so the row says nothing",
                          "set ring_fenced to yes, or delete the row",
                          row=row_number(i), column="stream_id", value=stream)  # fmt: skip


def streams_overspent(place: Place) -> Iterator[Finding]:
    """Warnings for streams that paid more in a year than they received, or with no stated
    amount."""
    amounts, keys = place.stream_amounts, ["stream_id", "year"]
    spent = place.spending.groupby(keys)["amount_gbp"].sum()
    stated = amounts.drop_duplicates(keys).set_index(keys)["amount_gbp"]
    for i, (stream, year, amount) in enumerate(
        zip(amounts["stream_id"], amounts["year"], amounts["amount_gbp"], strict=True)
    ):
        paid = spent.get((stream, year), 0.0)
        if paid > amount + _TOLERANCE_GBP:
            message = f"{stream} paid {paid:.2f} in {year}, {paid - amount:.2f} more than it has"
            yield warning(
                table_label(place, "stream_amounts"),
                message,
                "correct the amount or the spending",
                row=row_number(i),
                column="amount_gbp",
                value=f"{amount:.2f}",
            )
    for stream, year in spent.index.difference(stated.index):
        if stream in set(place.streams["stream_id"]):
            message = f"{stream} paid {spent[stream, year]:.2f} in {year}, but no amount is stated"
            yield warning(table_label(place, "stream_amounts"), message,
                          "state what it brought in", column="year", value=year)  # fmt: skip


def spending_outside_limits(place: Place) -> Iterator[Finding]:
    """Findings on floors above the maximum, and on spending below the floor or above the
    maximum."""
    programmes, file = place.programmes, table_label(place, "programmes")
    years = place.spending["year"]
    last = place.spending[years == years.max()] if len(years) else place.spending
    spent = last.groupby("programme_id")["amount_gbp"].sum()
    for i, (programme, floor, maximum) in enumerate(
        zip(
            programmes["programme_id"],
            programmes["statutory_floor_gbp_per_year"],
            programmes["maximum_gbp_per_year"],
            strict=True,
        )
    ):
        current = float(spent.get(programme, 0.0))
        row = row_number(i)
        if floor > maximum:
            yield error(file, f"the statutory floor is above the maximum of {maximum:.2f}",
                        "correct one of the two", row=row,
                        column="statutory_floor_gbp_per_year", value=f"{floor:.2f}")  # fmt: skip
        elif len(last) and current < floor - _TOLERANCE_GBP:
            yield warning(file, f"spending in the last year was {current:.2f}, under the floor",
                          "correct the floor or the spending", row=row,
                          column="statutory_floor_gbp_per_year", value=f"{floor:.2f}")  # fmt: skip
        if current > maximum + _TOLERANCE_GBP:
            yield warning(file, f"spending in the last year was {current:.2f}, over the maximum",
                          "correct the maximum or the spending", row=row,
                          column="maximum_gbp_per_year", value=f"{maximum:.2f}")  # fmt: skip


def standards_against_direction(place: Place) -> Iterator[Finding]:
    """Findings on targets worse than the standard or the baseline, and on missed standards."""
    outcomes, file = place.outcomes, table_label(place, "outcomes")
    for i, (direction, baseline, standard, target) in enumerate(
        zip(
            outcomes["direction"],
            outcomes["baseline"],
            outcomes["minimum_standard"],
            outcomes["target"],
            strict=True,
        )
    ):
        sign, row = (-1.0 if direction == "lower" else 1.0), row_number(i)
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
    """Errors for outcomes that saturate at the baseline, and that both saturate and never do."""
    rows, file = place.outcomes, table_label(place, "outcomes")
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    level, baseline = (rows[name].to_numpy(float) for name in ("saturates_at", "baseline"))
    is_intended = (rows["beyond"] == "saturates").to_numpy()
    for i in np.flatnonzero((sign * (level - baseline) <= 0) & ~is_intended):
        message = f"no better than the baseline of {baseline[i]:g}: no improvement would count"
        remedy = "give a better value, leave it empty, or write beyond = saturates if today is "
        yield error(file, message, remedy + "past what counts", row=row_number(i),
                    column="saturates_at", value=number_text(level[i]))  # fmt: skip
    for i in np.flatnonzero(~np.isnan(level) & (rows["beyond"] == "counts").to_numpy()):
        yield error(file, "beyond says that all improvement counts", "leave one of the two empty",
                    row=row_number(i), column="saturates_at",
                    value=number_text(level[i]))  # fmt: skip


def curves_without_parameters(place: Place) -> Iterator[Finding]:
    """Errors for curves without the parameters, or the points, that their form needs."""
    curves, file = place.curves, table_label(place, "curves")
    points = place.curve_points.groupby(["programme_id", "outcome_id"]).size()
    for i, curve in enumerate(curves.itertuples(index=False)):
        row = row_number(i)
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
    """Errors for power curves whose effect at the largest possible spend overflows."""
    amounts = place.stream_amounts
    money = float(amounts.groupby("year")["amount_gbp"].sum().max()) if len(amounts) else 0.0
    stated = place.programmes.dropna(subset="maximum_gbp_per_year")
    maximum = dict(zip(stated["programme_id"], stated["maximum_gbp_per_year"], strict=True))
    largest = unit_ranges()["outcome unit"].largest
    numbers = place.curves[["maximum_effect", "scale_gbp", "shape"]].to_numpy(float)
    powers = (place.curves["form"] == "power").to_numpy()
    is_valid = powers & (np.nan_to_num(numbers) > 0).all(axis=1)
    for i in np.flatnonzero(is_valid):
        effect, scale, shape = (float(number) for number in numbers[i])
        spend = float(min(maximum.get(place.curves["programme_id"].iloc[i], math.inf), money))
        digits = math.log10(effect) + (shape * math.log10(spend / scale) if spend > 0 else 0.0)
        if digits > math.log10(largest):
            message = (
                f"at {pounds_and_pence(spend)} a year the effect would have {digits:,.0f} digits"
            )
            yield error(table_label(place, "curves"), message,
                        "lower the shape, raise scale_gbp or give the programme a maximum",
                        row=row_number(i), column="shape",
                        value=number_text(shape))  # fmt: skip


def points_without_a_curve(place: Place) -> Iterator[Finding]:
    """Findings on points without a curve, and on effects that fall as spending rises."""
    curves, points = place.curves, place.curve_points
    file = table_label(place, "curve_points")
    known = _pairs(curves[curves["form"] == "points"], "programme_id", "outcome_id")
    pairs = list(zip(points["programme_id"], points["outcome_id"], strict=True))
    for i, pair in enumerate(pairs):
        if pair not in known:
            message = f"curves has no curve of form points for {pair[0]} and {pair[1]}"
            yield error(file, message, "add it there, or delete the point",
                        row=row_number(i), column="programme_id", value=pair[0])  # fmt: skip
    ordered = points.sort_values(["programme_id", "outcome_id", "spend_gbp"])
    is_falling = ordered.groupby(["programme_id", "outcome_id"])["effect"].diff() < 0
    for i in sorted(ordered.index[is_falling.to_numpy()]):
        yield warning(file, "the effect falls while spending rises", "check the point",
                      row=row_number(i), column="effect",
                      value=number_text(points['effect'].iloc[i]))  # fmt: skip


def outcomes_without_curve(place: Place) -> Iterator[Finding]:
    """Warnings for outcomes with a standard or target but no programme that affects them."""
    outcomes = place.outcomes
    with_curve = set(place.curves["outcome_id"])
    has_requirement = outcomes["minimum_standard"].notna() | outcomes["target"].notna()
    for i, (outcome, is_required) in enumerate(
        zip(outcomes["outcome_id"], has_requirement, strict=True)
    ):
        if is_required and outcome not in with_curve:
            yield warning(
                table_label(place, "outcomes"),
                "no programme has a curve for this outcome",
                "give one in curves, or drop its standard and target",
                row=row_number(i),
                column="outcome_id",
                value=outcome,
            )


def provision_without_demand(place: Place) -> Iterator[Finding]:
    """Errors for units that serve an outcome of which higher is better, or that serve nothing."""
    provision, file = place.provision, table_label(place, "provision")
    direction = dict(zip(place.outcomes["outcome_id"], place.outcomes["direction"], strict=True))
    for i, (outcome, capacity) in enumerate(
        zip(provision["outcome_id"], provision["unit_capacity"], strict=True)
    ):
        if direction.get(outcome) == "higher":
            message = "units serve a demand, but of this outcome higher is better"
            yield error(file, message, "name an outcome of which lower is better",
                        row=row_number(i), column="outcome_id", value=outcome)  # fmt: skip
        if capacity <= 0:
            yield error(file, "a unit serves nothing", "give a number above 0", row=row_number(i),
                        column="unit_capacity", value=number_text(capacity))  # fmt: skip


def amounts_in_thousands(place: Place) -> Iterator[Finding]:
    """Warnings for amounts that are probably in thousands of pounds.

    An amount is suspicious if another year of the same line has over 500 times as much, or if units
    cost more than their programme spends.
    """
    for table, keys in (
        ("spending", ["programme_id", "stream_id"]),
        ("stream_amounts", ["stream_id"]),
    ):
        rows = place.tables[table]
        largest = rows["amount_gbp"].where(rows["amount_gbp"] > 0)
        largest = largest.groupby([rows[key] for key in keys]).transform("max")
        ratio = largest / rows["amount_gbp"].where(rows["amount_gbp"] > 0)
        for i in np.flatnonzero((ratio > 500).to_numpy()):
            message = (
                f"another year of the same has {largest.iloc[i]:.2f}, {ratio.iloc[i]:.0f} times it"
            )
            yield warning(
                table_label(place, table),
                message,
                "give both in pounds, not in thousands",
                row=row_number(i),
                column="amount_gbp",
                value=number_text(rows["amount_gbp"].iloc[i]),
            )
    years = place.spending["year"]
    last = place.spending[years == years.max()] if len(years) else place.spending
    spent = last.groupby("programme_id")["amount_gbp"].sum()
    demand = place.outcomes.drop_duplicates("outcome_id").set_index("outcome_id")["baseline"]
    columns = ("programme_id", "outcome_id", "unit_capacity", "unit_cost_gbp_per_year")
    rows_of_units = zip(*(place.provision[name].tolist() for name in columns), strict=True)
    for position, (programme, outcome, capacity, cost) in enumerate(rows_of_units):
        if not capacity > 0 or programme not in spent.index:
            continue
        units, current_spend = (
            np.ceil(demand.get(outcome, np.nan) / capacity - 1e-6),
            spent[programme],
        )
        if units * cost > current_spend * (1 + 1e-6) + 1:
            message = f"today's {units:.0f} units cost {units * cost:.2f}, but {programme}"
            yield warning(table_label(place, "provision"), f"{message} spends {current_spend:.2f}",
                          "correct the cost of a unit, or the spending", row=row_number(position),
                          column="unit_cost_gbp_per_year", value=number_text(cost))  # fmt: skip


def rewards_without_range(place: Place) -> Iterator[Finding]:
    """Errors for rewards without a stretch better than the target, and for clawbacks without a
    value worse than it."""
    rows, file = place.outcomes, table_label(place, "outcomes")
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    stretch_gain = sign * (rows["stretch"].to_numpy(float) - rows["target"].to_numpy(float))
    for i in np.flatnonzero(
        (rows["reward_gbp_per_unit"].to_numpy(float) > 0) & ~(stretch_gain > 0)
    ):
        message = "a reward needs a target and a stretch that is better than it"
        yield error(file, message, "give both, or take the reward out", row=row_number(i),
                    column="stretch", value=number_text(rows["stretch"].iloc[i]))  # fmt: skip
    target, clawback_end = rows["target"].to_numpy(float), rows["clawback_until"].to_numpy(float)
    for i in np.flatnonzero(rows["clawback_gbp_per_unit"].to_numpy(float) > 0):
        if np.isnan(target[i]):
            yield error(file, "money goes back for a target missed, and there is no target",
                        "give the target, or take the clawback out", row=row_number(i),
                        column="clawback_gbp_per_unit",
                        value=number_text(rows["clawback_gbp_per_unit"].iloc[i]))  # fmt: skip
        elif sign[i] * (target[i] - clawback_end[i]) <= 0:
            yield error(file, "the clawback ends at a value that is not worse than the target",
                        "give a worse value, or leave it empty", row=row_number(i),
                        column="clawback_until", value=number_text(clawback_end[i]))  # fmt: skip


def inconsistent_provider_terms(place: Place) -> Iterator[Finding]:
    """Errors for provider terms: empty scales, clawback or withholding above the price, outcomes
    whose effects do not add up."""
    rows, file = place.provider_terms, table_label(place, "provider_terms")
    outcomes = place.outcomes.drop_duplicates("outcome_id").set_index("outcome_id")
    paired = set(place.combinations["outcome_id"])
    withheld = rows.groupby("programme_id")["withheld_share"].transform("sum")
    paid_at_once = rows["gbp_per_unit"] * (1 - rows["deferred_share"])
    for i, key in enumerate(rows["outcome_id"]):
        faults, row = [], rows.iloc[i]
        if key in outcomes.index:
            sign = -1.0 if outcomes.at[key, "direction"] == "lower" else 1.0
            if not sign * (row["paid_to"] - row["paid_from"]) > 0:
                faults.append(("paid_to", "the scale ends where it is not better than at its start",
                              "give a value better than paid_from"))  # fmt: skip
            if outcomes.at[key, "combination"] != "add" or key in paired:
                faults.append(("outcome_id", "programmes do not add up on this outcome",
                              "pay for an outcome whose combination is add"))  # fmt: skip
        if row["clawback_gbp_per_unit"] > paid_at_once.iloc[i] + _TOLERANCE_GBP:
            faults.append(("clawback_gbp_per_unit", "more goes back than was paid by then",
                          f"give at most {paid_at_once.iloc[i]:.2f}"))  # fmt: skip
        if withheld.iloc[i] > 1 + 1e-9:
            faults.append(("withheld_share", "more than the whole price is withheld",
                          "let the programme's rows come to at most 1"))  # fmt: skip
        for column, message, remedy in faults:
            yield error(file, message, remedy, row=row_number(i), column=column,
                        value=str(row[column]))  # fmt: skip
    yield from providers_at_a_loss(place)


def providers_at_a_loss(place: Place) -> Iterator[Finding]:
    """Errors for providers, other than donors, from whom more is withheld than results can pay, and
    for programmes whose rows disagree on whether the provider is a donor."""
    rows, file = place.provider_terms, table_label(place, "provider_terms")
    programmes = place.programmes
    scale = dict(
        zip(programmes["programme_id"], programmes["minimum_scale_gbp_per_year"], strict=True)
    )
    paid = rows["gbp_per_unit"] * (rows["paid_to"] - rows["paid_from"]).abs()
    for programme, own_rows in rows.groupby("programme_id"):
        row, donor = row_number(int(own_rows.index[0])), own_rows["donor"]
        if donor.any() and not donor.all():
            yield error(file, f"some rows of {programme} name its provider a donor, some do not",
                        "say the same in all of them", row=row, column="donor")  # fmt: skip
        if donor.any() or programme not in scale:
            continue
        share, maximum = float(own_rows["withheld_share"].sum()), float(paid[own_rows.index].sum())
        minimum = share * float(scale[programme])
        if share > 0 and (maximum <= 0 or maximum < minimum - _TOLERANCE_GBP):
            withheld = f"at least {pounds_and_pence(minimum)} are withheld"
            message = f"results pay at most {pounds_and_pence(maximum)} a year, and "
            message += withheld if minimum else "a share is withheld"
            yield error(file, message, "pay more for results, withhold less, or name the provider "
                        "a donor (donor = yes)", row=row, column="gbp_per_unit",
                        value=str(own_rows["gbp_per_unit"].iloc[0]))  # fmt: skip


def commitments_above_maximum(place: Place) -> Iterator[Finding]:
    """Errors for contracted spending above a programme's maximum; actual figures are exempt."""
    rows = place.commitments
    maximum = place.programmes.drop_duplicates("programme_id").set_index("programme_id")
    limit = rows["programme_id"].map(maximum["maximum_gbp_per_year"]).astype(float)
    over = (rows["kind"] == "contracted") & (rows["amount_gbp"] > limit + _TOLERANCE_GBP)
    for i in over.to_numpy().nonzero()[0]:
        message = f"more than the programme's maximum of {limit.iloc[i]:.2f}"
        yield error(table_label(place, "commitments"), message, "correct one of the two",
                    row=row_number(i), column="amount_gbp",
                    value=number_text(rows["amount_gbp"].iloc[i]))  # fmt: skip


def _pairs(frame: pd.DataFrame, first: str, second: str) -> set[tuple[str, str]]:
    return set(zip(frame[first], frame[second], strict=True))
