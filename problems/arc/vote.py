"""From predictions under several transforms to two answers for each test, and their score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .choosing import Variant
from .graph import crop
from .tasks import Grid, Task

ATTEMPTS = 2


class Prediction(NamedTuple):
    """The output that a net predicts for a variant of a test.

    Args:
        grid: [rows, columns] uint8, in the form of the task as read.
        halt: the net's probability that it is right, 0 to 1.
    """

    grid: Grid
    halt: float


def prediction(variant: Variant, values: np.ndarray, halt: float) -> Prediction:
    """A net's answer, cropped and transformed back.

    Args:
        variant: that the net read.
        values: [V] or more integers, the value of each variable.
        halt: the net's probability that it is right, 0 to 1.
    """
    rows, columns = variant.arrangement.last
    end = len(variant.arrangement.givens)
    answer = values[end - rows * columns : end].reshape(rows, columns)
    return Prediction(variant.transform.invert(crop(answer)), halt)


def ranked(predictions: Sequence[Prediction]) -> list[Grid]:
    """The different grids among the predictions: by number of votes, then by mean probability, most first (TRM).

    Args:
        predictions: for one test.
    """
    votes: dict[tuple[tuple[int, ...], bytes], list[Prediction]] = {}
    for each in predictions:
        votes.setdefault((each.grid.shape, each.grid.tobytes()), []).append(each)
    order = sorted(votes.values(), key=lambda same: (-len(same), -sum(each.halt for each in same) / len(same)))
    return [same[0].grid for same in order]


def answers(
    tasks: Sequence[Task], found: Sequence[Variant], predictions: Sequence[Prediction]
) -> dict[tuple[int, int], list[Grid]]:
    """(task, test) -> at most two grids; a test without predictions has none.

    Args:
        tasks: that the variants are of.
        found: the variants.
        predictions: one for each variant.
    """
    each: dict[tuple[int, int], list[Prediction]] = {
        (t, n): [] for t, task in enumerate(tasks) for n in range(len(task.tests))
    }
    for variant, made in zip(found, predictions, strict=True):
        each[variant.task, variant.test].append(made)
    return {key: ranked(made)[:ATTEMPTS] for key, made in each.items()}


def submission(tasks: Sequence[Task], given: Mapping[tuple[int, int], Sequence[Grid]]) -> dict[str, Any]:
    """The answers in the public form: task name -> for each test ``attempt_1`` and ``attempt_2``.

    A missing second attempt repeats the first. A test without answers has a black cell.

    Args:
        tasks: with names.
        given: as ``answers`` returns.
    """
    black = np.zeros((1, 1), dtype=np.uint8)
    made: dict[str, Any] = {}
    for t, task in enumerate(tasks):
        attempts = [[*given.get((t, n), ())] or [black] for n in range(len(task.tests))]
        made[task.name] = [
            {f"attempt_{k + 1}": grids[min(k, len(grids) - 1)].tolist() for k in range(ATTEMPTS)} for grids in attempts
        ]
    return made


def score(tasks: Sequence[Task], given: Mapping[tuple[int, int], Sequence[Grid]], attempts: int) -> float:
    """pass@k: the mean over tasks of the share of tests that one of the first ``attempts`` answers solves, 0 to 1.

    Args:
        tasks: those without a known test output are left out; NaN if all are.
        given: as ``answers`` returns.
        attempts: k.
    """
    shares = []
    for t, task in enumerate(tasks):
        known = [(n, test.output) for n, test in enumerate(task.tests) if test.output is not None]
        right = [any(np.array_equal(grid, goal) for grid in given.get((t, n), ())[:attempts]) for n, goal in known]
        if right:
            shares.append(sum(right) / len(right))
    return sum(shares) / len(shares) if shares else float("nan")
