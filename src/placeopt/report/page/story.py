"""What the plan means for people, in short plain paragraphs for councillors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placeopt.engine import Answer
from placeopt.report.money import gbp

LONGEST = 6  # names listed before "and n more"


def story(answer: Answer) -> list[tuple[str, str]]:
    """(heading, paragraph) pairs that say who gains, who loses and by how much."""
    if answer.plan is None:
        return []
    tell = _estate if answer.scenario.problem == "estate" else _budget
    return list(tell(answer))


def _estate(answer: Answer) -> Iterator[tuple[str, str]]:
    assert answer.plan is not None
    buildings, zones = answer.plan.buildings, answer.plan.zones
    closed = buildings[buildings["decision"] == "close"]
    if len(closed):
        by_kind = closed["kind"].value_counts()
        kinds = ", ".join(f"{str(kind).replace('_', ' ')} {n}" for kind, n in by_kind.items())
        yield "What closes", f"{len(closed)} buildings: {kinds}. {_names(closed['name'].tolist())}."
    hubs = buildings[buildings["decision"] == "hub"]
    if len(hubs):
        yield "Where services come together", f"{_names(hubs['name'].tolist())}."
    people = zones["population"].to_numpy(float)
    change = zones["change_minutes"].to_numpy(float)
    known = np.isfinite(change)
    further, nearer = known & (change > 1), known & (change < -1)
    yield (
        "Who travels further",
        f"{people[further].sum():,.0f} residents travel more than a minute further on an average "
        f"visit, {people[nearer].sum():,.0f} more than a minute less; for the other "
        f"{people[~further & ~nearer].sum():,.0f} little changes.",
    )
    if further.any():
        worst = zones[further].nlargest(3, "change_minutes")
        places = "; ".join(
            f"{row['name'] or row['zone_id']} {row['change_minutes']:+.0f} minutes"
            for row in worst.to_dict("records")
        )
        yield "Who loses most", f"{places}."
    saving = (
        buildings["running_cost_before_gbp_per_year"].sum()
        - buildings["running_cost_after_gbp_per_year"].sum()
    )
    capital, receipts = buildings["capital_gbp"].sum(), buildings["receipt_net_gbp"].sum()
    yield (
        "The money",
        f"Running the buildings and their service points costs {gbp(saving)} a year less. Works, "
        f"moves and closures cost {gbp(capital)} once; sales bring {gbp(receipts)} net.",
    )


def _budget(answer: Answer) -> Iterator[tuple[str, str]]:
    assert answer.plan is not None
    spending, outcomes = answer.plan.spending, answer.plan.outcomes
    for heading, part in (
        ("Who gets less", spending[spending["change_gbp"] < -0.5].nsmallest(6, "change_gbp")),
        ("Who gets more", spending[spending["change_gbp"] > 0.5].nlargest(6, "change_gbp")),
    ):
        if len(part):
            items = (
                f"{row['name']} {'+' if row['change_gbp'] > 0 else ''}{gbp(row['change_gbp'])}"
                for row in part.to_dict("records")
            )
            yield heading, f"Most: {'; '.join(items)}."
    for row in outcomes.to_dict("records"):
        better = (row["after"] - row["baseline"]) * (1 if row["direction"] == "higher" else -1)
        word = "improves" if better > 1e-6 else "gets worse" if better < -1e-6 else "stays"
        standard = ""
        if row["minimum_standard"] == row["minimum_standard"]:
            standard = f"; the minimum standard of {row['minimum_standard']:g} "
            standard += "holds" if row["standard_met"] == "yes" else "is missed"
        yield (
            row["name"],
            f"{word[0].upper()}{word[1:]} from {row['baseline']:g} to {row['after']:.4g} "
            f"{row['unit']}{standard}.",
        )


def _names(names: list[str]) -> str:
    if len(names) <= LONGEST:
        return ", ".join(names)
    return f"{', '.join(names[:LONGEST])} and {len(names) - LONGEST} more (table below)"
