"""LexLess: one list of terms before another in lexicographic order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..lazy import torch
from ..values import Domain, Term
from .base import Parameters
from .independent import Terms, mean_of_difference
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, largest_of

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class LexLess(TermConstraint):
    """``left`` comes before ``right`` in lexicographic order; equal lists violate it.

    The violation degree is the amount by which ``left`` exceeds ``right`` where they differ first, and 1 for equal
    lists. The rows of a matrix in order are one constraint for each pair of neighbours.

    Args:
        left, right: equally long lists of terms.
    """

    left: tuple[Term, ...]
    right: tuple[Term, ...]

    of = ("left", "right")
    paired = ("left", "right")

    strict: ClassVar[bool] = True

    def holds(self, left: tuple[int, ...], right: tuple[int, ...]) -> bool:
        return left < right if self.strict else left <= right

    @classmethod
    def distance(cls, p: Parameters, left: Tensor, right: Tensor) -> Tensor:
        more = left - right  # [..., n]
        first = (more != 0).int().argmax(-1, keepdim=True)
        decisive = more.gather(-1, first)[..., 0] if more.shape[-1] else more.sum(-1)
        return torch.where(decisive == 0, int(cls.strict), decisive.clamp(min=0))

    @classmethod
    def expectation(cls, p: Parameters, left: Terms, right: Terms) -> Tensor:
        more, equal = mean_of_difference(left, right)  # [..., n] each
        equal_so_far = torch.cat([torch.ones_like(equal[..., :1]), equal.cumprod(-1)], -1)
        return (equal_so_far[..., :-1] * more).sum(-1) + int(cls.strict) * equal_so_far[..., -1]

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, self.strict, memory=1)

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return largest_of({"left": self.left, "right": self.right}, largest)

    def post(self, to: Posting) -> None:
        before(to, self.left, self.right, self.strict)

    def post_negation(self, to: Posting) -> None:
        before(to, self.right, self.left, not self.strict)


def before(to: Posting, left: tuple[Term, ...], right: tuple[Term, ...], strict: bool) -> None:
    """Add ``left < right`` or ``left <= right`` in lexicographic order to a CP-SAT model.

    Args:
        to: the model under construction.
        left, right: equally long lists of terms.
        strict: whether equal lists are forbidden.
    """
    so_far: cp_model.LiteralT = True  # the literal "the lists are equal up to here"
    last = len(left) - 1
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        with to.only_if(so_far):
            to.model.add(to.term(a) + int(strict and i == last) <= to.term(b))
        if i < last:
            so_far = to.all_of([so_far, to.equal(a, b)])
    if strict and not left:
        to.model.add_bool_or([])


# The move form. Parameter: whether equal lists violate the constraint. Memory: the first position where the lists differ.


def _first(params: Ints, memory: Ints, start: int, place: int, new: int) -> int:
    """The first position from ``start`` on where the lists differ, with one term replaced."""
    count = params[0] // 2
    for i in range(start, count):
        left = new if i == place else memory[i]
        right = new if count + i == place else memory[count + i]
        if left != right:
            return i
    return count


def _amount(params: Ints, memory: Ints, first: int, place: int, new: int) -> int:
    """The degree where the lists first differ at this position, with one term replaced."""
    count = params[0] // 2
    if first == count:
        return params[OWN]
    left = new if first == place else memory[first]
    right = new if count + first == place else memory[count + first]
    return max(0, left - right)


def _begin(params: Ints, memory: Ints) -> int:
    first = _first(params, memory, 0, -1, 0)
    memory[params[0]] = first
    return _amount(params, memory, first, -1, 0)


def _after(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The first position where the lists differ after the change."""
    first = memory[params[0]]
    position = place % (params[0] // 2)
    if position > first:
        return first
    return _first(params, memory, position, place, new)


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    after = _after(params, memory, place, new)
    return _amount(params, memory, after, place, new) - _amount(params, memory, memory[params[0]], -1, 0)


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    change = _peek(params, memory, place, new)
    memory[params[0]] = _after(params, memory, place, new)
    memory[place] = new
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The value that makes the lists equal, or one less or more, at the first position where they differ."""
    count, first = params[0] // 2, memory[params[0]]
    if first == count or place % count > first:
        return memory[place]
    if place < count:
        return memory[place + count] - (new & 1)
    return memory[place - count] + (new & 1)


_MOVES = by_place("LexLess", _begin, _peek, _put, _suggest)
