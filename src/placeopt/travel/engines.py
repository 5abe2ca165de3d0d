"""The engines that search a network, each told by its name.

"scipy": Dijkstra's search with a cut-off, no further package; exact.
"pyroutingkit": customizable contraction hierarchies (extra ``fast-streets``); builds for a while,
then answers any pair in microseconds; minutes in steps of a thousandth. See the decision record
``0005`` for what was measured.
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
STEPS_PER_MINUTE = 60_000  # whole numbers are all that contraction hierarchies know: milliseconds


def require_engine(engine: str) -> None:
    """``UsageError`` for an engine that there is not, ``EngineMissing`` for one not installed."""
    if engine not in ENGINES:
        raise UsageError(f"no street engine {engine!r}; there are {', '.join(ENGINES)}")
    if engine == "pyroutingkit":
        from importlib.util import find_spec

        if find_spec("pyroutingkit") is None:
            raise EngineMissing("pyroutingkit is not installed; pip install placeopt[fast-streets]")


def make_search(engine: str, graph: Graph, backwards: bool) -> SearchFunction:
    """search(sources, targets, limit) -> (sources, targets) minutes, infinite beyond the limit.

    ``backwards``: minutes from the targets to the sources.
    """
    require_engine(engine)
    return ENGINES[engine](graph, backwards)


def _scipy(graph: Graph, backwards: bool) -> SearchFunction:
    from scipy.sparse.csgraph import dijkstra

    matrix = graph.reversed if backwards else graph.matrix

    def search(sources: NDArray[np.intp], targets: NDArray[np.intp], limit: float) -> Minutes:
        return dijkstra(matrix, directed=True, indices=sources, limit=limit)[:, targets]

    return search


def _pyroutingkit(graph: Graph, backwards: bool) -> SearchFunction:
    metric, nothing = _hierarchy(graph)

    def search(sources: NDArray[np.intp], targets: NDArray[np.intp], limit: float) -> Minutes:
        a, b = (targets, sources) if backwards else (sources, targets)
        found = metric.distances_many_to_many(a.astype(np.uint32), b.astype(np.uint32))
        minutes = np.where(found == nothing, np.inf, found / STEPS_PER_MINUTE)
        return minutes.T if backwards else minutes

    return search


def _hierarchy(graph: Graph) -> tuple[Any, int]:
    """The contraction hierarchy of a network, made once and kept with it."""
    kept = graph.kept.get("pyroutingkit")
    if kept is None:
        import pyroutingkit

        arcs = graph.matrix.tocoo()
        topology = pyroutingkit.CCHTopology()
        # The order of contraction only needs rough geography, so metres do for degrees.
        x, y = (graph.xy.T / 1e5).astype(np.float32)
        topology.build(
            arcs.coords[0].astype(np.uint32), arcs.coords[1].astype(np.uint32), y, x, len(graph.xy)
        )
        metric = pyroutingkit.CCHMetric(topology)
        metric.customize(np.rint(arcs.data * STEPS_PER_MINUTE).astype(np.uint32))
        kept = graph.kept["pyroutingkit"] = (metric, int(pyroutingkit.INF_WEIGHT))
    return kept


ENGINES: dict[str, Callable[[Any, bool], SearchFunction]] = {
    "scipy": _scipy,
    "pyroutingkit": _pyroutingkit,
}
