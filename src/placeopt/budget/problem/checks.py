"""Checks of a place and a scenario before a budget is solved for them.

All faults are found at once: faults of the place as ``PlaceError``, of the scenario as
``ScenarioError``. Warnings for the reader of the plan are returned as a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from placeopt.base.errors import Finding, PlaceError, ScenarioError, errors_among
from placeopt.budget.appraisal.optimism_bias import without_grade
from placeopt.budget.curves.base import FORMS
from placeopt.budget.curves.combination import combination_faults
from placeopt.budget.curves.forms import Points
from placeopt.budget.problem import money, outcomes, response_curves
from placeopt.budget.problem.arrays import OBJECTIVES
from placeopt.place import Place, dictionary
from placeopt.place.check.benefits import benefit_findings
from placeopt.place.check.budget import (
    inconsistent_provider_terms,
    saturation_without_gain,
)
from placeopt.scenario import RULES, Rule, Scenario
from placeopt.scenario.benefit_years import MAX_EXTRA_YEARS, lasting_effect_years
from placeopt.scenario.check.all_checks import add_lines
from placeopt.scenario.rules.budget.money import (
    Capital,
    Commissioning,
    NobodyWorseOff,
    OneBudget,
    Outcomes,
    Pace,
    Statutory,
    Streams,
    ThroughThePlace,
    Uncertainty,
)
from placeopt.scenario.wording import pounds

SUSPICIOUS_TOTAL_SHARE = 0.01  # of today's spending: smaller totals look like thousands of pounds


def require(place: Place, scenario: Scenario) -> tuple[Finding, ...]:
    """Check a place and a scenario.

    Args:
        place: The place.
        scenario: The scenario.

    Returns:
        Warnings.

    Raises:
        PlaceError: With all faults in the place's budget tables.
        ScenarioError: With all faults in the scenario, where the tables have none.
    """
    in_place, in_scenario = _findings(place, scenario)
    if faults := errors_among(in_place):
        raise PlaceError(faults, "faults in the place's budget tables")
    if faults := errors_among(in_scenario):
        raise ScenarioError(faults, "faults in the budget scenario")
    return (*in_place, *in_scenario)


def check(place: Place, scenario: Scenario) -> list[Finding]:
    """Everything found in the place's budget tables and in the scenario, warnings included."""
    in_place, in_scenario = _findings(place, scenario)
    return [*in_place, *in_scenario]


def _findings(place: Place, scenario: Scenario) -> tuple[list[Finding], list[Finding]]:
    """What is found in the tables, and in the scenario where the tables have no errors."""
    in_place = list(check_place(place, scenario))
    if scenario.money.optimism_bias:
        in_place += without_grade(place)
    return in_place, [] if errors_among(in_place) else list(check_scenario(place, scenario))


def check_place(place: Place, scenario: Scenario) -> Iterator[Finding]:
    """Faults and warnings in the budget tables, for the year that the scenario decides."""
    for table in ("programmes", "streams", "spending", "outcomes"):
        if len(place.tables[table]) == 0:
            yield _fault(table, None, None, None, "the table is empty", "a budget needs it")
    dangling = list(_unknown_ids(place))
    yield from dangling
    if dangling or len(place.spending) == 0 or len(place.programmes) == 0:
        return
    yield from errors_among(benefit_findings(place))
    yield from inconsistent_provider_terms(place)
    yield from saturation_without_gain(place)
    yield from _missing_amounts(place, scenario)
    yield from _curves(place)
    yield from _ring_fences_today(place, scenario)
    with_effect = {*place.curves["programme_id"], *place.provision["programme_id"]}
    is_without = ~place.programmes["programme_id"].isin(with_effect)
    for row in place.programmes.index[is_without]:
        key = place.programmes.at[row, "programme_id"]
        message = "no curve: no outcome depends on it, so a plan may cut it to its floor"
        remedy = "add a curve, or a floor if it must be kept"
        yield _fault("programmes", row, "programme_id", key, message, remedy, severity="warning")


def check_scenario(place: Place, scenario: Scenario) -> Iterator[Finding]:
    """Faults and warnings in what the scenario asks of this place, with line numbers."""
    yield from add_lines(scenario, _scenario_findings(place, scenario))


