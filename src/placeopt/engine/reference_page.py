"""The registry of engines as a page, docs/engines.md."""

from __future__ import annotations

from placeopt.engine.registry import ENGINES, Engine

_HEAD = """# Engines

Made from `src/placeopt/engine/registry.py` by `python -m placeopt.engine.reference_page`; do not
edit.

A scenario names its engine in `[solver] engine = "highs"`; `placeopt locate` and `placeopt bench`
take it as `--engine` and `--engines`. What an engine cannot do is refused with the name of one that
can, never ignored. Besides those listed, `pulp:NAME` is any solver that PuLP lists under NAME.

- *whole numbers*: takes models in which columns are integer; *fractions*: columns that are not.
- *prices*: row prices of linear programs, handed out only where strong duality has been checked.
- *start*: begins from a plan it is given, so that there is an answer from the first second.
- *bound*: says how far a plan can be from the best; without it nothing is called optimal.
- *progress*: reports plans and bounds while it runs; the others report once, at the end.
- *stops*: Ctrl-C and the time limit return the best plan so far.
- *seed*: the same seed gives the same run.

## The same answer again

With the default engine the same question gives the same tables, byte for byte, in another run, with
the rows of the place in another order (the plan's rows follow them), and on two threads as on one,
as long as every search ends because it is done. Where time ends one (`time_limit_seconds`, or the
share of it that a search has), how far it comes depends on the machine and on what else runs there;
so it does where a large question over years has more than one thread, since the proof then runs
beside the search. The answer then warns which search it was, and `repeats` in `summary.json` is
false: keep to the plan that was found, give more time, accept a wider gap, or use one thread.
Other engines on several threads promise no more than their makers do.
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
    heads = ["engine", "what it is", *_ABILITIES, "licence", "to have it"]
    rows = [heads, ["---"] * len(heads), *(_row(engine) for engine in ENGINES.values())]
    return "\n".join([_HEAD, *("| " + " | ".join(row) + " |" for row in rows), ""])


def _row(engine: Engine) -> list[str]:
    supported = ["yes" if getattr(engine, ability) else "no" for ability in _ABILITIES.values()]
    return [f"`{engine.name}`", engine.description, *supported, engine.licence, engine.install]


if __name__ == "__main__":
    print(engines_page(), end="")
