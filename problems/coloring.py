"""Graph colouring: DIMACS ``.col`` files, with k colours or as few as can be."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count

import networkx as nx

from ..engine.constraints import Compare
from ..engine.graph import ConstraintGraph, gc_paused
from ..engine.problem import Problem, Source
from ..engine.values import Value
from .errors import InputError, excerpt, warn
from .family import Family, share, whole

HINT = "DIMACS: 'p edge VERTICES EDGES', then a line 'e U V' for each edge"
LARGEST = 1_000_000
DECLARED = 100_000
"""Vertices that the header of a short file may declare; a longer one may declare one for each character."""


class Coloring(Family):
    """Neighbours differ in colour. Without ``colors``, as few colours as can be, found by asking for one less.

    A line ``f VERTEX COLOUR...`` lists the colours that a vertex may take. Colours are not interchangeable then, so that any
    colouring from the lists is an answer; vertices without a line take any colour.
    """

    name = "coloring"
    summary = "DIMACS .col; -k colours, or as few as can be"
    spec = "coloring:VERTICES:DENSITY[:COLOURS], a random graph with that many colours hidden in it"
    suffixes = (".col",)
    stream_forms = ("coloring:VERTICES:DENSITY:COLOURS[:ANSWERS]",)
    stream_maker = "mull.problems.streams.others:Colorings"

    def recognises(self, text: str) -> bool:
        return re.search(r"^[ \t]*p[ \t]+(?:edges?|col)[ \t]", text, re.MULTILINE) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            graph, lists = _parse(text)
            return [_listed(graph, lists, colors, path) if lists else colouring(graph, colors, path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        parts = spec.split(":")
        if len(parts) not in (2, 3):
            raise InputError(f"{excerpt(spec)} is no VERTICES:DENSITY[:COLOURS]", hint=self.spec)
        n = whole(parts[0], 1, 10_000, "vertices", hint=self.spec)
        density = share(parts[1], "density")
        hidden = whole(parts[2], 1, n, "colours", hint=self.spec) if len(parts) == 3 else None
        rng = random.Random(f"coloring:{spec}:{seed}")
        side = [rng.randrange(hidden) if hidden else v for v in range(n)]
        graph = nx.Graph()
        graph.add_nodes_from(range(1, n + 1))
        for v in range(n):
            for u in range(v):
                if side[u] != side[v] and rng.random() < density:
                    graph.add_edge(u + 1, v + 1)
        return colouring(graph, colors or hidden, f"coloring:{spec}")

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(assignment)

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        if not minimises:
            return super().restored(problem, minimises)
        graph = nx.Graph()
        graph.add_nodes_from(int(name[1:]) for name in problem.graph.domains)
        graph.add_edges_from([int(name[1:]) for name in c.scope] for c in problem.graph.constraints)
        return replace(colouring(graph, None, problem.source.path), graph=problem.graph, source=problem.source)


def colouring(graph: nx.Graph, colors: int | None, path: str = "-") -> Problem:
    """The problem of colouring a graph on vertices 1..n with ``colors`` colours, or with as few as can be.

    Raises:
        InputError: fewer than one colour.
    """
    if colors is not None and colors < 1:
        raise InputError(f"{colors} colours", path, hint="-k takes 1 or more")
    if colors is not None:
        return Problem(template(graph, colors), {}, "coloring", Source(path), render)
    start = _dsatur(graph)
    # A greedy clique, grown from the vertex of largest degree: no colouring can do with fewer.
    clique: list[int] = []
    for v in sorted(graph, key=graph.degree, reverse=True):
        if all(u in graph[v] for u in clique):
            clique.append(v)
    best = partial(_with_fewer, graph, max(len(clique), 1), path)
    return Problem(template(graph, start), {}, "coloring", Source(path), render, best, used)


def _listed(graph: nx.Graph, lists: Lists, colors: int | None, path: str) -> Problem:
    """The problem of a list colouring: with ``colors``, colours 1 to ``colors`` alone."""
    # A vertex without a list, of degree d, finds a colour among d + 1 whatever its neighbours take.
    free = max((graph.degree(v) + 1 for v in graph if v not in lists), default=1)
    most = colors or max(free, *(max(allowed) for allowed in lists.values()))
    span = tuple(range(1, most + 1))
    domains = {f"v{v}": span for v in graph}
    for v, allowed in lists.items():
        left = tuple(color for color in allowed if colors is None or color <= colors)
        if not left:
            raise InputError(f"vertex {v} may take none of the colours 1 to {colors}", path, hint="a larger -k")
        domains[f"v{v}"] = left
    return Problem(ConstraintGraph.unchecked(domains, _unequal(graph)), {}, "coloring", Source(path), render)


def _dsatur(graph: nx.Graph) -> int:
    """How many colours the greedy colouring by saturation takes (Brelaz 1979), in time m log n.

    networkx looks through all vertices at every step: of 33,333 vertices without edges that took minutes.
    """
    order = {v: i for i, v in enumerate(graph)}
    around: dict[int, set[int]] = {v: set() for v in graph}
    colored: dict[int, int] = {}
    heap = [(0, -graph.degree(v), i, v) for v, i in order.items()]
    heapify(heap)
    while heap:
        saturation, _, _, v = heappop(heap)
        if v in colored or -saturation < len(around[v]):
            continue
        colored[v] = color = next(c for c in count() if c not in around[v])
        for u in graph[v]:
            if u not in colored and color not in around[u]:
                around[u].add(color)
                heappush(heap, (-len(around[u]), -graph.degree(u), order[u], u))
    return max(colored.values(), default=0) + 1


def _with_fewer(graph: nx.Graph, least: int, path: str, assignment: Mapping[str, Value]) -> Problem | None:
    fewer = used(assignment) - 1
    if fewer < least:
        return None
    return Problem(template(graph, fewer), {}, "coloring", Source(path), render)


def used(assignment: Mapping[str, Value]) -> int:
    """How many colours an assignment uses."""
    return len(set(assignment.values()))


def template(graph: nx.Graph, colors: int) -> ConstraintGraph:
    """Variable v1..vn with colours 1..k, unequal along edges."""
    span = tuple(range(1, colors + 1))
    domains = {f"v{v}": span for v in sorted(graph)}
    return ConstraintGraph.unchecked(domains, _unequal(graph))


def _unequal(graph: nx.Graph) -> list[Compare]:
    names = {v: f"v{v}" for v in graph}
    pairs = sorted((u, v) if u < v else (v, u) for u, v in graph.edges)
    return [Compare(names[u], "!=", names[v]) for u, v in pairs]


def render(assignment: Mapping[str, Value]) -> str:
    """The vertices of each colour, a line a colour."""
    classes: dict[Value, list[str]] = {}
    for name, color in assignment.items():
        classes.setdefault(color, []).append(name)
    return "\n".join(
        f"{color}: {' '.join(names)}" for color, names in sorted(classes.items(), key=lambda c: str(c[0]).zfill(9))
    )


Lists = dict[int, tuple[int, ...]]
"""Vertex -> the colours it may take, for vertices that a file restricts."""


def _parse(text: str) -> tuple[nx.Graph, Lists]:
    """The graph of a file, and what its ``f`` lines allow."""
    stated: tuple[int, int] | None = None
    header = last = lines = loops = weights = 0
    pairs: list[tuple[int, int]] = []
    lists: Lists = {}
    for number, line in enumerate(text.split("\n"), 1):
        parts = line.split(None, 3)
        head = parts[0] if parts else "c"
        if head == "e":
            if stated is None:
                raise InputError("an edge before the 'p edge' line", line=number, hint=HINT)
            if len(parts) != 3:
                more = ": edges with a weight (bandwidth colouring) are not supported" if len(parts) > 3 else ""
                raise InputError(f"{excerpt(line)} is not 'e U V'{more}", line=number, hint=HINT)
            u, v = _vertex(parts[1], last, number), _vertex(parts[2], last, number)
            lines += 1
            if u == v:
                loops += 1
            else:
                pairs.append((u, v) if u < v else (v, u))
        elif head[0] in "cxdv":
            continue  # comments, and coordinates
        elif head == "n":
            weights += 1
        elif head == "p":
            if stated is not None:
                raise InputError("a second 'p' line", line=number, hint=HINT)
            header, stated = number, _header(line, number, len(text))
            last = max(stated[0], min(LARGEST, max(10_000, len(text))))
        elif head == "f":
            if stated is None:
                raise InputError("an 'f' line before the 'p edge' line", line=number, hint=HINT)
            vertex, colors = _allowed(line, last, number)
            if vertex in lists:
                raise InputError(f"a second 'f' line of vertex {vertex}", line=number, hint="join the two")
            lists[vertex] = colors
        else:
            raise InputError(f"{excerpt(line)} is neither comment, 'p', 'e' nor 'f' line", line=number, hint=HINT)
    if stated is None or not stated[0]:
        raise InputError("no 'p edge' line with vertices", line=header or 1, hint=HINT)
    distinct = set(pairs)
    _compare(stated[1], lines, loops, len(pairs) - len(distinct), len(distinct), header)
    if weights:
        warn(f"{weights} node weights ('n' lines) are left out", hint="a plain colouring has no weights")
    return _build(stated[0], distinct, lists, header), lists


def _build(vertices: int, edges: set[tuple[int, int]], lists: Lists, header: int) -> nx.Graph:
    """The graph, its vertices numbered as in the file: from 1, or from 0 where the file has a vertex 0."""
    used = {*(v for edge in edges for v in edge), *lists}
    first = 0 if 0 in used else 1
    if first == 0:
        warn("vertices are numbered from 0", header, hint="DIMACS numbers them from 1")
    needed = max(used, default=0) + 1 - first
    if needed > vertices:
        warn(f"the header says {vertices} vertices, the file uses {needed}: {needed} are taken", header)
    graph = nx.Graph()
    graph.add_nodes_from(range(first, first + max(vertices, needed)))
    graph.add_edges_from(sorted(edges))
    return graph


def _compare(stated: int, lines: int, loops: int, repeated: int, distinct: int, header: int) -> None:
    """Warn of edges that change nothing, and of a count that does not fit."""
    if loops:
        warn(f"{loops} {'loops' if loops > 1 else 'loop'} left out (edges of a vertex with itself)")
    if repeated:
        warn(f"{repeated} of {lines} edge lines repeat another edge: {distinct} distinct edges are taken")
    # Public lists count edges once or twice, and write them once or twice, in every combination.
    if stated not in (lines, lines - loops, distinct, 2 * distinct):
        message = f"the header says {stated} edges, the file has {lines} edge lines ({distinct} distinct)"
        warn(f"{message}: all of them are taken", header, "the file may be truncated" if lines < stated else "")


def _header(line: str, number: int, size: int) -> tuple[int, int]:
    parts = line.split(None, 6)
    if len(parts) != 4 or parts[1] not in ("edge", "edges", "col"):
        raise InputError(f"{excerpt(line)} is not 'p edge VERTICES EDGES'", line=number, hint=HINT)
    most = min(LARGEST, max(DECLARED, size))
    return _number(parts[2], 0, most, "vertices", number), _number(parts[3], 0, 10**10, "edges", number)


def _allowed(line: str, most: int, number: int) -> tuple[int, tuple[int, ...]]:
    """Vertex and colours of a line ``f VERTEX COLOUR...``."""
    parts = line.split()
    if len(parts) < 3:
        raise InputError(f"{excerpt(line)} is not 'f VERTEX COLOUR...'", line=number, hint=HINT)
    colors = {_number(item, 0, LARGEST, "colour", number) for item in parts[2:]}
    return _vertex(parts[1], most, number), tuple(sorted(colors))


def _vertex(text: str, most: int, line: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 8 and (v := int(text)) <= most:
        return v
    return _number(text, 0, most, "vertex", line)


def _number(text: str, least: int, most: int, what: str, line: int) -> int:
    try:
        return whole(text, least, most, what, HINT)
    except InputError as error:
        raise error.at("", line) from None
