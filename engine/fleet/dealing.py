"""The driver of a fleet: it deals chunks by size, and deals a chunk again whose process has ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..chunks import chunks, task_of_chunk
from ..conclude import conclude, unanswered
from ..errors import MullError
from ..garbage import gc_frozen
from ..problem import Problem
from ..solution import Solution
from ..solver import AbstractSolver
from ..status import Status
from ..task import Progress, Task
from .crew import MOST_LOST, Crew
from .work import ALONE, packed_setup, packed_work, unpacked_answers

POLL = 0.2
"""Seconds between two checks for Ctrl-C and the limit."""

LATE = 10.0
"""Seconds that processes may go on after the limit before they are stopped."""


@dataclass
class Round:
    """The chunks of one round of a call. Mutable, private to the driver.

    Args:
        waiting: chunks that no process has, the largest last.
        share: seconds of a problem.
        running: chunk of each worker that has one.
        lost: number of processes that ended with a chunk, by the position of its first problem.
        late: unsolved problems whose chunk has used up its share.
    """

    waiting: list[Sequence[int]]
    running: dict[int, Sequence[int]] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)
    late: dict[int, Solution] = field(default_factory=dict)


class Fleet:
    """A crew as ``solve`` uses it.

    Args:
        crew: not started yet. It is closed at the end of the call.

    Example:
        >>> solve(problems, solver, task, fleet=Fleet(LocalCrew(("cuda:0", "cuda:1"))))
    """

    def __init__(self, crew: Crew) -> None:
        self.crew = crew

    def __str__(self) -> str:
        return str(self.crew)

    def answers(
        self, problems: Sequence[Problem], solver: AbstractSolver, task: Task
    ) -> Iterator[tuple[int, Solution]]:
        """Solve problems by the crew.

        Each problem has its share of the time, and unused time goes to the problems that are still unsolved, as in one
        process.

        Args:
            problems: of the call.
            solver: not bound yet.
            task: of the call; its device is of the kind that the processes have.

        Yields:
            (position, final solution), each position once.

        Raises:
            MullError: the processes cannot start, or a chunk cannot be sent to them.
        """
        try:
            self.crew.start(packed_setup(solver, task))
            with gc_frozen():
                yield from _Dealer(problems, solver, task, self.crew).answers()
        finally:
            self.crew.close()


class _Dealer:
    """The state of a call. Mutable."""

    def __init__(self, problems: Sequence[Problem], solver: AbstractSolver, task: Task, crew: Crew) -> None:
        self.problems, self.solver, self.task, self.crew = problems, solver, task, crew
        self.idle: list[int] = []
        self.failed_starts = 0  # in a row: processes that ended before they solved a chunk
        self.answered = 0

    def answers(self) -> Iterator[tuple[int, Solution]]:
        pending: Sequence[int] = range(len(self.problems))
        share = 0.0
        while pending:
            share = max(2 * share, self.task.remaining * self.crew.size / len(pending))
            groups = chunks(self.problems, pending, self.solver, self.task)
            # Of equal ones the first is dealt first: a caller may print the answers in the order of the problems.
            current = Round(sorted(groups, key=self._work, reverse=True)[::-1])
            yield from self._round(current)
            late = current.late
            again = self.task.remaining * self.crew.size / len(late) if late else 0.0
            if late and not self.task.over and again >= 2 * share:
                pending = list(late)
                continue
            yield from late.items()
            return

    def _work(self, members: Sequence[int]) -> int:
        return sum(self.problems[i].graph.literals for i in members)

    def _round(self, current: Round) -> Iterator[tuple[int, Solution]]:
        """Deal the chunks of a round until all are answered, or the call is over."""
        while current.waiting or current.running:
            if self.task.cancelled() or self.task.remaining < -LATE:
                break
            while self.idle and current.waiting and not self.task.over:
                self._submit(current, self.idle.pop())
            if self.task.over and not current.running:
                break
            for worker, data, cause in self.crew.wait(POLL):
                if data is None:
                    yield from self._lost(current, worker, cause)
                    continue
                self.idle.append(worker)
                if worker in current.running:
                    yield from self._collected(current, current.running.pop(worker), data)
        for members in (*current.running.values(), *current.waiting):
            yield from ((i, self._missing(i)) for i in members)

    def _submit(self, current: Round, worker: int) -> None:
        members = current.running[worker] = current.waiting.pop()
        open_ = sum(map(len, (members, *current.waiting)))
        seconds = self.task.remaining * min(1.0, self.crew.size * len(members) / open_)
        batch = task_of_chunk(self.task, members, len(self.problems)).budget.batch
        mine = [self.problems[i] for i in members]
        self.crew.submit(worker, packed_work(mine, batch, self.task.elapsed, seconds))

    def _collected(self, current: Round, members: Sequence[int], data: bytes) -> Iterator[tuple[int, Solution]]:
        """The answers of a chunk; those that more time may improve wait for the next round."""
        self.failed_starts = 0
        for n, solution, late in unpacked_answers(data, [self.problems[i] for i in members]):
            if late and solution.status is Status.UNSOLVED and not self.task.over:
                current.late[members[n]] = solution
            else:
                self.answered += 1
                yield members[n], solution
        if self.task.on_progress is not None:
            rest = current.waiting or list(current.running.values())
            first = self.problems[rest[-1][0] if rest else members[0]]
            total = len(self.problems)
            self.task.on_progress(Progress(self.solver.name, 0, self.answered, total, -1, first, dict))

    def _lost(self, current: Round, worker: int, cause: str) -> Iterator[tuple[int, Solution]]:
        """Start a process again that has ended, and deal its chunk again, unless this has happened too often.

        Raises:
            MullError: processes end again and again at their start.
        """
        members = current.running.pop(worker, None)
        self.idle = [other for other in self.idle if other != worker]
        if members is None:
            self.failed_starts += 1
            if self.failed_starts >= MOST_LOST:
                raise MullError(f"the worker processes do not start: {cause}", ALONE)
        else:
            lost = current.lost[members[0]] = current.lost.get(members[0], 0) + 1
            if lost < MOST_LOST:
                self.task.on_notice(f"worker {worker} ended ({cause}): its {len(members)} problems are solved again")
                current.waiting.append(members)
            else:
                detail = f"{lost} processes ended while they solved a chunk with this problem; the last: {cause}"
                for i in members:
                    self.answered += 1
                    yield i, conclude(self.problems[i], self.solver, self.task, Status.FAILED, detail)
        self.crew.restart(worker)

    def _missing(self, i: int) -> Solution:
        text = "cancelled" if self.task.cancelled() else "time was up"
        return unanswered(self.problems[i], self.solver, self.task, f"{text} before its chunk was answered")
