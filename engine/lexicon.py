"""English words with their frequencies, and the frequencies of word pairs. Word puzzles and their solvers read them.

The words come from the package wordfreq (Speer 2022), the pairs from wordsegment (Norvig: Natural language corpus data,
2009). Both belong to the extra ``words``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log10

import numpy as np

from .errors import MullError

SCALE = 100
"""Costs are SCALE times the negative decimal logarithm of a probability, rounded: a word of one in a million costs 600."""

POSSESSIVE = 150
"""What a possessive (dog's) costs more than its noun, where it has no frequency of its own."""

RARE = 600
"""Cost from which on a noun without a possessive of its own gets none."""

BACK_OFF = 40
"""What a word costs more after a word that no known pair begins with: the factor 0.4 of Brants et al. (2007)."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HINT = "install the word lists: pip install 'mull-solver[words]'"


@dataclass(frozen=True)
class Words:
    """All words of one shape, the most frequent first.

    Args:
        letters: [N, L] uint8, 1 for A to 26 for Z, without apostrophes.
        costs: [N] int64.
    """

    letters: np.ndarray
    costs: np.ndarray

    def matching(self, allowed: Sequence[Collection[int]], most: int) -> Words:
        """The first words whose letters are allowed.

        Args:
            allowed: for each letter the possible codes, 1 to 26.
            most: how many words at most.
        """
        keep = np.ones(len(self.costs), dtype=bool)
        for position, codes in enumerate(allowed):
            if len(codes) < 26:
                possible = np.zeros(27, dtype=bool)
                possible[list(codes)] = True
                keep &= possible[self.letters[:, position]]
        chosen = keep.nonzero()[0][:most]
        return Words(self.letters[chosen], self.costs[chosen])


class Lexicon:
    """Words with costs.

    Args:
        costs: word in lower case -> cost. Apostrophes belong to words; all other characters are letters from a to z.
        pairs: (word, word) -> cost of the second word after the first, without apostrophes.
    """

    def __init__(self, costs: Mapping[str, int], pairs: Mapping[tuple[str, str], int]) -> None:
        self.costs = dict(costs)
        self.pairs = pairs
        self._shapes: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for word in sorted(costs, key=lambda word: (costs[word], word)):
            self._shapes[shape(word)].append(word)
        self._words: dict[tuple[int, ...], Words] = {}

    def words(self, form: tuple[int, ...]) -> Words:
        """The words of a shape.

        Args:
            form: as ``shape`` returns it.
        """
        if form not in self._words:
            found = self._shapes.get(form, [])
            codes = [[ord(sign) - 96 for sign in word if sign != "'"] for word in found]
            letters = np.array(codes, dtype=np.uint8).reshape(len(found), form[0])
            self._words[form] = Words(letters, np.array([self.costs[word] for word in found], dtype=np.int64))
        return self._words[form]

    def matching(self, form: tuple[int, ...], allowed: Sequence[Collection[int]], most: int) -> Words:
        """The most frequent words of a shape whose letters are allowed.

        Args:
            form: as ``shape`` returns it.
            allowed: for each letter the possible codes, 1 to 26.
            most: how many words at most.
        """
        return self.words(form).matching(allowed, most)

    @cached_property
    def followers(self) -> Mapping[str, Mapping[str, int]]:
        """Word -> the words that follow it in known pairs, with their costs."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for (first, second), cost in self.pairs.items():
            found[first][second] = cost
        return found

    @cached_property
    def leaders(self) -> Mapping[str, Mapping[str, int]]:
        """Word -> the words that it follows in known pairs, with its costs after them."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for (first, second), cost in self.pairs.items():
            found[second][first] = cost
        return found

    @cached_property
    def chain(self) -> np.ndarray:
        """[27, 27] float64: the probability of a letter after a letter in a word of the lexicon; row 0 is of any letter."""
        counts = np.full((27, 27), 0.5)
        signs = np.frombuffer(f" {' '.join(self.costs)}".replace("'", "").encode(), np.uint8)
        codes = np.where(signs == ord(" "), 0, signs.astype(np.int64) - 96)
        counts += np.bincount(27 * codes[:-1] + codes[1:], minlength=27 * 27).reshape(27, 27)
        counts[:, 0] = 0  # ends of words
        counts[0] = counts.sum(axis=0)
        shares: np.ndarray = counts / counts.sum(axis=1, keepdims=True)
        return shares


def shape(word: str) -> tuple[int, ...]:
    """The number of letters, and before which letters an apostrophe stands: ``don't`` has the shape (4, 3)."""
    places = []
    letters = 0
    for sign in word:
        if sign == "'":
            places.append(letters)
        else:
            letters += 1
    return (letters, *places)


@lru_cache(maxsize=1)
def english() -> Lexicon:
    """The lexicon of English.

    Raises:
        MullError: the packages of the extra ``words`` are not installed.
    """
    try:
        from wordfreq import get_frequency_dict
        from wordsegment import Segmenter
    except ImportError as error:
        raise MullError(f"word puzzles need the package {error.name}", HINT) from None
    frequencies = {word: share for word, share in get_frequency_dict("en", "best").items() if _is_word(word)}
    costs = {word: round(-SCALE * log10(share)) for word, share in frequencies.items()}
    for word, cost in list(costs.items()):
        if cost < RARE and "'" not in word and not word.endswith("s"):
            costs.setdefault(f"{word}'s", cost + POSSESSIVE)
    counts = Segmenter.parse(Segmenter.UNIGRAMS_FILENAME)
    pairs = {}
    for pair, count in Segmenter.parse(Segmenter.BIGRAMS_FILENAME).items():
        first, _, second = pair.partition(" ")
        if counts.get(first, 0) >= count:
            pairs[first, second] = round(-SCALE * log10(count / counts[first]))
    return Lexicon(costs, pairs)


def _is_word(word: str) -> bool:
    plain = word.replace("'", "")
    if not (plain.isascii() and plain.isalpha()) or word[0] == "'" or word[-1] == "'":
        return False
    return len(plain) > 1 or plain in ("a", "i", "o")
