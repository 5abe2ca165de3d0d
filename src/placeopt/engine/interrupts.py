"""Run an engine so that Ctrl-C asks it to stop and keeps what it has found.

A search of many solves is one thing to a user who presses Ctrl-C: ``until_interrupted`` ends all
of it. ``ignoring_interrupts`` is for what must still be done with the plan found.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting = threading.local()  # ``for_engine``: whether this thread is waiting for an engine
_ctrl_c_event: ContextVar[threading.Event | None] = ContextVar("ctrl_c_heard", default=None)


@contextmanager
def until_interrupted() -> Iterator[Callable[[], bool]]:
    """Once Ctrl-C has stopped a solve in this context, later solves in it end at once.

    They return their warm start. Yields a function that says whether Ctrl-C has come.
    """
    event = threading.Event()
    token = _ctrl_c_event.set(event)
    try:
        yield event.is_set
    finally:
        _ctrl_c_event.reset(token)


@contextmanager
def catching_interrupts() -> Iterator[Callable[[], bool]]:
    """As ``until_interrupted``, for a search that also works between its solves.

    Ctrl-C is recorded whenever it comes and ``interrupted`` reports it; a second one raises
    ``KeyboardInterrupt``. In a thread other than the main one, or if the program has its own
    handler, that handler keeps Ctrl-C.
    """
    with until_interrupted() as was_interrupted:
        ctrl_c_event = _ctrl_c_event.get()

        def handler(number: int, frame: object) -> None:
            is_second = was_interrupted()
            if ctrl_c_event is not None:
                ctrl_c_event.set()
            if is_second or getattr(_waiting, "for_engine", False):
                raise KeyboardInterrupt

        is_main_thread = threading.current_thread() is threading.main_thread()
        is_default_handler = (
            is_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if is_default_handler:
            signal.signal(signal.SIGINT, handler)
        try:
            yield was_interrupted
        finally:
            if is_default_handler:
                signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Run the solves of this context although Ctrl-C came before it."""
    token = _ctrl_c_event.set(None)
    try:
        yield
    finally:
        _ctrl_c_event.reset(token)


def interrupted() -> bool:
    """Whether Ctrl-C has stopped a solve in the enclosing ``until_interrupted``."""
    event = _ctrl_c_event.get()
    return event is not None and event.is_set()


def run_until_interrupted(call: Callable[[], None], stop: Callable[[], object]) -> bool:
    """Run ``call`` in a thread; at Ctrl-C call ``stop`` and wait.

    Args:
        call: What to run.
        stop: Called at the first Ctrl-C.

    Returns:
        Whether Ctrl-C came.

    Raises:
        KeyboardInterrupt: At a second Ctrl-C, without waiting.
        BaseException: What ``call`` raises.
    """
    errors: list[BaseException] = []
    ended = threading.Event()

    def target() -> None:
        try:
            call()
        except BaseException as error:  # handed to the caller's thread below
            errors.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=target, daemon=True, name="placeopt-engine")
    was_stopped = False
    thread.start()
    while not ended.is_set():
        try:
            # Not Thread.join, which treats the thread as dead after Ctrl-C interrupts it
            # (bpo-45274), and with a timeout, as some systems delay Ctrl-C without one.
            _waiting.for_engine = True
            ended.wait(0.1)
            _waiting.for_engine = False
            if not was_stopped and interrupted():
                was_stopped = True
                stop()
        except KeyboardInterrupt:
            _waiting.for_engine = False
            if was_stopped:
                raise
            was_stopped = True
            event = _ctrl_c_event.get()
            if event is not None:
                event.set()
            stop()
    if errors:
        raise errors[0]
    return was_stopped
