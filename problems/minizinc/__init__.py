"""MiniZinc: FlatZinc is read natively; models are compiled by an installed ``minizinc``."""

from .family import MiniZinc

__all__ = ["MiniZinc"]
