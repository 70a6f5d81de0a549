"""SAT: the family, its text format DIMACS CNF, and its training stream."""

from .family import Sat, formula, render

__all__ = ["Sat", "formula", "render"]
