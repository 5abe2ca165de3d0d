"""A budget plan in words: who gets less and more, and what it does to outcomes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from placeopt.report.figures import Figure, count_true
from placeopt.report.formats import count, listed, per_cent
from placeopt.report.money import pounds_in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer


def tell_budget(answer: Answer) -> tuple[str, list[str], list[Figure]]:
    assert answer.plan is not None
    t = answer.plan.tables
    spending, outcomes, streams = t["spending"], t["outcomes"], t["streams"]
    before, after = float(spending["before_gbp"].sum()), float(spending["after_gbp"].sum())
    change = after - before
    how = "less" if change < 0 else "more"
    year = answer.plan.summary.get("decided_year", answer.scenario.year)
    met, asked = _met(outcomes["standard_met"])
    reached, targets = _met(outcomes["target_met"])
    headline = f"The plan spends {pounds_in_words(after)}" + (f" in {year}" if year else "")
    headline += (
        f", {pounds_in_words(abs(change))} ({per_cent(abs(change) / before if before else 0)}) "
        f"{how} than today"
        if abs(change) >= 1
        else ", as much as today"
    )
    if asked:
        every = (
            "every minimum standard holds"
            if met == asked
            else (f"{met} of {asked} minimum standards hold")
        )
        headline += f", and {every}"
    cut, raised = spending["change_gbp"] < -0.5, spending["change_gbp"] > 0.5
    same = (~cut & ~raised).sum()
    sentences = [
        f"{count(cut.sum(), 'programme')} get{'s' if cut.sum() == 1 else ''} less"
        + (f", {raised.sum()} more, and {same} the same." if same else f" and {raised.sum()} more.")
    ]
    for chosen, words, pick in (
        (cut, "The largest cut", "idxmin"),
        (raised, "The largest rise", "idxmax"),
    ):
        if chosen.any():
            row = spending.loc[getattr(spending["change_gbp"], pick)()]
            sentences[0] += (
                f" {words} is in {row['name']}: {pounds_in_words(abs(row['change_gbp']))}"
                + (
                    f" ({per_cent(abs(row['change_share']))})."
                    if row["change_share"] == row["change_share"]
                    else "."
                )
            )
    better = (outcomes["change"] * outcomes["direction"].map({"higher": 1, "lower": -1})).fillna(0)
    gains = [str(name) for name in outcomes["name"][better > 1e-6]]
    losses = [str(name) for name in outcomes["name"][better < -1e-6]]
    said = []
    if gains:
        said.append(f"Better than today: {listed(gains)}.")
    if losses:
        said.append(f"Worse than today: {listed(losses)}.")
    if targets:
        said.append(f"{reached} of {count(targets, 'target')} reached.")
    sentences.append(" ".join(said))
    sentences += [*_on_their_floor(outcomes), *_not_counted(answer)]
    sentences += _over_years(answer) + _by_results(answer) + [compared_in_words(answer)]
    returned = float(streams["returned_gbp"].fillna(0).sum())
    if returned >= 1:
        sentences.append(
            f"{pounds_in_words(returned)} of ring-fenced money cannot be put to use within its "
            "ring-fence and goes back to those who gave it."
        )
    figures = [
        Figure("spending_gbp", "Spending", before, after, "gbp", ""),
        Figure("standards_met", f"Minimum standards met, of {asked}", None, float(met), "count"),
        Figure("targets_met", f"Targets met, of {targets}", None, float(reached), "count"),
        Figure("returned_gbp", "Ring-fenced money not spent", None, returned, "gbp"),
        Figure(
            "moved_gbp",
            "Money moved up or down",
            None,
            float(spending["change_gbp"].abs().sum()),
            "gbp",
            "",
        ),
    ]
    return headline + ".", [text for text in sentences if text], figures


def _on_their_floor(outcomes: Any) -> list[str]:
    """Outcomes that are exactly at their minimum standard: nothing more can be taken from them."""
    away = (outcomes["after"] - outcomes["minimum_standard"]).abs()
    near = 1e-6 * outcomes[["after", "baseline"]].abs().max(axis=1).clip(lower=1e-6)
    names = [str(name) for name in outcomes["name"][away <= near]]
    return [f"Exactly at the minimum standard: {listed(names)}."] if names else []


def _not_counted(answer: Answer) -> list[str]:
    """Outcomes that the objective leaves out: without a range to a target, or a weight of 0."""
    assert answer.plan is not None
    asked = {*answer.scenario.objective.minimise, *answer.scenario.objective.weights}
    rows, place = answer.plan.tables["outcomes"], answer.place.outcomes
    out = rows["target"].isna() | (rows["target"] == rows["baseline"])
    if "weighted_outcomes" in asked:
        out |= rows["outcome_id"].isin(place.loc[place["weight"] == 0, "outcome_id"])
    elif "fairest" not in asked:
        return []
    names = [str(name) for name in rows["name"][out]]
    return [f"Not counted in the objective: {listed(names)}."] if names else []


def _by_results(answer: Answer) -> list[str]:
    """What the providers who are paid by results are owed, and when."""
    assert answer.plan is not None
    t = answer.plan.tables
    if "provider_results" not in t:
        return []
    rows = t["provider_results"]
    earned, deferred = float(rows["earned_gbp"].sum()), float(rows["deferred_gbp"].sum())
    lost = float((rows["not_paid_gbp"] + rows["clawback_gbp"]).sum())
    text = f"Results earn providers {pounds_in_words(earned)}, {pounds_in_words(deferred)} deferred"
    if lost >= 1:
        text += f"; {pounds_in_words(lost)} of it is not paid, or given back, for what is not held"
    return [text + "; what falls due after the last year is set aside in it."]


def _units(answer: Answer) -> list[str]:
    """How many of today's whole units (wards, homes) close by the last decided year."""
    assert answer.plan is not None
    rows, said = answer.plan.tables["spending_by_year"], []
    if "units" not in rows:
        return []
    last = int(rows["year"].max())
    left = rows[rows["year"] == last].set_index("programme_id")["units"]
    name = answer.place.programmes.set_index("programme_id")["name"]
    demand = answer.place.outcomes.set_index("outcome_id")["baseline"]
    columns = ("programme_id", "outcome_id", "unit", "unit_capacity")
    kinds = zip(*(answer.place.provision[key] for key in columns), strict=True)
    for programme, outcome, unit, capacity in kinds:
        today = math.ceil(demand[outcome] / capacity - 1e-6)
        if math.isfinite(left.get(programme, math.nan)):
            closed = round(today - left[programme])
            what = f"{closed} of {today}" if closed >= 0 else f"none of {today}, {-closed} more run"
            of = f" (unit: {unit})" if unit else ""
            said.append(f"{what} in {name[programme] or programme}{of}")
    return [f"Whole units that close by {last}: {'; '.join(said)}."] if said else []


