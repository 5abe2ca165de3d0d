"""Code blocks of Markdown pages, for tests that run them.

A block may be announced by a comment on the line before it:
``<!-- file: NAME -->`` the block is the content of that file; ``<!-- not run: WHY -->``;
any other comment is a name for the block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^>]+) -->\n)?```(?P<language>[\w-]*)\n(?P<text>.*?)```", re.S
)


@dataclass(frozen=True)
class Block:
    note: str
    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m["note"] or "", m["language"], m["text"]) for m in BLOCK.finditer(text)]


def copy_of_checkout(root: Path, copy: Path) -> Path:
    """Copy what git tracks, and new files it does not ignore, as a newcomer clones it."""
    import shutil
    import subprocess

    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True)
    for name in names.stdout.splitlines():
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)
    return copy
