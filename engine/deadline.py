"""A time limit that holds inside long calls: a watchdog thread raises ``OutOfTime`` in the thread that overstays.

The loop looks at the clock between steps. That is not enough where one call takes long: compiling a large graph,
posting it to CP-SAT, a plugin's endless step. ``interrupting(task)`` marks such a block. Python delivers the exception
between two bytecodes, as it delivers Ctrl-C. A single call into C++ still runs to its end.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from types import TracebackType
from typing import Protocol

GRACE = 0.1
"""Seconds that a block may go on after its task is over, so that it can end by itself and keep what it found."""

POLL = 0.05
"""Seconds between two looks at the open blocks."""


class OutOfTime(BaseException):
    """An ``interrupting`` block's task is over. Not an ``Exception``, so that a plugin does not catch it by chance."""


class Limited(Protocol):
    """What has a limit; a ``Task`` is one. ``over`` is read in another thread."""

    @property
    def over(self) -> bool:
        """Whether time is up or somebody asked to stop."""


class interrupting:  # used like a function, as the managers of contextlib are
    """Mark a block that is abandoned ``grace`` seconds after its task is over.

    The exception is raised once in a block. It is not raised during an import, which would leave a module half loaded.

    Args:
        task: what has the limit.
        grace: seconds.

    Raises:
        OutOfTime: inside the block, or where it begins or ends.

    Example::

        try:
            with interrupting(task):
                compile_problems(problems)
        except OutOfTime:
            ...
    """

    def __init__(self, task: Limited, grace: float = GRACE) -> None:
        self.task, self.grace = task, grace
        self.raised = False
        self.thread = threading.get_ident()
        self.over_since: float | None = None

    def __enter__(self) -> None:
        _watchdog.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _watchdog.remove(self)


class _Watchdog:
    """The thread that looks at all open blocks. It starts with the first block and sleeps while there is none."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.some = threading.Event()
        self.blocks: list[interrupting] = []
        self.started = False

    def add(self, block: interrupting) -> None:
        with self.lock:
            self.blocks.append(block)
            if not self.started:
                self.started = True
                threading.Thread(target=self._watch, name="mull-watchdog", daemon=True).start()
        if not self.some.is_set():
            self.some.set()

    def remove(self, block: interrupting) -> None:
        with self.lock:
            if block in self.blocks:
                self.blocks.remove(block)
            elif block.raised:
                _raise_in(block.thread, None)  # where the block ended before the exception was delivered

    def _watch(self) -> None:
        while True:
            self.some.wait()
            time.sleep(POLL)
            with self.lock:
                self.blocks = [block for block in self.blocks if not self._ended(block)]
                if not self.blocks:
                    self.some.clear()

    @staticmethod
    def _ended(block: interrupting) -> bool:
        """Whether the block was interrupted now."""
        try:
            over = block.task.over
        except (
            Exception
        ):  # a caller's clock or ``cancelled`` failed: it fails in the caller's thread too, where it is reported
            return False
        now = time.monotonic()
        if not over:
            block.over_since = None
        elif block.over_since is None:
            block.over_since = now
        elif now - block.over_since >= block.grace and not _imports(block.thread):
            block.raised = True
            _raise_in(block.thread, OutOfTime)
        return block.raised


def _imports(thread: int) -> bool:
    """Whether a thread is inside an import."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in another thread at its next bytecode; None takes back one that is not delivered yet."""
    what = ctypes.py_object() if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def _renew() -> None:
    global _watchdog
    _watchdog = _Watchdog()


_watchdog = _Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)  # threads do not survive a fork
