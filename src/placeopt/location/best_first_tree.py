"""Best-first branch and bound: the search loop of every tree of this room.

The open node with the least bound is taken next; of equal bounds the one made first. Its bound is a
bound of the whole problem, so the tree ends when it reaches the cutoff. A method says what a node
is and how it is bounded and branched; plans are offered to the search state on the way.

Source: Land and Doig (1960); Lawler and Wood (1966), "Branch-and-bound methods: a survey",
Operations Research 14.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Protocol, TypeVar

from placeopt.location.search_state import SearchState


class TreeNode(Protocol):
    """A node, as the loop needs it."""

    @property
    def bound(self) -> float:
        """A lower bound of the node's plans."""


N = TypeVar("N", bound=TreeNode)


class Branching(Protocol[N]):
    """The parts of a tree that a method gives."""

    def cutoff(self) -> float:
        """The cost at or above which a plan is no improvement."""

    def may_go_on(self) -> bool:
        """Whether another node may be bounded; if not, the tree ends unfinished."""

    def children(self, node: N) -> Iterable[N]:
        """Bound a node and offer its plans; the nodes that it splits into, none if it is closed."""


def search_tree(root: N, branching: Branching[N], state: SearchState) -> bool:
    """Search the tree below ``root``.

    Args:
        root: The first node.
        branching: The method's part of the tree.
        state: The search; its bound is raised and its nodes are counted.

    Returns:
        Whether no plan below the cutoff is left.
    """
    open_nodes = [(root.bound, 0, root)]
    nodes_made = 0
    while open_nodes:
        bound, _, node = heapq.heappop(open_nodes)
        if bound > branching.cutoff():
            break
        state.raise_bound(bound)
        if not branching.may_go_on():
            return False
        state.nodes += 1
        for child in branching.children(node):
            nodes_made += 1
            heapq.heappush(open_nodes, (child.bound, nodes_made, child))
    return True
