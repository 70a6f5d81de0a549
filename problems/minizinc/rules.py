"""What the rules of FlatZinc constraints share: their type, and the constraints that several rules state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...engine import constraints as kinds
from ...engine.values import Term
from .build import Builder
from .draft import Stated
from .syntax import Value

LARGEST_SET = 10_000
"""Most values of a set that is stated value by value."""

Rule = Callable[[Builder, list[Value]], Stated | Sequence[Stated]]
"""Returns what the arguments of a constraint state; several constraints hold together."""


def plain(constraint: kinds.Constraint) -> Stated:
    """A constraint, or its truth where all its terms are integers."""
    return constraint if constraint.scope else constraint.check(())


def at_least(to: Builder, term: Term, least: int) -> Stated:
    """A term is at least an integer.

    Args:
        to: the graph under construction.
        term: a variable or an integer.
        least: the smallest value.
    """
    if to.bounds(term)[0] >= least:
        return True
    return to.linear({term: 1}, ">=", least) if isinstance(term, str) else False


def extreme(kind: Any) -> Rule:
    """The rule of a kind whose value is the first argument, and whose items are the second."""
    return lambda to, arguments: plain(kind(to.terms(arguments[1]), to.term(arguments[0])))


def all_true(to: Builder, terms: Iterable[Term]) -> Stated:
    """All Booleans are true: one constraint, so that it can be reified.

    Args:
        to: the graph under construction.
        terms: the Booleans, variables or 0 and 1.
    """
    names: dict[str, int] = {}
    for term in terms:
        if isinstance(term, int):
            if not term:
                return False
        else:
            names[term] = 1
    return to.linear(names, "==", len(names))
