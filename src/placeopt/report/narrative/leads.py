"""Leads: the figures that a question names, and the sentences that state them first.

Each key of ``scenario/question.LEAD_FIGURES`` is computed here from the plan's tables. Its plain
value goes into ``summary.json`` under ``facts``; its sentence is stated where ``[answer] lead``
names the key. A key without a figure in the answer is left out of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.budget_facts import ROUNDING_GBP, BudgetFacts
from placeopt.report.narrative.budget_money import MoneyFacts
from placeopt.report.narrative.comparison import difference
from placeopt.report.narrative.estate import works_values, works_words
from placeopt.report.narrative.estate_facts import EstateFacts
from placeopt.report.narrative.estate_leads import MORE_ESTATE_LEADS
from placeopt.report.narrative.lead_parts import Fact, Rows, compare, fact, list_fact
from placeopt.report.narrative.minutes import as_if_driving
from placeopt.report.narrative.sentences import (
    Statement,
    gbp,
    minutes,
    quantity,
    share,
)
from placeopt.scenario.wording import figure

if TYPE_CHECKING:
    from placeopt.engine import Answer

BOUGHT_GBP = 0.5  # spending above this means that a programme is bought


def lead_facts(answer: Answer) -> dict[str, Fact]:
    """Return every figure that the answer has, by its key, in the documented order."""
    if answer.plan is None:
        return {}
    if "spending" in answer.plan.tables:
        budget = BudgetFacts(answer)
        facts = {key: make(budget) for key, make in BUDGET_LEADS.items()}
    else:
        estate = EstateFacts(answer)
        facts = {key: make(estate) for key, make in ESTATE_LEADS.items()}
    facts["difference"] = difference(answer)
    return {key: fact for key, fact in facts.items() if fact is not None}


def lead_statements(answer: Answer, facts: dict[str, Fact]) -> list[Statement]:
    """Return the leads: those of the keys that the scenario names, else of the default keys."""
    named = answer.scenario.answer.lead or DEFAULT_LEADS.get(answer.scenario.problem, ())
    keys = dict.fromkeys(("difference", *named))  # a comparison is what the question is about
    return [facts[key][1] for key in keys if key in facts]


# ------------------------------------------------------------------------------------- estate


def _saving(f: EstateFacts) -> Fact:
    verb = "saves" if f.saving >= 0 else "costs a further"
    words = f"In the last decided year the plan {verb} {{saving}} of running cost."
    return fact("saving", f.saving, words, saving=gbp(abs(f.saving)))


def _running(f: EstateFacts) -> Fact | None:
    before, after = (f.costs[f"{when}_gbp_per_year"] for when in ("before", "after"))
    words = (
        f"Running the estate costs {{after}} a year{f.in_last_year}; {f.today_words} {{before}}."
    )
    return compare("running_cost", words, before, after, gbp)


def _works(f: EstateFacts) -> Fact:
    values = works_values(f)
    statement = Statement("lead_works", works_words(values), values)
    return float(f.costs["works_gbp"]), statement


def _receipts(f: EstateFacts) -> Fact:
    net = float(f.costs["receipts_net_gbp"])
    return fact("receipts", net, "Sales bring in {net} after their cost.", net=gbp(net))


def _objective(f: EstateFacts, name: str, kind: str, words: str, unit: Any) -> Fact | None:
    rows = f.tables["objectives"].set_index("objective")
    if name not in rows.index:
        return None
    before, after = (float(rows.at[name, when]) for when in ("do_nothing", "plan"))
    return compare(kind, words, before, after, unit)


def _present_cost(f: EstateFacts) -> Fact | None:
    words = "All costs of the appraisal, discounted, come to {after}; doing nothing to {before}."
    return _objective(f, "cost", "present_cost", words, gbp)


def _carbon(f: EstateFacts) -> Fact | None:
    words = "Open buildings emit {after} of CO2e in the last year, and {before} if nothing changes."
    return _objective(f, "carbon", "carbon", words, lambda x: quantity(x, "tonne"))


def _carbon_worth(f: EstateFacts) -> Fact | None:
    if "carbon_present_saving_gbp" not in f.summary:
        return None
    worth = float(f.summary["carbon_present_saving_gbp"])
    what = "saved is worth" if worth >= 0 else "added costs"
    words = (
        f"Against doing nothing the carbon {what} {{worth}} at the values of a tonne, discounted; "
        "that is counted in the costs of the appraisal, not beside them."
    )
    return fact("carbon_worth", worth, words, worth=gbp(abs(worth)))


def _buildings_closed(f: EstateFacts) -> Fact:
    words = "{close} of the {was} buildings open today close."
    if f.counts["close"] == 1:
        words = "{close} of the {was} buildings open today closes."
    return fact("closed", f.counts["close"], words, close=f.counts["close"],
                 was=f.counts["was_open"])  # fmt: skip


def _by_tier(f: EstateFacts) -> Fact | None:
    rows = [{"tier": name, "buildings": number} for name, number in f.by_tier.items()]
    return list_fact(
        "tiers", rows, "Buildings by tier", lambda r: f"{r['buildings']:,} {r['tier']}"
    )


def _service_points(f: EstateFacts) -> Fact | None:
    rows = f.tables["services"]
    before, after = (float(rows[when].astype(bool).sum()) for when in ("before", "after"))
    words = "{after} in the plan, {before} today."
    return compare("points", words, before, after, lambda x: quantity(x, "service point"))


def _minutes_to_nearest(f: EstateFacts) -> Fact | None:
    words = (
        "Residents travel {after} on average to the nearest building with what they need"
        f"{f.in_last_year}; {f.today_words} {{before}}{as_if_driving(f.answer)}."
    )
    return compare("near", words, f.travel["minutes_before"], f.travel["minutes_after"], minutes)


def _minutes_as_sent(f: EstateFacts) -> Fact | None:
    driving = as_if_driving(f.answer)
    words = (
        f"A visit takes {{after}} on average where the plan sends it{f.in_last_year}; "
        f"{f.today_words} {{before}}{driving}."
    )
    return compare("as_sent", words, f.travel["sent_before"], f.travel["sent_after"], minutes)


def _residents_longer(f: EstateFacts) -> Fact | None:
    longer, total = f.travel[f"residents_longer{f.travel_suffix}"], f.travel["residents"]
    if not total:
        return None
    where = (
        "Where the plan sends them, journeys"
        if f.travel_suffix
        else "Journeys to the nearest building"
    )
    words = f"{where} get longer by more than a minute for {{longer}} ({{share}})."
    return fact("longer", longer, words, longer=quantity(longer, "resident"),
                 share=share(longer / total))  # fmt: skip


def _estate_agencies(f: EstateFacts) -> Fact | None:
    """Return what each agency pays: with a trust after rents and transfers, else its cost lines."""
    names = _names(f.answer, "agencies")
    has_trust = "rents" in f.tables and "agencies" in f.tables
    if has_trust:
        table, before_key, after_key = f.tables["agencies"], "buildings_before", "net_after"
    else:
        table = f.tables["money"].groupby("agency_id", sort=False, as_index=False).sum(
            numeric_only=True)  # fmt: skip
        before_key, after_key = "before", "after"
    rows = [
        {"agency": names.get(key, key) or "no agency stated", "today": before, "plan": after}
        for key, before, after in zip(
            table["agency_id"].astype(str), table[f"{before_key}_gbp_per_year"].astype(float),
            table[f"{after_key}_gbp_per_year"].astype(float), strict=True,
        )
    ]  # fmt: skip
    head = (
        "A year for buildings" if has_trust else "A year for buildings and staff of service points"
    )
    head += f"{f.in_last_year}"
    return list_fact("estate_agencies", rows, head, lambda r: (
        f"{r['agency']} pays {gbp(r['plan'])}, {f.today_words} {gbp(r['today'])}"))  # fmt: skip


def _names(answer: Answer, table: str) -> dict[str, str]:
    rows = answer.place.tables[table]
    pairs = zip(rows.iloc[:, 0].astype(str), rows["name"].astype(str), strict=True)
    return {key: name or key for key, name in pairs}


# ------------------------------------------------------------------------------------- budget


def _year_heading(f: BudgetFacts) -> str:
    return f"{f.year_phrase[:1].upper()}{f.year_phrase[1:]}"


def _spending(f: BudgetFacts) -> Fact | None:
    return compare("spending", f"Spending is {{after}} {f.year_phrase}; today {{before}}.",
                 f.before_gbp, f.after_gbp, gbp)  # fmt: skip


def _met_of_stated(column: str, kind: str, thing: str) -> Callable[[BudgetFacts], Fact | None]:
    def make(f: BudgetFacts) -> Fact | None:
        met, asked = f.count_met(column)
        if not asked:
            return None
        verb = "are met" if kind == "standards" else "are reached"
        words = f"{{met}} of {{asked}} {verb} {f.year_phrase}."
        return fact(kind, {"met": met, "asked": asked}, words, met=met,
                     asked=quantity(asked, thing))  # fmt: skip

    return make


def _moved_gbp(f: BudgetFacts) -> Fact:
    moved = float((f.spending["after_gbp"] - f.spending["before_gbp"]).abs().sum())
    words = f"{{moved}} is moved up or down against today {f.year_phrase}."
    return fact("moved", moved, words, moved=gbp(moved))


def _prevention(f: BudgetFacts) -> Fact | None:
    saved, more = MoneyFacts(f).saved_and_prevention
    if f.spending_by_year is None:
        return None
    side = "less" if saved >= 0 else "more"
    more_side = "more" if more >= 0 else "less"
    words = (
        f"Over {{years}} years other programmes cost {{saved}} {side} than at today's rate, and "
        f"prevention {{more}} {more_side}."
    )
    values: dict[str, Any] = {
        "years": len(MoneyFacts(f).years),
        "saved": gbp(abs(saved)),
        "more": gbp(abs(more)),
    }
    return fact("prevention", {"saved": saved, "prevention": more}, words, **values)


def _programmes(f: BudgetFacts) -> Fact | None:
    columns = ("programme_id", "name", "before_gbp", "after_gbp")
    rows: Rows = [
        {"programme": str(name) or str(key), "today": float(before), "plan": float(after)}
        for key, name, before, after in zip(*(f.spending[c] for c in columns), strict=True)
    ]
    rows.sort(key=lambda row: -abs(row["plan"] - row["today"]))
    return list_fact("programmes", rows, f"{_year_heading(f)}, by programme", lambda r: (
        f"{r['programme']} {gbp(r['plan'])}, today {gbp(r['today'])}"))  # fmt: skip


def _budget_agencies(f: BudgetFacts) -> Fact | None:
    table = f.tables["agencies"]
    rows = [
        {"agency": str(name) or str(key), "today": float(before), "plan": float(after)}
        for key, name, before, after in zip(
            *(table[c] for c in ("agency_id", "name", "before_gbp", "after_gbp")), strict=True
        )
        if before or after
    ]
    head = f"{_year_heading(f)}, spent on what each agency runs"
    return list_fact("budget_agencies", rows, head, lambda r: (
        f"{r['agency']} {gbp(r['plan'])}, today {gbp(r['today'])}"))  # fmt: skip


def _alternatives(f: BudgetFacts) -> Fact | None:
    """Return which programme is bought of each set of which at most one may be bought."""
    programmes = f.answer.place.programmes
    if "one_of" not in programmes:
        return None
    pairs = zip(programmes["programme_id"], programmes["one_of"], strict=True)
    group = {str(p): str(one_of) for p, one_of in pairs if one_of}
    bought: dict[str, str] = dict.fromkeys(group.values(), "")
    for p, name, after in zip(
        *(f.spending[c] for c in ("programme_id", "name", "after_gbp")), strict=True
    ):
        if str(p) in group and after > BOUGHT_GBP:
            bought[group[str(p)]] = str(name) or str(p)
    rows = [{"of": key.replace("_", " "), "bought": name} for key, name in bought.items()]
    return list_fact("alternatives", rows, "Of each set of alternatives the plan buys", lambda r: (
        r["bought"] or f"none of {r['of']}"))  # fmt: skip


def _units(f: BudgetFacts) -> Fact | None:
    rows = [{"programme": name, "close": closed, "today": today, "unit": unit}
            for name, closed, today, unit in f.unit_closures]  # fmt: skip

    def words(row: dict[str, Any]) -> str:
        closes = f"{row['close']} of {row['today']}" if row["close"] >= 0 else (
            f"none of {row['today']}, {-row['close']} more run")  # fmt: skip
        return f"{closes} in {row['programme']}" + (
            f" (unit: {row['unit']})" if row["unit"] else ""
        )

    return list_fact("units", rows, f"Whole units that close by {f.year}", words)


def _outcomes(f: BudgetFacts) -> Fact | None:
    rows = [
        {"outcome": str(name) or str(key), "today": float(today), "plan": float(after),
         "unit": str(unit)}
        for key, name, today, after, unit in zip(
            *(f.outcomes[c] for c in ("outcome_id", "name", "baseline", "after", "unit")),
            strict=True,
        )
    ]  # fmt: skip
    return list_fact("outcomes", rows, _year_heading(f), lambda r: (
        f"{r['outcome']} {figure(r['plan'])}, today {figure(r['today'])}"
        + (f" ({r['unit']})" if r["unit"] else "")))  # fmt: skip


def _streams(f: BudgetFacts) -> Fact | None:
    table = f.tables["streams"]
    columns = ("stream_id", "name", "amount_gbp", "spent_after_gbp")
    rows = [
        {"stream": str(name) or str(key), "has": float(amount), "pays": float(spent)}
        for key, name, amount, spent in zip(*(table[c] for c in columns), strict=True)
    ]
    return list_fact("streams", rows, f"{_year_heading(f)}, by stream", lambda r: (
        f"{r['stream']} pays {gbp(r['pays'])}"
        + (f" of {gbp(r['has'])}" if math.isfinite(r["has"]) else "")))  # fmt: skip


def _net_benefit(f: BudgetFacts) -> Fact | None:
    chain = f.tables.get("benefits_chain")
    if chain is None or not len(chain):
        return None
    net = float(chain["net_gbp"].sum())
    return fact("net_benefit", net, "Better outcomes are worth {net} net over the years counted.",
                 net=gbp(net))  # fmt: skip


def _transfers(f: BudgetFacts) -> Fact | None:
    if "transfers" not in f.tables:
        return None
    names = _names(f.answer, "agencies")
    pairs = f.tables["transfers"].groupby(["from_agency_id", "to_agency_id"])["amount_gbp"].sum()
    total = float(pairs.sum())
    if total < ROUNDING_GBP:
        return fact("transfers", 0.0, "No agency has to pay another.")
    if total < f.negligible_gbp:
        words = (
            "No agency has to pay another: what is left to even out comes to {total} over the "
            "decided years, and less than {limit} is not worth a payment."
        )
        return fact("transfers", total, words, total=gbp(total), limit=gbp(f.negligible_gbp))
    rows = [{"from": names.get(str(a), str(a)), "to": names.get(str(b), str(b)), "gbp": float(x)}
            for (a, b), x in pairs.items()]  # fmt: skip
    return list_fact("transfers", rows, "Payments between agencies, all decided years together",
                 lambda r: f"{r['from']} pays {r['to']} {gbp(r['gbp'])}")  # fmt: skip


def _providers(f: BudgetFacts) -> Fact | None:
    if "provider_results" not in f.tables:
        return None
    earned = f.provider_results_gbp[0]
    return fact("providers", earned, "Results earn the providers paid by them {earned}.",
                 earned=gbp(earned))  # fmt: skip


ESTATE_LEADS: dict[str, Callable[[EstateFacts], Fact | None]] = {
    "saving_gbp_per_year": _saving,
    "running_cost_gbp_per_year": _running,
    "works_gbp": _works,
    "receipts_net_gbp": _receipts,
    "net_present_cost_gbp": _present_cost,
    "buildings_closed": _buildings_closed,
    "buildings_by_tier": _by_tier,
    "service_points": _service_points,
    "minutes_to_nearest": _minutes_to_nearest,
    "minutes_as_sent": _minutes_as_sent,
    "residents_longer": _residents_longer,
    "carbon_tco2e_per_year": _carbon,
    "carbon_present_saving_gbp": _carbon_worth,
    "agencies": _estate_agencies,
    **MORE_ESTATE_LEADS,
}
BUDGET_LEADS: dict[str, Callable[[BudgetFacts], Fact | None]] = {
    "spending_gbp": _spending,
    "standards_met": _met_of_stated("standard_met", "standards", "minimum standard"),
    "targets_met": _met_of_stated("target_met", "targets", "target"),
    "moved_gbp": _moved_gbp,
    "prevention_gbp": _prevention,
    "programmes": _programmes,
    "agencies": _budget_agencies,
    "alternatives": _alternatives,
    "units_closed": _units,
    "outcomes": _outcomes,
    "streams": _streams,
    "net_benefit_gbp": _net_benefit,
    "transfers_gbp": _transfers,
    "providers_earned_gbp": _providers,
}
DEFAULT_LEADS: dict[str, tuple[str, ...]] = {
    "estate": ("buildings_by_tier",),
    "budget": ("alternatives", "units_closed", "agencies"),
}
