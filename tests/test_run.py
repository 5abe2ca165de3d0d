"""A run keeps the findings of each of its steps."""

import shutil

from placeopt.run import check_files, demo_scenarios, solve_file


def test_warnings_of_every_kind_reach_the_answer(tmp_path):
    shutil.copytree(demo_scenarios()["budget"].parents[1], tmp_path / "marlshire")
    curves = tmp_path / "marlshire" / "curves.csv"
    lines = curves.read_text().splitlines(keepends=True)
    curves.write_text("".join(line for line in lines if not line.startswith("youth_work,")))
    (tmp_path / "marlshire" / "programs.csv").write_text("programme_id\n")  # a name mistyped

    answer = solve_file(tmp_path / "marlshire" / "scenarios" / "budget.toml", tmp_path / "out")

    found = {(finding.file, finding.value) for finding in answer.warnings}
    assert ("programmes.csv", "youth_work") in found  # the budget's own check
    assert any(file == "programs.csv" for file, _ in found)  # the reader's
    assert len(answer.warnings) == len(set(answer.warnings))


def test_checking_a_scenario_finds_what_a_solve_would_refuse(data, tmp_path):
    shutil.copytree(data / "families", tmp_path / "families")
    file = tmp_path / "families" / "scenarios" / "families.toml"
    text = file.read_text()

    def errors_of(changed: str) -> list[str]:
        file.write_text(changed)
        return [str(f) for f in check_files(tmp_path / "families", file) if f.severity == "error"]

    assert errors_of(text) == []
    (fault,) = errors_of(text.replace("31780000, ", ""))
    assert "4 numbers for 5 decided years; give one number, or one for each year" in fault
    assert "spending is stated up to 2025, so that this year is past" in "".join(
        errors_of(text.replace("year = 2026", "year = 2024"))
    )
    assert "stream_amounts.csv goes to 2030; decide earlier years" in "".join(
        errors_of(text.replace("year = 2026", "year = 2036"))
    )


def test_totals_in_thousands_of_pounds_are_warned_about(data, tmp_path):
    shutil.copytree(data / "families", tmp_path / "families")
    file = tmp_path / "families" / "scenarios" / "families.toml"
    file.write_text(file.read_text().replace("000, ", ", ").replace("000]", "]"))
    said = "\n".join(map(str, check_files(tmp_path / "families", file)))
    assert "total_gbp is '31780': under a hundredth of the £30,500,000 spent in 2025" in said
    assert "no outcome depends on it" not in said  # homes and classes follow demand
