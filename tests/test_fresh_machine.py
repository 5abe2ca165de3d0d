"""The README's two commands on machines unlike the author's.

Run all of it with ``python -m pytest -m exhaustive tests/test_fresh_machine.py -rA``: one line for
each machine, passed, or skipped with the reason. Pythons are looked for as ``python3.11`` to
``python3.14``, on the PATH and among pyenv's versions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pages import blocks_of, copy_of_checkout

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {b.note: b.text for b in blocks_of(ROOT / "README.md") if b.note.endswith("command")}
FIRST, SECOND = COMMANDS["demo command"], COMMANDS["test command"]
NOBODY = "nobody"
pytestmark = pytest.mark.exhaustive
Fresh = Callable[[str], Path]


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Copies of the checkout as a newcomer clones it, each in a folder of the name given."""

    def copy(name: str) -> Path:
        home = tmp_path_factory.mktemp("machine")
        for folder in (home, *home.parents):
            if folder.owner() == Path.home().owner() and str(folder).startswith("/tmp/"):
                folder.chmod(0o755)  # so that another user can look in
        target = home / name
        target.mkdir()
        return copy_of_checkout(ROOT, target)

    return copy


def outside(**changes: str) -> dict[str, str]:
    """This environment without its Python, with the changes."""
    hidden = ("PYTEST_", "COV_", "NUMBA_", "LC_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "LANG"}
        and not name.startswith(hidden)
    }
    return {**kept, **changes}


def run(
    script: str,
    folder: Path,
    *,
    user: str | None = None,
    path: Path | None = None,
    **changes: str,
) -> str:
    """Run a script of the shell without a terminal; its output."""
    environment = outside(**changes)
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        user=user,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def python_folder(version: str) -> Path:
    """The folder of a Python of this version; skips the test where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    homes = [folder / "bin" for folder in sorted(pyenv.glob(f"{version}.*"))]
    found = shutil.which(f"python{version}", path=os.pathsep.join([*map(str, homes), *PATH]))
    if found is None:
        pytest.skip(f"untried: no python{version} on this machine")
    if subprocess.run([found, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"untried: {found} does not start")
    return Path(found).parent


PATH = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if "shims" not in entry]


def works(checkout: Path) -> None:
    for problem in ("estate", "budget"):
        assert (checkout / "demo" / problem / "index.html").stat().st_size > 0


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_both_commands_on_python(version: str, fresh: Fresh) -> None:
    folder, checkout = python_folder(version), fresh("placeopt")
    run(FIRST, checkout, path=folder)
    works(checkout)
    run(SECOND, checkout, path=folder, PYTEST_ADDOPTS="tests/test_house.py tests/test_lock.py")
    run(".venv/bin/python -m pip check", checkout)


@pytest.mark.parametrize("pip", ["pip==22.3", "pip"], ids=["oldest", "newest"])
def test_both_commands_with_pip(pip: str, fresh: Fresh) -> None:
    """22.3 came with Python 3.11.0; the newest is today's upgrade."""
    folder, checkout = python_folder("3.11"), fresh("placeopt")
    for command, name in ((FIRST, ".venv"), (SECOND, ".venv-tests")):
        made, rest = command.split("&&\n", 1)
        changed = f"{name}/bin/python -m pip install -q --upgrade --force-reinstall {pip}"
        run(
            f"{made}\n{changed}\n{rest}", checkout, path=folder, PYTEST_ADDOPTS="tests/test_lock.py"
        )
    works(checkout)


def test_a_path_with_spaces_and_accents(fresh: Fresh) -> None:
    checkout = fresh("Größe und Café d'Été")
    run(FIRST, checkout)
    works(checkout)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh checkout with placeopt installed."""
    checkout = copy_of_checkout(ROOT, tmp_path_factory.mktemp("installed"))
    run(FIRST.rsplit("&&\n", 1)[0], checkout)
    for folder in (checkout, *checkout.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    return checkout


LOCALES = {
    "C": {"LANG": "C", "LC_ALL": "C"},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "de_DE.UTF-8": {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"},
    "de_DE.ISO-8859-1": {"LANG": "de_DE", "LC_ALL": "de_DE", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("name", LOCALES)
def test_a_locale(name: str, installed: Path, tmp_path: Path) -> None:
    changes = LOCALES[name]
    asked = changes["LC_ALL"].replace("UTF-8", "utf8")
    held = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    if asked != "C" and asked.lower() not in held.lower().split():
        pytest.skip(f"untried: this machine has no locale {asked}")
    demo(installed, tmp_path, **changes)


@pytest.mark.parametrize("columns", ["40", "400"])
def test_a_narrow_and_a_wide_terminal(columns: str, installed: Path, tmp_path: Path) -> None:
    demo(installed, tmp_path, COLUMNS=columns, TERM="dumb")


def test_another_user_with_nothing_to_write(installed: Path, tmp_path: Path) -> None:
    """Another user, a read-only installation and a home that cannot be written."""
    if os.getuid() != 0:
        pytest.skip("untried: only root can become another user")
    own = tmp_path / "own"
    own.mkdir()
    shutil.chown(own, NOBODY)
    for folder in (tmp_path, *tmp_path.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    python = (installed / ".venv/bin/python").resolve()
    try:
        subprocess.run([str(python), "-c", ""], user=NOBODY, capture_output=True, check=True)
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip(f"untried: another user cannot run {python}")
    demo(installed, own, user=NOBODY, HOME="/nonexistent", TMPDIR=str(own))


def demo(checkout: Path, out: Path, *, user: str | None = None, **changes: str) -> None:
    """The last line of the first command, and a solve that compiles, in a changed environment."""
    program = checkout / ".venv/bin/placeopt"
    run(f"'{program}' demo --out '{out}/demo'", out, user=user, **changes)
    works(out)
    script = (
        "import numpy as np\n"
        "from placeopt.location.uncapacitated.candidate_lists import CandidateArrays\n"
        "from placeopt.location.uncapacitated.transpose import transpose\n"
        "start, site, one = np.array([0, 1]), np.array([0], np.int32), np.array([1.0])\n"
        "print(transpose(CandidateArrays(start, site, one, one, one, 1)))"
    )
    python = checkout / ".venv/bin/python"
    run(f"'{python}' -c '{script}'", out, user=user, **changes)
