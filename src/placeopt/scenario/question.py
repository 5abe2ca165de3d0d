"""How an answer begins: with yes or no, and with which figures.

``LEAD_FIGURES`` lists every key that ``[answer] lead`` may name, by problem; ``summary.json`` has
each of them under ``facts`` if the answer states it.

A question is split at commas, colons and semicolons. It asks for yes or no if, of the parts that
begin with an auxiliary verb or a question word, the first begins with a verb: "Can Marlshire ...?",
"If one trust held them all, could it ...?", but not "With less money, how should ...?".
``[answer] yes_or_no`` overrides this.
"""

from __future__ import annotations

import re

DIFFERENCE = (
    "how far the first objective differs from that of the question named by ``compare_with``, and "
    "between which amounts the difference of the best plans is proven to lie"
)
LEAD_FIGURES: dict[str, dict[str, str]] = {
    "estate": {
        "difference": DIFFERENCE,
        "saving_gbp_per_year": "running cost of a year saved at the end of the decided years (GBP)",
        "running_cost_gbp_per_year": "running cost of a year at the end, today and in the plan",
        "works_gbp": "one-off cost of works, moves and closing (GBP)",
        "receipts_net_gbp": "receipts of sales after their cost (GBP)",
        "net_present_cost_gbp": "net present cost of doing nothing and of the plan (GBP)",
        "buildings_closed": "how many of the buildings open today close",
        "buildings_by_tier": "how many buildings are of each tier",
        "service_points": "service points today and in the plan",
        "minutes_to_nearest": "mean minutes of residents to the nearest building with what they "
        "need, today and in the plan",
        "minutes_as_sent": "mean minutes of a visit where it is sent, today and in the plan",
        "residents_longer": "residents whose journey, where the plan sends them, gets longer by "
        "more than a minute",
        "carbon_tco2e_per_year": "carbon of open buildings in the last year, if nothing changes "
        "and in the plan",
        "carbon_present_saving_gbp": "what the carbon saved is worth, where carbon is priced (GBP)",
        "agencies": "what each agency pays for buildings a year, today and in the plan",
        "access": "the standards of access for services that the question names, by the nearest "
        "and as sent",
        "buildings_by_kind": "how many of the buildings open today stay open, by kind",
        "places_by_service": "in how many places each service is, in the plan and today",
        "partial_offers": "service points with part of an offer, where a tier has such offers",
        "carbon_by_year": "carbon of open buildings in each decided year, and its ceiling",
    },
    "budget": {
        "difference": DIFFERENCE,
        "spending_gbp": "spending of the last decided year, today and in the plan",
        "standards_met": "minimum standards that hold in the last decided year, of those stated",
        "targets_met": "targets reached in the last decided year, of those stated",
        "moved_gbp": "money moved up or down against today in the last decided year",
        "prevention_gbp": "of what other programmes cost less than at today's rate over the "
        "decided years, how much goes to prevention on top of today's (GBP)",
        "programmes": "what each programme gets in the last decided year, those that move most "
        "first",
        "agencies": "what each agency spends in the last decided year, today and in the plan",
        "alternatives": "which of each group of alternatives (providers, tiers) is bought in the "
        "last decided year",
        "units_closed": "whole units (wards, homes) that close by the last decided year, by "
        "programme",
        "outcomes": "each outcome's level, today and in the last decided year",
        "streams": "what each funding stream pays in the last decided year, of what it has",
        "net_benefit_gbp": "what better outcomes are worth net over the years counted",
        "transfers_gbp": "what agencies pay each other so that nobody is worse off",
        "providers_earned_gbp": "what results earn the providers who are paid by them",
    },
    "joint": {},
}
AUXILIARY_VERBS = frozenset(
    (
        *("can", "could", "may", "might", "must", "shall", "should", "will", "would"),
        *("do", "does", "did", "is", "are", "was", "were", "has", "have", "had"),
    )
)
QUESTION_WORDS = frozenset(
    ("how", "what", "which", "who", "whom", "whose", "where", "when", "why"),
)


def is_yes_or_no(question: str) -> bool:
    """Whether a question asks for yes or no, by the rule at the top of this module."""
    for part in re.split(r"[,:;]", question.lower()):
        words = re.findall(r"[a-z']+", part)
        if words and words[0] in AUXILIARY_VERBS:
            return True
        if any(word in QUESTION_WORDS for word in words[:2]):
            return False
    return False
