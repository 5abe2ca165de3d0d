"""Every code block of the README is executed, in a fresh copy of the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.pages import blocks_of, copy_of_checkout

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git tracks (and of new files it does not ignore), as a newcomer clones it."""
    return copy_of_checkout(ROOT, tmp_path_factory.mktemp("checkout"))


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Run a command as a newcomer would: without this environment's Python on the path."""
    outside = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    outside = {k: v for k, v in outside.items() if not k.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        command, cwd=folder, env={**outside, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_block_of_the_readme_runs(checkout: Path) -> None:
    ran = []
    for block in blocks_of(ROOT / "README.md"):
        if block.note.startswith("file: "):
            (checkout / block.note.removeprefix("file: ")).write_text(block.text, encoding="utf-8")
        elif block.note == "test command":
            pass  # it runs this test; test_fresh_machine runs it in other environments
        elif block.language == "bash":
            run(["bash", "-euc", block.text], checkout)
        elif block.language == "python":
            run([str(checkout / ".venv/bin/python"), "-c", block.text], checkout)
        else:
            pytest.fail(f"the README has a block that nothing runs: {block}")
        ran.append(block.note or block.language)
    assert ran[:2] == ["demo command", "test command"]
    for problem in ("estate", "budget"):
        for name in ("summary.json", "workbook.xlsx", "plan.gpkg", "index.html"):
            if (problem, name) != ("budget", "plan.gpkg"):
                assert (checkout / "demo" / problem / name).stat().st_size > 0
    assert (checkout / "mine" / "index.html").is_file()
    summary = (checkout / "demo/estate/summary.json").read_text(encoding="utf-8")
    plan = json.loads(summary)["plan"]
    assert plan["reassignment_status"] == "optimal"
    before, after = (plan[f"reassignment_mean_minutes_{when}"] for when in ("before", "after"))
    assert after < 0.9 * before


def test_every_link_of_the_readme_leads_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), f"README.md points at {target}"
