"""The queens family: N-Queens and N-Queens completion."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from ...engine.constraints import AllDifferent, Compare
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import InputError, excerpt
from ..family import Family
from ..parsing import numbered_lines, parse_int

if TYPE_CHECKING:
    from ...pictures import Board
    from ...pictures.view import View

Line = tuple[int, list[str]]
"""A line's number and its words."""

Placed = tuple[int, int, int]
"""Row and column of a queen, 1-based, and the line that places it."""

LARGEST = 20_000
"""Most rows."""
PICTURED = 100
"""Most rows of a board that is drawn as a picture."""
PAIRWISE = 200
"""Up to this many rows, a graph has a constraint for each pair of queens: bundled weights are trained on these graphs."""
HINT = "give n rows of n signs '.' or 'Q'; or a line 'queens N', then a line 'row column' for each queen placed"


class Queens(Family):
    """n queens on an n×n board, one in each row, none attacking another. Some may be placed already.

    The variables q1 to qn are the columns of the queens by row. Two formats are read. One is a board of n lines with
    ``.`` and ``Q``. The other is a line ``queens n``, then a line ``row column`` for each queen placed. A file may have
    several boards.
    """

    name = "queens"
    summary = "N-Queens, some placed: a board of '.' and 'Q', or 'queens N' and lines 'row column'"
    spec = "queens:N[:PLACED], PLACED queens of a solution given"
    suffixes = (".queens",)
    stream_forms = ("queens:N:PLACED",)
    stream_maker = "mull.problems.queens.stream:QueensStream"

    def recognises(self, text: str) -> bool:
        if text.split(None, 1)[0].lower() == "queens":
            return True
        rows = [line.replace(" ", "") for line in text.split("\n") if line.strip() and line[0] != "#"]
        return bool(rows) and set("".join(rows)) <= set(".Q") and len(rows) % len(rows[0]) == 0

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        problems = []
        boards = _boards(text)
        for lines in boards:
            n, placed = (_listed if lines[0][1][0].lower() == "queens" else _drawn)(lines)
            givens: dict[str, Value] = {}
            for row, column, line in placed:
                if f"q{row}" in givens:
                    raise InputError(f"two queens in row {row}", line=line, hint="a solution has one queen in each row")
                givens[f"q{row}"] = column
            source = Source(path, lines[0][0] if len(boards) > 1 else None)
            problems.append(Problem(template(n), givens, "queens", source, partial(render, n)))
        return problems

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        n_text, _, placed_text = spec.partition(":")
        n = parse_int(n_text, 1, LARGEST, "board size", hint=self.spec)
        placed = parse_int(placed_text or "0", 0, n, "queens placed", hint=self.spec)
        givens: dict[str, Value] = {}
        if placed:
            rng = random.Random(f"queens:{spec}:{seed}")
            columns = solution(n, rng)
            givens = {f"q{r + 1}": columns[r] + 1 for r in sorted(rng.sample(range(n), placed))}
        return Problem(template(n), givens, "queens", Source(f"queens:{spec}"), partial(render, n))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(len(assignment), assignment)

    def picture(self, view: View) -> str | None:
        from ...pictures import Board

        n = len(view.domains)
        if n > PICTURED:
            return None
        board = Board(view, n, n, side=max(5.0, min(36.0, 600 / n)))
        for r in range(1, n + 1):
            for c in range(1, n + 1):
                if (r + c) % 2:
                    board.fill(r, c, "panel")
                chance = view.probability(f"q{r}", c)
                if 0.02 < chance < 1 and view.chances(f"q{r}"):
                    board.fill(r, c, "shade", chance)
        for name, column in view.values.items():
            if view.chances(name) is None:
                _crown(board, int(name[1:]), int(column), view.look(name))
        board.canvas.rect(*board.corner(1, 1), n * board.side, n * board.side, "frame")
        return board.svg()


@lru_cache(maxsize=64)
def template(n: int) -> ConstraintGraph:
    """The constraint graph of all boards of n rows."""
    names = [f"q{r}" for r in range(1, n + 1)]
    if n > PAIRWISE:
        queens = tuple(names)
        scopes = [AllDifferent(queens, offsets=offsets) for offsets in ((), tuple(range(n)), tuple(range(0, -n, -1)))]
        return ConstraintGraph(dict.fromkeys(names, range(1, n + 1)), scopes)
    diagonals = [
        Compare(names[i], "!=", names[j], offset)
        for i in range(n)
        for j in range(i + 1, n)
        for offset in (i - j, j - i)
    ]
    columns = [AllDifferent(tuple(names))] if n > 1 else []
    return ConstraintGraph({name: range(1, n + 1) for name in names}, [*columns, *diagonals])


