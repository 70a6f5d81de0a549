"""Search for what trajectories leave open: a net's beliefs propose, propagation prunes, wrong guesses are taken back.

A *branch* of a problem is a set of allowed values. The first branch is the problem itself. Each round takes some
branches of each problem and runs the net on them side by side. Where the net's answer violates nothing, the problem is
solved. Every other branch is split at one variable: one value on one side, the other values on the other side.
Propagation (``engine.propagation``) refutes a side or makes it a new branch. The branches of a problem always contain
all solutions that were not found yet. A problem without branches therefore has no other solution, however bad the net.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from ..engine.compile import compile_problems
from ..engine.conclude import unanswered
from ..engine.costs import added
from ..engine.deadline import OutOfTime, interrupting
from ..engine.incumbent import NOTHING
from ..engine.loop import Trial, iterate
from ..engine.memory import out_of_memory, release
from ..engine.problem import Problem
from ..engine.propagation import propagate, refuted
from ..engine.rows import batches
from ..engine.shares import in_shares
from ..engine.solution import Solution
from ..engine.solver import Solver, WholeSolver
from ..engine.state import to_numpy
from ..engine.status import Status
from ..engine.task import Progress, Task
from ..engine.trace import TraceBuffer
from ..engine.values import Assignment

if TYPE_CHECKING:
    from .learned import Learned

SEGMENTS = 8
"""Segments of the net on a branch. Of 14 hard boards that 64 segments left open, 4, 8 and 16 segments solved all in 43,
32 and 49 s of one core."""

SHARE = 4
"""A round takes at most this part of the branches that may be open: early beliefs choose badly among many."""


class Branching(WholeSolver):
    """One trajectory for each problem, then a search of the problems that have no answer.

    A learned solver with ``branch`` set is bound to it. With several answers (``Budget.solutions``) the search starts at
    once and lists distinct solutions.

    Args:
        learned: bound to weights.
    """

    name: ClassVar[str] = "branching"
    complete: ClassVar[bool] = True
    enumerates: ClassVar[bool] = True
    citation: ClassVar[str] = "Lattice Deduction Transformers (LDT), arXiv 2605.08605, 2026."

    learned: Solver = Field(description="learned solver that proposes the values")

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        known: dict[int, Solution] = {}
        learned = cast("Learned", self.learned)  # importing its class would be a circle
        if task.budget.solutions is None:
            plain = learned.model_copy(update={"branch": 0})
            starts = task.budget.restarts or learned.copies
            once = replace(task, budget=replace(task.budget, restarts=starts))
            for i, solution in iterate(plain, [Trial(problem) for problem in problems], once):
                solution = replace(solution, options=learned.options)
                if solution.status is Status.UNSOLVED and not task.over:
                    known[i] = solution
                else:
                    yield i, solution
        else:
            known = {i: unanswered(problem, learned, task, "") for i, problem in enumerate(problems)}
        order = list(known)
        trials = [Trial(problems[i]) for i in order]

        def search(members: Sequence[int], portion: Task) -> Iterator[tuple[int, Solution]]:
            earlier = [known[order[n]] for n in members]
            try:
                with interrupting(portion):
                    tree = Search(learned, earlier, portion)
            except OutOfTime:
                yield from zip(members, earlier, strict=True)
                return
            for m, solution in tree.run():
                yield members[m], solution

        grouped = lambda members: batches(learned, trials, members, task)
        for n, solution in in_shares(len(order), task, grouped, search):
            yield order[n], solution


@dataclass(frozen=True)
class Branches:
    """N open branches of P problems.

    Args:
        owner: [N] int64, the problem of each.
        score: [N] float64, the log-probability of the choices that lead to it.
        number: [N] int64, counts the branches of each problem; the newest has the largest.
        allowed: [N, V, D] bool, the values that are left.
    """

    owner: np.ndarray
    score: np.ndarray
    number: np.ndarray
    allowed: Tensor

    def select(self, chosen: np.ndarray) -> Branches:
        """Some of the branches.

        Args:
            chosen: [M] int64 positions, or [N] bool.
        """
        index = torch.from_numpy(chosen).to(self.allowed.device)
        return Branches(self.owner[chosen], self.score[chosen], self.number[chosen], self.allowed[index])

    def joined(self, other: Branches) -> Branches:
        """These branches and others."""
        return Branches(
            np.concatenate((self.owner, other.owner)),
            np.concatenate((self.score, other.score)),
            np.concatenate((self.number, other.number)),
            torch.cat((self.allowed, other.allowed)),
        )


class Search:
    """The search of P problems that share a batch. Mutable, private to this module.

    Args:
        learned: bound to weights.
        earlier: what is known of each problem; the last answer is given where the search finds none.
        task: with the share of the time of these problems.
    """

    def __init__(self, learned: Learned, earlier: Sequence[Solution], task: Task) -> None:
        settings = {"branch": 0, "decimation_residual": 0.0, "undecided_share": 1.0}
        self.learned, self.net = learned, learned.model_copy(update=settings)
        self.earlier, self.task, self.mark = list(earlier), task, task.clock()
        self.problems = [solution.problem for solution in earlier]
        count = len(earlier)
        self.instance = compile_problems(self.problems, 1, task.device)
        self.rows = self._rows()
        allowed = propagate(self.instance, self.instance.allowed)
        owner = np.arange(count)
        branches = Branches(owner, np.zeros(count), np.zeros(count, dtype=np.int64), allowed)
        self.branches = branches.select(~to_numpy(refuted(allowed)))
        self.made, self.refuted = np.ones(count, dtype=np.int64), 1 - self._open()
        self.steps = 0
        self.net_steps = np.zeros(count, dtype=np.int64)  # of all branches of each problem
        self.step_flops: float | None = None
        self.spent = np.zeros(count)
        self.done = np.zeros(count, dtype=bool)
        self.found: list[dict[frozenset[object], Assignment]] = [{} for _ in earlier]
        self.trace = TraceBuffer(count)
        self.least = np.array([s.violations if s.violations >= 0 else NOTHING for s in earlier])

    def run(self) -> Iterator[tuple[int, Solution]]:
        """Yield (position, solution), each problem once."""
        interrupted = False
        while True:
            enough = np.array([len(found) >= (self.task.budget.solutions or 1) for found in self.found])
            exhausted = self._open() == 0
            over = interrupted or self.task.over
            finished = (enough | exhausted | over | self._spent()) & ~self.done
            self._charge()
            for p in finished.nonzero()[0].tolist():
                yield p, self._solution(p, bool(exhausted[p]))
            self.mark = self.task.clock()  # the caller's time between two answers does not count
            self.done |= finished
            if self.done.all():
                return
            self._report()
            self.branches = self.branches.select(~self.done[self.branches.owner])
            try:
                with interrupting(self.task):
                    self._round()
            except OutOfTime:
                interrupted = True
            except Exception as error:
                if not out_of_memory(error) or self.rows == 1:
                    raise
                self.rows = max(1, self.rows // 2)
            else:
                continue
            if not interrupted:  # the memory of the failed round is free once its exception is
                release()
                self.task.on_notice(f"out of memory: going on with {self.rows} rows side by side")

    # Rounds -----------------------------------------------------------------------------------------------------------

    def _round(self) -> None:
        """Run the net on some branches, keep the answers, and split the branches."""
        chosen = self._chosen()
        taken = self.branches.select(chosen)
        pieces = np.array_split(np.arange(len(chosen)), -(-len(chosen) // self.rows))
        beliefs, violations = zip(*(self._believe(taken.select(piece)) for piece in pieces), strict=True)
        chances, wrong = torch.cat(beliefs), np.concatenate(violations)
        sides = _split(taken, chances)
        allowed = propagate(self.instance.select(sides.owner), sides.allowed)
        dead = to_numpy(refuted(allowed))
        fresh = replace(sides, allowed=allowed, number=self.made[sides.owner] + _ranks(sides.owner)).select(~dead)
        rest = self.branches.select(np.setdiff1d(np.arange(len(self.branches.owner)), chosen))
        answers = self._assignments(taken, chances, wrong == 0)
        # From here on the round is kept as a whole: no call below takes long.
        count = len(self.problems)
        self.branches = rest.joined(fresh)
        self.made = self.made + np.bincount(sides.owner, minlength=count)
        self.refuted = self.refuted + np.bincount(sides.owner[dead], minlength=count)
        np.minimum.at(self.least, taken.owner, wrong)
        for p, assignment in answers:
            key: frozenset[object] = frozenset(self.problems[p].visible(assignment).items())
            self.found[p].setdefault(key, assignment)
        self.net_steps += self._each * np.bincount(taken.owner, minlength=count)
        self.steps += self._each
        residual = self.refuted.astype(np.float64)
        self.trace.add(self.steps, self.made, np.minimum(self.least, np.iinfo(np.int32).max), residual)

    def _chosen(self) -> np.ndarray:
        """Positions of the branches of a round: the most probable ones of each problem, at most ``branch`` / 4.

        A problem that has ``branch`` open branches goes on with its newest one, which bounds their number: a path has
        at most one split for each literal.
        """
        most, owner = self.learned.branch, self.branches.owner
        count = np.bincount(owner, minlength=len(self.problems))
        room = most - count
        width = np.where(room > 0, np.minimum(np.minimum(count, room), max(1, most // SHARE)), np.minimum(count, 1))
        key = np.where(room[owner] > 0, -self.branches.score, -self.branches.number)
        order = np.lexsort((self.branches.number, key, owner))
        return np.sort(order[_ranks(owner[order]) < width[owner[order]]])

    def _believe(self, branches: Branches) -> tuple[Tensor, np.ndarray]:
        """Log-probabilities [N, V, D] of the values, and the violations [N] of the most probable ones."""
        instance = self.instance.select(branches.owner)
        # Nets are trained on variables that are given or entirely open. On sets of values in between they solved 2 of 5
        # boards in 338 runs; without them 5 of 5 in 37.
        known = branches.allowed.sum(-1, keepdim=True) == 1
        shown = replace(instance, allowed=torch.where(known, branches.allowed, instance.allowed))
        labels = [
            (self.task.seed, self.problems[p].digest, "branch", n)
            for p, n in zip(branches.owner.tolist(), branches.number.tolist(), strict=True)
        ]
        state = self.net.init(shown, shown.streams(labels))
        for _ in range(self._each):
            state, _info = self.net.step(shown, state)
            if self.task.over:
                break
        if self.step_flops is None:
            self.step_flops = self.net.step_flops(shown, state)
        # Finite: an allowed value without any chance would leave nothing to split on.
        chances = state.chances.nan_to_num(nan=0.0, neginf=-1e4).masked_fill(~branches.allowed, -torch.inf)
        chances = chances.log_softmax(-1).nan_to_num(nan=-torch.inf, neginf=-torch.inf)
        return chances, to_numpy(instance.violations(chances.argmax(-1)))

    def _assignments(self, taken: Branches, chances: Tensor, right: np.ndarray) -> list[tuple[int, Assignment]]:
        """(problem, solution) for the branches in the mask [N] whose most probable values are a solution."""
        owner = taken.owner[right]
        answers = chances[torch.from_numpy(right).to(chances.device)].argmax(-1)
        return list(zip(owner.tolist(), self.instance.select(owner).assignments(answers), strict=True))

    # Limits and answers -----------------------------------------------------------------------------------------------

    @property
    def _each(self) -> int:
        """Steps of the net on a branch."""
        steps = self.net.net(self.instance).steps_per_segment * min(SEGMENTS, self.net.segments)
        limit = self.task.budget.iterations
        return steps if limit is None else max(1, min(steps, limit - int(self._used[~self.done].max())))

    def _rows(self) -> int:
        largest = max((problem.graph for problem in self.problems), key=lambda graph: graph.literals)
        own = self.learned.batch_size.rows(largest, self.task.device)
        return max(1, min(self.task.budget.batch or own, own))

    def _open(self) -> np.ndarray:
        """[P] int64: open branches of each problem."""
        return np.bincount(self.branches.owner, minlength=len(self.problems))

    def _spent(self) -> np.ndarray:
        """[P] bool: problems whose limit of steps leaves no further round."""
        limit = self.task.budget.iterations
        return np.full(len(self.done), False) if limit is None else self._used >= limit

    @property
    def _used(self) -> np.ndarray:
        """[P] int64: steps of each problem so far, those of its trajectory included."""
        return np.array([solution.iterations for solution in self.earlier]) + self.steps

    def _charge(self) -> None:
        """Share the seconds since the last call among the problems that are not done."""
        now = self.task.clock()
        self.spent[~self.done] += (now - self.mark) / max(1, (~self.done).sum())
        self.mark = now

    def _report(self) -> None:
        """Pass the progress to ``Task.on_progress``."""
        open_ = (~self.done).nonzero()[0].tolist()
        if self.task.on_progress is not None:
            first = self.earlier[open_[0]]
            least = int(self.least[open_].min())
            solved, total = len(self.done) - len(open_), len(self.done)
            self.task.on_progress(
                Progress(
                    solver=self.learned.name,
                    iteration=self.steps,
                    solved=solved,
                    total=total,
                    violations=-1 if least == NOTHING else least,
                    problem=first.problem,
                    view=lambda: first.assignment or {},
                )
            )

    def _solution(self, p: int, exhausted: bool) -> Solution:
        """The answer of a problem whose search has ended.

        Args:
            p: the problem.
            exhausted: whether no branch is left.
        """
        earlier, found = self.earlier[p], list(self.found[p].values())
        listing = self.task.budget.solutions is not None
        solution = replace(
            earlier,
            iterations=earlier.iterations + self.steps,
            seconds=earlier.seconds + float(self.spent[p]),
            flops=added(earlier.flops, self.step_flops and self.step_flops * int(self.net_steps[p])),
            detail=f"searched {self.made[p]:,} branch{'es' * int(self.made[p] > 1)}, {self.refuted[p]:,} refuted",
            options=self.learned.options,
            checkpoint=self.learned.checkpoint,
            trace=self.trace.of(p) if self.trace.seen else earlier.trace,
        )
        if listing:
            solution = replace(solution, solutions=tuple(found), total=len(found) if exhausted else None)
        if found:
            return replace(solution, status=Status.SOLVED, assignment=found[0], violations=0, energy=0.0)
        if exhausted:
            nothing = replace(solution, assignment=None, violations=-1, energy=float("inf"))
            return replace(nothing, status=Status.UNSATISFIABLE)
        return replace(solution, status=Status.CANCELLED if self.task.cancelled() else Status.UNSOLVED)


def _split(branches: Branches, chances: Tensor) -> Branches:
    """Both sides of branches that have an open variable: first those with the value, then those without it.

    The variable has the fewest values left; among these it is the one of whose value the net is least certain.

    Args:
        branches: N.
        chances: [N, V, D] log-probabilities of the values.

    Returns:
        The sides, not propagated and not numbered yet. A branch without an open variable has none.
    """
    sizes = branches.allowed.sum(-1)
    key = torch.where(sizes > 1, sizes + chances.amax(-1).exp(), torch.inf)
    rows = torch.arange(len(key), device=key.device)
    variable = key.argmin(-1)
    of_it = chances[rows, variable]
    value = of_it.argmax(-1)
    literal = torch.zeros_like(branches.allowed)
    literal[rows, variable, value] = True
    others = torch.zeros_like(branches.allowed)
    others[rows, variable] = True
    others &= ~literal
    chance = to_numpy(of_it[rows, value].double().exp()).clip(1e-6, 1 - 1e-6)
    yes = replace(branches, score=branches.score + np.log(chance), allowed=branches.allowed & ~others)
    no = replace(branches, score=branches.score + np.log1p(-chance), allowed=branches.allowed & ~literal)
    kept = to_numpy((sizes > 1).any(1))
    return yes.select(kept).joined(no.select(kept))


def _ranks(owner: np.ndarray) -> np.ndarray:
    """[N] int64: how many elements of the same owner come before each one."""
    order = np.argsort(owner, kind="stable")
    ranks = np.empty(len(owner), dtype=np.int64)
    ranks[order] = np.arange(len(owner)) - np.searchsorted(owner[order], owner[order])
    return ranks
