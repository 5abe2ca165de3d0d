"""The command line: its output and exit status."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = """
question = "What is the least we can spend?"
place = "place"
problem = "estate"
[solver]
gap = 0.05
time_limit_seconds = {limit}
{rules}
"""


def placeopt(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "placeopt", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    done = placeopt("--version")
    assert (done.returncode, done.stdout.strip()) == (0, version("placeopt"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small place and scenarios."""
    folder = tmp_path_factory.mktemp("home")
    made = placeopt(
        "place", "synth", "--zones", 30, "--buildings", 32, "--seed", 3, "--out", folder / "place"
    )
    assert made.returncode == 0, made.stderr
    for name, limit, rules in [
        ("plain", 60, ""),
        ("impossible", 60, '[[rules]]\nrule = "revenue"\nceiling_gbp_per_year = 1'),
        ("hurried", 0.000001, ""),
    ]:
        text = SCENARIO.format(limit=limit, rules=rules)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_clean_place_and_scenario_check_with_status_0(home: Path) -> None:
    done = placeopt("check", "place", "plain.toml", cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 errors" in done.stdout


def test_check_lists_faults_of_place_and_scenario_together(home: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(home / "place", tmp_path / "place")
    zones = tmp_path / "place" / "zones.csv"
    lines = zones.read_text(encoding="utf-8").splitlines()
    position = lines[0].split(",").index("population")
    cells = lines[3].split(",")
    cells[position] = "many"
    zones.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]), encoding="utf-8")
    (tmp_path / "bad.toml").write_text(
        'question = "?"\nplace = "place"\nproblem = "estate"\n[[rules]]\nrule = "acces"\n',
        encoding="utf-8",
    )
    done = placeopt("check", "place", "bad.toml", "--json", cwd=tmp_path)
    assert done.returncode == 1
    findings = json.loads(done.stdout)["findings"]
    found = {(f["file"], f["row"], f["column"], f["value"]) for f in findings}
    assert ("zones.csv", 4, "population", "many") in found
    scenario = [f for f in findings if f["file"].endswith("bad.toml")]
    assert any(f["row"] == 5 and "access" in f["remedy"] + f["message"] for f in scenario)


def test_a_plan_found_is_status_0_and_writes_what_people_open(home: Path) -> None:
    done = placeopt("solve", "plain.toml", "--out", "plain", cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.name for path in (home / "plain").iterdir()}
    assert {"summary.json", "workbook.xlsx", "plan.gpkg", "index.html", "tables"} <= written


def test_json_prints_one_object_and_nothing_else(home: Path) -> None:
    done = placeopt("solve", "plain.toml", "--out", "plain-json", "--json", cwd=home)
    summary = json.loads(done.stdout)
    assert summary["verified"] is True
    assert summary["bound"] <= summary["objective"] + 1e-6 * abs(summary["objective"])


def test_an_unknown_option_is_status_2(home: Path) -> None:
    assert placeopt("solve", "plain.toml", "--nonsense", cwd=home).returncode == 2


def test_a_missing_scenario_file_is_reported_in_one_line(home: Path) -> None:
    done = placeopt("solve", "nowhere.toml", cwd=home)
    assert done.returncode == 1
    assert "nowhere.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_rules_that_clash_are_status_3_and_named(home: Path) -> None:
    done = placeopt("solve", "impossible.toml", "--out", "impossible", cwd=home)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "E11" in done.stdout
    assert "Traceback" not in done.stderr


def test_no_plan_within_the_limit_is_status_4(home: Path) -> None:
    done = placeopt("solve", "hurried.toml", "--out", "hurried", "--json", cwd=home)
    if done.returncode == 0:  # a warm start came first: then it is a plan with an honest gap
        summary = json.loads(done.stdout)
        assert summary["verified"] is True
        assert summary["status"] != "optimal" or summary["gap"] <= 0.05
    else:
        assert done.returncode == 4


