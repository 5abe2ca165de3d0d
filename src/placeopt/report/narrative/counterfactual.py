"""The counterfactual of rule B9 in words: what each agency's position is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placeopt.scenario.wording import pounds_in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer

COUNTERFACTUALS = {  # counterfactual of rule B9 -> what a position is compared with
    "alone_for_outcomes": "with its own best plan for the same objective and standards, made alone "
    "with its own money, all others as today; what it saves in cash (by better outcomes and by "
    "whole units that close) and what others pay for its programmes count, less what it pays for "
    "others', and money left unspent is no gain",
    "today": "it is today; what it saves in cash (by better outcomes and by whole units that "
    "close) and what others pay for its programmes count, less what it pays for others', and money "
    "left unspent is no gain",
    "most_it_could_keep": "if it kept and saved the most money that it could by itself, all others "
    "as today; money left unspent counts as its own",
}


def stand_alone_in_words(answer: Answer) -> list[str]:
    """Return the counterfactual of rule B9 and each stand-alone position, without a plan."""
    rows = answer.explanation.tables.get("positions_alone") if answer.explanation else None
    if rows is None:
        return []
    names = dict(
        zip(answer.place.agencies["agency_id"], answer.place.agencies["name"], strict=True)
    )
    positions = []
    for agency, own in rows.groupby("agency_id", sort=False):
        position = pounds_in_words(float(own["alone_gbp"].sum()))
        if own["alone_gbp"].isna().any():
            position = "no position alone"
        positions.append(f"{names.get(str(agency)) or str(agency)}: {position}")
    years = ", over the decided years" if rows["year"].nunique() > 1 else ""
    return [counterfactual_in_words(answer), f"Positions alone{years}: {'; '.join(positions)}."]


def counterfactual_in_words(answer: Answer) -> str:
    """Return the sentence that names rule B9's counterfactual; empty where B9 is not in force."""
    rule: Any = next((r for r in answer.scenario.rules if r.name == "nobody_worse_off"), None)
    if rule is None:
        return ""
    when = "in each year" if rule.when == "every_year" else "over the years together"
    who = "each agency" if rule.counterfactual == "today" else "each agency that could stand alone"
    start = (
        f"After transfers {who} is" if answer.plan is not None else f"{who.capitalize()} must be"
    )
    return f"{start} no worse off {when} than {COUNTERFACTUALS[rule.counterfactual]}."
