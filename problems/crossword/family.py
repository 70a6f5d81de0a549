"""The family of crosswords."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ...engine.graph import ConstraintGraph
from ...engine.lexicon import Lexicon, english
from ...engine.problem import Problem, Source
from ...engine.values import Domain, Value
from ..grids import cell
from ..parsing import parse_int
from ..puzzles import PuzzleFamily
from ..words.clues import candidates
from ..words.phrases import Phrase, Word, board, code, letter, letters_of
from .text import Entry, Puzzle, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View

CODES = tuple(range(1, 27))

MOST = 1000
"""The most candidates of a word."""


class Crossword(PuzzleFamily[Puzzle]):
    """Words that cross. Those that cost least by their frequency are wanted, and what clue scorers propose.

    The variables r1c1 to rNcM are letters, 1 (A) to 26 (Z). Scorers of the entry-point group ``mull.clues`` know what clues
    mean; without one, only the crossings and the frequencies of words decide.
    """

    name = "crossword"
    keys = ("grid", "clue")
    summary = (
        "crosswords: 'crossword', rows of '.', '#' and letters, then clues under 'ACROSS' and 'DOWN'; or JSON lines"
    )
    spec = "crossword:N, N rows of words that cross, 2 to 5"
    suffixes = (".crossword",)
    solver = "beam"

    def puzzles(self, text: str) -> Iterator[Puzzle]:
        return puzzles(text)

    def problem(self, puzzle: Puzzle, source: Source) -> Problem:
        return problem(puzzle, source)

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A square of frequent words; the words across are given but for some letters."""
        size = parse_int(spec, 2, 5, "rows", hint=self.spec)
        rng = random.Random(f"crossword:{spec}:{seed}")
        rows = _square(english(), size, rng)
        hidden = {(rng.randrange(size), rng.randrange(size)) for _ in range(size * size // 2 + 1)}
        shown = tuple(
            "".join("." if (r, c) in hidden else sign for c, sign in enumerate(row)) for r, row in enumerate(rows)
        )
        across = [Entry(f"{r + 1}-ACROSS", "", tuple((r + 1, c + 1) for c in range(size))) for r in range(size)]
        down = [Entry(f"{c + 1}-DOWN", "", tuple((r + 1, c + 1) for r in range(size))) for c in range(size)]
        return problem(Puzzle(shown, (*across, *down), 1), Source(f"crossword:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return "\n".join(" ".join(row).rstrip() for row in board(assignment))

    def picture(self, view: View) -> str:
        from ..words.picture import letter_board

        return letter_board(view, numbered=True)


def problem(puzzle: Puzzle, source: Source) -> Problem:
    """The problem of a puzzle.

    Args:
        puzzle: as it was read.
        source: of the problem.
    """
    domains: dict[str, Domain] = {}
    for r, row in enumerate(puzzle.grid, 1):
        for c, sign in enumerate(row, 1):
            if sign != "#":
                domains[cell(r, c)] = CODES if sign == "." else (code(sign),)
    phrase = Phrase(english(), domains)
    for entry in puzzle.entries:
        cells = tuple(cell(*place) for place in entry.cells)
        allowed = [[int(value) for value in domains[name]] for name in cells]
        found = candidates(phrase.lexicon, entry.clue, allowed, None, MOST)
        phrase.add_one_of(Word(cells, (len(cells),)), found)
    graph = ConstraintGraph(phrase.domains, phrase.constraints, phrase.objective)
    render = partial(_drawn, puzzle)
    return Problem(graph, {}, "crossword", source, render, name=puzzle.title, auxiliary=phrase.auxiliary)


def words(problem: Problem, assignment: Mapping[str, Value]) -> dict[str, str]:
    """Name of an entry -> its word.

    Args:
        problem: as ``problem`` made it.
        assignment: variable -> value.
    """
    assert isinstance(problem.render, partial)  # as ``problem`` made it
    puzzle: Puzzle = problem.render.args[0]
    return {entry.name: letters_of(assignment, [cell(*place) for place in entry.cells]) for entry in puzzle.entries}


def _drawn(puzzle: Puzzle, assignment: Mapping[str, Value]) -> str:
    lines = []
    for r, row in enumerate(puzzle.grid, 1):
        signs = [
            " " if sign == "#" else letters_of(assignment, [cell(r, c)]) if cell(r, c) in assignment else sign
            for c, sign in enumerate(row, 1)
        ]
        lines.append(" ".join(signs).rstrip())
    return "\n".join(lines)


def _square(lexicon: Lexicon, size: int, rng: random.Random) -> list[str]:
    """Rows of frequent words whose columns are frequent words too, by depth-first search."""
    most = {2: 40, 3: 300, 4: 1200, 5: 3000}[size]
    letters = lexicon.words((size,)).letters[:most]
    known = ["".join(letter(value) for value in row) for row in letters]
    prefixes = {word[:i] for word in known for i in range(size + 1)}

    def extend(rows: list[str]) -> list[str] | None:
        if len(rows) == size:
            return rows
        for word in rng.sample(known, len(known)):
            if all("".join(row[c] for row in [*rows, word]) in prefixes for c in range(size)):
                found = extend([*rows, word])
                if found is not None:
                    return found
        return None

    found = extend([])
    assert found is not None  # squares of these sizes exist
    return found
