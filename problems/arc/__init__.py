"""ARC tasks: reading, graphs, symmetries, training examples, and votes over predictions."""

from .family import Arc

__all__ = ["Arc"]
