"""Latin squares and quasigroup completion: the family, and its training stream."""

from .family import LARGEST, Latin, render, template

__all__ = ["LARGEST", "Latin", "render", "template"]
