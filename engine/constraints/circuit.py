"""Circuit: successors that form one cycle through all vertices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lazy import torch
from ..values import Domain, Term
from .base import Parameters
from .move_form import Code, Ints, MoveForm
from .term_moves import by_place, placed
from .terms import TermConstraint

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import IntVar, LiteralT
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Circuit(TermConstraint):
    """Vertex i is followed by ``successors[i]``, and all vertices lie on one cycle. Vertices are numbered from 0.

    The violation degree is the number of vertices outside the cycle of vertex 0, plus the number of vertices without a
    predecessor.

    Args:
        successors: a term for each vertex; a value that is not a vertex violates the constraint.

    Raises:
        GraphError: the list is empty.
    """

    successors: tuple[Term, ...]

    of = ("successors",)
    nonempty = ("successors",)

    def holds(self, successors: tuple[int, ...]) -> bool:
        return 0 in successors and len(path(successors, 0)) == len(successors)

    @staticmethod
    def distance(p: Parameters, successors: Tensor) -> Tensor:
        start = torch.zeros_like(successors[..., 0])
        return successors.shape[-1] - cycle_length(successors, start) + without_predecessor(successors)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        return placed(self, _MOVES, memory=2 + 2 * len(self.successors))

    def post(self, to: Posting) -> None:
        post_circuit(to, self.successors, loops=len(self.successors) == 1)

    def post_negation(self, to: Posting) -> None:
        # The walk from vertex 0 returns too early or not at the end, or a successor is not a vertex.
        count = len(self.successors)
        back = returns(to, self.successors, 0)
        outside = [to.opposite(to.within(each, 0, count - 1)) for each in self.successors]
        to.model.add_bool_or([*outside, *back[:-1], to.opposite(back[-1])])


def path(successors: Sequence[int], start: int) -> list[int]:
    """The distinct vertices of the walk from ``start``, in their order.

    Args:
        successors: the next vertex of each; the walk ends at a value that is not a vertex.
        start: a vertex.
    """
    visited: dict[int, None] = {}
    vertex = start
    while 0 <= vertex < len(successors) and vertex not in visited:
        visited[vertex] = None
        vertex = successors[vertex]
    return list(visited)


def cycle_length(successors: Tensor, start: Tensor) -> Tensor:
    """The length of the cycle through a vertex, by pointer doubling in log N steps.

    Args:
        successors: [..., N] int64; values that are no vertex end the walk.
        start: [...] int64, a vertex.

    Returns:
        [...] int64; 0 where the vertex is on no cycle.
    """
    count = successors.shape[-1]
    inside = (successors >= 0) & (successors < count)
    sink = torch.full_like(successors[..., :1], count)  # a vertex N that follows itself
    ahead = torch.cat([torch.where(inside, successors, count), sink], -1)
    visited = torch.nn.functional.one_hot(start, count + 1)
    returns_to = (ahead == start[..., None]).long()
    steps = 1
    while steps < count:  # ``ahead`` is ``steps`` steps away; ``visited`` has fewer than ``steps``
        visited = visited.scatter_reduce(-1, ahead, visited, "amax")
        ahead = ahead.gather(-1, ahead)
        steps *= 2
    closed = (visited * returns_to).amax(-1)
    return closed * visited[..., :count].sum(-1)


def without_predecessor(successors: Tensor) -> Tensor:
    """The number of vertices that follow none.

    Args:
        successors: [..., N] int64.

    Returns:
        [...] int64.
    """
    count = successors.shape[-1]
    inside = (successors >= 0) & (successors < count)
    place = torch.where(inside, successors, 0)
    reached = torch.zeros_like(successors).scatter_reduce(-1, place, inside.long(), "amax")
    return count - reached.sum(-1)


def post_circuit(to: Posting, successors: Sequence[Term], *, loops: bool) -> None:
    """Add to a CP-SAT model that successors form one cycle.

    Args:
        to: the model under construction.
        successors: a term for each vertex.
        loops: whether a vertex that follows itself is left out of the cycle; else no vertex does.
    """
    arcs = []
    for i, successor in enumerate(successors):
        own = [(j, to.literal(successor, j)) for j in range(len(successors)) if loops or i != j]
        possible = [(j, literal) for j, literal in own if literal is not False]
        arcs += [(i, j, literal) for j, literal in possible]
        to.model.add_bool_or([literal for _, literal in possible])  # CP-SAT ignores a vertex without arcs
    if arcs:
        to.model.add_circuit(arcs)


def returns(to: Posting, successors: Sequence[Term], start: IntVar | int) -> list[LiteralT]:
    """For k = 1 to N, the Boolean "the walk is at its start after k steps".

    The auxiliary variables have one value for each assignment of the successors. A vertex without a valid successor
    counts as its own successor.

    Args:
        to: the model under construction.
        successors: a term for each of N vertices.
        start: the first vertex.
    """
    count = len(successors)
    with to.defining():
        ahead = [_valid(to, successor, i, count) for i, successor in enumerate(successors)]
        place, found = start, []
        for _ in range(count):
            after = to.integer(0, count - 1)
            to.model.add_element(place, ahead, after)
            found.append(to.truth(after == start, after != start))
            place = after
    return found


def _valid(to: Posting, successor: Term, vertex: int, count: int) -> IntVar | int:
    """The successor, or the vertex itself if the successor is not a vertex."""
    inside = to.within(successor, 0, count - 1)
    if inside is True:
        return to.term(successor)
    if inside is False:
        return vertex
    valid = to.integer(0, count - 1)
    to.model.add(valid == to.term(successor)).only_enforce_if(inside)
    to.model.add(valid == vertex).only_enforce_if(to.opposite(inside))
    return valid


# The move form. Memory: the length of the cycle of vertex 0, or 0; the number of vertices without a predecessor; for each vertex the
# number of its predecessors; for each vertex its position on the walk from vertex 0, or -1.


def _begin(params: Ints, memory: Ints) -> int:
    count = params[0]
    missing = start_predecessors(memory, count, count + 2)
    for vertex in range(count):
        memory[2 * count + 2 + vertex] = -1
    memory[count + 1] = missing
    memory[count] = _walk(memory, count, 0, 0)
    return count - memory[count] + missing


def start_predecessors(memory: Ints, count: int, first: int) -> int:
    """Count the predecessors of each vertex.

    Args:
        memory: the successors, and from ``first`` on room for the counts.
        count: the number of vertices.
        first: the position of the counts.

    Returns:
        How many vertices have none.
    """
    for vertex in range(count):
        memory[first + vertex] = 0
    missing = count
    for vertex in range(count):
        successor = memory[vertex]
        if 0 <= successor < count:
            if memory[first + successor] == 0:
                missing -= 1
            memory[first + successor] += 1
    return missing


def more_missing(memory: Ints, count: int, first: int, old: int, new: int) -> int:
    """How many more vertices have no predecessor after one successor has changed.

    Args:
        memory: with the number of predecessors of each vertex from ``first`` on.
        count: the number of vertices.
        first: the position of these numbers.
        old: the successor before.
        new: the successor afterwards.
    """
    if old == new:
        return 0
    more = 0
    if 0 <= old < count and memory[first + old] == 1:
        more += 1
    if 0 <= new < count and memory[first + new] == 0:
        more -= 1
    return more


def move_predecessor(memory: Ints, count: int, first: int, old: int, new: int) -> None:
    """Update the number of predecessors after one successor has changed.

    Args:
        memory: with the number of predecessors of each vertex from ``first`` on.
        count: the number of vertices.
        first: the position of these numbers.
        old: the successor before.
        new: the successor afterwards.
    """
    if 0 <= old < count:
        memory[first + old] -= 1
    if 0 <= new < count:
        memory[first + new] += 1


def without_one(memory: Ints, count: int, first: int, draw: int) -> int:
    """The first vertex without a predecessor, from a random one on; a random vertex where all have one.

    Args:
        memory: with the number of predecessors of each vertex from ``first`` on.
        count: the number of vertices.
        first: the position of these numbers.
        draw: a random number.
    """
    for i in range(count):
        if memory[first + (draw + i) % count] == 0:
            return (draw + i) % count
    return draw % count


def _walk(memory: Ints, count: int, vertex: int, position: int) -> int:
    """Store the positions of the vertices that follow on the walk; return the length of the cycle of vertex 0, or 0."""
    place = 2 * count + 2
    while 0 <= vertex < count and memory[place + vertex] < 0:
        memory[place + vertex] = position
        position += 1
        vertex = memory[vertex]
    return position if vertex == 0 else 0


def _cycle(memory: Ints, count: int, vertex: int, new: int) -> int:
    """The length of the cycle of vertex 0, or 0, after one vertex of the walk has got a new successor."""
    place = 2 * count + 2
    position = memory[place + vertex]
    length, ahead = position + 1, new
    while 0 <= ahead < count and length <= count:
        if ahead == 0:
            return length
        met = memory[place + ahead]
        if met >= 0:  # from there on the walk is the old one, which returns to vertex 0 or does not
            return length + memory[count] - met if met > position and memory[count] > 0 else 0
        length += 1
        ahead = memory[ahead]
    return 0


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    count, old = params[0], memory[place]
    change = more_missing(memory, count, count + 2, old, new)
    if old != new and memory[2 * count + 2 + place] >= 0:
        change += memory[count] - _cycle(memory, count, place, new)
    return change


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    count, old = params[0], memory[place]
    change = _peek(params, memory, place, new)
    if old == new:
        return 0
    memory[count + 1] += more_missing(memory, count, count + 2, old, new)
    move_predecessor(memory, count, count + 2, old, new)
    first = 2 * count + 2
    position = memory[first + place]
    if position >= 0:
        while 0 <= old < count and memory[first + old] > position:
            memory[first + old] = -1
            old = memory[old]
        memory[place] = new
        memory[count] = _walk(memory, count, new, position + 1)
    memory[place] = new
    return change


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    return without_one(memory, params[0], params[0] + 2, new)


_MOVES = by_place("Circuit", _begin, _peek, _put, _suggest)
