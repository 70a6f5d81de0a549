"""Sudoku, n^2 x n^2 for n = 2 to 5."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from math import isqrt

from ..engine.constraints import AllDifferent
from ..engine.graph import ConstraintGraph
from ..engine.problem import Problem, Source
from ..engine.values import Value
from . import grids, sudoku_text, switching
from .alphabet import cells, consistent, meaning, symbols
from .errors import Ambiguous, InputError, warn
from .family import Family, shares, whole
from .records import Record
from .sudoku_text import SIZES

NODES = 2000
"""Guesses after which a board is taken to have a solution, where one is looked for to choose a family."""


def by_guesses(text: str) -> bool:
    """Whether what follows ``sudoku:9:`` is a band of guesses: a range without a decimal point, which one of shares has."""
    return "-" in text and "." not in text


class Sudoku(Family):
    """Each value once in every row, column and box."""

    name = "sudoku"
    summary = "n^2 x n^2 grids, n = 2 to 5: one a line, grids, CSV with a column 'puzzle', JSON arrays or lines, .npz"
    spec = sudoku_text.SPEC
    suffixes = (".sudoku", ".sdk", ".sdm", ".ss")
    stream_forms = ("sudoku:9[:LOW-HIGH]", "sudoku:SIZE:SHARE[-SHARE]")
    stream_maker = "mull.problems.streams.sudoku:stream"

    def recognises(self, text: str) -> bool:
        try:
            found = next(iter(sudoku_text.boards(text)), None)
            if found is None:
                return False
            order = isqrt(len(found.board))
            values = symbols(order, [found.board])
            cells(found.board, meaning(values), values, None)
        except Ambiguous:
            return True
        except InputError:
            return sudoku_text.headed(text)
        return True

    def suspects(self, text: str) -> InputError | None:
        return sudoku_text.cut_grid(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        return self.problems(sudoku_text.boards(text), path)

    def read_archive(self, path: str) -> list[Problem]:
        from .sudoku_npz import records  # NumPy, which text does not need

        return self.problems(records(path), path)

    @classmethod
    def problems(cls, records: Iterable[Record], path: str) -> list[Problem]:
        """The problems of a file's boards.

        Raises:
            InputError: there is no board, or a sign is not a value.
        """
        found = list(records)
        if not found:
            raise InputError("holds no puzzle", line=1, hint=sudoku_text.HINT)
        known = alphabets(found)
        problems, wrong = [], []
        for record in found:
            values = known[len(record.board)]
            board, expected = places(record, values)
            if record.answer is not None and expected is None:
                wrong.append(record.line)
            stated = tuple(values[v - 1] for v in expected) if expected else None
            problems.append(cls._problem(record.line, board, path, values, stated))
        if wrong:
            where = f"of {len(wrong)} boards" if len(wrong) > 1 else "of a board"
            warn(f"the stated solution {where} does not fit the puzzle and is left out", line=wrong[0])
        return problems

    def fits(self, problem: Problem) -> bool:
        size = isqrt(len(problem.graph.domains))
        place = {value: i for i, value in enumerate(problem.graph.domains["r1c1"], 1)}
        board = [place[problem.givens[name]] if name in problem.givens else 0 for name in problem.graph.domains]
        return consistent(board, size, isqrt(size)) and (size > 9 or possible(board, size))

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random full board with all but some givens taken out, or a board of a band of guesses.

        With a share of givens more than one solution is possible.
        """
        size_text, _, givens_text = spec.partition(":")
        size = whole(size_text, 4, 25, "Sudoku size", hint=self.spec)
        if size not in SIZES:
            raise InputError(f"Sudoku size {size} is no square of 2 to 5", hint=self.spec)
        source = f"sudoku:{spec}"
        if size == 9 and by_guesses(givens_text):
            from .streams.bands import one  # brings a compiler along

            return self._problem(None, one(spec, seed), source)
        least, most = shares(givens_text or "0.4", "share of givens")
        rng = random.Random(f"sudoku:{spec}:{seed}")
        keep = rng.uniform(least, most) if least < most else least
        board = [value for row in switching.sudoku(isqrt(size), rng) for value in row]
        shown = set(rng.sample(range(size * size), round(keep * size * size)))
        return self._problem(None, [v if i in shown else 0 for i, v in enumerate(board)], source)

    @staticmethod
    def _problem(
        line: int | None,
        cells: Sequence[int],
        path: str,
        values: tuple[Value, ...] | None = None,
        expected: tuple[Value, ...] | None = None,
    ) -> Problem:
        size = isqrt(len(cells))
        values = values or tuple(range(1, size + 1))
        givens: dict[str, Value] = {name: values[v - 1] for name, v in zip(_names(size), cells, strict=True) if v}
        graph, draw = template(isqrt(size), values), partial(render, size)
        return Problem(graph, givens, "sudoku", Source(path, line), draw, expected=expected)

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(isqrt(len(assignment)), assignment)


