"""Streams of Latin squares with one known solution, of colourings with any number, and of formulas with none."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from ...engine.constraints import Clause
from ...engine.examples import Examples
from ...engine.graph import ConstraintGraph
from .. import coloring, grids, latin, switching
from ..coloring import Coloring
from ..errors import InputError
from ..family import shares, whole
from ..sat import Sat
from .packing import Example, Named, between, fields, of_split, pack

CHUNK = 256
TRIES = 500
ENUMERABLE = 14
"""Vertices of a graph whose colourings are all enumerated."""


@dataclass(frozen=True)
class Squares(Named):
    """``latin:N[:SHARE]``, each a number or a range: a share of the cells of a random Latin square, which is the target."""

    def check(self) -> None:
        _latin(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 256 squares; other completions than the target may exist."""
        rng = self.dice(k)
        order_limits, keep_limits = _latin(self.spec)

        def make() -> tuple[int, Example]:
            order = rng.randint(*order_limits)
            square = switching.latin(order, rng)
            count = round(rng.uniform(*keep_limits) * order * order)
            cells = [divmod(i, order) for i in sorted(rng.sample(range(order * order), count))]
            givens = {grids.cell(r + 1, c + 1): square[r][c] + 1 for r, c in cells}
            number = paratopy_invariant(order, [(r, c, square[r][c]) for r, c in cells])
            return number, (latin.template(order), givens, [[v for row in square for v in row]])

        return pack(of_split(self.split, CHUNK, make, self.name), 1)


