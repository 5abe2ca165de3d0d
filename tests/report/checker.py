"""An independent reader of answers. It reads every sentence as text, takes out its numbers, and
compares each with the plan's tables, the place, the scenario and the verification. A sentence
without a pattern here is a fault.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

NUMBER = r"[−]?£?[\d,]*\.?\d+(?: million| billion)?%?|less than 0\.01%|nobody|not stated"
N = f"({NUMBER})"
FACTOR = {"million": 1e6, "billion": 1e9}


def read_number(text: str) -> tuple[float, float]:
    """(value, half of the last digit) of a written number."""
    sign = -1.0 if text.startswith("−") else 1.0
    body, _, word = text.lstrip("−£").partition(" ")
    scale = FACTOR.get(word, 1.0) * (0.01 if body.endswith("%") else 1.0)
    body = body.rstrip("%").replace(",", "")
    places = len(body.partition(".")[2])
    half = 0.5 * 10.0**-places
    if text.startswith("£") and not word and not places and float(body) >= 9_950:
        half = 500.0  # thousands
    return sign * float(body) * scale, half * scale


def is_so(text: str, true: float) -> bool:
    """Whether the written number is the true one, rounded."""
    if text == "nobody":
        return abs(true) < 0.5
    if text == "less than 0.01%":
        return 0 < true < 0.0001
    if text == "not stated":
        return not math.isfinite(true)
    value, half = read_number(text)
    return abs(value - true) <= half * (1 + 1e-6) + 1e-9 * abs(true) + 1e-9


def all_so(numbers: Iterator[str] | tuple[str, ...], *true: float) -> bool:
    return all(is_so(text, value) for text, value in zip(numbers, true, strict=True))


Judge = Callable[..., bool]
PATTERNS: dict[str, list[tuple[re.Pattern[str], Judge]]] = defaultdict(list)


def judges(problem: str, pattern: str) -> Callable[[Judge], Judge]:
    """Register the judge of sentences that match a pattern as a whole."""

    def add(judge: Judge) -> Judge:
        PATTERNS[problem].append((re.compile(pattern, re.S), judge))
        return judge

    return add


def false_sentences(answer, texts) -> list[str]:
    """The false sentences, and those without a judge."""
    problem = answer.scenario.problem
    wrong = []
    for text in texts:
        found = [
            (match, judge)
            for pattern, judge in (*PATTERNS[problem], *PATTERNS["any"])
            if (match := pattern.fullmatch(text))
        ]
        if not found:
            wrong.append(f"nobody can judge: {text}")
        elif not all(judge(answer, *match.groups()) for match, judge in found):
            wrong.append(f"not so: {text}")
    return wrong


# ------------------------------------------------------------------------------------- estate


def rows(answer, table):
    return answer.plan.tables[table].to_dict("records")


def hosts(answer, when):
    found = defaultdict(set)
    for row in rows(answer, "services"):
        if row[when]:
            found[row["building_id"]].add(row["service_id"])
    return found


def running(answer, when):
    return sum(r[f"running_cost_{when}_gbp_per_year"] for r in rows(answer, "buildings"))


def fates(answer):
    """The decision on each building that is open today."""
    was, now = hosts(answer, "before"), hosts(answer, "after")
    found = Counter()
    for row in rows(answer, "buildings"):
        i = row["building_id"]
        if row["status_before"] != "open":
            continue
        if row["decision"] == "close":
            found["close"] += 1
        elif now[i] - was[i]:
            found["take_in"] += 1
        elif was[i] - now[i]:
            found["lose"] += 1
        else:
            found["tier" if row["tier_id"] else "same"] += 1
    return found


def closing(answer):
    return fates(answer)["close"]


@judges(
    "estate",
    rf"The plan (saves|costs a further|costs) {N} a year( in \d+)?"
    rf"(?: \({N} of what the estate costs to run (today|then if nothing changes)\))? "
    r"and closes (.*)\.",
)
def _headline(answer, how, gbp, year, share, base, closes):
    if not so_dated(answer, year) or (base is not None and (base == "today") == bool(year)):
        return False
    before, after = running(answer, "before"), running(answer, "after")
    saving = before - after if how == "saves" else after - before
    if how == "costs":
        return before < 0.5 and is_so(gbp, after) and _closes(answer, closes)
    return (saving > 0 and is_so(gbp, saving) and is_so(share, saving / before)) and _closes(
        answer, closes
    )


@judges(
    "estate",
    r"The plan costs as much to run( in \d+)? as (today|if nothing changes) and "
    r"closes (.*)\.",
)
def _headline_same(answer, year, base, closes):
    dated = so_dated(answer, year) and (base == "today") != bool(year)
    return (
        dated
        and abs(running(answer, "before") - running(answer, "after")) < 0.5
        and _closes(answer, closes)
    )


def _closes(answer, text):
    number = closing(answer)
    if number == 0:
        return text == "no building"
    return text == f"{number:,} building{'s' if number > 1 else ''}"


KINDS = {
    r"(\d+) (?:closes|close)": "close",
    r"(\d+) (?:takes|take) in a service": "take_in",
    r"(\d+) (?:stays|stay) open without a service (?:it has|they have) today": "lose",
    r"(\d+) (?:gets a tier and keeps its services|get a tier and keep their services)": "tier",
    r"(\d+) (?:stays open as it is|stay open as they are)": "same",
}


@judges("estate", r"Of the (\d+) buildings? open today, (.*)\.")
def _changes(answer, total, parts):
    found, true = {}, fates(answer)
    for part in re.split(r", | and (?=\d)", parts):
        kind = [(k, m) for p, k in KINDS.items() if (m := re.fullmatch(p, part))]
        if len(kind) != 1:
            return False
        found[kind[0][0]] = int(kind[0][1][1])
    return int(total) == true.total() and found == {k: n for k, n in true.items() if n}


@judges("estate", r"Buildings by tier: (.*)\.")
def _tiers(answer, parts):
    names = {r["tier_id"]: r["name"] or r["tier_id"] for r in answer.place.tiers.to_dict("records")}
    true = Counter(names[r["tier_id"]] for r in rows(answer, "buildings") if r["tier_id"])
    said = {}
    for part in parts.split("; "):
        number, _, name = part.partition(" ")
        said[name] = int(number)
    return said == dict(true)


@judges("estate", r"The plan opens (\d+) buildings? that (?:is|are) not open today\.")
def _opens(answer, number):
    new = [
        r
        for r in rows(answer, "buildings")
        if r["status_before"] != "open" and r["decision"] == "open"
    ]
    return int(number) == len(new)


@judges("estate", r"It gives up (\d+) buildings? that stands? empty today\.")
def _gives_up(answer, number):
    gone = [
        r
        for r in rows(answer, "buildings")
        if r["status_before"] == "vacant" and r["disposal"] in ("sold", "lease_ended")
    ]
    return int(number) == len(gone)


@judges("estate", rf"Of those that close, {N} stands? empty and costs? {N} a year\.")
def _held_empty(answer, number, gbp):
    """Buildings that are neither open, sold nor left at the end of a lease, with their cost when
    empty."""
    held = [
        r
        for r in rows(answer, "buildings")
        if r["status_before"] == "open"
        and r["decision"] == "close"
        and r["disposal"] not in ("sold", "lease_ended", "replaced")
    ]
    cost = sum(r["running_cost_after_gbp_per_year"] for r in held)
    return int(number) == len(held) > 0 and is_so(gbp, cost)


@judges(
    "estate",
    rf"Running costs( in \d+)? (fall|rise) from {N}(, if nothing changes,)? to {N} a year\.",
)
def _running(answer, year, how, before, base, after):
    was, now = running(answer, "before"), running(answer, "after")
    return (
        so_dated(answer, year)
        and bool(base) == bool(year)
        and ((now < was) == (how == "fall"))
        and all_so((before, after), was, now)
    )


@judges(
    "estate", rf"Running the estate costs {N} a year( in \d+)?; (today|if nothing changes) {N}\."
)
def _running_lead(answer, after, year, base, before):
    dated = so_dated(answer, year) and (base == "today") != bool(year)
    return dated and all_so((before, after), running(answer, "before"), running(answer, "after"))


@judges(
    "estate",
    rf"In the last decided year the plan (saves|costs a further) {N} of running "
    r"cost\.",
)
def _saving_lead(answer, how, gbp):
    saving = running(answer, "before") - running(answer, "after")
    return (saving >= 0) == (how == "saves") and is_so(gbp, abs(saving))


@judges(
    "estate",
    rf"Works, moves and closing cost {N} once"
    rf"(?:, and staff paid twice over a move {N}: {N} in all)?\.",
)
def _works(answer, gbp, twice, total):
    works = sum(r["capital_gbp"] for r in rows(answer, "buildings"))
    works += answer.verification.totals["redundancy"]
    paid_twice = answer.plan.summary.get("double_running_gbp", 0.0)
    if twice is None:
        return paid_twice < 0.5 and is_so(gbp, works)
    return all_so((gbp, twice, total), works, paid_twice, works + paid_twice)


SAVING_PARTS = {
    "of buildings in use": "buildings",
    "of staff of service points": "staff",
    "of buildings held empty": "held_empty",
}


@judges("estate", r"Of running costs a year (.*)\.")
def _saving_parts(answer, text):
    """By the split of running costs, which adds up to the saving."""
    parts = {k: answer.plan.summary[f"{k}_cost_saving_gbp_per_year"] for k in SAVING_PARTS.values()}
    saving = running(answer, "before") - running(answer, "after")
    said = {}
    for how, listed in re.findall(r"(saved|added) are (.*?)(?=, added are|$)", text):
        for number, words in re.findall(rf"{N} ({'|'.join(SAVING_PARTS)})", listed):
            said[SAVING_PARTS[words]] = (how, number)
    found = {k: x for k, x in parts.items() if abs(x) >= 0.5}
    return (
        abs(sum(parts.values()) - saving) < 1
        and said.keys() == found.keys()
        and all(
            (how == "saved") == (found[k] > 0) and is_so(number, abs(found[k]))
            for k, (how, number) in said.items()
        )
    )


@judges(
    "estate",
    r"The question decides (\d+) alone: (\d+) closures? and a full year of savings are counted in "
    r"it(, and no redundancy: .*|, and redundancy of some .*)?\.",
)
def _in_one_year(answer, year, number, redundancy):
    counted = answer.plan.summary["redundancy_counted"]
    words = {"no": ", and no", "partly": ", and redundancy of some"}.get(counted)
    same = (redundancy or "").startswith(words) if words else redundancy is None
    right = answer.scenario.years == 1 and int(year) == answer.plan.summary["year"]
    return same and right and int(number) == closing(answer) > 0


@judges("estate", rf"Sales bring in {N} after their cost\.")
def _receipts(answer, gbp):
    return is_so(gbp, sum(r["receipt_net_gbp"] for r in rows(answer, "buildings")))


@judges(
    "estate",
    rf"Maintenance of {N} is due on the buildings that are open or empty today; in the plan {N} "
    r"has to be paid, on those that it keeps, holds empty or opens\.",
)
def _maintenance(answer, due, kept):
    place = answer.place.buildings
    all_due = place.loc[place["status"] != "candidate", "backlog_gbp"].fillna(0).sum()
    return all_so((due, kept), all_due, sum(r["backlog_gbp"] for r in rows(answer, "buildings")))


@judges("estate", r"The plan decides (\d+) to (\d+); (.*)\.")
def _by_year(answer, first, last, closes):
    years = Counter(
        int(r["closes_year"])
        for r in rows(answer, "buildings")
        if str(r["closes_year"]) not in ("<NA>", "nan", "None")
    )
    decided = sorted(set(answer.plan.tables["buildings_by_year"]["year"]))
    said = {int(y): int(n) for n, y in re.findall(r"(\d+) in (\d{4})", closes)}
    none = closes == "no building closes"
    return (
        (int(first), int(last)) == (decided[0], decided[-1])
        and said == dict(years)
        and (none == (not years))
    )


@judges("estate", rf"Sales bring in {N} gross, {N} net\.")
def _gross(answer, gross, net):
    place = answer.place.buildings.set_index("building_id")["capital_receipt_gbp"].fillna(0)
    sold = [r for r in rows(answer, "buildings") if r["disposal"] == "sold"]
    true = sum(place[r["building_id"]] for r in sold), sum(r["receipt_net_gbp"] for r in sold)
    return all_so((gross, net), *true)


@judges("estate", rf"{N} goes back to those who paid for the buildings\.")
def _clawback(answer, gbp):
    place = answer.place.buildings.set_index("building_id")
    back = place["capital_receipt_gbp"].fillna(0) * place["receipt_clawback_share"]
    return is_so(
        gbp,
        sum(back[r["building_id"]] for r in rows(answer, "buildings") if r["disposal"] == "sold"),
    )


@judges(
    "estate",
    rf"Over (\d+) years, discounted, the plan (saves|costs) {N} (against|more than) "
    r"doing nothing\.",
)
def _present(answer, years, how, gbp, _):
    v = answer.verification
    saving = v.do_nothing["cost"] - v.totals["cost"]
    same = int(years) == answer.scenario.money.appraisal_years
    return same and (saving > 0) == (how == "saves") and is_so(gbp, abs(saving))


@judges("estate", rf"All costs of the appraisal, discounted, come to {N}; doing nothing to {N}\.")
def _present_cost(answer, plan, nothing):
    v = answer.verification
    return all_so((plan, nothing), v.totals["cost"], v.do_nothing["cost"])


@judges(
    "estate",
    rf"Open buildings emit {N} tonnes? of CO2e (?:a year at the end, against|in the "
    rf"last year, and) {N}(?: tonnes?)? if nothing changes\.",
)
def _carbon(answer, after, before):
    v = answer.verification
    return all_so((after, before), v.totals["carbon"], v.do_nothing["carbon"])


NOW = r"(?: (today|if nothing changes))"


def so_dated(answer, year):
    """Whether the last of several decided years is named, and none where one year is decided."""
    last = answer.plan.summary["last_year"]
    return (year or "") == ("" if answer.scenario.years == 1 else f" in {last}")


def so_compared(answer, base):
    """Whether figures of several decided years are compared with doing nothing, not today."""
    return (base == "today") == (answer.scenario.years == 1)


CAR = r"(, as if everybody could drive)?"


def so_driven(answer, said):
    """Whether it is said where a car counts."""
    counts = bool({"drive", "car"} & set(answer.scenario.travel.modes))
    return bool(said) == (counts and answer.times is not None)


@judges(
    "any",
    r"The place states no households without a car: every minute is counted as if "
    r"everybody could drive\.",
)
def _everybody_drives(answer):
    shares = answer.place.zones["without_car_share"]
    return so_driven(answer, True) and not bool((shares.fillna(0) > 0).any())


@judges(
    "any",
    r"Minutes \((.*)\) are not measured on roads: they are straight lines at an assumed "
    r"speed\.",
)
def _crow_fly(answer, modes):
    flown = {
        mode.replace("_", " ")
        for mode, facts in answer.times.provenance.items()
        if facts.get("method") == "crow_fly" and mode in answer.scenario.travel.modes
    }
    return set(re.split(r", | and ", modes)) == flown


def _people(answer):
    """(population, minutes before, after) of each zone with residents."""
    return [
        (r["population"], r["minutes_before"], r["minutes_after"])
        for r in rows(answer, "zones")
        if r["population"] > 0
    ]


def _means(answer):
    known = [(p, b, a) for p, b, a in _people(answer) if b == b and a == a]
    total = sum(p for p, _, _ in known) or math.nan
    return sum(p * b for p, b, _ in known) / total, sum(p * a for p, _, a in known) / total


@judges(
    "estate",
    rf"To the nearest building that offers what they need, residents travel {N} "
    rf"minutes on average( in \d+)?, against {N} minutes{NOW}{CAR}\.",
)
def _minutes(answer, after, year, before, base, car):
    dated = so_dated(answer, year) and so_compared(answer, base)
    return dated and so_driven(answer, car) and all_so((before, after), *_means(answer))


@judges(
    "estate",
    rf"Residents travel {N} minutes on average to the nearest building with what "
    rf"they need( in \d+)?;{NOW} {N} minutes{CAR}\.",
)
def _minutes_lead(answer, after, year, base, before, car):
    dated = so_dated(answer, year) and so_compared(answer, base)
    return dated and so_driven(answer, car) and all_so((before, after), *_means(answer))


SENT, NEAREST = "sent_minutes", "minutes"


def _changes_of(answer, measure):
    """(zone, population, minutes added) of each zone whose journeys are known by a measure."""
    return [
        (r["name"] or r["zone_id"], r["population"], r[f"{measure}_after"] - r[f"{measure}_before"])
        for r in rows(answer, "zones")
        if r[f"{measure}_after"] == r[f"{measure}_after"]
        and r[f"{measure}_before"] == r[f"{measure}_before"]
    ]


def _so_many(answer, measure, sign, text, share):
    people = sum(p for _, p, more in _changes_of(answer, measure) if sign * more > 1)
    total = sum(p for p, _, _ in _people(answer))
    return is_so(text, people) and (share is None or is_so(share, people / total))


SO_MANY = rf"{N}(?: residents?)?(?: \({N}\))?"


@judges(
    "estate",
    rf"Where the plan sends them, journeys get longer by more than a minute for {SO_MANY} and "
    rf"shorter for {SO_MANY}; to the nearest building, longer for {SO_MANY} and shorter for "
    rf"{SO_MANY}\.",
)
def _longer(answer, *said):
    ways = [(SENT, 1), (SENT, -1), (NEAREST, 1), (NEAREST, -1)]
    pairs = zip(said[::2], said[1::2], strict=True)
    return all(_so_many(answer, *way, *pair) for way, pair in zip(ways, pairs, strict=True))


@judges(
    "estate",
    rf"Where the plan sends them, journeys get longer by more than a minute for {SO_MANY}\.",
)
def _longer_lead(answer, longer, share):
    return _so_many(answer, SENT, 1, longer, share)


@judges(
    "estate",
    rf"Journeys to the nearest building get longer by more than a minute for {SO_MANY}"
    rf"(?: and shorter for {SO_MANY})?\.",
)
def _longer_to_the_nearest(answer, longer, share, shorter, other):
    right = _so_many(answer, NEAREST, 1, longer, share)
    return right and (shorter is None or _so_many(answer, NEAREST, -1, shorter, other))


@judges("estate", rf"(.*) loses most: {N} minutes\.")
def _loses_most(answer, zone, more):
    known = _changes_of(answer, SENT)
    worst = max(change for _, _, change in known)
    return is_so(more, worst) and zone in {n for n, _, change in known if change > worst - 1e-9}


@judges(
    "estate",
    rf"{N} residents? can no longer reach what they need within the minutes "
    r"measured\.",
)
def _out_of_reach(answer, people):
    return is_so(people, sum(p for p, b, a in _people(answer) if b == b and a != a))


def _access_standards(answer, year=None):
    """The access standards of a year, by default of every decided one, and whether each holds as
    sent and by the nearest host, from its own shares and minutes."""
    for r in rows(answer, "standards"):
        if year is None or r["year"] == year:
            asked, ceiling = r["asked_share"], r["ceiling_minutes"]
            near = asked != asked or r["nearest_share_after"] >= asked - 1e-5
            sent = asked != asked or r["served_share_after"] >= asked - 1e-5
            if ceiling == ceiling:
                near &= r["longest_nearest_minutes"] <= ceiling
                sent &= near and not r["longest_served_minutes"] > ceiling
            yield r, sent, near


@judges("estate", r"Every standard of access holds where the plan sends residents\.")
def _standards_as_sent(answer):
    found = list(_access_standards(answer))
    return bool(found) and all(sent for _, sent, _ in found)


@judges("any", r"(Yes|No|Not known)(, but .*)?\.")
def _verdict(answer, said, but):
    plan = answer.plan
    if not answer.scenario.yes_or_no or (said == "Yes") != (plan is not None):
        return False
    if plan is None:
        return but is None and (said == "No") == (str(answer.result.status) == "infeasible")
    found = list(_access_standards(answer)) if "standards" in plan.tables else []
    failing = [r["year"] for r, sent, near in found if near and not sent]
    if not failing:
        return not but
    rows_of_year = [(sent, near) for r, sent, near in found if r["year"] == max(failing)]
    text = re.fullmatch(
        r", but (\d+) of (\d+) standards? of access fails?(?: in (\d+))? where the plan sends "
        r"residents",
        but or "",
    )
    return (
        bool(text)
        and int(text[1]) == sum(near and not sent for sent, near in rows_of_year)
        and int(text[2]) == len(rows_of_year)
        and (text[3] is None) == (answer.scenario.years == 1)
        and (text[3] is None or int(text[3]) == max(failing))
    )


@judges(
    "estate",
    rf"(?:In (\d+), )?{N} of {N} standards of access fails? where the plan sends residents: (?:it "
    r"holds|they hold) only if the nearest open place counts"
    rf"(?:\. Furthest off: (.*) within {N} minutes of (.*), {N} by the nearest, {N} as "
    rf"sent, {N} asked)?\.",
)
def _standards_by_nearest(answer, year, number, total, who, within, service, near, sent, asked):
    last = max(r["year"] for r in rows(answer, "standards"))
    if (year is None) != (answer.scenario.years == 1):
        return False
    year = last if year is None else int(year)
    later = [x for y in range(year + 1, last + 1) for x in _access_standards(answer, y)]
    if any(by_nearest and not as_sent for _, as_sent, by_nearest in later):
        return False
    found = list(_access_standards(answer, year))
    only = [r for r, as_sent, by_nearest in found if by_nearest and not as_sent]
    if not all_so((total, number), len(found), len(only)):
        return False
    if service is None:
        return not any(r["asked_share"] > r["served_share_after"] for r in only)
    names = answer.place.services.set_index("service_id")["name"]
    worst = max(r["asked_share"] - r["served_share_after"] for r in only)
    return any(
        (names[r["service_id"]] or r["service_id"]) == service
        and r["counted"] == who
        and all_so(
            (within, near, sent, asked),
            *(r["minutes"], r["nearest_share_after"], r["served_share_after"], r["asked_share"]),
        )
        and r["asked_share"] - r["served_share_after"] >= worst - 1e-9
        for r in only
    )


def _sent(answer, when):
    v = answer.verification
    visits = sum(r["visits_per_year"] for r in rows(answer, "assignment"))
    return (v.totals if when == "plan" else v.do_nothing)["visit_minutes"] / visits


@judges(
    "estate",
    rf"{N} of visits go past the nearest building with their service; counted "
    rf"where the plan sends them, a visit takes {N} minutes on average( in \d+)?, against {N} "
    rf"minutes{NOW}{CAR}\.",
)
def _passed(answer, share, after, year, before, base, car):
    if not so_dated(answer, year) or not so_compared(answer, base):
        return False
    near = {(r["zone_id"], r["service_id"]): r["minutes_after"] for r in rows(answer, "access")}
    sent = rows(answer, "assignment")
    past = sum(
        r["visits_per_year"]
        for r in sent
        if r["minutes"] > near[r["zone_id"], r["service_id"]] + 1e-6
    )
    true = past / sum(r["visits_per_year"] for r in sent)
    numbers = (share, after, before)
    return so_driven(answer, car) and all_so(
        numbers, true, _sent(answer, "plan"), _sent(answer, "today")
    )


@judges(
    "estate",
    rf"Counted where the plan sends them, a visit takes {N} minutes on average( in \d+)?, against "
    rf"{N} minutes{NOW}{CAR}\.",
)
def _sent_minutes(answer, after, year, before, base, car):
    dated = so_dated(answer, year) and so_compared(answer, base)
    return (
        dated
        and so_driven(answer, car)
        and all_so((after, before), _sent(answer, "plan"), _sent(answer, "today"))
    )


def _fastest(answer, car):
    """Minutes by the fastest of the question's modes open with or without a car, by ids."""
    found = {}
    times = answer.times
    for mode in answer.scenario.travel.modes:
        if mode not in times.minutes or (mode in ("drive", "car") and not car):
            continue
        for zone, line in zip(times.zone_ids, times.matrix(mode).tolist(), strict=True):
            for building, minutes in zip(times.building_ids, line, strict=True):
                key = (zone, building)
                if minutes == minutes and minutes < found.get(key, math.inf):
                    found[key] = minutes
    return found


