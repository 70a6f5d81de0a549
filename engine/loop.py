"""The one loop: it steps a solver over a batch, checks, restarts what settled wrong, drops what is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .compile import compile_problems
from .deadline import OutOfTime, interrupting
from .graph import ConstraintGraph
from .guard import unanswered
from .incumbent import NOTHING, Incumbent
from .problem import Problem
from .random import Random
from .solution import Solution
from .solver import Info, Solver
from .state import put_rows, select_rows
from .status import Status
from .task import Progress, Task
from .trace import TraceBuffer
from .values import Assignment

WASTE = 2.0
"""Problems share a batch while padding them to the largest costs at most this factor in literals."""

CPU_ROWS = 256
"""Rows that copies of problems fill on a CPU. With more of them a row's step costs the same, and the first check comes later."""

TOO_EARLY = "time was up before the first step ended"

BLOCK, BLOCK_LITERALS = 32, 1 << 16


def block(graph: ConstraintGraph) -> int:
    """How many copies that a caller numbered step together, whatever the solver's batches: they keep out of each other's way."""
    return max(1, min(BLOCK, BLOCK_LITERALS // max(1, graph.literals)))


def iterate(
    solver: Solver,
    problems: Sequence[Problem],
    task: Task,
    first: Sequence[int] | None = None,
    again: Callable[[int, Assignment], bool] | None = None,
) -> Iterator[tuple[int, Solution]]:
    """Run a step-wise solver on problems, batch by batch, each with its fair share of the time left.

    What a share of time left unsolved is tried again with what the others did not need, while that at least doubles it.
    ``first`` numbers each problem's first copy, for callers that put one problem several times, one after the other; 0 without
    it. Those of a ``block`` share a batch, and when time is up those from 1 on are not begun, and have no answer.
    ``again`` is asked, by the problem's position, whether what solved it shall begin anew to find another answer; if it finds
    none, the first one stands.
    """
    first = first or [0] * len(problems)
    pending = list(range(len(problems)))
    share = 0.0
    spent = dict.fromkeys(pending, 0.0)  # solving seconds by position, over all tries
    late: list[tuple[int, Solution]] = []
    while pending:
        tried, late = dict(late), []
        left = len(pending)
        share = max(2 * share, task.remaining / left)  # seconds a problem
        for members in _batches(solver, problems, pending, task, first):
            if task.over:
                yield from ((i, tried[i]) for i in members if i in tried)
                members = [i for i in members if i not in tried and not first[i]]
                if not members:
                    continue
            portion = task.share(task.remaining * len(members) / left)
            answers: Iterator[tuple[int, Solution]]
            try:
                with interrupting(portion):
                    answers = _Batch(solver, problems, members, portion, first, again, spent).run()
            except OutOfTime:
                answers = ((i, tried.get(i) or unanswered(problems[i], solver, portion, TOO_EARLY)) for i in members)
            for i, solution in answers:
                if solution.status is Status.UNSOLVED and portion is not task and portion.over:
                    late.append((i, solution))
                else:
                    yield i, solution
            left -= len(members)
        if not late or task.remaining / len(late) < 2 * share:
            yield from late
            return
        pending = [i for i, _ in late]


def _batches(
    solver: Solver, problems: Sequence[Problem], members: Sequence[int], task: Task, first: Sequence[int]
) -> list[list[int]]:
    """Positions grouped by kinds of constraint and like size, each group no larger than the solver runs side by side.

    Blocks of copies stay together all the same: what one finds may send another on, and batches must not show.
    """
    sizes = {i: problems[i].graph.literals for i in members}
    kinds = {i: _kinds(problems[i].graph) for i in members}
    groups: list[list[int]] = []
    for i in sorted(members, key=lambda i: (kinds[i], sizes[i])):
        group = groups[-1] if groups else [i]
        rows = task.budget.batch or solver.width(problems[i].graph)
        room = len(group) < rows or first[i] % block(problems[i].graph)
        if groups and room and kinds[i] == kinds[group[0]] and sizes[i] <= WASTE * sizes[group[0]]:
            group.append(i)
        else:
            groups.append([i])
    return groups


@lru_cache(maxsize=1 << 14)
def _kinds(graph: ConstraintGraph) -> tuple[str, ...]:
    return tuple(sorted({constraint.kind for constraint in graph.constraints}))


class _Batch:
    """One batch under way: P problems, R copies of each, row p * R + c. Mutable, private to the loop."""

    def __init__(
        self,
        solver: Solver,
        problems: Sequence[Problem],
        members: Sequence[int],
        task: Task,
        first: Sequence[int],
        again: Callable[[int, Assignment], bool] | None,
        spent: dict[int, float],
    ) -> None:
        self.spent, self.mark = spent, task.clock()
        self.solver, self.task, self.again = solver, task, again
        self.members = list(members)  # the problems' positions, for the caller
        self.first = first  # by the caller's positions
        self.problems = [problems[i] for i in members]
        self.total = len(members)
        self.iteration = 0
        self.info: Info | None = None  # of the last step
        self.interrupted = False  # a call overstayed the limit: the state may be broken, the incumbent is whole
        self.copies = self._copies()
        self.course = [(0, self.copies)]  # copies by the iteration from which on they ran
        count = len(members)
        self.done = np.zeros(count, dtype=bool)
        self.starts = np.ones((count, self.copies), dtype=np.int64)
        self.instance = compile_problems(self.problems, self.copies, task.device)
        self.state = solver.init(self.instance, self._random(range(count * self.copies)))
        self.pursued = self.instance.minimises[:: self.copies].cpu().numpy() & solver.pursues
        self.ended = np.zeros((count, self.copies), dtype=bool)  # copies that have settled since they started
        self.best = Incumbent.none(count, self.instance.shape[1], task.device)
        self.trace = TraceBuffer(count)
        self.kept: dict[int, Solution] = {}  # first answers of those that began anew, by the caller's positions

    def run(self) -> Iterator[tuple[int, Solution]]:
        while True:
            holds, settled = self._round()
            self._charge()
            self.ended |= settled
            answered = holds & (~self.pursued | self.ended.all(1))
            over = self._exhausted()
            renewed = self._renew(answered & ~self.done & (not over))
            stuck = settled.all(1) & ~self._may_start()
            finished = ((answered | stuck) & ~renewed | over) & ~self.done
            self._tell(answered & ~renewed)
            for p in finished.nonzero()[0].tolist():
                kept = None if holds[p] else self.kept.get(self.members[p])
                yield self.members[p], kept or self._solution(p, bool(holds[p]))
            self.mark = self.task.clock()  # without the time of whoever takes the answers
            self.done |= finished
            if self.done.all():
                return
            self._restart(settled & ~holds[:, None])
            if 2 * self.done.sum() >= len(self.done) or (self.task.budget.copies and self._copies() > self.copies):
                self._compact()

    def _round(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and a check: whether each problem is solved [P], and whether each copy has settled [P, R]."""
        if not self.interrupted:
            try:
                with interrupting(self.task):
                    info = self._advance()
                    self._charge()
                    return self._check(info)
            except OutOfTime:
                self.interrupted = True
                if self.info is not None and not self.trace.seen:  # steps ended, and none was checked
                    return self._check(self.info)
        return self.best.solved.cpu().numpy(), np.zeros_like(self.ended)

    def _charge(self) -> None:
        """Share the seconds since the last call among the problems that are not done."""
        now = self.task.clock()
        open_ = (~self.done).nonzero()[0]
        for p in open_:
            self.spent[self.members[p]] += (now - self.mark) / len(open_)
        self.mark = now

    def _copies(self) -> int:
        if self.task.budget.copies is not None:
            return max(copies for since, copies in self.task.budget.copies if since <= self.iteration)
        rows = self.task.budget.batch or self.solver.width(
            max((p.graph for p in self.problems), key=lambda graph: graph.literals)
        )
        if self.task.device == "cpu" and self.task.budget.batch is None and self.solver.rows is None:
            rows = min(rows, CPU_ROWS)
        copies = max(1, rows // len(self.problems))
        return min(copies, self.task.budget.restarts or self.solver.starts() or copies)

    def _random(self, rows: Iterable[int]) -> Random:
        places = [divmod(row, self.copies) for row in rows]
        seed = self.task.seed
        labels = [
            (seed, self.problems[p].digest, self.first[self.members[p]] + c, int(self.starts[p, c])) for p, c in places
        ]
        return Random.for_rows(labels, self.task.device)

    def _advance(self) -> Info:
        """Steps until the next check; the last one's info."""
        steps = self.solver.check_every
        if self.task.budget.iterations is not None:
            steps = min(steps, self.task.budget.iterations - self.iteration)
        for _ in range(steps):
            self.state, info = self.solver.step(self.instance, self.state)
            self.info = info
            self.iteration += 1
            if self.task.over:  # many steps between two checks may take longer than the limit
                break
        return info

    def _check(self, info: Info) -> tuple[np.ndarray, np.ndarray]:
        """Check every row, keep each problem's best and a point of its trace: whether it holds [P], and settled [P, R]."""
        count, copies = len(self.problems), self.copies
        assignment = self.solver.decode(self.instance, self.state)
        self._require_shapes(info, assignment)
        first = torch.arange(count, device=assignment.device) * copies
        if self.solver.exact and not self.pursued.any():
            row = first + info.energy.view(count, copies).argmin(1)
            assignment = assignment[row]
            now, energy = self.instance.select(row).check(assignment)
            cost = torch.zeros_like(self.best.cost)
            wrong = info.energy > 0
        else:
            violations, energy = self.instance.check(assignment)
            now = violations.view(count, copies).amin(1)
            # Of copies that break equally much the cheapest; of those the one that its solver holds to be the best.
            costs = self._costs(assignment, violations).masked_fill(
                violations.view(count, copies) > now[:, None], torch.inf
            )
            cost = costs.amin(1)
            tied = costs == cost[:, None]
            held = info.energy.float().nan_to_num(nan=torch.finfo(torch.float32).max).view(count, copies)
            row = first + held.masked_fill(~tied, torch.inf).argmin(1)
            assignment, energy, wrong = assignment[row], energy[row], violations > 0
        found_at = torch.tensor([self.spent[i] for i in self.members], dtype=torch.float64, device=self.task.device)
        iteration = torch.full_like(found_at, self.iteration)
        self.best = self.best.better(Incumbent(now, energy, cost, iteration, found_at, assignment))
        self.trace.add(self.iteration, info.energy[row], now, info.residual[row])
        settled = self.solver.settled(self.instance, self.state, info).view(count, copies).cpu().numpy()
        settled &= wrong.view(count, copies).cpu().numpy() | self.pursued[:, None]
        return self.best.solved.cpu().numpy(), settled

    def _costs(self, assignment: Tensor, violations: Tensor) -> Tensor:
        """[P, R] what the rows' answers cost, where their problem's best one is pursued; 0 for those that hold nowhere."""
        count = len(self.problems)
        if not self.pursued.any():
            return violations.new_zeros(count, self.copies, dtype=torch.float64)
        counts = self.instance.minimises & (violations == 0)
        return (self.instance.cost(assignment) * counts).view(count, self.copies)

    def _require_shapes(self, info: Info, assignment: Tensor) -> None:
        """Refuse what would be broadcast into an answer that nobody gave."""
        rows, variables, _ = self.instance.shape
        shapes = {
            "energy": (info.energy, (rows,)),
            "residual": (info.residual, (rows,)),
            "decoded assignment": (assignment, (rows, variables)),
        }
        for what, (tensor, shape) in shapes.items():
            if tuple(tensor.shape) != shape:
                raise ValueError(f"the {what} has the shape {list(tensor.shape)}, not {list(shape)}")
        if assignment.dtype != torch.int64:
            raise ValueError(f"the decoded assignment is of {assignment.dtype}, not of torch.int64")

    def _exhausted(self) -> bool:
        limit = self.task.budget.iterations
        return self.interrupted or self.task.over or (limit is not None and self.iteration >= limit)

    def _may_start(self) -> np.ndarray:
        """[P] bool: problems with a restart left."""
        limit = self.task.budget.restarts
        return np.full(len(self.problems), True) if limit is None else self.starts.sum(1) < limit

    def _tell(self, solved: np.ndarray) -> None:
        open_ = (~solved & ~self.done).nonzero()[0].tolist()
        if self.task.on_progress is None or not open_:
            return
        self.task.on_progress(
            Progress(
                solver=self.solver.name,
                iteration=self.iteration,
                solved=self.total - len(open_),
                total=self.total,
                violations=int(self.best.violations[open_].min()),
                problem=self.problems[open_[0]],
                view=lambda: self._assignment(open_[0]),
            )
        )

    def _assignment(self, p: int) -> Assignment:
        row = torch.tensor([p * self.copies], device=self.task.device)
        return self.instance.select(row).assignments(self.best.assignment[p : p + 1])[0]

    def _solution(self, p: int, solved: bool) -> Solution:
        if self.best.violations[p] == NOTHING:
            return replace(
                unanswered(self.problems[p], self.solver, self.task, TOO_EARLY), seconds=self.spent[self.members[p]]
            )
        iterations, seconds = float(self.iteration), self.spent[self.members[p]]
        if self.pursued[p] and solved:
            iterations, seconds = self.best.iteration[p].item(), self.best.seconds[p].item()
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
            budget=replace(self.task.budget, copies=tuple(self.course)),
            trace=self.trace.of(p),
        )

    def _renew(self, answered: np.ndarray) -> np.ndarray:
        """Begin anew, in all their copies, the problems answered that are to find another answer: which [P]."""
        renewed = np.zeros_like(answered)
        for p in answered.nonzero()[0].tolist():
            member = self.members[p]
            if self.again is not None and self.again(member, self._assignment(p)):
                renewed[p] = True
                if member not in self.kept:
                    self.kept[member] = self._solution(p, True)
                self.best = self.best.forget(p)
        self.starts[renewed] += 1
        self.ended[renewed] = False
        self._start(np.repeat(renewed, self.copies).nonzero()[0].tolist())
        return renewed

    def _restart(self, settled: np.ndarray) -> None:
        """Begin anew, each from its next random stream, the rows that settled on a wrong answer."""
        limit = self.task.budget.restarts
        rows = []
        for p, c in np.argwhere(settled & ~self.done[:, None]):
            if limit is None or self.starts[p].sum() < limit:
                self.starts[p, c] += 1
                self.ended[p, c] = False
                rows.append(int(p * self.copies + c))
        self._start(rows)

    def _start(self, rows: Sequence[int]) -> None:
        if rows:
            index = torch.tensor(rows, device=self.task.device)
            try:
                with interrupting(self.task):
                    fresh = self.solver.init(self.instance.select(index), self._random(rows))
            except OutOfTime:
                self.interrupted = True
                return
            self.state = put_rows(self.state, index, fresh)

    def _compact(self) -> None:
        """Drop finished problems; the rows they free go to further copies of the others."""
        keep = (~self.done).nonzero()[0]
        old = self.copies
        self.members = [self.members[p] for p in keep]
        self.problems = [self.problems[p] for p in keep]
        self.done, self.pursued = self.done[keep], self.pursued[keep]
        self.trace.keep(keep)
        index = torch.from_numpy(keep).to(self.task.device)
        self.best = select_rows(self.best, index)
        self.copies = max(old, self._copies())
        if self.copies > old:
            self.course.append((self.iteration, self.copies))
        more = ((0, 0), (0, self.copies - old))
        self.starts = np.pad(self.starts[keep], more, constant_values=1)
        self.ended = np.pad(self.ended[keep], more, constant_values=False)
        # Row p * copies + c continues the old copy c; copies that are new take any row's place until they start.
        rows = keep[:, None] * old + np.arange(self.copies) % old
        index = torch.from_numpy(rows.flatten()).to(self.task.device)
        self.instance = self.instance.select(index)
        self.state = select_rows(self.state, index)
        self._start([row for row in range(rows.size) if row % self.copies >= old])
