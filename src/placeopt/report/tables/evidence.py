"""What an answer rests on: assumptions of the tables it used, and the evidence of its curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placeopt.scenario.wording import count, listed

if TYPE_CHECKING:
    import pandas as pd

    from placeopt.engine import Answer

BUDGET_TABLES = (
    *("agencies", "programmes", "streams", "stream_amounts", "stream_programmes", "spending"),
    *("commitments", "provision", "provider_terms", "outcomes", "curves", "curve_points"),
    "combinations",
    *("benefits", "unit_costs", "deflators", "optimism_bias"),
)
SHARED_TABLES = frozenset(("agencies", "unit_costs", "deflators"))  # used by both problems
WEAK_GRADE = 4  # from this grade on, of 1 (best) to 6 (worst), evidence is weak


def used_assumptions(answer: Answer) -> pd.DataFrame:
    """Return the place's assumptions about tables that the answer uses."""
    import pandas as pd

    rows: pd.DataFrame = answer.place.tables.get("assumptions", pd.DataFrame())
    if not len(rows):
        return rows
    is_budget = rows["table"].isin(BUDGET_TABLES)
    if answer.scenario.problem == "budget":
        return rows[is_budget]
    is_used = ~is_budget | rows["table"].isin(SHARED_TABLES)
    if not answer.scenario.money.carbon_values:
        is_used &= rows["table"] != "carbon_values"
    return rows[is_used]


def evidence_in_words(answer: Answer) -> list[str]:
    """Return what is stated of the evidence of a budget's curves; empty where it has none."""
    curves = answer.place.tables.get("curves")
    if answer.scenario.problem != "budget" or curves is None or not len(curves):
        return []
    grades = curves["grade"].dropna().astype(int)
    parts = [f"{number:,} of grade {grade}" for grade, number in grades.value_counts(sort=False)
             .sort_index().items()]  # fmt: skip
    if len(grades) < len(curves):
        parts.append(f"{len(curves) - len(grades):,} of no stated grade")
    weak = int((grades >= WEAK_GRADE).sum())
    sentences = [
        f"Every effect on outcomes comes from {count(len(curves), 'curve')} from spending to "
        f"outcomes; by evidence (1 best, 6 worst): {listed(parts)}."
    ]
    illustrative = int(curves["source"].astype(str).str.contains("illustrative", case=False).sum())
    if illustrative:
        curves_named = "All" if illustrative == len(curves) else f"{illustrative:,} of them"
        verb = "states" if illustrative == 1 < len(curves) else "state"
        sentences.append(f"{curves_named} {verb} their source as illustrative.")
    if weak:
        share = f"{weak:,} of {len(curves):,}"
        sentences.append(
            f"What is proven is proven of these curves: {share} are weak evidence (grade "
            f"{WEAK_GRADE} or worse), and where they are wrong another plan may be better."
        )
    else:
        sentences.append(
            "What is proven is proven of these curves: where they are wrong, another plan may be "
            "better."
        )
    return sentences
