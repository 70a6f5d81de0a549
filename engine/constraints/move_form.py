"""The move form of a constraint kind: what compiled local search needs to evaluate a change of one variable.

Each kind's file gives its form (``Constraint.move_form``). The functions are plain Python in the subset that numba
compiles. They have one signature::

    f(values, scope, size, params, memory, slot, new) -> int

Args of all of them:
    values: int64, the codes of all variables of the graph: an integer is itself, a string has a code above 2^61.
    scope: int32, the variables of this constraint.
    size: the number of variables of the scope.
    params: int64, the constraint's parameters.
    memory: int64, numbers that a chain keeps for this constraint.
    slot: position in the scope of the variable that changes.
    new: its new code.

In compiled code the arrays are C pointers: a function takes no ``len``, slice or negative index, allocates nothing, and
uses integers only. ``//`` and ``%`` round down, as in Python. No intermediate number exceeds 64 bits.

A function calls other functions through its globals: those of its own module and of ``move_arithmetic.py``. They are compiled
with it. ``move_arithmetic.shifted`` is the pointer to a later entry. A value may be changed for the length of a call, if it
is restored before the end: each chain has its own values and runs in one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..values import Domain, Value


class Ints(Protocol):
    """A one-dimensional array of integers: numpy's, or in compiled code a C pointer."""

    def __getitem__(self, place: int, /) -> int:
        """The entry at a position."""

    def __setitem__(self, place: int, value: int, /) -> None:
        """Replace the entry at a position."""


MoveFunction = Callable[[Ints, Ints, int, Ints, Ints, int, int], int]
"""A function of the signature above."""

Code: TypeAlias = Callable[[Value], int]
"""Returns the int64 code of a value: an integer is itself, a string has a code above 2^61."""


@dataclass(frozen=True)
class MoveFunctions:
    """The functions of a kind's move form: a constant of the kind's module.

    Args:
        start: computes ``memory`` from ``values`` and returns the violation degree. ``slot`` and ``new`` are not used.
        change: the degree after ``values[scope[slot]] = new``, minus the degree now. It changes nothing.
        apply: the same number; it also updates ``memory``, and the caller writes the value afterwards. None where a
            constraint keeps no memory.
        suggest: a code for ``values[scope[slot]]`` that may lessen the degree, for variables with too many values to try
            them all. ``new`` is a random number from 0 to 2^31 - 1, which chooses among several. The code need not be
            in the domain; the present value means that there is no suggestion. None for a kind without suggestions.
        blame: 0 if no value of this variable lessens the degree while the others stay, else positive. It tells apart the
            few variables in conflict of a large scope. None for a kind that blames all variables of a violated constraint.

    Example:
        >>> import numpy as np
        >>> from mull.engine import Clause
        >>> form = Clause((("a", 1), ("b", 1))).move_form({"a": (0, 1), "b": (0, 1)}, int)
        >>> values, scope = np.array([0, 0]), np.array([0, 1], dtype=np.int32)
        >>> memory = np.zeros(form.memory, dtype=np.int64)
        >>> int(form.functions.start(values, scope, 2, form.params, memory, 0, 0))  # no literal is true
        1
        >>> int(form.functions.change(values, scope, 2, form.params, memory, 1, 1))
        -1
    """

    start: MoveFunction
    change: MoveFunction
    apply: MoveFunction | None = None
    suggest: MoveFunction | None = None
    blame: MoveFunction | None = None


@dataclass(frozen=True, eq=False)
class MoveForm:
    """One constraint for compiled local search.

    Args:
        params: [N] int64, read by the functions. Constraints may share one array.
        memory: number of int64 that a chain keeps for the constraint.
        functions: of the kind. Their degree equals ``Constraint.degree``.
    """

    params: np.ndarray
    memory: int
    functions: MoveFunctions


def packed(*parts: int | np.integer | Iterable[int]) -> np.ndarray:
    """Parameters as one array.

    Args:
        parts: integers, and sequences or arrays of them, in order.

    Returns:
        [N] int64.
    """
    numbers: list[int] = []
    arrays: list[np.ndarray] = []  # of long parts; most constraints have none, and one list is converted faster
    for part in parts:
        if isinstance(part, int | np.integer):
            numbers.append(int(part))
        elif isinstance(part, np.ndarray):
            arrays += [np.array(numbers, dtype=np.int64), part.reshape(-1)]
            numbers = []
        else:
            numbers += part
    last = np.array(numbers, dtype=np.int64)
    return np.concatenate([*arrays, last], dtype=np.int64) if arrays else last


def specialised(template: MoveFunction, name: str, **functions: Callable[..., Any] | None) -> MoveFunction:
    """A function whose globals name other functions: the same code for another inner function.

    Args:
        template: a function that calls some of its globals.
        name: of the new function, for messages.
        functions: name of a global -> the function that replaces it.

    Returns:
        The function.
    """
    assert isinstance(template, FunctionType)
    found = FunctionType(template.__code__, {**template.__globals__, **functions}, name)
    found.__qualname__ = name
    return found


def known_codes(values: Iterable[Value], domains: Mapping[str, Domain], names: Sequence[str], code: Code) -> list[int]:
    """The codes of some values, in increasing order, each once. Strings that occur in no domain have none.

    Args:
        values: the values.
        domains: variable name -> domain.
        names: the variables whose domains count.
        code: see ``Constraint.move_form``.
    """
    found = set()
    strings = {value for value in values if isinstance(value, str)}
    if strings:
        for domain in distinct_domains(domains, names):
            found |= {code(value) for value in strings.intersection(domain)}
    return sorted(found | {code(value) for value in values if not isinstance(value, str)})


def distinct_domains(domains: Mapping[str, Domain], names: Iterable[str]) -> list[Domain]:
    """The domains of some variables, each object once: most graphs share one domain among all variables.

    Args:
        domains: variable name -> domain.
        names: the variables.
    """
    return list({id(domains[name]): domains[name] for name in names}.values())


def code_bounds(domains: Mapping[str, Domain], names: Iterable[str], code: Code) -> tuple[int, int]:
    """The least and the largest code of some variables' values; (0, 0) without variables.

    Args:
        domains: variable name -> domain.
        names: the variables.
        code: see ``Constraint.move_form``.
    """
    ends: list[int] = []
    for domain in distinct_domains(domains, names):
        codes = (domain[0], domain[-1]) if isinstance(domain, range) else [code(value) for value in domain]
        ends += [min(codes), max(codes)]
    return (min(ends), max(ends)) if ends else (0, 0)


DENSE = 8
"""A table of counts has a cell for each value of a range of up to this many values an item; else it is hashed."""


def counter(low: int, high: int, items: int) -> tuple[list[int], int]:
    """The layout of counts by value, for ``move_arithmetic.count`` and the functions beside it.

    Args:
        low, high: the least and the largest value.
        items: the most values that are counted at a time.

    Returns:
        Two parameters, and the number of int64 of memory.
    """
    span = high - low + 1
    if span <= 64 + DENSE * items:
        return [low, span], span
    cells = 1 << (2 * items).bit_length()
    return [low, -cells], 2 * cells
