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
    ended = threading.Event()

    def target() -> None:
        try:
            call()
        except BaseException as error:  # handed to the caller's thread below
            raised.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=target, daemon=True, name="placeopt-engine")
    interrupted = False
    thread.start()
    while not ended.is_set():
        try:
            # Not Thread.join, which takes the thread for dead once Ctrl-C has cut it short
            # (bpo-45274), and not for ever, which would hold Ctrl-C back on some systems.
            ended.wait(0.1)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            stop()
    if raised:
        raise raised[0]
    return interrupted
