"""Run an engine so that Ctrl-C asks it to stop and what it has found is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable


def run_until_interrupted(call: Callable[[], None], stop: Callable[[], object]) -> bool:
    """Run ``call`` in a thread; at Ctrl-C call ``stop`` and wait. Whether Ctrl-C came.

    A second Ctrl-C does not wait and goes on as ``KeyboardInterrupt``. What ``call`` raises is
    raised here.
    """
    raised: list[BaseException] = []

    def target() -> None:
        try:
            call()
        except BaseException as error:  # handed to the caller's thread below
            raised.append(error)

    thread = threading.Thread(target=target, daemon=True, name="placeopt-engine")
    interrupted = False
    thread.start()
    while thread.is_alive():
        try:
            thread.join(0.1)  # short, because a join without limit would hold Ctrl-C back
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            stop()
    if raised:
        raise raised[0]
    return interrupted
