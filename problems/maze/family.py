"""The maze family: the shortest path from S to G on a grid."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...engine.constraints import Linear
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.objective import Objective
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import Ambiguous, InputError
from ..family import Family
from ..grids import cell
from ..parsing import parse_int
from .text import FREE, GOAL, PATH, START, WALL, Drawing, drawings

if TYPE_CHECKING:
    from ...pictures.view import View

TRIES = 500
"""Random mazes made for one whose path is long enough."""

Cell = tuple[int, int]
"""Row and column."""


class Maze(Family):
    """The shortest path from S to G. Each free cell is a 0/1 variable r1c1, which is 1 on the path.

    A cell of the path has two neighbours on it; S and G have one. The objective is the number of cells on the path,
    without S.
    """

    name = "maze"
    summary = (
        "text of '#', ' ', 'S' and 'G' (also E, A/B, 0/1, one line of n^2 signs, CSV); shortest path, four neighbours"
    )
    spec = "maze:ROWSxCOLUMNS[:SHORTEST], odd numbers are best; the shortest path has at least SHORTEST steps"
    suffixes = (".maze",)
    stream_forms = ("maze:ROWSxCOLUMNS[:SHORTEST]",)
    stream_maker = "mull.problems.maze.stream:MazeStream"

    def recognises(self, text: str) -> bool:
        try:
            return next(drawings(text), None) is not None
        except Ambiguous:
            return True
        except InputError:  # still a maze if it has only these signs and both ends
            return set(text) <= set("#█ .SGo\n\t") and "S" in text and "G" in text

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        found = list(drawings(text))
        problems = [of_drawing(drawn, path, drawn.line if len(found) > 1 else None) for drawn in found]
        if not problems:
            raise InputError("holds no maze", line=1, hint="the file may be truncated")
        return problems

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        height, width, shortest = parse_spec(spec)
        rows = random_maze(height, width, shortest, random.Random(f"maze:{spec}:{seed}"))
        return maze_problem(rows, f"maze:{spec}")

    def draw(self, assignment: Mapping[str, Value]) -> str:
        cells = [(int(r), int(c)) for r, c in (name[1:].split("c") for name in assignment)]
        rows = [[WALL] * (max(c for _, c in cells) + 1) for _ in range(max(r for r, _ in cells) + 1)]
        for r, c in cells:
            rows[r - 1][c - 1] = FREE
        return render(tuple("".join(row) for row in rows), assignment)

    def picture(self, view: View) -> str | None:
        from .picture import maze

        return maze(view)


def parse_spec(spec: str) -> tuple[int, int, int]:
    """Rows, columns and least steps of ``ROWSxCOLUMNS[:SHORTEST]``.

    Raises:
        InputError: the specification is malformed or out of range.
    """
    size, _, shortest = spec.lower().partition(":")
    height_text, _, width_text = size.partition("x")
    height = parse_int(height_text, 3, 501, "rows", hint=Maze.spec)
    width = parse_int(width_text or height_text, 3, 501, "columns", hint=Maze.spec)
    rooms = (height - 1) // 2 * ((width - 1) // 2)
    if rooms < 2:
        raise InputError(f"a maze of {height} x {width} has no space for S and G", hint="3x5 is the smallest")
    return height, width, parse_int(shortest or "0", 0, 2 * rooms - 2, "steps of the shortest path", hint=Maze.spec)


def random_maze(height: int, width: int, shortest: int, rng: random.Random) -> list[str]:
    """The rows of a random maze with a shortest path of at least so many steps.

    Args:
        height: number of rows.
        width: number of columns.
        shortest: least steps of the shortest path.
        rng: random numbers.

    Raises:
        InputError: none of ``TRIES`` mazes has so long a path.
    """
    longest = 0
    for _ in range(TRIES):
        rows, steps = _carve(height, width, rng)
        if steps >= shortest:
            return rows
        longest = max(longest, steps)
    message = f"no path of {shortest} steps in {TRIES} mazes of {height} x {width}"
    raise InputError(message, hint=f"choose at most {longest}, the longest path of these mazes")


def maze_problem(rows: Sequence[str], path: str = "-") -> Problem:
    """The shortest-path problem of a grid.

    The constraints alone also allow closed loops beside the path. A shortest answer has none.

    Args:
        rows: of ``#``, spaces, one S and one G. The cell at the top left is r1c1.
        path: of the file, or ``family:spec``.
    """
    width = max(len(row) for row in rows)
    return of_drawing(Drawing(1, tuple(row.ljust(width) for row in rows)), path)


def of_drawing(drawn: Drawing, path: str, line: int | None = None) -> Problem:
    """The shortest-path problem of a maze in a file. The answer is drawn with the signs of the file.

    Args:
        drawn: the maze.
        path: of the file.
        line: of the maze, if the file has several.
    """
    signs = {(r, c): sign for r, row in enumerate(drawn.rows, 1) for c, sign in enumerate(row, 1)}
    free = {place: sign for place, sign in signs.items() if sign not in drawn.walls}
    ends = [place for place, sign in free.items() if sign in "SGEAB"]
    constraints: list[Constraint] = []
    for r, c in free:
        name = cell(r, c)
        near = tuple(cell(*n) for n in _neighbours(r, c) if n in free)
        if (r, c) in ends:
            # An end without free neighbours: x = 0 contradicts its domain, so that the problem is unsatisfiable.
            constraints.append(Linear(near, (1,) * len(near), "=", 1) if near else Linear((name,), (1,), "=", 0))
            continue
        if not near:
            continue
        # If x = 1, exactly two neighbours are on the path. If x = 0, any number may be.
        ones = (1,) * len(near)
        constraints.append(Linear((*near, name), (*ones, -2), ">=", 0))
        if len(near) > 2:
            constraints.append(Linear((*near, name), (*ones, len(near) - 2), "<=", len(near)))
    names = [cell(r, c) for r, c in free]
    domains = {**dict.fromkeys(names, (0, 1)), **{cell(*end): (1,) for end in ends}}
    graph = ConstraintGraph(domains, constraints, Objective(dict.fromkeys(names, 1), -1))
    expected = None
    if drawn.answer is not None:
        expected = tuple(int((r - 1, c - 1) in drawn.answer or (r, c) in ends) for r, c in free)
    return Problem(graph, {}, "maze", Source(path, line), partial(render, drawn.rows), expected=expected)


def render(rows: tuple[str, ...], assignment: Mapping[str, Value]) -> str:
    """The maze with the cells of the path as ``o``.

    Args:
        rows: of the maze.
        assignment: 0 or 1 by variable; a missing cell is not on the path.
    """
    drawn = []
    for r, row in enumerate(rows, 1):
        signs = [PATH if s in " .0" and assignment.get(cell(r, c)) == 1 else s for c, s in enumerate(row, 1)]
        drawn.append("".join(signs).rstrip())
    return "\n".join(drawn)


def _neighbours(r: int, c: int) -> tuple[Cell, ...]:
    return (r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)


def _carve(height: int, width: int, rng: random.Random) -> tuple[list[str], int]:
    """A random maze and the steps of its shortest path.

    Randomised depth-first search connects the odd cells, a tenth of the walls between two cells are opened, and S and G
    are placed far apart.
    """
    grid = [[WALL] * width for _ in range(height)]
    rooms = {(r, c): None for r in range(1, height - 1, 2) for c in range(1, width - 1, 2)}  # a dict as an ordered set
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
            # A wall between two free cells in a line. Opened, it closes a loop, so that there are several paths.
            between = (grid[r][c - 1] == grid[r][c + 1] == FREE) != (grid[r - 1][c] == grid[r + 1][c] == FREE)
            if grid[r][c] == WALL and between and rng.random() < 0.1:
                grid[r][c] = FREE
    # The farthest cell from a random one, and the farthest from that: nearly the longest path of the maze.
    start, _ = _farthest(grid, rng.choice(list(rooms)))
    goal, steps = _farthest(grid, start)
    grid[start[0]][start[1]], grid[goal[0]][goal[1]] = START, GOAL
    return ["".join(row) for row in grid], steps


def _farthest(grid: list[list[str]], start: Cell) -> tuple[Cell, int]:
    """A cell of largest distance from another one, and that distance."""
    cell, steps = list(distances(grid, start).items())[-1]
    return cell, steps


def distances(rows: Sequence[Sequence[str]], start: Cell) -> dict[Cell, int]:
    """The distances of all cells that can be reached from a cell, in steps, in ascending order.

    Args:
        rows: of a maze with walls around it, so that no neighbour is outside.
        start: a free cell, 0-based.
    """
    steps = {start: 0}
    queue = [start]
    for here in queue:
        r, c = here
        for n in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            if n not in steps and rows[n[0]][n[1]] != WALL:
                steps[n] = steps[here] + 1
                queue.append(n)
    return steps
