"""A solve never refuses or raises on a question that ``placeopt check`` accepts.

Questions are random, from the schema of scenarios: rules, their keys and their values within their
ranges, dropped rules, engines, methods and modes. Those in which the check finds an error are
skipped; all others are solved.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import tomli_w

from placeopt.engine.registry import ENGINES
from placeopt.place import Place, read_place, write_place
from placeopt.run import check_files
from placeopt.scenario import read_scenario
from placeopt.scenario.implied_rules import missing_implied
from placeopt.scenario.rules.ids import IdOf
from placeopt.scenario.rules.rule import RULES
from placeopt.study.answer import solve
from tests.place.test_ranges import BUDGET, ESTATE, small

SAMPLE = 16  # questions drawn in the default run; about a third of them pass the check
MANY = 400
OTHERS = ("pulp:GLPK_CMD", "pulp:NOPE", "gurobi")


def number(rng: np.random.Generator, field: dict[str, Any]) -> float | int:
    """A number within the range of a key: an end, a usual one, or any between."""
    low = field.get("minimum", field.get("exclusiveMinimum", 0))
    high = field.get("maximum", field.get("exclusiveMaximum", 1e6))
    if field["type"] == "integer":
        return int(rng.integers(low, min(high, low + 5) + 1))
    least = max(low, 1e-3) if low >= 0 else 1e-3
    drawn = math.exp(rng.uniform(math.log(least), math.log(max(high, least))))
    choices = [drawn, min(high, 1.0), min(high, 0.1), min(high, 60.0), high, least]
    return float(rng.choice(choices))


def declared_ids(declared: object) -> Iterator[IdOf]:
    """The ids in a declared type, outermost first."""
    for inner in get_args(declared):
        yield from [inner] if isinstance(inner, IdOf) else declared_ids(inner)


ID_COLUMNS = {  # parameter -> the column of its ids
    name: found
    for kind in RULES.values()
    for name, field in kind.model_fields.items()
    for found in list(declared_ids(field.rebuild_annotation()))[:1]
}


def value(rng: np.random.Generator, name: str, field: dict[str, Any], place: Place) -> Any:
    """A random valid value of a key, or None if there is none."""
    if "anyOf" in field:
        kinds = [one for one in field["anyOf"] if one.get("type") != "null"]
        return value(rng, name, kinds[int(rng.integers(len(kinds)))], place)
    ids: list[Any] = []
    if name in ID_COLUMNS:
        ids = [*place.tables[ID_COLUMNS[name].table][ID_COLUMNS[name].column]]
    if "enum" in field:
        return str(rng.choice(field["enum"]))
    match field.get("type"):
        case "number" | "integer":
            return number(rng, field)
        case "boolean":
            return bool(rng.integers(2))
        case "string":
            return str(rng.choice(ids)) if ids else field.get("const")
        case "array" if ids:
            return [str(one) for one in rng.choice(ids, min(len(ids), 2), replace=False)]
        case "array" if "items" in field:
            one = value(rng, name, field["items"], place)
            return None if one is None else [one]
        case "object" if ids and "additionalProperties" in field:
            one = value(rng, name, {**field["additionalProperties"]}, place)
            return None if one is None else {str(rng.choice(ids)): one}
    return None


def question(rng: np.random.Generator, problem: str, place: Place) -> dict[str, Any]:
    """A random scenario."""
    kinds = {name: kind for (of, name), kind in RULES.items() if of == problem}
    rules = []
    for name in rng.choice(sorted(kinds), int(rng.integers(4)), replace=False):
        rule: dict[str, Any] = {"rule": str(name)}
        schema = kinds[name].model_json_schema()
        for key, field in schema["properties"].items():
            if key != "rule" and (key in schema.get("required", ()) or rng.random() < 0.25):
                drawn = value(rng, key, field, place)
                if drawn is not None:
                    rule[key] = drawn
        rules.append(rule)
    implied = [rule.name for rule in missing_implied(problem, (), ())]
    engine = "highs" if rng.random() < 0.7 else str(rng.choice([*ENGINES, *OTHERS]))
    drop = [str(one) for one in rng.choice(sorted(implied), int(rng.integers(3)), replace=False)]
    asked: dict[str, Any] = {
        "question": "What now?", "problem": problem, "place": ".",
        "years": int(rng.integers(1, 3)),
        "drop": [name for name in drop if name not in {rule["rule"] for rule in rules}],
        "solver": {"engine": engine, "time_limit_seconds": 2.0, "threads": 1, "gap": 0.01},
        "rules": rules,
    }  # fmt: skip
    if rng.random() < 0.3:
        asked["year"] = int(rng.integers(2024, 2028))
    if problem == "estate":
        names = rng.choice(["walk", "drive", "cycle"], 2, replace=False, p=[0.45, 0.45, 0.1])
        asked["travel"] = {
            "method": str(rng.choice(["crow_fly"] * 5 + ["matrix"] * 3 + ["streets"])),
            "modes": [str(name) for name in names][: int(rng.integers(1, 3))],
            "cutoff_minutes": float(rng.choice([30.0, 120.0, 1000.0])),
        }
        asked["money"] = {"carbon_values": bool(rng.integers(2)), "appraisal_years": 3}
    return asked


def with_minutes(place: Place, folder: Path) -> None:
    """A place in a folder, with minutes on foot and by car."""
    write_place(place, folder)
    rows = [
        {"zone_id": zone, "building_id": building, "mode": mode, "minutes": 5.0 + 3 * i + j}
        for i, zone in enumerate(place.zones["zone_id"])
        for j, building in enumerate(place.buildings["building_id"])
        for mode in ("walk", "drive")
    ]
    if rows:
        pd.DataFrame(rows).to_csv(folder / "minutes.csv", index=False)


def refused(folder: Path, asked: dict[str, Any]) -> tuple[bool, str]:
    """Whether the check accepts the question, and the refusal of the solve, if any."""
    path = folder / "asked.toml"
    path.write_text(tomli_w.dumps(asked), encoding="utf-8")
    if any(finding.severity == "error" for finding in check_files(folder, path)):
        return False, ""
    try:
        solve(read_place(folder), read_scenario(path))
    except Exception as raised:
        return True, f"{type(raised).__name__}: {raised}"
    return True, ""


def all_refused(tmp_path: Path, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """The number of questions solved for each problem, and all refusals."""
    asked_of, lost = Counter[str](), []
    for problem, tables in (("estate", ESTATE), ("budget", BUDGET)):
        folder = tmp_path / problem
        place = small(tables)
        with_minutes(place, folder)
        for n in range(count):
            asked = question(np.random.default_rng((seed, n)), problem, place)
            passed, said = refused(folder, asked)
            asked_of[problem] += passed
            if said:
                lost.append(f"{problem} {seed} {n}: {said[:300]}\n{tomli_w.dumps(asked)}")
    return asked_of, lost


def test_a_solve_refuses_nothing_that_the_check_passed(tmp_path: Path) -> None:
    asked, lost = all_refused(tmp_path, SAMPLE // 2, seed=14)
    assert lost == []
    assert asked["estate"] >= 1
    assert asked["budget"] >= 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(MANY // 20))
def test_a_solve_refuses_nothing_of_hundreds(tmp_path: Path, seed: int) -> None:
    asked, lost = all_refused(tmp_path, 10, seed=seed)
    print(f"\n{dict(asked)} asked")
    assert lost == []
