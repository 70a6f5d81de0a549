"""Streams of Sudokus: 9x9 boards of a range of guesses, and boards of every size with a share of their cells given."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from math import isqrt

import numpy as np

from ...engine.examples import Examples
from .. import squares
from ..errors import InputError
from ..parsing import parse_fraction_range
from ..streams.base import FamilyStream
from ..streams.packing import draw_split
from .generate import EASY, Board, boards_for, parse_guesses
from .template import of_size
from .text import is_guess_range, parse_size

MINIMAL_CHUNK, EASY_CHUNK, HARD_CHUNK = 2048, 512, 64
"""Boards in a chunk: random minimal ones, and those of a range below and from ``EASY`` guesses."""

SHARE_CHUNK = {4: 1024, 6: 512, 9: 256, 12: 128, 16: 64, 25: 16}
"""Boards in a chunk with a share of givens, by size."""

BLANKS = (0, 1, 2, 4, 8, 16, 30)
"""Numbers of blank cells in the boards of ``FewBlanks``."""


@dataclass(frozen=True)
class FewBlanks(FamilyStream):
    """Random full 9x9 boards with 0 to 30 blank cells, as ``BLANKS`` lists them.

    Every training on 9x9 boards is also validated on them: `ebt` once solved all boards with 8 blanks and few with 1 to
    4 (`docs/log.md`).
    """

    def chunk(self, k: int) -> Examples:
        """The k-th 112 boards."""
        rng = self.rng(k)
        found: list[Board] = []
        for blanks in BLANKS * 16:
            solution = np.array(squares.random_sudoku(3, rng), dtype=np.uint8).ravel()
            puzzle = solution.copy()
            puzzle[rng.sample(range(81), blanks)] = 0
            found.append((puzzle, solution, 0.0))
        return to_examples(found)


def few_blanks(split: str, seed: int) -> tuple[FewBlanks, ...]:
    """The further validation streams of a stream of 9x9 boards.

    Args:
        split: of the stream; only ``validation`` has any.
        seed: of the stream.
    """
    if split != "validation":
        return ()
    return (FewBlanks(f"sudoku:9 with {BLANKS[0]} to {BLANKS[-1]} blanks", split, seed),)


@dataclass(frozen=True)
class RatedBoards(FamilyStream):
    """``sudoku:9`` and ``sudoku:9:LOW-HIGH``: minimal 9x9 boards with one solution, of a range of mean guesses.

    ``search.guesses`` defines a guess. Either end of the range may be left out. Without a range the boards are random
    minimal ones, half of which take six guesses or fewer.
    """

    def check(self) -> None:
        parse_guesses(self.spec)

    @property
    def also(self) -> tuple[FewBlanks, ...]:
        """Further streams to validate on."""
        return few_blanks(self.split, self.seed)

    def chunk(self, k: int) -> Examples:
        """The k-th boards: 2048 random ones, or 64 to 512 of a range."""
        from .symmetry import invariant  # compiles code

        limits = parse_guesses(self.spec)
        source = boards_for(limits, self.rng(k).getrandbits(60))
        wanted = MINIMAL_CHUNK if limits is None else EASY_CHUNK if limits[0] < EASY else HARD_CHUNK

        def make() -> tuple[int, Board]:
            board = next(source)
            return int(invariant(board[0])), board

        return to_examples(draw_split(self.split, wanted, make, self.name))


@dataclass(frozen=True)
class PartlyFilled(FamilyStream):
    """``sudoku:SIZE:SHARE``, SHARE a number or a range: part of the cells of a random full board, which is the target.

    4x4 boards have one solution. Larger boards may have others than the target.
    """

    def check(self) -> None:
        size, (least, _) = _parse(self.spec)
        if size == 4 and round(least * 16) < 4:
            raise InputError(
                f"no 4x4 board with a share of givens of {least} has one solution",
                hint="choose 0.25 or more; boards with 0.4 are found quickly",
            )
        if round(least * size * size) == size * size:
            raise InputError(
                "boards without blanks cannot be divided into training and validation",
                hint=f"let some cells be blank: sudoku:{size}:0.6-1.0",
            )

    @property
    def also(self) -> tuple[FewBlanks, ...]:
        """Further streams to validate on."""
        return few_blanks(self.split, self.seed) if _parse(self.spec)[0] == 9 else ()

    def chunk(self, k: int) -> Examples:
        """The k-th boards, ``SHARE_CHUNK`` of them."""
        from .symmetry import invariant  # compiles code

        size, (least, most) = _parse(self.spec)
        rng = self.rng(k)

        def make() -> tuple[int, Board]:
            puzzle, solution = partly_filled(size, rng.uniform(least, most) if least < most else least, rng)
            return int(invariant(puzzle, squares.BOXES[size])), (puzzle, solution, 0.0)

        return to_examples(draw_split(self.split, SHARE_CHUNK[size], make, self.name))


def stream(name: str, split: str, seed: int) -> RatedBoards | PartlyFilled:
    """The stream of a name that starts with ``sudoku:``.

    Args:
        name: ``sudoku:9``, ``sudoku:9:LOW-HIGH`` or ``sudoku:SIZE:SHARE``.
        split: ``train``, ``validation`` or ``test``.
        seed: random seed.

    Raises:
        InputError: the name is malformed, or there are no such boards.
    """
    size, _, more = name.partition(":")[2].partition(":")
    rated = size == "9" and (not more or is_guess_range(more))
    return RatedBoards(name, split, seed) if rated else PartlyFilled(name, split, seed)


def to_examples(found: list[Board]) -> Examples:
    """Boards of one size as examples: givens [N, cells], targets [N, 1, cells]."""
    puzzles = np.array([board[0] for board in found], dtype=np.int16)
    solutions = np.array([board[1] for board in found], dtype=np.int16)
    graph = of_size(isqrt(puzzles.shape[1]))
    return Examples((graph,), np.zeros(len(found), dtype=np.int64), puzzles - 1, solutions[:, None] - 1)


def partly_filled(size: int, keep: float, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """A random full board with a share of its cells given.

    Args:
        size: rows.
        keep: share of the cells that are given, from 0 to 1.
        rng: random numbers.

    Returns:
        The puzzle, 0 for a blank, and the full board: uint8 [size²] each.

    Raises:
        InputError: a 4x4 board with so few givens that hardly one has a single solution.
    """
    count, high = round(keep * size * size), squares.BOXES[size]
    for _ in range(1000):
        solution = np.array(squares.random_sudoku(high, rng, size // high), dtype=np.uint8).ravel()
        puzzle = np.zeros_like(solution)
        cells = rng.sample(range(size * size), count)
        puzzle[cells] = solution[cells]
        if size > 4 or (_full_4x4()[:, cells] == solution[cells]).all(1).sum() == 1:
            return puzzle, solution
    raise InputError(
        f"no 4x4 board with one solution and {count} givens was found", hint="choose a share of givens of 0.4"
    )


@cache
def _full_4x4() -> np.ndarray:
    """All 288 full 4x4 boards, uint8 [288, 16]."""
    found: list[list[int]] = [[]]
    for i in range(16):
        r, c = divmod(i, 4)
        seen = [j for j in range(i) if j // 4 == r or j % 4 == c or (j // 8 == i // 8 and j % 4 // 2 == c // 2)]
        found = [[*board, v] for board in found for v in range(1, 5) if all(board[j] != v for j in seen)]
    return np.array(found, dtype=np.uint8)


def _parse(spec: str) -> tuple[int, tuple[float, float]]:
    size_text, _, keep_text = spec.partition(":")
    return parse_size(size_text), parse_fraction_range(keep_text or "0.4", "share of givens")
