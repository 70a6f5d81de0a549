"""SubCircuit: successors that form one cycle through some of the vertices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..values import Domain, Term
from .base import Parameters
from .circuit import (
    cycle_length,
    more_missing,
    move_predecessor,
    path,
    post_circuit,
    returns,
    start_predecessors,
    without_one,
    without_predecessor,
)
from .move_form import Code, Ints, MoveForm
from .term_moves import by_place, placed
from .terms import TermConstraint

if TYPE_CHECKING:
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class SubCircuit(TermConstraint):
    """Vertex i is followed by ``successors[i]``. All vertices that do not follow themselves lie on one cycle.

    The cycle may be empty. Vertices are numbered from 0. The violation degree is the number of vertices that neither
    follow themselves nor lie on the cycle of the first such vertex, plus the number of vertices without a predecessor.

    Args:
        successors: a term for each vertex; a value that is no vertex violates the constraint.

    Raises:
        GraphError: there is no vertex.
    """

    successors: tuple[Term, ...]

    of = ("successors",)
    nonempty = ("successors",)

    def holds(self, successors: tuple[int, ...]) -> bool:
        moving = [i for i, successor in enumerate(successors) if successor != i]
        if not moving:
            return True
        walk = path(successors, moving[0])
        return successors[walk[-1]] == moving[0] and len(walk) == len(moving)

    @staticmethod
    def distance(p: Parameters, successors: Tensor) -> Tensor:
        moving = (successors != successors.new_tensor(range(successors.shape[-1]))).long()
        start = moving.argmax(-1)  # the first of equal maxima
        count = moving.sum(-1)
        return (count > 0) * (count - cycle_length(successors, start) + without_predecessor(successors))

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, memory=3 + len(self.successors))

    def post(self, to: Posting) -> None:
        post_circuit(to, self.successors, loops=True)

    def post_negation(self, to: Posting) -> None:
        # The walk from the first moving vertex returns before all moving vertices were visited, or not after the last.
        count = len(self.successors)
        stays = [to.literal(successor, i) for i, successor in enumerate(self.successors)]
        start, moving = to.integer(0, count - 1), to.integer(0, count)
        with to.defining():
            to.model.add(moving == count - sum(stays))
            for i, stay in enumerate(stays):
                to.model.add(start == i).only_enforce_if(*stays[:i], to.opposite(stay))
            to.model.add(start == 0).only_enforce_if(*stays)
        wrong = [to.opposite(to.within(each, 0, count - 1)) for each in self.successors]
        for steps, back in enumerate(returns(to, self.successors, start), 1):
            more = to.truth(moving > steps, moving <= steps)
            as_many = to.truth(moving == steps, moving != steps)
            wrong += [to.all_of((more, back)), to.all_of((as_many, to.opposite(back)))]
        to.model.add_bool_or(wrong)


# The move form. Memory: how many vertices do not follow themselves; the number of vertices without a predecessor; the degree; for
# each vertex the number of its predecessors.


def _begin(params: Ints, memory: Ints) -> int:
    count = params[0]
    moving = 0
    for vertex in range(count):
        moving += int(memory[vertex] != vertex)
    memory[count] = moving
    memory[count + 1] = start_predecessors(memory, count, count + 3)
    memory[count + 2] = _degree(memory, count, moving, memory[count + 1])
    return memory[count + 2]


def _degree(memory: Ints, count: int, moving: int, missing: int) -> int:
    if moving == 0:
        return 0
    start = 0
    while memory[start] == start:
        start += 1
    vertex, length = memory[start], 1
    while vertex != start and 0 <= vertex < count and length <= count:
        vertex = memory[vertex]
        length += 1
    return moving + missing - (length if vertex == start else 0)


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    count, old = params[0], memory[place]
    moving = memory[count] + int(new != place) - int(old != place)
    missing = memory[count + 1] + more_missing(memory, count, count + 3, old, new)
    memory[place] = new
    degree = _degree(memory, count, moving, missing)
    memory[place] = old
    return degree - memory[count + 2]


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    count, old = params[0], memory[place]
    change = _peek(params, memory, place, new)
    memory[count] += int(new != place) - int(old != place)
    memory[count + 1] += more_missing(memory, count, count + 3, old, new)
    memory[count + 2] += change
    move_predecessor(memory, count, count + 3, old, new)
    memory[place] = new
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    return place if new & 1 else without_one(memory, params[0], params[0] + 3, new >> 1)


_MOVES = by_place("SubCircuit", _begin, _peek, _put, _suggest)
