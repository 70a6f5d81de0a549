"""NoOverlap2D: rectangles that share no point inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from ..values import Domain, Term
from .base import Constraint, Parameters
from .move_form import Code, Ints, MoveForm
from .no_overlap import beside, interval, overlap, overlaps, positive, shared_length, times
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, moves_only

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class NoOverlap2D(TermConstraint):
    """No two rectangles overlap: rectangle i covers ``x[i]`` to ``x[i] + widths[i]``, ``y[i]`` to ``y[i] + heights[i]``.

    A negative width or height violates it. The violation degree is, summed over pairs of rectangles, the shorter side
    of the area that both cover, plus the negative lengths.

    Args:
        x: a term for each rectangle.
        y: as many terms.
        widths: as many terms; a rectangle without area overlaps with none.
        heights: as many terms.

    Raises:
        GraphError: the lists have different lengths.
    """

    x: tuple[Term, ...]
    y: tuple[Term, ...]
    widths: tuple[Term, ...]
    heights: tuple[Term, ...]

    of = ("x", "y", "widths", "heights")
    paired = ("x", "y", "widths", "heights")

    def holds(self, x: tuple[int, ...], y: tuple[int, ...], widths: tuple[int, ...], heights: tuple[int, ...]) -> bool:
        if any(length < 0 for length in (*widths, *heights)):
            return False
        boxes = [box for box in zip(x, y, widths, heights, strict=True) if box[2] and box[3]]
        return not any(
            a < c + w and c < a + v and b < d + k and d < b + h for (a, b, v, h), (c, d, w, k) in combinations(boxes, 2)
        )

    @staticmethod
    def distance(p: Parameters, x: Tensor, y: Tensor, widths: Tensor, heights: Tensor) -> Tensor:
        shared = overlaps(x, widths).minimum(overlaps(y, heights)).sum((-1, -2))
        return shared + (-widths).clamp(min=0).sum(-1) + (-heights).clamp(min=0).sum(-1)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, len(self.x))

    def magnitudes(self, largest: Mapping[str, int]) -> Mapping[str, int]:
        return times(super().magnitudes(largest), len(self.x))

    def factor_kind(self) -> type[Constraint]:
        return _FixedSizes if moves_only(self, "x", "y") else type(self)

    def post(self, to: Posting) -> None:
        for length in (*self.widths, *self.heights):
            if to.bounds(length)[0] < 0:
                to.model.add(to.term(length) >= 0)
        across, down = [], []
        for x, y, width, height in zip(self.x, self.y, self.widths, self.heights, strict=True):
            present = to.all_of((positive(to, width), positive(to, height)))
            across.append(interval(to, x, width, present))
            down.append(interval(to, y, height, present))
        to.model.add_no_overlap_2d(across, down)

    def post_negation(self, to: Posting) -> None:
        lengths = (*self.widths, *self.heights)
        wrong = [to.opposite(to.within(each, 0, max(0, to.bounds(each)[1]))) for each in lengths]
        for one, other in combinations(range(len(self.x)), 2):
            beside = overlap(to, self.x, self.widths, one, other)
            above = overlap(to, self.y, self.heights, one, other)
            wrong.append(to.all_of((beside, above)))
        to.model.add_bool_or(wrong)


class _FixedSizes(NoOverlap2D):
    """The tensor form for rectangles whose places are distinct variables, and whose sizes are integers."""


# The move form. Parameter: the number of rectangles.


def _both(count: int, memory: Ints, other: int, x: int, y: int, width: int, height: int) -> int:
    """The shorter side of the area that a rectangle shares with another one."""
    across = shared_length(x, width, memory[other], memory[2 * count + other])
    if across == 0:
        return 0
    return min(across, shared_length(y, height, memory[count + other], memory[3 * count + other]))


def _begin(params: Ints, memory: Ints) -> int:
    count = params[OWN]
    degree = 0
    for i in range(count):
        x, y, width, height = memory[i], memory[count + i], memory[2 * count + i], memory[3 * count + i]
        degree += max(0, -width) + max(0, -height)
        for j in range(i):
            degree += _both(count, memory, j, x, y, width, height)
    return degree


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    count = params[OWN]
    box, field = place % count, place // count
    x, y, width, height = memory[box], memory[count + box], memory[2 * count + box], memory[3 * count + box]
    new_x = new if field == 0 else x
    new_y = new if field == 1 else y
    new_width = new if field == 2 else width
    new_height = new if field == 3 else height
    change = max(0, -new_width) + max(0, -new_height) - max(0, -width) - max(0, -height)
    for i in range(count):
        if i != box:
            change += _both(count, memory, i, new_x, new_y, new_width, new_height)
            change -= _both(count, memory, i, x, y, width, height)
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """A place just beside a random rectangle; no length."""
    count = params[OWN]
    box, other = place % count, (new >> 1) % count
    if place >= 2 * count or box == other:
        return memory[place]
    length = 2 * count + place - box  # of the first rectangle, in the same direction
    return beside(memory[2 * count + place], memory[place - box + other], memory[length + other], new)


def _blame(params: Ints, memory: Ints, place: int, new: int) -> int:
    """What the rectangle of a term shares with others; or a length is negative."""
    count = params[OWN]
    box = place % count
    x, y, width, height = memory[box], memory[count + box], memory[2 * count + box], memory[3 * count + box]
    shared = max(0, -width) + max(0, -height)
    for i in range(count):
        if i != box:
            shared += _both(count, memory, i, x, y, width, height)
    return shared


_MOVES = by_place("NoOverlap2D", _begin, _peek, suggest=_suggest, blame=_blame)
