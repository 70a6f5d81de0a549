"""Reading acrostics: the records of LR²Bench, one JSON object a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from ..errors import InputError, excerpt
from ..parsing import json_records

HINT = 'write {"puzzle": "1 2 # 3 .", "clue": "A\\n3 1\\nA clue (1 word, 2 letters)\\n...", "hint": "A clue — IT"}'
MOST_CELLS = 5000


@dataclass(frozen=True)
class Clue:
    """A clue, and the cells of its answer.

    Args:
        letter: that names the clue.
        text: of the clue.
        cells: the numbers of the answer's letters, in order.
        words: how many words the answer has; None if the clue does not say.
        answer: upper case, or empty where it is not given.
    """

    letter: str
    text: str
    cells: tuple[str, ...]
    words: int | None
    answer: str = ""


@dataclass(frozen=True)
class Puzzle:
    """An acrostic as it is written.

    Args:
        signs: of the quotation: numbers of cells, ``#`` between words, and punctuation.
        clues: with the answers that are given.
        line: of the puzzle in the file, 1-based.
        title: of the puzzle, or empty.
    """

    signs: tuple[str, ...]
    clues: tuple[Clue, ...]
    line: int
    title: str = ""


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text, one JSON object a line with ``puzzle``, ``clue`` and ``hint``.

    Args:
        text: of the file.

    Raises:
        InputError: a line is no such object, or cells and clues do not match.
    """
    for number, record in json_records(text):
        yield _puzzle(record, number)


def _puzzle(fields: Mapping[str, Any], number: int) -> Puzzle:
    quote, clue, hint = fields.get("puzzle"), fields.get("clue"), fields.get("hint", "")
    if not isinstance(quote, str) or not isinstance(clue, str) or not isinstance(hint, str):
        raise InputError("a record has the strings 'puzzle', 'clue' and 'hint'", line=number, hint=HINT)
    signs = tuple(quote.split())
    cells = [sign for sign in signs if sign.isdigit()]
    if not cells or len(cells) > MOST_CELLS:
        raise InputError(f"the quotation has {len(cells)} cells; 1 to {MOST_CELLS} are read", line=number, hint=HINT)
    if len(set(cells)) < len(cells):
        twice = next(cell for cell in cells if cells.count(cell) > 1)
        raise InputError(f"cell {twice} occurs twice in the quotation", line=number)
    clues = _answered(list(_clues(clue, set(cells), number)), hint, number)
    return Puzzle(signs, tuple(clues), number, str(fields.get("tag", "")))


def _clues(text: str, cells: set[str], number: int) -> Iterator[Clue]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) % 3:
        raise InputError("a clue has three lines: a letter, the numbers of its cells, the text", line=number, hint=HINT)
    for letter, numbers, words in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        places = tuple(numbers.split())
        unknown = next((place for place in places if place not in cells), None)
        if unknown is not None or len(set(places)) < len(places):
            what = f"the cell {excerpt(unknown)}, which the quotation has not" if unknown else "a cell twice"
            raise InputError(f"clue {excerpt(letter)} has {what}", line=number)
        match = re.search(r"\((\d{1,4}) words?(?:, (\d{1,4}) letters?)?\)\s*$", words)
        if match and match[2] and int(match[2]) != len(places):
            raise InputError(f"clue {excerpt(letter)} has {len(places)} cells for {match[2]} letters", line=number)
        plain = words[: match.start()].strip() if match else words
        yield Clue(letter, plain, places, int(match[1]) if match else None)


def _answered(clues: list[Clue], hint: str, number: int) -> list[Clue]:
    """The clues with the answers that the hint states: lines ``text — ANSWER``."""
    for line in hint.split("\n"):
        text, dash, answer = line.rpartition("—")
        if not dash:
            text, dash, answer = line.rpartition(" - ")
        if not dash:
            if line.strip():
                raise InputError(f"the hint {excerpt(line)} is not 'clue — ANSWER'", line=number, hint=HINT)
            continue
        plain = "".join(sign for sign in answer.upper() if "A" <= sign <= "Z")
        fitting = [i for i, clue in enumerate(clues) if len(clue.cells) == len(plain) and not clue.answer]
        if not fitting:
            raise InputError(f"the hint {excerpt(line)} fits no clue", line=number, hint="it repeats the clue's text")
        # The text of a clue may be damaged; then the most similar one of this length is meant.
        wanted = text.strip().lower()
        place = max(fitting, key=lambda i: SequenceMatcher(None, clues[i].text.lower(), wanted).ratio())
        old = clues[place]
        clues[place] = Clue(old.letter, old.text, old.cells, old.words, plain)
    return clues
