"""Find the line of each key of a TOML file, which ``tomllib`` does not report.

``key_lines`` expects text that ``tomllib`` has accepted, so it only finds where keys and values
begin, without validation. Source of the grammar: TOML 1.0.0, toml.io/en/v1.0.0.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]  # ("rules", 2, "minutes"): the key minutes of the third rule

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}\n#]+")
_STRINGS = (  # the three-quote forms first; up to two quotes may stand before the closing three
    re.compile(r'"""(?:\\.|[^\\])*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)


def key_lines(text: str) -> dict[Path, int]:
    """Path -> the line, from 1, on which each key, table and list member of ``text`` begins."""
    return _Scanner(text.replace("\r\n", "\n")).document()


class _Scanner:
    def __init__(self, text: str):
        self.text = text
        self.offset = 0
        self.newlines = [i for i, letter in enumerate(text) if letter == "\n"]
        self.lines: dict[Path, int] = {}
        self.members: dict[Path, int] = {}  # number of [[table]] headers so far

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self.blank() < len(self.text):
            if self.text.startswith("[", self.offset):
                table = self.header()
            else:
                self.pair(table)
        return self.lines

    def header(self) -> Path:
        line, is_array = self.line(), self.text.startswith("[[", self.offset)
        self.offset += 2 if is_array else 1
        keys = self.key()
        self.offset = self.text.index("]", self.offset) + (2 if is_array else 1)
        path: Path = ()
        for key in keys[:-1]:
            path += (key,)
            self.lines.setdefault(path, line)
            if path in self.members:
                path += (self.members[path] - 1,)
        path += (keys[-1],)
        self.lines.setdefault(path, line)
        if is_array:
            self.members[path] = self.members.get(path, 0) + 1
            path += (self.members[path] - 1,)
        self.lines[path] = line
        return path

    def pair(self, table: Path) -> None:
        line = self.line()
        for key in self.key():
            table += (key,)
            self.lines.setdefault(table, line)
        self.offset = self.text.index("=", self.offset) + 1
        self.skip(_SPACE)
        self.value(table)

    def key(self) -> list[str]:
        """The parts of a dotted key; ``tomllib`` decodes quotes and escapes."""
        start = self.skip(_SPACE)
        while True:
            if not self.string():
                self.skip(_BARE_KEY)
            end = self.offset
            if self.text[self.skip(_SPACE)] != ".":
                break
            self.offset += 1
            self.skip(_SPACE)
        parts, inner = [], tomllib.loads(self.text[start:end] + " = 0")
        while isinstance(inner, dict):
            (part, inner) = next(iter(inner.items()))
            parts.append(part)
        return parts

    def value(self, path: Path) -> None:
        if self.text[self.offset] == "[":
            self.offset += 1
            member = 0
            while self.text[self.blank()] != "]":
                self.lines[(*path, member)] = self.line()
                self.value((*path, member))
                member += 1
                self.comma()
            self.offset += 1
        elif self.text[self.offset] == "{":
            self.offset += 1
            while self.text[self.blank()] != "}":
                self.pair(path)
                self.comma()
            self.offset += 1
        elif not self.string():
            self.skip(_BARE_VALUE)

    def string(self) -> bool:
        for kind in _STRINGS:
            match = kind.match(self.text, self.offset)
            if match:
                self.offset = match.end()
                return True
        return False

    def comma(self) -> None:
        if self.text[self.blank()] == ",":
            self.offset += 1

    def blank(self) -> int:
        return self.skip(_BLANK)

    def skip(self, what: re.Pattern[str]) -> int:
        match = what.match(self.text, self.offset)
        self.offset = match.end() if match else self.offset
        return self.offset

    def line(self) -> int:
        return bisect_right(self.newlines, self.offset - 1) + 1
