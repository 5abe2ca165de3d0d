"""Sentences on providers with a withheld part of their price, on page and workbook."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest

from placeopt.engine import Plan
from placeopt.report import write_results
from placeopt.report.narrative.consent import providers_in_words
from placeopt.scenario.rules.budget.money import Continuity
from tests.budget.places import budgets, solved
from tests.budget.test_by_results import investor

DEAL = "£300 is withheld from the provider of coaching over the decided years; results pay back "
GIFT = DEAL + "£12, and the other £288 is a gift: the place names the provider a donor."


@pytest.fixture(scope="module")
def gift():
    """100 GBP a year from a donor, 40 jobs at 0.1 paid for in each of three years: 300 and 12."""
    return solved(investor({"donor": True}), budgets(300, 300, 300))


def test_a_gift_is_stated_on_page_and_workbook(gift, tmp_path):
    """The withheld amount, the payments for results, and that the provider gives the rest."""
    assert providers_in_words(gift) == [GIFT]
    write_results(gift, tmp_path / "out")
    assert GIFT in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    (first, *_) = openpyxl.load_workbook(tmp_path / "out" / "workbook.xlsx").worksheets
    assert GIFT in {cell.value for row in first.iter_rows() for cell in row}


def test_a_sentence_about_consent_is_recomputed(gift):
    """The sentence is recomputed from prices of results in the tables and from the place's terms,
    not taken from the plan: 25 times the price pays back 300, 30 times 360."""
    loan = gift.place.replace(provider_terms=gift.place.provider_terms.assign(donor=False))

    def said(times: float) -> str:
        results = gift.plan.tables["provider_results"]
        results = results.assign(earned_gbp=times * results["earned_gbp"])
        plan = Plan({**gift.plan.tables, "provider_results": results}, gift.plan.summary)
        (text,) = providers_in_words(replace(gift, place=loan, plan=plan))
        return text

    assert said(25) == DEAL + "as much."
    assert said(30) == DEAL + "£360, so that it gives nothing away."
    assert said(0) == (
        DEAL + "nothing, and the other £300 is lost to it without its consent, against rule B10."
    )


def test_a_provider_not_bought_from_loses_nothing():
    """At 0.1 GBP a job only donors are bought from."""
    (said,) = providers_in_words(solved(investor(), budgets(300, 300, 300)))
    assert said == (
        "Nothing is withheld from the provider of coaching: the plan does not buy from it."
    )


def test_a_past_purchase_is_stated_as_consent():
    """2026 is past and bought coaching: the contract continues at a loss of 288."""
    known = [{"programme_id": key, "year": 2026, "kind": "actual", "amount_gbp": 100}
             for key in ("lights", "coaching")]  # fmt: skip
    answer = solved(
        investor(commitments=known), budgets(300, 300, 300), Continuity(rule="continuity")
    )
    (said,) = providers_in_words(answer)
    assert said == (
        DEAL + "£12, and the other £288 is lost to it, to which it has consented: a past year has "
        "bought from it."
    )
