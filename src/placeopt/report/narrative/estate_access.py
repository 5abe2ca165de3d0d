"""The sentences of an estate plan on access: standards, journeys and where visits are sent."""

from __future__ import annotations

import math
from typing import Any

from placeopt.report.narrative.estate_facts import EstateFacts
from placeopt.report.narrative.estate_totals import NOTICEABLE_MINUTES
from placeopt.report.narrative.minutes import as_if_driving, other_modes_in_words
from placeopt.report.narrative.sentences import Amount, Sentence, Values, minutes, quantity, share
from placeopt.scenario.wording import figure

# Where the summary states this, the sentences on reassignment describe visits past a nearer host.
PAST_NEARER_KEY = "past_nearer_visits_per_year"
RESIDENTS_WITHOUT_CAR = "residents_without_car"  # the summary states their minutes with this key
MAX_SERVICES = 4  # in one sentence

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
        "To the nearest building that offers what they need, residents travel {after} on average"
        "{year}, against {before} {today}{driving}.",
        lambda f: {
            **_year_and_today(f),
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
        "Counted where the plan sends them, a visit takes {after} on average{year}, against "
        "{before} {today}{driving}.",
        lambda f: _assigned_minutes(f),
    ),
    Sentence(
        "sent",
        lambda f: _sends_farther(f) and PAST_NEARER_KEY not in f.summary,
        "{share} of visits go past the nearest building with their service; counted where the "
        "plan sends them, a visit takes {after} on average{year}, against {before} "
        "{today}{driving}.",
        lambda f: {"share": share(f.share_past_nearest), **_assigned_minutes(f)},
    ),
    Sentence(
        "without_car",
        lambda f: RESIDENTS_WITHOUT_CAR in f.summary,
        lambda v: _without_car_words(v),
        lambda f: _without_car_values(f),
    ),
    Sentence(
        "sent_out_of_reach",
        lambda f: bool(_sent_out_of_reach(f)),
        lambda v: _sent_out_of_reach_words(v),
        lambda f: _sent_out_of_reach_values(f),
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
    if f.years is not None:
        values["year"] = f.standards_year
    if first["asked_share"] - first["served_share_after"] > 0:
        names = f.answer.place.tables["services"].set_index("service_id")["name"]
        service = str(first["service_id"])
        values |= {
            "service": str(names.get(service) or service),
            "who": str(first["counted"]),
            "within": _minutes_asked(first["minutes"]),
            "near": share(first["nearest_share_after"]),
            "sent": share(first["served_share_after"]),
            "asked": share(first["asked_share"]),
        }
    return values


def _minutes_asked(number: float) -> Amount:
    """Return the minutes of a standard as the question states them."""
    return Amount(float(number), "minutes", f"{figure(float(number))} minutes")


def _nearest_only_words(v: Values) -> str:
    fails, holds = ("fails", "it holds") if v["number"] == 1 else ("fail", "they hold")
    start = f"In {v['year']}, {v['number']}" if "year" in v else str(v["number"])
    text = (
        f"{start} of {v['total']} standards of access {fails} where the plan sends residents: "
        f"{holds} only if the nearest open place counts"
    )
    if "service" in v:
        text += (
            f". Furthest off: {v['who']} within {v['within']} of {v['service']}, {v['near']} by "
            f"the nearest, {v['sent']} as sent, {v['asked']} asked"
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
    return {**means, **_year_and_today(f), "driving": as_if_driving(f.answer)}


def _year_and_today(f: EstateFacts) -> Values:
    return {"year": f.in_last_year, "today": f.today_words}


def _without_car_values(f: EstateFacts) -> Values:
    """Return the minutes of residents without a car, and their visits out of reach."""
    number = f.summary[RESIDENTS_WITHOUT_CAR]
    values: dict[str, Any] = {
        "residents": quantity(number, "resident"),
        "share": share(number / f.travel["residents"]),
        "modes": other_modes_in_words(f.answer),
        **_year_and_today(f),
    }
    for measure in ("minutes_as_sent", "minutes_to_nearest"):
        for when in ("before", "after"):
            mean = f.summary[f"without_car_{measure}_{when}"]
            values[f"{measure}_{when}"] = (
                minutes(mean) if math.isfinite(mean) else "no visit in reach"
            )
    for when in ("before", "after"):
        visits = f.summary[f"without_car_sent_out_of_reach_visits_per_year_{when}"]
        values[f"beyond_{when}"] = quantity(visits, "visit")
    return values


def _without_car_words(v: Values) -> str:
    have = "has" if str(v["residents"]).startswith("1 ") else "have"
    text = f"{v['residents']} ({v['share']}) {have} no car"
    if not v["modes"]:
        text += ", and the question counts no other way to travel"
    else:
        text += (
            f": by other ways ({v['modes']}) the mean of their visits in reach is "
            f"{v['minutes_as_sent_after']} where the plan sends them{v['year']}, against "
            f"{v['minutes_as_sent_before']} {v['today']}; to the nearest building with the service "
            f"{v['minutes_to_nearest_after']}, against {v['minutes_to_nearest_before']}"
        )
    after, before = v["beyond_after"], v["beyond_before"]
    if getattr(after, "value", 0.0) >= 0.5 or getattr(before, "value", 0.0) >= 0.5:
        text += (
            f". The plan sends {after} a year of theirs{v['year']} where they cannot get to within "
            f"the minutes measured; {v['today']} {before}"
        )
    return f"{text}."


def _sent_out_of_reach(f: EstateFacts) -> list[dict[str, Any]]:
    """Return services to which more residents are sent out of reach than before, most first."""
    bands = f.tables["bands"]
    if "residents_sent_after" not in bands:
        return []
    names = f.answer.place.tables["services"].set_index("service_id")["name"]
    rows = [
        {
            "service": str(names.get(key) or key),
            "after": float(after),
            "before": float(before),
        }
        for key, band, before, after in zip(
            *(bands[c] for c in ("service_id", "band", "residents_sent_before",
                                 "residents_sent_after")), strict=True,
        )
        if band == "out of reach" and after >= 0.5 and after - before >= 0.5
    ]  # fmt: skip
    return sorted(rows, key=lambda row: -row["after"])


def _sent_out_of_reach_values(f: EstateFacts) -> Values:
    rows = _sent_out_of_reach(f)
    values: dict[str, Any] = {
        f"{key}_{n}": row[key] if key == "service" else quantity(row[key], "resident")
        for n, row in enumerate(rows[:MAX_SERVICES])
        for key in ("service", "after", "before")
    }
    return {**values, "others": max(len(rows) - MAX_SERVICES, 0), **_year_and_today(f)}


def _sent_out_of_reach_words(v: Values) -> str:
    numbers = [n for n in range(MAX_SERVICES) if f"service_{n}" in v]
    parts = [
        f"{v[f'service_{n}']} {v[f'after_{n}']}, {v['today']} {v[f'before_{n}']}" for n in numbers
    ]
    if v["others"]:
        parts.append(f"{v['others']} more services in the table of minutes by service")
    return (
        "Residents who cannot get within the minutes measured to where the plan sends visits"
        f"{v['year']}: {'; '.join(parts)}."
    )


def _residents_and_share(v: Values, key: str) -> str:
    """Return a number of residents and their share of all residents."""
    residents = v[key]
    has_any = getattr(residents, "value", 0.0) >= 0.5
    return f"{residents} ({v[f'{key}_share']})" if has_any else "nobody"
