"""Nonograms: pictures from the lengths of the blocks in each row and column."""

from .family import Nonogram

__all__ = ["Nonogram"]
