"""Constraint kinds."""

from .abs import Abs
from .all_different import AllDifferent
from .all_different_lists import AllDifferentLists
from .all_equal import AllEqual
from .among import Among
from .base import Constraint, LiteralGroup
from .bin_packing import BinPacking
from .circuit import Circuit
from .clause import Clause
from .compare import Compare
from .connected import Connected
from .count import Count
from .cumulative import Cumulative
from .division import Division
from .element import Element
from .global_cardinality import GlobalCardinality
from .increasing import Increasing
from .inverse import Inverse
from .knapsack import Knapsack
from .lex_less import LexLess
from .lex_less_eq import LexLessEq
from .linear import Linear
from .maximum import Maximum
from .mdd import MDD
from .minimum import Minimum
from .modulo import Modulo
from .n_values import NValues
from .no_overlap import NoOverlap
from .no_overlap_2d import NoOverlap2D
from .power import Power
from .precedence import Precedence
from .product import Product
from .registry import KINDS, from_json, load_own, register
from .regular import Regular
from .reify import Reify
from .subcircuit import SubCircuit
from .table import Table
from .xor import Xor

__all__ = [
    "KINDS",
    "MDD",
    "Abs",
    "AllDifferent",
    "AllDifferentLists",
    "AllEqual",
    "Among",
    "BinPacking",
    "Circuit",
    "Clause",
    "Compare",
    "Connected",
    "Constraint",
    "Count",
    "Cumulative",
    "Division",
    "Element",
    "GlobalCardinality",
    "Increasing",
    "Inverse",
    "Knapsack",
    "LexLess",
    "LexLessEq",
    "Linear",
    "LiteralGroup",
    "Maximum",
    "Minimum",
    "Modulo",
    "NValues",
    "NoOverlap",
    "NoOverlap2D",
    "Power",
    "Precedence",
    "Product",
    "Regular",
    "Reify",
    "SubCircuit",
    "Table",
    "Xor",
    "from_json",
    "register",
]

load_own()
