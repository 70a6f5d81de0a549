"""The engine: graphs, constraints, the solver contract, the loop and the store.

Names are loaded at first use: importing torch takes a second, and ``solve history`` does not need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compile import Instance as Instance
    from .compile import compile_problems as compile_problems
    from .constraints import MDD as MDD
    from .constraints import Abs as Abs
    from .constraints import AllDifferent as AllDifferent
    from .constraints import AllDifferentLists as AllDifferentLists
    from .constraints import AllEqual as AllEqual
    from .constraints import Among as Among
    from .constraints import BinPacking as BinPacking
    from .constraints import Circuit as Circuit
    from .constraints import Clause as Clause
    from .constraints import Compare as Compare
    from .constraints import Connected as Connected
    from .constraints import Constraint as Constraint
    from .constraints import Count as Count
    from .constraints import Cumulative as Cumulative
    from .constraints import Division as Division
    from .constraints import Element as Element
    from .constraints import GlobalCardinality as GlobalCardinality
    from .constraints import Increasing as Increasing
    from .constraints import Inverse as Inverse
    from .constraints import Knapsack as Knapsack
    from .constraints import LexLess as LexLess
    from .constraints import LexLessEq as LexLessEq
    from .constraints import Linear as Linear
    from .constraints import Maximum as Maximum
    from .constraints import Minimum as Minimum
    from .constraints import Modulo as Modulo
    from .constraints import NoOverlap as NoOverlap
    from .constraints import NoOverlap2D as NoOverlap2D
    from .constraints import NValues as NValues
    from .constraints import Power as Power
    from .constraints import Precedence as Precedence
    from .constraints import Product as Product
    from .constraints import Regular as Regular
    from .constraints import Reify as Reify
    from .constraints import SubCircuit as SubCircuit
    from .constraints import Table as Table
    from .constraints import Xor as Xor
    from .errors import GraphError as GraphError
    from .errors import MullError as MullError
    from .graph import ConstraintGraph as ConstraintGraph
    from .objective import Objective as Objective
    from .preferences import Soft as Soft
    from .preferences import lexicographic as lexicographic
    from .preferences import soft as soft
    from .preferences import with_soft as with_soft
    from .problem import Problem as Problem
    from .problem import Source as Source
    from .random import Random as Random
    from .solution import Solution as Solution
    from .solution import Unrecorded as Unrecorded
    from .solution import Unsolved as Unsolved
    from .solver import AbstractSolver as AbstractSolver
    from .solver import Info as Info
    from .solver import OptionError as OptionError
    from .solver import Solver as Solver
    from .solver import WholeSolver as WholeSolver
    from .solving import solve as solve
    from .status import Status as Status
    from .task import Budget as Budget
    from .task import Progress as Progress
    from .task import Task as Task
    from .trace import Trace as Trace
    from .values import Assignment as Assignment
    from .values import Value as Value

_HOME = {
    ".compile": ("Instance", "compile_problems"),
    ".constraints": (
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
        "MDD",
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
    ),
    ".errors": ("GraphError", "MullError"),
    ".graph": ("ConstraintGraph",),
    ".objective": ("Objective",),
    ".preferences": ("Soft", "lexicographic", "soft", "with_soft"),
    ".problem": ("Problem", "Source"),
    ".random": ("Random",),
    ".solution": ("Solution", "Unrecorded", "Unsolved"),
    ".solving": ("solve",),
    ".solver": ("AbstractSolver", "Info", "OptionError", "Solver", "WholeSolver"),
    ".status": ("Status",),
    ".task": ("Budget", "Progress", "Task"),
    ".trace": ("Trace",),
    ".values": ("Assignment", "Value"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE[name], __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
