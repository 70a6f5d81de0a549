"""From instances made one by one to arrays of examples of one split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from ...engine.examples import Examples
from ...engine.graph import ConstraintGraph
from ...engine.values import Value
from ..errors import InputError
from .splits import split_of

Example = tuple[ConstraintGraph, Mapping[str, Value], Sequence[Sequence[int]]]
"""A graph, its givens by name, and known solutions as domain indices in the order of the graph's variables."""

TRIES = 3000
"""Instances drawn before a split is called empty. One with 1 % of the instances is missed with probability 1e-13."""

T = TypeVar("T")


def pack(instances: Iterable[Example], solutions: int) -> Examples:
    """Examples of the instances.

    Args:
        instances: N instances. Those of one template hold the same graph object.
        solutions: A, known solutions of each; 0 for none. An instance with fewer has some of them repeated.

    Returns:
        Givens [N, V] and targets [N, A, V], padded to the largest graph.
    """
    rows = list(instances)
    graphs = {id(graph): graph for graph, _, _ in rows}
    place = {key: t for t, key in enumerate(graphs)}
    width = max(len(graph.domains) for graph in graphs.values())
    givens = np.full((len(rows), width), -1, dtype=np.int16)
    targets = np.full((len(rows), solutions, width), -1, dtype=np.int16)
    for n, (graph, given, known) in enumerate(rows):
        for name, value in given.items():
            givens[n, graph.index[name]] = graph.domains[name].index(value)
        for a in range(solutions):
            targets[n, a, : len(graph.domains)] = known[a % len(known)]  # repeated if there are fewer than A
    template = np.array([place[id(graph)] for graph, _, _ in rows], dtype=np.int64)
    return Examples(tuple(graphs.values()), template, givens, targets)


def draw_split(split: str, wanted: int, make: Callable[[], tuple[int, T]], name: str) -> list[T]:
    """Draw instances until enough of them belong to a split.

    Args:
        split: ``train``, ``validation`` or ``test``.
        wanted: instances of a chunk for training. The other splits, each 1 % of the instances, get a 32nd of that, at
            least four.
        make: draws an instance and returns it after a number that the family's symmetries do not change.
        name: of the stream, for errors.

    Raises:
        InputError: an instance could not be made, or the first ``TRIES`` instances are all of other splits.
    """
    if split != "train":
        wanted = max(4, wanted // 32)
    found: list[T] = []
    tries = 0
    while len(found) < wanted:
        try:
            number, made = make()
        except InputError as error:
            raise error.at(name) from None
        tries += 1
        if split_of(number) == split:
            found.append(made)
        elif not found and tries >= TRIES:
            hint = "there are too few instances up to symmetry: choose a larger size"
            raise InputError(f"no instance of the split {split}", name, hint=hint)
    return found
