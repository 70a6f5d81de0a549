"""Constraint kinds. A kind is imported at its first use: importing all of them takes a tenth of a second."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .abs import Abs as Abs
    from .all_different import AllDifferent as AllDifferent
    from .all_different_lists import AllDifferentLists as AllDifferentLists
    from .all_equal import AllEqual as AllEqual
    from .among import Among as Among
    from .base import Constraint as Constraint
    from .base import LiteralGroup as LiteralGroup
    from .bin_packing import BinPacking as BinPacking
    from .circuit import Circuit as Circuit
    from .clause import Clause as Clause
    from .compare import Compare as Compare
    from .connected import Connected as Connected
    from .count import Count as Count
    from .cumulative import Cumulative as Cumulative
    from .division import Division as Division
    from .element import Element as Element
    from .global_cardinality import GlobalCardinality as GlobalCardinality
    from .increasing import Increasing as Increasing
    from .inverse import Inverse as Inverse
    from .knapsack import Knapsack as Knapsack
    from .lex_less import LexLess as LexLess
    from .lex_less_eq import LexLessEq as LexLessEq
    from .linear import Linear as Linear
    from .maximum import Maximum as Maximum
    from .mdd import MDD as MDD
    from .minimum import Minimum as Minimum
    from .modulo import Modulo as Modulo
    from .n_values import NValues as NValues
    from .no_overlap import NoOverlap as NoOverlap
    from .no_overlap_2d import NoOverlap2D as NoOverlap2D
    from .power import Power as Power
    from .precedence import Precedence as Precedence
    from .product import Product as Product
    from .registry import KINDS as KINDS
    from .registry import from_json as from_json
    from .registry import register as register
    from .regular import Regular as Regular
    from .reify import Reify as Reify
    from .subcircuit import SubCircuit as SubCircuit
    from .table import Table as Table
    from .xor import Xor as Xor

_MODULE = {
    "Abs": ".abs",
    "AllDifferent": ".all_different",
    "AllDifferentLists": ".all_different_lists",
    "AllEqual": ".all_equal",
    "Among": ".among",
    "BinPacking": ".bin_packing",
    "Circuit": ".circuit",
    "Clause": ".clause",
    "Compare": ".compare",
    "Connected": ".connected",
    "Constraint": ".base",
    "Count": ".count",
    "Cumulative": ".cumulative",
    "Division": ".division",
    "Element": ".element",
    "GlobalCardinality": ".global_cardinality",
    "Increasing": ".increasing",
    "Inverse": ".inverse",
    "KINDS": ".registry",
    "Knapsack": ".knapsack",
    "LexLess": ".lex_less",
    "LexLessEq": ".lex_less_eq",
    "Linear": ".linear",
    "LiteralGroup": ".base",
    "MDD": ".mdd",
    "Maximum": ".maximum",
    "Minimum": ".minimum",
    "Modulo": ".modulo",
    "NValues": ".n_values",
    "NoOverlap": ".no_overlap",
    "NoOverlap2D": ".no_overlap_2d",
    "Power": ".power",
    "Precedence": ".precedence",
    "Product": ".product",
    "Regular": ".regular",
    "Reify": ".reify",
    "SubCircuit": ".subcircuit",
    "Table": ".table",
    "Xor": ".xor",
    "from_json": ".registry",
    "register": ".registry",
}

__all__ = sorted(_MODULE)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_MODULE[name], __name__)
    if name == "KINDS":
        module.load_own()
    found = globals()[name] = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return list(__all__)
