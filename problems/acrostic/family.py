"""The family of acrostics."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...engine.graph import ConstraintGraph
from ...engine.lexicon import english
from ...engine.problem import Problem, Source
from ...engine.values import Domain, Value
from ..parsing import parse_int
from ..puzzles import PuzzleFamily
from ..words.clues import candidates
from ..words.phrases import Phrase, Word, code, letter, spaced, split, word_starts
from ..words.sentences import sentence
from .text import Clue, Puzzle, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View

CODES = tuple(range(1, 27))


class Acrostic(PuzzleFamily[Puzzle]):
    """Each letter of a quotation is also a letter of the answer to a clue. Some answers are given.

    The variables ``cell N`` are letters, 1 (A) to 26 (Z). The words of the quotation and the answers that cost least by
    their frequency are wanted. Scorers of the entry-point group ``mull.clues`` know what clues mean.
    """

    name = "acrostic"
    keys = ("puzzle", "clue")
    summary = "acrostics, JSON lines with 'puzzle' (numbers and '#'), 'clue' and 'hint'"
    spec = "acrostic:WORDS[:HINTS], a quotation of WORDS words, HINTS answers given (3)"
    suffixes = (".acrostic",)
    solver = "beam"

    def puzzles(self, text: str) -> Iterator[Puzzle]:
        return puzzles(text)

    def problem(self, puzzle: Puzzle, source: Source) -> Problem:
        return problem(puzzle, source)

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A sentence of frequent words, whose letters are dealt to frequent words as answers."""
        words_text, _, hints_text = spec.partition(":")
        count = parse_int(words_text, 2, 60, "words", hint=self.spec)
        hints = parse_int(hints_text or "3", 0, 60, "hints", hint=self.spec)
        puzzle = _generated(count, hints, random.Random(f"acrostic:{spec}:{seed}"))
        return problem(puzzle, Source(f"acrostic:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return "".join(letter(value) for name, value in assignment.items() if name.startswith("cell "))

    def picture(self, view: View) -> str:
        from ..words.picture import Letter, letters

        cells = [name for name in view.domains if name.startswith("cell ")]
        starts = word_starts(view.problem.graph, cells)
        return letters(view, [Letter(name, name.removeprefix("cell "), name in starts) for name in cells])

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        cells = [name for name in problem.graph.domains if name.startswith("cell ")]
        return replace(problem, render=partial(spaced, problem.graph, cells))


def problem(puzzle: Puzzle, source: Source) -> Problem:
    """The problem of a puzzle.

    Args:
        puzzle: as it was read.
        source: of the problem.
    """
    domains: dict[str, Domain] = {f"cell {sign}": CODES for sign in puzzle.signs if sign.isdigit()}
    for clue in puzzle.clues:
        for place, sign in zip(clue.cells, clue.answer, strict=False):
            domains[f"cell {place}"] = (code(sign),)
    phrase = Phrase(english(), domains)
    for word in split((sign, f"cell {sign}" if sign.isdigit() else None) for sign in puzzle.signs):
        phrase.add(word)
    for clue in puzzle.clues:
        if not clue.answer and clue.cells:
            cells = tuple(f"cell {place}" for place in clue.cells)
            allowed = [[int(value) for value in domains[cell]] for cell in cells]
            found = candidates(phrase.lexicon, clue.text, allowed, clue.words)
            phrase.add_one_of(Word(cells, (len(cells),)), found)
    graph = ConstraintGraph(phrase.domains, phrase.constraints, phrase.objective)
    render = partial(_drawn, puzzle)
    return Problem(graph, {}, "acrostic", source, render, name=puzzle.title, auxiliary=phrase.auxiliary)


def _drawn(puzzle: Puzzle, assignment: Mapping[str, Value]) -> str:
    """The quotation, then the answers."""

    def sign(cell: str) -> str:
        name = f"cell {cell}"
        return letter(assignment[name]) if name in assignment else "?"

    quote = "".join(" " if each == "#" else sign(each) if each.isdigit() else each for each in puzzle.signs)
    answers = [f"{clue.letter}  {''.join(map(sign, clue.cells))}  {clue.text}" for clue in puzzle.clues]
    return "\n".join([quote, "", *answers])


def _generated(count: int, hints: int, rng: random.Random) -> Puzzle:
    """Answers are frequent words that the letters of the sentence suffice for; what is left over is the last answer."""
    words = sentence(english(), count, rng)
    signs: list[str] = []
    left: dict[str, list[str]] = {}
    number = 0
    for word in words:
        signs += ["#"] if signs else []
        for each in word.upper():
            number += 1
            signs.append(str(number))
            left.setdefault(each, []).append(str(number))
    for cells in left.values():
        rng.shuffle(cells)
    clues: list[Clue] = []
    frequent = [
        word.upper() for word, cost in english().costs.items() if cost < 500 and word.isalpha() and len(word) > 3
    ]
    for word in rng.sample(frequent, len(frequent)):
        if all(word.count(each) <= len(left.get(each, ())) for each in set(word)):
            taken = tuple(left[each].pop() for each in word)
            clues.append(Clue(chr(65 + len(clues) % 26), f"answer {len(clues) + 1}", taken, 1, word))
    rest = [(cell, each) for each, cells in left.items() for cell in cells]
    if rest:
        text = "".join(each for _, each in rest)
        clues.append(
            Clue(chr(65 + len(clues) % 26), "the letters that are left", tuple(c for c, _ in rest), None, text)
        )
    given = set(rng.sample(range(len(clues)), min(hints, len(clues))))
    shown = [Clue(c.letter, c.text, c.cells, c.words, c.answer if i in given else "") for i, c in enumerate(clues)]
    return Puzzle(tuple(signs), tuple(shown), 1)
