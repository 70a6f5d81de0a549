"""Killer Sudoku: cages of cells with sums and without repeats."""

from .family import Killer

__all__ = ["Killer"]
