"""Accept earlier names of keys and rules in scenario files (see ``base.aliases``)."""

from __future__ import annotations

import warnings
from typing import Any

from placeopt.base.aliases import renamed
from placeopt.scenario.faults import TomlFile
from placeopt.scenario.positions import Path


def with_new_names(source: TomlFile) -> TomlFile:
    """Replace earlier names in a file's values and lines, with a ``FutureWarning`` for each."""
    lines = dict(source.lines)
    values = _table(source, "scenario", (), source.values, lines)
    return TomlFile(source.name, values, lines)


def _table(
    source: TomlFile, where: str, path: Path, table: dict[str, Any], lines: dict[Path, int]
) -> dict[str, Any]:
    aliases = renamed(where, table)
    result: dict[str, Any] = {}
    for key, value in table.items():
        name = key
        if key in aliases:
            name = aliases[key].new
            _warn(source, (*path, key), aliases[key].sentence())
            _move(lines, (*path, key), (*path, name))
        if where == "scenario" and name == "rules" and isinstance(value, list):
            value = [_rule(source, (*path, name, i), rule, lines) for i, rule in enumerate(value)]
        elif isinstance(value, dict):
            value = _table(source, f"{where}.{name}", (*path, name), value, lines)
        result[name] = value
    return result


def _rule(source: TomlFile, path: Path, rule: Any, lines: dict[Path, int]) -> Any:
    if not isinstance(rule, dict):
        return rule
    name = rule.get("rule")
    for alias in renamed("rules", [name]).values():
        _warn(source, (*path, "rule"), alias.sentence())
        rule = {**rule, "rule": alias.new}
        name = alias.new
    return _table(source, f"rules.{name}", path, rule, lines)


def _move(lines: dict[Path, int], old: Path, new: Path) -> None:
    for path in [path for path in lines if path[: len(old)] == old]:
        lines[(*new, *path[len(old) :])] = lines.pop(path)


def _warn(source: TomlFile, path: Path, sentence: str) -> None:
    line = source.lines.get(path)
    where = f"{source.name} row {line}" if line else source.name
    warnings.warn(f"{where}: {sentence}", FutureWarning, stacklevel=2)