def _visits_without_car(answer, when):
    """(visits a year, minutes or inf) of residents without a car, as sent and to the nearest."""
    fastest = _fastest(answer, car=False)
    share = answer.place.zones.set_index("zone_id")["without_car_share"].fillna(0)
    sent = [
        (
            r["visits_per_year"] * share[r["zone_id"]],
            fastest.get((r["zone_id"], r["building_id"]), math.inf),
        )
        for r in rows(answer, "assignment" if when == "after" else "assignment_today")
    ]
    return sent


def _mean_in_reach(pairs):
    reached = [(visits, minutes) for visits, minutes in pairs if minutes < math.inf]
    total = sum(visits for visits, _ in reached)
    beyond = sum(visits for visits, minutes in pairs if minutes == math.inf)
    return (sum(v * m for v, m in reached) / total if total else math.nan), beyond


def _so_mean(text, true):
    return (
        true != true if text == "no visit in reach" else is_so(text.removesuffix(" minutes"), true)
    )


MEAN = rf"((?:{NUMBER}) minutes|no visit in reach)"


@judges(
    "estate",
    rf"{N} residents? \({N}\) ha(?:ve|s) no car(?:, and the question counts no other way to travel|"
    rf": by other ways \((.*)\) the mean of their visits in reach is {MEAN} where the plan sends "
    rf"them( in \d+)?, against {MEAN}{NOW}; to the nearest building with the service {MEAN}, "
    rf"against {MEAN})(?:\. The plan sends {N} visits? a year of theirs( in \d+)? where they "
    rf"cannot get to within the minutes measured;{NOW} {N} visits?)?\.",
)
def _without_car(answer, people, share, modes, *said):
    after, year, before, base, near_after, near_before, beyond, other_year, other_base, was = said
    zones = answer.place.zones
    number = (zones["population"] * zones["without_car_share"].fillna(0)).sum()
    if not all_so((people, share), number, number / zones["population"].sum()):
        return False
    mean_after, out_after = _mean_in_reach(_visits_without_car(answer, "after"))
    mean_before, out_before = _mean_in_reach(_visits_without_car(answer, "before"))
    right = True
    if modes is not None:
        ways = {m.replace("_", " ") for m in answer.scenario.travel.modes} - {"drive", "car"}
        stated = answer.plan.summary  # verified beside the tables, like those as sent
        right = set(re.split(r", | and ", modes)) == ways and so_compared(answer, base)
        right = right and so_dated(answer, year)
        right = right and _so_mean(after, mean_after) and _so_mean(before, mean_before)
        for text, when in ((near_after, "after"), (near_before, "before")):
            right = right and _so_mean(text, stated[f"without_car_minutes_to_nearest_{when}"])
    if beyond is None:
        return right and max(out_after, out_before) < 0.5
    dated = so_dated(answer, other_year) and so_compared(answer, other_base)
    return right and dated and all_so((beyond, was), out_after, out_before)


