"""Curves from evidence: known curves are found again, and poor evidence raises warnings."""

import numpy as np
import pytest

from placeopt.base.errors import PlaceError, UsageError
from placeopt.budget.curves.calibrate import calibrate, with_curves, write_calibration
from placeopt.budget.curves.forms import response_curve
from placeopt.place import read_place, write_place
from tests.support.places import place_of


def observed(spend, value, direction="higher", **tables):
    pairs = [{"programme_id": "visits", "outcome_id": "ready", "observation": f"area {at}",
              "spend_gbp": float(s), "outcome_value": float(v), "grade": 3}
             for at, (s, v) in enumerate(zip(spend, value, strict=True))]  # fmt: skip
    return place_of(
        agencies=[{"agency_id": "council"}],
        streams=[{"stream_id": "all", "agency_id": "council"}],
        stream_amounts=[{"stream_id": "all", "year": 2025, "amount_gbp": 100}],
        programmes=[{"programme_id": "visits", "agency_id": "council"}],
        spending=[{"year": 2025, "programme_id": "visits", "stream_id": "all", "amount_gbp": 50}],
        outcomes=[{"outcome_id": "ready", "unit": "%", "direction": direction, "baseline": 60}],
        **{"evidence_pairs": pairs} | tables,
    )


@pytest.mark.parametrize(
    "curve",
    [
        response_curve("power", 8.0, 100.0, 0.5),
        response_curve("exponential", 8.0, 30.0),
        response_curve("coverage", 8.0, 40.0),
        response_curve("hill", 8.0, 30.0, 2.5),
        response_curve("logistic", 8.0, 50.0, 4.0),
    ],
    ids=lambda curve: curve.name,
)
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_a_curve_without_noise_is_found_again(curve, direction):
    spend = np.linspace(0, 100, 12)
    sign = 1 if direction == "higher" else -1
    found = calibrate(observed(spend, 55 + sign * curve.effect(spend), direction), curve.name)
    (row,) = found.curves.to_dict("records")
    fitted = response_curve(row["form"], row["maximum_effect"], row["scale_gbp"], row["shape"])
    assert fitted.effect(spend) == pytest.approx(curve.effect(spend), abs=1e-3)
    fit = found.fits.iloc[0]
    assert fit["r2"] == pytest.approx(1, abs=1e-6)
    assert fit["value_at_no_spend"] == pytest.approx(55, abs=1e-3)
    assert row["grade"] == 3


def test_the_best_form_is_chosen_and_all_forms_are_reported(tmp_path):
    rng = np.random.default_rng(7)
    spend = np.linspace(2, 100, 25)
    value = 50 + response_curve("hill", 10.0, 40.0, 4.0).effect(spend) + rng.normal(0, 0.1, 25)
    place = observed(spend, value)
    found = calibrate(place)
    assert set(found.fits["form"]) == {"power", "exponential", "coverage", "hill", "logistic"}
    assert found.fits.set_index("form").loc[found.curves["form"][0], "chosen"] == "yes"
    assert found.curves["form"][0] in ("hill", "logistic")  # an S needs a shape
    assert found.residuals["residual"].sum() == pytest.approx(0, abs=1e-6)
    assert found.residuals["residual"].std() == pytest.approx(0.1, rel=0.4)

    said = write_calibration(found, tmp_path).read_text()
    assert "taken" in said
    assert said.count("tried for visits on ready") == 5


def test_least_squares_agree_with_a_fine_grid():
    rng = np.random.default_rng(3)
    spend, noise = np.linspace(0, 80, 15), rng.normal(0, 0.4, 15)
    value = 20 + response_curve("exponential", 6.0, 25.0).effect(spend) + noise
    found = calibrate(observed(spend, value), "exponential")
    squares = (found.residuals["residual"] ** 2).sum()
    grid = []
    for scale in np.geomspace(2, 350, 2000):
        line = np.column_stack(
            [np.ones(15), response_curve("exponential", 1.0, scale).effect(spend)]
        )
        grid.append(np.linalg.lstsq(line, value, rcond=None)[1][0])
    assert squares <= min(grid) * (1 + 1e-6)


@pytest.mark.parametrize(
    ("spend", "value", "said"),
    [
        ([0, 10, 20], [1, 2, 3], "3 pairs at 3 spends are too few"),
        ([5] * 9, range(9), "9 pairs at 1 spends are too few"),
        (range(8), [4] * 8, "the same at every spend"),
        (range(8), [9, 8, 7, 6, 5, 4, 3, 2], "does not improve with spending"),
    ],
)
def test_insufficient_evidence_for_a_curve_is_an_error(spend, value, said):
    with pytest.raises(PlaceError, match=said):
        calibrate(observed(spend, value))


