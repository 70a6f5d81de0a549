"""LexLess: one list of terms before another in lexicographic order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..lazy import torch
from ..values import Term
from .base import Parameters
from .independent import Terms, mean_of_difference
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
