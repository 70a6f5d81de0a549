"""Circuit: successors that form one cycle through all vertices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lazy import torch
from ..values import Term
from .base import Parameters
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
