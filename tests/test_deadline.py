"""Limits: every solver and every phase ends soon after time is up or the run is cancelled."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from pydantic import Field
from torch import Tensor

import mull
from mull.engine import (
    Budget,
    Clause,
    ConstraintGraph,
    Info,
    Instance,
    Problem,
    Random,
    Solution,
    Solver,
    Status,
    Task,
    WholeSolver,
    deadline,
    solve,
)
from mull.engine.deadline import OutOfTime, interrupting
from mull.problems import load


def spin() -> None:
    """Compute endlessly in short calls, as a long phase does."""
    for _ in count():
        pass


class Endless(Solver):
    """A solver with one call that never ends."""

    name: ClassVar[str] = "endless"
    where: str = "step"

    reached: Any = Field(default_factory=threading.Event, exclude=True)

    def _maybe(self, where: str) -> None:
        if where == self.where:
            self.reached.set()
            spin()

    def supports(self, graph: ConstraintGraph) -> str | None:
        self._maybe("supports")
        return None

    def init(self, instance: Instance, random: Random) -> Tensor:
        self._maybe("init")
        return torch.zeros(len(instance.allowed))

    def step(self, instance: Instance, state: Tensor) -> tuple[Tensor, Info]:
        if state[0] == 5:
            self._maybe("later step")
        self._maybe("step")
        return state + 1, Info(torch.ones_like(state), torch.ones_like(state))

    def decode(self, instance: Instance, state: Tensor) -> Tensor:
        self._maybe("decode")
        return instance.allowed.long().argmax(-1)


class EndlessWhole(WholeSolver):
    """Answers the first problem and never the second."""

    name: ClassVar[str] = "endless-whole"

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        yield 0, Solution(problems[0], self.name, Status.UNSOLVED)
        spin()


HARD = load("queens:3")[0]


@pytest.mark.parametrize("where", ["supports", "init", "step", "later step", "decode"])
def test_a_call_without_end_is_interrupted(where: str) -> None:
    solver = Endless(where=where)
    (solution,) = solve([HARD], solver, Task(Budget(seconds=None), cancelled=solver.reached.is_set))
    assert solution.status is Status.CANCELLED
    if where == "later step":  # what was found before is kept
        assert solution.violations > 0
        assert solution.iterations == 5
    else:
        assert "time was up" in solution.detail


def test_a_step_without_end_is_interrupted_by_the_limit() -> None:
    (solution,) = solve([HARD], Endless(where="step"), Task(Budget(seconds=0.3)))
    assert solution.status is Status.UNSOLVED


def test_a_whole_solver_without_end_is_interrupted() -> None:
    first, second = solve([HARD, HARD], EndlessWhole(), Task(Budget(seconds=0.3)))
    assert first.detail == ""
    assert second.status is Status.UNSOLVED
    assert "did not end by itself" in second.detail


class Over:
    """A limit that is reached."""

    over = True


def test_an_exception_that_a_finaliser_swallows_is_raised_again() -> None:
    """Python reports what a finaliser raises, and goes on."""

    class Endless:
        def __del__(self) -> None:
            spin()

    def wait() -> None:
        thing = Endless()
        del thing
        spin()

    with pytest.raises(OutOfTime), interrupting(Over(), grace=0):
        wait()


def test_no_exception_is_raised_after_the_block() -> None:
    """The block ends by itself repeatedly, until the watchdog checks during one."""
    block = interrupting(Over(), grace=0)
    place = ""
    try:
        while True:
            place = "inside"
            with block:
                pass
            place = "behind"
            for _ in range(100):
                pass
    except OutOfTime:
        assert place == "inside"
    for _ in range(100_000):  # one that was still on its way would arrive here
        pass


def test_blocks_may_be_nested() -> None:
    def inner() -> str:
        try:
            with interrupting(Over()):
                spin()
        except OutOfTime:
            return "inner"
        return "nobody"

    with interrupting(Task(Budget(seconds=60))):
        assert inner() == "inner"


def test_a_lock_that_is_being_taken_is_not_left_behind() -> None:
    """``Condition`` takes its lock in Python code: an exception between two of its bytecodes would leave it locked."""
    condition = threading.Condition()
    started = threading.Event()

    def take() -> None:
        started.set()
        with condition:
            pass

    def takes(thread: threading.Thread) -> bool:
        frame = sys._current_frames().get(thread.ident or 0)
        return frame is not None and frame.f_code is threading.Condition.__enter__.__code__

    with condition:
        thread = threading.Thread(target=take)
        thread.start()
        started.wait()
        while not takes(thread):
            pass
        assert deadline._must_end(thread.ident or 0)
    thread.join()
    assert not deadline._must_end(threading.get_ident())


def test_an_import_is_not_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half loaded module would break every later import of it."""
    (tmp_path / "slow_to_import.py").write_text(
        "import time\nuntil = time.monotonic() + 0.5\nwhile time.monotonic() < until:\n    pass\nwhole = True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def load_and_go_on() -> None:
        with interrupting(Over()):
            importlib.import_module("slow_to_import")
            spin()

    with pytest.raises(OutOfTime):
        load_and_go_on()
    assert sys.modules["slow_to_import"].whole


class Ticking:
    """A clock that each step of a solver advances by a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


STEPPING = ["descent", "meanfield", "probsat", "tabu", "looped", "trm", "hrm", "gram", "ebt"]
IMPOSSIBLE = "12345678." + "." * 27 + "........9" + "." * 36
"""The last cell of the first row must be 9, and a 9 is below it: no solver with steps can prove that."""


def clauses() -> Problem:
    """Clauses of which one is always violated."""
    literals = [(("a", a), ("b", b)) for a in (0, 1) for b in (0, 1)]
    return Problem(ConstraintGraph(dict.fromkeys("ab", (0, 1)), [Clause(each) for each in literals]))


@pytest.fixture
def impossible(tmp_path: Path) -> Problem:
    path = tmp_path / "board.txt"
    path.write_text(IMPOSSIBLE)
    return load(str(path))[0]


@pytest.mark.parametrize("name", STEPPING)
def test_the_limit_is_checked_between_steps(name: str, impossible: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that counts steps, the call ends with the step in which time is up."""
    clock = Ticking()
    solver = mull.solver(name)
    assert isinstance(solver, Solver)
    kind = type(solver)
    step = kind.step

    def counted(self: Any, instance: Any, state: Any) -> Any:
        clock.now += 1
        return step(self, instance, state)

    def advanced(self: Any, instance: Any, state: Any, steps: int, over: Any) -> Any:
        clock.now += 1
        return advance(self, instance, state, 1, over)

    advance = kind.advance
    if advance is Solver.advance:
        monkeypatch.setattr(kind, "step", counted)
    else:  # a compiled search: the clock counts the calls of its kernel
        monkeypatch.setattr(kind, "advance", advanced)
    monkeypatch.setattr(kind, "check_every", 50)
    task = Task(Budget(seconds=3), started=0.0, clock=clock)
    (solution,) = solve([clauses() if name == "probsat" else impossible], solver, task)
    assert solution.status is Status.UNSOLVED
    assert 3 <= clock.now <= 4


class Jumping:
    """A clock that passes every limit at its n-th reading, so that time is up in each phase in turn."""

    def __init__(self, reading: int) -> None:
        self.reading, self.read = reading, 0

    def __call__(self) -> float:
        if threading.current_thread() is threading.main_thread():  # and not in the watchdog
            self.read += 1
        return 0.0 if self.read < self.reading else 1e6


@pytest.mark.parametrize("reading", range(1, 16))
@pytest.mark.parametrize("name", ["cpsat", "auto", "localsearch"])
def test_time_may_be_up_in_any_phase(name: str, reading: int, impossible: Problem) -> None:
    """A phase that ignored the limit would read the clock many more times."""
    clock = Jumping(reading)
    task = Task(Budget(seconds=1000), started=0.0, clock=clock)
    (solution,) = solve([impossible], mull.solver(name), task)
    assert solution.status in (Status.UNSOLVED, Status.UNSATISFIABLE)
    assert clock.read < reading + 60
