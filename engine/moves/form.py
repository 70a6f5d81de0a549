"""The move form of a constraint kind: what compiled local search needs to evaluate a change of one variable.

Each kind's file gives its form (``Constraint.move_form``). The three functions are plain Python in the subset that
numba compiles. They have one signature::

    f(values, scope, size, params, memory, slot, new) -> int

Args of all three:
    values: int64, the codes of all variables of the graph: an integer is itself, a string has a code above 2^61.
    scope: int32, the variables of this constraint.
    size: the number of variables of the scope.
    params: int64, the constraint's parameters.
    memory: int64, numbers that a chain keeps for this constraint.
    slot: position in the scope of the variable that changes.
    new: its new code.

In compiled code the arrays are C pointers: a function takes no ``len``, slice or negative index, allocates nothing, and
uses integers only. ``//`` and ``%`` round down, as in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MoveFunction = Callable[[Any, Any, int, Any, Any, int, int], int]
"""A function of the signature above."""


@dataclass(frozen=True)
class MoveFunctions:
    """The functions of a kind's move form: a constant of the kind's module.

    Args:
        start: computes ``memory`` from ``values`` and returns the violation degree. ``slot`` and ``new`` are not used.
        change: the degree after ``values[scope[slot]] = new``, minus the degree now. It changes nothing.
        apply: the same number; it also updates ``memory``, and the caller writes the value afterwards. None where a
            constraint keeps no memory.
    """

    start: MoveFunction
    change: MoveFunction
    apply: MoveFunction | None = None


@dataclass(frozen=True, eq=False)
class MoveForm:
    """One constraint for compiled local search.

    Args:
        params: [N] int64, read by the functions.
        memory: number of int64 that a chain keeps for the constraint.
        functions: of the kind. Their degree equals ``Constraint.degree``.
    """

    params: np.ndarray
    memory: int
    functions: MoveFunctions
