"""Capital (B11): pots, what they keep from year to year, and a verifier that uses maximum flow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from placeopt.budget import solve
from placeopt.budget.verify import verify
from placeopt.budget.verify.capital import SINK, SOURCE, Flow
from placeopt.place import Place
from placeopt.scenario.rules.budget.money import Capital, Continuity, Outcomes, Streams
from tests.budget.places import scenario_of
from tests.support.places import place_of

YEARS = (2026, 2027)


TARGET = 10  # homes a year; more of them than that count no more


def schemes(
    needs: dict[str, float],
    amounts: dict[str, tuple[float, ...]],
    pays: dict[str, list[str]] | None = None,
    worth: dict[str, float] | None = None,
    commitments: list[dict] | None = None,
) -> Place:
    """Schemes of 10 GBP a year or none that need capital to start, and capital streams with
    ``amounts`` by year; each scheme brings one home a year, or its ``worth``."""
    years = range(2026, 2026 + len(next(iter(amounts.values()))))
    return place_of(
        agencies=[{"agency_id": "council"}],
        programmes=[
            {"programme_id": "base", "agency_id": "council", "maximum_gbp_per_year": 100},
            *(
                {
                    **{"programme_id": key, "agency_id": "council", "kind": "enabling"},
                    **{"minimum_scale_gbp_per_year": 10, "maximum_gbp_per_year": 10},
                    "capital_gbp": gbp,
                }
                for key, gbp in needs.items()
            ),
        ],
        streams=[
            {"stream_id": "rev", "agency_id": "council"},
            *(
                {
                    **{"stream_id": key, "agency_id": "council", "purpose": "capital"},
                    "ring_fenced": bool(pays),
                }
                for key in amounts
            ),
        ],
        stream_amounts=[
            *({"stream_id": "rev", "year": year, "amount_gbp": 1000} for year in years),
            *(
                {"stream_id": key, "year": year, "amount_gbp": gbp}
                for key, own in amounts.items()
                for year, gbp in zip(years, own, strict=True)
            ),
        ],
        stream_programmes=[
            {"stream_id": key, "programme_id": p} for key, own in (pays or {}).items() for p in own
        ],
        spending=[{"year": 2025, "programme_id": "base", "stream_id": "rev", "amount_gbp": 100}],
        outcomes=[
            {
                **{"outcome_id": "homes", "unit": "homes", "direction": "higher"},
                **{"baseline": 0, "target": TARGET},
            }
        ],
        curves=[{"programme_id": key, "outcome_id": "homes", "form": "points"} for key in needs],
        curve_points=[
            {"programme_id": key, "outcome_id": "homes", "spend_gbp": s, "effect": e}
            for key in needs
            for s, e in ((0, 0.0), (10, (worth or {}).get(key, 1.0)))
        ],
        commitments=commitments or [],
    )


def carried(way: str) -> Streams:
    return Streams(rule="streams", unspent=way)


def starts(answer) -> dict[str, list[int]]:
    """The years in which each scheme that needs capital starts."""
    rows = answer.plan.tables["spending_by_year"]
    rows = rows[rows["capital_gbp"] > 0]
    return {key: list(own["year"]) for key, own in rows.groupby("programme_id")}


def test_streams_pay_for_a_scheme_over_two_years_if_carried():
    """Five and five pay for eight in the second year where unspent money is carried."""
    place = schemes({"new": 8}, {"cap": (5, 5)}, {"cap": ["new"]})
    for pots, way, found in (
        ("one", "carried", {"new": [2027]}),
        ("streams", "carried", {"new": [2027]}),
        ("streams", "returned", {}),
    ):
        rules = [Capital(rule="capital", pots=pots), carried(way)]
        assert starts(solve(place, scenario_of(rules=rules, years=2))) == found


def test_receipts_are_kept_whatever_streams_do():
    """Receipts of 5 and 5 pay for 8 in the second year; a stream's 5 of the first do not."""
    place = schemes({"new": 8}, {"cap": (0, 0)})
    rule = Capital(rule="capital", receipts_gbp=(5, 5))
    assert starts(solve(place, scenario_of(rules=[rule], years=2))) == {"new": [2027]}
    place, rule = schemes({"new": 8}, {"cap": (5, 0)}), Capital(rule="capital", receipts_gbp=(0, 5))
    assert starts(solve(place, scenario_of(rules=[rule], years=2))) == {}


def test_money_is_never_borrowed_from_a_later_year():
    place, rule = schemes({"new": 8}, {"cap": (4, 9)}), Capital(rule="capital")
    answer = solve(place, scenario_of(rules=[rule, carried("carried")], years=2))
    assert starts(answer) == {"new": [2027]}