def _over_years(answer: Answer) -> list[str]:
    """What all decided years come to, where there is more than one."""
    assert answer.plan is not None
    t = answer.plan.tables
    if "spending_by_year" not in t or t["spending_by_year"]["year"].nunique() < 2:
        return []
    rows, years = t["spending_by_year"], t["spending_by_year"]["year"].nunique()
    spent, one_off = float(rows["plan_gbp"].sum()), float(rows["one_off_gbp"].sum())
    kind = dict(zip(t["spending"]["programme_id"], t["spending"]["kind"], strict=True))
    preventive = rows["programme_id"].map(kind) == "preventive"
    ahead = float(rows.loc[preventive, "plan_gbp"].sum())
    today = float(t["spending"].loc[t["spending"]["kind"] == "preventive", "before_gbp"].sum())
    text = (
        f"Over {years} years it spends {pounds_in_words(spent)}, {pounds_in_words(ahead)} of it on "
        f"prevention ({pounds_in_words(years * today)} at today's rate)"
    )
    if one_off >= 1:
        text += f", and {pounds_in_words(one_off)} once on starting, stopping and closing"
    said = [text + ".", *_units(answer)]
    chain = t.get("benefits_chain")
    if chain is not None and len(chain):
        net, cash = float(chain["net_gbp"].sum()), float(chain["cashable_gbp"].sum())
        said.append(
            f"Better outcomes are worth {pounds_in_words(net)} net over the years counted; "
            f"{pounds_in_words(cash)} of it can be taken out of budgets."
        )
    moved = t.get("transfers")
    if moved is not None and len(moved):
        total = pounds_in_words(float(moved["amount_gbp"].sum()))
        said.append(f"Transfers between agencies come to {total}.")
    return said


def alone_in_words(answer: Answer) -> list[str]:
    """Without a plan: what rule B9 compares each agency with, and each position alone."""
    rows = answer.explanation.tables.get("positions_alone") if answer.explanation else None
    if rows is None:
        return []
    names = dict(
        zip(answer.place.agencies["agency_id"], answer.place.agencies["name"], strict=True)
    )
    said = []
    for agency, own in rows.groupby("agency_id", sort=False):
        gbp = float(own["alone_gbp"].sum())
        sign = "minus " if gbp < -0.5 else ""
        stands = f"{sign}{pounds_in_words(abs(gbp))}"
        if own["alone_gbp"].isna().any():
            stands = "no position alone"
        said.append(f"{names.get(str(agency)) or str(agency)}: {stands}")
    years = ", over the decided years" if rows["year"].nunique() > 1 else ""
    return [compared_in_words(answer), f"Positions alone{years}: {'; '.join(said)}."]


def compared_in_words(answer: Answer) -> str:
    """What rule B9 compares each agency with, in one sentence that names the counterfactual; empty
    where the rule is not in force."""
    rule: Any = next((r for r in answer.scenario.rules if r.name == "nobody_worse_off"), None)
    if rule is None:
        return ""
    when = "in each year" if rule.when == "every_year" else "over the years together"
    who = "each agency" if rule.counterfactual == "today" else "each agency that could stand alone"
    held = f"After transfers {who} is" if answer.plan is not None else f"{who.capitalize()} must be"
    return f"{held} no worse off {when} than {COUNTERFACTUALS[rule.counterfactual]}."


COUNTERFACTUALS = {  # what a position is compared with, and what it counts
    "alone_for_outcomes": "with its own best plan for the same objective and standards, made alone "
    "with its own money, all others as today; what it saves in cash and what others pay for its "
    "programmes count, less what it pays for theirs, and money left unspent is no gain",
    "today": "it is today; what it saves in cash and what others pay for its programmes count, "
    "less what it pays for theirs, and money left unspent is no gain",
    "most_it_could_keep": "if it kept and saved the most money that it could by itself, all others "
    "as today; money left unspent counts as its own",
}


def _met(values: Any) -> tuple[int, int]:
    """How many are met, of how many that are stated."""
    stated = [value for value in values if not (isinstance(value, str) and value == "")]
    stated = [value for value in stated if value == value and value is not None]
    return count_true(stated), len(stated)
