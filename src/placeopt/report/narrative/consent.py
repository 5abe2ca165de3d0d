"""What is withheld from each provider paid by results, and what results pay it, in words.

Amounts are recomputed from the plan's tables ``spending_by_year`` and ``provider_results`` and the
place's ``provider_terms``. A sentence states that a provider gets back what is withheld only where
that is so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.report.money import pounds, pounds_in_words

if TYPE_CHECKING:
    from placeopt.engine import Answer

ROUNDING_GBP = 1.0  # amounts that differ by less are stated as equal


def providers_in_words(answer: Answer) -> list[str]:
    """Return a sentence for each provider from whose price something is withheld.

    Sentences are in the order of the place's programmes; there are none without a plan or such
    terms.
    """
    tables = answer.plan.tables if answer.plan is not None else {}
    if "provider_results" not in tables:
        return []
    place, terms = answer.place, answer.place.provider_terms
    spending, results = tables["spending_by_year"], tables["provider_results"]
    sentences = []
    for key, name in zip(place.programmes["programme_id"], place.programmes["name"], strict=True):
        own, is_bought = terms[terms["programme_id"] == key], spending["programme_id"] == key
        share = float(own["withheld_share"].sum())
        if share <= 0:
            continue
        result, is_donor = results[results["programme_id"] == key], bool(own["donor"].any())
        spent = float(spending.loc[is_bought, "plan_gbp"].sum())
        paid = float((result["earned_gbp"] - result["not_paid_gbp"] - result["clawback_gbp"]).sum())
        has_begun = _bought_in_past_year(answer, str(key))
        sentences.append(
            _sentence(name or key, share * spent, paid, is_donor=is_donor, has_begun=has_begun)
        )
    return sentences


def _sentence(name: str, withheld: float, paid: float, *, is_donor: bool, has_begun: bool) -> str:
    if withheld < ROUNDING_GBP:
        return f"Nothing is withheld from the provider of {name}: the plan does not buy from it."
    withheld_text, paid_text = _amounts(withheld, paid)
    text = (
        f"{withheld_text} is withheld from the provider of {name} over the decided years; results "
        "pay "
    )
    if abs(paid - withheld) < ROUNDING_GBP:
        return text + "back as much."
    if paid > withheld:
        return text + f"back {paid_text}, so that it gives nothing away."
    lost = _amounts(withheld - paid, paid)[0]
    text += f"back {paid_text if paid >= ROUNDING_GBP else 'nothing'}, and the other {lost} "
    if is_donor:
        return text + "is a gift: the place names the provider a donor."
    if has_begun:
        return text + "is lost to it, to which it has consented: a past year has bought from it."
    return text + "is lost to it without its consent, against rule B10."


def _amounts(first: float, second: float) -> tuple[str, str]:
    """Return both amounts in words, or to the pound where their words would be equal."""
    texts = pounds_in_words(first), pounds_in_words(second)
    return texts if texts[0] != texts[1] else (pounds(first), pounds(second))


def _bought_in_past_year(answer: Answer, key: str) -> bool:
    """Whether the programme was bought in a decided year whose spending is all actual (B13)."""
    if not any(rule.name == "continuity" for rule in answer.scenario.rules):
        return False
    assert answer.plan is not None
    decided, rows = set(answer.plan.tables["spending_by_year"]["year"]), answer.place.commitments
    known = rows[(rows["kind"] == "actual") & rows["year"].isin(decided)]
    programmes = set(answer.place.programmes["programme_id"])
    past = [year for year, own in known.groupby("year") if set(own["programme_id"]) >= programmes]
    is_bought = (known["programme_id"] == key) & (known["amount_gbp"] > 0)
    return bool((is_bought & known["year"].isin(past)).any())
