"""Connected: the chosen vertices of a graph are connected."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Term, brief, integer, items, set_fields
from .base import Parameters
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import LiteralT
    from torch import Tensor

    from ..posting import Posting


@dataclass(frozen=True)
class Connected(TermConstraint):
    """The vertices with ``chosen[v] = 1`` are connected by edges between them; none and one chosen vertex are.

    The violation degree is the number of their components beyond one.

    Args:
        chosen: a term with values 0 and 1 for each vertex; vertices are numbered from 0.
        edges: pairs of vertices.

    Raises:
        GraphError: an edge that is not a pair of vertices, or a term with other values.
    """

    chosen: tuple[Term, ...]
    edges: tuple[tuple[int, int], ...]

    of = ("chosen",)

    def __post_init__(self) -> None:
        super().__post_init__()
        form = "[[0, 1], [1, 2]]"
        edges = []
        for edge in items(self.edges, f"{self.kind}: the edges", form):
            pair = items(edge, f"{self.kind}: an edge", form)
            ends = tuple(integer(each, f"{self.kind}: a vertex of the edges") for each in pair)
            if len(ends) != 2 or not all(0 <= end < len(self.chosen) for end in ends):
                hint = f"vertices are numbered from 0 to {len(self.chosen) - 1}"
                raise GraphError(f"{self.kind}: {brief(edge)} is not a pair of vertices", hint)
            edges.append(ends)
        for term in self.chosen:
            if isinstance(term, int) and term not in (0, 1):
                raise GraphError(f"{self.kind}: the constant {term} is neither 0 nor 1")
        set_fields(self, edges=tuple(edges))

    def validate(self, domains: Mapping[str, Domain]) -> None:
        super().validate(domains)
        for each in self.scope:
            if len(domains[each]) > 2 or not set(domains[each]) <= {0, 1}:
                raise GraphError(f"{self.describe()}: the domain of {each!r} has values other than 0 and 1")

    def canonical(self) -> dict[str, Any]:
        return {**self.to_json(), "edges": sorted({(min(edge), max(edge)) for edge in self.edges})}

    def holds(self, chosen: tuple[int, ...]) -> bool:
        left = {vertex for vertex, value in enumerate(chosen) if value}
        neighbours = self._neighbours()
        reached = [left.pop()] if left else []
        while reached:
            found = left.intersection(neighbours[reached.pop()])
            left -= found
            reached += found
        return not left

    def _neighbours(self) -> list[set[int]]:
        found: list[set[int]] = [set() for _ in self.chosen]
        for a, b in self.edges:
            if a != b:
                found[a].add(b)
                found[b].add(a)
        return found

    def layout(self) -> Hashable:
        return super().layout(), len(self.edges)

    def constants(self) -> dict[str, np.ndarray]:
        """``ends`` [2, E]: the vertices of each edge."""
        return {"ends": np.array(self.edges, dtype=np.int64).reshape(-1, 2).T.copy()}

    @staticmethod
    def distance(p: Parameters, chosen: Tensor) -> Tensor:
        # Every chosen vertex has a label, at first its own number; a component takes its smallest. A step passes labels
        # over edges to the vertices that the labels name, then doubles the pointers: about log N steps on any graph.
        count, wide = chosen.shape[-1], chosen.shape[:-1]
        first, second = p["ends"][..., 0, :].expand(*wide, -1), p["ends"][..., 1, :].expand(*wide, -1)
        both = (chosen.gather(-1, first) * chosen.gather(-1, second)).bool()
        own = chosen.new_tensor(range(count)).expand_as(chosen)
        label = own
        while True:
            a, b = label.gather(-1, first), label.gather(-1, second)
            low = torch.where(both, a.minimum(b), count)
            new = label
            for place in (first, second, a, b):
                new = new.scatter_reduce(-1, place, low, "amin")
            new = new.gather(-1, new)
            if torch.equal(new, label):
                break
            label = new
        components = ((label == own) & chosen.bool()).sum(-1)
        return (components - 1).clamp(min=0)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        neighbours = [sorted(found) for found in self._neighbours()]
        ends = OWN + len(neighbours) + 1 + np.cumsum([0, *map(len, neighbours)])
        listed = [vertex for found in neighbours for vertex in found]
        return placed(self, _MOVES, ends, listed, memory=1 + 3 * len(self.chosen))

    def post(self, to: Posting) -> None:
        if to.conditional:  # auxiliary variables then need a value also where the vertices are not connected
            for chosen, reached in self._reached(to):
                to.model.add_bool_or([to.opposite(chosen), reached])
        else:
            self._post_tree(to)

    def _post_tree(self, to: Posting) -> None:
        """Every chosen vertex but the first has one parent, a chosen neighbour of a lower level.

        CP-SAT was given grids of n x n vertices and one worker. The seconds below are those of CPU for distances from
        the first vertex (levels that are one apart) and for trees: 5/18 of the vertices at n = 15: 2.1 and 0.2; the
        cheapest connected set with six given vertices, proved at n = 8: 1.4 and 0.5. A flow from the first vertex took
        longer than both. Where solutions are enumerated, levels are distances, because they then have one value each.
        """
        count = len(self.chosen)
        chosen = [to.literal(term, 1) for term in self.chosen]
        levels = [to.integer(0, max(0, count - 1)) for _ in chosen]
        parents: list[list[LiteralT]] = [[] for _ in chosen]
        for a, b in sorted({(min(edge), max(edge)) for edge in self.edges if edge[0] != edge[1]}):
            both = (chosen[a], chosen[b])
            for u, v in ((a, b), (b, a)):
                arc = to.model.new_bool_var("")
                parents[v].append(arc)
                to.model.add_bool_and(*both).only_enforce_if(arc)
                if to.enumerating:
                    to.model.add(levels[v] == levels[u] + 1).only_enforce_if(arc)
                    to.model.add(levels[v] <= levels[u]).only_enforce_if(~arc, *both)
                else:
                    to.model.add(levels[v] > levels[u]).only_enforce_if(arc)
            to.model.add_at_most_one(parents[a][-1], parents[b][-1])
        for v, (own, earlier) in enumerate(_with_earlier(to, chosen)):
            none, first = to.opposite(own), to.opposite(earlier)
            if to.enumerating:
                to.model.add(levels[v] == 0).only_enforce_if(none)
                to.model.add(levels[v] == 0).only_enforce_if(first)
                to.model.add_bool_or(*parents[v], none, first)
            else:
                to.model.add_exactly_one(*parents[v], none, to.all_of((own, first)))

    def post_negation(self, to: Posting) -> None:
        apart = (to.all_of((chosen, to.opposite(reached))) for chosen, reached in self._reached(to))
        to.model.add_bool_or(list(apart))

    def _reached(self, to: Posting) -> list[tuple[LiteralT, LiteralT]]:
        """For each vertex, the Booleans "it is chosen" and "it is connected to the first chosen vertex".

        The level of a vertex is its distance from there, and N where it is not connected.
        """
        count, neighbours = len(self.chosen), self._neighbours()
        chosen = [to.literal(term, 1) for term in self.chosen]
        levels = [to.integer(0, count) for _ in chosen]
        found: list[tuple[LiteralT, LiteralT]] = []
        with to.defining():
            for v, (own, earlier) in enumerate(_with_earlier(to, chosen)):
                to.model.add(levels[v] == count).only_enforce_if(to.opposite(own))
                to.model.add(levels[v] == 0).only_enforce_if(own, to.opposite(earlier))
                nearest = to.integer(0, count - 1)
                to.model.add_min_equality(nearest, [count - 1, *(levels[u] for u in sorted(neighbours[v]))])
                to.model.add(levels[v] == nearest + 1).only_enforce_if(own, earlier)
                found.append((own, to.truth(levels[v] < count, levels[v] >= count)))
        return found


def _with_earlier(to: Posting, chosen: Sequence[LiteralT]) -> Iterator[tuple[LiteralT, LiteralT]]:
    """For each vertex, the Booleans "it is chosen" and "a vertex before it is chosen"."""
    earlier: LiteralT = False
    for own in chosen:
        yield own, earlier
        earlier = to.any_of((earlier, own))


# The move form. Parameters: for each vertex the position of its first neighbour, the end of the last; the neighbours. Memory: the
# number of components; for each vertex the smallest of its component, or -1; room for a search.


def _spread(params: Ints, memory: Ints, start: int, without: int, mark: int, first: int) -> int:
    """Mark the chosen vertices that are connected with one, and return where their list ends.

    Args:
        params, memory: of a constraint and a chain.
        start: a chosen vertex.
        without: a vertex that does not count as chosen, or -1.
        mark: position of the marks: -1 for a vertex that was not reached.
        first: position of the list.
    """
    memory[first] = start
    memory[mark + start] = start
    done, end = first, first + 1
    while done < end:
        vertex = memory[done]
        done += 1
        for i in range(params[OWN + vertex], params[OWN + vertex + 1]):
            other = params[i]
            if memory[other] != 0 and other != without and memory[mark + other] < 0:
                memory[mark + other] = start
                memory[end] = other
                end += 1
    return end


def _label(params: Ints, memory: Ints) -> None:
    """Compute the components."""
    count = params[0]
    for vertex in range(count):
        memory[count + 1 + vertex] = -1
        memory[2 * count + 1 + vertex] = -1
    memory[count] = 0
    for vertex in range(count):
        if memory[vertex] != 0 and memory[count + 1 + vertex] < 0:
            memory[count] += 1
            _spread(params, memory, vertex, -1, count + 1, 3 * count + 1)


def _begin(params: Ints, memory: Ints) -> int:
    _label(params, memory)
    return max(0, memory[params[0]] - 1)


def _joined(params: Ints, memory: Ints, vertex: int) -> int:
    """The number of components that a vertex is next to."""
    label = params[0] + 1
    found = 0
    for i in range(params[OWN + vertex], params[OWN + vertex + 1]):
        own = memory[label + params[i]]
        new = own >= 0
        for j in range(params[OWN + vertex], i):
            if memory[label + params[j]] == own:
                new = False
        found += int(new)
    return found


def _pieces(params: Ints, memory: Ints, vertex: int) -> int:
    """The number of components into which that of a vertex falls without the vertex."""
    count = params[0]
    mark, end = 2 * count + 1, 3 * count + 1
    found = 0
    for i in range(params[OWN + vertex], params[OWN + vertex + 1]):
        other = params[i]
        if memory[other] != 0 and memory[mark + other] < 0:
            found += 1
            end = _spread(params, memory, other, vertex, mark, end)
    for i in range(3 * count + 1, end):
        memory[mark + memory[i]] = -1
    return found


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    count = params[0]
    components = memory[count]
    if new == memory[place]:
        return 0
    after = components + (1 - _joined(params, memory, place) if new else _pieces(params, memory, place) - 1)
    return max(0, after - 1) - max(0, components - 1)


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    before = max(0, memory[params[0]] - 1)
    if new != memory[place]:
        memory[place] = new
        _label(params, memory)
    return max(0, memory[params[0]] - 1) - before


_MOVES = by_place("Connected", _begin, _peek, _put)