_names = cache(grids.names)


@cache
def template(n: int, values: tuple[Value, ...] | None = None) -> ConstraintGraph:
    """The constraint graph that all n^2 x n^2 Sudokus share whose cells take these values, by default 1 to n^2."""
    size = n * n
    span = range(1, size + 1)
    if values == tuple(span):
        return template(n)
    rows = [[grids.cell(r, c) for c in span] for r in span]
    columns = [[grids.cell(r, c) for r in span] for c in span]
    boxes = [
        [grids.cell(n * a + i, n * b + j) for i in range(1, n + 1) for j in range(1, n + 1)]
        for a in range(n)
        for b in range(n)
    ]
    constraints = [AllDifferent(tuple(g)) for g in rows + columns + boxes]
    return ConstraintGraph(dict.fromkeys(_names(size), values or span), constraints)


def render(size: int, assignment: Mapping[str, Value]) -> str:
    """The grid with its boxes."""
    return grids.draw(size, assignment, isqrt(size))


def alphabets(records: Iterable[Record]) -> dict[int, tuple[Value, ...]]:
    """Number of cells -> the values that the boards of this size use in a file."""
    by_size: dict[int, list[Sequence[str]]] = {}
    for record in records:
        by_size.setdefault(len(record.board), []).append(record.board)
    return {size: symbols(isqrt(size), boards) for size, boards in by_size.items()}


def places(record: Record, values: tuple[Value, ...]) -> tuple[list[int], list[int] | None]:
    """A board's cells as places in ``values`` (0 for a blank), and its stated solution where that fits the board.

    Raises:
        InputError: a sign of the board is not a value.
    """
    known = meaning(values)
    board = cells(record.board, known, values, record.line)
    if record.answer is None or len(record.answer) != len(board):
        return board, None
    answer = [known.get(sign, 0) for sign in record.answer]
    fits = all(answer) and not any(g and g != a for g, a in zip(board, answer, strict=True))
    return board, answer if fits else None


def possible(board: Sequence[int], size: int) -> bool:
    """Whether a board has a solution, by search; also True where this is not known after ``NODES`` guesses."""
    cells = list(board)
    box = isqrt(size)
    rows, columns, boxes = [0] * size, [0] * size, [0] * size
    for i, value in enumerate(cells):
        if value:
            r, c = divmod(i, size)
            b = r // box * box + c // box
            rows[r], columns[c], boxes[b] = rows[r] | 1 << value, columns[c] | 1 << value, boxes[b] | 1 << value
    full = (1 << size + 1) - 2
    budget = iter(range(NODES))

    def search() -> bool:
        best, choice = size + 1, (-1, 0, 0, 0, 0)
        for i, value in enumerate(cells):
            if not value:
                r, c = divmod(i, size)
                b = r // box * box + c // box
                left = full & ~(rows[r] | columns[c] | boxes[b])
                if left.bit_count() < best:
                    best, choice = left.bit_count(), (i, r, c, b, left)
        i, r, c, b, left = choice
        if i < 0 or next(budget, None) is None:
            return True
        for value in range(1, size + 1):
            if left >> value & 1:
                bit = 1 << value
                cells[i] = value
                rows[r], columns[c], boxes[b] = rows[r] | bit, columns[c] | bit, boxes[b] | bit
                if search():
                    return True
                cells[i] = 0
                rows[r], columns[c], boxes[b] = rows[r] & ~bit, columns[c] & ~bit, boxes[b] & ~bit
        return False

    return search()
