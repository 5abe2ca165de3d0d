"""The figures that a question names, and the sentences that say them first.

Each key of ``scenario/question.LEADS`` is computed here from the plan's tables: its plain value
goes into ``summary.json`` under ``facts``, and its sentence is said where ``[answer] lead`` names
it. A key that an answer has nothing for is left out of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.budget import BudgetFacts
from placeopt.report.narrative.comparison import difference
from placeopt.report.narrative.estate import EstateFacts
from placeopt.report.narrative.minutes import as_if_driving
from placeopt.report.narrative.sentences import (
    Amount,
    Statement,
    Values,
    counted,
    gbp,
    minutes,
    share,
)
from placeopt.scenario.wording import figure

if TYPE_CHECKING:
    from placeopt.engine import Answer

Found = tuple[Any, Statement]  # plain value, and what is said of it
Rows = list[dict[str, Any]]
SPENT_GBP = 0.5
MOST_ROWS = 8  # of a list that one sentence says


def facts_of(answer: Answer) -> dict[str, Found]:
    """Every figure that the answer has, by its key, in the order documented."""
    if answer.plan is None:
        return {}
    if "spending" in answer.plan.tables:
        budget = BudgetFacts(answer)
        found = {key: make(budget) for key, make in BUDGET.items()}
    else:
        estate = EstateFacts(answer)
        found = {key: make(estate) for key, make in ESTATE.items()}
    found["difference"] = difference(answer)
    return {key: one for key, one in found.items() if one is not None}


def leads_of(answer: Answer, facts: dict[str, Found]) -> list[Statement]:
    """What is said first: the keys that the scenario names, or the good defaults there are."""
    asked = answer.scenario.answer.lead or DEFAULTS.get(answer.scenario.problem, ())
    keys = dict.fromkeys(("difference", *asked))  # a comparison is what the question is about
    return [facts[key][1] for key in keys if key in facts]


def _said(kind: str, value: Any, words: str, **values: Any) -> Found:
    return value, Statement(f"lead_{kind}", words.format(**values), values)


def _pair(
    kind: str, words: str, before: float, after: float, unit: Callable[[float], Amount]
) -> Found | None:
    """Today and in the plan."""
    if not (math.isfinite(before) and math.isfinite(after)):
        return None
    value = {"today": before, "plan": after}
    return _said(kind, value, words, before=unit(before), after=unit(after))


def _rows(kind: str, rows: Rows, head: str, one: Callable[[dict[str, Any]], str]) -> Found | None:
    """A list of rows as one sentence; the rows are the value."""
    if not rows:
        return None
    parts = [one(row) for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        parts.append(f"{len(rows) - MOST_ROWS} more in the tables")
    values: Values = {f"{key}_{n}": value for n, row in enumerate(rows[:MOST_ROWS])
                      for key, value in row.items()}  # fmt: skip
    text = f"{head}: {'; '.join(parts)}."
    return rows, Statement(f"lead_{kind}", text, values, head, tuple(parts))


# ------------------------------------------------------------------------------------- estate


def _saving(f: EstateFacts) -> Found:
    how = "saves" if f.saving >= 0 else "costs a further"
    words = f"In the last decided year the plan {how} {{saving}} of running cost."
    return _said("saving", f.saving, words, saving=gbp(abs(f.saving)))


def _running(f: EstateFacts) -> Found | None:
    before, after = (f.costs[f"{when}_gbp_per_year"] for when in ("before", "after"))
    words = "Running the estate costs {after} a year; today {before}."
    return _pair("running_cost", words, before, after, gbp)


def _works(f: EstateFacts) -> Found:
    works = float(f.costs["works_gbp"])
    return _said("works", works, "Works, moves and closing cost {works} once.", works=gbp(works))


def _receipts(f: EstateFacts) -> Found:
    net = float(f.costs["receipts_net_gbp"])
    return _said("receipts", net, "Sales bring in {net} after their cost.", net=gbp(net))


def _objective(f: EstateFacts, name: str, kind: str, words: str, unit: Any) -> Found | None:
    rows = f.tables["objectives"].set_index("objective")
    if name not in rows.index:
        return None
    before, after = (float(rows.at[name, when]) for when in ("do_nothing", "plan"))
    return _pair(kind, words, before, after, unit)


def _present_cost(f: EstateFacts) -> Found | None:
    words = "All costs of the appraisal, discounted, come to {after}; doing nothing to {before}."
    return _objective(f, "cost", "present_cost", words, gbp)


def _carbon(f: EstateFacts) -> Found | None:
    words = "Open buildings emit {after} of CO2e in the last year, and {before} if nothing changes."
    return _objective(f, "carbon", "carbon", words, lambda x: counted(x, "tonne"))


def _carbon_worth(f: EstateFacts) -> Found | None:
    if "carbon_present_saving_gbp" not in f.summary:
        return None
    worth = float(f.summary["carbon_present_saving_gbp"])
    words = "The carbon saved is worth {worth} at the values of a tonne, discounted."
    if worth < 0:
        words = "The carbon added costs {worth} at the values of a tonne, discounted."
    return _said("carbon_worth", worth, words, worth=gbp(abs(worth)))


def _closed(f: EstateFacts) -> Found:
    words = "{close} of the {was} buildings open today close."
    if f.counts["close"] == 1:
        words = "{close} of the {was} buildings open today closes."
    return _said("closed", f.counts["close"], words, close=f.counts["close"],
                 was=f.counts["was_open"])  # fmt: skip


def _by_tier(f: EstateFacts) -> Found | None:
    rows = [{"tier": name, "buildings": number} for name, number in f.by_tier.items()]
    return _rows("tiers", rows, "Buildings by tier", lambda r: f"{r['buildings']:,} {r['tier']}")


def _points(f: EstateFacts) -> Found | None:
    rows = f.tables["services"]
    before, after = (float(rows[when].astype(bool).sum()) for when in ("before", "after"))
    words = "{after} in the plan, {before} today."
    return _pair("points", words, before, after, lambda x: counted(x, "service point"))


def _near(f: EstateFacts) -> Found | None:
    words = "Residents travel {after} on average to the nearest building with what they need; " \
            f"today {{before}}{as_if_driving(f.answer)}."  # fmt: skip
    return _pair("near", words, f.people["minutes_before"], f.people["minutes_after"], minutes)


def _as_sent(f: EstateFacts) -> Found | None:
    driving = as_if_driving(f.answer)
    words = (
        f"A visit takes {{after}} on average where the plan sends it; today {{before}}{driving}."
    )
    return _pair("as_sent", words, f.people["sent_before"], f.people["sent_after"], minutes)


def _longer(f: EstateFacts) -> Found | None:
    longer, total = f.people[f"residents_longer{f.measure}"], f.people["residents"]
    if not total:
        return None
    where = (
        "Where the plan sends them, journeys" if f.measure else "Journeys to the nearest building"
    )
    words = f"{where} get longer by more than a minute for {{longer}} ({{share}})."
    return _said("longer", longer, words, longer=counted(longer, "resident"),
                 share=share(longer / total))  # fmt: skip


def _estate_agencies(f: EstateFacts) -> Found | None:
    """With a trust, what each pays after rents and transfers; else what its lines come to."""
    names = _names(f.answer, "agencies")
    trust = "rents" in f.tables and "agencies" in f.tables
    if trust:
        table, was, now = f.tables["agencies"], "buildings_before", "net_after"
    else:
        table = f.tables["money"].groupby("agency_id", sort=False, as_index=False).sum(
            numeric_only=True)  # fmt: skip
        was, now = "before", "after"
    rows = [
        {"agency": names.get(key, key) or "no agency stated", "today": before, "plan": after}
        for key, before, after in zip(
            table["agency_id"].astype(str), table[f"{was}_gbp_per_year"].astype(float),
            table[f"{now}_gbp_per_year"].astype(float), strict=True,
        )
    ]  # fmt: skip
    head = "A year for buildings" if trust else "A year for buildings and staff of service points"
    return _rows("estate_agencies", rows, head, _paid)


def _paid(row: dict[str, Any]) -> str:
    return f"{row['agency']} pays {gbp(row['plan'])}, today {gbp(row['today'])}"


def _names(answer: Answer, table: str) -> dict[str, str]:
    rows = answer.place.tables[table]
    pairs = zip(rows.iloc[:, 0].astype(str), rows["name"].astype(str), strict=True)
    return {key: name or key for key, name in pairs}


# ------------------------------------------------------------------------------------- budget


def _when(f: BudgetFacts) -> str:
    return f"{f.when[:1].upper()}{f.when[1:]}"


def _spending(f: BudgetFacts) -> Found | None:
    return _pair("spending", f"Spending is {{after}} {f.when}; today {{before}}.",
                 f.before, f.after, gbp)  # fmt: skip


def _met(column: str, kind: str, thing: str) -> Callable[[BudgetFacts], Found | None]:
    def found(f: BudgetFacts) -> Found | None:
        met, asked = f.met(column)
        if not asked:
            return None
        verb = "are met" if kind == "standards" else "are reached"
        words = f"{{met}} of {{asked}} {verb} {f.when}."
        return _said(kind, {"met": met, "asked": asked}, words, met=met,
                     asked=counted(asked, thing))  # fmt: skip

    return found


def _moved(f: BudgetFacts) -> Found:
    moved = float((f.spending["after_gbp"] - f.spending["before_gbp"]).abs().sum())
    words = f"{{moved}} is moved up or down against today {f.when}."
    return _said("moved", moved, words, moved=gbp(moved))


def _programmes(f: BudgetFacts) -> Found | None:
    columns = ("programme_id", "name", "before_gbp", "after_gbp")
    rows: Rows = [
        {"programme": str(name) or str(key), "today": float(before), "plan": float(after)}
        for key, name, before, after in zip(*(f.spending[c] for c in columns), strict=True)
    ]
    rows.sort(key=lambda row: -abs(row["plan"] - row["today"]))
    return _rows("programmes", rows, f"{_when(f)}, by programme", lambda r: (
        f"{r['programme']} {gbp(r['plan'])}, today {gbp(r['today'])}"))  # fmt: skip


def _budget_agencies(f: BudgetFacts) -> Found | None:
    table = f.tables["agencies"]
    rows = [
        {"agency": str(name) or str(key), "today": float(before), "plan": float(after)}
        for key, name, before, after in zip(
            *(table[c] for c in ("agency_id", "name", "before_gbp", "after_gbp")), strict=True
        )
        if before or after
    ]
    head = f"{_when(f)}, spent on what each agency runs"
    return _rows("budget_agencies", rows, head, lambda r: (
        f"{r['agency']} {gbp(r['plan'])}, today {gbp(r['today'])}"))  # fmt: skip


def _alternatives(f: BudgetFacts) -> Found | None:
    """What is bought of programmes of which at most one is bought."""
    programmes = f.answer.place.programmes
    if "one_of" not in programmes:
        return None
    pairs = zip(programmes["programme_id"], programmes["one_of"], strict=True)
    group = {str(p): str(one_of) for p, one_of in pairs if one_of}
    bought: dict[str, str] = dict.fromkeys(group.values(), "")
    for p, name, after in zip(
        *(f.spending[c] for c in ("programme_id", "name", "after_gbp")), strict=True
    ):
        if str(p) in group and after > SPENT_GBP:
            bought[group[str(p)]] = str(name) or str(p)
    rows = [{"of": key.replace("_", " "), "bought": name} for key, name in bought.items()]
    return _rows("alternatives", rows, "Of each set of alternatives the plan buys", lambda r: (
        r["bought"] or f"none of {r['of']}"))  # fmt: skip


def _units(f: BudgetFacts) -> Found | None:
    rows = [{"programme": name, "close": closed, "today": today, "unit": unit}
            for name, closed, today, unit in f.units]  # fmt: skip

    def one(row: dict[str, Any]) -> str:
        what = f"{row['close']} of {row['today']}" if row["close"] >= 0 else (
            f"none of {row['today']}, {-row['close']} more run")  # fmt: skip
        return f"{what} in {row['programme']}" + (f" (unit: {row['unit']})" if row["unit"] else "")

    return _rows("units", rows, f"Whole units that close by {f.year}", one)


def _outcomes(f: BudgetFacts) -> Found | None:
    rows = [
        {"outcome": str(name) or str(key), "today": float(today), "plan": float(after),
         "unit": str(unit)}
        for key, name, today, after, unit in zip(
            *(f.outcomes[c] for c in ("outcome_id", "name", "baseline", "after", "unit")),
            strict=True,
        )
    ]  # fmt: skip
    return _rows("outcomes", rows, _when(f), lambda r: (
        f"{r['outcome']} {figure(r['plan'])}, today {figure(r['today'])}"
        + (f" ({r['unit']})" if r["unit"] else "")))  # fmt: skip


def _streams(f: BudgetFacts) -> Found | None:
    table = f.tables["streams"]
    columns = ("stream_id", "name", "amount_gbp", "spent_after_gbp")
    rows = [
        {"stream": str(name) or str(key), "has": float(amount), "pays": float(spent)}
        for key, name, amount, spent in zip(*(table[c] for c in columns), strict=True)
    ]
    return _rows("streams", rows, f"{_when(f)}, by stream", lambda r: (
        f"{r['stream']} pays {gbp(r['pays'])}"
        + (f" of {gbp(r['has'])}" if math.isfinite(r["has"]) else "")))  # fmt: skip


def _net_benefit(f: BudgetFacts) -> Found | None:
    chain = f.tables.get("benefits_chain")
    if chain is None or not len(chain):
        return None
    net = float(chain["net_gbp"].sum())
    return _said("net_benefit", net, "Better outcomes are worth {net} net over the years counted.",
                 net=gbp(net))  # fmt: skip


def _transfers(f: BudgetFacts) -> Found | None:
    if "transfers" not in f.tables:
        return None
    names = _names(f.answer, "agencies")
    pairs = f.tables["transfers"].groupby(["from_agency_id", "to_agency_id"])["amount_gbp"].sum()
    if not len(pairs):
        return _said("transfers", 0.0, "No agency has to pay another.")
    rows = [{"from": names.get(str(a), str(a)), "to": names.get(str(b), str(b)), "gbp": float(x)}
            for (a, b), x in pairs.items()]  # fmt: skip
    return _rows("transfers", rows, "Payments between agencies, all decided years together",
                 lambda r: f"{r['from']} pays {r['to']} {gbp(r['gbp'])}")  # fmt: skip


def _providers(f: BudgetFacts) -> Found | None:
    if "provider_results" not in f.tables:
        return None
    earned = f.provided[0]
    return _said("providers", earned, "Results earn the providers paid by them {earned}.",
                 earned=gbp(earned))  # fmt: skip


ESTATE: dict[str, Callable[[EstateFacts], Found | None]] = {
    "saving_gbp_per_year": _saving,
    "running_cost_gbp_per_year": _running,
    "works_gbp": _works,
    "receipts_net_gbp": _receipts,
    "net_present_cost_gbp": _present_cost,
    "buildings_closed": _closed,
    "buildings_by_tier": _by_tier,
    "service_points": _points,
    "minutes_to_nearest": _near,
    "minutes_as_sent": _as_sent,
    "residents_longer": _longer,
    "carbon_tco2e_per_year": _carbon,
    "carbon_present_saving_gbp": _carbon_worth,
    "agencies": _estate_agencies,
}
BUDGET: dict[str, Callable[[BudgetFacts], Found | None]] = {
    "spending_gbp": _spending,
    "standards_met": _met("standard_met", "standards", "minimum standard"),
    "targets_met": _met("target_met", "targets", "target"),
    "moved_gbp": _moved,
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
DEFAULTS: dict[str, tuple[str, ...]] = {
    "estate": ("buildings_by_tier",),
    "budget": ("alternatives", "units_closed", "agencies"),
}
