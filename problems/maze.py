"""Mazes: the shortest path from S to G on a grid."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import partial

from ..engine.constraints import Linear
from ..engine.constraints.base import Constraint
from ..engine.graph import ConstraintGraph, Objective, Value
from ..engine.problem import Problem, Source
from .errors import InputError, excerpt
from .family import Family, whole
from .grids import cell

WALL, FREE, START, GOAL, PATH = "#", " ", "S", "G", "o"
HINT = "rows of # (wall), space or . (free), one S and one G; rows that end early end in free cells"

TRIES = 500

Cell = tuple[int, int]


class Maze(Family):
    """One 0/1 variable a free cell, 1 on the path; each cell of the path has two neighbours on it, S and G have one."""

    name = "maze"
    summary = "text of '#', ' ', 'S' and 'G'; the shortest path on free cells, four neighbours"
    spec = "maze:ROWSxCOLUMNS[:SHORTEST], both odd are best; the shortest path takes SHORTEST steps or more"
    suffixes = (".maze",)

    def recognises(self, text: str) -> bool:
        return set(text) <= set("# .SGo\n\t") and "S" in text and "G" in text

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        rows = [line.rstrip("\n") for line in text.split("\n")]
        first = next(i for i, row in enumerate(rows) if row.strip())
        last = max(i for i, row in enumerate(rows) if row.strip())
        return [maze(rows[first : last + 1], path, first)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        height, width, shortest = parse(spec)
        return maze(generated(height, width, shortest, random.Random(f"maze:{spec}:{seed}")), f"maze:{spec}")

    def draw(self, assignment: Mapping[str, Value]) -> str:
        cells = [(int(r), int(c)) for r, c in (name[1:].split("c") for name in assignment)]
        rows = [[WALL] * (max(c for _, c in cells) + 1) for _ in range(max(r for r, _ in cells) + 1)]
        for r, c in cells:
            rows[r - 1][c - 1] = FREE
        return render(tuple("".join(row) for row in rows), assignment)


def parse(spec: str) -> tuple[int, int, int]:
    """Rows, columns and least steps of ``ROWSxCOLUMNS[:SHORTEST]``.

    Raises:
        InputError: it makes no sense.
    """
    size, _, shortest = spec.lower().partition(":")
    height_text, _, width_text = size.partition("x")
    height = whole(height_text, 3, 501, "rows", hint=Maze.spec)
    width = whole(width_text or height_text, 3, 501, "columns", hint=Maze.spec)
    rooms = (height - 1) // 2 * ((width - 1) // 2)
    if rooms < 2:
        raise InputError(f"a maze of {height} x {width} has no room for S and G", hint="3x5 is the smallest")
    return height, width, whole(shortest or "0", 0, 2 * rooms - 2, "steps of the shortest path", hint=Maze.spec)


def generated(height: int, width: int, shortest: int, rng: random.Random) -> list[str]:
    """The rows of a random maze whose shortest path takes ``shortest`` steps or more.

    Raises:
        InputError: none of some hundred mazes has so long a path.
    """
    longest = 0
    for _ in range(TRIES):
        rows, steps = _carve(height, width, rng)
        if steps >= shortest:
            return rows
        longest = max(longest, steps)
    message = f"no path of {shortest} steps in {TRIES} mazes of {height} x {width}"
    raise InputError(message, hint=f"the longest of them took {longest}")


def maze(rows: list[str], path: str = "-", skipped: int = 0) -> Problem:
    """The shortest-path problem of a grid; cells are named r1c1 from the top left.

    The constraints alone also allow closed loops beside the path; a shortest answer has none.

    Raises:
        InputError: another sign, or not exactly one S and one G.
    """
    free, start, goal = _cells(rows, skipped)
    constraints: list[Constraint] = []
    for r, c in free:
        name = cell(r, c)
        near = tuple(cell(*n) for n in _neighbours(r, c) if n in free)
        if (r, c) in (start, goal):
            # An end that is walled in is on no path.
            constraints.append(Linear(near, (1,) * len(near), "=", 1) if near else Linear((name,), (1,), "=", 0))
            continue
        if not near:
            continue
        # On the path (x = 1) exactly two neighbours are; off it (x = 0) any number may be.
        ones = (1,) * len(near)
        constraints.append(Linear((*near, name), (*ones, -2), ">=", 0))
        if len(near) > 2:
            constraints.append(Linear((*near, name), (*ones, len(near) - 2), "<=", len(near)))
    names = [cell(r, c) for r, c in sorted(free)]
    domains = {**dict.fromkeys(names, (0, 1)), cell(*start): (1,), cell(*goal): (1,)}
    graph = ConstraintGraph(domains, constraints, Objective(dict.fromkeys(names, 1), -1))
    width = max(len(row) for row in rows)
    return Problem(graph, {}, "maze", Source(path), partial(render, tuple(row.ljust(width) for row in rows)))


def render(rows: tuple[str, ...], assignment: Mapping[str, Value]) -> str:
    """The maze with the cells of the path as ``o``."""
    drawn = []
    for r, row in enumerate(rows, 1):
        signs = [PATH if s in " .o" and assignment.get(cell(r, c)) == 1 else s for c, s in enumerate(row, 1)]
        drawn.append("".join(signs).replace("o", PATH).rstrip())
    return "\n".join(drawn)


def _cells(rows: list[str], skipped: int) -> tuple[set[Cell], Cell, Cell]:
    free: set[Cell] = set()
    ends: dict[str, Cell] = {}
    width = max(len(row) for row in rows)
    for r, row in enumerate(rows, 1):
        for c, sign in enumerate(row.ljust(width), 1):
            if sign in (START, GOAL):
                if sign in ends:
                    raise InputError(f"a second {sign}", line=r + skipped, hint=HINT)
                ends[sign] = (r, c)
            elif sign not in "# .o":
                raise InputError(f"{excerpt(sign)} is no maze sign", line=r + skipped, hint=HINT)
            if sign != WALL:
                free.add((r, c))
    for sign in (START, GOAL):
        if sign not in ends:
            raise InputError(f"no {sign}", line=len(rows) + skipped, hint=HINT)
    return free, ends[START], ends[GOAL]


def _neighbours(r: int, c: int) -> tuple[Cell, ...]:
    return (r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)


def _carve(height: int, width: int, rng: random.Random) -> tuple[list[str], int]:
    """A maze by randomised depth-first search on the odd cells, some walls opened, S and G far apart; and how far."""
    grid = [[WALL] * width for _ in range(height)]
    rooms = {(r, c): None for r in range(1, height - 1, 2) for c in range(1, width - 1, 2)}  # ordered, quick to ask
    here = rng.choice(list(rooms))
    grid[here[0]][here[1]] = FREE
    stack = [here]
    while stack:
        r, c = stack[-1]
        ways = [(r + a, c + b) for a, b in ((-2, 0), (2, 0), (0, -2), (0, 2)) if (r + a, c + b) in rooms]
        ways = [(y, x) for y, x in ways if grid[y][x] == WALL]
        if not ways:
            stack.pop()
            continue
        y, x = rng.choice(ways)
        grid[(r + y) // 2][(c + x) // 2] = grid[y][x] = FREE
        stack.append((y, x))
    for r in range(1, height - 1):
        for c in range(1, width - 1):
            between = (grid[r][c - 1] == grid[r][c + 1] == FREE) != (grid[r - 1][c] == grid[r + 1][c] == FREE)
            if grid[r][c] == WALL and between and rng.random() < 0.1:
                grid[r][c] = FREE
    start, _ = _farthest(grid, rng.choice(list(rooms)))
    goal, steps = _farthest(grid, start)
    grid[start[0]][start[1]], grid[goal[0]][goal[1]] = START, GOAL
    return ["".join(row) for row in grid], steps


def _farthest(grid: list[list[str]], start: Cell) -> tuple[Cell, int]:
    cell, steps = list(distances(grid, start).items())[-1]
    return cell, steps


def distances(rows: Sequence[Sequence[str]], start: Cell) -> dict[Cell, int]:
    """The cells that can be reached from one inside the walls, 0-based, in the order of their distance in steps."""
    steps = {start: 0}
    queue = [start]
    for here in queue:
        r, c = here
        for n in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            if n not in steps and rows[n[0]][n[1]] != WALL:
                steps[n] = steps[here] + 1
                queue.append(n)
    return steps
