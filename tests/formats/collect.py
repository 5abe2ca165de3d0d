"""Every format on which users' files and scripts depend, collected from the code as lines of text.

A line is a kind of format and a name: a key of a scenario, a parameter of a rule, a column of a
table, an option of a verb, a key of the summary. ``python -m tests.formats.collect`` writes
``formats.txt`` again after an intended change.
"""

from __future__ import annotations

import ast
import inspect
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

import placeopt
from placeopt.bench import run
from placeopt.bench.export import COLUMNS
from placeopt.cli import app, main
from placeopt.engine import Answer
from placeopt.place import dictionary
from placeopt.report import write_results
from placeopt.report.tables.sheet import headings
from placeopt.scenario.rules.estate.services import (
    Access,
    Capital,
    Carbon,
    FairRents,
    Network,
)
from placeopt.scenario.schema import json_schema
from tests.estate.places import random_place, scenario
from tests.support.places import crow_minutes

DATA = Path(__file__).parents[2] / "data"
GOLDEN = Path(__file__).with_name("formats.txt")
FREE = {  # keys of the summary under which the keys are people's own ids or an engine's words
    *("/facts", "/engine/seconds", "/sentences[]/values", "/explanation/tables"),
    *("/totals", "/do_nothing", "/broken_today"),
}


def formats() -> list[str]:
    """The lines, sorted: each starts with the kind of format."""
    return sorted(
        {
            *(f"placeopt.__all__ {name}" for name in placeopt.__all__),
            *(f"verb {line}" for line in _verbs(typer.main.get_command(app), "")),
            *(f"exit {line}" for line in _exits()),
            *(f"scenario {line}" for line in _schema(json_schema(), "")),
            *(f"place {line}" for line in _place()),
            *(f"bench export {name}" for name in COLUMNS),
            *(f"bench result {name}" for name in _bench()),
            *(f"result heading {table}.{column}" for table, column in headings()),
            *_answers(),
        }
    )


def _verbs(command: Any, path: str) -> Iterator[str]:
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from _verbs(inner, f"{path} {name}".strip())
    for parameter in command.params:
        names = "/".join(sorted([*parameter.opts, *parameter.secondary_opts]))
        needed = "required" if parameter.required else "optional"
        yield f"{path} {parameter.param_type_name} {names} {needed}".strip()


def _exits() -> Iterator[str]:
    """Exit statuses by kind of error, as ``main`` gives them."""
    for handler in ast.walk(ast.parse(inspect.getsource(main))):
        if isinstance(handler, ast.ExceptHandler):
            for call in ast.walk(handler):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "_fail":
                    kind = ast.unparse(handler.type).split(".")[-1]
                    yield f"{ast.literal_eval(call.args[1])} {kind}"


def _schema(node: Any, path: str) -> Iterator[str]:
    """Paths, types and allowed values of a JSON schema; descriptions may change."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("description", "title", "examples", "$schema"):
                continue
            if key in ("type", "const", "$ref", "enum", "required", "default"):
                values = value if isinstance(value, list) and key != "default" else [value]
                yield from (f"{path} {key} {one}" for one in values)
            else:
                yield from _schema(value, f"{path}/{key}")
    elif isinstance(node, list):
        for value in node:
            yield from _schema(value, path)


def _place() -> Iterator[str]:
    for table, columns in dictionary().items():
        for column in columns:
            yield f"{table}.{column.name} {column.type}"


def _bench() -> list[str]:
    """Columns of ``results.csv``, from one tiny case."""
    with tempfile.TemporaryDirectory() as folder:
        out = run("smoke", ["highs"], folder, only="p-median")
        return (out / "results.csv").read_text(encoding="utf-8").splitlines()[0].split(",")


def _answers() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for name, answer in (("estate", estate_answer()), ("budget", budget_answer())):
            out = Path(folder) / name
            write_results(answer, out)
            assert answer.plan is not None
            for table, frame in answer.plan.tables.items():
                yield from (f"result {name} {table}.{column}" for column in frame)
            yield from (f"result {name} file {file.name}" for file in out.iterdir())
            for key in ("summary", "provenance"):
                yield from (f"{key} {name} {path}" for path in _keys(_json(out, key), ""))


def _json(out: Path, name: str) -> Any:
    import json

    return json.loads((out / f"{name}.json").read_text(encoding="utf-8"))


def _keys(node: Any, path: str) -> Iterator[str]:
    if path in FREE:
        yield path
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _keys(value, f"{path}/{key}")
    elif isinstance(node, list) and node and isinstance(node[0], Mapping):
        for value in node:
            yield from _keys(value, f"{path}[]")
    else:
        yield path


def estate_answer() -> Answer:
    """Two years of a small estate with every kind of result table."""
    from placeopt.estate import solve

    place = random_place(5, zones=4, buildings=4)
    rules = (
        Access(services="all", minutes=60, share=0.1, counts="served"),
        Network(at_least=0, at_most=4),
        Capital(pot_gbp=10_000_000.0),
        Carbon(share_of_today=5.0),
        FairRents(),
    )
    asked = scenario(*rules, minimise=("cost", "visit_minutes"), slack=(0.01,), decided=2, years=5)
    return solve(place, crow_minutes(place), asked)


def budget_answer() -> Answer:
    """The shipped question about families: agencies, transfers, payment by results."""
    asked = placeopt.read_scenario(DATA / "families" / "scenarios" / "families.toml")
    return placeopt.solve(placeopt.read_place(DATA / "families"), asked)


if __name__ == "__main__":
    GOLDEN.write_text("\n".join(formats()) + "\n", encoding="utf-8")
