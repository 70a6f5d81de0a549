"""Clues with a blank: the words that often stand beside the words around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from ...engine.lexicon import english
from .clues import ClueScorer


class Blanks(ClueScorer):
    """Proposes for ``"What's ____?"`` the words that follow *what's*, and those before the word after the blank."""

    name: ClassVar[str] = "blanks"

    def propose(self, clue: str, pattern: str) -> Iterator[tuple[str, int]]:
        """Answers with the cost of the pair of words.

        Args:
            clue: in English.
            pattern: of the answer; its length counts.
        """
        match = re.search(r"([a-z']*)\W{0,3}_{2,}\W{0,3}([a-z']*)", clue.lower())
        if match is None:
            return
        lexicon = english()
        before, after = (word.replace("'", "") for word in match.groups())
        found = [*lexicon.followers.get(before, {}).items(), *lexicon.leaders.get(after, {}).items()]
        for word, cost in found:
            if len(word) == len(pattern) and word in lexicon.costs:
                yield word.upper(), cost
