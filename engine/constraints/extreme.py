"""Base of ``Minimum`` and ``Maximum``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..values import Term
from .function import Function
from .move_form import Ints
from .term_moves import OWN, by_place
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


# The move form. Parameter: 1 for the minimum, -1 for the maximum, which is minus the minimum of the negated items.
# Memory: the minimum, and how many items reach it.


def _scan(params: Ints, memory: Ints, place: int) -> None:
    """Compute the memory from all items but one."""
    items, best, reached = params[0] - 1, 0, 0
    for i in range(items):
        if i != place:
            value = params[OWN] * memory[i]
            if reached == 0 or value < best:
                best, reached = value, 1
            elif value == best:
                reached += 1
    memory[items + 1] = best
    memory[items + 2] = reached


def _least_but(params: Ints, memory: Ints, place: int, least: int) -> int:
    """The least of a number and all items but one."""
    for i in range(params[0] - 1):
        if i != place:
            least = min(least, params[OWN] * memory[i])
    return least


def _begin(params: Ints, memory: Ints) -> int:
    _scan(params, memory, -1)
    return abs(memory[params[0]] - params[OWN] * memory[params[0] - 1])


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    sign, items = params[OWN], params[0] - 1
    best, value = memory[items + 1], sign * memory[items]
    before = abs(best - value)
    if place == items:
        return abs(best - sign * new) - before
    after = sign * new
    if after > best:
        if sign * memory[place] == best and memory[items + 2] == 1:
            after = _least_but(params, memory, place, after)
        else:
            after = best
    return abs(after - value) - before


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    change = _peek(params, memory, place, new)
    sign, items = params[OWN], params[0] - 1
    old = sign * memory[place]
    memory[place] = new
    if place < items and old != sign * new:
        if old == memory[items + 1]:
            memory[items + 2] -= 1
        if sign * new < memory[items + 1]:
            memory[items + 1] = sign * new
            memory[items + 2] = 1
        elif sign * new == memory[items + 1]:
            memory[items + 2] += 1
        elif memory[items + 2] == 0:
            _scan(params, memory, -1)
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The extreme item for the value, and the value for an item that is beyond it or may reach it."""
    sign, items = params[OWN], params[0] - 1
    best, value = memory[items + 1], sign * memory[items]
    if place == items:
        return sign * best
    return sign * value if best > value or sign * memory[place] < value else memory[place]


def _blame(params: Ints, memory: Ints, place: int, new: int) -> int:
    sign, items = params[OWN], params[0] - 1
    best, value = memory[items + 1], sign * memory[items]
    if best == value:
        return 0
    return int(place == items or best > value or sign * memory[place] == best)


MOVES = by_place("Extreme", _begin, _peek, _put, _suggest, _blame)
