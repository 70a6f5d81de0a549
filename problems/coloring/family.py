"""The graph colouring family: k colours, or the fewest."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count, pairwise
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from ...engine.constraint_arrays import NumberedNames
from ...engine.constraints import Compare
from ...engine.constraints.edge_arrays import EdgeArrays
from ...engine.graph import ConstraintGraph, gc_paused
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import InputError
from ..family import Family
from ..parsing import parse_fields, parse_fraction, parse_int, parse_range
from . import graphs
from .text import Lists, parse
from .weighted import HEAVIEST, Weights, most_colors, render, vertex_weights, weighted_problem

if TYPE_CHECKING:
    from ...pictures.view import View


class Coloring(Family):
    """Adjacent vertices differ in colour. The variables are v1 to vn.

    Without ``colors`` the number of colours is minimised: after each answer, one colour fewer is tried
    (``Problem.tighten``).

    Lines ``n VERTEX WEIGHT`` of a file give the vertices weights. Then a colour costs as much as its heaviest vertex, and
    the total cost is minimised, with at most ``colors`` colours.

    A file's line ``f VERTEX COLOUR...`` lists the colours that a vertex may take. Then colours are not interchangeable,
    and any colouring from the lists is an answer. Vertices without a line take any colour.
    """

    name = "coloring"
    summary = "DIMACS .col and .col.b, METIS .graph, GraphML, GML, edge lists; -k colours, or the fewest"
    spec = (
        "coloring:VERTICES:DENSITY[:COLOURS[:WEIGHTS]], a random graph that COLOURS colours suffice for; weights 1-10"
    )
    suffixes = (".col", *graphs.SUFFIXES)
    stream_forms = ("coloring:VERTICES:DENSITY:COLOURS[:ANSWERS]",)
    stream_maker = "mull.problems.coloring.stream:ColoringStream"

    def recognises(self, text: str) -> bool:
        return graphs.is_dimacs(text) or graphs.looks_like(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            other = graphs.parse(text, path)
            if other is not None:
                return [coloring_problem(other, colors, path)]
            edges, lists = parse(text)
            if weights := vertex_weights(text):
                return [_weighted(edges, lists, weights, colors, path)]
            return [_listed(edges, lists, colors, path) if lists else coloring_problem(edges, colors, path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        parts = parse_fields(spec, 2, 4, self.spec)
        n = parse_int(parts[0], 1, 10_000, "vertices", hint=self.spec)
        density = parse_fraction(parts[1], "density")
        hidden = parse_int(parts[2], 1, n, "colours", hint=self.spec) if len(parts) > 2 else None
        heaviness = parse_range(parts[3], 1, HEAVIEST, "weights", self.spec) if len(parts) > 3 else None
        rng = random.Random(f"coloring:{spec}:{seed}")
        side = [rng.randrange(hidden) if hidden else v for v in range(n)]
        graph = nx.Graph()
        graph.add_nodes_from(range(1, n + 1))
        for v in range(n):
            for u in range(v):
                if side[u] != side[v] and rng.random() < density:
                    graph.add_edge(u + 1, v + 1)
        path = f"coloring:{spec}"
        if heaviness:
            return _weighted(graph, {}, {v: rng.randint(*heaviness) for v in graph}, colors or hidden, path)
        return coloring_problem(graph, colors or hidden, path)

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(assignment)

    def picture(self, view: View) -> str | None:
        from ...pictures.network import Network, draw_network

        names = [name for name in view.domains if name not in view.problem.auxiliary]
        index = {name: i for i, name in enumerate(names)}
        graph = view.problem.graph
        if graph.arrays is not None:
            edges = [(int(u), int(v)) for u, v in graph.scopes[1].reshape(-1, 2)]
        else:
            pairs = (each.scope for each in graph.constraints if isinstance(each, Compare))
            edges = [(index[u], index[v]) for u, v in pairs]
        return draw_network(view, Network(names, edges))

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        if not minimises or problem.graph.objective is not None:
            return super().restored(problem, minimises)
        # The stored graph has the colours of one attempt; the edges give the problem of the fewest again.
        graph = nx.Graph()
        graph.add_nodes_from(int(name[1:]) for name in problem.graph.domains)
        graph.add_edges_from([int(name[1:]) for name in c.scope] for c in problem.graph.constraints)
        return replace(coloring_problem(graph, None, problem.source.path), graph=problem.graph, source=problem.source)


def coloring_problem(graph: nx.Graph | EdgeArrays, colors: int | None, path: str = "-") -> Problem:
    """The problem of colouring a graph.

    Args:
        graph: on vertices that are integers from 0.
        colors: number of colours; None for the fewest.
        path: of the file, or ``family:spec``.

    Raises:
        InputError: fewer than one colour.
    """
    edges = edges_of(graph)
    if colors is not None and colors < 1:
        raise InputError(f"cannot colour with {colors} colours", path, hint="-k is 1 or more")
    if colors is not None:
        return Problem(template(edges, colors), {}, "coloring", Source(path), render)
    start = _dsatur(edges)
    # From the greedy colouring downwards, each answer is followed by a try with one colour fewer, until the clique's size is reached.
    best = partial(_with_fewer, edges, max(_clique(edges), 1), path)
    return Problem(template(edges, start), {}, "coloring", Source(path), render, best, used)


def edges_of(graph: nx.Graph | EdgeArrays) -> EdgeArrays:
    """The edges of a graph as arrays, sorted; the variable of vertex 7 is v7.

    Args:
        graph: on vertices that are integers from 0.
    """
    if isinstance(graph, EdgeArrays):
        return graph
    vertices = np.array(sorted(graph), dtype=np.int64)
    ends = np.array(list(graph.edges), dtype=np.int64).reshape(-1, 2)
    pairs = np.sort(np.searchsorted(vertices, ends), axis=1)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return EdgeArrays(NumberedNames("v", vertices), pairs[order].astype(np.int32))


def _listed(edges: EdgeArrays, lists: Lists, colors: int | None, path: str) -> Problem:
    """The problem of a list colouring. With ``colors``, only colours 1 to ``colors`` are allowed."""
    # A vertex of degree d without a list has a free colour among d + 1 for all colours of its neighbours.
    degree = zip(edges.names.numbers.tolist(), np.diff(edges.neighbours[0]).tolist(), strict=True)
    free = max((d + 1 for v, d in degree if v not in lists), default=1)
    most = colors or max(free, *(max(allowed) for allowed in lists.values()))
    domains = dict.fromkeys(edges.names.strings(), tuple(range(1, most + 1)))
    for v, allowed in lists.items():
        left = tuple(color for color in allowed if colors is None or color <= colors)
        if not left:
            raise InputError(f"vertex {v} may take none of the colours 1 to {colors}", path, hint="choose a larger -k")
        domains[f"v{v}"] = left
    return Problem(ConstraintGraph.unchecked(domains, list(edges)), {}, "coloring", Source(path), render)


def _weighted(graph: nx.Graph | EdgeArrays, lists: Lists, weights: Weights, colors: int | None, path: str) -> Problem:
    """The problem of the cheapest colouring with vertex weights."""
    if lists:
        plain = _listed(edges_of(graph), lists, colors, path).graph
    else:
        plain = template(graph, colors or most_colors(template(graph, 1)))
    return weighted_problem(plain, weights, path)


def _dsatur(graph: nx.Graph | EdgeArrays) -> int:
    """The number of colours of the greedy colouring by saturation (Brélaz 1979), in time m log n.

    networkx scans all vertices at every step, which took minutes for 33,333 vertices without edges.
    """
    start, near = (array.tolist() for array in edges_of(graph).neighbours)
    degree = [b - a for a, b in pairwise(start)]
    around: list[set[int]] = [set() for _ in degree]
    colored = [-1] * len(degree)
    heap = [(0, -d, v) for v, d in enumerate(degree)]
    heapify(heap)
    while heap:
        saturation, _, v = heappop(heap)
        if colored[v] >= 0 or -saturation < len(around[v]):
            continue  # an entry from before its saturation rose; the new one is in the heap as well
        colored[v] = color = next(c for c in count() if c not in around[v])
        for u in near[start[v] : start[v + 1]]:
            if colored[u] < 0 and color not in around[u]:
                around[u].add(color)
                heappush(heap, (-len(around[u]), -degree[u], u))
    return max(colored, default=0) + 1


def _clique(edges: EdgeArrays) -> int:
    """The size of a greedy clique, grown from the vertex of largest degree: a lower bound of the number of colours."""
    start, near = (array.tolist() for array in edges.neighbours)
    clique: list[int] = []
    for v in sorted(range(len(start) - 1), key=lambda v: start[v + 1] - start[v], reverse=True):
        if start[v + 1] - start[v] < len(clique):
            break
        adjacent = set(near[start[v] : start[v + 1]])
        if all(u in adjacent for u in clique):
            clique.append(v)
    return len(clique)


def _with_fewer(edges: EdgeArrays, least: int, path: str, assignment: Mapping[str, Value]) -> Problem | None:
    """The problem with one colour fewer than an assignment uses, or None below the lower bound."""
    fewer = used(assignment) - 1
    if fewer < least:
        return None
    return Problem(template(edges, fewer), {}, "coloring", Source(path), render)


def used(assignment: Mapping[str, Value]) -> int:
    """The number of colours that an assignment uses."""
    return len(set(assignment.values()))


def template(graph: nx.Graph | EdgeArrays, colors: int) -> ConstraintGraph:
    """The constraint graph: variables v1 to vn with colours 1 to k, unequal along edges.

    Args:
        graph: on vertices 1 to n.
        colors: k.
    """
    edges = edges_of(graph)
    return ConstraintGraph.unchecked(dict.fromkeys(edges.names.strings(), tuple(range(1, colors + 1))), edges)
