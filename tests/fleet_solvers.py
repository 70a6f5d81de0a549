"""For tests of fleets: problems, solvers whose process does not survive a problem, and a crew without processes."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from mull.engine import AllDifferent, Budget, Compare, ConstraintGraph, Problem, Solution, Task
from mull.engine.fleet import WorkerEvent
from mull.engine.fleet.work import Work, Worker
from mull.solvers.cpsat import CpSat

STEPS = Task(Budget(None, iterations=3000), seed=4)


def small(count: int, once: Sequence[int] = (), always: Sequence[int] = ()) -> list[Problem]:
    """Small problems that differ in a given; some have a given named ``fatal``: 1 or 2."""
    problems = []
    for i in range(count):
        domains = {"a": range(50), "b": range(50), "c": range(50), "fatal": (0, 1, 2)}
        rules = [AllDifferent(("a", "b", "c")), Compare("a", "<", "b"), Compare("fatal", "<=", "a")]
        fatal = {"fatal": 1 + (i in always)} if i in once or i in always else {}
        problems.append(Problem(ConstraintGraph(domains, rules), {"c": i % 50, **fatal}))
    return problems


class Fatal(CpSat):
    """Ends its process at problems whose given ``fatal`` is 1 (once) or 2 (always), as a fault in compiled code would."""

    name: ClassVar[str] = "fatal"
    folder: str = Field("", description="folder in which a file marks that a problem has ended a process")

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        for i, problem in enumerate(problems):
            mark, fatal = Path(self.folder, problem.digest), problem.givens.get("fatal", 0)
            if fatal == 2 or (fatal and not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            for _, solution in super().run([problem], task):
                yield i, solution


class Slow(CpSat):
    """Never answers problems with a given named ``fatal``."""

    name: ClassVar[str] = "slow"

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        if any("fatal" in problem.givens for problem in problems):
            time.sleep(600)
        yield from super().run(problems, task)


class Unloadable(CpSat):
    """Cannot be made in another process."""

    name: ClassVar[str] = "unloadable"

    def __setstate__(self, state: Any) -> None:
        raise ImportError("no such library")


class Cancelled:
    """A task that is cancelled after some answers, and the answers that arrived.

    Args:
        after: number of answers.
    """

    def __init__(self, after: int) -> None:
        self.arrived: list[Solution] = []
        self.task = replace(STEPS, cancelled=lambda: len(self.arrived) >= after)


class InlineCrew:
    """A crew whose workers are in this process, one chunk at a time.

    Args:
        size: number of workers.
        fatal: whether a worker ends at problems with a given named ``fatal``.
    """

    device = "cpu"

    def __init__(self, size: int = 2, fatal: bool = False) -> None:
        self.size, self.fatal = size, fatal
        self.setup = b""
        self.workers: dict[int, Worker] = {}
        self.events: list[WorkerEvent] = []
        self.chunks: list[tuple[int, bytes]] = []
        self.closed = False

    def start(self, setup: bytes) -> None:
        self.setup = setup
        for worker in range(self.size):
            self.restart(worker)

    def restart(self, worker: int) -> None:
        self.workers[worker] = Worker(self.setup, self.device)
        self.events.append(WorkerEvent(worker, b""))

    def submit(self, worker: int, work: bytes) -> None:
        self.chunks.append((worker, work))

    def wait(self, seconds: float) -> Sequence[WorkerEvent]:
        if not self.events and self.chunks:
            worker, work = self.chunks.pop(0)
            if self.fatal and any("fatal" in state["givens"] for state in Work(*pickle.loads(work)).states):
                return [WorkerEvent(worker, None, "it was ended by a test")]
            return [WorkerEvent(worker, self.workers[worker].solve(work))]
        events, self.events = self.events, []
        return events

    def close(self) -> None:
        self.closed = True
