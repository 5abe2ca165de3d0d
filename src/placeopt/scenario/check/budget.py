"""Check the rules of a budget for contradictions with the place, one another or themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding
from placeopt.scenario.faults import TomlFile, as_warning, fault, suggest
from placeopt.scenario.positions import Path
from placeopt.scenario.rules.budget.money import (
    Commissioning,
    OneBudget,
    Outcomes,
    Pace,
    Statutory,
    Streams,
    Uncertainty,
)
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.scenario import Scenario
from placeopt.scenario.wording import pounds

if TYPE_CHECKING:
    from placeopt.place import Place

MAX_REDUCTION_SHARE = 0.5  # a larger yearly reduction is implausible
GRADES = ("", *(str(grade) for grade in range(1, 7)))
# times by which a standard of the scenario may differ from the outcome's baseline
MAX_STANDARD_RATIO = 5.0


def budget_contradictions(
    place: Place,
    scenario: Scenario,
    rules_with_location: list[tuple[Rule, Path, TomlFile]],
    sources: Sequence[TomlFile],
) -> Iterator[Finding]:
    """Findings on the rules of a budget that are contradictory or implausible."""
    yield from _years_without_money(place, scenario, sources)
    for rule, path, source in rules_with_location:
        if isinstance(rule, OneBudget):
            yield from _total_findings(place, scenario, rule, path, source)
        elif isinstance(rule, Statutory):
            yield from _floor_findings(place, rule, path, source)
        elif isinstance(rule, Streams):
            yield from _release_findings(place, rule, path, source)
        elif isinstance(rule, Outcomes):
            yield from _outcome_findings(place, scenario, rule, path, source)
        elif isinstance(rule, Uncertainty):
            yield from _spread_findings(place, rule, path, source)
        elif isinstance(rule, Commissioning):
            yield from _coherent_findings(rule, path, source)
        elif isinstance(rule, Pace):
            yield from _pace_findings(rule, path, source)


def _years_without_money(
    place: Place, scenario: Scenario, sources: Sequence[TomlFile]
) -> Iterator[Finding]:
    """Errors for decided years after the last stream amounts."""
    years = place.stream_amounts["year"]
    if scenario.year is None or not len(years) or not scenario.of(Streams):
        return
    last = int(years.max())
    if scenario.year > last:
        message = f"stream_amounts.csv goes to {last}"
        yield fault(sources, ("year",), scenario.year, message, "decide earlier years, or add the "
                    "amounts", "year")  # fmt: skip
    elif scenario.year + scenario.years - 1 > last:
        message = f"years to {scenario.year + scenario.years - 1} are decided, and "
        message += f"stream_amounts.csv goes to {last}"
        yield fault(sources, ("years",), scenario.years, message, "decide fewer years, or add the "
                    "amounts", "years")  # fmt: skip


def _sum_of_floors(place: Place, scenario: Scenario) -> float:
    """The sum of the floors in force (GBP a year)."""
    rules = scenario.of(Statutory)
    if not rules:
        return 0.0
    table = place.programmes.drop_duplicates("programme_id").set_index("programme_id")
    floors = table["statutory_floor_gbp_per_year"].astype(float).to_dict()
    stated = {key: gbp for rule in rules for key, gbp in rule.floors_gbp.items() if key in floors}
    return float(sum({**floors, **stated}.values()))


def _total_findings(
    place: Place, scenario: Scenario, rule: OneBudget, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Warnings for totals below the floors, above the streams' amounts, or reduced implausibly."""
    key = "total_gbp" if rule.total_gbp is not None else "reduction_share"
    stated = rule.stated if isinstance(rule.stated, tuple) else (rule.stated,)
    spending = place.spending
    spent = float(spending.loc[spending["year"] == spending["year"].max(), "amount_gbp"].sum())
    floor, label = _sum_of_floors(place, scenario), f"one_budget.{key}"
    amounts = place.stream_amounts
    year = scenario.year
    for position, value in enumerate(stated[: scenario.years]):
        total, path_of_value = rule.total(spent, position), (*path, key, position)
        if total < floor and not (rule.carry_over and rule.opening_reserve_gbp > 0):
            message = f"a total of {pounds(total)} is below the statutory floors, {pounds(floor)}"
            yield as_warning(
                fault(
                    [source], path_of_value, value, message, "give more, or lower the floors", label
                )
            )
        elif key == "reduction_share" and abs(value) > MAX_REDUCTION_SHARE:
            message = "more than half of all spending"
            yield as_warning(fault([source], path_of_value, value, message,
                             "give a share: 0.08 is 8 % less", label))  # fmt: skip
        if year is None or not scenario.of(Streams):
            continue
        income = float(amounts.loc[amounts["year"] == year + position, "amount_gbp"].sum())
        reserve = rule.opening_reserve_gbp if rule.carry_over else 0.0
        if key == "total_gbp" and income > 0 and total > 1.05 * income + reserve:
            message = f"only {pounds(income)} come in by the streams of {year + position}"
            yield as_warning(fault([source], path_of_value, f"{value:g}", message,
                             "give a total within them, or correct stream_amounts.csv",
                             label))  # fmt: skip
    if rule.opening_reserve_gbp > 0 and not rule.carry_over:
        yield as_warning(
            fault(
                [source],
                (*path, "opening_reserve_gbp"),
                f"{rule.opening_reserve_gbp:g}",
                "without carry_over the reserve stays as it is",
                "say carry_over = true",
                "one_budget.opening_reserve_gbp",
            )
        )
    elif rule.opening_reserve_gbp > spent > 0:
        yield as_warning(
            fault(
                [source],
                (*path, "opening_reserve_gbp"),
                f"{rule.opening_reserve_gbp:g}",
                f"more than a year's spending, {pounds(spent)}",
                "give pounds",
                "one_budget.opening_reserve_gbp",
            )
        )


