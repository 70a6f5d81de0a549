"""States a FlatZinc constraint in mull's kinds, by the rule of its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...engine import constraints as kinds
from ..errors import excerpt
from .arithmetic import ARITHMETIC, FUNCTIONS
from .build import Builder
from .counting import COUNTING
from .draft import Stated
from .global_constraints import GLOBALS
from .rules import all_true
from .syntax import Value

RULES = {**ARITHMETIC, **GLOBALS, **COUNTING}
"""How each constraint is stated, and how many arguments it has without the Boolean of ``_reif`` and ``_imp``."""


def state(to: Builder, name: str, arguments: list[Value]) -> None:
    """Add a FlatZinc constraint to a graph.

    Args:
        to: the graph under construction.
        name: of the constraint, with ``_reif`` or ``_imp`` where the last argument is its Boolean.
        arguments: as they are written.

    Raises:
        InputError: mull has no kind for it, or the arguments do not fit.
    """
    base, half = name, False
    for suffix in ("_reif", "_imp"):
        if name.endswith(suffix) and name not in FUNCTIONS:
            base, half = name.removesuffix(suffix), suffix == "_imp"
    if name in FUNCTIONS or (base in FUNCTIONS and half):
        rule, count = FUNCTIONS[base]
        _check_count(to, name, arguments, (count + 1,))
        to.reify(to.term(arguments[-1]), _one(to, _listed(rule(to, arguments[:-1]))), half)
        return
    if base not in RULES:
        if base.startswith(("set_", "array_set")):
            raise to.error(
                f"{name}: constraints on set variables are not supported", "model sets by arrays of Booleans"
            )
        if base.startswith("float_") or base == "int2float":
            raise to.error(f"{name}: constraints on floats are not supported", "scale to integers")
        hint = "see docs/models.md for the constraints there are; compile with -G std to decompose globals"
        raise to.error(f"unknown constraint {excerpt(name)}", hint)
    rule, counts = RULES[base]
    reified = base != name
    _check_count(to, name, arguments, [count + reified for count in counts])
    stated = _listed(rule(to, arguments[: len(arguments) - reified]))
    if not reified:
        for each in stated:
            to.require(each)
        return
    literal = to.term(arguments[-1])
    if half:
        for each in stated:
            to.reify(literal, each, half)
    else:
        to.reify(literal, _one(to, stated), half)


def _listed(stated: Stated | Sequence[Stated]) -> Sequence[Stated]:
    return [stated] if isinstance(stated, bool | kinds.Constraint) else stated


def _one(to: Builder, stated: Sequence[Stated]) -> Stated:
    """One constraint that holds exactly where all do."""
    return stated[0] if len(stated) == 1 else all_true(to, [to.truth(each) for each in stated])


def _check_count(to: Builder, name: str, arguments: list[Value], counts: Iterable[int]) -> None:
    counts = list(counts)
    if len(arguments) not in counts:
        raise to.error(f"{name} has {' or '.join(map(str, counts))} arguments, not {len(arguments)}")
