"""Graph colouring: DIMACS ``.col`` files, with k colours or as few as can be."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import networkx as nx

from ..engine.constraints import Compare
from ..engine.graph import ConstraintGraph, Value
from ..engine.problem import Problem, Source
from .errors import InputError, excerpt
from .family import Family, share, whole

HINT = "DIMACS: 'p edge VERTICES EDGES', then a line 'e U V' for each edge"
LARGEST = 1_000_000


class Coloring(Family):
    """Neighbours differ in colour. Without ``colors``, as few colours as can be, found by asking for one less."""

    name = "coloring"
    summary = "DIMACS .col; -k colours, or as few as can be"
    spec = "coloring:VERTICES:DENSITY[:COLOURS], a random graph with that many colours hidden in it"
    suffixes = (".col",)

    def recognises(self, text: str) -> bool:
        return any(
            line.split()[:2] in (["p", "edge"], ["p", "col"], ["p", "edges"]) for line in text.split("\n", 200)[:200]
        )

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        return [colouring(_graph(text), colors, path)]

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
    order = nx.greedy_color(graph, strategy="DSATUR")
    start = max(order.values(), default=0) + 1
    # A greedy clique, grown from the vertex of largest degree: no colouring can do with fewer.
    clique: list[int] = []
    for v in sorted(graph, key=graph.degree, reverse=True):
        if all(u in graph[v] for u in clique):
            clique.append(v)
    best = partial(_with_fewer, graph, max(len(clique), 1), path)
    return Problem(template(graph, start), {}, "coloring", Source(path), render, best, used)


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
    return ConstraintGraph(domains, [Compare(f"v{u}", "!=", f"v{v}") for u, v in sorted(map(sorted, graph.edges))])


def render(assignment: Mapping[str, Value]) -> str:
    """The vertices of each colour, a line a colour."""
    classes: dict[Value, list[str]] = {}
    for name, color in assignment.items():
        classes.setdefault(color, []).append(name)
    return "\n".join(
        f"{color}: {' '.join(names)}" for color, names in sorted(classes.items(), key=lambda c: str(c[0]).zfill(9))
    )


def _graph(text: str) -> nx.Graph:
    graph: nx.Graph | None = None
    stated = lines = 0
    for number, line in enumerate(text.split("\n"), 1):
        head = line[:1]
        if head in ("", "c", "n", "x", "d", "v") or not line.strip():
            continue  # comments, node weights and coordinates
        parts = line.split(None, 6)
        if head == "p":
            if graph is not None:
                raise InputError("a second 'p' line", line=number, hint=HINT)
            if len(parts) != 4 or parts[1] not in ("edge", "edges", "col"):
                raise InputError(f"{excerpt(line)} is no 'p edge VERTICES EDGES'", line=number, hint=HINT)
            vertices, stated = (_number(item, 0, LARGEST, number) for item in parts[2:])
            graph = nx.Graph()
            graph.add_nodes_from(range(1, vertices + 1))
        elif head == "e":
            if graph is None:
                raise InputError("an edge before the 'p edge' line", line=number, hint=HINT)
            if len(parts) != 3:
                raise InputError(f"{excerpt(line)} is no 'e U V'", line=number, hint=HINT)
            u, v = (_number(item, 1, len(graph), number) for item in parts[1:])
            if u == v:
                raise InputError(f"vertex {u} is its own neighbour", line=number, hint="no colouring can satisfy that")
            graph.add_edge(u, v)
            lines += 1
        else:
            raise InputError(f"{excerpt(line)} is neither comment, 'p' nor 'e' line", line=number, hint=HINT)
    if graph is None or not len(graph):
        raise InputError("no 'p edge' line with vertices", line=1, hint=HINT)
    # Public lists count edges once or twice, and write them once or twice, in every combination.
    distinct = graph.number_of_edges()
    if stated not in (lines, distinct, 2 * distinct):
        raise InputError(
            f"the header says {stated} edges, the file has {lines} edge lines ({distinct} distinct)",
            line=text[: text.index("\np") + 1].count("\n") + 1 if "\np" in text else 1,
            hint="the file may be truncated",
        )
    return graph


def _number(text: str, least: int, most: int, line: int) -> int:
    try:
        return whole(text, least, most, "vertex" if least else "count")
    except InputError as error:
        raise error.at("", line) from None