@judges(
    "estate",
    r"Residents who cannot get within the minutes measured to where the plan sends visits"
    r"( in \d+)?: (.*)\.",
)
def _sent_out_of_reach(answer, year, text):
    names = answer.place.services.set_index("service_id")["name"]
    true = {
        names[r["service_id"]] or r["service_id"]: (
            r["residents_sent_after"],
            r["residents_sent_before"],
        )
        for r in rows(answer, "bands")
        if r["band"] == "out of reach"
        and r["residents_sent_after"] >= 0.5
        and r["residents_sent_after"] - r["residents_sent_before"] >= 0.5
    }
    parts = text.split("; ")
    others = re.fullmatch(r"(\d+) more services in the table of minutes by service", parts[-1])
    if others:
        parts = parts[:-1]
    if not so_dated(answer, year) or len(true) != len(parts) + (int(others[1]) if others else 0):
        return False
    least = min(true[name][0] for name in true) if not others else 0
    for part in parts:
        name, after, base, before = re.fullmatch(
            rf"(.*) {N} residents?, (today|if nothing changes) {N} residents?", part
        ).groups()
        if name not in true or not so_compared(answer, base):
            return False
        if not all_so((after, before), *true[name]) or true[name][0] < least:
            return False
    return True


def past_nearer(answer):
    """Visits of the last decided year past a nearer host, in total and by reason, from their
    table."""
    last = [r for r in rows(answer, "sent_past") if r["year"] == answer.plan.summary["last_year"]]
    names = ("nearer", "floor", "capital", "cost", "open")
    found = {name: sum(r[f"past_{name}_visits_per_year"] for r in last) for name in names}
    return found, sum(r["visits_per_year"] for r in last)


def past_anything(answer):
    """Visits of the last decided year past any nearer host, with a full or partial offer."""
    near = {(r["zone_id"], r["service_id"]): r["minutes_after"] for r in rows(answer, "access")}
    return sum(
        r["visits_per_year"]
        for r in rows(answer, "assignment")
        if r["minutes"] > near[r["zone_id"], r["service_id"]] + 1e-6
    )


def partial_offers(answer):
    """Whether some point today, or some tier, has a partial offer."""
    tables = answer.place.tables.values()
    return any("offer" in table and bool((table["offer"] == "partial").any()) for table in tables)


def all_years(answer):
    """(visits, minutes) of every decided year, by where each visit is sent."""
    by_year = "assignment_by_year" if "assignment_by_year" in answer.plan.tables else "assignment"
    sent = [r for r in rows(answer, by_year) if r["visits_per_year"] > 0]
    total = sum(r["visits_per_year"] for r in sent)
    return total, sum(r["visits_per_year"] * r["minutes"] for r in sent)


def _so_proven(answer, proven):
    """The proven bound on fewer minutes, from the bound and the ceiling."""
    stated, (_, now) = answer.plan.summary, all_years(answer)
    status, bound = (stated[f"reassignment_{k}"] for k in ("status", "minutes_proven_bound"))
    if proven == "whether other ways take fewer is not known":
        return status != "optimal" and not math.isfinite(bound)
    if fewer := re.fullmatch(rf"other ways may take up to {N} fewer", proven):
        return status != "optimal" and is_so(fewer[1], max(now - bound, 0.0) / now)
    none = re.fullmatch(
        rf"no other way to send visits to these buildings for at most {N} more takes fewer minutes",
        proven,
    )
    least, nothing = stated["cost_best_found"], answer.verification.do_nothing["cost"]
    most = min(0.005 * abs(least), 0.1 * (nothing - least) if nothing > least else math.inf)
    close = now - bound <= 1e-3 * now + 5.0
    return bool(none) and status == "optimal" and close and is_so(none[1], most)


@judges(
    "estate",
    r"There was no time left to send visits nearer: they go where the least cost has "
    r"them\.",
)
def _no_time_nearer(answer):
    return answer.plan.summary["reassignment_status"] == "no plan at limit"


@judges(
    "estate",
    rf"The plan was asked to send visits nearer without other buildings: a visit takes {N} minutes "
    rf"on average( over the decided years)?{CAR}; (.*)\.",
)
def _asked_nearer(answer, after, over, car, proven):
    visits, total = all_years(answer)
    was = answer.plan.summary["reassignment_minutes_before"] / visits
    return (
        is_so(after, total / visits)
        and so_driven(answer, car)
        and was - total / visits < 0.06
        and bool(over) == (answer.scenario.years > 1)
        and _so_proven(answer, proven)
    )


@judges(
    "estate",
    r"With its buildings and services found, the plan sends visits nearer than the least cost "
    rf"would: a visit takes {N} minutes on average( over the decided years)? instead of {N} "
    rf"minutes{CAR}\. That costs (?:nothing|{N} over the whole period \({N} (more|less) a year to "
    r"run\)); (.*)\.",
)
def _sent_nearer(answer, after, over, before, car, cost, yearly, way, proven):
    stated, (visits, total) = answer.plan.summary, all_years(answer)
    was = stated["reassignment_minutes_before"] / visits
    more = answer.verification.totals["cost"] - stated["cost_best_found"]
    a_year = stated["reassignment_running_cost_gbp_per_year"]
    money = more < 1.01 if cost is None else is_so(cost, more) and is_so(yearly, abs(a_year))
    return (
        all_so((after, before), total / visits, was)
        and so_driven(answer, car)
        and bool(over) == (answer.scenario.years > 1)
        and money
        and (way is None or (way == "more") == (a_year >= 0))
        and _so_proven(answer, proven)
    )


@judges(
    "estate",
    r"No visit is sent to a building(?: in (\d+))?: none is made in person, or all go unserved\.",
)
def _no_visits(answer, year):
    if (year is None) != (answer.scenario.years == 1) or (
        year and int(year) != answer.plan.summary["last_year"]
    ):
        return False
    return not any(r["visits_per_year"] > 0 for r in rows(answer, "assignment"))


@judges(
    "estate",
    r"(?:In (\d+) every|Every) visit goes to the nearest building that has (the|as much of the) "
    r"offer\.",
)
def _every_nearest(answer, year, what):
    if (year is None) != (answer.scenario.years == 1) or (
        year and int(year) != answer.plan.summary["last_year"]
    ):
        return False
    past_part = past_anything(answer) >= 0.5
    return (
        past_nearer(answer)[0]["nearer"] < 0.5
        and past_part == (what != "the")
        and (not past_part or partial_offers(answer))
    )


@judges(
    "estate",
    rf"{N} visits? a year(?: in (\d+))? goe?s? past a nearer building that has part of the offer\.",
)
def _past_part(answer, past, year):
    if (year is None) != (answer.scenario.years == 1) or (
        year and int(year) != answer.plan.summary["last_year"]
    ):
        return False
    true = past_anything(answer) - past_nearer(answer)[0]["nearer"]
    return partial_offers(answer) and is_so(past, true)


WHY_PAST = {
    "no nearer one has floor left": "floor",
    "one has, but fitting it out would take capital that is used up": "capital",
    "one has, but it would cost more": "cost",
    "one has, but it would cost more, and what fewer minutes may cost is used up": "cost",
}


@judges(
    "estate",
    rf"{N} visits? a year(?: in (\d+))? \({N}\) goe?s? past a nearer building that has the offer"
    r"(?:: (.*))?\.",
)
def _sent_past(answer, past, year, share, why):
    true, visits = past_nearer(answer)
    if bool(year) != (answer.scenario.years > 1) or (
        year and int(year) != answer.plan.summary["last_year"]
    ):
        return False
    parts = re.split(r"(?:^|, | and )for (?=[\d,]+ visits? )", why or "")[1:]
    said = {}
    for part in parts:
        number, words = re.fullmatch(rf"{N} visits? (.*)", part).groups()
        said[WHY_PAST.get(words)] = number
    keys = {key for key in ("floor", "capital", "cost") if true[key] >= 0.5}
    return (
        is_so(past, true["nearer"])
        and is_so(share, true["nearer"] / visits)
        and set(said) == keys
        and all(is_so(said[key], true[key]) for key in keys)
    )


@judges("estate", r"None goes past one that could take it\.")
def _none_open(answer):
    found = past_nearer(answer)[0]
    return found["open"] < 0.5 <= found["nearer"]


@judges(
    "estate",
    rf"{N} visits? could go to a nearer one within floor, capital and cost(, but not .*|: .*)\.",
)
def _past_open(answer, able, why):
    optimal = answer.plan.summary.get("reassignment_status") == "optimal"
    asked = "reassignment_status" in answer.plan.summary
    if why.startswith(": the question does not ask"):
        right = not asked
    elif why.startswith(": there was no time"):
        right = asked and not optimal
    else:
        on = {"access": "E7", "fairness": "E8", "running costs": "E11", "rents": "E15"}
        named = {on[w] for w in re.findall("|".join(on), why)}
        numbers = {
            r.number for r in answer.scenario.rules if getattr(r, "counts", "served") == "served"
        } & set(on.values())
        summary = answer.plan.summary
        short = [summary[f"reassignment_minutes_{x}"] for x in ("after", "proven_bound")]
        within = re.search(rf"would save at most {N} visit minutes in all", why)
        right = asked and optimal and named == numbers
        if within:
            left = short[0] - short[1]
            right = right and not numbers and left > 0 and is_so(within[1], math.ceil(left))
        else:
            right = right and (bool(numbers) or short[0] <= short[1])
    return right and is_so(able, past_nearer(answer)[0]["open"])