def _floor_findings(
    place: Place, rule: Statutory, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Warnings for floors above a programme's maximum."""
    table = place.programmes.drop_duplicates("programme_id").set_index("programme_id")
    for key, floor in rule.floors_gbp.items():
        maximum = float(table["maximum_gbp_per_year"].astype(float).get(key, float("nan")))
        if floor > maximum:
            message = f"programmes.csv says that at most {pounds(maximum)} can be spent"
            yield as_warning(fault([source], (*path, "floors_gbp", key), f"{floor:g}", message,
                        "give a floor below it", f"statutory.floors_gbp.{key}"))  # fmt: skip


def _release_findings(
    place: Place, rule: Streams, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Warnings for released ring-fences of streams that have none."""
    unfenced = set(place.streams.loc[~place.streams["ring_fenced"], "stream_id"])
    for i, key in enumerate(rule.release):
        if key in unfenced:
            yield as_warning(
                fault(
                    [source],
                    (*path, "release", i),
                    key,
                    "the stream is not ring-fenced",
                    "take it out",
                    "streams.release",
                )
            )


def _outcome_findings(
    place: Place, scenario: Scenario, rule: Outcomes, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Warnings for standards far from the baseline, and for parameters without effect."""
    uses_prices = "priced" in {rule.targets, *(terms.targets for terms in rule.outcome.values())}
    if "shortfall_price" in rule.model_fields_set and not uses_prices:
        yield as_warning(fault([source], (*path, "shortfall_price"), rule.shortfall_price,
                         "it does nothing where targets are not priced",
                         'say targets = "priced", or take it out',
                         "outcomes.shortfall_price"))  # fmt: skip
    if rule.deferred_share > 0 and not (place.outcomes["reward_gbp_per_unit"] > 0).any():
        yield as_warning(fault([source], (*path, "deferred_share"), rule.deferred_share,
                         "no outcome has a reward", "take it out",
                         "outcomes.deferred_share"))  # fmt: skip
    columns = ("outcome_id", "baseline", "unit")
    known = {key: (today, unit) for key, today, unit in zip(
        *(place.outcomes[column].tolist() for column in columns), strict=True)}  # fmt: skip
    for key, terms in rule.outcome.items():
        if key not in known:
            continue
        baseline, unit = known[key]
        today = abs(baseline)
        for name in ("minimum_standard", "target"):
            value = getattr(terms, name)
            if value is None or today == 0:
                continue
            if value < 0 <= baseline or not (
                today / MAX_STANDARD_RATIO <= abs(value) <= MAX_STANDARD_RATIO * today
            ):
                path_of_value, label = (
                    (*path, "outcome", key, name),
                    f"outcomes.outcome.{key}.{name}",
                )
                message = f"today's value is {today:g}"
                yield as_warning(
                    fault([source], path_of_value, value, message, f"give {unit}", label)
                )


def _spread_findings(
    place: Place, rule: Uncertainty, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """Findings on spreads below 0, of unknown grades, or implausibly large."""
    for grade, spread in rule.spread_by_grade.items():
        path_of_value, label = (
            (*path, "spread_by_grade", grade),
            f"uncertainty.spread_by_grade.{grade}",
        )
        if grade not in GRADES:
            yield fault([source], path_of_value, spread, "there is no such evidence grade",
                        suggest(grade, GRADES), label)  # fmt: skip
        elif spread < 0:
            yield fault([source], path_of_value, spread, "this is below 0", "give a share", label)
        elif spread > 2:
            yield as_warning(
                fault(
                    [source],
                    path_of_value,
                    spread,
                    "a spread of more than twice the effect",
                    "give a share: 0.3 is 30 %",
                    label,
                )
            )
    if "tail_share" in rule.model_fields_set and rule.holds == "every":
        yield as_warning(fault([source], (*path, "tail_share"), rule.tail_share,
                         'it does nothing with holds = "every"', 'say holds = "tail"',
                         "uncertainty.tail_share"))  # fmt: skip


def _coherent_findings(rule: Commissioning, path: Path, source: TomlFile) -> Iterator[Finding]:
    """Errors for coherent groups of fewer than two programmes."""
    for i, group in enumerate(rule.coherent):
        if len(set(group)) < 2:
            yield fault([source], (*path, "coherent", i), ", ".join(group),
                        "a group of fewer than two programmes binds nothing",
                        "name two or more", "commissioning.coherent")  # fmt: skip


def _pace_findings(rule: Pace, path: Path, source: TomlFile) -> Iterator[Finding]:
    """A warning for an implausibly large rise."""
    rise = rule.largest_rise_share
    if rise is not None and rise > 10:
        yield as_warning(fault([source], (*path, "largest_rise_share"), rise,
                         "a rise to more than eleven times what was spent",
                         "give a share: 0.3 is 30 % more", "pace.largest_rise_share"))  # fmt: skip