@dataclass(frozen=True)
class Colorings(Named):
    """``coloring:N:DENSITY:COLOURS[:ANSWERS]``, the first three a number or a range.

    Without answers to tell, random graphs with a colouring hidden in them. With them, Erdős–Rényi graphs of that density that
    can be coloured, and so many of their colourings, drawn from all; for small graphs, as all are enumerated.
    """

    def check(self) -> None:
        _coloring(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 256 graphs, a template each."""
        rng = self.dice(k)
        vertices, density, colours, answers = _coloring(self.spec)

        def make() -> tuple[int, Example]:
            n, share, number = rng.randint(*vertices), rng.uniform(*density), rng.randint(*colours)
            if answers:
                graph, known = colourable(n, share, number, answers, rng)
            else:
                graph = Coloring().generate(f"{n}:{share:.4f}:{number}", rng.getrandbits(60)).graph
                known = []
            return graph_invariant(graph, number), (graph, {}, known)

        return pack(of_split(self.split, CHUNK, make, self.name), answers)


def colourable(
    n: int, density: float, colours: int, answers: int, rng: random.Random
) -> tuple[ConstraintGraph, list[list[int]]]:
    """An Erdős–Rényi graph that has colourings, and ``answers`` of them drawn from all, colours exchanged at random.

    Raises:
        InputError: none of some hundred graphs has one.
    """
    for _ in range(TRIES):
        graph = nx.gnp_random_graph(n, density, seed=rng)
        all_ = list(colourings(graph, colours))
        if all_:
            known = []
            for _ in range(answers):
                names = rng.sample(range(colours), colours)
                known.append([names[c] for c in rng.choice(all_)])
            return coloring.template(nx.relabel_nodes(graph, lambda v: v + 1), colours), known
    raise InputError(f"none of {TRIES} graphs has a colouring", hint="fewer edges or more colours")


def colourings(graph: nx.Graph, colours: int) -> Iterator[list[int]]:
    """All colourings of vertices 0..n-1 in which a colour is first used after those before it: one of each set of classes."""
    before = [[u for u in graph[v] if u < v] for v in range(len(graph))]

    def grow(chosen: list[int]) -> Iterator[list[int]]:
        v = len(chosen)
        if v == len(before):
            yield list(chosen)
            return
        taken = {chosen[u] for u in before[v]}
        for colour in range(min(colours, max(chosen, default=-1) + 2)):
            if colour not in taken:
                yield from grow([*chosen, colour])

    return grow([])


@dataclass(frozen=True)
class Formulas(Named):
    """``sat:VARIABLES[:CLAUSES]``, each a number or a range: random 3-SAT with a solution hidden in it."""

    def check(self) -> None:
        _sat(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 256 formulas, a template each; no solution is told."""
        rng = self.dice(k)
        variables, clauses = _sat(self.spec)

        def make() -> tuple[int, Example]:
            n = rng.randint(*variables)
            spec = f"{n}:{rng.randint(*clauses)}" if clauses else str(n)
            graph = Sat().generate(spec, rng.getrandbits(60)).graph
            return formula_invariant(graph), (graph, {}, [])

        return pack(of_split(self.split, CHUNK, make, self.name), 0)


def paratopy_invariant(order: int, cells: Sequence[tuple[int, int, int]]) -> int:
    """A number that permutations of rows, columns and values leave, and exchanges of the three roles: refinement."""
    points = np.array(cells, dtype=np.int64).reshape(-1, 3) + np.array([0, order, 2 * order])
    colours = np.full(3 * order, order, dtype=np.uint64)
    for _ in range(ROUNDS):
        cell = _mixed(_mixed(colours)[points].sum(1))
        colours = _mixed(colours + _gathered(3 * order, points.ravel(), cell.repeat(3)))
    return int(_mixed(colours).sum())


def graph_invariant(graph: ConstraintGraph, colours: int) -> int:
    """A number that permutations of the vertices of a graph to be coloured leave: colour refinement."""
    n = len(graph.domains)
    edges = np.array([[graph.index[v] for v in c.scope] for c in graph.constraints], dtype=np.int64).reshape(-1, 2)
    colour = np.full(n, colours, dtype=np.uint64)
    for _ in range(ROUNDS):
        mixed = _mixed(colour)
        colour = _mixed(colour + _gathered(n, edges.ravel(), mixed[edges[:, ::-1]].ravel()))
    return int(_mixed(colour).sum())


def formula_invariant(graph: ConstraintGraph) -> int:
    """A number that permutations of a formula's variables and changes of their signs leave: refinement of literals."""
    n = len(graph.domains)
    ends = [
        (2 * graph.index[name] + int(value), k)
        for k, clause in enumerate(graph.constraints)
        if isinstance(clause, Clause)
        for name, value in clause.literals
    ]
    literals, clauses = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    colours = np.full(2 * n, n, dtype=np.uint64)
    for _ in range(ROUNDS):
        clause = _mixed(_gathered(len(graph.constraints), clauses, _mixed(colours)[literals]))
        other = _mixed(colours.reshape(n, 2)[:, ::-1].ravel())
        colours = _mixed(_mixed(colours + other * np.uint64(3)) + _gathered(2 * n, literals, clause[clauses]))
    return int(_mixed(colours).sum())


ROUNDS = 4


def _mixed(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _gathered(size: int, places: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The sum of the numbers at each place."""
    sums = np.zeros(size, dtype=np.uint64)
    np.add.at(sums, places, numbers)
    return sums


def _latin(spec: str) -> tuple[tuple[int, int], tuple[float, float]]:
    form = latin.Latin.spec
    parts = fields(spec, 1, 2, form)
    return between(parts[0], 2, latin.LARGEST, "order", hint=form), shares([*parts, "0.4"][1], "share of givens")


def _coloring(spec: str) -> tuple[tuple[int, int], tuple[float, float], tuple[int, int], int]:
    form = "coloring:VERTICES:DENSITY:COLOURS[:ANSWERS]"
    n, density, colours, *more = fields(spec, 3, 4, form)
    answers = whole(more[0], 0, 64, "answers", hint=form) if more else 0
    vertices = between(n, 2, ENUMERABLE if answers else 10_000, "vertices", hint=form)
    return vertices, shares(density, "density"), between(colours, 2, vertices[0], "colours", hint=form), answers


def _sat(spec: str) -> tuple[tuple[int, int], tuple[int, int] | None]:
    form = Sat.spec
    parts = fields(spec, 1, 2, form)
    variables = between(parts[0], 3, 100_000, "variables", hint=form)
    return variables, between(parts[1], 1, 1_000_000, "clauses", hint=form) if len(parts) > 1 else None
