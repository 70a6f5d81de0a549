"""Heartbeats of the processes of a training: if one process fails or stops to respond, all others end with its error.

Without them a process waits for the gradients of a lost one until the timeout of the collective, which is ten minutes
or more, and does not state why.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

from ..errors import MullError

BEAT = 1.0
"""Seconds between two beats."""

SILENT = 40.0
"""Seconds without a beat after which a process counts as lost. Beats come from a thread: only a call that keeps the
interpreter's lock delays them."""

BROKEN = 5.0
"""The same once a connection to another process is known to be closed."""

HEARD = 5.0
"""Seconds that a failed process waits until the others have read its error."""


class Heartbeat:
    """The beats of this process, and the watch over those of the others. Mutable; it has a thread of its own.

    Args:
        store: a store of ``torch.distributed`` that all processes reach; no other thread uses this object.
        rank: number of this process.
        count: number of processes.
    """

    def __init__(self, store: Any, rank: int, count: int) -> None:
        self.rank, self.count = rank, count
        self._store = store
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._silent = SILENT
        self._seen = {other: ("", time.monotonic()) for other in range(count) if other != rank}
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start to beat and to watch."""
        self._thread.start()

    def fail(self, error: BaseException) -> None:
        """State that this process ends with an error, and wait until the others have read it.

        Args:
            error: of this process. One that only reports the loss of another process waits for the cause instead: the
                watch then ends this process.

        Raises:
            MullError: another process failed before.
        """
        if _by_loss(error):
            self._silent = BROKEN
            self._thread.join(2 * BROKEN)  # the watch ends the program once the cause is found
        mine = f"process {self.rank}: {_described(error)}"
        with suppress(RuntimeError):  # a lost store
            first = self._ask("compare_set", "failed", "", mine).decode()
            if first not in ("", mine):
                raise MullError(f"the training has failed in {first}", "see the output of that process")
            self._over.set()
            others = [f"heard/{other}" for other in self._seen]
            with self._lock:
                self._store.wait(others, timedelta(seconds=HEARD))

    def leave(self) -> None:
        """End the beats: the training is over. Process 0 may hold the store, so it waits for the others."""
        self._over.set()
        with suppress(RuntimeError):
            self._ask("set", f"left/{self.rank}", "")
            if self.rank == 0:
                with self._lock:
                    self._store.wait([f"left/{other}" for other in self._seen], timedelta(seconds=SILENT))

    def _ask(self, method: str, *arguments: Any) -> Any:
        with self._lock:
            return getattr(self._store, method)(*arguments)

    def _run(self) -> None:
        try:
            beats = 0
            while not self._over.wait(BEAT):
                beats += 1
                self._ask("set", f"beat/{self.rank}", str(beats))
                self._watch()
        except RuntimeError as error:
            if not self._over.is_set():
                self._end(f"the connection to the other processes is lost: {str(error).splitlines()[0]}")

    def _watch(self) -> None:
        """End this process if another one has failed or is silent."""
        if self._ask("check", ["failed"]):
            self._ask("set", f"heard/{self.rank}", "")
            self._end(f"the training has failed in {self._ask('get', 'failed').decode()}")
        for other, (last, since) in self._seen.items():
            present = self._ask("check", [f"beat/{other}"])
            beat = self._ask("get", f"beat/{other}").decode() if present else ""
            if beat != last or self._ask("check", [f"left/{other}"]):
                self._seen[other] = beat, time.monotonic()
            elif time.monotonic() - since > self._silent:
                self._end(f"the training has failed: process {other} has not responded for {self._silent:g} s")

    def _end(self, text: str) -> None:
        """End the program, also while its main thread waits for another process in a call that nothing interrupts."""
        if not self._over.is_set():
            print(f"error: {text}", file=sys.stderr, flush=True)
            os._exit(1)


def _described(error: BaseException) -> str:
    """The error as one line, with its hint."""
    text = str(error) or type(error).__name__
    hint = getattr(error, "hint", "")
    return f"{text}; hint: {hint}" if hint else text


def _by_loss(error: BaseException) -> bool:
    """Whether an error states that the connection to another process is lost."""
    return isinstance(error, RuntimeError) and any(word in str(error) for word in ("gloo", "NCCL", "ncclRemoteError"))
