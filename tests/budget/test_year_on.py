"""Rolling forward from the command line: actual spending is read and contracts are kept."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEADING = "programme_id,year,amount_gbp,kind\n"
ACTUAL = f"""{HEADING}key_workers,2026,4500000,actual
care_homes,2026,18800000,
young_minds,2027,810000,contracted
"""
WRONG = f"""{HEADING}key_worker,2026,4250000,actual
care_homes,2027,18800000,actual
social_work,2026,4.5m,actual
social_work,2026,-5,spent
young_minds,2026,900000,contracted
neighbourhoods,2028,1300000,contracted
"""


def placeopt(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "placeopt", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A folder with the fund for families, its plan, and files of later figures."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(data / "families", folder / "families")
    (folder / "actual.csv").write_text(ACTUAL, encoding="utf-8")
    (folder / "wrong.csv").write_text(WRONG, encoding="utf-8")
    done = placeopt("solve", "families/scenarios/families.toml", "--out", "first", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def year_on(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return placeopt("year-on", "families/scenarios/families.toml", *arguments, cwd=home)


def by_year(folder: Path, programme: str) -> list[float]:
    with (folder / "tables" / "spending_by_year.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["programme_id"] == programme]
    return [float(row["plan_gbp"]) for row in rows]


def test_a_rolled_plan_keeps_contracts_and_the_past(home: Path) -> None:
    asked = "--actual", "actual.csv", "--plan", "first", "--contracted", "key_workers"
    done = year_on(home, *asked, "--out", "next")
    assert done.returncode == 0, done.stderr
    planned = by_year(home / "first", "key_workers")
    said = done.stdout.splitlines()
    assert said[0].startswith("2026 is actual now: £")
    assert f"  A key worker for each family: £4,500,000, planned £{planned[0]:,.0f}" in said
    assert "  Mental health of children: at least £810,000 in 2027" in said
    assert f"  A key worker for each family: at least £{planned[1]:,.0f} in 2027" in done.stdout
    assumed = next(line for line in said if line.startswith("Not in the file"))
    assert "Social work with children" in assumed
    assert "A key worker" not in assumed
    assert said[-1] == "Next: placeopt solve next/families.toml --out next/plan"

    # The place and question are whole: moved to a folder of their own they are answered. On the
    # code before, the plan failed its verification: stand-alone plans, too, checked the past.
    shutil.copytree(home / "next", home / "moved")
    solved = placeopt(*said[-1].replace("next/", "moved/").split()[2:], cwd=home)
    assert solved.returncode == 0, solved.stdout + solved.stderr
    summary = json.loads((home / "moved/plan/summary.json").read_text(encoding="utf-8"))
    assert summary["verified"] is True
    workers = by_year(home / "moved/plan", "key_workers")
    assert workers[0] == pytest.approx(4_500_000)
    pairs = zip(workers[1:], planned[1:], strict=True)
    assert all(now >= before - 0.01 for now, before in pairs)
    assert by_year(home / "moved/plan", "care_homes")[0] == pytest.approx(18_800_000)
    assert by_year(home / "moved/plan", "young_minds")[1] >= 810_000 - 0.01

    # and a further year later: 2027 gets its actual figures, contracts still hold
    (home / "later.csv").write_text(
        "programme_id,year,amount_gbp\nkey_workers,2027,4900000\n", encoding="utf-8"
    )
    again = placeopt("year-on", "moved/families.toml", "--actual", "later.csv", "--plan",
                     "moved/plan", "--out", "third", cwd=home)  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("2027 is actual now: £")
    assert f"at least £{planned[2]:,.0f} in 2028" in again.stdout
    assert "To be decided anew: 2028 to 2030." in again.stdout


def test_a_wrong_file_is_refused_with_all_faults(home: Path) -> None:
    """Nothing is written."""
    done = year_on(home, "--actual", "wrong.csv", "--out", "refused")
    assert done.returncode == 1
    assert done.stderr.startswith("8 faults in wrong.csv:")
    for words in (
        "row 2: programme_id is 'key_worker'",
        "did you mean 'key_workers'?",
        "row 3: year is '2027': this is not the first decided year without actual figures; give "
        "2026",
        "row 4: amount_gbp is '4.5m': there is text in a number column",
        "row 5: amount_gbp is '-5': this is below 0",
        "row 5: kind is 'spent': this is not one of the choices; give one of contracted, actual",
        "row 6: year is '2026': money is contracted for a year after 2026",
        "row 7: amount_gbp is '1300000': more than the programme's maximum of 1200000.00",
    ):
        assert words in done.stderr
    assert not (home / "refused").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--out", "families/scenarios"), "families.toml is this year's and would be lost"),
        (("--out", "x", "--contracted", "key_worker"), "no programme 'key_worker'"),
        (("--out", "x", "--contracted", "young_minds"), "in actual.csv and by --contracted"),
        (("--out", "x", "--plan", "families"), "families holds no verified plan"),
        (("--out", "x", "--plan", "first", "--rolls"), "no amount for the decided year 2031"),
    ],
)
def test_invalid_requests_are_refused_in_a_sentence(home: Path, arguments, words) -> None:
    done = year_on(home, "--actual", "actual.csv", *arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "x").exists()


def test_a_plan_of_other_input_is_not_taken_up(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "families", tmp_path / "families")
    spending = tmp_path / "families" / "spending.csv"
    text = spending.read_text(encoding="utf-8").replace("18900000", "18800000")
    spending.write_text(text, encoding="utf-8")
    done = year_on(tmp_path, "--actual", home / "actual.csv", "--plan", home / "first",
                   "--out", "next")  # fmt: skip
    assert done.returncode == 2
    assert "is of other input (spending.csv): solve it again" in done.stderr
