"""Time shared among problems: each gets its part of the time left, and an unsolved one tries again with unused time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from math import inf

from .solution import Solution
from .status import Status
from .task import Task

Answers = Iterator[tuple[int, Solution]]


def in_shares(
    count: int,
    task: Task,
    groups: Callable[[Sequence[int]], Iterable[Sequence[int]]],
    run: Callable[[Sequence[int], Task], Answers],
    unfinished: Collection[Status] = (Status.UNSOLVED,),
    left_of: Callable[[Sequence[int]], float] = lambda members: inf,
) -> Answers:
    """Run problems group by group, each group within its share of the time left.

    Problems that ran out of their share are run again with the time that the others left over, as long as that doubles
    the share.

    Args:
        count: problems, at positions 0 to ``count - 1``.
        task: of all of them.
        groups: splits positions into groups; called once a round.
        run: answers the problems of a group within a task; yields (position, solution).
        unfinished: statuses that more time may improve.
        left_of: the seconds that problems may use by limits of their own.

    Yields:
        (position, solution), each position that ``run`` answered once.
    """
    pending: Sequence[int] = range(count)
    share = 0.0  # seconds a problem
    late: dict[int, Solution] = {}
    while pending:
        tried, late = late, {}
        left = len(pending)
        share = max(2 * share, task.remaining / left)
        for members in groups(pending):
            portion = task.share(min(task.remaining * len(members) / left, left_of(members)))
            left -= len(members)
            if tried and task.over:
                yield from ((i, tried[i]) for i in members if i in tried)
                members = [i for i in members if i not in tried]
            for i, solution in run(members, portion) if members else ():
                if solution.assignment is None and not solution.status.good:
                    solution = tried.get(i, solution)
                ran_out = solution.status in unfinished and portion is not task and portion.over
                if ran_out and left_of([i]) >= 2 * share:
                    late[i] = solution
                else:
                    yield i, solution
        if not late or task.remaining / len(late) < 2 * share:
            yield from late.items()
            return
        pending = list(late)
