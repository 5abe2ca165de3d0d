"""Run an engine so that Ctrl-C asks it to stop and what it has found is kept.

A search of many solves is one thing to whoever presses Ctrl-C: ``until_interrupted`` ends all of
it, ``to_the_end`` is for what has to be done with the plan found even then.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting = threading.local()  # ``for_engine``: whether this thread waits for an engine
_heard: ContextVar[threading.Event | None] = ContextVar("ctrl_c_heard", default=None)


@contextmanager
def until_interrupted() -> Iterator[Callable[[], bool]]:
    """Once Ctrl-C has stopped a solve of this block, those that follow in it end at once, with the
    plan they start from. Gives a function that says whether that is so."""
    own = threading.Event()
    token = _heard.set(own)
    try:
        yield own.is_set
    finally:
        _heard.reset(token)


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """As ``until_interrupted``, for a search that also works between its solves: Ctrl-C is noted
    wherever it comes, ``interrupted`` tells of it, and a second one goes on as
    ``KeyboardInterrupt``. In another thread than the first, or where the program has a handler of
    its own, that handler keeps Ctrl-C."""
    with until_interrupted() as heard:
        event = _heard.get()

        def note(number: int, frame: object) -> None:
            again = heard()
            if event is not None:
                event.set()
            if again or getattr(_waiting, "for_engine", False):
                raise KeyboardInterrupt

        first = threading.current_thread() is threading.main_thread()
        mine = first and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if mine:
            signal.signal(signal.SIGINT, note)
        try:
            yield heard
        finally:
            if mine:
                signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def to_the_end() -> Iterator[None]:
    """Solves of this block are run although Ctrl-C came before it."""
    token = _heard.set(None)
    try:
        yield
    finally:
        _heard.reset(token)


def interrupted() -> bool:
    """Whether Ctrl-C has stopped a solve of the block of ``until_interrupted`` around this."""
    heard = _heard.get()
    return heard is not None and heard.is_set()


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
    came = False
    thread.start()
    while not ended.is_set():
        try:
            # Not Thread.join, which takes the thread for dead once Ctrl-C has cut it short
            # (bpo-45274), and not for ever, which would hold Ctrl-C back on some systems.
            _waiting.for_engine = True
            ended.wait(0.1)
            _waiting.for_engine = False
            if not came and interrupted():
                came = True
                stop()
        except KeyboardInterrupt:
            _waiting.for_engine = False
            if came:
                raise
            came = True
            heard = _heard.get()
            if heard is not None:
                heard.set()
            stop()
    if raised:
        raise raised[0]
    return came
