"""Crosswords: words across and down, each with a clue."""

from .family import Crossword

__all__ = ["Crossword"]
