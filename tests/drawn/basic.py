"""The core kinds, and the kinds that contain others."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mull.engine import AllDifferent, Clause, Compare, Count, Linear, Table, Xor
from mull.engine.constraints import Element, Reify

from .parts import SMALL, scopes, terms


def _all_different(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    pair = draw(st.permutations(names))
    scope = tuple(pair[: draw(st.integers(2, len(pair)))])
    if draw(st.booleans()):
        return AllDifferent(scope, (), tuple(draw(st.integers(-2, 2)) for _ in scope))
    return AllDifferent(scope, tuple(draw(st.lists(SMALL, max_size=1))))


def _clause(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return Clause(tuple((name, draw(st.sampled_from(domains[name]))) for name in draw(scopes(names))))


def _compare(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    left, right = draw(st.permutations(names))[:2]
    return Compare(left, draw(st.sampled_from(("!=", "=", "<", "<="))), right, draw(SMALL))


def _count(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    scope = draw(scopes(names))
    least = draw(st.integers(0, len(scope)))
    return Count(scope, tuple(draw(st.lists(SMALL, min_size=1, max_size=2, unique=True))), least, least + 1)


def _linear(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    scope = draw(scopes(names))
    weights = tuple(draw(st.integers(-3, 3).filter(bool)) for _ in scope)
    return Linear(scope, weights, draw(st.sampled_from(("<=", ">=", "=", "!="))), draw(SMALL))


def _table(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    scope = draw(scopes(names))
    rows = draw(st.lists(st.tuples(*(st.sampled_from(domains[name]) for name in scope)), max_size=4, unique=True))
    return Table(scope, tuple(rows), draw(st.booleans()))


def _xor(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    return Xor(tuple((name, draw(st.integers(0, 1))) for name in draw(scopes(names))), draw(st.booleans()))


def _element(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    array = draw(terms(names, 1, 3))
    return Element(array, draw(st.sampled_from(names)), draw(terms(names, 1, 1))[0])


def _reify(draw: Any, names: list[str], domains: dict[str, Any]) -> Any:
    flag = draw(st.sampled_from(names))
    inner = draw(st.sampled_from((_all_different, _clause, _compare, _count, _linear, _table, _element)))
    return Reify((flag, draw(st.sampled_from(domains[flag]))), inner(draw, names, domains), draw(st.booleans()))


DRAWN = {
    "AllDifferent": _all_different,
    "Clause": _clause,
    "Compare": _compare,
    "Count": _count,
    "Element": _element,
    "Linear": _linear,
    "Reify": _reify,
    "Table": _table,
    "Xor": _xor,
}

DOMAINS = {"Xor": lambda draw, size: {f"v{i}": (0, 1) for i in range(size)}}
