"""Logic grids: clues in English about items of several categories."""

from .family import Logic

__all__ = ["Logic"]
