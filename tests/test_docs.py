"""Every code block of the pages under docs is executed, page by page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import blocks_of, copy_of_checkout

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md"))
PAGES = [page for page in PAGES if "decisions" not in page.parts]
SHOWN = {"", "text", "csv", "json", "latex", "math"}  # looked at, not run


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of(ROOT / page) if not block.note.startswith("not run: ")]
    if not any(block.language in {"bash", "python"} for block in blocks):
        return
    copy = copy_of_checkout(ROOT, tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    for block in blocks:
        if block.note.startswith("file: "):
            target = copy / block.note.removeprefix("file: ")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
            continue
        if block.language in SHOWN:
            continue
        shell = {"bash": ["bash", "-euc"], "python": [sys.executable, "-c"]}
        assert block.language in shell, f"{page}: nothing runs a block of {block.language!r}"
        command = [*shell[block.language], block.text]
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{page}\n{block.text}\n{done.stdout}\n{done.stderr}"


def test_every_link_between_pages_leads_somewhere() -> None:
    import re

    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (ROOT / page.parent / target).exists(), f"{page} points at {target}"
