"""Read a plan that was written earlier, only if it answers this very question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placeopt.base.errors import UsageError
from placeopt.engine import Plan
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.store.provenance import hashes_of

if TYPE_CHECKING:
    import pandas as pd


def earlier_plan(folder: Path, place: Place, scenario: Scenario) -> Plan:
    """The spending by year of the verified plan in ``folder``.

    Args:
        folder: A folder of results.
        place: The place.
        scenario: The question.

    Returns:
        A plan with the table ``spending_by_year`` and the summary.

    Raises:
        UsageError: If there is no such plan, or the place or the scenario has changed since (its
            provenance holds their hashes).
    """
    advice = "solve it again, or leave --plan away"
    summary, provenance = (_json(folder / f"{name}.json") for name in ("summary", "provenance"))
    table = folder / "tables" / "spending_by_year.csv"
    if not summary.get("verified") or not table.is_file():
        raise UsageError(f"{folder} holds no verified plan of a budget: {advice}")
    current_hashes = hashes_of(place, scenario)
    tables = {*current_hashes["tables_sha256"], *provenance.get("tables_sha256", {})}
    changed = [
        f"{name}.csv"
        for name in sorted(tables)
        if current_hashes["tables_sha256"].get(name)
        != provenance.get("tables_sha256", {}).get(name)
    ]
    if current_hashes["scenario_sha256"] != provenance.get("scenario_sha256"):
        changed.append("the scenario")
    if changed:
        raise UsageError(f"the plan in {folder} is of other input ({', '.join(changed)}): {advice}")
    return Plan({"spending_by_year": _spending(table, place, folder)}, summary)


def _spending(table: Path, place: Place, folder: Path) -> pd.DataFrame:
    import pandas as pd

    rows = pd.read_csv(table, dtype={"programme_id": str}, keep_default_na=False)
    programmes_by_year = rows.groupby("year")["programme_id"].agg(set)
    is_complete = all(ids == set(place.programmes["programme_id"]) for ids in programmes_by_year)
    spending = pd.to_numeric(rows["plan_gbp"], errors="coerce")
    if not is_complete or not (spending > -0.01).all():
        raise UsageError(f"{table} was changed since it was written: solve {folder} again")
    return rows.assign(plan_gbp=spending)


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
