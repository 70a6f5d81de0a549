"""Which pairs of a task share a graph, within a limit on its variables."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...engine.examples import Examples
from .graph import Arrangement, arrange, fits, length, template
from .tasks import Pair, Task
from .transforms import Transform, draw

TRIES = 8
"""Random choices for a task in a chunk before it is left out of it."""


@dataclass(frozen=True)
class Variant:
    """A test of a task under a transform, with the demonstration pairs that fit.

    Args:
        task: position of the task in its list.
        test: position of the test in the task.
        transform: of all grids; the prediction is in its form.
        arrangement: the cells.
    """

    task: int
    test: int
    transform: Transform
    arrangement: Arrangement


def training_row(pairs: Sequence[Pair], tokens: int, rng: random.Random) -> Arrangement | None:
    """Some pairs of a task in random order under a random transform; the outputs of one or more are hidden.

    Several hidden outputs give a net more to learn from one reading of the shown pairs.

    Args:
        pairs: with outputs.
        tokens: most variables of a graph.
        rng: random numbers.

    Returns:
        None if no choice was found that fits.
    """
    for _ in range(TRIES if len(pairs) > 1 else 0):
        transform = draw(rng)
        order = [transform.pair(pair) for pair in rng.sample(pairs, len(pairs))]
        cut = rng.randint(1, len(order) - 1)
        shown, hidden = order[:cut], order[cut:]
        while len(shown) + len(hidden) > 2 and length(shown, hidden) > tokens:
            part = hidden if len(shown) == 1 or (len(hidden) > 1 and rng.random() < 0.5) else shown
            part.pop()
        hidden = [pair for pair in hidden if fits(shown, pair)]
        if hidden and length(shown, hidden) <= tokens:
            return arrange(shown, hidden)
    return None


def question_row(
    shown: Sequence[Pair], test: Pair, tokens: int, rng: random.Random | None = None
) -> Arrangement | None:
    """A test with as many demonstration pairs as fit.

    Args:
        shown: the demonstration pairs, at least one.
        test: its output is hidden.
        tokens: most variables of a graph.
        rng: draws the order of the pairs and those that are left out; None keeps the order and the first pairs.

    Returns:
        None if the test is too large, or its known output is larger than its canvas.
    """
    chosen = list(shown) if rng is None else rng.sample(shown, len(shown))
    while len(chosen) > 1 and length(chosen, [test]) > tokens:
        chosen.pop()
    if length(chosen, [test]) > tokens:
        chosen = [min(shown, key=lambda pair: length([pair], [test]))]
    return arrange(chosen, [test]) if length(chosen, [test]) <= tokens else None


def variants(tasks: Sequence[Task], tokens: int, count: int, seed: int = 0) -> list[Variant]:
    """All tests of all tasks, each under ``count`` transforms; the first one changes nothing.

    Args:
        tasks: with names.
        tokens: most variables of a graph; tests that do not fit are left out.
        count: variants of each test.
        seed: of the transforms and of the choices of pairs.
    """
    found = []
    for t, task in enumerate(tasks):
        for number, test in enumerate(task.tests):
            for k in range(count):
                rng = random.Random(f"{task.name}:{number}:{k}:{seed}")
                transform = draw(rng) if k else Transform()
                shown = [transform.pair(pair) for pair in task.shown]
                open_ = transform.pair(Pair(test.input, None))
                arrangement = question_row(shown, open_, tokens, rng if k else None)
                if arrangement is not None:
                    found.append(Variant(t, number, transform, arrangement))
    return found


def examples_of(rows: Sequence[Arrangement], names: Sequence[str], tokens: int) -> Examples:
    """Arrangements as examples with one known solution each.

    Args:
        rows: N arrangements.
        names: N names of tasks, for nets with an embedding of each; empty for none.
        tokens: V: all examples are padded to it, so that a compiled net sees one size.
    """
    graphs = [template(row.layout, name) for row, name in zip(rows, names, strict=True)]
    place = {id(graph): graph for graph in graphs}
    number = {key: t for t, key in enumerate(place)}
    givens = np.full((len(rows), tokens), -1, dtype=np.int16)
    targets = np.full((len(rows), 1, tokens), -1, dtype=np.int16)
    for n, row in enumerate(rows):
        givens[n, : len(row.givens)] = row.givens
        targets[n, 0, : len(row.solution)] = row.solution
    index = np.array([number[id(graph)] for graph in graphs], dtype=np.int64)
    return Examples(tuple(place.values()), index, givens, targets)
