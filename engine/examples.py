"""Training examples: many instances with known solutions, as arrays; and the streams that make them without end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .graph import ConstraintGraph

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Examples:
    """N instances over T templates, padded to the largest template's V variables.

    Args:
        graphs: the T templates.
        template: [N] int64, the template of each instance.
        givens: [N, V] int16, the domain index that an instance fixes, -1 where a variable is open or padding.
        targets: [N, A, V] int16, A known solutions as domain indices (repeated where an instance has fewer), -1 for
            padding; A = 0 where none is known, and what learns from them minimises the energy instead.
    """

    graphs: tuple[ConstraintGraph, ...]
    template: np.ndarray
    givens: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.template)

    def take(self, rows: np.ndarray) -> Examples:
        """Some of the instances, over the same templates."""
        return Examples(self.graphs, self.template[rows], self.givens[rows], self.targets[rows])


class Stream(Protocol):
    """An endless, seeded supply of examples of one kind; a value that workers can be handed.

    ``name`` is ``family:spec``. Chunk k is a function of name, split, seed and k alone, so any worker may make it and a
    training that is resumed sees what it would have seen. Splits share no instance up to the family's symmetries.
    """

    @property
    def name(self) -> str:
        """``family:spec``, or the path of a file."""

    @property
    def family(self) -> str:
        """The name of the problem family."""

    @property
    def split(self) -> str:
        """One of ``SPLITS``."""

    @property
    def seed(self) -> int:
        """Of the random numbers."""

    def chunk(self, k: int) -> Examples:
        """The k-th chunk of examples."""


def concatenate(parts: Sequence[Examples]) -> Examples:
    """One after another; equal templates are kept once.

    Raises:
        ValueError: parts with different numbers of known solutions.
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