def test_a_shortfall_of_capital_is_stated_once():
    """8 are needed, 3 and 3 kept: 2 more suffice, in any year."""
    place, rule = schemes({"new": 8}, {"cap": (3, 3)}), Capital(rule="capital")
    place = place.replace(outcomes=place.outcomes.assign(minimum_standard=1.0))
    rules = [rule, carried("carried"), Outcomes(rule="outcomes", from_year=2027)]
    answer = solve(place, scenario_of(rules=rules, years=2))
    found = {clash.name: clash.what_gives for clash in answer.explanation.clashes}
    assert found["capital"].startswith("£2 more capital would be needed")


def test_past_years_use_only_available_capital():
    """Programmes that started in 2026 took 5 of the receipts' 6 and had 1 from elsewhere. With the
    rest and 2027's 2 another scheme of 3 can start, but not one of 6."""
    known = [
        {"programme_id": key, "year": 2026, "kind": "actual", "amount_gbp": gbp}
        for key, gbp in (("base", 100), ("was", 10), ("new", 0))
    ]
    for need, started in ((3, {"was": [2026], "new": [2027]}), (4, {"was": [2026]})):
        place = schemes({"was": 5, "new": need}, {"cap": (0, 0)}, commitments=known)
        rule = Capital(rule="capital", receipts_gbp=(6, 2))
        rules = [rule, Continuity(rule="continuity")]
        assert starts(solve(place, scenario_of(rules=rules, years=2))) == started
    # if they cannot pay for past years, the plan of later years is checked alone
    place = schemes({"was": 9, "new": 2}, {"cap": (0, 0)}, commitments=known)
    rules = [Capital(rule="capital", receipts_gbp=(6, 2)), Continuity(rule="continuity")]
    found = starts(solve(place, scenario_of(rules=rules, years=2)))
    assert found == {"was": [2026], "new": [2027]}


def test_a_plan_that_spends_capital_twice_is_caught():
    """The same 8 pay for one scheme; a plan that starts both in 2027 fails."""
    place = schemes({"one": 8, "two": 8}, {"cap": (8, 8)})
    free = scenario_of(rules=[carried("carried")], years=2)
    plan = solve(place, free).plan
    asked = scenario_of(rules=[Capital(rule="capital"), carried("carried")], years=2)
    broken = {check.number: check.detail for check in verify(place, asked, plan).broken}
    assert broken["B11"].startswith("capital of 2026: £8 too far")


@pytest.mark.parametrize("seed", range(20))
def test_a_flow_is_as_large_as_the_least_cut(seed):
    """On small random networks the maximum flow equals the least of all cuts."""
    rng, flow = np.random.default_rng(seed), Flow()
    inner = [(0, "pot", k) for k in range(5)]
    arcs = {}
    for start, end in itertools.permutations([SOURCE, *inner, SINK], 2):
        if end != SOURCE and start != SINK and rng.random() < 0.6:
            arcs[start, end] = int(rng.integers(0, 9))
            flow.add(start, end, arcs[start, end])
    least = min(
        sum(
            most
            for (start, end), most in arcs.items()
            if start in {SOURCE, *side} and end not in {SOURCE, *side}
        )
        for size in range(6)
        for side in itertools.combinations(inner, size)
    )
    assert flow.push() == least
    assert flow.push() == 0


def random_case(seed: int) -> tuple[Place, list, dict]:
    rng = np.random.default_rng(seed)
    keys, pots = [f"s{i}" for i in range(3)], [f"f{i}" for i in range(rng.integers(1, 4))]
    needs = {key: 1000.0 * rng.integers(1, 10) for key in keys}
    amounts = {pot: tuple(1000.0 * rng.integers(0, 8, len(YEARS))) for pot in pots}
    pays = {pot: [key for key in keys if rng.random() < 0.5] for pot in pots}
    worth = {key: float(rng.integers(1, 6)) for key in keys}
    receipts = tuple(1000.0 * rng.integers(0, 4, len(YEARS)))
    many, keeps = rng.random() < 0.7, rng.random() < 0.5
    rule = Capital(rule="capital", pots="streams" if many else "one", receipts_gbp=receipts)
    rules = [rule, carried("carried" if keeps else "returned")]
    place = schemes(needs, amounts, pays, worth)
    if not many:
        pays = dict.fromkeys(pots, keys)
    facts = {"needs": needs, "amounts": amounts, "pays": pays, "worth": worth}
    return place, rules, facts | {"receipts": receipts, "keeps": keeps}


