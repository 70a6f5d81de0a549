"""The check that a solver has no side effects."""

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

from ...engine.moves.code_cache import cache_folder
from ...engine.solver import AbstractSolver
from .base import check, require, run
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
    "the handler of Ctrl-C": lambda: signal.getsignal(signal.SIGINT),
}
"""Name of a global state -> function that reads it."""
ON_FIRST_USE = ("the environment", "the import path")
"""Global states that a library may change at its first use. They are compared from the second run on.

So are threads: torch has one for compilation."""
EVENTS = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "subprocess.Popen", "os.system", "socket.connect"}
"""Events of Python's audit that are side effects. Opening a file to write is one more."""


@check
def has_no_side_effects(solver: type[AbstractSolver]) -> None:
    """A run changes no global state, leaves no thread running, writes no file and prints nothing."""
    made = solver()
    mine = supported(made)
    before = {what: read() for what, read in WATCHED.items()}
    with warnings.catch_warnings():  # libraries set filters when they are imported; that is not an effect of the run
        run(made, mine[:1], iterations=3)
    # A first short run loads and compiles everything, so that the second run shows only effects of the solver.
    before |= {what: WATCHED[what]() for what in ON_FIRST_USE}
    threads = set(threading.enumerate())
    printed = io.StringIO()
    with redirect_stdout(printed), _effects() as effects:
        run(solver(), mine, iterations=50)
    for what, read in WATCHED.items():
        require(
            read() == before[what],
            f"{what} to be the same after a run",
            "it has changed",
            "use the Random of init for random numbers, and restore other settings in the same call",
        )
    # Threads of earlier imports may end during the run: a cancelled timer takes some time.
    started = [thread.name for thread in threading.enumerate() if thread not in threads]
    require(not started, "no new thread after a run", ", ".join(started), "join every thread that the solver starts")
    require(
        not printed.getvalue(),
        "nothing printed",
        repr(printed.getvalue()[:40]),
        "return text in Solution.detail instead",
    )
    require(
        not effects,
        "no file written, process started or connection opened",
        ", ".join(effects[:3]),
        "keep all results in the state and the Solution",
    )


_recorders: list[list[str]] = []
"""Lists to which the audit hook appends. Python cannot remove an audit hook, so the module adds only one."""


@contextmanager
def _effects() -> Iterator[list[str]]:
    """Record what this process does to files, processes and the network."""
    if not getattr(_audit, "hooked", False):
        sys.addaudithook(_audit)
        _audit.hooked = True  # type: ignore[attr-defined]
    effects: list[str] = []
    _recorders.append(effects)
    try:
        yield effects
    finally:
        _recorders.remove(effects)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _recorders:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wax+") if mode else flags & (os.O_WRONLY | os.O_RDWR)
        if not writes or not isinstance(path, str | bytes):
            return
    elif event not in EVENTS:
        return
    what = str(arguments[0])
    # The caches of compiled code that Python and mull write are allowed, and so is the null device.
    if not any(each in what for each in ("__pycache__", str(cache_folder()), os.devnull)):
        for effects in _recorders:
            effects.append(f"{event} {what}")
