"""Inverse: two arrays that are inverse permutations of one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..values import Domain, Term
from .base import Parameters
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Inverse(TermConstraint):
    """``forward[i] = j`` exactly where ``backward[j] = i``, and all values are indices, counted from 0.

    The violation degree is the number of entries, in both arrays, whose partner does not point back.

    Args:
        forward: terms.
        backward: as many terms.

    Raises:
        GraphError: the arrays have different lengths.
    """

    forward: tuple[Term, ...]
    backward: tuple[Term, ...]

    of = ("forward", "backward")
    paired = ("forward", "backward")

    def holds(self, forward: tuple[int, ...], backward: tuple[int, ...]) -> bool:
        # Then forward has distinct values, so it is a permutation and backward has no other entries.
        return all(0 <= j < len(backward) and backward[j] == i for i, j in enumerate(forward))

    @staticmethod
    def distance(p: Parameters, forward: Tensor, backward: Tensor) -> Tensor:
        count = forward.shape[-1]
        index = forward.new_tensor(range(count))
        points = forward[..., :, None] == index  # [..., i, j]
        back = backward[..., None, :] == index[:, None]
        return 2 * count - (points & back).long().sum((-1, -2)) * 2

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, len(self.forward))

    def post(self, to: Posting) -> None:
        to.model.add_inverse(to.terms(self.forward), to.terms(self.backward))

    def post_negation(self, to: Posting) -> None:
        count = len(self.forward)
        wrong = [to.opposite(to.within(each, 0, count - 1)) for each in self.forward]
        for i, there in enumerate(self.forward):
            for j, back in enumerate(self.backward):
                wrong.append(to.all_of((to.literal(there, j), to.opposite(to.literal(back, i)))))
        to.model.add_bool_or(wrong)


# The move form. Parameter: the length of the arrays.


def _paired(params: Ints, memory: Ints, place: int, value: int) -> bool:
    """Whether the entry at a place would have a partner that points back, if it had this value."""
    count = params[OWN]
    if value < 0 or value >= count:
        return False
    if place < count:
        return memory[count + value] == place
    return memory[value] == place - count


def _begin(params: Ints, memory: Ints) -> int:
    degree = 2 * params[OWN]
    for i in range(params[OWN]):
        if _paired(params, memory, i, memory[i]):
            degree -= 2
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    return 2 * (int(_paired(params, memory, place, memory[place])) - int(_paired(params, memory, place, new)))


def _blame(params: Ints, memory: Ints, place: int, new: int) -> int:
    return int(not _paired(params, memory, place, memory[place]))


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The first entry from a random one on that points here, and to which this entry does not point; else any index."""
    count = params[OWN]
    own, other = (place, count) if place < count else (place - count, 0)
    for i in range(count):
        at = (new + i) % count
        if memory[other + at] == own and memory[place] != at:
            return at
    return new % count


_MOVES = by_place("Inverse", _begin, _peek, suggest=_suggest, blame=_blame)
