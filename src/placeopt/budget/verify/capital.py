"""Whether the capital of programmes that start can be paid by what may pay for it (B11).

Money flows from streams and receipts to what starts, a year's to the next where it is kept. What
starts is paid in full where the largest flow is as large as all of it: Hall's condition over every
set of programmes and streams, without going through the sets. Amounts are whole pence.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Any

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

SOURCE, SINK = "what is there", "what is needed"
RECEIPTS = None  # the pot of receipts; every other is a stream's id
UNLIMITED = 10**30


def capital_fits(place: Place, scenario: Scenario, rule: Any, timeline: Timeline) -> list[Breach]:
    """(B11) By year, how much more capital the programmes that start need than there is for them;
    below 0 what is left over.

    Years that are past take what they can first: of what they needed beyond it nothing is asked.
    """
    payers = _payers(place, rule)
    flow = Flow()
    _money_comes_in(place, scenario, rule, timeline, flow)
    past, needs = past_years(place, scenario), capital(place, scenario, timeline)
    breaches: dict[int, Breach] = {}
    positions = sorted(
        range(len(timeline.years)), key=lambda at: (timeline.years[at] not in past, at)
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
        if year in past:
            continue
        shortfall = (needed - sent) / 100
        if shortfall <= 0:
            shortfall = -flow.unsent(at) / 100
        breaches[at] = (shortfall, tolerance(needed / 100), f"capital of {year}", "GBP")
    return [breaches[at] for at in sorted(breaches)]


def _payers(place: Place, rule: Any) -> dict[str, list[str | None]]:
    """By programme, the pots that may pay for it: with one pot all, else those that name it."""
    pots = [row.stream_id for row in rows_of(place.streams) if row.purpose == "capital"]
    payers: dict[str, list[str | None]] = {
        key: [RECEIPTS, *(pots if rule.pots == "one" else ())]
        for key in place.programmes["programme_id"]
    }
    for row in rows_of(place.stream_programmes):
        if row.stream_id in pots and rule.pots != "one":
            payers[row.programme_id].append(row.stream_id)
    return payers


def _money_comes_in(
    place: Place, scenario: Scenario, rule: Any, timeline: Timeline, flow: Flow
) -> None:
    """Each year's money of every pot; what is kept flows on to the next year."""
    streams = rule_of(scenario, "streams")
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
    """The largest flow from ``SOURCE`` to ``SINK`` through a network that may grow between pushes
    (shortest augmenting paths, level by level: Dinic 1970). Amounts are whole numbers."""

    def __init__(self) -> None:
        self.residual: dict[Any, dict[Any, int]] = {SOURCE: {}, SINK: {}}

    def add(self, start: Any, end: Any, capacity: int) -> None:
        """An arc that carries at most ``most`` more."""
        arcs = self.residual.setdefault(start, {})
        arcs[end] = arcs.get(end, 0) + capacity
        self.residual.setdefault(end, {}).setdefault(start, 0)

    def push(self) -> int:
        """Send all that can be sent; how much more that is than before."""
        sent = 0
        while level := self._levels():
            untried = {node: list(arcs) for node, arcs in self.residual.items()}
            while added := self._send(level, untried):
                sent += added
        return sent

    def unsent(self, at: int) -> int:
        """What is there in the year at ``at``, that of earlier years which is kept included, and
        is not sent."""
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
        """How many arcs each node is from the source; empty where the sink is out of reach."""
        level, queue = {SOURCE: 0}, deque([SOURCE])
        while queue:
            node = queue.popleft()
            for end, residual in self.residual[node].items():
                if residual > 0 and end not in level:
                    level[end] = level[node] + 1
                    queue.append(end)
        return level if SINK in level else {}

    def _send(self, level: dict[Any, int], untried: dict[Any, list[Any]]) -> int:
        """Send along one shortest path, and how much that is; 0 where there is none left."""
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
