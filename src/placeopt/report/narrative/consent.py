"""What is withheld from each provider that is paid by results, and what results pay it, in words.

Amounts are added up anew from the plan's tables ``spending_by_year`` and ``provider_results`` and
the place's ``provider_terms``; a provider is said to get back what is withheld only where it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.report.money import pounds, pounds_in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer

PENNIES = 1.0  # GBP that rounding may leave over in a sentence


def providers_in_words(answer: Answer) -> list[str]:
    """A sentence for each provider from whose price something is withheld, in the order of the
    place's programmes; none without a plan or such terms."""
    tables = answer.plan.tables if answer.plan is not None else {}
    if "provider_results" not in tables:
        return []
    place, terms = answer.place, answer.place.provider_terms
    spending, results = tables["spending_by_year"], tables["provider_results"]
    said = []
    for key, name in zip(place.programmes["programme_id"], place.programmes["name"], strict=True):
        own, bought = terms[terms["programme_id"] == key], spending["programme_id"] == key
        share = float(own["withheld_share"].sum())
        if share <= 0:
            continue
        of, donor = results[results["programme_id"] == key], bool(own["donor"].any())
        spent = float(spending.loc[bought, "plan_gbp"].sum())
        paid = float((of["earned_gbp"] - of["not_paid_gbp"] - of["clawback_gbp"]).sum())
        begun = _bought_in_the_past(answer, str(key))
        said.append(_sentence(name or key, share * spent, paid, donor=donor, begun=begun))
    return said


def _sentence(name: str, withheld: float, paid: float, *, donor: bool, begun: bool) -> str:
    if withheld < PENNIES:
        return f"Nothing is withheld from the provider of {name}: the plan does not buy from it."
    taken, back = _amounts(withheld, paid)
    text = f"{taken} is withheld from the provider of {name} over the decided years; results pay "
    if abs(paid - withheld) < PENNIES:
        return text + "back as much."
    if paid > withheld:
        return text + f"back {back}, so that it gives nothing away."
    given = _amounts(withheld - paid, paid)[0]
    text += f"back {back if paid >= PENNIES else 'nothing'}, and the other {given} "
    if donor:
        return text + "is a gift: the place names the provider a donor."
    if begun:
        return text + "is lost to it, to which it has consented: a past year has bought from it."
    return text + "is lost to it without its consent, against rule B10."


def _amounts(first: float, second: float) -> tuple[str, str]:
    """Both in words, or to the pound where words would not tell them apart."""
    said = pounds_in_words(first), pounds_in_words(second)
    return said if said[0] != said[1] else (pounds(first), pounds(second))


def _bought_in_the_past(answer: Answer, key: str) -> bool:
    """Whether a decided year of which all is known to be past (B13) has bought the programme."""
    if not any(rule.name == "continuity" for rule in answer.scenario.rules):
        return False
    assert answer.plan is not None
    decided, rows = set(answer.plan.tables["spending_by_year"]["year"]), answer.place.commitments
    known = rows[(rows["kind"] == "actual") & rows["year"].isin(decided)]
    every = set(answer.place.programmes["programme_id"])
    past = [year for year, own in known.groupby("year") if set(own["programme_id"]) >= every]
    bought = (known["programme_id"] == key) & (known["amount_gbp"] > 0)
    return bool((bought & known["year"].isin(past)).any())