@judges(
    "estate",
    rf"That speaks of the cost before visits were sent nearer, which adds {N}\.",
)
def _of_which_cost(answer, gbp):
    more = answer.verification.totals["cost"] - answer.plan.summary["cost_best_found"]
    return more > 0.99 and is_so(gbp, more)


@judges(
    "estate",
    rf"A visit takes {N} minutes on average where the plan sends it( in \d+)?;{NOW} {N} "
    rf"minutes{CAR}\.",
)
def _as_sent(answer, after, year, base, before, car):
    return _sent_minutes(answer, after, year, before, base, car)


@judges("estate", r"(\d+) of the (\d+) buildings open today closes?\.")
def _closed(answer, close, was):
    true = fates(answer)
    return (int(close), int(was)) == (true["close"], true.total())


@judges("estate", rf"{N} service points? in the plan, {N} service points? today\.")
def _points(answer, after, before):
    true = (sum(map(len, hosts(answer, when).values())) for when in ("after", "before"))
    return all_so((after, before), *true)


@judges("estate", r"A year for buildings and staff of service points( in \d+)?: (.*)\.")
def _estate_agencies(answer, year, parts):
    if not so_dated(answer, year):
        return False
    names = {
        r["agency_id"]: r["name"] or r["agency_id"]
        for r in answer.place.agencies.to_dict("records")
    }
    true = defaultdict(lambda: [0.0, 0.0])
    for r in rows(answer, "money"):
        name = names.get(r["agency_id"], r["agency_id"]) or "no agency stated"
        true[name][0] += r["after_gbp_per_year"]
        true[name][1] += r["before_gbp_per_year"]
    return _pays(parts, true, base=answer.scenario.years > 1)


@judges("estate", r"A year for buildings( in \d+)?: (.*)\.")
def _trust_agencies(answer, year, parts):
    if not so_dated(answer, year):
        return False
    names = {
        r["agency_id"]: r["name"] or r["agency_id"]
        for r in answer.place.agencies.to_dict("records")
    }
    true = {
        names.get(r["agency_id"], r["agency_id"]) or "no agency stated": [
            r["rent_after_gbp_per_year"] + r["transfer_gbp_per_year"],
            r["buildings_before_gbp_per_year"],
        ]
        for r in rows(answer, "agencies")
    }
    return _pays(parts, true, base=answer.scenario.years > 1)


@judges("estate", r"Access that the question names( in \d+)?: (.*)\.")
def _access_lead(answer, year, text):
    """Every row of the last year's table of rules that name services, in its order."""
    if not so_dated(answer, year):
        return False
    rules = [r for r in answer.scenario.rules if r.number == "E7"]
    names = answer.place.services.set_index("service_id")["name"]
    last = max(r["year"] for r in rows(answer, "standards"))
    true = [
        r
        for r in rows(answer, "standards")
        if r["year"] == last
        and rules[int(r["access_rule"]) - 1].services != "all"
        and r["minutes"] == r["minutes"]
    ]
    parts = [p for p in text.split("; ") if not re.fullmatch(r"\d+ more in the tables", p)]
    if len(parts) != min(len(true), 8):
        return False
    for part, row in zip(parts, true, strict=False):
        found = re.fullmatch(
            rf"(.*) within {N} minutes of (part of the offer at least of )?(.*) {N} by the nearest "
            rf"\((today|if nothing changes) {N}\), {N} as sent, {N} asked",
            part,
        )
        counted, within, any_offer, service, near, base, was, sent, asked = found.groups()
        keys = ("minutes", "nearest_share_after", "nearest_share_before", "served_share_after")
        if not (
            counted == row["counted"]
            and bool(any_offer) == (row["offer"] == "any")
            and service == (names[row["service_id"]] or row["service_id"])
            and so_compared(answer, base)
            and all_so((within, near, was, sent), *(row[key] for key in keys))
            and is_so(asked, row["asked_share"])
        ):
            return False
    return True


@judges("estate", r"Of the buildings open today stay open, by kind: (.*)\.")
def _kinds(answer, text):
    was, stay = Counter(), Counter()
    for r in rows(answer, "buildings"):
        if r["status_before"] == "open":
            was[r["kind"]] += 1
            stay[r["kind"]] += r["decision"] != "close"
    said = re.findall(r"(?:^|; )([^;]*?) (\d+) of (\d+)(?=;|$)", text)
    true = sorted((stay[kind], number) for kind, number in was.items())
    return sorted((int(a), int(b)) for _, a, b in said) == true


@judges("estate", r"Places with each service, in the plan and today: (.*)\.")
def _places(answer, text):
    names = answer.place.services.set_index("service_id")["name"]
    now, was = Counter(), Counter()
    for r in rows(answer, "services"):
        name = names[r["service_id"]] or r["service_id"]
        now[name] += bool(r["after"])
        was[name] += bool(r["before"])
    said = re.findall(r"(?:^|; )([^;]*?) (\d+), (\d+)(?=;|$)", text)
    return {(a, int(b), int(c)) for a, b, c in said} == {(n, now[n], was[n]) for n in now}


@judges(
    "estate",
    r"(\d+|No) service points? in the plan ha(?:s|ve) only part of an offer\.",
)
def _partial_offers(answer, text):
    place = answer.place
    tier = {r["building_id"]: r["tier_id"] for r in rows(answer, "buildings")}
    of_tier = place.tier_services.set_index(["tier_id", "service_id"])["offer"].to_dict()
    today = place.hosting.set_index(["building_id", "service_id"])["offer"].to_dict()
    number = 0
    for r in rows(answer, "services"):
        key = (r["building_id"], r["service_id"])
        if r["after"]:
            own = tier.get(key[0])
            offer = of_tier.get((own, key[1])) if own else today.get(key)
            number += offer == "partial"
    return text == ("No" if not number else str(number))


@judges("estate", r"Carbon of open buildings \(CO2e\) by year: (.*)\.")
def _carbon_by_year(answer, text):
    """By the buildings open in each year and the ceilings of its rules."""
    place = answer.place.buildings.set_index("building_id")["carbon_tco2e_per_year"].fillna(0)
    today = sum(place[r["building_id"]] for r in rows(answer, "buildings")
                if r["status_before"] == "open")  # fmt: skip
    emitted = defaultdict(float)
    for r in rows(answer, "buildings_by_year"):
        emitted[r["year"]] += place[r["building_id"]] if r["state"] == "open" else 0
    said = re.findall(
        rf"(?:^|; )(\d+) {N} tonnes?, (?:(no ceiling)|at most {N} tonnes?)(?=;|$)", text
    )
    if {int(y) for y, *_ in said} != set(emitted):
        return False
    for year, plan, none, most in said:
        ceilings = [
            r.share_of_today * today if r.ceiling_tco2e_per_year is None
            else r.ceiling_tco2e_per_year
            for r in answer.scenario.rules if r.number == "E14" and r.holds_in(int(year))
        ]  # fmt: skip
        if not is_so(plan, emitted[int(year)]) or bool(none) == bool(ceilings):
            return False
        if ceilings and not is_so(most, min(ceilings)):
            return False
    return True


@judges("estate", r"Rents go by the floor that services take: (.*)\.")
def _rents(answer, text):
    """By the floor of each service in each building let, at the building's rent."""
    services = answer.place.services.set_index("service_id")
    rent = {r["building_id"]: r["rent_gbp_per_m2_per_year"] for r in rows(answer, "rents")}
    agencies = answer.place.agencies.to_dict("records")
    names = {r["agency_id"]: r["name"] or r["agency_id"] for r in agencies}
    owner = answer.place.buildings.set_index("building_id")["agency_id"]
    back, elsewhere, paid = defaultdict(float), defaultdict(float), defaultdict(float)
    for r in rows(answer, "services"):
        service, gbp = services.loc[r["service_id"]], r["area_m2"] * rent.get(r["building_id"], 0.0)
        agency = names.get(service["agency_id"]) or service["agency_id"]
        paid[agency] += gbp
        if service["back_office"]:
            back[agency] += gbp
            if owner[r["building_id"]] != service["agency_id"]:
                elsewhere[agency] += gbp
    said = re.findall(
        rf"(?:^|; )([^;]*?) pays {N} of its {N} for back-office desks(?:, {N} of it in "
        r"buildings that other agencies hold today)?(?=;|$)",
        text,
    )
    return {name for name, *_ in said} == {a for a, x in back.items() if x >= 0.5} and all(
        all_so((desks, all_of_it), back[name], paid[name])
        and (is_so(other, elsewhere[name]) if other else elsewhere[name] < 0.5)
        for name, desks, all_of_it, other in said
    )


def _pays(parts, true, verb=" pays", base=False):
    today = "if nothing changes" if base else "today"
    said = re.findall(rf"(?:^|; )([^;]*?){verb} {N}, {today} {N}(?=;|$)", parts)
    named = "; ".join(f"{a}{verb} {b}, {today} {c}" for a, b, c in said) == parts
    return (
        named
        and {a for a, _, _ in said} == set(true)
        and all(all_so((after, before), *true[name]) for name, after, before in said)
    )


# ------------------------------------------------------------------------------------- why


def why_is_so(answer) -> Iterator[str]:
    """False reasons of buildings: their rules are evaluated without, or with, the buildings."""
    from placeopt.estate.verify import do_nothing, facts_of, schedule_of
    from placeopt.estate.verify.read import arrangements
    from placeopt.estate.verify.registry import check_of

    known = facts_of(answer.place, answer.times, answer.scenario)
    schedule = schedule_of(
        do_nothing(known), arrangements(answer.plan.tables, [f.year for f in known])
    )
    names = {r["building_id"]: r for r in rows(answer, "buildings")}

    def fail_without(i):
        """Numbers of the access and network rules that fail in some year without a building."""
        failing = set()
        for year in schedule.years:
            a = year.arrangement
            fewer = replace(
                a,
                open=a.open - {i},
                hosts={p for p in a.hosts if p[0] != i},
                tier={b: k for b, k in a.tier.items() if b != i},
            )
            alone = replace(schedule, years=(replace(year, arrangement=fewer),))
            for rule in answer.scenario.rules:
                if rule.number in ("E7", "E9") and not check_of(rule)(rule, alone)[0]:
                    failing.add(rule.number)
        return failing

    for r in rows(answer, "reasons"):
        i, text = r["building_id"], r["sentence"]
        if r["code"] == "needed":
            said = {number for number in ("E7", "E9") if number in text}
            if said != fail_without(i):
                yield f"{i}: {text} (fails: {fail_without(i)})"
        elif r["code"] in ("hosts", "no_service"):
            if fail_without(i):
                yield f"{i}: {text} (fails: {fail_without(i)})"
        elif r["code"] == "would_break" and not _ceilings_broken(answer, schedule, i, text):
            yield f"{i}: {text}"
        if names[i]["why"].count(text) < 1:
            yield f"{i}: why does not say {text}"


def _ceilings_broken(answer, schedule, i, text):
    """Whether each named rule fails in some year with the building open as well, empty."""
    from placeopt.estate.verify.sums import sums_of

    failing = set()
    for year in schedule.years:
        more = replace(
            year.arrangement,
            open=year.arrangement.open | {i},
            disposed=year.arrangement.disposed - {i},
        )
        sums = sums_of(year.facts, more, year.before, {}, {})
        emitted = sums.carbon
        running = (
            year.sums.running
            - year.sums.running_of(i)
            + (
                year.facts.buildings[i]["running_cost_fixed_gbp_per_year"]
                + year.facts.buildings[i]["cost_of_capital_gbp_per_year"]
            )
        )
        for rule in answer.scenario.rules:
            if not getattr(rule, "holds_in", lambda y: True)(year.facts.year):
                continue
            if rule.number == "E14":
                most = rule.ceiling_tco2e_per_year
                most = rule.share_of_today * year.today.carbon if most is None else most
                failing |= {"E14"} if emitted > most else set()
            if rule.number == "E11":
                most = rule.ceiling_gbp_per_year
                most = rule.share_of_today * year.today.running if most is None else most
                failing |= {"E11"} if running > most else set()
            if rule.number == "E9" and rule.at_most is not None:
                failing |= {"E9"} if len(more.open) > rule.at_most or rule.each_district else set()
    return {n for n in ("E9", "E11", "E14") if n in text} <= failing


