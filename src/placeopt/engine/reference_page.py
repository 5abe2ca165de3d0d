"""The registry of engines as a page, docs/engines.md."""

from __future__ import annotations

from placeopt.base.engines import ENGINES, Engine

_HEAD = """# Engines

Generated from `src/placeopt/base/engines.py` by `python -m placeopt.engine.reference_page`; do
not edit.

A scenario names its engine in `[solver] engine = "highs"`; `placeopt locate` and `placeopt bench`
take it as `--engine` and `--engines`. A request that an engine does not support is refused with the
name of an engine that does, never ignored. `pulp:NAME` is any solver that PuLP lists under NAME.

- *whole numbers*: supports integer columns; *fractions*: supports continuous columns.
- *prices*: row duals of linear programs, returned only if strong duality has been checked.
- *start*: starts from a given plan, so there is an answer from the first second.
- *bound*: states how far a plan can be from the best; without it no plan is called optimal.
- *progress*: reports plans and bounds while it runs; the others report once, at the end.
- *stops*: Ctrl-C and the time limit return the best plan so far.
- *seed*: the same seed gives the same run.

## Repeatable answers

With the default engine the same question gives the same tables, byte for byte, in every run, in any
order of the place's rows (the plan's rows follow them), and on one or two threads, if every search
finishes. If a time limit ends a search (`time_limit_seconds`, or the search's share of it), its
progress depends on the machine and its other work. The same applies to a large question over years
with more than one thread, because the proof then runs beside the search. The answer then names the
search in a warning, and `repeats` in `summary.json` is false. In that case keep the plan that was
found, give more time, accept a wider gap, or use one thread. Other engines on several threads are
as repeatable as their authors make them.
"""

_ABILITIES = {
    "whole numbers": "integers",
    "fractions": "continuous",
    "prices": "duals",
    "start": "warm_start",
    "bound": "bound",
    "progress": "progress",
    "stops": "interrupt",
    "seed": "seed",
}


def engines_page() -> str:
    """The registry as Markdown: one row for each engine."""
    heads = ["engine", "method", *_ABILITIES, "licence", "installation"]
    rows = [heads, ["---"] * len(heads), *(_row(engine) for engine in ENGINES.values())]
    return "\n".join([_HEAD, *("| " + " | ".join(row) + " |" for row in rows), ""])


def _row(engine: Engine) -> list[str]:
    supported = ["yes" if getattr(engine, ability) else "no" for ability in _ABILITIES.values()]
    return [f"`{engine.name}`", engine.description, *supported, engine.licence, engine.install]


if __name__ == "__main__":
    print(engines_page(), end="")