def _scenario_findings(place: Place, scenario: Scenario) -> Iterator[Finding]:
    file = scenario.path.name if scenario.path else "scenario"
    for kind in [kind for (problem_name, _), kind in RULES.items() if problem_name == "budget"]:
        if len(scenario.of(kind)) > 1:
            message = f"the rule {kind.name} is given {len(scenario.of(kind))} times"
            yield Finding("error", file, None, "rules", kind.name, message, "give it once")
    objective_names = objectives(scenario)
    for name in objective_names:
        if name not in OBJECTIVES and name != "weighted":
            remedy = f"choose from {', '.join(OBJECTIVES)} and weighted"
            yield Finding("error", file, None, "minimise", name, "no such budget objective", remedy)
    id_parameters: list[tuple[type[Rule], str, str, str]]
    id_parameters = [(Streams, "release", "streams", "stream_id")]
    id_parameters += [(Statutory, "floors_gbp", "programmes", "programme_id")]
    id_parameters += [(Pace, "exempt", "programmes", "programme_id")]
    id_parameters += [(NobodyWorseOff, "only_together", "outcomes", "outcome_id")]
    id_parameters += [(Outcomes, "outcome", "outcomes", "outcome_id")]
    for owner, parameter, table, key in id_parameters:
        known_ids = set(place.tables[table][key])
        for rule in scenario.of(owner):
            for name in getattr(rule, parameter):
                if name not in known_ids:
                    remedy = f"name one of the {len(known_ids)} ids in {table}"
                    message = f"no such {key} in the place"
                    yield Finding("error", file, None, parameter, name, message, remedy)
    yield from _firm_ring_fences(place, scenario, file)
    yield from _years(place, scenario, file)
    yield from _against_today(place, scenario, file)
    known_ids = set(place.programmes["programme_id"])
    for rule in scenario.of(Commissioning):
        for name in {key for group in rule.coherent for key in group} - known_ids:
            remedy = f"name one of the {len(known_ids)} ids in programmes"
            message = "no such programme_id in the place"
            yield Finding("error", file, None, "coherent", name, message, remedy)
    for rule in scenario.of(Uncertainty):
        for grade in sorted(set(response_curves.grades(place)) - set(rule.spread_by_grade)):
            message, remedy = "curves have this evidence grade, the rule no spread", "state one"
            yield Finding("error", file, None, "spread_by_grade", grade, message, remedy)
    yield from combination_faults(place)
    yield from _targets(place, scenario, file)


def _firm_ring_fences(place: Place, scenario: Scenario, file: str) -> Iterator[Finding]:
    """Released ring-fences that are not negotiable."""
    rows = place.streams
    firm = set(rows.loc[rows["ring_fenced"] & ~rows["negotiable"], "stream_id"])
    for rule in scenario.of(Streams):
        for key in rule.release:
            if key in firm:
                message = "streams.csv says that its ring-fence is not negotiable"
                remedy = "take it out of release, or say negotiable = yes where it may be asked for"
                yield Finding("error", file, None, "release", key, message, remedy)


def _years(place: Place, scenario: Scenario, file: str) -> Iterator[Finding]:
    """Lists without one number for each decided year; fewer counted years than decided ones."""
    number_lists: list[tuple[str, Any]] = [
        ("stated", rule.stated) for rule in scenario.of(OneBudget)
    ]
    number_lists += [("receipts_gbp", rule.receipts_gbp) for rule in scenario.of(Capital)]
    for name, stated_numbers in number_lists:
        if isinstance(stated_numbers, tuple) and len(stated_numbers) != scenario.years:
            key = "total_gbp or reduction_share" if name == "stated" else name
            message = f"{len(stated_numbers)} numbers for {scenario.years} decided years"
            remedy = "give one number, or one for each year"
            yield Finding("error", file, None, key, str(stated_numbers), message, remedy)
    yield from _uncounted_effects(place, scenario, file)
    counted = scenario.money.benefit_years
    if counted is not None and counted < scenario.years:
        message = f"fewer than the {scenario.years} decided years"
        yield Finding("error", file, None, "benefit_years", str(counted), message, "give more")


