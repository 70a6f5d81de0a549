"""Training examples: instances with known solutions as arrays, and the endless streams that generate them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .graph import ConstraintGraph

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Examples:
    """N instances of T templates, padded to V variables, the number of the largest template.

    Args:
        graphs: the T templates.
        template: [N] int64, index of the template of each instance.
        givens: [N, V] int16, domain index of each given, -1 for open variables and padding.
        targets: [N, A, V] int16, A known solutions as domain indices, -1 for padding. An instance with fewer solutions repeats
            them. With A = 0 no solution is known, and training minimises the energy instead.
    """

    graphs: tuple[ConstraintGraph, ...]
    template: np.ndarray
    givens: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.template)

    def take(self, rows: np.ndarray) -> Examples:
        """The instances of indices ``rows`` [M] int64, over the same templates."""
        return Examples(self.graphs, self.template[rows], self.givens[rows], self.targets[rows])


class Stream(Protocol):
    """An endless, seeded source of examples. A stream can be pickled, so workers can use it.

    Chunk k is a function of name, split, seed and k alone. Any worker can therefore generate it, and a resumed training reads
    the chunks that an uninterrupted one reads. Splits share no instance, up to the symmetries of the family.
    """

    @property
    def name(self) -> str:
        """``FAMILY:SPEC``, or the path of a file."""

    @property
    def family(self) -> str:
        """The name of the problem family."""

    @property
    def split(self) -> str:
        """One of ``SPLITS``."""

    @property
    def seed(self) -> int:
        """Random seed."""

    def chunk(self, k: int) -> Examples:
        """The k-th chunk of examples, from 0."""


def concatenate(parts: Sequence[Examples]) -> Examples:
    """The examples of all parts in order. Equal templates are stored once.

    Raises:
        ValueError: the parts have different numbers of known solutions.
    """
    if len({part.targets.shape[1] for part in parts}) > 1:
        raise ValueError("examples with different numbers of known solutions cannot be joined")
    place: dict[ConstraintGraph, int] = {}
    templates = []
    for part in parts:
        for graph in part.graphs:
            place.setdefault(graph, len(place))
        templates.append(np.array([place[graph] for graph in part.graphs], dtype=np.int64)[part.template])
    width = max(part.givens.shape[1] for part in parts)

    def padded(array: np.ndarray) -> np.ndarray:
        room = [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])]
        return np.pad(array, room, constant_values=-1)

    return Examples(
        tuple(place),
        np.concatenate(templates),
        np.concatenate([padded(part.givens) for part in parts]),
        np.concatenate([padded(part.targets) for part in parts]),
    )
