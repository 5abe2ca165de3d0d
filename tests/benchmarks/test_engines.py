"""One command measures a suite and renews its tables in the README."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def engines_module():
    spec = importlib.util.spec_from_file_location("engines", ROOT / "benchmarks" / "engines.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_suite_is_measured_and_its_part_of_the_readme_renewed(tmp_path, monkeypatch):
    engines = engines_module()
    monkeypatch.setitem(engines.GENERATED, "smoke", (["highs"], "p-dispersion"))
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- engines smoke -->\nold\n<!-- end -->\nafter\n")
    engines.main([
        "--suites", "smoke", "--time-limit", "30", "--out", str(tmp_path / "out"),
        "--results", str(tmp_path / "results"), "--readme", str(readme),
    ])  # fmt: skip
    text = readme.read_text()
    assert text.startswith("before\n<!-- engines smoke -->\n1 runs on ")
    assert "| p-dispersion-12-3-s1 | 765 " in text
    assert text.endswith("<!-- end -->\nafter\n")
    assert (tmp_path / "results" / "bench_smoke.parquet").is_file()
    assert (tmp_path / "results" / "bench_smoke.csv").is_file()


def test_the_readme_has_a_place_for_every_suite_that_is_measured():
    engines = engines_module()
    text = (ROOT / "benchmarks" / "README.md").read_text()
    for name in (*engines.GENERATED, *engines.FILES):
        assert f"<!-- engines {name} -->\n" in text


def test_the_known_values_that_ship_can_be_read():
    from placeopt.bench.results.judge import read_best_known

    known = read_best_known(ROOT / "benchmarks" / "best_known.csv")
    assert len(known) > 100
    assert not known.duplicated(["family", "case"]).any()
    assert set(known.loc[known["case"] == "pmed1", "value"]) == {127.0, 5819.0}  # centre, median
