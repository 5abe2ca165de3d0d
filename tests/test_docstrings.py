"""Docstrings agree with signatures: every documented argument is a parameter."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import placeopt

SOURCE = Path(placeopt.__file__).parent
SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):$")
ENTRY = re.compile(r"^    (\*{0,2}\w+)(?:, \*{0,2}\w+)*:(?: |$)")


def documented(docstring: str) -> Iterator[str]:
    """The names that a docstring's section Args lists."""
    section = ""
    for line in docstring.splitlines():
        if match := SECTION.match(line):
            section = match.group(1)
        elif line and not line.startswith(" "):
            section = ""
        elif section == "Args" and ENTRY.match(line):
            yield from re.findall(r"\w+", line.split(":")[0])


def parameters(function: ast.FunctionDef) -> set[str]:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return {one.arg for one in [*named, *filter(None, (given.vararg, given.kwarg))]}


def strangers(text: str) -> list[str]:
    """Arguments that docstrings of a file document and functions do not have."""
    return [
        f"line {node.lineno}: {node.name} has no parameter {name}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        for name in documented(ast.get_docstring(node) or "")
        if name not in parameters(node)
    ]


def test_documented_arguments_are_parameters() -> None:
    found = [
        f"{path.relative_to(SOURCE)} {each}"
        for path in sorted(SOURCE.rglob("*.py"))
        for each in strangers(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_an_argument_of_an_earlier_name_is_seen() -> None:
    text = '''
def f(new, *rest):
    """Do.

    Args:
        old: What it was called.
        rest: More.

    Returns:
        other: Nothing.
    """
'''
    assert strangers(text) == ["line 2: f has no parameter old"]