def test_a_plan_that_fails_verification_is_status_5(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from placeopt import cli
    from placeopt.scenario import Check, Verification

    false = Verification((Check("E7", "access", "nine in ten", False, "zone Z1 has no library"),))
    monkeypatch.setattr("placeopt.estate.verify.verify", lambda *_, **__: false)
    command = ["placeopt", "solve", str(home / "plain.toml"), "--out", str(home / "never")]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 5
    assert "zone Z1 has no library" in capsys.readouterr().err
    assert not (home / "never").exists()


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to a child works otherwise on Windows")
def test_ctrl_c_returns_the_best_plan_so_far(home: Path, tmp_path: Path) -> None:
    made = placeopt("place", "synth", "--zones", 150, "--out", tmp_path / "place")
    assert made.returncode == 0
    slow = SCENARIO.format(limit=120, rules="").replace("gap = 0.05", "gap = 0.0")
    (tmp_path / "slow.toml").write_text(slow, encoding="utf-8")
    command = [sys.executable, "-m", "placeopt", "solve", "slow.toml", "--out", "slow"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as child:
        assert child.stderr is not None
        for line in child.stderr:  # of progress; none is left once the solve has ended
            if "best plan" in line and "best plan none yet" not in line:
                child.send_signal(signal.SIGINT)
                break
        child.communicate(timeout=300)
    summary = json.loads((tmp_path / "slow" / "summary.json").read_text(encoding="utf-8"))
    assert child.returncode == 0
    assert summary["status"] in {"interrupted", "optimal"}
    assert summary["verified"] is True


def test_least_money_states_which_standard_breaks_first(home: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "budget.toml"
    question = 'question = "How far?"\nproblem = "budget"\n'
    scenario.write_text(f'{question}place = "{(home / "place").as_posix()}"\n', encoding="utf-8")
    done = placeopt("least-money", scenario, "--out", tmp_path / "least")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "least" / "order_of_breaking.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    first = rows[0]
    head, line = done.stdout.splitlines()[:2]
    assert f"against £{float(first['today_gbp']):,.0f} today" in head
    assert f"1. £{float(first['least_gbp']):,.0f}, " in line
    assert f"below it {first['name']} breaks first" in line
    least = [float(row["least_gbp"]) for row in rows]
    assert least == sorted(least, reverse=True)
    assert all(float(row["bound_gbp"]) <= float(row["least_gbp"]) for row in rows)

    refused = placeopt("least-money", "plain.toml", cwd=home)
    assert refused.returncode == 2
    assert "estate" in refused.stderr


def test_prices_say_what_a_step_of_each_limit_changes(home: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "budget.toml"
    lines = [
        'question = "What is each limit worth?"',
        'problem = "budget"',
        f'place = "{(home / "place").as_posix()}"',
        "[objective]",
        'minimise = ["weighted_outcomes"]',
        "[[rules]]",
        'rule = "one_budget"',
        "reduction_share = 0.1",
    ]
    scenario.write_text("\n".join(lines), encoding="utf-8")
    done = placeopt("prices", scenario, "--out", tmp_path / "prices")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "prices" / "prices.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    said = done.stdout.splitlines()
    assert "weighted share of the way from baseline to target" in said[0]
    assert "below 0 is better" in said[0]
    assert all(row["name"] in done.stdout for row in rows)  # names, not ids
    assert len(said) <= len(rows) + 3
    total = next(row for row in rows if row["rule"] == "B1")
    assert float(total["change_in_objective"]) < 0  # more money helps
    floors = [float(row["highest"]) for row in rows if row["rule"] == "B3"]
    assert floors
    assert min(floors) >= 0  # a higher floor never helps

    refused = placeopt("prices", "plain.toml", cwd=home)
    assert refused.returncode == 2
    assert "estate" in refused.stderr


def test_a_discount_rate_in_per_cent_is_refused_in_a_sentence(data: Path, tmp_path: Path) -> None:
    done = placeopt("appraise", data / "early-years", "--rate", "3.5", "--out", tmp_path / "a")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--rate" in done.stderr
