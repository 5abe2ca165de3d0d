"""Generate the page of rules, ``docs/rules.md``, from the registry.

``python -m placeopt.scenario.reference_page docs`` writes it and the JSON Schema.
"""

from __future__ import annotations

import sys
from inspect import getdoc
from pathlib import Path
from typing import Any

from placeopt.place.tables import number_in_words
from placeopt.scenario.objectives import DEFAULT_OBJECTIVE, OBJECTIVES
from placeopt.scenario.rules.rule import RULES, Problem, Rule
from placeopt.scenario.schema import schema_text

OPENING = """# Rules

Made from the code by `python -m placeopt.scenario.reference_page docs`; do not edit.

A scenario writes a rule as a `[[rules]]` table; all rules written hold together. Rules marked
*implied* hold without being written, with their defaults, unless `drop = ["name"]` names them.
A parameter without a default must be given. Every number has a range, stated below or in the
[schema](scenario.schema.json); a number with a fraction, other than 0, has besides a size from
0.000000001 to 1,000,000,000,000.

A scenario with `extends = "other.toml"` takes the other file (which may not itself extend one)
and changes it: tables merge key by key and what the extending file writes wins; rules add up;
`drop` also takes away the other file's rules of that name, so dropping a rule and writing it
again replaces it.
"""


def rules_markdown() -> str:
    """Every rule and objective of every problem with number, sentence, equation and parameters."""
    return OPENING + "".join(_problem(problem) for problem in OBJECTIVES if _kinds(problem))


def write(folder: Path) -> list[Path]:
    """Write ``rules.md`` and ``scenario.schema.json`` into ``folder``."""
    texts = {"rules.md": rules_markdown(), "scenario.schema.json": schema_text()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _kinds(problem: Problem) -> list[type[Rule]]:
    kinds = [kind for (of, _), kind in RULES.items() if of == problem]
    return sorted(kinds, key=lambda kind: int(kind.number[1:]))


def _problem(problem: Problem) -> str:
    lines = [f"\n## {problem.capitalize()}\n", "### Objectives\n"]
    lines += ["| objective | unit | makes small |", "| --- | --- | --- |"]
    for name, objective in OBJECTIVES[problem].items():
        default = " (the default)" if DEFAULT_OBJECTIVE.get(problem) == name else ""
        lines.append(f"| `{name}`{default} | {objective.unit} | {objective.sentence} |")
    return "\n".join(lines) + "\n" + "".join(_rule(kind) for kind in _kinds(problem))


def _rule(kind: type[Rule]) -> str:
    marks = [
        mark for mark, applies in (("implied", kind.implied), ("once only", kind.once)) if applies
    ]
    lines = [f"\n### {kind.number} `{kind.name}`" + (f" ({', '.join(marks)})" if marks else "")]
    doc = (getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
    lines += ["", doc.removeprefix(f"({kind.number}) "), "", f"    {kind.equation}"]
    rows = [_parameter(name, kind) for name in kind.model_fields if name != "rule"]
    if rows:
        lines += ["", "| parameter | type | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join(lines + rows) + "\n"


def _parameter(name: str, kind: type[Rule]) -> str:
    field = kind.model_fields[name]
    schema = kind.model_json_schema()
    default = (
        "must be given"
        if field.is_required()
        else f"`{_toml(field.get_default(call_default_factory=True))}`"
    )
    if default == "`none`":
        default = ""
    type_ = _type(schema["properties"][name], schema.get("$defs", {}))
    meaning = (field.description or "").replace("|", "\\|")
    return f"| `{name}` | {type_} | {default} | {meaning} |"


def _toml(value: Any) -> str:
    """A default as written in a scenario."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """The type and limits of a parameter in words."""
    if "$ref" in schema:
        return _type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        kinds = [_type(kind, definitions) for kind in schema["anyOf"] if kind != {"type": "null"}]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{_toml(value)}`" for value in values)
    words = {"number": "number", "integer": "whole number", "string": "text", "boolean": "yes/no"}
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), definitions)}"
    text = words.get(schema.get("type", ""), "table")
    for key, word in (
        ("exclusiveMinimum", "above"),
        ("minimum", "from"),
        ("exclusiveMaximum", "below"),
        ("maximum", "to"),
    ):
        if key in schema:
            text += f", {word} {number_in_words(schema[key])}"
    return text


if __name__ == "__main__":
    for path in write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        print(path)
