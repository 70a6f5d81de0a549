"""Futoshiki: Latin squares with less-than signs between neighbouring cells."""

from .family import Futoshiki

__all__ = ["Futoshiki"]
