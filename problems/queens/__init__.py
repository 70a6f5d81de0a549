"""N-Queens and N-Queens completion: the family, and its training stream."""

from .family import LARGEST, PAIRWISE, Queens, solution, template

__all__ = ["LARGEST", "PAIRWISE", "Queens", "solution", "template"]
