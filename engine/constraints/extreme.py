"""Base of ``Minimum`` and ``Maximum``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..values import Term
from .function import Function
from .terms import largest_of


@dataclass(frozen=True)
class Extreme(Function):
    """One of the items, chosen by its size, is ``value``.

    Args:
        items: at least one term.
        value: a term.
    """

    items: tuple[Term, ...]
    value: Term

    of = ("items", "value")
    nonempty = ("items",)
    unordered = ("items",)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"the items": self.items, "the value": self.value}, largest)

    def entries(self, size: int) -> int:
        return (len(self.items) * size) ** 2
