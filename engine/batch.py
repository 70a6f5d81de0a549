"""One batch of the loop: step, check, keep the best, restart rows with wrong answers, drop problems that are done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from . import rows
from .allowance import left
from .beliefs import Beliefs
from .conclude import unanswered
from .deadline import OutOfTime, interrupting, uninterrupted
from .incumbent import NOTHING, Found, Incumbent, checked, counted, require_shapes
from .solution import Solution
from .solver import Info, Solver
from .state import Array, is_tensor, put_rows, select_rows, to_numpy
from .status import Status
from .task import Progress, Task
from .trace import TraceBuffer
from .values import Assignment

if TYPE_CHECKING:
    from .loop import Trial
    from .problem import Problem

TOO_EARLY = "time was up before the first step ended"


@dataclass
class Run:
    """Data that the batches of one call share. Mutable, private to the loop.

    Args:
        solver: bound to all of the problems.
        trials: of the call; batches name them by position.
        spent: solving seconds by position, over all tries.
        rows: the most rows that fit into memory; None until memory has run out.
    """

    solver: Solver
    trials: Sequence[Trial]
    spent: list[float]
    rows: int | None = None


class Batch:
    """P problems with R copies each: copy c of problem p is row p * R + c. Mutable, private to the loop.

    Args:
        run: of the call.
        members: positions of the batch's trials.
        task: with the batch's share of the time.
    """

    def __init__(self, run: Run, members: Sequence[int], task: Task) -> None:
        self.call, self.solver, self.task = run, run.solver, task
        self.mark = task.clock()
        self.members = list(members)
        self.problems = [run.trials[i].problem for i in members]
        self.total = count = len(members)
        self.iteration = 0
        self.info: Info | None = None  # of the last step
        self.interrupted = False  # a call passed the limit: the state may be incomplete, the incumbent is not
        self.copies = self._copies()
        self.schedule = [(0, self.copies)]  # (first iteration, copies) for each number of copies
        self.done = np.zeros(count, dtype=bool)
        self.starts = np.ones((count, self.copies), dtype=np.int64)
        self.instance = self.solver.compile(self.problems, self.copies, task.device)
        self.instance.notices.connect(task.on_notice)
        self.state = self.solver.init(self.instance, self.instance.streams(self._labels(range(count * self.copies))))
        to_the_end = self.solver.optimises == "trajectory"
        self.followed = to_numpy(self.instance.minimises[:: self.copies]) & to_the_end  # until all copies settle
        self.ended = np.zeros((count, self.copies), dtype=bool)  # copies that have settled since they started
        self.best = Incumbent.none(count, self.instance.shape[1])
        self.leading = np.arange(count) * self.copies  # [P] the best row of each problem at the last check
        self.improved = np.zeros(count, dtype=bool)  # followed problems with a cheaper solution since the last report
        self.viewed: tuple[Problem | None, np.ndarray, Assignment] = (None, np.empty(0), {})
        self.trace = TraceBuffer(count)
        self.kept: dict[int, Solution] = {}  # first answers of the trials that were restarted, by position

    def run(self) -> Iterator[tuple[int, Solution]]:
        """Yield (position, solution), each member once."""
        while True:
            holds, settled = self._round()
            self._charge()
            self._improve()
            self.ended |= settled
            answered = holds & (~self.followed | self.ended.all(1))
            over = self._exhausted()
            continued = self._refuse(answered & ~self.done & ~over)
            stuck = settled.all(1) & ~self._may_start()
            finished = ((answered | stuck) & ~continued | over) & ~self.done
            self._report(answered & ~continued)
            for p in finished.nonzero()[0].tolist():
                kept = None if holds[p] else self.kept.get(self.members[p])
                yield self.members[p], kept or self._solution(p, bool(holds[p]))
            self.mark = self.task.clock()  # the caller's time between two answers does not count
            self.done |= finished
            if self.done.all():
                return
            self._restart(settled & ~holds[:, None])
            if (
                2 * self.done.sum() >= len(self.done)
                or (self.task.budget.copies and self._copies() > self.copies)
                or (self._drops and self.done.any())
            ):
                self._compact()

    # Steps and checks -------------------------------------------------------------------------------------------------

    def _round(self) -> tuple[np.ndarray, np.ndarray]:
        """Take steps and check. Returns solved [P] by problem and settled [P, R] by copy."""
        if not self.interrupted:
            try:
                with interrupting(self.task):
                    info = self._advance()
                    self._charge()
                    return self._check(info)
            except OutOfTime:
                self.interrupted = True
                if self.info is not None and not self.trace.seen:  # some steps ended, none was checked
                    return self._check(self.info)
        return self.best.solved, np.zeros_like(self.ended)

    def _advance(self) -> Info:
        """Take the steps until the next check. Returns the info of the last one."""
        steps = self.solver.check_every
        if self.task.budget.iterations is not None:
            steps = min(steps, self.task.budget.iterations - self.iteration)
        while True:
            self.state, info, taken = self.solver.advance(self.instance, self.state, steps, self._over)
            self.info = info
            self.iteration += taken
            steps -= taken
            # Many steps between two checks may take longer than the limit. A check of counted violations costs little.
            if steps <= 0 or info.violations is not None or self.task.over:
                return info
            if self.trace.seen and self.task.wanted is not None and self.task.wanted():
                self._progressed(self.best.solved)

    def _over(self) -> bool:
        return self.task.over

    def _check(self, info: Info) -> tuple[np.ndarray, np.ndarray]:
        """Check the rows, keep each problem's best and a point of its trace. Returns solved [P], settled [P, R]."""
        count, copies = len(self.problems), self.copies
        found = counted(info, count, self.followed)
        if found is None:
            assignment = self.solver.decode(self.instance, self.state)
            require_shapes(self.instance.shape, info, assignment)
            found = checked(self.instance, assignment, info, count, self.followed, exact=self.solver.energy_is_exact)
            better = self.best.improved(found)
            assignment = assignment[found.row[better]]
        else:
            assignment, found, better = self._decoded(info, found)
        if better.any():
            seconds = np.array([self.call.spent[i] for i in self.members])
            self.best = self.best.replaced(better, found, self.iteration, seconds, to_numpy(assignment))
            self.improved |= better & self.followed & self.best.solved
        self.leading = found.row
        energy, residual = (to_numpy(each[found.row]) for each in info[:2])
        self.trace.add(self.iteration, energy, found.violations, residual)
        settled = to_numpy(self.solver.settled(self.instance, self.state, info)).reshape(count, copies)
        return self.best.solved, settled & (found.wrong.reshape(count, copies) | self.followed[:, None])

    def _decoded(self, info: Info, found: Found) -> tuple[Array, Found, np.ndarray]:
        """Decode the best copies where they improve; check those that violate nothing by the solver's own count.

        Returns:
            The assignments [N, V], the best copies with the figures as checked, and the mask [P] of the N problems.
        """
        better = self.best.improved(found)
        row = found.row[better]
        instance = self.instance.select(row)
        assignment = self.solver.decode(instance, select_rows(self.state, row))
        require_shapes(instance.shape, Info(*(each[row] for each in info[:2])), assignment)
        claimed = (found.violations[better] == 0).nonzero()[0]
        if not len(claimed):
            return assignment, found, better
        violations, energy = map(to_numpy, instance.select(claimed).check(assignment[claimed]))
        if violations.any():  # the solver's count is wrong
            problems = better.nonzero()[0][claimed]
            found.violations[problems], found.energy[problems] = violations, energy
            found.wrong[found.row[problems]] = violations > 0
            kept = self.best.improved(found)[better]
            better[better] = kept
            assignment = assignment[kept.nonzero()[0]]
        return assignment, found, better

    # Limits -----------------------------------------------------------------------------------------------------------

    def _copies(self) -> int:
        return rows.copies(self.solver, self.problems, self.task, self.iteration, self.call.rows)

    @cached_property
    def _drops(self) -> bool:
        """Whether each finished problem is dropped at once: tensors on a CPU, and no problem may get more copies.

        A row costs the same in any batch there. Boards of 17 clues take a quarter fewer steps.
        """
        alone = rows.copies(self.solver, self.problems[:1], self.task, self.iteration, self.call.rows)
        on_tensors = self.task.device == "cpu" and is_tensor(self.instance.template)
        return on_tensors and self.task.budget.copies is None and alone == self.copies

    def _charge(self) -> None:
        """Share the seconds since the last call among the problems that are not done."""
        now = self.task.clock()
        open_ = (~self.done).nonzero()[0]
        for p in open_:
            self.call.spent[self.members[p]] += (now - self.mark) / len(open_)
            if self.task.allowances is not None:
                self.task.allowances.charge(self.problems[p], (now - self.mark) / len(open_))
        self.mark = now

    def _exhausted(self) -> np.ndarray:
        """[P] bool: problems that have reached a limit."""
        limit = self.task.budget.iterations
        if self.interrupted or self.task.over or (limit is not None and self.iteration >= limit):
            return np.full(len(self.problems), True)
        if self.task.allowances is None:
            return np.full(len(self.problems), False)
        return np.array([left(self.task.allowances, [problem]) <= 0 for problem in self.problems])

    def _may_start(self) -> np.ndarray:
        """[P] bool: problems with a restart left."""
        limit = self._most_starts()
        return np.full(len(self.problems), True) if limit is None else self.starts.sum(1) < limit

    def _most_starts(self) -> int | None:
        """Most starts of a problem; None for no limit. Another start of a solver without samples repeats the first."""
        return 1 if self._repeats else self.task.budget.restarts

    @cached_property
    def _repeats(self) -> bool:
        return self.solver.samples(self.problems[0]) is not None

    # Answers ----------------------------------------------------------------------------------------------------------

    def _report(self, solved: np.ndarray) -> None:
        """Pass the progress to ``Task.on_progress``, and the state of each open problem to ``Task.on_state``."""
        open_ = self._progressed(solved)
        if self.task.on_state is not None:
            for p in open_:
                self.task.on_state(self._progress(p, int(self.best.violations[p]), self.total - len(open_)))

    def _progressed(self, solved: np.ndarray) -> list[int]:
        """Pass the progress to ``Task.on_progress``. Returns the open problems."""
        open_: list[int] = (~solved & ~self.done).nonzero()[0].tolist()
        if self.task.on_progress is not None and open_:
            fewest = int(self.best.violations[open_].min())
            self.task.on_progress(self._progress(open_[0], fewest, self.total - len(open_)))
        return open_

    def _progress(self, p: int, violations: int, solved: int) -> Progress:
        return Progress(
            solver=self.solver.name,
            iteration=self.iteration,
            solved=solved,
            total=self.total,
            violations=-1 if violations == NOTHING else violations,
            problem=self.problems[p],
            view=lambda: self._view(p),
            beliefs=lambda: self._beliefs(p),
        )

    def _view(self, p: int) -> Assignment:
        """The best assignment, without a pass over its names as long as it stays the same."""
        problem, row, assignment = self.viewed
        if problem is not self.problems[p] or not np.array_equal(row, self.best.assignment[p]):
            assignment = self._assignment(p)
            self.viewed = self.problems[p], self.best.assignment[p].copy(), assignment
        return dict(assignment)

    def _beliefs(self, p: int) -> Beliefs | None:
        row = self.leading[p : p + 1]
        beliefs = self.solver.beliefs(self.instance.select(row), select_rows(self.state, row))
        return None if beliefs is None else Beliefs(self.problems[p].graph.domains, to_numpy(beliefs)[0])

    def _improve(self) -> None:
        """Pass cheaper solutions of problems that run on to ``Task.on_improvement``."""
        if self.task.on_improvement is not None:
            for p in self.improved.nonzero()[0].tolist():
                self.task.on_improvement(self._solution(p, True))
        self.improved[:] = False

    def _assignment(self, p: int) -> Assignment:
        instance = self.instance.select(np.array([p * self.copies]))
        return instance.assignments(self.best.assignment[p : p + 1])[0]

    @uninterrupted  # the answer would be lost: names and values of a million variables take half a second
    def _solution(self, p: int, solved: bool) -> Solution:
        seconds = self.call.spent[self.members[p]]
        if self.best.violations[p] == NOTHING:
            return replace(unanswered(self.problems[p], self.solver, self.task, TOO_EARLY), seconds=seconds)
        iterations = self.iteration
        if self.followed[p] and solved:
            iterations, seconds = self.best.iteration[p], float(self.best.seconds[p])
        return Solution(
            problem=self.problems[p],
            solver=self.solver.name,
            status=Status.SOLVED if solved else Status.CANCELLED if self.task.cancelled() else Status.UNSOLVED,
            assignment=self._assignment(p),
            violations=int(self.best.violations[p]),
            energy=float(self.best.energy[p]),
            iterations=int(iterations),
            unit=self.solver.unit,
            seconds=seconds,
            seed=self.task.seed,
            device=self.task.device,
            version=self.solver.version,
            options=self.solver.options,
            checkpoint=self.solver.checkpoint,
            budget=replace(self.task.budget, copies=tuple(self.schedule)),
            trace=self.trace.of(p),
            flops=self._flops(int(iterations)),
        )

    def _flops(self, iterations: int) -> float | None:
        """Floating-point operations of all copies of a problem until an iteration; None if they are not counted."""
        if self._step_flops is None:
            return None
        ends = [first for first, _ in self.schedule[1:]] + [iterations]
        rows = sum(copies * max(0, end - first) for (first, copies), end in zip(self.schedule, ends, strict=True))
        return self._step_flops * rows

    @cached_property
    def _step_flops(self) -> float | None:
        return self.solver.step_flops(self.instance, self.state)

    # Starts -----------------------------------------------------------------------------------------------------------

    def _labels(self, chosen: Iterable[int]) -> list[object]:
        """The label of each row's stream: seed, problem, copy and number of the start. The batch has no influence."""
        labels: list[object] = []
        for p, c in (divmod(row, self.copies) for row in chosen):
            copy = self.call.trials[self.members[p]].copy + c
            labels.append((self.task.seed, self.problems[p].digest, copy, int(self.starts[p, c])))
        return labels

    def _refuse(self, answered: np.ndarray) -> np.ndarray:
        """Restart all copies of the trials that refuse their answer. Returns the mask [P] of these trials."""
        refused = np.zeros_like(answered)
        for p in answered.nonzero()[0].tolist():
            member = self.members[p]
            accept = self.call.trials[member].accept
            if accept is not None and not accept(self._assignment(p)):
                refused[p] = True
                if member not in self.kept:
                    self.kept[member] = self._solution(p, True)
                self.best = self.best.forget(p)
        self.starts[refused] += 1
        self.ended[refused] = False
        self._start(np.repeat(refused, self.copies).nonzero()[0].tolist())
        return refused

    def _restart(self, settled: np.ndarray) -> None:
        """Restart the rows that settled on a wrong answer, each from its next random stream."""
        limit = self._most_starts()
        restarted = []
        for p, c in np.argwhere(settled & ~self.done[:, None]):
            if limit is None or self.starts[p].sum() < limit:
                self.starts[p, c] += 1
                self.ended[p, c] = False
                restarted.append(int(p * self.copies + c))
        self._start(restarted)

    def _start(self, chosen: Sequence[int]) -> None:
        if chosen:
            index = np.array(chosen)
            try:
                with interrupting(self.task):
                    instance = self.instance.select(index)
                    fresh = self.solver.init(instance, instance.streams(self._labels(chosen)))
            except OutOfTime:
                self.interrupted = True
                return
            self.state = put_rows(self.state, index, fresh)

    def _compact(self) -> None:
        """Drop finished problems, and use their rows for further copies of the others."""
        keep = (~self.done).nonzero()[0]
        old = self.copies
        self.members = [self.members[p] for p in keep]
        self.problems = [self.problems[p] for p in keep]
        self.done, self.followed, self.improved = self.done[keep], self.followed[keep], self.improved[keep]
        self.trace.keep(keep)
        self.best = select_rows(self.best, keep)
        self.copies = max(old, self._copies())
        if self.copies > old:
            self.schedule.append((self.iteration, self.copies))
        more = ((0, 0), (0, self.copies - old))
        self.starts = np.pad(self.starts[keep], more, constant_values=1)
        self.ended = np.pad(self.ended[keep], more, constant_values=False)
        # Row p * copies + c continues the old copy c; a new copy holds the state of an old one until it starts.
        chosen = (keep[:, None] * old + np.arange(self.copies) % old).flatten()
        self.instance = self.instance.select(chosen)
        self.state = select_rows(self.state, chosen)
        self._start([row for row in range(chosen.size) if row % self.copies >= old])
