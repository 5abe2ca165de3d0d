"""The tree takes nodes by their bounds, stops at the cutoff, and says whether it is finished."""

from __future__ import annotations

from dataclasses import dataclass, field

from placeopt.engine.settings import Settings
from placeopt.location.best_first_tree import search_tree
from placeopt.location.search_state import SearchState


@dataclass(frozen=True)
class Node:
    name: str
    bound: float


@dataclass
class Recorded:
    """A given tree that records the nodes it is asked to split."""

    tree: dict[str, list[Node]]
    limit: float
    max_nodes: int = 99
    taken: list[str] = field(default_factory=list)

    def cutoff(self) -> float:
        return self.limit

    def may_go_on(self) -> bool:
        return len(self.taken) < self.max_nodes

    def children(self, node: Node) -> list[Node]:
        self.taken.append(node.name)
        return self.tree.get(node.name, [])


TREE = {
    "root": [Node("far", 5.0), Node("near", 2.0), Node("as near", 2.0)],
    "near": [Node("deep", 4.0)],
}


def test_the_least_bound_comes_first_and_of_equal_ones_the_older() -> None:
    state, branching = SearchState(Settings()), Recorded(TREE, limit=10.0)
    assert search_tree(Node("root", 1.0), branching, state)
    assert branching.taken == ["root", "near", "as near", "deep", "far"]
    assert state.nodes == 5
    assert state.bound == 5.0


def test_the_tree_ends_at_the_cutoff() -> None:
    state, branching = SearchState(Settings()), Recorded(TREE, limit=4.5)
    assert search_tree(Node("root", 1.0), branching, state)
    assert branching.taken == ["root", "near", "as near", "deep"]
    assert state.bound == 4.0


def test_a_tree_that_may_not_go_on_is_unfinished() -> None:
    state, branching = SearchState(Settings()), Recorded(TREE, limit=10.0, max_nodes=2)
    assert not search_tree(Node("root", 1.0), branching, state)
    assert branching.taken == ["root", "near"]
    assert state.bound == 2.0
