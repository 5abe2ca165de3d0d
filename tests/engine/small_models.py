"""Small models that the engine's tests share."""

from __future__ import annotations

import numpy as np

from placeopt.engine import Model


def p_median(n: int = 8, p: int = 3, seed: int = 1, *, integer: bool = True) -> Model:
    """n x n p-median with costs of two decimal places, so that CP-SAT can take it."""
    cost = np.round(np.random.default_rng(seed).random((n, n)) * 10, 2)
    zone, building = np.divmod(np.arange(n * n), n)
    ids = np.array([f"B {i}" for i in range(n)])
    model = Model("p median")
    model.offset = 100.0
    opened = model.add_columns("open", labels={"building_id": ids}, upper=1, integer=integer)
    serve = model.add_columns("serve", size=n * n, upper=1, cost=cost.ravel(), integer=integer)
    model.add_rows("served", rule="1", size=n, lower=1, upper=1, terms=[(zone, serve.all, 1)])
    pairs = np.arange(n * n)
    terms = [(pairs, serve.all, 1), (pairs, opened.at(building), -1)]
    model.add_rows("hosted", rule="2", size=n * n, upper=0, terms=terms)
    model.add_rows("count", rule="3", size=1, lower=p, upper=p, terms=[(0, opened.all, 1)])
    return model


def random_mixed(seed: int) -> Model:
    """A random mixed-integer model with range rows: feasible, infeasible or empty."""
    rng = np.random.default_rng(seed)
    whole, free, rows = rng.integers(0, 5), rng.integers(0, 4), rng.integers(1, 5)
    model = Model("random")
    model.offset = float(rng.integers(-3, 4))
    blocks = []
    if whole:
        blocks.append(
            model.add_columns(
                "whole",
                size=whole,
                lower=rng.integers(-2, 1, whole),
                upper=rng.integers(0, 3, whole),
                cost=rng.integers(-5, 6, whole),
                integer=True,
            )
        )
    if free or not whole:
        size = max(1, free)
        cost = rng.integers(-5, 6, size) / 2
        blocks.append(model.add_columns("free", size=size, lower=-1.5, upper=2.5, cost=cost))
    columns = np.concatenate([block.all for block in blocks])
    matrix = rng.integers(-3, 4, (rows, len(columns))) * (rng.random((rows, len(columns))) < 0.7)
    low = rng.integers(-6, 4, rows).astype(float)
    high = low + rng.integers(0, 6, rows)
    low[rng.random(rows) < 0.4] = -np.inf
    high[rng.random(rows) < 0.4] = np.inf
    r, c = np.nonzero(matrix)
    model.add_rows(
        "row", rule="R1", size=rows, lower=low, upper=high, terms=[(r, columns[c], matrix[r, c])]
    )
    return model
