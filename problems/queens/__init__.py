"""N-Queens and N-Queens completion: the family, and its training stream."""

from .family import LARGEST, Queens, solution, template

__all__ = ["LARGEST", "Queens", "solution", "template"]
