"""The family of drop quotes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ...engine.constraints import GlobalCardinality
from ...engine.graph import ConstraintGraph
from ...engine.lexicon import english
from ...engine.problem import Problem, Source
from ...engine.values import Domain, Value
from ..errors import InputError
from ..grids import cell
from ..parsing import parse_int
from ..puzzles import PuzzleFamily
from ..words.phrases import Phrase, board, code, letter, split
from ..words.sentences import sentence
from .text import Puzzle, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View


class DropQuote(PuzzleFamily[Puzzle]):
    """The letters of a quotation fall into their columns, so that each row of the grid reads as text.

    The variables r1c1 to rNcM are letters, 1 (A) to 26 (Z). The words that cost least by their frequency are wanted;
    a word that the lexicon does not have costs more than any that it has.
    """

    name = "dropquote"
    keys = ("grid", "candidate")
    summary = "drop quotes: 'dropquote', the letters of each column, an empty line, rows of '_' and '#'; or JSON lines"
    spec = "dropquote:WIDTH[:WORDS], WORDS words (8) in rows of WIDTH cells"
    suffixes = (".dropquote",)
    solver = "beam"

    def puzzles(self, text: str) -> Iterator[Puzzle]:
        return puzzles(text)

    def problem(self, puzzle: Puzzle, source: Source) -> Problem:
        return problem(puzzle, source)

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A sentence of frequent words that often follow one another."""
        width_text, _, words_text = spec.partition(":")
        width = parse_int(width_text, 3, 60, "width", hint=self.spec)
        count = parse_int(words_text or "8", 1, 60, "words", hint=self.spec)
        text = " ".join(sentence(english(), count, random.Random(f"dropquote:{spec}:{seed}"))).upper()
        text += " " * (-len(text) % width)
        rows = [text[i : i + width] for i in range(0, len(text), width)]
        columns = tuple(
            "".join(sorted(sign for sign in column if sign.isalpha())) for column in zip(*rows, strict=True)
        )
        signs = tuple(tuple("#" if sign == " " else "?" if sign.isalpha() else sign for sign in row) for row in rows)
        return problem(Puzzle(signs, columns, 1), Source(f"dropquote:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return "\n".join(row.rstrip() for row in board(assignment))

    def picture(self, view: View) -> str:
        from ..words.picture import letter_board

        return letter_board(view, numbered=False)


def problem(puzzle: Puzzle, source: Source) -> Problem:
    """The problem of a puzzle.

    Args:
        puzzle: as it was read.
        source: of the problem.

    Raises:
        InputError: the grid has no cells to fill.
    """
    domains: dict[str, Domain] = {}
    signs: list[tuple[str, str | None]] = []
    for r, row in enumerate(puzzle.rows, 1):
        for c, sign in enumerate(row, 1):
            name = cell(r, c) if sign == "?" else None
            if name is not None:
                domains[name] = tuple(sorted({code(each) for each in puzzle.columns[c - 1]}))
            signs.append((sign, name))
    if not domains:
        raise InputError("the grid has no cells to fill", line=puzzle.line)
    phrase = Phrase(english(), domains)
    for c, letters in enumerate(puzzle.columns, 1):
        names = tuple(cell(r, c) for r, row in enumerate(puzzle.rows, 1) if row[c - 1] == "?")
        if names:
            counts = sorted(Counter(map(code, letters)).items())
            values, numbers = zip(*counts, strict=True)
            phrase.constraints.append(GlobalCardinality(names, values, numbers).named(f"column {c}"))
    for word in split(signs):
        phrase.add(word)
    graph = ConstraintGraph(phrase.domains, phrase.constraints, phrase.objective)
    render = partial(_drawn, puzzle)
    return Problem(graph, {}, "dropquote", source, render, name=puzzle.title, auxiliary=phrase.auxiliary)


def _drawn(puzzle: Puzzle, assignment: Mapping[str, Value]) -> str:
    return "\n".join("".join(row).replace("#", " ").rstrip() for row in _grid(puzzle, assignment))


def _grid(puzzle: Puzzle, assignment: Mapping[str, Value]) -> list[list[str]]:
    """The signs of the grid; a cell without a value stays ``?``."""
    return [
        [
            letter(assignment[cell(r, c)]) if sign == "?" and cell(r, c) in assignment else sign
            for c, sign in enumerate(row, 1)
        ]
        for r, row in enumerate(puzzle.rows, 1)
    ]


def grid(problem: Problem, assignment: Mapping[str, Value]) -> list[list[str]]:
    """The filled grid, row by row.

    Args:
        problem: as ``problem`` made it.
        assignment: variable -> value.
    """
    assert isinstance(problem.render, partial)  # as ``problem`` made it
    return _grid(problem.render.args[0], assignment)
