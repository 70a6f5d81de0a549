"""Constraint kinds."""

from .abs import Abs
from .all_different import AllDifferent
from .all_different_lists import AllDifferentLists
from .all_equal import AllEqual
from .among import Among
from .base import Constraint, LiteralGroup
from .bin_packing import BinPacking
from .clause import Clause
from .compare import Compare
from .count import Count
from .division import Division
from .element import Element
from .global_cardinality import GlobalCardinality
from .increasing import Increasing
from .knapsack import Knapsack
from .lex_less import LexLess
from .lex_less_eq import LexLessEq
from .linear import Linear
from .maximum import Maximum
from .minimum import Minimum
from .modulo import Modulo
from .n_values import NValues
from .power import Power
from .precedence import Precedence
from .product import Product
from .registry import KINDS, from_json, load_own, register
from .reify import Reify
from .table import Table
from .xor import Xor

__all__ = [
    "KINDS",
    "Abs",
    "AllDifferent",
    "AllDifferentLists",
    "AllEqual",
    "Among",
    "BinPacking",
    "Clause",
    "Compare",
    "Constraint",
    "Count",
    "Division",
    "Element",
    "GlobalCardinality",
    "Increasing",
    "Knapsack",
    "LexLess",
    "LexLessEq",
    "Linear",
    "LiteralGroup",
    "Maximum",
    "Minimum",
    "Modulo",
    "NValues",
    "Power",
    "Precedence",
    "Product",
    "Reify",
    "Table",
    "Xor",
    "from_json",
    "register",
]

load_own()
