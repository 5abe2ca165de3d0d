"""Find settings that a solve would refuse, before it starts.

Nothing that passes these checks is refused later (``tests/test_refuses_nothing.py``). Minutes are
not measured here; the scenario's cutoff is used as their upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path as File
from typing import TYPE_CHECKING

from placeopt.base.errors import Finding, InputError
from placeopt.scenario.faults import TomlFile, fault
from placeopt.scenario.positions import Path
from placeopt.scenario.rules.estate.services import Behaviour, Hosted, Opened
from placeopt.scenario.rules.rule import Rule
from placeopt.scenario.scenario import Scenario

if TYPE_CHECKING:
    from placeopt.place import Place

# nearness goes down to exp(-this): 1e-26, where sums of it still are exact
MAX_DECAY_EXPONENT = 60.0


def solvable_findings(
    place: Place,
    scenario: Scenario,
    files: list[TomlFile],
    rules_with_location: list[tuple[Rule, Path, TomlFile]],
) -> Iterator[Finding]:
    """Errors for settings of a scenario that a solve would refuse."""
    if scenario.problem == "joint":
        yield fault(files, ("problem",), "joint", "this problem cannot be solved yet",
                    "use estate or budget", "problem")  # fmt: skip
    if scenario.problem != "estate":
        return
    for kind in (Hosted, Opened):
        if not scenario.of(kind):
            yield fault(files, ("drop",), kind.name, "the rule says what a plan is and cannot be "
                        "dropped", "take it out of drop", "drop")  # fmt: skip
    for rule, path, source in rules_with_location:
        if isinstance(rule, Behaviour):
            yield from _decay_findings(scenario, rule, path, source)
    yield from _too_many_minutes(place, scenario, files)
    yield from _streets_findings(scenario, files)
    yield from _matrix_findings(place, scenario, files)


def _decay_findings(
    scenario: Scenario, rule: Behaviour, path: Path, source: TomlFile
) -> Iterator[Finding]:
    """An error for a distance decay that underflows within the cutoff."""
    if rule.residents != "decay":
        return
    cutoff = scenario.travel.cutoff_minutes
    farthest = math.log(max(cutoff, 1.0)) if rule.exponent is not None else cutoff
    key = "exponent" if rule.exponent is not None else "decay_per_minute"
    value = rule.exponent if rule.exponent is not None else rule.decay_per_minute or 0.0
    if value * farthest > MAX_DECAY_EXPONENT:
        message = f"so steep that no number tells near from far at {cutoff:g} minutes"
        most = MAX_DECAY_EXPONENT / farthest
        remedy = f"give at most {most:.3g}, lower travel.cutoff_minutes, or ask for "
        yield fault([source], (*path, key), value, message, f'{remedy}residents = "nearest"',
                    f"behaviour.{key}")  # fmt: skip


def _too_many_minutes(place: Place, scenario: Scenario, files: list[TomlFile]) -> Iterator[Finding]:
    from placeopt.travel.measure import MAX_STORED_MINUTES

    zones, buildings, modes = len(place.zones), len(place.buildings), len(scenario.travel.modes)
    minutes = zones * buildings * modes
    if minutes > MAX_STORED_MINUTES:
        message = f"{zones:,} zones x {buildings:,} buildings x {modes} modes are {minutes:,} "
        message += f"minutes; at most {MAX_STORED_MINUTES:,} are held"
        yield fault(files, ("travel", "modes"), None, message, "ask of larger zones, of one "
                    "district at a time, or of the buildings that a plan may change",
                    "travel.modes")  # fmt: skip


def _streets_findings(scenario: Scenario, files: list[TomlFile]) -> Iterator[Finding]:
    travel = scenario.travel
    if travel.method == "streets" and "transit" in travel.modes:
        where = ("travel", "modes", travel.modes.index("transit"))
        remedy = 'measure with placeopt travel first and use method "matrix"'
        yield fault(files, where, "transit", "public transport needs a timetable", remedy,
                    "travel.modes")  # fmt: skip


def _matrix_findings(place: Place, scenario: Scenario, files: list[TomlFile]) -> Iterator[Finding]:
    """Faults of the file of minutes, including missing modes."""
    from placeopt.travel.matrix import read_matrix

    travel = scenario.travel
    if travel.method != "matrix":
        return
    file = matrix_file(place, travel.file)
    if file is None:
        return  # reported already
    try:
        read_matrix(place, file, travel.modes, travel.cutoff_minutes)
    except InputError as refused:
        yield from refused.findings


def matrix_file(place: Place, file: str | None) -> File | None:
    """The file of minutes of a scenario, or None if it does not exist."""
    home = place.folder
    if home is not None and not home.is_dir():
        home = home.parent
    if file is not None:
        candidates = [File(file) if home is None else home / file]
    else:
        names = ("minutes.parquet", "minutes.csv")
        candidates = [] if home is None else [home / name for name in names]
    return next((candidate for candidate in candidates if candidate.is_file()), None)