# ------------------------------------------------------------------------------------- budget


def programme_names(answer):
    return {r["programme_id"]: r["name"] or r["programme_id"] for r in rows(answer, "spending")}


def change_of(answer):
    """Programme's name -> GBP against today, from the payments of its streams."""
    names, found = programme_names(answer), {}
    last = max(r["year"] for r in rows(answer, "payments")) if rows(answer, "payments") else 0
    spent = {r["programme_id"]: r["after_gbp"] for r in rows(answer, "spending")}
    for key, name in names.items():
        base = answer.place.spending
        year = base["year"].max()
        today = base.loc[(base["programme_id"] == key) & (base["year"] == year), "amount_gbp"].sum()
        found[name] = float(spent[key] - today)
    assert last or not found
    return found


def base_of(answer):
    base = answer.place.spending
    return base[base["year"] == base["year"].max()].groupby("programme_id")["amount_gbp"].sum()


def totals_of(answer):
    return float(base_of(answer).sum()), sum(r["after_gbp"] for r in rows(answer, "spending"))


def standards(answer, column="standard_met", level="minimum_standard"):
    """(met, required), from the levels themselves."""
    met = asked = 0
    for r in rows(answer, "outcomes"):
        if r[level] != r[level]:
            continue
        asked += 1
        sign = 1 if r["direction"] == "higher" else -1
        met += sign * (r["after"] - r[level]) >= -1e-6 * max(abs(r[level]), abs(r["baseline"]))
    return met, asked


@judges(
    "budget",
    rf"The plan spends {N}(?: in (\d+))?, (?:{N} \({N}\) (less|more) than today|"
    r"(where nothing is spent|as much as) ?(?:today)?)"
    r"(?:, and (.*?))?(?:, but (\d+) programmes? gets? less than the statutory floor of the "
    r"place's tables)?\.",
)
def _budget_headline(answer, spent, year, change, share, how, same, holds, below):
    if int(below or 0) != len(below_own_floor(answer)):
        return False
    before, after = totals_of(answer)
    if year and int(year) != answer.plan.summary["decided_year"]:
        return False
    if how is None:
        right = abs(after - before) < 1 if same == "as much as" else before < 0.5
    else:
        right = (after < before) == (how == "less") and is_so(change, abs(after - before))
        right = right and is_so(share, abs(after - before) / before)
    met, asked = standards(answer)
    if holds is None:
        return right and is_so(spent, after) and asked == 0
    if holds.startswith("every minimum standard holds"):
        said = met == asked > 0
    else:
        said = holds == f"{met} of {asked} minimum standards hold"
    if holds.endswith("in every year"):
        said = said and all(r["standard_met"] != "no" for r in rows(answer, "outcomes_by_year"))
    return right and said and is_so(spent, after)


@judges(
    "budget",
    r"(?:(\d+) programmes? gets? less)?"
    r"(?:(?:, | and )?(\d+)(?: programmes? gets?)? more)?"
    r"(?:(?:, | and )?(\d+)(?: programmes? gets?)? the same)?"
    r"(?:(?:; )?(\d+)(?: programmes?)? gets? nothing, today or in the plan)?\.",
)
def _numbers(answer, *said):
    changes = change_of(answer).values()
    true = (sum(c < -0.5 for c in changes), sum(c > 0.5 for c in changes))
    base = base_of(answer)
    none = sum(
        r["after_gbp"] < 0.5 and base.get(r["programme_id"], 0.0) < 0.5
        for r in rows(answer, "spending")
    )
    true += (len(changes) - sum(true) - none, none)
    return tuple(int(text or 0) for text in said) == true


@judges(
    "budget",
    rf"The largest (cut|rise) is in (.+): {N}(?: \({N}\)|(, where nothing is spent "
    r"today))\.",
)
def _largest(answer, which, name, gbp, share, from_nothing):
    sign = -1 if which == "cut" else 1
    names, kept = programme_names(answer), changed_sets(answer)
    replaced = {names[key] for key in kept}
    changes = {n: c for n, c in change_of(answer).items() if n not in replaced}
    most = max(sign * change for change in changes.values())
    if name not in changes or abs(sign * changes[name] - most) > 1 or not is_so(gbp, most):
        return False
    key = next(k for k, n in programme_names(answer).items() if n == name)
    before = float(base_of(answer).get(key, 0.0))
    return before == 0 if from_nothing else is_so(share, abs(changes[name]) / before)


@judges("budget", r"(Better|Worse) than today: (.*)\.")
def _moved_outcomes(answer, which, names):
    true = [
        r["name"] or r["outcome_id"]
        for r in rows(answer, "outcomes")
        if (1 if r["direction"] == "higher" else -1)
        * (1 if which == "Better" else -1)
        * (r["after"] - r["baseline"])
        > 1e-6 * max(1, abs(r["baseline"]))
    ]
    return bool(true) and names == " and ".join(filter(None, [", ".join(true[:-1]), true[-1]]))


