"""From instances one by one to arrays; and the ranges of numbers that stream names hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ...engine.examples import SPLITS, Examples
from ...engine.graph import ConstraintGraph
from ...engine.values import Value
from ..errors import InputError, excerpt
from ..family import whole
from .splits import split_of

Example = tuple[ConstraintGraph, Mapping[str, Value], Sequence[Sequence[int]]]
"""A graph, its givens by name, and known solutions as domain indices in the order of its variables."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Named:
    """What all streams are: a name ``family:spec``, a split and a seed, checked when they are made."""

    name: str
    split: str = "train"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise InputError(f"no split {excerpt(self.split)}", hint=f"splits are {', '.join(SPLITS)}")
        self.check()

    @property
    def family(self) -> str:
        """The problem family's name."""
        return self.name.partition(":")[0]

    @property
    def spec(self) -> str:
        """What follows the family's name."""
        return self.name.partition(":")[2]

    def check(self) -> None:
        """Reads the specification, for its errors.

        Raises:
            InputError: it makes no sense.
        """

    def dice(self, k: int) -> random.Random:
        """What the k-th chunk's random numbers come from."""
        return random.Random(f"{self.name}:{self.split}:{self.seed}:{k}")


def pack(instances: Iterable[Example], solutions: int) -> Examples:
    """Examples of the instances; one with fewer known solutions than asked for has them again.

    Args:
        instances: those of one template hold the same graph object.
        solutions: A, known solutions of each; 0 for none.
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
            targets[n, a, : len(graph.domains)] = known[a % len(known)]
    template = np.array([place[id(graph)] for graph, _, _ in rows], dtype=np.int64)
    return Examples(tuple(graphs.values()), template, givens, targets)


def of_split(split: str, wanted: int, make: Callable[[], tuple[int, Made]], name: str) -> list[Made]:
    """Makes instances, each with an invariant number, until as many as wanted fall into the split.

    Validation and test, a hundredth of the instances each, get chunks of a 32nd, of four at least.

    Raises:
        InputError: an instance could not be made; or none of the first thousands was of the split, for there are few
            instances up to symmetry.
    """
    if split != "train":
        wanted = max(4, wanted // 32)
    found: list[Made] = []
    tries = 0
    while len(found) < wanted:
        try:
            number, made = make()
        except InputError as error:
            raise error.at(name) from None
        tries += 1
        if split_of(number) == split:
            found.append(made)
        elif not found and tries >= 3000:
            raise InputError(f"no instance of split {split}", name, hint="there are too few instances: make it larger")
    return found


def between(text: str, least: int, most: int, what: str, hint: str = "") -> tuple[int, int]:
    """A whole number or a range of them, ``10`` or ``10-20``, as its two ends.

    Raises:
        InputError: it is none, or outside.
    """
    low_text, dash, high_text = text.partition("-")
    low = whole(low_text, least, most, what, hint)
    return low, whole(high_text, low, most, what, hint) if dash else low


def fields(spec: str, least: int, most: int, form: str) -> list[str]:
    """The parts of a specification between colons.

    Raises:
        InputError: fewer or more than there may be, or an empty one.
    """
    parts = spec.split(":")
    if not least <= len(parts) <= most or not all(parts):
        raise InputError(f"{excerpt(spec)} is no {form.partition(':')[2]}", hint=form)
    return parts
