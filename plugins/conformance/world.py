"""What a solver leaves behind: nothing but its answers."""

from __future__ import annotations

import io
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np
import torch

from ...engine.solver import AbstractSolver
from .base import hold, run
from .problems import supported

WATCHED: dict[str, Callable[[], Any]] = {
    "torch's random state": lambda: torch.get_rng_state().numpy().tobytes(),
    "Python's random state": random.getstate,
    "numpy's random state": lambda: str(np.random.get_state()),
    "torch's default dtype": torch.get_default_dtype,
    "torch's default device": torch.get_default_device,
    "torch's threads": torch.get_num_threads,
    "torch's gradient mode": torch.is_grad_enabled,
    "torch's deterministic mode": torch.are_deterministic_algorithms_enabled,
    "torch's matmul precision": torch.get_float32_matmul_precision,
    "the environment": lambda: dict(os.environ),
    "the working directory": os.getcwd,
    "the warnings' filters": lambda: list(warnings.filters),
    "the import path": lambda: list(sys.path),
    "who handles Ctrl-C": lambda: signal.getsignal(signal.SIGINT),
}
"""What -> how it is now."""
IMPORTING = ("the environment", "the import path")
"""What a library may change when it is first used: watched, as threads are (torch keeps one that compiles), from the second run on."""


def leaves_the_world_alone(solver: type[AbstractSolver]) -> None:
    """A run changes no global state, starts no thread that outlives it, writes no file and prints nothing."""
    made = solver()
    mine = supported(made)
    before = {what: look() for what, look in WATCHED.items()}
    with warnings.catch_warnings():  # libraries set filters when they are imported, which is not the run's doing
        run(made, mine[:1], iterations=3)
    before |= {what: WATCHED[what]() for what in IMPORTING}
    threads = set(threading.enumerate())
    said = io.StringIO()
    with redirect_stdout(said), _deeds() as done:
        run(solver(), mine, iterations=50)
    for what, look in WATCHED.items():
        hold(look() == before[what], f"a run leaves alone {what}")
    # Others may end meanwhile: a cancelled timer of an import takes its time.
    hold(set(threading.enumerate()) <= threads, "a run leaves no thread behind")
    hold(not said.getvalue(), f"nothing is printed, not {said.getvalue()[:40]!r}")
    hold(not done, f"nothing is written, started or sent: {', '.join(done[:3])}")


_watching: list[list[str]] = []
"""Who wants to know of deeds now. An audit hook cannot be taken away again, so there is one for all."""


@contextmanager
def _deeds() -> Iterator[list[str]]:
    """What this process does to files, processes and the network meanwhile."""
    if not getattr(_audit, "hooked", False):
        sys.addaudithook(_audit)
        _audit.hooked = True  # type: ignore[attr-defined]
    done: list[str] = []
    _watching.append(done)
    try:
        yield done
    finally:
        _watching.remove(done)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = any(sign in mode for sign in "wax+") if mode else flags & (os.O_WRONLY | os.O_RDWR)
        if not writes or not isinstance(path, str | bytes):
            return
    elif event not in DEEDS:
        return
    what = str(arguments[0])
    # Compiled code that Python and numba keep for the next time, and what is thrown away, are no effect.
    if "__pycache__" not in what and os.devnull not in what:
        for done in _watching:
            done.append(f"{event} {what}")


DEEDS = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "subprocess.Popen", "os.system", "socket.connect"}
"""Events of Python's audit, beside the opening of a file to write, that leave a mark."""
