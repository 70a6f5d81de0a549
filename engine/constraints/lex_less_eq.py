"""LexLessEq: one list of terms before another in lexicographic order, or equal to it."""

from __future__ import annotations

from dataclasses import dataclass

from .lex_less import LexLess


@dataclass(frozen=True)
class LexLessEq(LexLess):
    """``left`` comes before ``right`` in lexicographic order, or equals it.

    The violation degree is the amount by which ``left`` exceeds ``right`` where they differ first.

    Args:
        left, right: equally long lists of terms.
    """

    strict = False
