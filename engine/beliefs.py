"""Beliefs of one problem by variable, over the array that the solver holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from .values import Value


class Beliefs(Mapping[str, Sequence[float]]):
    """Variable name -> probabilities over its domain; a list is made when it is read.

    Args:
        domains: of the problem.
        chances: [V, D] floating point, a row for each variable, perhaps with padding.
    """

    def __init__(self, domains: Mapping[str, Sequence[Value]], chances: np.ndarray) -> None:
        self.domains, self.chances = domains, chances

    @cached_property
    def _row(self) -> dict[str, int]:
        return {name: n for n, name in enumerate(self.domains)}

    def __getitem__(self, name: str) -> list[float]:
        found: list[float] = self.chances[self._row[name], : len(self.domains[name])].tolist()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.domains)

    def __len__(self) -> int:
        return len(self.domains)

    def in_bytes(self, inside: np.ndarray) -> bytes:
        """The probabilities in 255ths, one byte each, without padding.

        Args:
            inside: [V, D] bool, the result of ``within``.
        """
        shape = inside.shape
        scaled: np.ndarray = self.chances[: shape[0], : shape[1]].clip(0, 1) * 255
        data: bytes = scaled.astype(np.uint8)[inside].tobytes()
        return data


def within(domains: Mapping[str, Sequence[Value]]) -> np.ndarray:
    """[V, D] bool: the places of an array of literals that are no padding."""
    sizes = np.array([len(domain) for domain in domains.values()], dtype=np.int64)
    inside: np.ndarray = np.arange(sizes.max(initial=0)) < sizes[:, None]
    return inside
