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
    parts = [Words(*_columns(_proposed(clue, allowed), len(allowed)))]
    if words in (None, 1):
        parts.append(lexicon.matching((len(allowed),), allowed, most))
    if words in (None, 2) and len(allowed) in _pairs(lexicon):
        parts.append(_pairs(lexicon)[len(allowed)].matching(allowed, most))
    letters = np.concatenate([part.letters for part in parts])
    costs = np.concatenate([part.costs for part in parts])
    order = np.lexsort((*letters.T[::-1], costs))  # the cheapest first, and of equal letters the cheapest only
    _, first = np.unique(letters[order], axis=0, return_index=True)
    best = order[np.sort(first)[:most]]
    return Words(letters[best], costs[best])


@lru_cache(maxsize=1)
def _pairs(lexicon: Lexicon) -> dict[int, Words]:
    """Pairs of words by their number of letters, with the cost of both; the cheapest first."""
    found: dict[int, list[tuple[bytes, int]]] = {}
    for (first, second), cost in lexicon.pairs.items():
        if first in lexicon.costs and second in lexicon.costs:
            text = bytes(ord(sign) - 96 for sign in first + second if sign != "'")
            found.setdefault(len(text), []).append((text, lexicon.costs[first] + cost))
    return {length: Words(*_columns(sorted(each, key=lambda item: item[1]), length)) for length, each in found.items()}


def _columns(found: Iterable[tuple[bytes, int]], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Letters [N, L] and costs [N] of some words."""
    texts = list(found)
    letters = np.frombuffer(b"".join(text for text, _ in texts), dtype=np.uint8).reshape(len(texts), length)
    return letters, np.array([cost for _, cost in texts], dtype=np.int64)


def _proposed(clue: str, allowed: Sequence[Collection[int]]) -> Iterator[tuple[bytes, int]]:
    """What the installed scorers propose; words that do not fit the pattern are left out."""
    pattern = "".join(LETTERS[next(iter(codes)) - 1] if len(codes) == 1 else "?" for codes in allowed)
    for entry in entries(CLUES):
        scorer: ClueScorer = load_entry(entry, ClueScorer)()
        for word, cost in scorer.propose(clue, pattern):
            text = bytes(LETTERS.index(sign) + 1 for sign in word.upper() if sign in LETTERS)
            if len(text) == len(allowed) and all(sign in codes for sign, codes in zip(text, allowed, strict=True)):
                yield text, max(0, round(cost))
