"""Check that the capital of programmes that start can be paid (B11), by a maximum flow.

Money flows from streams and receipts to the programmes that start, and from one year to the next
where it carries over. All capital can be paid if and only if the maximum flow equals it: this is
Hall's condition over every set of programmes and streams, without enumerating the sets. Amounts are
whole pence.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Any

from placeopt.budget.verify.registry import checks
from placeopt.budget.verify.timeline import (
    Breach,
    Timeline,
    capital,
    past_years,
    rows_of,
    rule_of,
    tolerance,
)
from placeopt.place import Place
from placeopt.scenario import Scenario
from placeopt.scenario.rules.budget.money import Capital, Streams

SOURCE, SINK = "source", "sink"
RECEIPTS = None  # the pot of receipts; every other is a stream's id
UNLIMITED = 10**30


@checks(Capital)
def capital_fits(
    place: Place, scenario: Scenario, rule: Capital, timeline: Timeline
) -> list[Breach]:
    """(B11) By year, how much more capital the programmes that start need than is available.

    Below 0 is what is left over. Past years are served first, and their unmet needs are not a
    breach.
    """
    payers = _payers(place, rule)
    flow = Flow()
    _add_money(place, scenario, rule, timeline, flow)
    years_past, needs = past_years(place, scenario), capital(place, scenario, timeline)
    breaches: dict[int, Breach] = {}
    positions = sorted(
        range(len(timeline.years)), key=lambda at: (timeline.years[at] not in years_past, at)
    )
    for at in positions:
        year, needed = timeline.years[at], 0
        for key, gbp in needs[at].items():
            pence = round(100 * gbp)
            if pence > 0:
                needed += pence
                flow.add((at, "programme", key), SINK, pence)
                for pot in payers.get(key, ()):
                    flow.add((at, "pot", pot), (at, "programme", key), UNLIMITED)
        sent = flow.push()
        if year in years_past:
            continue
        shortfall = (needed - sent) / 100
        if shortfall <= 0:
            shortfall = -flow.unsent(at) / 100
        breaches[at] = (shortfall, tolerance(needed / 100), f"capital of {year}", "GBP")
    return [breaches[at] for at in sorted(breaches)]


def _payers(place: Place, rule: Capital) -> dict[str, list[str | None]]:
    """By programme, the pots that may pay for it: all with one pot, else those that name it."""
    pots = [row.stream_id for row in rows_of(place.streams) if row.purpose == "capital"]
    payers: dict[str, list[str | None]] = {
        key: [RECEIPTS, *(pots if rule.pots == "one" else ())]
        for key in place.programmes["programme_id"]
    }
    for row in rows_of(place.stream_programmes):
        if row.stream_id in pots and rule.pots != "one":
            payers[row.programme_id].append(row.stream_id)
    return payers


def _add_money(
    place: Place, scenario: Scenario, rule: Capital, timeline: Timeline, flow: Flow
) -> None:
    """Add each year's money of every pot; unused money that carries over flows to the next year."""
    streams = rule_of(scenario, Streams)
    carried = streams is not None and streams.unspent == "carried"
    amount = {(row.stream_id, row.year): row.amount_gbp for row in rows_of(place.stream_amounts)}
    capital_streams = [row.stream_id for row in rows_of(place.streams) if row.purpose == "capital"]
    for at, year in enumerate(timeline.years):
        for pot in (RECEIPTS, *capital_streams):
            gbp = rule.receipts(at) if pot is RECEIPTS else amount.get((pot, year), 0.0)
            flow.add(SOURCE, (at, "pot", pot), round(100 * gbp))
            if at and (carried or pot is RECEIPTS):
                flow.add((at - 1, "pot", pot), (at, "pot", pot), UNLIMITED)


class Flow:
    """The maximum flow from ``SOURCE`` to ``SINK`` in a network that may grow between pushes.

    Shortest augmenting paths, level by level (Dinic 1970). Amounts are whole numbers.
    """

    def __init__(self) -> None:
        self.residual: dict[Any, dict[Any, int]] = {SOURCE: {}, SINK: {}}

    def add(self, start: Any, end: Any, capacity: int) -> None:
        """Add an arc, or raise its capacity by ``capacity``."""
        arcs = self.residual.setdefault(start, {})
        arcs[end] = arcs.get(end, 0) + capacity
        self.residual.setdefault(end, {}).setdefault(start, 0)

    def push(self) -> int:
        """Send as much more flow as possible; return how much more that is."""
        sent = 0
        while level := self._levels():
            untried = {node: list(arcs) for node, arcs in self.residual.items()}
            while added := self._send(level, untried):
                sent += added
        return sent

    def unsent(self, at: int) -> int:
        """The money of the year at ``at`` that is not sent, with what earlier years carry over."""
        visited, queue, amount = set(), deque(self._pots(at)), 0
        while queue:
            node = queue.popleft()
            if node in visited:
                continue
            visited.add(node)
            amount += self.residual[SOURCE].get(node, 0)
            earlier = (node[0] - 1, *node[1:])
            if self.residual.get(earlier, {}).get(node, 0) > 0:
                queue.append(earlier)
        return amount

    def _pots(self, at: int) -> list[Any]:
        return [node for node in self.residual[SOURCE] if node[:2] == (at, "pot")]

    def _levels(self) -> dict[Any, int]:
        """How many arcs each node is from the source; empty where the sink cannot be reached."""
        level, queue = {SOURCE: 0}, deque([SOURCE])
        while queue:
            node = queue.popleft()
            for end, residual in self.residual[node].items():
                if residual > 0 and end not in level:
                    level[end] = level[node] + 1
                    queue.append(end)
        return level if SINK in level else {}

    def _send(self, level: dict[Any, int], untried: dict[Any, list[Any]]) -> int:
        """Send flow along one shortest path; return how much, 0 where there is no path."""
        path = [SOURCE]
        while path[-1] != SINK:
            node = path[-1]
            while untried[node]:
                end = untried[node][-1]
                if self.residual[node][end] > 0 and level.get(end) == level[node] + 1:
                    path.append(end)
                    break
                untried[node].pop()
            else:
                if len(path) == 1:
                    return 0
                path.pop()
                untried[path[-1]].pop()
        arcs = list(pairwise(path))
        sent = min(self.residual[start][end] for start, end in arcs)
        for start, end in arcs:
            self.residual[start][end] -= sent
            self.residual[end][start] += sent
        return sent
