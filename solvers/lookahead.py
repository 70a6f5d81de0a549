"""Lookahead of beam search: the cost of words that a partial answer has not reached, by the letters that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engine.lexicon import SCALE, Lexicon
from .spelling import CODES, Spelled

IN_LEXICON = 0.6
"""Probability that a word ahead is one of its candidates; else each of its letters depends on the letter before."""

FLATNESS = 0.5
"""Exponent of a candidate's probability: answers to clues are rarer words than those of running text."""


class Lookahead:
    """The cost of patterns: minus the logarithm of the probability of the known letters of a word.

    A pattern is a word of which some letters are known. A word is one of its candidates with probability ``IN_LEXICON``; else each letter depends on the letter before.

    Args:
        words: of a puzzle, each with at least one candidate.
        lexicon: of the letter model.
    """

    def __init__(self, words: Sequence[Spelled], lexicon: Lexicon) -> None:
        self.words = words
        self._chain = lexicon.chain
        longest = max((len(word.places) for word in words), default=0)
        self._keys = np.random.default_rng(0).integers(1, 2**63, longest, dtype=np.uint64)
        self._fits: dict[int, np.ndarray] = {}
        self._weights: dict[int, np.ndarray] = {}

    def prices(self, number: int, letters: np.ndarray) -> np.ndarray:
        """The cost [S] of patterns.

        Args:
            number: of the word.
            letters: [S, C] uint8, the letter of each class of cells; 0 where it is open.
        """
        patterns = letters[:, self.words[number].places]
        # One number for each pattern: sorting rows of letters takes ten times as long.
        _, first, row = np.unique(patterns @ self._keys[: patterns.shape[1]], return_index=True, return_inverse=True)
        patterns = patterns[first]
        likely = IN_LEXICON * self._mass(number, patterns) + (1 - IN_LEXICON) * self._chained(patterns)
        price: np.ndarray = (-SCALE * np.log10(np.maximum(likely, 1e-30))).astype(np.float32)
        return price[row.reshape(-1)]

    def best(self, number: int, letters: np.ndarray) -> int:
        """The most likely candidate with the known letters, or -1.

        Args:
            number: of the word.
            letters: [C] uint8, the letter of each class of cells; 0 where it is open.
        """
        alive = self._alive(number, letters[self.words[number].places][None])[0]
        return int(np.argmax(alive * self._weights[number])) if alive.any() else -1

    def _mass(self, number: int, patterns: np.ndarray) -> np.ndarray:
        """The probability [N] of the candidates that have the letters of a pattern [N, L]."""
        mass: np.ndarray = self._alive(number, patterns) @ self._weights[number]
        return mass

    def _alive(self, number: int, patterns: np.ndarray) -> np.ndarray:
        """[N, K] uint8: 1 where a candidate has the letters of a pattern [N, L]."""
        word = self.words[number]
        if number not in self._fits:
            fits = word.letters.T[:, None, :] == np.arange(CODES, dtype=np.uint8)[None, :, None]
            fits[:, 0] = True
            self._fits[number] = np.packbits(fits, axis=2)
            weights = 10 ** (-FLATNESS * word.costs.astype(np.float64) / SCALE)
            self._weights[number] = weights / weights.sum()
        chosen = self._fits[number][np.arange(len(word.places)), patterns]
        return np.unpackbits(np.bitwise_and.reduce(chosen, axis=1), axis=1, count=len(word.costs))

    def _chained(self, patterns: np.ndarray) -> np.ndarray:
        """The probability [N] of the letters of patterns [N, L] by the letter before; open letters count as none."""
        before = np.concatenate((np.zeros_like(patterns[:, :1]), patterns[:, :-1]), axis=1)
        product: np.ndarray = np.where(patterns == 0, 1.0, self._chain[before, patterns]).prod(axis=1)
        return product
