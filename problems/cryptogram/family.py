"""The family of cryptograms."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...engine.constraints import AllDifferent, AllEqual
from ...engine.graph import ConstraintGraph
from ...engine.lexicon import LETTERS, english
from ...engine.problem import Problem, Source
from ...engine.values import Domain, Value
from ..parsing import parse_int
from ..puzzles import PuzzleFamily
from ..words.phrases import Phrase, code, letter, spaced, split, word_starts
from ..words.sentences import sentence
from .text import Puzzle, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View

CODES = tuple(range(1, 27))


class Cryptogram(PuzzleFamily[Puzzle]):
    """Each letter of the text stands for another one. The words that cost least by their frequency are wanted.

    The variables A to Z are the plain letters of the cipher letters in the text, 1 (A) to 26 (Z). ``cell N`` is letter N
    of the text.
    """

    name = "cryptogram"
    keys = ("text", "hints")
    summary = "cryptograms: 'cryptogram', the text, lines 'hint: X=T' for known letters; or JSON lines"
    spec = "cryptogram:WORDS[:HINTS], WORDS words, HINTS letters given (3)"
    suffixes = (".cryptogram",)
    solver = "beam"

    def puzzles(self, text: str) -> Iterator[Puzzle]:
        return puzzles(text)

    def problem(self, puzzle: Puzzle, source: Source) -> Problem:
        return problem(puzzle, source)

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A sentence of frequent words in a random cipher."""
        words_text, _, hints_text = spec.partition(":")
        count = parse_int(words_text, 1, 100, "words", hint=self.spec)
        hints = parse_int(hints_text or "3", 0, 26, "hints", hint=self.spec)
        rng = random.Random(f"cryptogram:{spec}:{seed}")
        text = " ".join(sentence(english(), count, rng)).upper()
        cipher = dict(zip(LETTERS, rng.sample(LETTERS, 26), strict=True))
        plain = {cipher[sign]: sign for sign in sorted(set(text) - {" "})}
        chosen = rng.sample(sorted(plain), min(hints, len(plain)))
        known = {sign: plain[sign] for sign in chosen}
        return problem(Puzzle("".join(cipher.get(sign, sign) for sign in text), known, 1), Source(f"cryptogram:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return " ".join(f"{cipher}={plain}" for cipher, plain in mapping(assignment).items())

    def picture(self, view: View) -> str:
        from ..words.picture import Letter, letters

        graph = view.problem.graph
        equal = [each.scope for each in graph.constraints if isinstance(each, AllEqual)]
        cipher = {name: scope[0] for scope in equal for name in scope[1:]}
        cells = sorted(cipher, key=lambda name: int(name.removeprefix("cell ")))
        starts = word_starts(graph, cells)
        return letters(view, [Letter(cipher[name], cipher[name], name in starts) for name in cells])

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        return replace(problem, render=partial(_restored, problem.graph))


def mapping(assignment: Mapping[str, Value]) -> dict[str, str]:
    """Cipher letter -> plain letter.

    Args:
        assignment: variable -> value.
    """
    return {name: letter(value) for name, value in assignment.items() if len(name) == 1 and name in LETTERS}


def problem(puzzle: Puzzle, source: Source) -> Problem:
    """The problem of a puzzle.

    Args:
        puzzle: as it was read.
        source: of the problem.
    """
    ciphers = sorted(set(puzzle.text) & set(LETTERS))
    domains: dict[str, Domain] = {}
    for cipher in ciphers:
        taken = {plain for other, plain in puzzle.known.items() if other != cipher}
        given = puzzle.known.get(cipher)
        domains[cipher] = (code(given),) if given else tuple(c for c in CODES if LETTERS[c - 1] not in taken)
    signs: list[tuple[str, str | None]] = []
    cells: dict[str, list[str]] = {}
    for sign in puzzle.text:
        name = f"cell {len(cells_of(cells)) + 1}" if sign in domains else None
        if name is not None:
            cells.setdefault(sign, []).append(name)
        signs.append((sign, name))
    for cipher, names in cells.items():
        domains.update(dict.fromkeys(names, domains[cipher]))
    phrase = Phrase(english(), domains)
    if len(ciphers) > 1:
        phrase.constraints.append(AllDifferent(tuple(ciphers)).named("cipher"))
    phrase.constraints += [AllEqual((cipher, *names)).named(f"letter {cipher}") for cipher, names in cells.items()]
    for word in split(signs):
        phrase.add(word)
    graph = ConstraintGraph(phrase.domains, phrase.constraints, phrase.objective)
    hidden = phrase.auxiliary | set(cells_of(cells))
    return Problem(
        graph, {}, "cryptogram", source, partial(_drawn, puzzle.text), name=puzzle.title, auxiliary=frozenset(hidden)
    )


def cells_of(cells: Mapping[str, list[str]]) -> list[str]:
    """All cells, of any letter."""
    return [name for names in cells.values() for name in names]


def _restored(graph: ConstraintGraph, assignment: Mapping[str, Value]) -> str:
    """The text of a stored answer, which has the cipher letters alone; the graph has their cells."""
    equal = [each.scope for each in graph.constraints if isinstance(each, AllEqual)]
    cells = {name: assignment[scope[0]] for scope in equal if scope[0] in assignment for name in scope[1:]}
    order = sorted(cells, key=lambda name: int(name.removeprefix("cell ")))
    return spaced(graph, order, {**assignment, **cells})


def _drawn(text: str, assignment: Mapping[str, Value]) -> str:
    known = mapping(assignment)
    return "".join(known.get(sign, "?" if sign in LETTERS else sign) for sign in text)