def listed(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


@judges("budget", r"Exactly at the minimum standard: (.*)\.")
def _on_their_floor(answer, names):
    true = [
        r["name"] or r["outcome_id"]
        for r in rows(answer, "outcomes")
        if abs(r["after"] - r["minimum_standard"])
        <= 1e-6 * max(abs(r["after"]), abs(r["baseline"]), 1e-6)
    ]
    return bool(true) and names == listed(true)


@judges("budget", r"Not counted in the objective: (.*)\.")
def _not_counted(answer, names):
    """Outcomes that do not count, from the place itself: no target, a target met today, or a weight
    of 0 where outcomes are weighted."""
    objective = answer.scenario.objective
    weighed = "weighted_outcomes" in {*objective.minimise, *objective.weights}
    if not weighed and "fairest" not in {*objective.minimise, *objective.weights}:
        return False
    weight = {r["outcome_id"]: r["weight"] for r in answer.place.outcomes.to_dict("records")}
    true = [
        r["name"] or r["outcome_id"]
        for r in rows(answer, "outcomes")
        if r["target"] != r["target"]
        or r["target"] == r["baseline"]
        or (weighed and weight[r["outcome_id"]] == 0)
    ]
    return bool(true) and names == listed(true)


@judges(
    "budget",
    r"(\d+) of (\d+) targets?(?: (?:is|are))? reached"
    r"(?: in (\d+))?\.",
)
def _targets(answer, met, asked, year):
    right = (int(met), int(asked)) == standards(answer, "target_met", "target")
    return right and (last_year(answer, year) if year else answer.scenario.years == 1)


def last_year(answer, year):
    """Whether a year is the last decided one, from the payments."""
    return int(year) == max(r["year"] for r in rows(answer, "payments"))


@judges("budget", r"(\d+) of (\d+) minimum standards? are met in (\d+)\.")
def _standards(answer, met, asked, year):
    return (int(met), int(asked)) == standards(answer) and last_year(answer, year)


@judges(
    "budget",
    rf"{N} of ring-fenced money is not spent( over the decided years)? and goes back to those who "
    r"gave it(?:: (.*))?\.",
)
def _returned(answer, gbp, over_years, who):
    true = {key: left for key, left in given_back(answer).items() if left > 0.5}
    if not is_so(gbp, sum(true.values())) or bool(over_years) != (answer.scenario.years > 1):
        return False
    names = {r["stream_id"]: r["name"] or r["stream_id"] for r in rows(answer, "streams")}
    said = re.findall(rf"(?:^|; )([^;]*?) {N} in (\d+)(?=;|$)", who or "")
    if answer.scenario.years == 1:
        return who is None
    return {(name, int(year)) for name, _, year in said} == {
        (names[stream], year) for stream, year in true
    } and all(
        any(is_so(left, gbp) for (s, y), gbp in true.items() if (names[s], y) == (name, int(year)))
        for name, left, year in said
    )


def given_back(answer):
    """(stream, year) -> unspent money of a ring-fenced stream that is neither carried nor released,
    from its income and payments."""
    (rule,) = [rule for rule in answer.scenario.rules if rule.number == "B2"] or [None]
    if rule is None or rule.unspent == "carried":
        return {}
    paid = defaultdict(float)
    years = {r["year"] for r in rows(answer, "payments")}
    for r in rows(answer, "payments"):
        paid[r["stream_id"], r["year"]] += r["after_gbp"]
    fenced = {r["stream_id"] for r in answer.place.streams.to_dict("records") if r["ring_fenced"]}
    return {
        (r["stream_id"], r["year"]): max(0.0, r["amount_gbp"] - paid[r["stream_id"], r["year"]])
        for r in answer.place.stream_amounts.to_dict("records")
        if r["stream_id"] in fenced - set(rule.release) and r["year"] in years
    }


@judges(
    "budget",
    rf"{N} of it cannot be put to use: what it may pay for can take no more, and nobody else "
    r"pays for that\.",
)
def _of_no_use(answer, gbp):
    """Whether for every stream with unspent money no programme that it may pay for can take a pound
    more, nor replace a pound of another stream."""
    (pace,) = [rule for rule in answer.scenario.rules if rule.number == "B5"] or [None]
    last = max(r["year"] for r in rows(answer, "payments"))
    most = {r["programme_id"]: r["maximum_gbp_per_year"] for r in
            answer.place.programmes.to_dict("records")}  # fmt: skip
    base, after = base_of(answer), {r["programme_id"]: r["after_gbp"] for r in
                                    rows(answer, "spending")}  # fmt: skip
    true = 0.0
    for (stream, _), left in given_back(answer).items():
        useful, named = False, False
        for r in answer.place.stream_programmes.to_dict("records"):
            key = r["programme_id"]
            if r["stream_id"] != stream:
                continue
            named = True
            rise = None if pace is None or key in pace.exempt else pace.largest_rise_share
            held = [most[key]] if most[key] == most[key] else []
            if rise is not None and base.get(key, 0.0) > 0:
                held.append(base[key] * (1 + rise) ** answer.scenario.years)
            useful |= after[key] < min(held, default=math.inf) - 0.5
            useful |= any(
                p["after_gbp"] >= 0.5 for p in rows(answer, "payments")
                if p["year"] == last and p["programme_id"] == key and p["stream_id"] != stream
            )  # fmt: skip
        true += left if named and not useful else 0.0
    return is_so(gbp, true)


@judges("budget", rf"{N} is moved up or down against today in (\d+)\.")
def _moved(answer, gbp, year):
    return last_year(answer, year) and is_so(
        gbp, sum(abs(change) for change in change_of(answer).values())
    )


@judges("budget", rf"Spending is {N} in (\d+); today {N}\.")
def _spending_lead(answer, after, year, before):
    return last_year(answer, year) and all_so((before, after), *totals_of(answer))


@judges("budget", r"In (\d+), spent on what each agency runs: (.*)\.")
def _agencies(answer, year, parts):
    names = {r["agency_id"]: r["name"] or r["agency_id"] for r in rows(answer, "agencies")}
    true = defaultdict(lambda: [0.0, 0.0])
    base = base_of(answer)
    for r in rows(answer, "spending"):
        true[names[r["agency_id"]]][0] += r["after_gbp"]
        true[names[r["agency_id"]]][1] += float(base.get(r["programme_id"], 0.0))
    right = _pays(parts, {k: v for k, v in true.items() if any(v)}, "")
    return right and last_year(answer, year)


@judges("budget", r"In (\d+), by programme: (.*)\.")
def _programmes(answer, year, parts):
    if not last_year(answer, year):
        return False
    base, names = base_of(answer), programme_names(answer)
    after = {r["programme_id"]: r["after_gbp"] for r in rows(answer, "spending")}
    said = re.findall(rf"(?:^|; )([^;]*?) {N}, today {N}(?=;|$)", parts)
    keys = {name: key for key, name in names.items()}
    rest = re.search(r"; (\d+) more in the tables$", parts)
    return len(said) + int(rest[1] if rest else 0) == len(names) and all(
        name in keys and all_so((now, was), after[keys[name]], float(base.get(keys[name], 0.0)))
        for name, now, was in said
    )


@judges("budget", r"In (\d+), by stream: (.*)\.")
def _streams(answer, year, parts):
    if not last_year(answer, year):
        return False
    true = {
        r["name"] or r["stream_id"]: (r["spent_after_gbp"], r["amount_gbp"])
        for r in rows(answer, "streams")
    }
    said = re.findall(rf"(?:^|; )([^;]*?) pays {N} of {N}(?=;|$)", parts)
    return {name for name, _, _ in said} == set(true) and all(
        all_so((pays, has), *true[name]) for name, pays, has in said
    )


@judges("budget", r"In (\d+): (.*)\.")
def _outcomes(answer, year, parts):
    if not last_year(answer, year):
        return False
    true = {
        r["name"] or r["outcome_id"]: (r["after"], r["baseline"]) for r in rows(answer, "outcomes")
    }
    said = re.findall(rf"(?:^|; )([^;]*?) {N}, today {N}(?: \([^)]*\))?(?=;|$)", parts)
    return {name for name, _, _ in said} == set(true) and all(
        all_so((now, was), *true[name]) for name, now, was in said
    )


@judges(
    "budget",
    rf"Over (\d+) years it spends {N}, {N} of it on prevention \({N} at today's "
    r"rate\)\.",
)
def _over_years(answer, years, spent, ahead, today):
    by_year = rows(answer, "spending_by_year")
    kind = {r["programme_id"]: r["kind"] for r in answer.place.programmes.to_dict("records")}
    base = base_of(answer)
    number = len({r["year"] for r in by_year})
    rate = number * sum(gbp for key, gbp in base.items() if kind[key] == "preventive")
    true = (
        sum(r["plan_gbp"] for r in by_year),
        sum(r["plan_gbp"] for r in by_year if kind[r["programme_id"]] == "preventive"),
        rate,
    )
    return int(years) == number and all_so((spent, ahead, today), *true)


@judges("budget", rf"Starting, stopping and closing cost {N} besides, once\.")
def _one_off(answer, gbp):
    return is_so(gbp, sum(r["one_off_gbp"] for r in rows(answer, "spending_by_year")))


def positions(answer):
    """(agency, year) -> GBP in the plan above the stand-alone position."""
    return {
        (r["agency_id"], r["year"]): r["plan_gbp"] - r["alone_gbp"]
        for r in rows(answer, "positions")
        if r["alone_gbp"] == r["alone_gbp"]
    }


def not_all_alone(answer):
    """Whether some agency has no stand-alone position."""
    return any(r["alone_gbp"] != r["alone_gbp"] for r in rows(answer, "positions"))


def paid_over(answer):
    return sum(r["amount_gbp"] for r in rows(answer, "transfers"))


@judges(
    "budget",
    rf"With transfers of {N} no agency( that could stand alone)? is worse off in any year than it "
    r"would be alone\.",
)
def _every_year(answer, gbp, some):
    return (
        bool(some) == not_all_alone(answer)
        and min(positions(answer).values()) > -1
        and is_so(gbp, paid_over(answer))
    )


@judges(
    "budget",
    rf"With transfers of {N} no agency( that could stand alone)? is worse off than it would be "
    r"alone over the (\d+) years together; in some of them it is: (.*)\.",
)
def _over_horizon(answer, gbp, some, years, who):
    if bool(some) != not_all_alone(answer):
        return False
    over, rate = positions(answer), answer.scenario.money.discount_rate
    first = min(year for _, year in over)
    total = defaultdict(float)
    for (agency, year), amount in over.items():
        total[agency] += amount / (1 + rate) ** (year - first)
    names = {r["agency_id"]: r["name"] or r["agency_id"] for r in rows(answer, "agencies")}
    said = re.findall(rf"([^;]*?) in (\d+) by {N}(?:; |$)", who)
    short = {(names[a], y): -x for (a, y), x in over.items() if x < -0.5 - 1e-6 * abs(x)}
    right = {(a, int(y)) for a, y, _ in said} == set(short)
    right = right and all(is_so(x, short[a, int(y)]) for a, y, x in said)
    same = int(years) == len({year for _, year in over})
    return min(total.values()) > -1 and right and same and is_so(gbp, paid_over(answer))


# ------------------------------------------------------------------------------------- any


@judges("any", r"Proven: no plan that keeps the rules is better\.")
def _best(answer):
    return str(answer.result.status) == "optimal" and answer.result.gap < 1e-6


@judges("any", rf"Proven: a plan that keeps the rules can (.*) at most {N}(.*)\.")
def _within(answer, _, share, __):
    r = answer.result
    return str(r.status) == "optimal" and is_so(share, max(r.gap, 1e-4))


@judges("any", r"The plan keeps every rule\.")
def _keeps(answer):
    return answer.verification.ok


@judges("any", rf"It is not proven to be the best: another may (.*) up to {N}(.*)\.")
def _not_proven(answer, _, share, __):
    r = answer.result
    return str(r.status) != "optimal" and r.gap < 1 and is_so(share, max(r.gap, 1e-4))


@judges(
    "any",
    rf"It is not proven to be the best; what is proven is that the value of no plan is "
    rf"below {N} \(.*, always made small\)\.",
)
def _bound_only(answer, bound):
    r = answer.result
    return str(r.status) != "optimal" and math.isfinite(r.bound) and is_so(bound, r.bound)


@judges(
    "any",
    r"It is not proven to be the best, and no bound was found on how much better "
    r"another could be\.",
)
def _no_bound(answer):
    return str(answer.result.status) != "optimal" and not math.isfinite(answer.result.bound)


@judges("any", r"The search was stopped by hand\.")
def _by_hand(answer):
    return str(answer.result.status) == "interrupted"


def took(answer):
    seconds = answer.result.seconds
    return seconds["search"] if "search" in seconds else sum(seconds.values())


@judges("any", rf"The search was stopped at its time limit of {N} s\.")
def _at_limit(answer, limit):
    asked = answer.scenario.solver.time_limit_seconds
    return (
        "limit" in str(answer.result.status) and took(answer) > 0.9 * asked and is_so(limit, asked)
    )


@judges("any", rf"The search ended after {N} s, before its time limit of {N} s\.")
def _before_limit(answer, seconds, limit):
    asked = answer.scenario.solver.time_limit_seconds
    return took(answer) < asked and all_so((seconds, limit), took(answer), asked)


@judges(
    "any",
    rf"The search was stopped after {N} s of its time limit of {N} s: the rest is reserved for "
    r"sending the visits of a plan nearer\.",
)
def _at_reserve(answer, seconds, limit):
    asked = answer.scenario.solver.time_limit_seconds
    reserved = answer.scenario.problem == "estate" and "minimise" not in (
        answer.scenario.objective.model_fields_set
    )
    near = 0.7 * asked < took(answer) < asked
    return reserved and near and all_so((seconds, limit), took(answer), asked)


@judges(
    "any",
    rf"More time may find one: set time_limit_seconds under \[solver\] above {N} s, or ease a "
    r"rule\.",
)
def _more_time(answer, limit):
    asked = answer.scenario.solver.time_limit_seconds
    return answer.plan is None and took(answer) > 0.7 * asked and is_so(limit, asked)


@judges("any", r"That no plan exists is not proven\.")
def _not_impossible(answer):
    return answer.plan is None and str(answer.result.status) != "infeasible"


@judges(
    "any",
    rf"Proven: if there is a plan, (?:it (costs|spends|gains) at (least|most)|its value is at least"
    rf") {N}(?: over the whole period| on the outcomes| \(.*, always made small\))?\.",
)
def _bound_without(answer, verb, which, bound):
    first, least = answer.scenario.objective.minimise[0], answer.result.bound
    verbs = {"cost": "costs", "least_money": "spends", "weighted_outcomes": "gains"}
    if verb != verbs.get(first) or (verb and (which == "most") != (verb == "gains")):
        return False
    true = -least if verb == "gains" else least
    return answer.plan is None and true > 0 and is_so(bound, true)


@judges(
    "any",
    rf"It is not proven to be the best; what is proven is that no plan saves more than {N} over "
    r"the whole period against doing nothing\.",
)
def _saving_bound(answer, most):
    r, nothing = answer.result, answer.verification.do_nothing["cost"]
    return str(r.status) != "optimal" and is_so(most, nothing - r.bound)


@judges("any", r"No plan was found\.")
def _none_found(answer):
    return answer.plan is None and str(answer.result.status) == "no plan at limit"


@judges(
    "any",
    r"(?:No plan can keep all these rules at once|Proven: no plan can keep all the "
    r"rules together)\.",
)
def _none(answer):
    return str(answer.result.status) == "infeasible" and answer.plan is None


def stage_of(answer, name):
    """(gap, whether proven to the requested gap) of an objective, from the plan's statement."""
    gap = answer.plan.summary[f"{name}_gap_share"]
    return gap, gap <= max(answer.scenario.solver.gap, 5e-7) * 1.00001


OBJECTIVES = {
    "net present cost": "cost",
    "minutes of all visits": "visit_minutes",
    "open buildings": "buildings",
    "carbon": "carbon",
}


@judges(
    "estate",
    rf"(?:First objective \(|Then )([^:,)]*)\)?(?:, giving up at most {N} before it)?: (.*)",
)
def _stage(answer, aim, slack, rest):
    name = OBJECTIVES[aim.lower()]
    at = answer.scenario.objective.minimise.index(name)
    if slack is not None and not is_so(slack, answer.scenario.objective.slack[at - 1]):
        return False
    gap, proven = stage_of(answer, name)
    if rest == "proven: no plan that keeps the rules is better.":
        return proven and gap < 1e-6
    within = re.fullmatch(rf"proven: a plan that keeps the rules can .* at most {N}.*\.", rest)
    if within:
        return proven and is_so(within[1], max(gap, 1e-4))
    open_still = re.fullmatch(rf"it is not proven .* may .* up to {N}.*\.", rest)
    return bool(open_still) and not proven and is_so(open_still[1], max(gap, 1e-4))


def carbon_worth(answer):
    """GBP: tonnes saved in each priced year at its value, discounted and summed over the table."""
    return sum(r["saving_present_gbp"] for r in rows(answer, "carbon_by_year"))


@judges(
    "estate",
    r"At the value of a tonne in each of (\d+) years, discounted, the carbon "
    rf"(saved is worth|added costs) {N}, which is counted in the figure over the years\.",
)
def _carbon_worth(answer, years, how, gbp):
    worth = carbon_worth(answer)
    stated = set(answer.place.carbon_values["year"])
    span = range(2026, 2026 + answer.scenario.money.appraisal_years)
    same = int(years) == len(stated & set(span))
    return same and (worth > 0) == how.startswith("saved") and is_so(gbp, abs(worth))


@judges(
    "estate",
    rf"Against doing nothing the carbon (saved is worth|added costs) {N} at the values of a tonne, "
    r"discounted; that is counted in the costs of the appraisal, not beside them\.",
)
def _carbon_worth_lead(answer, how, gbp):
    worth = carbon_worth(answer)
    return (worth >= 0) == how.startswith("saved") and is_so(gbp, abs(worth))


@judges("budget", r"Whole units that close by (\d+): (.*)\.")
def _units(answer, year, parts):
    by_year = rows(answer, "spending_by_year")
    last = max(r["year"] for r in by_year)
    names = programme_names(answer)
    baseline = {r["outcome_id"]: r["baseline"] for r in answer.place.outcomes.to_dict("records")}
    true = set()
    for r in answer.place.provision.to_dict("records"):
        today = math.ceil(baseline[r["outcome_id"]] / r["unit_capacity"] - 1e-6)
        (runs,) = [
            row["units"]
            for row in by_year
            if row["year"] == last and row["programme_id"] == r["programme_id"]
        ]
        closed = round(today - runs)
        text = f"{closed} of {today}" if closed >= 0 else f"none of {today}, {-closed} more run"
        unit = f" (unit: {r['unit']})" if r["unit"] else ""
        true.add(f"{text} in {names[r['programme_id']]}{unit}")
    return int(year) == last and set(parts.split("; ")) == true


@judges(
    "budget",
    rf"Better outcomes are worth {N} net over the years counted"
    rf"(?:; {N} of it can be taken out of budgets)?\.",
)
def _benefits(answer, net, cash):
    chain = rows(answer, "benefits_chain")
    right = is_so(net, sum(r["net_gbp"] for r in chain))
    return right and (cash is None or is_so(cash, sum(r["cashable_gbp"] for r in chain)))


@judges("budget", r"Payments between agencies, all decided years together: (.*)\.")
def _transfers_lead(answer, parts):
    names = {
        r["agency_id"]: r["name"] or r["agency_id"]
        for r in answer.place.agencies.to_dict("records")
    }
    true = defaultdict(float)
    for r in rows(answer, "transfers"):
        true[names[r["from_agency_id"]], names[r["to_agency_id"]]] += r["amount_gbp"]
    said = parts.split("; ")
    pairs = [(f"{a} pays {b} ", gbp) for (a, b), gbp in true.items()]
    return len(said) == len(pairs) and all(
        any(one.startswith(head) and is_so(one.removeprefix(head), gbp) for head, gbp in pairs)
        for one in said
    )


@judges("budget", r"No agency has to pay another\.")
def _no_transfers(answer):
    return not rows(answer, "transfers")


@judges("budget", r"Of each set of alternatives the plan buys: (.*)\.")
def _alternatives(answer, parts):
    group = {r["programme_id"]: r["one_of"] for r in answer.place.programmes.to_dict("records")}
    bought = {
        group[r["programme_id"]]: r["name"] or r["programme_id"]
        for r in rows(answer, "spending")
        if group[r["programme_id"]] and r["after_gbp"] > 0.5
    }
    true = {bought.get(g, f"none of {g.replace('_', ' ')}") for g in group.values() if g}
    return set(parts.split("; ")) == true


def provided(answer):
    results = rows(answer, "provider_results")
    return [
        sum(r[column] for r in results)
        for column in ("earned_gbp", "deferred_gbp", "not_paid_gbp", "clawback_gbp")
    ]


@judges(
    "budget",
    rf"Results earn providers {N}, {N} of it deferred; what falls due after the last year is set "
    r"aside in it\.",
)
def _providers(answer, earned, deferred):
    return all_so((earned, deferred), *provided(answer)[:2])


@judges("budget", rf"Results earn the providers paid by them {N}\.")
def _providers_lead(answer, earned):
    return is_so(earned, provided(answer)[0])


@judges(
    "budget",
    rf"Providers are not paid {N} of what they earn, or give it back, for results that are not "
    r"held\.",
)
def _providers_lose(answer, lost):
    return is_so(lost, sum(provided(answer)[2:]))


def floor_is_so(answer, key, own, now, text):
    """At the floor in force, with the place's own beside it where the question states another."""
    (rule,) = [rule for rule in answer.scenario.rules if rule.number == "B3"]
    floor = rule.floors_gbp.get(key, own)
    own = own if own == own else 0.0
    if not 0 < floor >= now - 1.01 - 1e-6 * now:
        return False
    if abs(floor - own) < 1:
        return text == "at its statutory floor"
    head = rf"at the floor that this question states, {N}"
    if own <= 0:
        said = re.fullmatch(rf"{head}; the place's own tables state none", text)
        return bool(said) and is_so(said[1], floor)
    tail = rf": {N} (below|above) the one in the place's own tables"
    said = re.fullmatch(head + tail, text)
    return bool(said) and all_so((said[1], said[2]), floor, abs(floor - own)) and (
        (said[3] == "below") == (floor < own)
    )  # fmt: skip


def stopped_is_so(key, today, reason, curves, points, outcomes):
    """What stopping frees, and what today's spending did by its curves."""
    from placeopt.budget.verify.outcomes import response

    text = reason["sentence"]
    said = re.match(rf"stopped: that frees {N} a year", text)
    if not said or not is_so(said[1], today):
        return False
    name = reason["outcome_id"]
    if not isinstance(name, str) or not name:
        return True
    row, own = curves[key, name], points[key, name]
    change = response(row, own, 0.0) - response(row, own, today)
    outcome = outcomes[name]
    word = "improves" if change > 0 else "worsens"
    unit = f" ({outcome['unit']})" if outcome["unit"] else ""
    shown = re.search(
        rf"{word} .*?{re.escape(outcome['name'] or name)} by {N}{re.escape(unit)}", text
    )
    close = math.isclose(change, reason["improvement"], rel_tol=1e-5, abs_tol=1e-7)
    return close and (abs(change) < 1e-3 or (bool(shown) and is_so(shown[1], abs(change))))


def programme_why_is_so(answer) -> Iterator[str]:
    """False reasons of programmes, from spending, the place's tables and its curves."""
    from placeopt.budget.verify.curves import response
    from placeopt.budget.verify.outcomes import _points

    place, base = answer.place, base_of(answer)
    programmes = {r["programme_id"]: r for r in place.programmes.to_dict("records")}
    spent = defaultdict(dict)
    for r in rows(answer, "spending_by_year"):
        spent[r["programme_id"]][r["year"]] = r["plan_gbp"]
    curves = {(r.programme_id, r.outcome_id): r for r in place.curves.itertuples()}
    points, why = (
        _points(place),
        {r["programme_id"]: r["why"] for r in rows(answer, "spending")},
    )
    (pace,) = [rule for rule in answer.scenario.rules if rule.number == "B5"] or [None]
    outcomes = {r["outcome_id"]: r for r in rows(answer, "outcomes")}
    for r in rows(answer, "reasons"):
        key, code, text, own = r["programme_id"], r["code"], r["sentence"], spent[r["programme_id"]]
        last = max(own)
        now, today = own[last], float(base.get(key, 0.0))
        earlier = own.get(last - 1, today)
        floor, most = (
            programmes[key][f"{name}_gbp_per_year"] for name in ("statutory_floor", "maximum")
        )
        right = {
            "floor": lambda k=key, f=floor, n=now, s=text: floor_is_so(answer, k, f, n, s),
            "pace_cut": lambda n=now, e=earlier: (
                n < e and abs(n - e * (1 - pace.largest_cut_share)) < 1.01
            ),
            "pace_rise": lambda n=now, e=earlier: (
                n > e and abs(n - e * (1 + pace.largest_rise_share)) < 1.01
            ),
            "maximum": lambda n=now, m=most: abs(n - m) < 1.01,
            "same": lambda n=now, t=today: abs(n - t) < 1.01,
            "no_curve": lambda k=key: not any(p == k for p, _ in curves),
            "alternative": lambda k=key, n=now, y=last: (
                n < 1.01
                and any(
                    other["one_of"] == programmes[k]["one_of"] and spent[o][y] > 1
                    for o, other in programmes.items()
                    if o != k
                )
            ),
            "stopped": lambda k=key, n=now, t=today, r=r: (
                n < 1.01 < t + 0.02 and stopped_is_so(k, t, r, curves, points, outcomes)
            ),
            "not_bought": lambda n=now, t=today: max(n, t) < 1.01,
        }.get(code)
        if code in ("worth", "flat"):
            row, own_points = curves[key, r["outcome_id"]], points[key, r["outcome_id"]]
            gain = response(row, own_points, now + r["amount"]) - response(row, own_points, now)
            close = math.isclose(gain, r["improvement"], rel_tol=1e-5, abs_tol=1e-7)
            outcome = outcomes[r["outcome_id"]]
            unit = f" ({outcome['unit']})" if outcome["unit"] else ""
            name = re.escape(outcome["name"] or r["outcome_id"])
            said = re.search(rf"{name} by {N}{re.escape(unit)}", text)
            if (
                not close
                or now + r["amount"] > (most if most == most else math.inf) + 0.01
                or (code == "worth" and not said and abs(gain) > 1e-3)
                or (said and not is_so(said[1], gain) and abs(gain) > 1e-3)
                or (code == "flat" and abs(gain) > 1e-6)
            ):
                yield f"{key}: {text} (gain {gain})"
        elif right is None or not right():
            yield f"{key}: {code} {text} (now {now}, earlier {earlier}, today {today})"
        if why[key] != text:
            yield f"{key}: why is {why[key]!r}, not {text!r}"


@judges(
    "budget",
    r"After transfers each agency(?: that could stand alone)? is no worse off (in each year|over "
    r"the years together) than (.*)\.",
)
def _compared(answer, when, what):
    """Whether nobody is worse off, by the rule's ``when`` and counterfactual, from the
    positions."""
    (rule,) = [rule for rule in answer.scenario.rules if rule.number == "B9"]
    starts = {"today": "it is today", "most_it_could_keep": "if it kept"}
    right = what.startswith(starts.get(rule.counterfactual, "with its own best plan"))
    over = positions(answer)
    if when == "in each year":
        return right and rule.when == "every_year" and min(over.values(), default=0.0) > -1
    first, rate = min(year for _, year in over), answer.scenario.money.discount_rate
    total = defaultdict(float)
    for (agency, year), amount in over.items():
        total[agency] += amount / (1 + rate) ** (year - first)
    return right and rule.when == "horizon" and min(total.values()) > -1


# ------------------------------------------------------------------- floors, steps, unspent money


def spent_in_years(answer):
    """(programme, year) -> GBP, by what the table of the years says."""
    return {(r["programme_id"], r["year"]): r["plan_gbp"] for r in rows(answer, "spending_by_year")}


def below_own_floor(answer):
    """Programme's name -> (GBP below the floor of the place's table, years in which it is so)."""
    names, found = programme_names(answer), {}
    for r in answer.place.programmes.to_dict("records"):
        floor = r["statutory_floor_gbp_per_year"]
        short = {y: floor - x for (p, y), x in spent_in_years(answer).items()
                 if p == r["programme_id"] and floor - x > max(1.0, 1e-6 * floor)}  # fmt: skip
        if short:
            most = max(short.values())
            years = {y for y, x in short.items() if x > most - 2}
            found[names[r["programme_id"]]] = (most, years)
    return found


@judges(
    "budget",
    r"Below the statutory floor in the place's own tables, as this question allows: (.*)\.",
)
def _below_place_floor(answer, parts):
    true = below_own_floor(answer)
    said = re.findall(rf"(?:^|; )([^;]*?) by {N} in (\d+)(?=;|$)", parts)
    return {name for name, _, _ in said} == set(true) and all(
        is_so(short, true[name][0]) and int(year) in true[name][1] for name, short, year in said
    )


@judges(
    "budget", rf"Against today it spends ((?:(?:{NUMBER}) (?:less|more) in \d+(?:, | and )?)+)\."
)
def _steps(answer, parts):
    before, spent = totals_of(answer)[0], defaultdict(float)
    for (_, year), gbp in spent_in_years(answer).items():
        spent[year] += gbp
    said = re.findall(rf"{N} (less|more) in (\d+)", parts)
    return [int(year) for *_, year in said] == sorted(spent) and all(
        is_so(size, abs(1 - spent[int(year)] / before))
        and (side == "less") == (spent[int(year)] <= before)
        for size, side, year in said
    )


def moved_over_years(answer):
    """GBP below today's rate on other programmes, and above it on prevention, over the years."""
    kind = {r["programme_id"]: r["kind"] for r in answer.place.programmes.to_dict("records")}
    base, saved, more = base_of(answer), 0.0, 0.0
    for (key, _), gbp in spent_in_years(answer).items():
        change = gbp - float(base.get(key, 0.0))
        if kind[key] == "preventive":
            more += change
        else:
            saved -= change
    return saved, more


@judges(
    "budget",
    rf"Over (\d+) years other programmes cost {N} less than at today's rate; {N} of that goes to "
    r"prevention on top of today's\.",
)
def _prevention_from_savings(answer, years, saved, more):
    true = moved_over_years(answer)
    return int(years) == answer.scenario.years and all_so((saved, more), *true) and (
        true[0] >= true[1] >= 1
    )  # fmt: skip


@judges(
    "budget",
    rf"Over (\d+) years {N} more goes to prevention than at today's rate, and {N} (less|more) to "
    r"other programmes\.",
)
def _prevention_beyond(answer, years, more, saved, side):
    true = moved_over_years(answer)
    right = int(years) == answer.scenario.years and all_so((saved, more), abs(true[0]), true[1])
    return right and true[1] > true[0] and (side == "less") == (true[0] >= 0)


@judges(
    "budget",
    rf"Less than today for prevention itself in (\d+|the last decided year), {N} in all: (.*)\.",
)
def _prevention_cut(answer, year, total, parts):
    names, kept = programme_names(answer), changed_sets(answer)
    kind = {r["programme_id"]: r["kind"] for r in answer.place.programmes.to_dict("records")}
    base = base_of(answer)
    true = {
        names[r["programme_id"]]: float(base.get(r["programme_id"], 0.0)) - r["after_gbp"]
        for r in rows(answer, "spending")
        if kind[r["programme_id"]] == "preventive" and r["programme_id"] not in kept
    }
    true = {name: cut for name, cut in true.items() if cut > 0.5}
    said = re.findall(rf"(?:^|; )([^;]*?) {N}(?=;|$)", parts)
    right = {name for name, _ in said} == set(true) and is_so(total, sum(true.values()))
    return right and all(is_so(cut, true[name]) for name, cut in said) and (
        not year.isdigit() or last_year(answer, year)
    )  # fmt: skip


def changed_sets(answer):
    """Programmes of sets of alternatives of which the plan buys others than today."""
    sets, base = defaultdict(set), base_of(answer)
    for r in answer.place.programmes.to_dict("records"):
        if r["one_of"]:
            sets[r["one_of"]].add(r["programme_id"])
    after = {r["programme_id"]: r["after_gbp"] for r in rows(answer, "spending")}
    found = set()
    for own in sets.values():
        today = {p for p in own if base.get(p, 0.0) > 0.5}
        plan = {p for p in own if after[p] > 0.5}
        if today and plan and today != plan:
            found |= own
    return found


@judges("budget", r"Bought in place of what is bought today: (.*)\.")
def _replaced(answer, parts):
    names, kept, base = programme_names(answer), changed_sets(answer), base_of(answer)
    after = {r["programme_id"]: r["after_gbp"] for r in rows(answer, "spending")}
    group = {r["programme_id"]: r["one_of"] for r in answer.place.programmes.to_dict("records")}
    key = {name: p for p, name in names.items()}
    said = re.findall(rf"(?:^|; )([^;]*?) at {N}, for ([^;]*?) at {N}(?=;|$)", parts)
    for new, gbp, old, was in said:
        new_keys, old_keys = ([key.get(n) for n in re.split(r", | and ", s)] for s in (new, old))
        if None in new_keys + old_keys:
            return False
        own = {p for p in kept if group[p] == group[new_keys[0]]}
        if set(new_keys) != {p for p in own if after[p] > 0.5} or set(old_keys) != {
            p for p in own if base.get(p, 0.0) > 0.5
        }:
            return False
        true = sum(after[p] for p in own), sum(float(base.get(p, 0.0)) for p in own)
        if not all_so((gbp, was), *true):
            return False
    return len(said) == len({group[p] for p in kept})


def no_room_in_total(answer, years):
    """Whether what rule B1 allows is used in each of the years, by what streams pay."""
    (rule,) = [rule for rule in answer.scenario.rules if rule.number == "B1"] or [None]
    if rule is None:
        return False
    base = float(base_of(answer).sum())
    reserves = {r["year"]: r for r in rows(answer, "reserves")}
    closing, rooms, opening = rule.opening_reserve_gbp, {}, rule.opening_reserve_gbp
    paid = defaultdict(float)
    for r in rows(answer, "payments"):
        paid[r["year"]] += r["after_gbp"]
    for at, year in enumerate(sorted(paid)):
        rewards = reserves[year]["in_gbp"] - rule.total(base, at)
        rooms[year] = rule.total(base, at) + rewards - paid[year] - reserves[year]["clawback_gbp"]
        closing += rooms[year]
        if rule.carry_over:
            rooms[year] = closing
    if rule.carry_over:
        last = max(rooms)
        rooms = {y: min([rooms[last] - opening, *(x for z, x in rooms.items() if z >= y)])
                 for y in rooms}  # fmt: skip
    return all(rooms[year] < max(2.0, 2e-6 * base) for year in years)


@judges(
    "budget",
    r"It goes back because the total of the one budget is used up: whichever stream pays, a pound "
    r"more would have to be saved elsewhere\.",
)
def _back_for_the_total(answer):
    years = {year for (_, year), left in given_back(answer).items() if left > 0.5}
    return bool(years) and no_room_in_total(answer, years)


@judges(
    "budget",
    r"It goes back because what it may pay for can take no more: each such programme is at the "
    r"most that can usefully be spent, or rises as fast as the pace of a year allows\.",
)
def _back_for_want_of_use(answer):
    (pace,) = [rule for rule in answer.scenario.rules if rule.number == "B5"] or [None]
    most = {r["programme_id"]: r["maximum_gbp_per_year"] for r in
            answer.place.programmes.to_dict("records")}  # fmt: skip
    spent, base = spent_in_years(answer), base_of(answer)
    found = False
    for (stream, year), left in given_back(answer).items():
        if left <= 0.5:
            continue
        found = True
        for r in answer.place.stream_programmes.to_dict("records"):
            p = r["programme_id"]
            if r["stream_id"] != stream:
                continue
            was = spent.get((p, year - 1), float(base.get(p, 0.0)))
            at_most = most[p] == most[p] and spent[p, year] > most[p] - 0.6
            at_pace = (
                pace is not None and p not in pace.exempt and pace.largest_rise_share is not None
                and was > 0 and spent[p, year] > was * (1 + pace.largest_rise_share) - 0.6
            )  # fmt: skip
            others = sum(
                q["after_gbp"] for q in rows(answer, "payments")
                if (q["programme_id"], q["year"]) == (p, year) and q["stream_id"] != stream
            )  # fmt: skip
            if not (at_most or at_pace) or others > 1:
                return False
    return found


def kept_at_the_end(answer):
    """Stream -> what a ring-fenced stream that carries over has left after the last year, by what
    it brings in and pays over the years."""
    (rule,) = [rule for rule in answer.scenario.rules if rule.number == "B2"] or [None]
    if rule is None or rule.unspent != "carried":
        return {}
    years = {r["year"] for r in rows(answer, "payments")}
    left = defaultdict(float)
    for r in answer.place.stream_amounts.to_dict("records"):
        if r["year"] in years:
            left[r["stream_id"]] += r["amount_gbp"]
    for r in rows(answer, "payments"):
        left[r["stream_id"]] -= r["after_gbp"]
    fenced = {r["stream_id"] for r in answer.place.streams.to_dict("records") if r["ring_fenced"]}
    return {f: x for f, x in left.items() if f in fenced - set(rule.release) and x > 0.5}


@judges("budget", rf"At the end of (\d+) {N} of ring-fenced money is left unspent: (.*)\.")
def _left(answer, year, left, parts):
    true = kept_at_the_end(answer)
    names = {r["stream_id"]: r["name"] or r["stream_id"] for r in rows(answer, "streams")}
    by_name = {names[f]: gbp for f, gbp in true.items()}
    said = re.findall(rf"(?:^|; )([^;]*?) {N}(?=;|$)", parts)
    right = {name for name, _ in said} == set(by_name) and last_year(answer, year)
    return right and is_so(left, sum(true.values())) and all(
        is_so(gbp, by_name[name]) for name, gbp in said
    )  # fmt: skip


@judges(
    "budget",
    r"It is left because the total of the one budget is used up: whichever stream pays, a pound "
    r"more would have to be saved elsewhere\.",
)
def _left_for_the_total(answer):
    last = max(r["year"] for r in rows(answer, "payments"))
    return bool(kept_at_the_end(answer)) and no_room_in_total(answer, {last})


@judges(
    "budget",
    rf"Programmes that this money may pay for get {N} less than today in (\d+|the last decided "
    r"year)\.",
)
def _left_beside_cuts(answer, cut, year):
    own = {
        r["programme_id"] for r in answer.place.stream_programmes.to_dict("records")
        if r["stream_id"] in kept_at_the_end(answer)
    }  # fmt: skip
    base = base_of(answer)
    true = sum(max(0.0, float(base.get(r["programme_id"], 0.0)) - r["after_gbp"])
               for r in rows(answer, "spending") if r["programme_id"] in own)  # fmt: skip
    return is_so(cut, true) and (not year.isdigit() or last_year(answer, year))


@judges(
    "budget",
    rf"In (\d+|the last decided year) streams of one agency pay {N} for what another runs, today "
    rf"{N}; more than today: (.*)\.",
)
def _across(answer, year, after, before, parts):
    place = answer.place
    payer = {r["stream_id"]: r["agency_id"] for r in place.streams.to_dict("records")}
    runner = {r["programme_id"]: r["agency_id"] for r in place.programmes.to_dict("records")}
    stream = {r["stream_id"]: r["name"] or r["stream_id"] for r in rows(answer, "streams")}
    last = max(r["year"] for r in rows(answer, "payments"))
    true, rises = [0.0, 0.0], {}
    for r in rows(answer, "payments"):
        one, other = payer[r["stream_id"]], runner[r["programme_id"]]
        if r["year"] != last or not one or not other or one == other:
            continue
        true[0] += r["after_gbp"]
        true[1] += r["before_gbp"]
        more = r["after_gbp"] - r["before_gbp"]
        if more >= 1000:
            rises[stream[r["stream_id"]], programme_names(answer)[r["programme_id"]]] = more
    rest = re.search(r"; and (\d+) more$", parts)
    said = parts.removesuffix(rest[0] if rest else "").split("; ")
    found = {f"{f} {{}} for {p}": gbp for (f, p), gbp in rises.items()}
    named = 0
    for text in said:
        fits = [gbp for form, gbp in found.items() for head, tail in [form.split("{}")]
                if text.startswith(head) and text.endswith(tail)
                and is_so(text[len(head) : len(text) - len(tail)], gbp)]  # fmt: skip
        named += bool(fits)
    right = named == len(said) == len(rises) - int(rest[1] if rest else 0)
    return right and all_so((after, before), *true) and (
        not year.isdigit() or last_year(answer, year)
    )  # fmt: skip


def is_negligible(answer, limit):
    """Less than a thousand pounds, in a small place than a ten-thousandth of a year's spending."""
    true = min(1000.0, 1e-4 * float(base_of(answer).sum()))
    return is_so(limit, true) and paid_over(answer) < true


@judges(
    "budget",
    rf"No agency has to pay another: what is left to even out comes to {N} over the decided years, "
    rf"and less than {N} is not worth a payment\.",
)
def _transfers_of_nothing(answer, gbp, limit):
    return is_so(gbp, paid_over(answer)) and is_negligible(answer, limit)


@judges(
    "budget",
    rf"But for {N}, less than {N} and so not worth a payment, no agency( that could stand alone)? "
    r"is worse off in any year than it would be alone\.",
)
def _but_for_nothing(answer, gbp, limit, some):
    return _every_year(answer, gbp, some) and is_negligible(answer, limit)


@judges(
    "budget",
    rf"But for {N}, less than {N} and so not worth a payment, no agency( that could stand alone)? "
    r"is worse off than it would be alone over the (\d+) years together; in some of them it is: "
    r"(.*)\.",
)
def _but_for_nothing_over_all(answer, gbp, limit, some, years, who):
    right = _over_horizon(answer, gbp, some, years, who)
    return right and is_negligible(answer, limit)


@judges(
    "budget",
    rf"It goes back because it is proven that no plan that spends it is better by more than {N}\.",
)
def _back_for_no_gain(answer, share):
    years = {year for (_, year), left in given_back(answer).items() if left > 0.5}
    one = len(answer.scenario.objective.minimise) == 1
    right = bool(years) and one and str(answer.result.status) == "optimal"
    return right and is_so(share, max(answer.result.gap, 1e-4))


@judges(
    "budget",
    rf"Over (\d+) years other programmes cost {N} (less|more) than at today's rate, and prevention "
    rf"{N} (more|less)\.",
)
def _prevention_lead(answer, years, saved, side, more, more_side):
    true = moved_over_years(answer)
    right = int(years) == answer.scenario.years and all_so((saved, more), *map(abs, true))
    return right and (side == "less") == (true[0] >= 0) and (more_side == "more") == (true[1] >= 0)
