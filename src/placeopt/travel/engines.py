"""The engines that find shortest paths in a network, by name.

"scipy": Dijkstra's algorithm with a cut-off; exact, needs no further package. "pyroutingkit":
customizable contraction hierarchies (extra ``fast-streets``); takes time to build, then answers any
pair in microseconds; minutes in steps of 1/60,000. Decision record ``0005`` has the measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placeopt.base.errors import EngineMissing, UsageError

if TYPE_CHECKING:
    from placeopt.travel.streets.graph import Graph

Minutes = NDArray[np.float64]
SearchFunction = Callable[[NDArray[np.intp], NDArray[np.intp], float], Minutes]
STEPS_PER_MINUTE = 60_000  # contraction hierarchies need whole numbers: milliseconds


def require_engine(engine: str) -> None:
    """Raise ``UsageError`` for an unknown engine, ``EngineMissing`` for one not installed."""
    if engine not in ENGINES:
        raise UsageError(f"no street engine {engine!r}; there are {', '.join(ENGINES)}")
    if engine == "pyroutingkit":
        from importlib.util import find_spec

        if find_spec("pyroutingkit") is None:
            raise EngineMissing("pyroutingkit is not installed; pip install placeopt[fast-streets]")


def make_search(engine: str, graph: Graph, backwards: bool) -> SearchFunction:
    """Return a search function of an engine.

    Args:
        engine: Its name.
        graph: The network.
        backwards: Whether to travel from the targets to the sources.

    Returns:
        search(sources, targets, limit) -> (sources, targets) minutes, infinite beyond the limit.
    """
    require_engine(engine)
    return ENGINES[engine](graph, backwards)


def _scipy(graph: Graph, backwards: bool) -> SearchFunction:
    from scipy.sparse.csgraph import dijkstra

    matrix = graph.reversed if backwards else graph.matrix

    def search(sources: NDArray[np.intp], targets: NDArray[np.intp], limit: float) -> Minutes:
        found: Minutes = dijkstra(matrix, directed=True, indices=sources, limit=limit)
        return found[:, targets]

    return search


def _pyroutingkit(graph: Graph, backwards: bool) -> SearchFunction:
    metric, unreachable = _hierarchy(graph)

    def search(sources: NDArray[np.intp], targets: NDArray[np.intp], limit: float) -> Minutes:
        a, b = (targets, sources) if backwards else (sources, targets)
        steps = metric.distances_many_to_many(a.astype(np.uint32), b.astype(np.uint32))
        minutes = np.where(steps == unreachable, np.inf, steps / STEPS_PER_MINUTE)
        return minutes.T if backwards else minutes

    return search


def _hierarchy(graph: Graph) -> tuple[Any, int]:
    """The contraction hierarchy of a network, built once and cached with it."""
    hierarchy = graph.engine_cache.get("pyroutingkit")
    if hierarchy is None:
        import pyroutingkit

        arcs = graph.matrix.tocoo()
        topology = pyroutingkit.CCHTopology()
        # The order of contraction needs only approximate coordinates: scaled metres replace
        # degrees.
        x, y = (graph.xy.T / 1e5).astype(np.float32)
        topology.build(
            arcs.coords[0].astype(np.uint32), arcs.coords[1].astype(np.uint32), y, x, len(graph.xy)
        )
        metric = pyroutingkit.CCHMetric(topology)
        metric.customize(np.rint(arcs.data * STEPS_PER_MINUTE).astype(np.uint32))
        hierarchy = graph.engine_cache["pyroutingkit"] = (metric, int(pyroutingkit.INF_WEIGHT))
    return hierarchy


ENGINES: dict[str, Callable[[Any, bool], SearchFunction]] = {
    "scipy": _scipy,
    "pyroutingkit": _pyroutingkit,
}
