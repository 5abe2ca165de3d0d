"""``summary.json``: an answer for machines; ``docs/results.md`` documents its fields."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.report.narrative.estate_totals import cost_totals, travel_totals
from placeopt.report.narrative.narrative import Narrative

if TYPE_CHECKING:
    from placeopt.engine import Answer

SCHEMA = "placeopt-summary-1"


def answer_summary(answer: Answer, narrative: Narrative) -> dict[str, Any]:
    """The summary as plain values; a number that is missing or infinite is None."""
    result, place, scenario = answer.result, answer.place.info, answer.scenario
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "question": scenario.question,
        "answer": [narrative.first, *narrative.sentences],
        "verdict": narrative.verdict,
        "sentences": [statement.plain() for statement in narrative.all_statements()],
        "facts": narrative.facts,
        "problem": scenario.problem,
        "year": scenario.year,
        "place": {
            "name": place.name,
            "made_up": place.made_up,
            "price_year": place.price_year,
            "crs": place.crs,
        },
        "has_plan": answer.plan is not None,
        "status": narrative.status_term,
        "status_in_words": narrative.status_in_words,
        "objective": result.objective,
        "bound": result.bound,
        "gap": result.gap,
        "repeats": answer.repeats,
        "minimise": list(scenario.objective.minimise),
        **_verified(answer),
        "figures": [
            {"key": f.key, "label": f.label, "today": f.today, "plan": f.plan}
            for f in narrative.figures
        ],
        "rules": _rules(answer),
        "engine": {
            "name": result.engine,
            "version": result.version,
            "seed": result.seed,
            "seconds": dict(result.seconds),
        },
        "warnings": len(answer.warnings),
    }
    if answer.plan is not None:
        found["plan"] = dict(answer.plan.summary)
        found["objectives"] = answer.plan.objectives.to_dict("records")
        found |= _spending(answer) if "spending" in answer.plan.tables else _estate(answer)
    if answer.explanation is not None:
        found["explanation"] = {
            "sentence": answer.explanation.sentence,
            "clashes": [vars(clash) for clash in answer.explanation.clashes],
            "tables": {
                name: table.to_dict("records") for name, table in answer.explanation.tables.items()
            },
        }
    plain_values: dict[str, Any] = plain(found)
    return plain_values


def write_json(value: Any, path: Path) -> Path:
    """Valid JSON: no NaN, no infinity."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def plain(value: Any) -> Any:
    """Any record as what JSON can hold; missing and infinite numbers as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, str | bool):
        return None if value is None else value if isinstance(value, bool) else str(value)
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value
    return str(value)


def _verified(answer: Answer) -> dict[str, Any]:
    """``verified`` is true only of a plan that was checked and passed."""
    found = answer.verification
    return {
        "verified": bool(found and found.ok),
        "checks": len(found.checks) if found else 0,
        "broken_today": [check.sentence for check in found.broken_today] if found else [],
        "totals": dict(found.totals) if found else {},
        "do_nothing": dict(found.do_nothing) if found else {},
    }


def _rules(answer: Answer) -> list[dict[str, Any]]:
    if answer.verification is None:
        return [{"number": rule.number, "name": rule.name} for rule in answer.scenario.rules]
    return [vars(check) for check in answer.verification.checks]


def _estate(answer: Answer) -> dict[str, Any]:
    assert answer.plan is not None
    t = answer.plan.tables
    bands: dict[str, Any] = {}
    for service, rows in t["bands"].groupby("service_id", sort=False):
        bands[str(service)] = rows.drop(columns="service_id").to_dict("records")
    return {
        "costs": cost_totals(t["money"], answer.plan.summary),
        "travel": travel_totals(t),
        "residents_by_minutes": bands,
        "counts": {
            "buildings_open_before": int((t["buildings"]["status_before"] == "open").sum()),
            **{
                f"buildings_{word}": int(number)
                for word, number in t["buildings"]["decision"].value_counts().items()
            },
            **{
                f"services_{word}": int(number)
                for word, number in t["services"]["decision"].value_counts().items()
            },
            "zones": len(t["zones"]),
        },
    }


def _spending(answer: Answer) -> dict[str, Any]:
    assert answer.plan is not None
    t = answer.plan.tables
    before, after = (float(t["spending"][f"{w}_gbp"].sum()) for w in ("before", "after"))
    return {
        "costs": {"before_gbp": before, "after_gbp": after, "change_gbp": after - before},
        "outcomes": t["outcomes"].to_dict("records"),
        "counts": {
            "programmes": len(t["spending"]),
            "streams": len(t["streams"]),
            "outcomes": len(t["outcomes"]),
            "agencies": len(t["agencies"]),
        },
    }
