"""Streams of mazes with sixteen of their shortest paths."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ...engine.examples import Examples
from ..streams.base import FamilyStream
from ..streams.packing import Example, draw_split, pack
from ..streams.splits import hashed
from .family import Cell, distances, maze_problem, parse_spec, random_maze
from .text import GOAL, START, WALL

PATHS = 16
"""Targets of a maze. Half of the 30x30 mazes have more than four shortest paths."""
CHUNK = 64


@dataclass(frozen=True)
class MazeStream(FamilyStream):
    """``maze:ROWSxCOLUMNS[:SHORTEST]``: mazes whose shortest path takes SHORTEST steps or more."""

    def check(self) -> None:
        parse_spec(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 64 mazes, each a template. The targets are sixteen shortest paths, distinct if there are as many."""
        height, width, shortest = parse_spec(self.spec)
        rng = self.rng(k)

        def make() -> tuple[int, list[str]]:
            rows = random_maze(height, width, shortest, rng)
            return hashed(canonical(rows)), rows

        return pack([_example(rows, rng) for rows in draw_split(self.split, CHUNK, make, self.name)], PATHS)


def canonical(rows: list[str]) -> list[str]:
    """The least form of a maze under transposition, the reflections of both axes, and the exchange of S and G."""
    forms = []
    for image in (rows, ["".join(column) for column in zip(*rows, strict=True)]):
        for upright in (image, image[::-1]):
            forms += [upright, [row[::-1] for row in upright]]
    swap = str.maketrans(START + GOAL, GOAL + START)
    return min(forms + [[row.translate(swap) for row in form] for form in forms])


def shortest_paths(rows: list[str], most: int, rng: random.Random) -> list[list[Cell]]:
    """Distinct shortest paths from S to G, drawn at random.

    Args:
        rows: of the maze.
        most: number of paths; if there are no more than that, all are returned.
        rng: random numbers.

    Returns:
        Paths from G back to S, as cells (row, column), 0-based.
    """
    place = {sign: (r, row.index(sign)) for r, row in enumerate(rows) for sign in START + GOAL if sign in row}
    away = distances(rows, place[START])
    goal = place[GOAL]
    # Cell -> the cells before it on shortest paths, and the number of shortest paths to it. A path is then a rank.
    before: dict[Cell, list[Cell]] = {}
    ways = {place[START]: 1}
    for cell in away:  # in the order of distance
        if cell != place[START]:
            r, c = cell
            near = ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1))
            before[cell] = [n for n in near if away.get(n) == away[cell] - 1]
            ways[cell] = sum(ways[n] for n in before[cell])
    # Ranks are drawn, not paths: a random walk back from G would prefer some paths to others.
    total = ways[goal]
    ranks = range(total) if total <= most else set[int]()
    while len(ranks) < min(most, total):
        ranks = {*ranks, rng.randrange(total)}
    return [_path(rank, goal, before, ways) for rank in sorted(ranks)]


def _path(rank: int, cell: Cell, before: dict[Cell, list[Cell]], ways: dict[Cell, int]) -> list[Cell]:
    """The path of a rank among all shortest paths to a cell."""
    path = [cell]
    while before.get(cell):
        for previous in before[cell]:
            if rank < ways[previous]:
                break
            rank -= ways[previous]
        cell = previous
        path.append(cell)
    return path


def _example(rows: list[str], rng: random.Random) -> Example:
    free = [(r, c) for r, row in enumerate(rows) for c, sign in enumerate(row) if sign != WALL]
    index = {cell: i for i, cell in enumerate(free)}
    known = []
    for path in shortest_paths(rows, PATHS, rng):
        on = [0] * len(free)
        for cell in path[1:-1]:  # S and G have the single value 1, whose index is 0
            on[index[cell]] = 1
        known.append(on)
    return maze_problem(rows).graph, {}, known
