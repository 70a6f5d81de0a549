"""Graph colouring: the family, its text format DIMACS .col, and its training stream."""

from .family import Coloring, coloring_problem, template, used

__all__ = ["Coloring", "coloring_problem", "template", "used"]
