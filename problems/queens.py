"""N-Queens and N-Queens completion."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache, partial

from ..engine.constraints import AllDifferent, Compare
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem, Source
from ..engine.values import Value
from .errors import InputError, excerpt
from .family import Family, table, whole

Line = tuple[int, list[str]]

LARGEST = 200


class Queens(Family):
    """n queens on an n x n board, one a row, none attacking another; some may be placed already.

    Two texts are read: a board of n lines with ``.`` and ``Q``; and a line ``queens n`` followed by a line ``row column``
    for each queen placed. Several boards may follow one another: drawn ones after a blank line.
    """

    name = "queens"
    summary = "N-Queens, some placed: a board of '.' and 'Q', or 'queens N' and lines 'row column'"
    spec = "queens:N[:PLACED], PLACED queens of a solution given"
    suffixes = (".queens",)
    stream_forms = ("queens:N:PLACED",)
    stream_maker = "mull.problems.streams.queens:Completions"

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
                    raise InputError(f"two queens in row {row}", line=line, hint="a solution has one queen a row")
                givens[f"q{row}"] = column
            source = Source(path, lines[0][0] if len(boards) > 1 else None)
            problems.append(Problem(template(n), givens, "queens", source, partial(render, n)))
        return problems

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        n_text, _, placed_text = spec.partition(":")
        n = whole(n_text, 1, LARGEST, "board size", hint=self.spec)
        placed = whole(placed_text or "0", 0, n, "queens placed", hint=self.spec)
        givens: dict[str, Value] = {}
        if placed:
            rng = random.Random(f"queens:{spec}:{seed}")
            columns = solution(n, rng)
            givens = {f"q{r + 1}": columns[r] + 1 for r in sorted(rng.sample(range(n), placed))}
        return Problem(template(n), givens, "queens", Source(f"queens:{spec}"), partial(render, n))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(len(assignment), assignment)


@cache
def template(n: int) -> ConstraintGraph:
    """Variable q1..qn: the column of the queen in that row."""
    names = [f"q{r}" for r in range(1, n + 1)]
    diagonals = [
        Compare(names[i], "!=", names[j], offset)
        for i in range(n)
        for j in range(i + 1, n)
        for offset in (i - j, j - i)
    ]
    columns = [AllDifferent(tuple(names))] if n > 1 else []
    return ConstraintGraph({name: range(1, n + 1) for name in names}, [*columns, *diagonals])


def render(n: int, assignment: Mapping[str, Value]) -> str:
    """The board."""
    rows = []
    for r in range(1, n + 1):
        column = assignment.get(f"q{r}")
        rows.append(" ".join("Q" if c == column else "." for c in range(1, n + 1)))
    return "\n".join(rows)


def _boards(text: str) -> list[list[Line]]:
    """The lines of each board: one begins at a line ``queens n``, or, drawn, after n rows of n squares."""
    boards: list[list[Line]] = []
    height = 0
    for number, words in table(text):
        head = words[0].lower() == "queens"
        if head or not boards or len(boards[-1]) == height:
            boards.append([])
            height = 0 if head else sum(map(len, words))
        boards[-1].append((number, words))
    return boards


def _listed(lines: list[tuple[int, list[str]]]) -> tuple[int, list[tuple[int, int, int]]]:
    number, head = lines[0]
    try:
        if len(head) != 2:
            raise InputError("the first line is not 'queens N'", hint=Queens.summary)
        n = whole(head[1], 1, LARGEST, "board size")
        placed = []
        for number, row in lines[1:]:
            if len(row) != 2:
                raise InputError(f"{excerpt(' '.join(row))} is not 'row column'", hint=Queens.summary)
            placed.append((whole(row[0], 1, n, "row"), whole(row[1], 1, n, "column"), number))
    except InputError as error:
        raise error.at("", number) from None
    return n, placed


def _drawn(lines: list[tuple[int, list[str]]]) -> tuple[int, list[tuple[int, int, int]]]:
    n = len(lines)
    placed = []
    if n > LARGEST:
        raise InputError(f"a board of {n} rows", line=lines[0][0], hint=f"boards have up to {LARGEST}")
    for r, (number, tokens) in enumerate(lines, 1):
        row = "".join(tokens)
        if len(row) != n:
            hint = "a board is n rows of n squares; the file may be truncated"
            raise InputError(f"a row of {len(row)} squares on a board of {n} rows", line=number, hint=hint)
        for c, sign in enumerate(row, 1):
            if sign in "Qq":
                placed.append((r, c, number))
            elif sign not in ".-_":
                raise InputError(f"{sign!r} is neither '.' nor 'Q'", line=number, hint=Queens.summary)
    return n, placed


def solution(n: int, rng: random.Random) -> list[int]:
    """A solution by min-conflicts from a random permutation (Sosic and Gu 1990): fast for every n >= 4.

    Raises:
        InputError: n is 2 or 3, which have none.
    """
    if n in (2, 3):
        raise InputError(f"{n} queens have no solution to place queens of")
    while True:
        columns = rng.sample(range(n), n)
        down = [0] * (2 * n)
        up = [0] * (2 * n)
        for r, c in enumerate(columns):
            down[r - c + n] += 1
            up[r + c] += 1
        for _ in range(50 * n):
            attacked = [r for r, c in enumerate(columns) if down[r - c + n] > 1 or up[r + c] > 1]
            if not attacked:
                return columns
            i, j = rng.choice(attacked), rng.randrange(n)
            before = _attacks(columns, i, j, down, up)
            _swap(columns, i, j, down, up)
            if _attacks(columns, i, j, down, up) > before:
                _swap(columns, i, j, down, up)


def _attacks(columns: list[int], i: int, j: int, down: list[int], up: list[int]) -> int:
    n = len(columns)
    return sum(down[r - columns[r] + n] + up[r + columns[r]] for r in (i, j))


def _swap(columns: list[int], i: int, j: int, down: list[int], up: list[int]) -> None:
    n = len(columns)
    for r in {i, j}:
        down[r - columns[r] + n] -= 1
        up[r + columns[r]] -= 1
    columns[i], columns[j] = columns[j], columns[i]
    for r in {i, j}:
        down[r - columns[r] + n] += 1
        up[r + columns[r]] += 1
