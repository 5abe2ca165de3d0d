"""Synthesise a county's public money: streams, programmes, two years of spending, curves.

Programmes cost a fixed amount per head. Streams received what was spent in the last two years and
receive less in the next three. Each curve has its stated effect at today's spending and is concave,
so that moving money from a flat part to a steep one increases the effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from placeopt.place.synth.catalogue import catalogue, parse_shares

if TYPE_CHECKING:
    import pandas as pd

YEARS = (2024, 2025)  # of spending; the last is today
POINT_SHARES = (0.0, 0.4, 0.7, 1.0, 1.4, 2.0)  # of today's spending, for curves of points


def money_tables(people: float, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Tables of streams, programmes, spending, outcomes and curves for ``people`` residents."""
    streams, programmes = catalogue("streams"), catalogue("programmes")
    today = _rounded(programmes["gbp_per_head"] * people * rng.uniform(0.96, 1.04, len(programmes)))
    spending = _spending(programmes, today, rng)
    curves, points = _curves(dict(zip(programmes["programme_id"], today, strict=True)))
    programmes["statutory_floor_gbp_per_year"] = _rounded(programmes["floor_share"] * today)
    programmes["maximum_gbp_per_year"] = _rounded(programmes["maximum_share"] * today)
    return {
        "streams": streams[["stream_id", "name", "agency_id", "ring_fenced", "negotiable"]],
        "stream_amounts": _amounts(streams, spending),
        "stream_programmes": _stream_programmes(streams, programmes),
        "programmes": programmes.drop(
            columns=["gbp_per_head", "growth_share", "floor_share", "maximum_share", "streams"]
        ),
        "spending": spending,
        "outcomes": catalogue("outcomes"),
        "curves": curves,
        "curve_points": points,
    }


def _spending(
    programmes: pd.DataFrame, today: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Each year's spending by programme and stream, in whole thousands of pounds."""
    import pandas as pd

    growth = programmes["growth_share"].to_numpy(float) + rng.normal(0, 0.004, len(programmes))
    by_year = {YEARS[0]: _rounded(today / (1 + growth)), YEARS[1]: today}
    rows = []
    for year, totals in by_year.items():
        for programme, payers, total in zip(
            programmes["programme_id"], programmes["streams"], totals, strict=True
        ):
            paid = {
                key: int(_rounded(share * total)) for key, share in parse_shares(payers).items()
            }
            paid[next(iter(paid))] += int(total) - sum(paid.values())
            rows += [(year, programme, key, amount) for key, amount in paid.items()]
    return pd.DataFrame(rows, columns=["year", "programme_id", "stream_id", "amount_gbp"])


def _amounts(streams: pd.DataFrame, spending: pd.DataFrame) -> pd.DataFrame:
    """The amount of each stream: what was spent, then less, in multiples of GBP 10,000."""
    import pandas as pd

    spent = spending.pivot_table(
        index="stream_id", columns="year", values="amount_gbp", aggfunc="sum"
    ).reindex(streams["stream_id"])
    amounts = {year: spent[year].to_numpy() for year in YEARS}
    for step in (1, 2, 3):
        reduced = streams[f"next_{step}"].to_numpy(float) * amounts[YEARS[1]]
        amounts[YEARS[1] + step] = _rounded(reduced, 10_000)
    wide = pd.DataFrame(amounts, index=pd.Index(streams["stream_id"], name="stream_id"))
    long = wide.reset_index().melt("stream_id", var_name="year", value_name="amount_gbp")
    return long.sort_values(
        "stream_id", kind="stable", ignore_index=True, key=_catalogue_order(streams)
    )


def _stream_programmes(streams: pd.DataFrame, programmes: pd.DataFrame) -> pd.DataFrame:
    """The programmes that each ring-fenced stream may pay for: those it pays for today."""
    import pandas as pd

    fenced = set(streams.loc[streams["ring_fenced"] == "yes", "stream_id"])
    rows = [
        (key, programme)
        for programme, payers in zip(programmes["programme_id"], programmes["streams"], strict=True)
        for key in parse_shares(payers)
        if key in fenced
    ]
    table = pd.DataFrame(rows, columns=["stream_id", "programme_id"])
    return table.sort_values(
        "stream_id", kind="stable", ignore_index=True, key=_catalogue_order(streams)
    )


def _catalogue_order(streams: pd.DataFrame) -> Callable[[pd.Series], pd.Series]:
    """A sort key that orders stream ids as in the catalogue."""
    position = {key: i for i, key in enumerate(streams["stream_id"])}
    return lambda ids: ids.map(position)


def _curves(today: dict[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Response curves with their stated effect at today's spending, and their points.

    The catalogue's saturation is today's spending over the curve's scale; at 1, an exponential
    curve has reached 63 % of its ceiling.
    """
    import pandas as pd

    curves = catalogue("curves")
    points = []
    for i, row in curves.iterrows():
        spend, effect = today[row["programme_id"]], float(row["effect_today"])
        saturation, scale, maximum = float(row["saturation"]), float(spend), effect
        if row["form"] == "exponential":
            scale, maximum = spend / saturation, effect / (1 - np.exp(-saturation))
        elif row["form"] == "hill":
            scale, maximum = spend / saturation, effect * (1 + 1 / saturation)
        elif row["form"] == "points":
            scale = maximum = np.nan
            points += [
                (
                    row["programme_id"],
                    row["outcome_id"],
                    int(_rounded(s * spend)),
                    _effect_at(s, effect),
                )
                for s in POINT_SHARES
            ]
        curves.loc[i, "maximum_effect"] = float(f"{maximum:.3g}")
        curves.loc[i, "scale_gbp"] = float(_rounded(scale)) if scale == scale else np.nan
    curves = curves.drop(columns=["effect_today", "saturation"])
    columns = ["programme_id", "outcome_id", "spend_gbp", "effect"]
    return curves, pd.DataFrame(points, columns=columns)


def _effect_at(share: float, effect: float) -> float:
    """The effect at a share of today's spending, exponential, rounded to 0.01."""
    return float(round(effect * (1 - np.exp(-share)) / (1 - np.exp(-1)), 2))


def _rounded(values: object, unit: int = 1000) -> np.ndarray:
    """Round to the nearest multiple of ``unit``."""
    return (np.round(np.asarray(values, dtype=float) / unit) * unit).astype(np.int64)