def enumerated(facts: dict) -> float:
    """The most homes, averaged over the years, of all plans of starting and stopping schemes for
    whose capital a linear program finds money."""
    keys, decided = list(facts["needs"]), len(YEARS)
    worth = np.array([facts["worth"][key] for key in keys])
    best = 0.0
    for on in itertools.product((0, 1), repeat=len(keys) * decided):
        plan = np.array(on).reshape(len(keys), decided)
        homes = np.minimum(worth @ plan, TARGET).sum() / decided  # beyond it nothing counts
        if homes <= best:
            continue
        need = [
            (t, key)
            for i, key in enumerate(keys)
            for t in range(decided)
            if plan[i, t] and not (t and plan[i, t - 1])
        ]
        if paid(facts, need):
            best = homes
    return best


def paid(facts: dict, need: list[tuple[int, str]]) -> bool:
    """Whether pots of every year, kept or not, can pay for what starts."""
    money = {"receipts": facts["receipts"], **facts["amounts"]}
    of = [  # money of pot f and year s pays for scheme key in year t
        (f, s, t, key)
        for f in money
        for s in range(len(YEARS))
        for t, key in need
        if (s == t or (s < t and (f == "receipts" or facts["keeps"])))
        and (f == "receipts" or key in facts["pays"][f])
    ]
    if not need:
        return True
    if not of:
        return False
    sums = np.array([[(t, key) == one for *_, t, key in of] for one in need], float)
    due = np.array([facts["needs"][key] for _, key in need])
    pots = [(f, s) for f in money for s in range(len(YEARS))]
    uses = np.array([[(f, s) == pot for f, s, *_ in of] for pot in pots], float)
    held = np.array([money[f][s] for f, s in pots])
    return linprog(np.zeros(len(of)), uses, held, sums, due).status == 0


def check_case(seed: int) -> None:
    place, rules, facts = random_case(seed)
    answer = solve(place, scenario_of(rules=rules, years=2))
    assert answer.verification.ok
    assert -10 * answer.result.objective == pytest.approx(enumerated(facts), abs=1e-6)
    one = [rule.model_copy(update={"pots": "one"}) for rule in rules[:1]]
    pooled = solve(place, scenario_of(rules=[*one, *rules[1:]], years=2))
    assert pooled.result.objective <= answer.result.objective + 1e-9


@pytest.mark.parametrize("seed", [1, 3])
def test_plans_are_the_best_of_all_that_capital_allows(seed):
    check_case(seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(100, 600))
def test_five_hundred_plans_are_the_best_capital_allows(seed):
    check_case(seed)


@pytest.mark.parametrize("seed", [0, 6])
def test_a_scheme_that_costs_more_is_caught_if_short(seed):
    """A plan is verified against a place where one scheme needs 1,000 GBP more: it is refused if
    and only if the linear program finds no money for that."""
    place, rules, facts = random_case(seed)
    question = scenario_of(rules=rules, years=2)
    answer = solve(place, question)
    begun = [(t - YEARS[0], key) for key, own in starts(answer).items() for t in own]
    for at, key in begun:
        more = dict(facts, needs=facts["needs"] | {key: facts["needs"][key] + 1000})
        programmes = place.programmes.copy()
        programmes.loc[programmes["programme_id"] == key, "capital_gbp"] += 1000
        there = place.replace(programmes=programmes)
        found = {c.number: c.holds for c in verify(there, question, answer.plan).checks}
        assert found["B11"] is paid(more, begun), (at, key)


def test_forty_seven_streams_are_verified():
    """47 streams for 40 schemes, an example from the field: the verifier does not enumerate 2^47
    sets, and the answer is never better than with one pot."""
    rng = np.random.default_rng(7)
    needs = {f"s{i:02}": float(rng.integers(500, 4000)) for i in range(40)}
    amounts = {f"f{i:02}": (float(rng.integers(100, 3000)),) for i in range(47)}
    pays = {
        pot: [key for key in needs if rng.random() < 0.05] or [f"s{i % 40:02}"]
        for i, pot in enumerate(amounts)
    }
    place = schemes(needs, amounts, pays, {key: float(rng.integers(10, 100)) for key in needs})
    values = {}
    for pots in ("streams", "one"):
        rule = Capital(rule="capital", pots=pots)
        solver = {"gap": 0.01, "time_limit_seconds": 40}
        answer = solve(place, scenario_of(rules=[rule], solver=solver))
        assert answer.verification.ok
        values[pots] = answer.result.objective, answer.result.bound
    assert values["streams"][0] >= values["one"][1] - 1e-9
