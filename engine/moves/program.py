"""The constraints of a graph for kernels: addresses of compiled functions, and exact checks for kinds without a form."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..constraints.base import Constraint
from ..values import Value
from .form import MoveForm, MoveFunctions
from .graph import MoveGraph, pointers


@dataclass(frozen=True, eq=False)
class Program:
    """Constraints as kernels read them. C is the number of constraints, K of function sets.

    A constraint whose kind has no move form is evaluated by its ``check``: a call of Python at each evaluation.

    Args:
        functions: [K, 4] int64, addresses of ``start``, ``change``, ``apply`` and ``suggest``; the last is 0 where there is
            none.
        kind: [C] int32, the function set of each constraint.
        params_at, params: [C] and [N] int64: where its parameters begin. Constraints may share them.
        memory_ptr: [C + 1] int64, its part of a chain's memory.
        errors: exceptions that a ``check`` raised; ``raise_errors`` raises the first one.
        value: returns the value of a code.
        checks: the kinds without a move form.
        blame: [K] int64, addresses of ``blame``, 0 where there is none.

    Example:
        >>> from mull.engine import AllDifferent, ConstraintGraph
        >>> graph = MoveGraph.of(ConstraintGraph({"a": (0, 1), "b": (0, 1)}, [AllDifferent(("a", "b"))]))
        >>> program = compile_program(graph, graph.constraints, print)
        >>> program.kind.tolist(), program.checks
        ([0], ())
    """

    functions: np.ndarray
    kind: np.ndarray
    params_at: np.ndarray
    params: np.ndarray
    memory_ptr: np.ndarray
    value: Callable[[int], Value]
    errors: list[BaseException] = field(default_factory=list)
    checks: tuple[str, ...] = ()
    _kept: tuple[Any, ...] = ()
    blame: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def raise_errors(self) -> None:
        """Raise the first exception of a ``check`` since the last call. A kernel cannot stop at an exception."""
        if self.errors:
            error = self.errors[0]
            self.errors.clear()
            raise error


def compile_program(
    graph: MoveGraph, constraints: Sequence[Constraint], report: Callable[[str], None], hints: bool = False
) -> Program:
    """Compile the move forms of some constraints.

    Args:
        graph: has the domains and the codes.
        constraints: on its variables.
        report: receives notices: that code is compiled, and which kinds have no form.
        hints: whether the kinds' ``suggest`` and ``blame`` are compiled too.
    """
    from .compiled import addresses, compiling

    number: dict[MoveFunctions | None, int] = {}
    kind = np.zeros(len(constraints), dtype=np.int32)
    params_at = np.zeros(len(constraints), dtype=np.int64)
    params: dict[int, tuple[int, np.ndarray]] = {}  # by identity: large tables are shared
    length = 0
    memory: list[int] = []
    without: dict[str, None] = {}
    for c, constraint in enumerate(constraints):
        form: MoveForm | None = constraint.move_form(graph.domains, graph.code)
        if form is None:
            without[constraint.kind] = None
            form_params, size, functions = np.array([c], dtype=np.int64), 1, None
        else:
            form_params, size, functions = form.params, form.memory, form.functions
        kind[c] = number.setdefault(functions, len(number))
        if id(form_params) not in params:
            params[id(form_params)] = length, form_params
            length += len(form_params)
        params_at[c] = params[id(form_params)][0]
        memory.append(size)
    errors: list[BaseException] = []
    fallback = _Checks(graph, constraints, errors) if without else None
    with compiling(report):
        table = [fallback.addresses if each is None else addresses(each, hints) for each in number]  # type: ignore[union-attr]
    if without:
        listed = ", ".join(sorted(without))
        report(f"slow search: the kinds without a move form are checked in Python ({listed})")
    flat = np.concatenate([np.zeros(0, np.int64), *(array for _, array in params.values())]).astype(np.int64)
    compiled = np.array(table, dtype=np.int64).reshape(-1, 5)
    return Program(
        compiled[:, :4].copy(),
        kind,
        params_at,
        flat,
        pointers(memory),
        _decoder(graph),
        errors,
        tuple(sorted(without)),
        (fallback,),
        compiled[:, 4].copy(),
    )


class _Checks:
    """Functions of a move form that call ``Constraint.check``. The degree is 0 or 1; the memory keeps it."""

    def __init__(self, graph: MoveGraph, constraints: Sequence[Constraint], errors: list[BaseException]) -> None:
        self.value, self.constraints, self.errors = _decoder(graph), constraints, errors
        wide, narrow = ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_int32)
        number = ctypes.c_int64
        kind = ctypes.CFUNCTYPE(number, wide, narrow, number, wide, wide, number, number)
        self.callbacks = tuple(map(kind, (self._start, self._change, self._apply)))

    @property
    def addresses(self) -> tuple[int, ...]:
        """The addresses of start, change and apply, and two zeros."""
        return *(ctypes.cast(each, ctypes.c_void_p).value or 0 for each in self.callbacks), 0, 0

    def _degree(self, values: Any, scope: Any, size: int, params: Any, slot: int, new: int) -> int:
        codes = [values[scope[k]] for k in range(size)]
        if slot >= 0:
            codes[slot] = new
        try:
            return 0 if self.constraints[params[0]].check([self.value(code) for code in codes]) else 1
        except BaseException as error:  # an exception cannot pass through compiled code
            self.errors.append(error)
            return 1

    def _start(self, values: Any, scope: Any, size: int, params: Any, memory: Any, slot: int, new: int) -> int:
        memory[0] = self._degree(values, scope, size, params, -1, 0)
        return int(memory[0])

    def _change(self, values: Any, scope: Any, size: int, params: Any, memory: Any, slot: int, new: int) -> int:
        return self._degree(values, scope, size, params, slot, new) - int(memory[0])

    def _apply(self, values: Any, scope: Any, size: int, params: Any, memory: Any, slot: int, new: int) -> int:
        before = int(memory[0])
        memory[0] = self._degree(values, scope, size, params, slot, new)
        return int(memory[0]) - before


def _decoder(graph: MoveGraph) -> Callable[[int], Value]:
    """Returns the value of a code."""
    strings = {
        graph.code(value): value
        for domain in {id(domain): domain for domain in graph.domains.values()}.values()
        if not isinstance(domain, range)
        for value in domain
        if isinstance(value, str)
    }
    return (lambda code: strings.get(code, code)) if strings else (lambda code: code)
