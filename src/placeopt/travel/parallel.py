"""Distribute a measurement over Dask workers (extra ``many-machines``).

  client = dask.distributed.Client("scheduler:8786")
  measure(place, "streets", ["walk"], workers=on_dask(client))

The network is sent to each worker once. Blocks are cached beside the place as they finish, so
Ctrl-C keeps those that have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from placeopt.travel.fill_missing import Job, MinutesAndWorst, Search, Workers


def on_dask(client: Any) -> Workers:
    """Return the workers of a ``dask.distributed.Client``, for ``measure(workers=...)``."""

    def distribute(
        search: Search, jobs: Sequence[Job], cutoff_minutes: float
    ) -> Iterator[tuple[int, MinutesAndWorst]]:
        from distributed import as_completed

        completed: Callable[[list[Any]], Iterable[Any]] = as_completed
        remote_search = client.scatter(search, broadcast=True)
        futures = {
            client.submit(_run_job, remote_search, *job, cutoff_minutes, pure=False): number
            for number, job in enumerate(jobs)
        }
        try:
            for future in completed(list(futures)):
                yield futures[future], future.result()
        finally:
            client.cancel(list(futures))

    return distribute


def _run_job(search: Search, from_xy: Any, to_xy: Any, cutoff_minutes: float) -> MinutesAndWorst:
    return search(from_xy, to_xy, cutoff_minutes)
