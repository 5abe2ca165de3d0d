"""Share the pieces of a measurement out over Dask workers (extra ``many-machines``).

  client = dask.distributed.Client("scheduler:8786")
  measure(place, "streets", ["walk"], workers=on_dask(client))

The network goes to each worker once; pieces come back and are written beside the place as they
finish, so that Ctrl-C here keeps what has come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from placeopt.travel.fill_missing import Job, MinutesAndWorst, Search, Workers


def on_dask(client: Any) -> Workers:
    """Workers of a ``dask.distributed.Client`` for ``measure(workers=...)``."""

    def share(
        search: Search, jobs: Sequence[Job], cutoff_minutes: float
    ) -> Iterator[tuple[int, MinutesAndWorst]]:
        from distributed import as_completed

        there = client.scatter(search, broadcast=True)
        futures = {
            client.submit(_one, there, *job, cutoff_minutes, pure=False): which
            for which, job in enumerate(jobs)
        }
        try:
            for future in as_completed(list(futures)):
                yield futures[future], future.result()
        finally:
            client.cancel(list(futures))

    return share


def _one(search: Search, from_xy: Any, to_xy: Any, cutoff_minutes: float) -> MinutesAndWorst:
    return search(from_xy, to_xy, cutoff_minutes)
