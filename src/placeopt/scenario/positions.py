"""Which line of a TOML file states which key: ``tomllib`` reads values but tells no places.

``key_lines`` expects text that ``tomllib`` has accepted, so it only has to find where keys and
values begin, not to judge them. Source of the grammar: TOML 1.0.0, toml.io/en/v1.0.0.
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
    """The line, counted from 1, on which each key, table and list member of ``text`` begins."""
    return _Scan(text.replace("\r\n", "\n")).document()


class _Scan:
    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self.newlines = [i for i, letter in enumerate(text) if letter == "\n"]
        self.lines: dict[Path, int] = {}
        self.members: dict[Path, int] = {}  # how often [[table]] was opened so far

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while self.blank() < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
        return self.lines

    def header(self) -> Path:
        line, many = self.line(), self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        keys = self.key()
        self.at = self.text.index("]", self.at) + (2 if many else 1)
        path: Path = ()
        for key in keys[:-1]:
            path += (key,)
            self.lines.setdefault(path, line)
            if path in self.members:
                path += (self.members[path] - 1,)
        path += (keys[-1],)
        self.lines.setdefault(path, line)
        if many:
            self.members[path] = self.members.get(path, 0) + 1
            path += (self.members[path] - 1,)
        self.lines[path] = line
        return path

    def pair(self, table: Path) -> None:
        line = self.line()
        for key in self.key():
            table += (key,)
            self.lines.setdefault(table, line)
        self.at = self.text.index("=", self.at) + 1
        self.skip(_SPACE)
        self.value(table)

    def key(self) -> list[str]:
        """The parts of a dotted key; ``tomllib`` itself undoes quotes and escapes."""
        began = self.skip(_SPACE)
        while True:
            if not self.string():
                self.skip(_BARE_KEY)
            ended = self.at
            if self.text[self.skip(_SPACE)] != ".":
                break
            self.at += 1
            self.skip(_SPACE)
        parts, inner = [], tomllib.loads(self.text[began:ended] + " = 0")
        while isinstance(inner, dict):
            (part, inner) = next(iter(inner.items()))
            parts.append(part)
        return parts

    def value(self, path: Path) -> None:
        if self.text[self.at] == "[":
            self.at += 1
            member = 0
            while self.text[self.blank()] != "]":
                self.lines[(*path, member)] = self.line()
                self.value((*path, member))
                member += 1
                self.comma()
            self.at += 1
        elif self.text[self.at] == "{":
            self.at += 1
            while self.text[self.blank()] != "}":
                self.pair(path)
                self.comma()
            self.at += 1
        elif not self.string():
            self.skip(_BARE_VALUE)

    def string(self) -> bool:
        for kind in _STRINGS:
            found = kind.match(self.text, self.at)
            if found:
                self.at = found.end()
                return True
        return False

    def comma(self) -> None:
        if self.text[self.blank()] == ",":
            self.at += 1

    def blank(self) -> int:
        return self.skip(_BLANK)

    def skip(self, what: re.Pattern[str]) -> int:
        found = what.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def line(self) -> int:
        return bisect_right(self.newlines, self.at - 1) + 1
