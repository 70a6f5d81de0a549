"""Streams of Sudokus: 9 x 9 boards as hard as asked for, and boards of every size with a share of givens."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from math import isqrt

import numpy as np

from ...engine.examples import Examples
from .. import switching
from ..errors import InputError
from ..family import shares, whole
from ..sudoku import by_guesses, template
from ..sudoku_text import SIZES, SPEC
from .bands import Board, band, banded, minimal
from .packing import Named, of_split

RANDOM, BRED, HARD = 2048, 512, 64
"""Boards in a chunk: random minimal ones, and of bands below and above 100 guesses."""

SHOWN = {4: 1024, 9: 256, 16: 64, 25: 16}
"""Boards in a chunk by their size."""


BLANKS = (0, 1, 2, 4, 8, 16, 30)
"""Blank cells of the boards that every training on 9 x 9 boards is checked on as well."""


@dataclass(frozen=True)
class FewBlanks(Named):
    """Random full 9 x 9 boards with 0 to 30 cells made blank, in turn as ``BLANKS`` lists them: for validation alone."""

    def chunk(self, k: int) -> Examples:
        """The k-th 112 boards."""
        rng = self.dice(k)
        found: list[Board] = []
        for blanks in BLANKS * 16:
            solution = np.array(switching.sudoku(3, rng), dtype=np.uint8).ravel()
            puzzle = solution.copy()
            puzzle[rng.sample(range(81), blanks)] = 0
            found.append((puzzle, solution, 0.0))
        return examples(found)


def few_blanks(split: str, seed: int) -> tuple[FewBlanks, ...]:
    """What a validation stream of 9 x 9 boards lists as ``also``; nothing for other splits."""
    return (
        (FewBlanks(f"sudoku:9 with {BLANKS[0]} to {BLANKS[-1]} blanks", split, seed),) if split == "validation" else ()
    )


@dataclass(frozen=True)
class Boards(Named):
    """``sudoku:9`` and ``sudoku:9:LOW-HIGH``: minimal 9 x 9 boards with one solution, of a band of guesses.

    ``boards.guesses`` says what a guess is; either end of the band may be left out. Without a band boards are random
    minimal ones, half of which take six guesses or fewer.
    """

    def check(self) -> None:
        band(self.spec)

    @property
    def also(self) -> tuple[FewBlanks, ...]:
        """Further streams to check a training on."""
        return few_blanks(self.split, self.seed)

    def chunk(self, k: int) -> Examples:
        """The k-th boards: 2048 random ones, or 64 to 512 of a band."""
        from . import boards

        limits = band(self.spec)
        seed = self.dice(k).getrandbits(60)
        wanted = RANDOM if limits is None else BRED if limits[0] < 100 else HARD
        source = (board for made in (minimal(seed) if limits is None else banded(*limits, seed)) for board in made)

        def make() -> tuple[int, Board]:
            board = next(source)
            return int(boards.invariant(board[0])), board

        return examples(of_split(self.split, wanted, make, self.name))


@dataclass(frozen=True)
class PartlyFilled(Named):
    """``sudoku:SIZE:SHARE``, a number or a range as ``0.0-0.3``: a share of a random full board's cells; the board is the target,
    though not always the only one.

    4 x 4 boards have one solution.
    """

    def check(self) -> None:
        size, (least, _) = _sized(self.spec)
        if size == 4 and round(least * 16) < 4:
            raise InputError(
                "no 4 x 4 board of so few givens has one solution", hint="from 0.25 on; 0.4 is quick to find"
            )
        if round(least * size * size) == size * size:
            raise InputError(
                "boards without blanks cannot be divided into training and validation",
                hint=f"let some cells be blank: sudoku:{size}:0.6-1.0",
            )

    @property
    def also(self) -> tuple[FewBlanks, ...]:
        """Further streams to check a training on."""
        return few_blanks(self.split, self.seed) if _sized(self.spec)[0] == 9 else ()

    def chunk(self, k: int) -> Examples:
        """The k-th boards: 1024 of size 4, 256 of size 9, 64 of size 16, 16 of size 25."""
        from . import boards

        size, (least, most) = _sized(self.spec)
        rng = self.dice(k)

        def make() -> tuple[int, Board]:
            puzzle, solution = shown(size, rng.uniform(least, most) if least < most else least, rng)
            return int(boards.invariant(puzzle)), (puzzle, solution, 0.0)

        return examples(of_split(self.split, SHOWN[size], make, self.name))


def examples(found: list[Board]) -> Examples:
    """Boards of one size as arrays."""
    puzzles = np.array([board[0] for board in found], dtype=np.int16)
    solutions = np.array([board[1] for board in found], dtype=np.int16)
    graph = template(isqrt(isqrt(puzzles.shape[1])))
    return Examples((graph,), np.zeros(len(found), dtype=np.int64), puzzles - 1, solutions[:, None] - 1)


def stream(name: str, split: str, seed: int) -> Boards | PartlyFilled:
    """The stream of a name that begins with ``sudoku:``.

    Raises:
        InputError: no such boards can be made.
    """
    size, _, more = name.partition(":")[2].partition(":")
    return (
        Boards(name, split, seed) if size == "9" and (not more or by_guesses(more)) else PartlyFilled(name, split, seed)
    )


def shown(size: int, keep: float, rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """A random full board with a share of its cells shown, and the board: uint8 [size^2] each.

    Raises:
        InputError: a 4 x 4 board with so few givens that hardly one has a single solution.
    """
    count = round(keep * size * size)
    for _ in range(1000):
        solution = np.array(switching.sudoku(isqrt(size), rng), dtype=np.uint8).ravel()
        puzzle = np.zeros_like(solution)
        cells = rng.sample(range(size * size), count)
        puzzle[cells] = solution[cells]
        if size > 4 or (_all_small()[:, cells] == solution[cells]).all(1).sum() == 1:
            return puzzle, solution
    raise InputError(
        f"no 4 x 4 board with one solution and {count} givens was found", hint="4 x 4 takes a share of 0.4"
    )


@cache
def _all_small() -> np.ndarray:
    """All 288 full 4 x 4 boards, uint8 [288, 16]."""
    found: list[list[int]] = [[]]
    for i in range(16):
        r, c = divmod(i, 4)
        seen = [j for j in range(i) if j // 4 == r or j % 4 == c or (j // 8 == i // 8 and j % 4 // 2 == c // 2)]
        found = [[*board, v] for board in found for v in range(1, 5) if all(board[j] != v for j in seen)]
    return np.array(found, dtype=np.uint8)


def _sized(spec: str) -> tuple[int, tuple[float, float]]:
    size_text, _, keep_text = spec.partition(":")
    size = whole(size_text, 4, 25, "Sudoku size", hint=SPEC)
    if size not in SIZES:
        raise InputError(f"Sudoku size {size} is no square of 2 to 5", hint=SPEC)
    return size, shares(keep_text or "0.4", "share of givens")
