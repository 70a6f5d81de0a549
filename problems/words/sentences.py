"""Random sentences for generated word puzzles."""

from __future__ import annotations

import random

from ...engine.lexicon import Lexicon

FREQUENT = 450
"""The largest cost of a word in a sentence."""


def sentence(lexicon: Lexicon, count: int, rng: random.Random) -> list[str]:
    """Frequent words, most of which often follow one another.

    Args:
        lexicon: of the words.
        count: of words.
        rng: the source of choices.
    """
    frequent = [word for word, cost in lexicon.costs.items() if cost < FREQUENT and "'" not in word]
    words = [rng.choice(frequent)]
    while len(words) < count:
        after = [
            word
            for word, cost in lexicon.followers.get(words[-1], {}).items()
            if lexicon.costs.get(word, FREQUENT) < FREQUENT and word not in words[-4:]
        ]
        words.append(rng.choice(after or frequent))
    return words
