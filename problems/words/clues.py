"""The answers that a clue may have: words and pairs of words by their frequency, and the proposals of clue scorers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ...engine.lexicon import LETTERS, Lexicon, Words
from ...engine.registry import CLUES, entries, load_entry

MOST = 5000
"""The most candidates of a clue."""


class ClueScorer(ABC):
    """Proposes answers to a clue. It is installed by an entry point of the group ``mull.clues``.

    Example:
        >>> class Capitals(ClueScorer):
        ...     name = "capitals"
        ...
        ...     def propose(self, clue, pattern):
        ...         if clue == "Capital of France" and len(pattern) == 5:
        ...             yield "PARIS", 0
    """

    name: ClassVar[str]

    @abstractmethod
    def propose(self, clue: str, pattern: str) -> Iterable[tuple[str, int]]:
        """Answers with costs, in the unit of ``engine.lexicon.SCALE``: 0 is certain. Other lengths are ignored.

        Args:
            clue: in English.
            pattern: the letters that are known, upper case, and ``?`` for the others: ``A??LE``.
        """


def candidates(
    lexicon: Lexicon, clue: str, allowed: Sequence[Collection[int]], words: int | None, most: int = MOST
) -> Words:
    """The answers that a clue may have, the cheapest first.

    Args:
        lexicon: of the words.
        clue: its text.
        allowed: for each letter the possible codes, 1 to 26.
        words: how many words the answer has, or None.
        most: how many candidates at most.
    """
    found: dict[bytes, int] = {}
    if words in (None, 1):
        single = lexicon.matching((len(allowed),), allowed, most)
        found.update(zip(map(bytes, single.letters), single.costs.tolist(), strict=True))
    if words in (None, 2):
        for text, cost in _pairs(lexicon).get(len(allowed), ()):
            if all(sign in codes for sign, codes in zip(text, allowed, strict=True)):
                found[text] = min(cost, found.get(text, cost))
    for text, cost in _proposed(clue, allowed):
        found[text] = min(cost, found.get(text, cost))
    best = sorted(found.items(), key=lambda item: (item[1], item[0]))[:most]
    letters = np.array([list(text) for text, _ in best], dtype=np.uint8).reshape(len(best), len(allowed))
    return Words(letters, np.array([cost for _, cost in best], dtype=np.int64))


@lru_cache(maxsize=1)
def _pairs(lexicon: Lexicon) -> dict[int, list[tuple[bytes, int]]]:
    """Pairs of words by their number of letters, with the cost of both."""
    found: dict[int, list[tuple[bytes, int]]] = {}
    for (first, second), cost in lexicon.pairs.items():
        if first in lexicon.costs and second in lexicon.costs:
            text = bytes(ord(sign) - 96 for sign in first + second if sign != "'")
            found.setdefault(len(text), []).append((text, lexicon.costs[first] + cost))
    return found


def _proposed(clue: str, allowed: Sequence[Collection[int]]) -> Iterator[tuple[bytes, int]]:
    """What the installed scorers propose; words that do not fit the pattern are left out."""
    pattern = "".join(LETTERS[next(iter(codes)) - 1] if len(codes) == 1 else "?" for codes in allowed)
    for entry in entries(CLUES):
        scorer: ClueScorer = load_entry(entry, ClueScorer)()
        for word, cost in scorer.propose(clue, pattern):
            text = bytes(LETTERS.index(sign) + 1 for sign in word.upper() if sign in LETTERS)
            if len(text) == len(allowed) and all(sign in codes for sign, codes in zip(text, allowed, strict=True)):
                yield text, max(0, round(cost))
