"""The whole story keeps what each of its steps found."""

import shutil

from placeopt.run import demo_scenarios, solve_file


def test_warnings_of_the_files_the_place_and_the_problem_all_reach_the_answer(tmp_path):
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