def _uncounted_effects(place: Place, scenario: Scenario, file: str) -> Iterator[Finding]:
    """Effects that last longer than is counted, where the scenario does not state how long to
    count."""
    felt, least = lasting_effect_years(place), scenario.money.benefit_years
    if least is None and felt > MAX_EXTRA_YEARS:
        message = f"effects last {felt} years after the decided ones; {MAX_EXTRA_YEARS} are counted"
        remedy = f"state benefit_years under [money]: {scenario.years + felt} count them all"
        yield Finding("warning", file, None, "benefit_years", "", message, remedy)


def _against_today(place: Place, scenario: Scenario, file: str) -> Iterator[Finding]:
    """A first year in the past; a total so small that it must be in thousands or millions."""
    last = int(place.spending["year"].max())
    if scenario.year is not None and scenario.year <= last:
        message = f"spending is stated up to {last}, so that this year is past"
        yield Finding("error", file, None, "year", str(scenario.year), message,
                      f"decide a year from {last + 1} on")  # fmt: skip
    spent = float(place.spending.loc[place.spending["year"] == last, "amount_gbp"].sum())
    for rule in scenario.of(OneBudget):
        given = rule.total_gbp if isinstance(rule.total_gbp, tuple) else (rule.total_gbp,)
        for gbp in given:
            if gbp is not None and 0 < gbp < SUSPICIOUS_TOTAL_SHARE * spent:
                message = f"under a hundredth of the {pounds(spent)} spent in {last}"
                yield Finding("warning", file, None, "total_gbp", f"{gbp:g}", message,
                              "give it in pounds, not in thousands")  # fmt: skip


def _targets(place: Place, scenario: Scenario, file: str) -> Iterator[Finding]:
    """Outcomes without a target, which cannot be counted in ranges."""
    named = {*objectives(scenario), *scenario.objective.weights}
    needs = {"weighted_outcomes", "fairest"} & named
    reach, rows = outcomes.ranges(place, scenario), place.outcomes
    if "weighted_outcomes" in needs:
        weight = rows["weight"].to_numpy(float)
        for row in np.flatnonzero(~np.isfinite(reach) & (weight > 0)):
            message = "a weight and no target that differs from the baseline, so that "
            message += f"weighted_outcomes cannot count {rows.at[row, 'outcome_id']!s}"
            remedy = "give a target, or leave the weight empty"
            yield _fault("outcomes", row, "weight", f"{weight[row]:g}", message, remedy)
    if needs:
        yield from _nothing_to_gain(place, scenario, reach)
    if needs and not np.isfinite(reach).any():
        message = "no outcome has a target that differs from its baseline, so none can be counted"
        yield Finding("error", file, None, "minimise", min(needs), message, "give a target")
    elif needs:
        for row in np.flatnonzero(~np.isfinite(reach)):
            key = place.outcomes.at[row, "outcome_id"]
            message = "no target that differs from the baseline: not counted in the objective"
            remedy = "give a target if it is to count"
            yield _fault("outcomes", row, "target", key, message, remedy, severity="warning")


def _nothing_to_gain(place: Place, scenario: Scenario, reach: Any) -> Iterator[Finding]:
    """Outcomes of which no improvement would count.

    The level at which they saturate is no better than the baseline. Where ``saturates_at`` is
    stated, ``saturation_without_gain`` reports it.
    """
    rows, target = place.outcomes, outcomes.targets(place, scenario)
    keys, stretch = rows["outcome_id"].to_numpy(str), rows["stretch"].to_numpy(float)
    has_weight = outcomes.weights(rows["weight"], reach) > 0
    sign = np.where(rows["direction"] == "lower", -1.0, 1.0)
    gains = sign * (outcomes.saturation(rows, target) - rows["baseline"].to_numpy(float))
    for row in np.flatnonzero(has_weight & ~(gains > 0) & rows["saturates_at"].isna().to_numpy()):
        column = "target" if np.isnan(stretch[row]) else "stretch"
        level = target[row] if column == "target" else stretch[row]
        message = f"no better than the baseline of {keys[row]}, so that no "
        message += "improvement would count in the objective"
        remedy = "give a better one or saturates_at, or beyond = counts, or a weight of 0"
        yield _fault("outcomes", row, column, f"{level:g}", message, remedy)


