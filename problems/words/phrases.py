"""Words in cells: each word of a puzzle is a word of the lexicon, or an unknown one at a cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...engine.constraints import Reify, Table
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.lexicon import LETTERS, Lexicon, Words
from ...engine.objective import Objective
from ...engine.values import Domain, Value
from ..grids import place

MOST = 3000
"""The most words of the lexicon for one word of a puzzle, the most frequent ones."""

UNKNOWN = 1100
"""The cost of a word that is not in the lexicon: more than the rarest word costs."""

JOINING = "'"
"""Signs inside a word."""

ENDING = ".!?"
"""Signs at the end of a sentence."""


@dataclass(frozen=True)
class Word:
    """A word of a puzzle.

    Args:
        cells: the variables of its letters, in order; each once.
        form: its shape, as ``engine.lexicon.shape`` returns it.
        follows: whether it stands in one sentence with the word before it.
    """

    cells: tuple[str, ...]
    form: tuple[int, ...]
    follows: bool = False


@dataclass
class Phrase:
    """The words of a puzzle as domains, constraints and an objective. Mutable.

    Letters are the numbers 1 (A) to 26 (Z). ``cost N`` is what word N costs, and ``known N`` is 1 where it is a word of
    the lexicon.

    Args:
        lexicon: of the words.
        domains: of the cells.
        constraints: of the puzzle.
    """

    lexicon: Lexicon
    domains: dict[str, Domain]
    constraints: list[Constraint] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    coefficients: dict[str, int] = field(default_factory=dict)

    def add(self, word: Word, most: int = MOST) -> None:
        """Add a word: its letters are those of a word of the lexicon, or it costs ``UNKNOWN``.

        Args:
            word: of the puzzle.
            most: how many words of the lexicon it may be at most.
        """
        allowed = [[int(code) for code in self.domains[cell]] for cell in word.cells]
        self.add_one_of(word, self.lexicon.matching(word.form, allowed, most))

    def add_one_of(self, word: Word, found: Words) -> None:
        """Add a word or a phrase: its letters are those of a candidate, or it costs ``UNKNOWN``.

        Args:
            word: of the puzzle.
            found: the candidates.
        """
        self.words.append(word)
        number = len(self.words)
        cost, known = f"cost {number}", f"known {number}"
        rows = list(map(tuple, np.column_stack((found.costs, found.letters)).tolist()))
        self.domains[cost] = tuple(sorted({0, *(row[0] for row in rows)}))
        self.domains[known] = (0, 1) if rows else (0,)
        self.coefficients[cost] = 1
        self.coefficients[known] = -UNKNOWN
        if rows:
            table = Table((cost, *word.cells), tuple(dict.fromkeys(rows)))
            reified = Reify((known, 1), table, half=True)
            after = f"after word {number - 1}" if word.follows and number > 1 else ""
            self.constraints.append(reified.named(f"word {number}", after))

    @property
    def objective(self) -> Objective:
        """The sum of the costs of all words."""
        return Objective(self.coefficients, UNKNOWN * len(self.words))

    @property
    def auxiliary(self) -> frozenset[str]:
        """The variables that are no cells."""
        return frozenset(self.coefficients)


def split(cells: Iterable[tuple[str, str | None]]) -> list[Word]:
    """The words of a row of signs.

    Args:
        cells: the sign and the variable of each cell; the variable is None where the sign is no letter of the puzzle. A
            sign without a variable ends a word unless it is an apostrophe between letters.
    """
    words: list[Word] = []
    names: list[str] = []
    places: list[int] = []
    follows = False
    for sign, name in [*cells, (ENDING, None)]:
        if name is not None:
            names.append(name)
        elif sign in JOINING:
            places.append(len(names))
        else:
            if names:
                form = (len(names), *(place for place in places if 0 < place < len(names)))
                words.append(Word(tuple(names), form, follows))
                follows = True
            if sign[0] in ENDING:
                follows = False
            names, places = [], []
    return words


def letter(value: Value) -> str:
    """The letter of a value, 1 to 26."""
    return LETTERS[int(value) - 1]


def code(sign: str) -> int:
    """The value of a letter, upper or lower case."""
    return LETTERS.index(sign.upper()) + 1


def letters_of(assignment: Mapping[str, Value], cells: Sequence[str]) -> str:
    """The letters in some cells.

    Args:
        assignment: variable -> value; a cell without a value is drawn as ``?``.
        cells: variables.
    """
    return "".join(letter(assignment[cell]) if cell in assignment else "?" for cell in cells)


def board(assignment: Mapping[str, Value]) -> list[str]:
    """The rows of a grid of letters, from the assignment alone. Cells without a variable are blank.

    Args:
        assignment: variable -> value; the cells are r1c1 to rNcM.
    """
    cells = {place(name): letter(value) for name, value in assignment.items() if re.fullmatch(r"r\d+c\d+", name)}
    rows, columns = (max((each[i] for each in cells), default=0) for i in (0, 1))
    return ["".join(cells.get((r, c), " ") for c in range(1, columns + 1)) for r in range(1, rows + 1)]


def spaced(graph: ConstraintGraph, cells: Sequence[str], assignment: Mapping[str, Value]) -> str:
    """The text of some cells, with spaces between its words.

    Args:
        graph: of a phrase; its constraints have the words.
        cells: variables, in the order of the text.
        assignment: variable -> value; a cell without a value is drawn as ``?``.
    """
    starts = word_starts(graph, cells)
    return "".join(
        f" {sign}" if name in starts else sign for name, sign in zip(cells, letters_of(assignment, cells), strict=True)
    ).strip()


def word_starts(graph: ConstraintGraph, cells: Sequence[str]) -> set[str]:
    """The first cell of each word of a text.

    Args:
        graph: of a phrase; its constraints have the words.
        cells: variables, in the order of the text.
    """
    starts: set[str] = set()
    covered: set[str] = set()
    for constraint in graph.constraints:
        if isinstance(constraint, Reify) and isinstance(constraint.constraint, Table):
            word = constraint.constraint.scope[1:]
            # The words of the text come before the answers to clues, which have the same cells.
            if covered.isdisjoint(word):
                covered.update(word)
                after = cells.index(word[-1]) + 1
                starts |= {word[0], *cells[after : after + 1]}
    return starts
