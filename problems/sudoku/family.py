"""The Sudoku family: reads, generates and draws boards."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from math import isqrt
from typing import TYPE_CHECKING

from ...engine.problem import Problem, Source
from ...engine.values import Value
from .. import grids, squares
from ..alphabet import cells, consistent, meaning, symbols
from ..errors import Ambiguous, InputError, warn
from ..family import Family
from ..parsing import parse_fraction_range
from ..records import Record
from . import text as texts
from .template import names, of_size, render

if TYPE_CHECKING:
    import numpy as np

    from ...engine.examples import Examples, Stream
    from ...pictures.view import View

NODES = 100
"""Guesses after which ``has_solution`` stops: it serves to choose between families and must be quick."""


class Sudoku(Family):
    """Each value occurs once in every row, column and box."""

    name = "sudoku"
    summary = "grids of 4, 6, 9, 12, 16, 25 rows: one a line, grids, CSV with 'puzzle', JSON arrays or lines, .npz"
    spec = texts.SPEC
    suffixes = (".sudoku", ".sdk", ".sdm", ".ss", ".sdx")
    archives = (".npz",)
    stream_forms = ("sudoku:9[:LOW-HIGH]", "sudoku:SIZE:SHARE[-SHARE]")
    stream_maker = "mull.problems.sudoku.stream:stream"

    def recognises(self, text: str) -> bool:
        try:
            found = next(iter(texts.boards(text)), None)
            if found is None:
                return False
            order = isqrt(len(found.board))
            values = symbols(order, [found.board])
            cells(found.board, meaning(values), values, None)
        except Ambiguous:
            return True
        except InputError:
            return texts.has_header(text)
        return True

    def suspects(self, text: str) -> InputError | None:
        return texts.cut_grid(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        return self.problems(texts.boards(text), path)

    def read_archive(self, path: str) -> list[Problem]:
        from .archive import records  # imports NumPy

        return self.problems(records(path), path)

    def archive_stream(self, path: str, split: str, seed: int) -> Stream:
        from .files import BoardFile

        return BoardFile(path, split, seed)

    @classmethod
    def problems(cls, records: Iterable[Record], path: str) -> list[Problem]:
        """The problems of the boards of a file.

        Args:
            records: the boards.
            path: of the file.

        Raises:
            InputError: there is no board, or a cell of one is not a value.
        """
        found = list(records)
        if not found:
            raise InputError("holds no puzzle", line=1, hint=texts.HINT)
        known = alphabets(found)
        problems, wrong = [], []
        for record in found:
            values = known[len(record.board)]
            board, expected = indexed(record, values)
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
        # A search on a 16x16 board may take long; there only clashes of givens count.
        return consistent(board, size, squares.BOXES[size]) and (size > 9 or has_solution(board, size))

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random full board with some cells given, or a 9x9 board in a range of guesses.

        A board with a share of its cells given may have several solutions.
        """
        size_text, _, givens_text = spec.partition(":")
        size = texts.parse_size(size_text)
        source = f"sudoku:{spec}"
        if size == 9 and texts.is_guess_range(givens_text):
            from .generate import generate_one  # compiles code

            return self._problem(None, generate_one(spec, seed), source)
        least, most = parse_fraction_range(givens_text or "0.4", "share of givens")
        rng = random.Random(f"sudoku:{spec}:{seed}")
        keep = rng.uniform(least, most) if least < most else least
        high = squares.BOXES[size]
        board = [value for row in squares.random_sudoku(high, rng, size // high) for value in row]
        given = set(rng.sample(range(size * size), round(keep * size * size)))
        return self._problem(None, [v if i in given else 0 for i, v in enumerate(board)], source)

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
        givens: dict[str, Value] = {name: values[v - 1] for name, v in zip(names(size), cells, strict=True) if v}
        graph, draw = of_size(size, values), partial(render, size)
        return Problem(graph, givens, "sudoku", Source(path, line), draw, expected=expected)

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(isqrt(len(assignment)), assignment)

    def picture(self, view: View) -> str:
        size = isqrt(len(view.domains))
        high = squares.BOXES[size]
        return grids.picture(view, size, (high, size // high))

    def augment(self, examples: Examples, rng: np.random.Generator) -> Examples:
        """Examples of 9x9 boards under random symmetries; other sizes unchanged."""
        if examples.givens.shape[1] != 81 or len(examples.graphs) != 1:
            return examples
        from .augment import augment

        return augment(examples, rng)


def alphabets(records: Iterable[Record]) -> dict[int, tuple[Value, ...]]:
    """The values of a file's boards: number of cells -> values in ascending order."""
    by_size: dict[int, list[Sequence[str]]] = {}
    for record in records:
        by_size.setdefault(len(record.board), []).append(record.board)
    return {size: symbols(isqrt(size), boards) for size, boards in by_size.items()}


def indexed(record: Record, values: tuple[Value, ...]) -> tuple[list[int], list[int] | None]:
    """A board's cells as numbers, and its stated solution.

    Args:
        record: the board as signs.
        values: of the cells, in ascending order.

    Returns:
        The 1-based index in ``values`` of each cell, 0 for a blank. The same of the solution, or None if none is stated
        or it does not fit the board.

    Raises:
        InputError: a cell of the board is not a value.
    """
    known = meaning(values)
    board = cells(record.board, known, values, record.line)
    if record.answer is None or len(record.answer) != len(board):
        return board, None
    answer = [known.get(sign, 0) for sign in record.answer]
    fits = all(answer) and not any(g and g != a for g, a in zip(board, answer, strict=True))
    return board, answer if fits else None


def has_solution(board: Sequence[int], size: int) -> bool:
    """Whether a board has a solution, by a search for an exact cover (Knuth's Algorithm X).

    Args:
        board: size² cells row by row, 0 for a blank. No value occurs twice in a row, column or box.
        size: rows of the board.

    Returns:
        False if there is none. True also if ``NODES`` guesses did not decide it.
    """
    needs = _needs(size)
    met = {need for i, value in enumerate(board) if value for need in needs[i * size + value - 1]}
    # Each need that is not met -> a set of bits: the literals that may meet it.
    first = dict.fromkeys({need for each in needs for need in each} - met, 0)
    for literal, each in enumerate(needs):
        if met.isdisjoint(each):
            for need in each:
                first[need] |= 1 << literal
    budget = iter(range(NODES))

    def search(left: dict[tuple[str, int, int], int]) -> bool:
        if not left or next(budget, None) is None:
            return True
        choice = left[min(left, key=lambda need: left[need].bit_count())]
        while choice:
            literal = choice.bit_length() - 1
            choice ^= 1 << literal
            gone = 0
            for need in needs[literal]:
                gone |= left[need]
            if search({need: bits & ~gone for need, bits in left.items() if need not in needs[literal]}):
                return True
        return False

    return search(first)


@cache
def _needs(size: int) -> list[tuple[tuple[str, int, int], ...]]:
    """What each literal, a cell with a value, meets: a value of the cell, and the value in its row, column and box."""
    high = squares.BOXES[size]
    wide = size // high
    return [
        (("cell", r, c), ("row", r, v), ("column", c, v), ("box", r // high * high + c // wide, v))
        for r in range(size)
        for c in range(size)
        for v in range(size)
    ]
