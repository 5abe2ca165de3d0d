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
    """Return the summary as plain values; missing and infinite numbers are None."""
    result, place, scenario = answer.result, answer.place.info, answer.scenario
    summary: dict[str, Any] = {
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
        summary["plan"] = dict(answer.plan.summary)
        summary["objectives"] = answer.plan.objectives.to_dict("records")
        summary |= _spending(answer) if "spending" in answer.plan.tables else _estate(answer)
    if answer.explanation is not None:
        summary["explanation"] = {
            "sentence": answer.explanation.sentence,
            "clashes": [vars(clash) for clash in answer.explanation.clashes],
            "tables": {
                name: table.to_dict("records") for name, table in answer.explanation.tables.items()
            },
        }
    values: dict[str, Any] = json_value(summary)
    return values


def write_json(value: Any, path: Path) -> Path:
    """Write a value as valid JSON, without NaN and infinity; return the file."""
    text = json.dumps(json_value(value), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def json_value(value: Any) -> Any:
    """Return a record as values that JSON can hold; missing and infinite numbers as None."""
    if isinstance(value, Mapping):
        return {str(key): json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(inner) for inner in value]
    if value is None or isinstance(value, str | bool):
        return None if value is None else value if isinstance(value, bool) else str(value)
    if hasattr(value, "item"):
        return json_value(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value
    return str(value)


def _verified(answer: Answer) -> dict[str, Any]:
    """Return the verification; ``verified`` is true only of a plan that passed every check."""
    verification = answer.verification
    return {
        "verified": bool(verification and verification.ok),
        "checks": len(verification.checks) if verification else 0,
        "broken_today": [check.sentence for check in verification.broken_today]
        if verification
        else [],
        "totals": dict(verification.totals) if verification else {},
        "do_nothing": dict(verification.do_nothing) if verification else {},
    }


def _rules(answer: Answer) -> list[dict[str, Any]]:
    if answer.verification is None:
        return [{"number": rule.number, "name": rule.name} for rule in answer.scenario.rules]
    return [vars(check) for check in answer.verification.checks]


def _estate(answer: Answer) -> dict[str, Any]:
    assert answer.plan is not None
    tables = answer.plan.tables
    bands: dict[str, Any] = {}
    for service, rows in tables["bands"].groupby("service_id", sort=False):
        bands[str(service)] = rows.drop(columns="service_id").to_dict("records")
    return {
        "costs": cost_totals(tables["money"], answer.plan.summary),
        "travel": travel_totals(tables),
        "residents_by_minutes": bands,
        "counts": {
            "buildings_open_before": int((tables["buildings"]["status_before"] == "open").sum()),
            **{
                f"buildings_{decision}": int(number)
                for decision, number in tables["buildings"]["decision"].value_counts().items()
            },
            **{
                f"services_{decision}": int(number)
                for decision, number in tables["services"]["decision"].value_counts().items()
            },
            "zones": len(tables["zones"]),
        },
    }


def _spending(answer: Answer) -> dict[str, Any]:
    assert answer.plan is not None
    tables = answer.plan.tables
    before, after = (float(tables["spending"][f"{w}_gbp"].sum()) for w in ("before", "after"))
    return {
        "costs": {"before_gbp": before, "after_gbp": after, "change_gbp": after - before},
        "outcomes": tables["outcomes"].to_dict("records"),
        "counts": {
            "programmes": len(tables["spending"]),
            "streams": len(tables["streams"]),
            "outcomes": len(tables["outcomes"]),
            "agencies": len(tables["agencies"]),
        },
    }
