"""Maximum cut: two sides of a graph's vertices with the heaviest edges between them."""

from .family import MaxCut, maxcut_problem

__all__ = ["MaxCut", "maxcut_problem"]
