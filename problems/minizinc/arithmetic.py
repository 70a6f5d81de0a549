"""The builtin constraints of FlatZinc: arithmetic, logic, elements of arrays, membership in a set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...engine import constraints as kinds
from ...engine.values import Term
from .build import Builder
from .draft import Stated
from .rules import LARGEST_SET, Rule, all_true, at_least, extreme, plain
from .syntax import Value

COMPARISONS = {"eq": "==", "ne": "!=", "le": "<=", "lt": "<", "ge": ">=", "gt": ">"}
"""The ends of the names of comparisons -> the operator."""


def _compare(op: str, *weights: int) -> Rule:
    """The weighted sum of the arguments compares to 0."""
    return lambda to, arguments: to.compare(weights, [to.term(each) for each in arguments], op)


def _linear(op: str) -> Rule:
    return lambda to, arguments: to.compare(
        to.integers(arguments[0]), to.terms(arguments[1]), op, to.term(arguments[2])
    )


def _terms(kind: Any, *order: int) -> Rule:
    """A kind whose fields are single terms, in the order of the arguments at these positions."""
    return lambda to, arguments: plain(kind(*(to.term(arguments[i]) for i in order)))


def _function(kind: Any) -> Rule:
    """A kind of two items in one list, and a value."""
    return lambda to, arguments: plain(kind((to.term(arguments[0]), to.term(arguments[1])), to.term(arguments[2])))


def _element(to: Builder, arguments: list[Value]) -> list[Stated]:
    index, array, value = to.term(arguments[0]), to.terms(arguments[1]), to.term(arguments[2])
    padded = (0, *array)  # FlatZinc counts from 1
    return [at_least(to, index, 1), plain(kinds.Element(padded, index, value))]


def _not(to: Builder, arguments: list[Value]) -> Stated:
    return _parity(to, [to.term(each) for each in arguments], odd=True)


def _parity(to: Builder, terms: Iterable[Term], odd: bool) -> Stated:
    left: dict[str, None] = {}
    for term in terms:
        if isinstance(term, int):
            odd ^= bool(term)
        elif term in left:
            del left[term]
        else:
            left[term] = None
    return kinds.Xor(tuple((name, 1) for name in left), odd) if left else not odd


def _xor(to: Builder, arguments: list[Value]) -> Stated:
    terms = [to.term(each) for each in arguments]
    return _parity(to, terms, odd=len(terms) == 2)  # with three, the last one is the result


def _odd(to: Builder, arguments: list[Value]) -> Stated:
    return _parity(to, to.terms(arguments[0]), odd=True)


def _clause(to: Builder, arguments: list[Value]) -> Stated:
    return to.clause(to.terms(arguments[0]), to.terms(arguments[1]))


def _member(to: Builder, arguments: list[Value]) -> Stated | list[Stated]:
    term, values = to.term(arguments[0]), to.values(arguments[1])
    if isinstance(term, int):
        return term in values
    domain = to.domains[term]
    low, high = to.bounds(term)
    if isinstance(values, range):
        if not values or values[-1] < low or values[0] > high:
            return False
        return [at_least(to, term, values[0]), True if high <= values[-1] else to.linear({term: 1}, "<=", values[-1])]
    if len(values) > LARGEST_SET:
        raise to.error(f"a set of {len(values)} values is too large", f"use an interval, or up to {LARGEST_SET} values")
    rows = tuple((value,) for value in sorted(values) if value in domain)
    return kinds.Table((term,), rows) if rows else False


FUNCTIONS: dict[str, tuple[Rule, int]] = {
    "array_bool_and": (lambda to, arguments: all_true(to, to.terms(arguments[0])), 1),
    "array_bool_or": (lambda to, arguments: to.clause(to.terms(arguments[0])), 1),
    "bool_and": (lambda to, arguments: all_true(to, map(to.term, arguments)), 2),
    "bool_or": (lambda to, arguments: to.clause(map(to.term, arguments)), 2),
}
"""Constraints whose last argument is the truth of the others, with the number of the others."""

ARITHMETIC: dict[str, tuple[Rule, tuple[int, ...]]] = {
    **{f"int_{name}": (_compare(op, 1, -1), (2,)) for name, op in COMPARISONS.items()},
    **{f"int_lin_{name}": (_linear(op), (3,)) for name, op in COMPARISONS.items()},
    "int_plus": (_compare("==", 1, 1, -1), (3,)),
    "int_minus": (_compare("==", 1, -1, -1), (3,)),
    "int_negate": (_compare("==", 1, 1), (2,)),
    "int_times": (_function(kinds.Product), (3,)),
    "int_min": (_function(kinds.Minimum), (3,)),
    "int_max": (_function(kinds.Maximum), (3,)),
    "int_div": (_terms(kinds.Division, 0, 1, 2), (3,)),
    "int_mod": (_terms(kinds.Modulo, 0, 1, 2), (3,)),
    "int_pow": (_terms(kinds.Power, 0, 1, 2), (3,)),
    "int_pow_fixed": (_terms(kinds.Power, 0, 1, 2), (3,)),
    "int_abs": (_terms(kinds.Abs, 0, 1), (2,)),
    **{f"bool_{name}": (_compare(op, 1, -1), (2,)) for name, op in COMPARISONS.items()},
    **{f"bool_lin_{name}": (_linear(COMPARISONS[name]), (3,)) for name in ("eq", "ne", "le")},
    "bool_not": (_not, (2,)),
    "bool_xor": (_xor, (2, 3)),
    "bool_clause": (_clause, (2,)),
    "bool2int": (_compare("==", 1, -1), (2,)),
    "array_bool_xor": (_odd, (1,)),
    "set_in": (_member, (2,)),
    **{f"array_{kind}_element": (_element, (3,)) for kind in ("int", "bool", "var_int", "var_bool")},
    "array_int_minimum": (extreme(kinds.Minimum), (2,)),
    "array_int_maximum": (extreme(kinds.Maximum), (2,)),
}
"""How each constraint is stated, and how many arguments it has without the Boolean of ``_reif`` and ``_imp``."""
