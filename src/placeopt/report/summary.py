"""The answer in figures and in words: what ``summary.json`` holds and the page says first."""

from __future__ import annotations

import math
from typing import Any

from placeopt.engine import Answer, Status
from placeopt.report.money import gbp

STATUS_WORDS = {
    Status.OPTIMAL: "proven best within the gap asked for",
    Status.FEASIBLE: "a plan that holds, not yet proven best when the time limit came",
    Status.INFEASIBLE: "nothing fits: the rules clash",
    Status.UNBOUNDED: "the question has no limit to what it asks for",
    Status.INTERRUPTED: "stopped by hand",
    Status.NO_PLAN: "no plan was found within the time limit; nothing is proven",
    Status.FAILED: "the engine failed",
}


def summary_of(answer: Answer) -> dict[str, Any]:
    """Everything a program wants to know of an answer; documented in ``docs/results.md``."""
    result, checks = answer.result, answer.verification
    found: dict[str, Any] = {
        "question": answer.scenario.question,
        "place": answer.place.info.name,
        "made_up": answer.place.info.made_up,
        "problem": answer.scenario.problem,
        "status": str(result.status),
        "status_in_words": STATUS_WORDS[result.status],
        "objective": result.objective,
        "objective_names": list(answer.scenario.objective.minimise),
        "bound": result.bound,
        "gap": result.gap,
        "verified": bool(checks and checks.ok),
        "checks": len(checks.checks) if checks else 0,
        "answer": headline(answer),
        "proof": proof(answer),
        "figures": dict(answer.plan.summary) if answer.plan else {},
        "clashes": [
            {"rule": c.number, "name": c.name, "sentence": c.sentence, "what_gives": c.what_gives}
            for c in (answer.explanation.clashes if answer.explanation else ())
        ],
        "explanation": answer.explanation.sentence if answer.explanation else None,
        "broken_today": [f"{c.number} {c.sentence}" for c in checks.broken_today] if checks else [],
        "warnings": [str(finding) for finding in answer.warnings],
        "assumptions": len(answer.place.assumptions),
        "seconds": dict(result.seconds),
    }
    if answer.plan is not None and "bands" in answer.plan.tables:
        bands = answer.plan.bands
        found["residents_by_minutes"] = bands.to_dict("records")
    if answer.plan is not None and "buildings" in answer.plan.tables:
        counts = answer.plan.buildings["decision"].value_counts()
        found["buildings_by_decision"] = {str(k): int(v) for k, v in counts.items()}
    return plain(found)


def headline(answer: Answer) -> str:
    """The answer in a sentence or two of plain English."""
    if answer.plan is None:
        if answer.explanation is not None:
            clashes = "; ".join(f"{c.number} {c.what_gives}" for c in answer.explanation.clashes)
            return f"Nothing fits. {answer.explanation.sentence} {clashes}".strip()
        return f"No plan: {STATUS_WORDS[answer.result.status]}."
    tell = _estate if answer.scenario.problem == "estate" else _budget
    return f"{tell(answer)} {proof(answer)}"


def proof(answer: Answer) -> str:
    """How far from the best the plan can be, in words that claim no more than the bound does."""
    result = answer.result
    if answer.plan is None:
        return ""
    checked = ""
    if answer.verification is not None:
        checked = f" All {len(answer.verification.checks)} independent checks hold."
    if not math.isfinite(result.gap):
        return "How far it is from the best possible is not known: no bound was proven." + checked
    far = percent(result.gap)
    if result.status is Status.OPTIMAL and result.gap <= 1e-6:
        return "No plan that keeps the rules does better: proven." + checked
    beat = f"no plan that keeps the rules can be more than {far} better{_by(answer)}."
    if result.status is Status.OPTIMAL:
        return f"Proven: {beat}{checked}"
    why = "stopped by hand" if result.status is Status.INTERRUPTED else "the time limit came first"
    return f"Best known, {why}: {beat}{checked}"


def _by(answer: Answer) -> str:
    """What "better" is measured by, in words."""
    words = {
        "cost": " by net present cost",
        "visit_minutes": " by minutes travelled",
        "buildings": " by number of buildings",
        "carbon": " by carbon",
    }
    return words.get(answer.scenario.objective.minimise[-1], "")


def _estate(answer: Answer) -> str:
    assert answer.plan is not None
    table = answer.plan.buildings
    count = table["decision"].value_counts()
    before = table["running_cost_before_gbp_per_year"].sum()
    after = table["running_cost_after_gbp_per_year"].sum()
    opened = int((table["status_before"] == "open").sum())
    parts = [f"{int(count.get('close', 0))} of {opened} open buildings close"]
    if count.get("hub", 0):
        parts.append(f"{int(count['hub'])} become shared hubs")
    if count.get("open", 0):
        parts.append(f"{int(count['open'])} open that are not in use today")
    capital, receipts = table["capital_gbp"].sum(), table["receipt_net_gbp"].sum()
    change = "falls" if after <= before else "rises"
    text = f"{', '.join(parts)}. Running cost {change} from {gbp(before)} to {gbp(after)} a year"
    text += f" for {gbp(capital)} of one-off cost; sales bring {gbp(receipts)}."
    return text[0].upper() + text[1:]


def _budget(answer: Answer) -> str:
    assert answer.plan is not None
    spending, outcomes = answer.plan.spending, answer.plan.outcomes
    before, after = spending["before_gbp"].sum(), spending["after_gbp"].sum()
    cut = int((spending["change_gbp"] < -0.5).sum())
    raised = int((spending["change_gbp"] > 0.5).sum())
    standards = outcomes["minimum_standard"].notna()
    met = int((outcomes.loc[standards, "standard_met"] == "yes").sum())
    better = (outcomes["change"] * outcomes["direction"].map({"higher": 1, "lower": -1})) > 1e-9
    change = "falls" if after <= before else "rises"
    return (
        f"Spending {change} from {gbp(before)} to {gbp(after)}: {cut} programmes get less, "
        f"{raised} get more. {met} of {int(standards.sum())} minimum standards hold, and "
        f"{int(better.sum())} of {len(outcomes)} outcomes improve."
    )


def percent(share: float) -> str:
    """A share as words: 3.2 %, 0.04 %; never rounded down to nothing."""
    if share <= 0:
        return "0 %"
    if share < 1e-5:
        return "0.001 %"
    return f"{100 * share:.2g} %"


def plain(value: Any) -> Any:
    """Plain JSON values: numpy numbers become numbers, NaN and infinities become null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
