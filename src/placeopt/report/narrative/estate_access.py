"""The sentences of an estate plan on access: standards, journeys and where visits are sent."""

from __future__ import annotations

import math
from typing import Any

from placeopt.report.narrative.estate_facts import EstateFacts
from placeopt.report.narrative.estate_totals import NOTICEABLE_MINUTES
from placeopt.report.narrative.minutes import as_if_driving
from placeopt.report.narrative.sentences import Sentence, Values, minutes, quantity, share

# Where the summary states this, the sentences on reassignment describe visits past a nearer host.
PAST_NEARER_KEY = "past_nearer_visits_per_year"

ACCESS_SENTENCES: tuple[Sentence[EstateFacts], ...] = (
    Sentence(
        "standards_as_sent",
        lambda f: bool(f.standards) and all(row["holds_after"] == "as_sent" for row in f.standards),
        "Every standard of access holds where the plan sends residents.",
    ),
    Sentence(
        "standards_by_nearest",
        lambda f: bool(f.standards_by_nearest_only),
        lambda v: _nearest_only_words(v),
        lambda f: _largest_shortfall(f),
    ),
    Sentence(
        "minutes",
        lambda f: _has_minutes(f),
        "To the nearest building that offers what they need, residents travel {after} on average, "
        "against {before} today{driving}.",
        lambda f: {
            "driving": as_if_driving(f.answer),
            "after": minutes(f.travel["minutes_after"]),
            "before": minutes(f.travel["minutes_before"]),
        },
    ),
    Sentence(
        "longer_and_shorter",
        lambda f: _has_minutes(f),
        lambda v: _changed_journey_words(v),
        lambda f: _changed_residents(f),
    ),
    Sentence(
        "loses_most",
        lambda f: (
            _has_minutes(f) and f.travel[f"worst_change{f.travel_suffix}"] > NOTICEABLE_MINUTES
        ),
        "{zone} loses most: {more}.",
        lambda f: {
            "zone": f.travel[f"worst_zone{f.travel_suffix}"],
            "more": minutes(f.travel[f"worst_change{f.travel_suffix}"]),
        },
    ),
    Sentence(
        "out_of_reach",
        lambda f: f.travel["residents_out_of_reach"] >= 0.5,
        "{residents} can no longer reach what they need within the minutes measured.",
        lambda f: {"residents": quantity(f.travel["residents_out_of_reach"], "resident")},
    ),
    Sentence(
        "sent_minutes",
        lambda f: _sends_farther(f) and PAST_NEARER_KEY in f.summary,
        "Counted where the plan sends them, a visit takes {after} on average, against {before} "
        "today{driving}.",
        lambda f: _assigned_minutes(f),
    ),
    Sentence(
        "sent",
        lambda f: _sends_farther(f) and PAST_NEARER_KEY not in f.summary,
        "{share} of visits go past the nearest building with their service; counted where the "
        "plan sends them, a visit takes {after} on average, against {before} today{driving}.",
        lambda f: {"share": share(f.share_past_nearest), **_assigned_minutes(f)},
    ),
)


def _has_minutes(f: EstateFacts) -> bool:
    """Whether the place has residents and their minutes today are known."""
    return bool(f.travel["residents"]) and math.isfinite(f.travel["minutes_before"])


def _changed_residents(f: EstateFacts) -> Values:
    """Return the residents whose journeys change, where visits are sent and to the nearest host."""
    values: dict[str, Any] = {"measure": f.travel_suffix}
    for suffix in dict.fromkeys((f.travel_suffix, "")):
        for change in ("longer", "shorter"):
            residents = f.travel[f"residents_{change}{suffix}"]
            values[f"{change}{suffix}"] = quantity(residents, "resident")
            values[f"{change}{suffix}_share"] = share(residents / f.travel["residents"])
    return values


def _changed_journey_words(v: Values) -> str:
    longer, shorter = (_residents_and_share(v, key) for key in ("longer", "shorter"))
    suffix = str(v["measure"])
    if not suffix:
        return (
            f"Journeys to the nearest building get longer by more than a minute for {longer} and "
            f"shorter for {shorter}."
        )
    longer_as_sent, shorter_as_sent = (
        _residents_and_share(v, f"{key}{suffix}") for key in ("longer", "shorter")
    )
    return (
        "Where the plan sends them, journeys get longer by more than a minute for "
        f"{longer_as_sent} and shorter for {shorter_as_sent}; to the nearest building, longer for "
        f"{longer} and shorter for {shorter}."
    )


def _largest_shortfall(f: EstateFacts) -> Values:
    """Return how many standards hold by the nearest place only, and the largest shortfall."""
    first = f.standards_by_nearest_only[0]
    values: dict[str, Any] = {"number": len(f.standards_by_nearest_only), "total": len(f.standards)}
    if f.standards_year != max(row["year"] for row in f.all_standards):
        values["year"] = f.standards_year
    if first["asked_share"] - first["served_share_after"] > 0:
        names = f.answer.place.tables["services"].set_index("service_id")["name"]
        service = str(first["service_id"])
        values |= {
            "service": str(names.get(service) or service),
            "within": minutes(first["minutes"]),
            "near": share(first["nearest_share_after"]),
            "sent": share(first["served_share_after"]),
            "asked": share(first["asked_share"]),
        }
    return values


def _nearest_only_words(v: Values) -> str:
    verb = "holds" if v["number"] == 1 else "hold"
    start = f"In {v['year']}, of" if "year" in v else "Of"
    text = (
        f"{start} {v['total']} standards of access {v['number']} {verb} by the nearest open place "
    )
    text += "only, and not where the plan sends residents"
    if "service" in v:
        text += (
            f"; {v['service']} within {v['within']}: {v['near']} by the nearest, {v['sent']} as "
            f"sent, {v['asked']} asked"
        )
    return f"{text}."


def _sends_farther(f: EstateFacts) -> bool:
    """Whether a noticeable share of visits goes farther than the nearest host."""
    return (
        _has_minutes(f) and f.share_past_nearest >= 0.005 and math.isfinite(f.travel["sent_after"])
    )


def _assigned_minutes(f: EstateFacts) -> Values:
    """Return mean minutes where visits are sent, in the plan and today."""
    means = {when: minutes(f.travel[f"sent_{when}"]) for when in ("after", "before")}
    return {**means, "driving": as_if_driving(f.answer)}


def _residents_and_share(v: Values, key: str) -> str:
    """Return a number of residents and their share of all residents."""
    residents = v[key]
    has_any = getattr(residents, "value", 0.0) >= 0.5
    return f"{residents} ({v[f'{key}_share']})" if has_any else "nobody"