def test_a_weak_fit_is_a_warning():
    rng = np.random.default_rng(1)
    spend = np.linspace(0, 100, 20)
    found = calibrate(observed(spend, 50 + 0.01 * spend + rng.normal(0, 1, 20)), "power")
    assert any("explains only" in str(finding) for finding in found.findings)
    straight = calibrate(observed(spend, 50 + 0.05 * spend), "exponential")
    assert any("levels off is not known" in str(finding) for finding in straight.findings)


def test_unit_cost_and_saturation_make_the_curve_of_optima():
    """1,000 people, 80 % at most, 50 GBP each: 20,000 GBP serve 2 x 0.8 / (1 + e^-1) - 0.8 of
    them, which is 0.36969, or 369.7 people; each moves the outcome by 0.01."""
    given = {"programme_id": "visits", "outcome_id": "ready", "population": 1000.0,
             "saturation_share": 0.8, "unit_cost_gbp": 50.0, "effect_per_person": 0.01}  # fmt: skip
    place = observed([], [], coverage=[given])
    (row,) = calibrate(place).curves.to_dict("records")
    curve = response_curve(row["form"], row["maximum_effect"], row["scale_gbp"])
    assert float(curve.effect(20_000)) == pytest.approx(0.01 * 369.694, rel=1e-5)
    with pytest.raises(PlaceError, match="a cost of its own or a unit cost's"):
        calibrate(observed([], [], coverage=[given | {"unit_cost_gbp": np.nan}]))


def test_calibrated_curves_replace_and_read_back(tmp_path):
    spend = np.linspace(0, 100, 12)
    old = [{"programme_id": "visits", "outcome_id": "ready", "form": "points"}]
    points = [{"programme_id": "visits", "outcome_id": "ready", "spend_gbp": s, "effect": s}
              for s in (0.0, 1.0)]  # fmt: skip
    place = observed(spend, response_curve("exponential", 8.0, 30.0).effect(spend), curves=old,
                     curve_points=points)  # fmt: skip
    after = with_curves(place, calibrate(place, "exponential"))
    assert after.curves["form"].tolist() == ["exponential"]
    assert len(after.curve_points) == 0
    write_place(after, tmp_path / "place")
    again = read_place(tmp_path / "place")
    assert again.curves["maximum_effect"][0] == pytest.approx(8, rel=1e-4)


def test_the_command_writes_the_place_and_reports_every_fit(tmp_path):
    from typer.testing import CliRunner

    from placeopt.cli import app

    spend = np.linspace(0, 100, 12)
    place = observed(spend, response_curve("exponential", 8.0, 30.0).effect(spend))
    write_place(place, tmp_path / "before")
    arguments = ["place", "calibrate", tmp_path / "before", "--out", tmp_path / "after"]
    ran = CliRunner().invoke(app, [str(word) for word in [*arguments, "--form", "exponential"]])
    assert ran.exit_code == 0, ran.output
    assert "R2 1.000" in ran.output
    assert read_place(tmp_path / "after").curves["form"].tolist() == ["exponential"]
    assert (tmp_path / "after" / "calibration-residuals.csv").is_file()


def test_a_question_that_makes_no_sense_is_refused():
    with pytest.raises(UsageError, match="no form 'cubic'"):
        calibrate(observed([], []), "cubic")
    with pytest.raises(UsageError, match="nothing to calibrate from"):
        calibrate(observed([], []))


def test_calibrating_keeps_when_effects_come_and_how_they_last():
    curve = response_curve("exponential", 8.0, 30.0)
    spend = np.linspace(0.0, 100.0, 12)
    old = {"programme_id": "visits", "outcome_id": "ready", "form": "power", "maximum_effect": 5,
           "scale_gbp": 50, "shape": 0.5, "lag_years": 2, "persistence_share": 0.4}  # fmt: skip
    place = observed(spend, 60 + curve.effect(spend), curves=[old])
    (row,) = with_curves(place, calibrate(place, "exponential")).curves.to_dict("records")
    assert (row["form"], row["lag_years"], row["persistence_share"]) == ("exponential", 2, 0.4)
    fresh = observed(spend, 60 + curve.effect(spend))
    (row,) = with_curves(fresh, calibrate(fresh, "exponential")).curves.to_dict("records")
    assert (row["lag_years"], row["persistence_share"]) == (0, 0.0)
