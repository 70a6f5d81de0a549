"""Kakuro: runs of white cells with sums and without repeated digits."""

from .family import Kakuro

__all__ = ["Kakuro"]
