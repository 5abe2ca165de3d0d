"""Without a plan, the explanation names the rules that clash and the least relaxation."""

from placeopt.engine import Status
from placeopt.estate import solve
from placeopt.estate.explain.conflicts import explain
from placeopt.scenario.rules.estate.services import Access, Capital, Network, Revenue
from tests.estate.places import scenario
from tests.estate.town import building, town
from tests.support.places import minutes


def clashes(place, *rules, drive):
    explanation = explain(place, minutes(place, drive=drive), scenario(*rules))
    return {clash.name: clash.what_gives for clash in explanation.clashes}


def test_access_and_revenue_clash_with_a_relaxation_of_each():
    """B1 (10,000) reaches half the people, B2 (30,000) the other half. Both within 20 minutes
    needs 40,000; the ceiling of 20,000 allows B1 alone."""
    here = town([building("B1", 10_000), building("B2", 30_000)])
    drive = [[10.0, 60.0], [60.0, 10.0]]
    rules = (
        Access(services="all", minutes=20, share=0.9),
        Revenue(ceiling_gbp_per_year=20_000),
    )
    answer = solve(here, minutes(here, drive=drive), scenario(*rules))
    assert answer.result.status is Status.INFEASIBLE
    assert answer.plan is None
    gives = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert set(gives) == {"access", "revenue"}
    assert "50.0%" in gives["access"]
    assert "40,000" in gives["revenue"]


def test_the_explanation_states_the_needed_capital():
    """B1 must close for a candidate: fit-out and move cost 8,000, the pot has 5,000."""
    services = [{"service_id": "S", "moving_cost_gbp": 8_000.0}]
    buildings = [building("B1", 10_000, pinned="close"), building("B2", 1, status="candidate")]
    here = town(buildings, services)
    gives = clashes(here, Capital(pot_gbp=5_000), drive=[[5.0, 5.0]] * 2)
    assert "8,000" in gives["capital"]


def test_two_clashing_rules_are_both_named():
    here = town([building("B1", 10_000), building("B2", 30_000)])
    rules = (Network(at_least=2), Network(at_most=1))
    explanation = explain(here, minutes(here, drive=[[5.0, 5.0]] * 2), scenario(*rules))
    assert [clash.name for clash in explanation.clashes] == ["network", "network"]
    assert explanation.sentence.endswith(
        "without network (E9, the first of them) or network (E9, the second of them)."
    )


def test_a_clash_that_needs_two_rules_dropped_is_found():
    """Two rules forbid every building, and visits and a third rule need one."""
    here = town([building("B1", 10_000), building("B2", 30_000)])
    rules = (Network(at_most=0), Network(at_most=0, district="D1"), Network(at_least=1))
    explanation = explain(here, minutes(here, drive=[[5.0, 5.0]] * 2), scenario(*rules))
    names = {clash.name for clash in explanation.clashes}
    assert names == {"network and network", "served and network"}
    gives = {clash.what_gives for clash in explanation.clashes}
    assert gives == {"A plan exists without the two; without one of them alone none was found."}
