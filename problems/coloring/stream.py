"""Streams of graphs to colour, with any number of known colourings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np

from ...engine.examples import Examples
from ...engine.graph import ConstraintGraph
from ..errors import InputError
from ..parsing import parse_fields, parse_fraction_range, parse_int, parse_range
from ..streams.base import FamilyStream
from ..streams.packing import Example, draw_split, pack
from ..streams.refinement import ROUNDS, mixed, summed
from .family import Coloring, template

CHUNK = 256
TRIES = 500
"""Random graphs drawn for one that can be coloured."""
ENUMERABLE = 14
"""Most vertices of a graph whose colourings are all enumerated."""
FORM = "coloring:VERTICES:DENSITY:COLOURS[:ANSWERS]"


@dataclass(frozen=True)
class ColoringStream(FamilyStream):
    """``coloring:N:DENSITY:COLOURS[:ANSWERS]``; the first three may be ranges.

    Without ANSWERS the graphs are random with a hidden colouring, which is not a target. With ANSWERS they are
    Erdős–Rényi graphs of that density that can be coloured, and so many colourings, drawn from all, are the targets.
    """

    def check(self) -> None:
        _parse(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 256 graphs, each a template."""
        rng = self.rng(k)
        vertices, density, colours, answers = _parse(self.spec)

        def make() -> tuple[int, Example]:
            n, share, number = rng.randint(*vertices), rng.uniform(*density), rng.randint(*colours)
            if answers:
                graph, known = colourable(n, share, number, answers, rng)
            else:
                graph = Coloring().generate(f"{n}:{share:.4f}:{number}", rng.getrandbits(60)).graph
                known = []
            return graph_invariant(graph, number), (graph, {}, known)

        return pack(draw_split(self.split, CHUNK, make, self.name), answers)


def colourable(
    n: int, density: float, colours: int, answers: int, rng: random.Random
) -> tuple[ConstraintGraph, list[list[int]]]:
    """A random Erdős–Rényi graph that can be coloured, and some of its colourings.

    Args:
        n: vertices.
        density: probability of each edge.
        colours: number of colours.
        answers: number of colourings drawn from all, with their colours permuted at random.
        rng: random numbers.

    Returns:
        The problem's graph, and the colourings as indices of colours by vertex.

    Raises:
        InputError: none of ``TRIES`` graphs can be coloured.
    """
    for _ in range(TRIES):
        graph = nx.gnp_random_graph(n, density, seed=rng)
        all_ = list(colourings(graph, colours))
        if all_:
            known = []
            for _ in range(answers):
                names = rng.sample(range(colours), colours)
                known.append([names[c] for c in rng.choice(all_)])
            return template(nx.relabel_nodes(graph, lambda v: v + 1), colours), known
    raise InputError(
        f"none of {TRIES} graphs can be coloured with {colours} colours",
        hint="choose a smaller density or more colours",
    )


def colourings(graph: nx.Graph, colours: int) -> Iterator[list[int]]:
    """All colourings up to a renaming of the colours: colour c is first used after all colours below it.

    Args:
        graph: on vertices 0 to n - 1.
        colours: number of colours.
    """
    before = [[u for u in graph[v] if u < v] for v in range(len(graph))]

    def grow(chosen: list[int]) -> Iterator[list[int]]:
        v = len(chosen)
        if v == len(before):
            yield list(chosen)
            return
        taken = {chosen[u] for u in before[v]}
        # Used colours, and one new one: the others would only be renamings.
        for colour in range(min(colours, max(chosen, default=-1) + 2)):
            if colour not in taken:
                yield from grow([*chosen, colour])

    return grow([])


def graph_invariant(graph: ConstraintGraph, colours: int) -> int:
    """A number that no permutation of the vertices changes.

    Args:
        graph: of a colouring problem.
        colours: number of colours.
    """
    n = len(graph.domains)
    edges = np.array([[graph.index[v] for v in c.scope] for c in graph.constraints], dtype=np.int64).reshape(-1, 2)
    # The start colour is the number of colours, so that one graph with two numbers is two instances.
    colour = np.full(n, colours, dtype=np.uint64)
    for _ in range(ROUNDS):
        colour = mixed(colour + summed(n, edges.ravel(), mixed(colour)[edges[:, ::-1]].ravel()))
    return int(mixed(colour).sum())


def _parse(spec: str) -> tuple[tuple[int, int], tuple[float, float], tuple[int, int], int]:
    """The ranges of vertices, density and colours, and the number of known colourings."""
    n, density, colours, *more = parse_fields(spec, 3, 4, FORM)
    answers = parse_int(more[0], 0, 64, "answers", hint=FORM) if more else 0
    vertices = parse_range(n, 2, ENUMERABLE if answers else 10_000, "vertices", hint=FORM)
    return (
        vertices,
        parse_fraction_range(density, "density"),
        parse_range(colours, 2, vertices[0], "colours", hint=FORM),
        answers,
    )
