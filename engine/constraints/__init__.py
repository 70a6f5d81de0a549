"""Constraint kinds."""

from .all_different import AllDifferent
from .base import Constraint, LiteralGroup
from .clause import Clause
from .compare import Compare
from .count import Count
from .element import Element
from .linear import Linear
from .registry import KINDS, from_json, load_own, register
from .reify import Reify
from .table import Table
from .xor import Xor

__all__ = [
    "KINDS",
    "AllDifferent",
    "Clause",
    "Compare",
    "Constraint",
    "Count",
    "Element",
    "Linear",
    "LiteralGroup",
    "Reify",
    "Table",
    "Xor",
    "from_json",
    "register",
]

load_own()