def _unknown_ids(place: Place) -> Iterator[Finding]:
    """Ids that no table defines."""
    tables: tuple[str, ...] = ("spending", "curves", "curve_points", "stream_amounts")
    tables += ("stream_programmes", "provision", "commitments", "benefits", "combinations")
    tables += ("provider_terms",)
    for table in tables:
        for column in dictionary()[table]:
            if column.references:
                other, key = column.references
                values = place.tables[table][column.name]
                is_known = values.isin(place.tables[other][key])
                if not column.required:
                    is_known |= values == ""
                for row in values.index[~is_known]:
                    message, remedy = f"no such id in {other}", f"give an id of {other}"
                    yield _fault(table, row, column.name, values[row], message, remedy)


def _missing_amounts(place: Place, scenario: Scenario) -> Iterator[Finding]:
    needs = (Streams, ThroughThePlace, NobodyWorseOff, Capital)
    if not any(scenario.of(kind) for kind in needs):
        return
    last = int(place.spending["year"].max())
    for year in money.decided_years(place, scenario):
        if year <= last:
            continue  # reported as a fault of the scenario
        _, is_stated = money.amounts(place, int(year))
        for row in np.flatnonzero(~is_stated):
            key = place.streams.at[row, "stream_id"]
            message = f"no amount for the decided year {year}"
            remedy = "add a row (0 if it brings in nothing), or set other years in the scenario"
            yield _fault("stream_amounts", None, "stream_id", key, message, remedy)


def _curves(place: Place) -> Iterator[Finding]:
    rows = place.curves
    pointed = set(
        zip(place.curve_points["programme_id"], place.curve_points["outcome_id"], strict=True)
    )
    for at in np.flatnonzero(rows["persistence_share"].to_numpy(float) >= 1):
        message, remedy = "an effect that never ends never begins", "give a share below 1"
        yield _fault("curves", at, "persistence_share", "1", message, remedy)
    row: Any
    for row in rows.itertuples():
        key = f"{row.programme_id}, {row.outcome_id}"
        if row.form == Points.name:
            if (row.programme_id, row.outcome_id) not in pointed:
                message = "the curve has no points"
                yield _fault("curves", row.Index, "form", key, message, "add rows to curve_points")
            continue
        if row.form not in FORMS:
            message, remedy = "no such form of curve", f"choose from {', '.join(FORMS)}"
            yield _fault("curves", row.Index, "form", row.form, message, remedy)
            continue
        for column in ("maximum_effect", "scale_gbp", "shape"):
            value = getattr(row, column)
            zero = column != "maximum_effect" and value == 0
            if pd.isna(value) or value < 0 or zero:
                message = f"a curve of the form {row.form} needs it"
                shown = "" if pd.isna(value) else str(value)
                yield _fault("curves", row.Index, column, shown, message, "give a number above 0")


def _ring_fences_today(place: Place, scenario: Scenario) -> Iterator[Finding]:
    """Payments of the base year that the ring-fences would not allow."""
    if not scenario.of(Streams):
        return
    allowed = money.may_pay(place, scenario.of(Streams)[0])
    rows = place.spending[place.spending["year"] == place.spending["year"].max()]
    p = pd.Index(place.programmes["programme_id"]).get_indexer(rows["programme_id"])
    f = pd.Index(place.streams["stream_id"]).get_indexer(rows["stream_id"])
    is_outside = ~allowed[p, f] & (rows["amount_gbp"] > 0).to_numpy()
    for row in rows.index[is_outside]:
        key = rows.at[row, "stream_id"]
        message = f"paid for {rows.at[row, 'programme_id']}, which its ring-fence does not allow"
        remedy = "name the programme in stream_programmes if it is allowed"
        yield _fault("spending", row, "stream_id", key, message, remedy, severity="warning")


def _fault(
    table: str,
    row: Any,
    column: str | None,
    value: Any,
    message: str,
    remedy: str,
    *,
    severity: str = "error",
) -> Finding:
    counted = None if row is None else int(row) + 2
    return Finding(severity, f"{table}.csv", counted, column, value, message, remedy)  # type: ignore[arg-type]


def objectives(scenario: Scenario) -> tuple[str, ...]:
    """The scenario's objectives; weighted outcomes where it names none."""
    if "objective" not in scenario.model_fields_set:
        return ("weighted_outcomes",)
    return scenario.objective.minimise
