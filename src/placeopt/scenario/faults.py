"""Make findings on a scenario, with file, line, key, value and remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from placeopt.base.errors import Finding
from placeopt.base.findings import error
from placeopt.place.columns import number_in_words
from placeopt.scenario.positions import Path

T = TypeVar("T", bound=BaseModel)

_REMEDIES = {  # pydantic's type of error -> remedy; {names} come from the error's context
    "string_type": "give text in quotes",
    "float_type": "give a number without quotes",
    "int_type": "give a whole number without quotes",
    "int_from_float": "give a whole number",
    "bool_type": "give true or false",
    "dict_type": "give a table",
    "model_type": "give a table",
    "model_attributes_type": "give a table",
    "tuple_type": "give a list in square brackets",
    "list_type": "give a list in square brackets",
    "set_type": "give a list in square brackets",
    "greater_than": "give a number above {gt}",
    "greater_than_equal": "give {ge} or more",
    "less_than": "give a number below {lt}",
    "less_than_equal": "give {le} or less",
    "finite_number": "give a number that is not inf or nan",
    "literal_error": "give one of {expected}",
    "too_short": "give at least {min_length} of them",
    "too_long": "give at most {max_length} of them",
    "string_too_short": "give at least {min_length} letter(s)",
    "string_too_long": "give at most {max_length} letters",
}


@dataclass(frozen=True)
class TomlFile:
    """A TOML file.

    Attributes:
        name: Its name in messages.
        values: Its values.
        lines: Path of a key -> its line.
    """

    name: str
    values: dict[str, Any]
    lines: Mapping[Path, int]


MADE_IN_PYTHON = TomlFile("the scenario", {}, {})  # in place of a file


@dataclass(frozen=True)
class Origin:
    """Where a rule stands.

    It is no part of what the rule states, so all origins compare equal.

    Attributes:
        source: The file, or ``MADE_IN_PYTHON``.
        path: ``("rules", i)`` for the rule at position i, from 0, of the file or of the rules given
            in Python; ``("rules",)`` for a rule that is implied.
    """

    source: TomlFile = field(default=MADE_IN_PYTHON, compare=False)
    path: Path = field(default=("rules",), compare=False)

    def __str__(self) -> str:
        line = self.source.lines.get(self.path)
        if line is not None:
            return f"{self.source.name} row {line}"
        return dotted_path(self.path) if len(self.path) > 1 else "implied"


def fault(
    sources: Sequence[TomlFile], path: Path, value: Any, message: str, remedy: str, column: str = ""
) -> Finding:
    """Make an error at the line of a key.

    Args:
        sources: The files; the line is that of the first one with the longest part of ``path``.
        path: The path of the key.
        value: Its value, ``None`` if it is missing.
        message: What is wrong.
        remedy: What to do.
        column: The key's name in the finding; by default its dotted path.
    """
    is_rule_of_python = not sources[0].lines and path[1:] and path[0] == "rules"
    key = dotted_path(path) if is_rule_of_python else column or dotted_path(path)
    shown = display_value(value)
    for length in range(len(path), 0, -1):
        for source in sources:
            if path[:length] in source.lines:
                file, row = source.name, source.lines[path[:length]]
                return error(file, message, remedy, row=row, column=key, value=shown)
    return error(sources[0].name, message, remedy, column=key, value=shown)


def as_warning(finding: Finding) -> Finding:
    """Return the finding as a warning."""
    return replace(finding, severity="warning")


def unknown_name(
    sources: Sequence[TomlFile], path: Path, name: str, description: str, known: Iterable[str]
) -> Finding:
    """An error for a name that is not in ``known``, suggesting the most similar one."""
    message = f"there is no {description} {name!r}"
    return fault(sources, path, None, message, suggest(name, known), dotted_path(path))


def suggest(name: str, known: Iterable[str]) -> str:
    """Suggest the most similar known name, or list them all."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are {', '.join(names)}" if names else "leave it out"


def validate_section(
    model: type[T], values: dict[str, Any], sources: Sequence[TomlFile], prefix: Path, label: str
) -> T | list[Finding]:
    """Validate ``values`` as a ``model``.

    Args:
        model: The type.
        values: The values.
        sources: The files that they come from.
        prefix: The path of ``values`` in the files.
        label: The name of the section in findings.

    Returns:
        The model, or every fault.
    """
    try:
        # In JSON mode, strict refuses text for numbers but accepts lists for tuples.
        return model.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as refused:
        return validation_findings(refused, model, values, sources, prefix, label)


def validation_findings(
    refused: ValidationError,
    model: type[BaseModel],
    values: dict[str, Any],
    sources: Sequence[TomlFile],
    prefix: Path,
    label: str,
) -> list[Finding]:
    """Convert the errors of pydantic to findings in plain English."""
    remedies: dict[tuple[Path, str], list[str]] = {}
    for item in refused.errors():
        location = tuple(part for part in item["loc"])
        path, message, remedy = _explain(dict(item), location, model, values)
        known = remedies.setdefault((path, message), [])
        if remedy not in known:
            known.append(remedy)
    found = []
    for (path, message), known in remedies.items():
        column = dotted_path((label, *path) if label else path)
        value = None if message.startswith(("missing", "there is no")) else _value_at(values, path)
        found.append(fault(sources, prefix + path, value, message, " or ".join(known), column))
    return found


def _explain(
    item: dict[str, Any], location: Path, model: type[BaseModel], values: dict[str, Any]
) -> tuple[Path, str, str]:
    """The path, message and remedy of an error of pydantic."""
    if item["type"] == "extra_forbidden":
        return (
            location,
            f"there is no key {location[-1]!r}",
            suggest(str(location[-1]), _fields_at(model, location[:-1])),
        )
    if item["type"] == "missing":
        return location, "missing", f"write {location[-1]} = ..."
    path = location
    while path and _value_at(values, path) is None:  # locations in a union end with a type's name
        path = path[:-1]
    context = item.get("ctx", {})
    if item["type"] == "value_error":
        message, _, remedy = str(context["error"]).partition("; ")
        section = _value_at(values, path)
        if isinstance(section, Mapping):  # about a whole section: find the key that it mentions
            words = re.findall(r"\w+", f"{message} {remedy}")
            mentioned = [word for word in words if word in section]
            path = (*path, mentioned[0]) if mentioned else path
        if message.startswith("give "):
            message, remedy = "not valid here", message
        return path, message, remedy or "see docs/rules.md"
    context = {
        key: number_in_words(value) if type(value) in (int, float) else value
        for key, value in context.items()
    }
    template = _REMEDIES.get(item["type"])
    return path, "not valid here", template.format(**context) if template else item["msg"]


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys allowed in the table at ``path`` of ``model``."""
    for part in path:
        field = model.model_fields.get(str(part))
        kind = field.annotation if field else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return []
        model = kind
    return list(model.model_fields)


def _value_at(values: Any, path: Path) -> Any:
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def display_value(value: Any) -> str | None:
    """A value as in a file, shortened."""
    if value is None:
        return None
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    return text if len(text) <= 60 else text[:57] + "..."


def dotted_path(path: Path) -> str:
    """Format a path: ("rules", 2, "minutes") is "rules[2].minutes"."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
