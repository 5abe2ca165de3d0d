"""A budget plan in words: who gets less and more, and what that does to outcomes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.budget_facts import ROUNDING_GBP, BudgetFacts
from placeopt.report.narrative.budget_money import MONEY_SENTENCES, MoneyFacts
from placeopt.report.narrative.counterfactual import counterfactual_in_words
from placeopt.report.narrative.figures import Figure, known_values
from placeopt.report.narrative.sentences import (
    Sentence,
    Statement,
    Values,
    first_true,
    gbp,
    quantity,
    share,
    true_statements,
)
from placeopt.scenario.wording import listed

if TYPE_CHECKING:
    from placeopt.engine import Answer

CHANGE_KINDS = ("less", "more", "same", "none")  # what programmes get, against today


def describe_budget(answer: Answer) -> tuple[Statement, list[Statement], list[Figure]]:
    """Return the headline, the sentences and the key figures of a budget plan."""
    facts = BudgetFacts(answer)
    statements = [
        *true_statements(MONEY_SENTENCES, MoneyFacts(facts)),
        *true_statements(SENTENCES, facts),
    ]
    return first_true(HEADLINES, facts), statements, _figures(facts)


def _headline_values(f: BudgetFacts) -> Values:
    change = f.after_gbp - f.before_gbp
    met, stated = f.count_met("standard_met")
    return {
        "after": gbp(f.after_gbp),
        "in_year": f" in {f.year}" if f.year else "",
        "change": gbp(abs(change)),
        "share": share(abs(change) / f.before_gbp if f.before_gbp else math.nan),
        "met": met,
        "asked": stated,
        "years": ""
        if f.spending_by_year is None or not f.standards_hold_every_year
        else " in every year",
        "below": quantity(len(MoneyFacts(f).below_place_floor), "programme"),
    }


def _headline(template: str) -> Any:
    def words(v: Values) -> str:
        text = template.format(**v)
        if v["asked"]:
            all_hold = v["met"] == v["asked"]
            text += (
                f", and every minimum standard holds{v['years']}"
                if all_hold
                else f", and {v['met']} of {v['asked']} minimum standards hold"
            )
        below = int(getattr(v["below"], "value", 0))
        if below:
            verb = "gets" if below == 1 else "get"
            text += f", but {v['below']} {verb} less than the statutory floor of the place's tables"
        return f"{text}."

    return words


HEADLINES: tuple[Sentence[BudgetFacts], ...] = (
    Sentence(
        "spends_less",
        lambda f: f.after_gbp - f.before_gbp <= -1,
        _headline("The plan spends {after}{in_year}, {change} ({share}) less than today"),
        _headline_values,
    ),
    Sentence(
        "spends_more",
        lambda f: f.after_gbp - f.before_gbp >= 1 and f.before_gbp > 0,
        _headline("The plan spends {after}{in_year}, {change} ({share}) more than today"),
        _headline_values,
    ),
    Sentence(
        "spends_from_nothing",
        lambda f: f.after_gbp - f.before_gbp >= 1,
        _headline("The plan spends {after}{in_year}, where nothing is spent today"),
        _headline_values,
    ),
    Sentence(
        "spends_the_same",
        lambda f: True,
        _headline("The plan spends {after}{in_year}, as much as today"),
        _headline_values,
    ),
)


def _change_count_words(v: Values) -> str:
    less, more, same, none = (int(getattr(v[key], "value", 0)) for key in CHANGE_KINDS)
    parts = [f"{v['less']} {'gets' if less == 1 else 'get'} less"] if less else []
    for number, change in ((more, "more"), (same, "the same")):
        if number:
            verb = "gets" if number == 1 else "get"
            programmes = v["more" if change == "more" else "same"]
            parts.append(f"{number:,} {change}" if parts else f"{programmes} {verb} {change}")
    text = [listed(parts)] if parts else []
    if none:
        programmes = f"{none:,}" if parts else str(v["none"])
        text.append(f"{programmes} {'gets' if none == 1 else 'get'} nothing, today or in the plan")
    return f"{'; '.join(text)}."


def _largest_values(f: BudgetFacts, sign: int) -> Values:
    largest = f.largest_change(sign)
    assert largest is not None
    name, change, share_of_today = largest
    values: dict[str, Any] = {"name": name, "change": gbp(change)}
    return values | ({"share": share(share_of_today)} if math.isfinite(share_of_today) else {})


def _largest(direction: str) -> Any:
    def words(v: Values) -> str:
        note = f" ({v['share']})" if "share" in v else ", where nothing is spent today"
        return f"The largest {direction} is in {v['name']}: {v['change']}{note}."

    return words


def _replaced(v: Values) -> str:
    return "; ".join(
        f"{v[f'new_{n}']} at {v[f'after_{n}']}, for {v[f'old_{n}']} at {v[f'before_{n}']}"
        for n in range(len(v) // 4)
    )


def _listed(v: Values) -> str:
    return listed(str(name) for name in v.values())


def _unit_words(v: Values) -> str:
    parts = []
    for n in range((len(v) - 1) // 4):
        name, closed, today, unit = (v[f"{key}_{n}"] for key in ("name", "close", "today", "unit"))
        number = int(closed)  # type: ignore[arg-type]
        closes = f"{number} of {today}" if number >= 0 else f"none of {today}, {-number} more run"
        parts.append(f"{closes} in {name}" + (f" (unit: {unit})" if unit else ""))
    return f"Whole units that close by {v['year']}: {'; '.join(parts)}."


def _unit_values(closure: tuple[str, int, int, str]) -> Values:
    name, closed, today, unit = closure
    return {"name": name, "close": closed, "today": today, "unit": unit}


def _transfer_values(f: BudgetFacts) -> Values:
    stand_alone = f.tables["positions"]["alone_gbp"] if "positions" in f.tables else None
    cannot = stand_alone is not None and stand_alone.isna().any()
    moved = gbp(f.transferred_gbp)
    return {
        "moved": moved,
        "limit": gbp(f.negligible_gbp),
        "head": f"With transfers of {moved}"
        if f.transferred_gbp >= f.negligible_gbp
        else f"But for {moved}, less than {gbp(f.negligible_gbp)} and so not worth a payment,",
        "none": "no agency that could stand alone" if cannot else "no agency",
    }


SENTENCES: tuple[Sentence[BudgetFacts], ...] = (
    Sentence(
        "numbers",
        lambda f: len(f.spending) > 0,
        _change_count_words,
        lambda f: {
            key: quantity(number, "programme")
            for key, number in zip(CHANGE_KINDS, f.change_counts(), strict=True)
        },
    ),
    Sentence(
        "replaced",
        lambda f: bool(f.replacements),
        lambda v: f"Bought in place of what is bought today: {_replaced(v)}.",
        lambda f: {
            f"{key}_{n}": value
            for n, (old, new, before, after) in enumerate(f.replacements)
            for key, value in (
                ("old", old),
                ("new", new),
                ("before", gbp(before)),
                ("after", gbp(after)),
            )
        },
    ),
    Sentence(
        "largest_cut",
        lambda f: bool(f.largest_change(-1)),
        _largest("cut"),
        lambda f: _largest_values(f, -1),
    ),
    Sentence(
        "largest_rise",
        lambda f: bool(f.largest_change(1)),
        _largest("rise"),
        lambda f: _largest_values(f, 1),
    ),
    Sentence(
        "better",
        lambda f: bool(f.changed_outcomes(True)),
        lambda v: f"Better than today: {_listed(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.changed_outcomes(True))},
    ),
    Sentence(
        "worse",
        lambda f: bool(f.changed_outcomes(False)),
        lambda v: f"Worse than today: {_listed(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.changed_outcomes(False))},
    ),
    Sentence(
        "targets",
        lambda f: f.count_met("target_met")[1] > 0,
        "{met} of {asked} reached{when}.",
        lambda f: {
            "when": "" if f.spending_by_year is None else f" {f.year_phrase}",
            "met": f.count_met("target_met")[0],
            "asked": quantity(f.count_met("target_met")[1], "target"),
        },
    ),
    Sentence(
        "on_their_floor",
        lambda f: bool(f.outcomes_at_minimum),
        lambda v: f"Exactly at the minimum standard: {_listed(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.outcomes_at_minimum)},
    ),
    Sentence(
        "not_counted",
        lambda f: bool(f.outcomes_not_counted),
        lambda v: f"Not counted in the objective: {_listed(v)}.",
        lambda f: {str(n): name for n, name in enumerate(f.outcomes_not_counted)},
    ),
    Sentence(
        "over_years",
        lambda f: f.spending_by_year is not None,
        "Over {years} years it spends {spent}, {ahead} of it on prevention ({today} at today's "
        "rate).",
        lambda f: {
            "years": int(f.spending_by_year["year"].nunique()),
            "spent": gbp(f.spending_by_year["plan_gbp"].sum()),
            "ahead": gbp(f.prevention_gbp[0]),
            "today": gbp(f.prevention_gbp[1]),
        },
    ),
    Sentence(
        "one_off",
        lambda f: f.spending_by_year is not None and f.spending_by_year["one_off_gbp"].sum() >= 1,
        "Starting, stopping and closing cost {once} besides, once.",
        lambda f: {"once": gbp(f.spending_by_year["one_off_gbp"].sum())},
    ),
    Sentence(
        "units",
        lambda f: bool(f.unit_closures),
        _unit_words,
        lambda f: {
            "year": int(f.tables["spending_by_year"]["year"].max()),
            **{
                f"{key}_{n}": value
                for n, closure in enumerate(f.unit_closures)
                for key, value in _unit_values(closure).items()
            },
        },
    ),
    Sentence(
        "benefits",
        lambda f: len(f.tables.get("benefits_chain", ())) > 0,
        "Better outcomes are worth {net} net over the years counted; {cash} of it can be taken "
        "out of budgets.",
        lambda f: {
            "net": gbp(f.tables["benefits_chain"]["net_gbp"].sum()),
            "cash": gbp(f.tables["benefits_chain"]["cashable_gbp"].sum()),
        },
    ),
    Sentence(
        "transfers_every_year",
        lambda f: (
            f.transferred_gbp >= f.negligible_gbp
            and "positions" in f.tables
            and not f.yearly_shortfalls()
        ),
        "With transfers of {moved} {none} is worse off in any year than it would be alone.",
        _transfer_values,
    ),
    Sentence(
        "transfers_negligible",
        lambda f: (
            ROUNDING_GBP <= f.transferred_gbp < f.negligible_gbp
            and "positions" in f.tables
            and not f.yearly_shortfalls()
        ),
        "But for {moved}, less than {limit} and so not worth a payment, {none} is worse off in any "
        "year than it would be alone.",
        _transfer_values,
    ),
    Sentence(
        "transfers_over_all",
        lambda f: (
            f.transferred_gbp >= ROUNDING_GBP
            and "positions" in f.tables
            and bool(f.yearly_shortfalls())
            and not f.agencies_short_overall()
        ),
        lambda v: (
            f"{v['head']} {v['none']} is worse off than it would be alone over "
            f"the {v['years']} years together; in some of them it is: {v['who']}."
        ),
        lambda f: {
            **_transfer_values(f),
            "years": int(f.tables["positions"]["year"].nunique()),
            "who": "; ".join(
                f"{agency} in {year} by {gbp(short)}"
                for agency, year, short in f.yearly_shortfalls()
            ),
        },
    ),
    Sentence(
        "transfers_short",
        lambda f: (
            f.transferred_gbp >= 1 and "positions" in f.tables and bool(f.agencies_short_overall())
        ),
        "Agencies pay each other {moved}.",
        _transfer_values,
    ),
    Sentence(
        "compared",
        lambda f: f.nobody_worse_off,
        "{compared}",
        lambda f: {"compared": counterfactual_in_words(f.answer)},
    ),
    Sentence(
        "providers",
        lambda f: "provider_results" in f.tables and f.provider_results_gbp[0] >= 1,
        "Results earn providers {earned}, {deferred} of it deferred; what falls due after the "
        "last year is set aside in it.",
        lambda f: {
            "earned": gbp(f.provider_results_gbp[0]),
            "deferred": gbp(f.provider_results_gbp[1]),
        },
    ),
    Sentence(
        "providers_lose",
        lambda f: "provider_results" in f.tables and f.provider_results_gbp[2] >= 1,
        "Providers are not paid {lost} of what they earn, or give it back, for results that are "
        "not held.",
        lambda f: {"lost": gbp(f.provider_results_gbp[2])},
    ),
    Sentence(
        "no_use",
        lambda f: f.spending_by_year is None and f.unusable_gbp >= 1,
        "{gbp} of it cannot be put to use: what it may pay for can take no more, and nobody else "
        "pays for that.",
        lambda f: {"gbp": gbp(f.unusable_gbp)},
    ),
)


def _figures(f: BudgetFacts) -> list[Figure]:
    met, stated = f.count_met("standard_met")
    reached, targets = f.count_met("target_met")
    moved = float((f.spending["after_gbp"] - f.spending["before_gbp"]).abs().sum())
    in_year = f", {f.year}" if f.spending_by_year is not None else ""
    figures = [Figure("spending_gbp", f"Spending{in_year}", f.before_gbp, f.after_gbp, "gbp", "")]
    if stated:
        label = f"Minimum standards met, of {stated}"
        figures.append(Figure("standards_met", label, None, float(met), "count"))
    if targets:
        label = f"Targets met, of {targets}"
        figures.append(Figure("targets_met", label, None, float(reached), "count"))
    return [
        *figures,
        *_unspent_figures(f),
        Figure("moved_gbp", f"Moved up or down against today{in_year}", None, moved, "gbp", ""),
    ]


def _unspent_figures(f: BudgetFacts) -> list[Figure]:
    """Return the ring-fenced money that goes back, or that carried streams have left."""
    left = sum(MoneyFacts(f).left_by_stream.values())
    figures = []
    if left >= 1:
        label = f"Ring-fenced money left unspent, end of {f.year}"
        figures.append(Figure("left_ring_fenced_gbp", label, None, left, "gbp"))
    if f.spending_by_year is None:
        label, key = "Ring-fenced money going back", "returned_gbp"
    else:
        label, key = "Ring-fenced money going back, all decided years", "returned_over_years_gbp"
    return known_values([*figures, Figure(key, label, None, f.returned_gbp, "gbp")])
