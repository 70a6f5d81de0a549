"""A time limit inside long calls: a watchdog thread raises ``OutOfTime`` in a thread that exceeds its limit.

The loop reads the clock between steps. That is not enough when one call takes long: compiling a large graph, posting it
to CP-SAT, an endless step of a plugin. ``interrupting(task)`` marks such a block. Python raises the exception between
two bytecodes, as it does for Ctrl-C. A single call into C++ still runs to its end.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any, Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., object])

GRACE = 0.1
"""Seconds that a block may go on after its task is over, so that it can end by itself and keep its results."""

POLL = 0.05
"""Seconds between two checks of the open blocks."""


class OutOfTime(BaseException):
    """The task of an ``interrupting`` block is over. ``except Exception`` does not catch it."""


class Limited(Protocol):
    """An object with a limit, such as a ``Task``. Another thread reads ``over``."""

    @property
    def over(self) -> bool:
        """Whether time is up or the run was cancelled."""


class interrupting:  # lower case, as it is used like a function of contextlib
    """Mark a block that is interrupted ``grace`` seconds after its task is over.

    The exception is raised once per block. It is not raised during an import, which would leave a module half loaded.

    Args:
        task: with the limit.
        grace: seconds that the block may go on.

    Raises:
        OutOfTime: inside the block, or at its beginning or end.

    Example::

        try:
            with interrupting(task):
                compile_problems(problems)
        except OutOfTime:
            ...
    """

    def __init__(self, task: Limited, grace: float = GRACE) -> None:
        self.task, self.grace = task, grace
        self.thread = threading.get_ident()
        self.over_since: float | None = None

    def __enter__(self) -> None:
        _watchdog.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _watchdog.remove(self)


class _Watchdog:
    """The thread that checks all open blocks. It starts with the first block and sleeps while there is none."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a finaliser may run, and call ``repeat``, while its thread holds it
        self.some = threading.Event()
        self.blocks: list[interrupting] = []
        self.interrupted: list[interrupting] = []  # that have not ended yet
        self.started = False

    def add(self, block: interrupting) -> None:
        with self.lock:
            self.blocks.append(block)
            if not self.started:
                self.started = True
                _hook_swallowed()
                threading.Thread(target=self._watch, name="mull-watchdog", daemon=True).start()
        if not self.some.is_set():
            self.some.set()

    def remove(self, block: interrupting) -> None:
        with self.lock:
            if block in self.blocks:
                self.blocks.remove(block)
            elif block in self.interrupted:
                self.interrupted.remove(block)
                _raise_in(block.thread, None)  # if the block ended before the exception was raised

    def repeat(self, thread: int) -> None:
        """Interrupt the open blocks of a thread once more."""
        with self.lock:
            missed = [block for block in self.interrupted if block.thread == thread]
            self.interrupted = [block for block in self.interrupted if block.thread != thread]
            self.blocks += missed
        if missed:
            self.some.set()

    def _watch(self) -> None:
        while True:
            self.some.wait()
            time.sleep(POLL)
            with self.lock:
                self.blocks = [block for block in self.blocks if not self._ended(block)]
                if not self.blocks:
                    self.some.clear()

    def _ended(self, block: interrupting) -> bool:
        """Whether the block is over; interrupts it if so."""
        try:
            over = block.task.over
        except Exception:  # a caller's clock or ``cancelled`` failed; the caller's thread reports the same error
            return False
        now = time.monotonic()
        if not over:
            block.over_since = None
        elif block.over_since is None:
            block.over_since = now
        elif now - block.over_since >= block.grace and not _must_end(block.thread):
            self.interrupted.append(block)
            _raise_in(block.thread, OutOfTime)
            return True
        return False


def _hook_swallowed() -> None:
    """Raise the exception again where Python swallows it: in a finaliser, or in a callback of the garbage collector."""
    reported = sys.unraisablehook

    def hook(swallowed: sys.UnraisableHookArgs) -> None:
        if swallowed.exc_type is not OutOfTime:
            reported(swallowed)
        else:
            _watchdog.repeat(threading.get_ident())

    sys.unraisablehook = hook


_whole: set[CodeType] = {
    function.__code__
    for function in (
        threading.Condition.__enter__,
        threading.Condition.notify,
        threading.Event.clear,
        threading.Event.set,
        threading.Thread.start,
    )
}
"""The functions that are not interrupted. Those of ``threading`` would leave a lock behind that nobody releases, or a thread
that nobody knows."""


def uninterrupted(function: F) -> F:
    """Mark a short function in which ``OutOfTime`` is not raised; the exception follows after it.

    Args:
        function: plain Python. It ends by itself within a fraction of a second.
    """
    code: Any = function
    _whole.add(code.__code__)
    return function


def _must_end(thread: int) -> bool:
    """Whether a thread is inside an import or an uninterrupted function."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code in _whole or frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in another thread at its next bytecode; None cancels one that is pending."""
    what = ctypes.py_object() if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def _renew() -> None:
    global _watchdog
    _watchdog = _Watchdog()


_watchdog = _Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)  # threads do not survive a fork
