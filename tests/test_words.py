"""Retired names do not return to the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import placeopt

SOURCE = Path(placeopt.__file__).parent
RETIRED = Path(__file__).with_name("retired_words.txt")


def retired() -> set[tuple[str, str]]:
    """(room, name) of each line of the list; room * is every room."""
    lines = RETIRED.read_text(encoding="utf-8").splitlines()
    found = [line.split() for line in lines if line and not line.startswith("#")]
    return {(room, name) for room, name in found}


def identifiers(text: str) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that a file defines, takes or assigns."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def returned(room: str, text: str, words: set[tuple[str, str]]) -> list[str]:
    """The retired names that a file of ``room`` uses, with their lines."""
    return [
        f"line {line}: {name}"
        for line, name in identifiers(text)
        if (room, name) in words or ("*", name) in words
    ]


def test_retired_words_do_not_return() -> None:
    words, found = retired(), []
    for path in sorted(SOURCE.rglob("*.py")):
        inside = path.relative_to(SOURCE)
        room = inside.parts[0].removesuffix(".py")
        if (room, inside.stem) in words or ("*", inside.stem) in words:
            found.append(f"{inside}: the file's own name")
        text = path.read_text(encoding="utf-8")
        found += [f"{inside} {each}" for each in returned(room, text, words)]
    assert found == []


def test_a_word_that_returns_is_seen() -> None:
    text = "def settle(told):\n    for dear in told:\n        dear.course = 1\n"
    words = {("estate", "settle"), ("*", "told"), ("estate", "course"), ("budget", "dear")}
    assert sorted(returned("estate", text, words)) == [
        "line 1: settle",
        "line 1: told",
        "line 3: course",
    ]
    assert returned("budget", text, words) == ["line 1: told", "line 2: dear"]


def test_the_list_is_sorted_without_duplicates() -> None:
    lines = [line for line in RETIRED.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert lines == sorted(set(lines))