def render(n: int, assignment: Mapping[str, Value]) -> str:
    """The board as text; above ``PAIRWISE`` rows, a line ``queens N`` and a line ``row column`` for each queen.

    Args:
        n: number of rows.
        assignment: columns by variable; a row without a queen is drawn empty.
    """
    if n > PAIRWISE:
        lines = (f"{r} {assignment[f'q{r}']}" for r in range(1, n + 1) if f"q{r}" in assignment)
        return "\n".join((f"queens {n}", *lines))
    rows = []
    for r in range(1, n + 1):
        column = assignment.get(f"q{r}")
        rows.append(" ".join("Q" if c == column else "." for c in range(1, n + 1)))
    return "\n".join(rows)


def _crown(board: Board, row: int, column: int, look: str) -> None:
    """Draw a queen: a crown of five points."""
    x, y = board.centre(row, column)
    s = board.side / 36
    tops = ((-12, -7), (-6, 2), (-5, -11), (0, 1), (5, -11), (6, 2), (12, -7), (9, 8), (-9, 8))
    board.canvas.shape([(x + s * a, y + s * b) for a, b in tops], look, closed=True)
    board.canvas.rect(x - 9 * s, y + 9.5 * s, 18 * s, 3 * s, look)
    if look == "wrong":
        board.canvas.miss(*board.corner(row, column), board.side, board.side)


def _boards(text: str) -> list[list[Line]]:
    """The lines of each board. A board starts at a line ``queens n``, or after the n rows of a drawn board."""
    boards: list[list[Line]] = []
    height = 0
    for number, words in numbered_lines(text):
        head = words[0].lower() == "queens"
        if head or not boards or len(boards[-1]) == height:
            boards.append([])
            height = 0 if head else sum(map(len, words))
        boards[-1].append((number, words))
    return boards


def _listed(lines: list[Line]) -> tuple[int, list[Placed]]:
    """The size and the queens of a board that starts with a line ``queens n``."""
    number, head = lines[0]
    if len(head) != 2:
        raise InputError("the first line is not 'queens N'", line=number, hint=HINT)
    n = parse_int(head[1], 1, LARGEST, "board size", HINT, number)
    placed = []
    for number, row in lines[1:]:
        if len(row) != 2:
            raise InputError(f"{excerpt(' '.join(row))} is not 'row column'", line=number, hint=HINT)
        r = parse_int(row[0], 1, n, "row", HINT, number)
        placed.append((r, parse_int(row[1], 1, n, "column", HINT, number), number))
    return n, placed


def _drawn(lines: list[Line]) -> tuple[int, list[Placed]]:
    """The size and the queens of a drawn board."""
    n = len(lines)
    placed = []
    if n > LARGEST:
        raise InputError(f"a board of {n} rows", line=lines[0][0], hint=f"boards have up to {LARGEST} rows")
    for r, (number, tokens) in enumerate(lines, 1):
        row = "".join(tokens)
        if len(row) != n:
            hint = "a board is n rows of n squares; the file may be truncated"
            raise InputError(f"a row of {len(row)} squares on a board of {n} rows", line=number, hint=hint)
        for c, sign in enumerate(row, 1):
            if sign in "Qq":
                placed.append((r, c, number))
            elif sign not in ".-_":
                raise InputError(f"{sign!r} is not '.' or 'Q'", line=number, hint=HINT)
    return n, placed


def solution(n: int, rng: random.Random) -> list[int]:
    """A random solution, by min-conflicts from a random permutation (Sosic and Gu 1990).

    Args:
        n: number of rows.
        rng: random numbers.

    Returns:
        Columns by row, 0-based.

    Raises:
        InputError: n is 2 or 3, for which there is no solution.
    """
    if n in (2, 3):
        raise InputError(f"{n} queens have no solution", hint="choose a board of 1 row, or of 4 and more")
    while True:
        columns = rng.sample(range(n), n)
        # Queens on each diagonal. A permutation has no two in a column, and swaps keep it one.
        down = [0] * (2 * n)
        up = [0] * (2 * n)
        for r, c in enumerate(columns):
            down[r - c + n] += 1
            up[r + c] += 1
        for _ in range(50 * n):  # then restart: a permutation may be a local minimum
            attacked = [r for r, c in enumerate(columns) if down[r - c + n] > 1 or up[r + c] > 1]
            if not attacked:
                return columns
            i, j = rng.choice(attacked), rng.randrange(n)
            before = _attacks(columns, i, j, down, up)
            _swap(columns, i, j, down, up)
            if _attacks(columns, i, j, down, up) > before:
                _swap(columns, i, j, down, up)


def _attacks(columns: list[int], i: int, j: int, down: list[int], up: list[int]) -> int:
    """The queens on the diagonals of rows i and j."""
    n = len(columns)
    return sum(down[r - columns[r] + n] + up[r + columns[r]] for r in (i, j))


def _swap(columns: list[int], i: int, j: int, down: list[int], up: list[int]) -> None:
    """Exchange the columns of rows i and j, and update the diagonals."""
    n = len(columns)
    for r in {i, j}:
        down[r - columns[r] + n] -= 1
        up[r + columns[r]] -= 1
    columns[i], columns[j] = columns[j], columns[i]
    for r in {i, j}:
        down[r - columns[r] + n] += 1
        up[r + columns[r]] += 1
