"""CPMpy's variables, numbers and linear sums as those of a constraint graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from cpmpy.expressions.core import BoolVal, Operator
from cpmpy.expressions.globalfunctions import GlobalFunction
from cpmpy.expressions.utils import is_num
from cpmpy.expressions.variables import NegBoolView, _BoolVarImpl, _IntVarImpl, _NumVarImpl

from ...engine.constraints import Compare, Constraint, Linear, Xor
from ...engine.errors import GraphError
from ...engine.values import LARGEST, Domain, Term, brief

Literal = tuple[str, int]
"""A Boolean variable and the value that makes the literal true."""


class ModelError(GraphError):
    """A model that mull cannot state."""


class TooLarge(GraphError):
    """A number of a model that exceeds 2^60."""


class Variables:
    """The variables of a graph under construction.

    Attributes:
        domains: variable -> domain.
        definitions: constraints that tie a negated or repeated variable to its original.
    """

    def __init__(self) -> None:
        self.domains: dict[str, Domain] = {}
        self.definitions: list[Constraint] = []
        self._range = cache(lambda least, most: range(least, most + 1))  # one object, so that it is checked once

    def name(self, variable: Any) -> str:
        """The name of a variable's graph variable, which is made where it is new.

        A negated Boolean gets a variable of its own, for kinds that read numbers.

        Raises:
            ModelError: it is not a CPMpy variable.
            TooLarge: its values exceed 2^60.
        """
        name = str(variable.name)
        if name in self.domains:
            return name
        if isinstance(variable, NegBoolView):
            positive = self.name(variable._bv)
            self.domains[name] = (0, 1)
            self.definitions.append(Linear((positive, name), (1, 1), "=", 1))
        elif isinstance(variable, _BoolVarImpl):
            self.domains[name] = (0, 1)
        elif isinstance(variable, _IntVarImpl):
            least, most = int(variable.lb), int(variable.ub)
            if max(-least, most) > LARGEST:
                reached = max(-least, most)
                raise TooLarge(f"its values reach {brief(reached)}, more than 2^60", "use smaller domains or factors")
            self.domains[name] = self._range(least, most)
        else:
            raise ModelError(f"{variable} is not a variable", "use cpmpy.intvar or cpmpy.boolvar")
        return name

    def literal(self, variable: Any) -> Literal:
        """A Boolean variable or its negation as a literal (variable, value)."""
        if isinstance(variable, NegBoolView):
            return self.name(variable._bv), 0
        return self.name(variable), 1

    def term(self, value: Any) -> Term:
        """A variable's name, or a number."""
        if isinstance(value, _NumVarImpl):
            return self.name(value)
        return _integer(value)

    def terms(self, values: Iterable[Any]) -> tuple[Term, ...]:
        """``term`` of each."""
        return tuple(self.term(value) for value in values)

    def constant(self, value: int) -> str:
        """The name of a variable that has one value, for kinds that read variables alone."""
        name = f"={value}"
        self.domains.setdefault(name, (value,))
        return name

    def distinct(self, values: Iterable[Any]) -> tuple[str, ...]:
        """Names of distinct variables, for kinds that read those alone.

        A number becomes a variable of one value; a repeated variable is represented by a copy that equals it.
        """
        names: dict[str, None] = {}
        for term in self.terms(values):
            name = term if isinstance(term, str) else self.constant(term)
            copy, count = name, 1
            while copy in names:
                count += 1
                copy = f"{name} copy {count}"
            if copy not in self.domains:
                self.domains[copy] = self.domains[name]
                self.definitions.append(Compare(copy, "=", name))
            names[copy] = None
        return tuple(names)

    def auxiliary(self) -> str:
        """The name of a new variable with the values 0 and 1."""
        number = len(self.domains)
        while (name := f"truth {number}") in self.domains:
            number += 1
        self.domains[name] = (0, 1)
        return name

    def is_constant(self, value: Any) -> bool:
        """Whether a Boolean expression is a plain truth."""
        return isinstance(value, BoolVal | bool)

    def sum_of(self, expression: Any) -> tuple[dict[str, int], int]:
        """A linear expression as coefficients by variable, without zeros, and a constant.

        Raises:
            ModelError: it is not linear.
        """
        total: dict[str, int] = {}
        constant = 0
        for weight, value in _weighed(expression):
            if not isinstance(value, _NumVarImpl):
                constant += weight * _integer(value)
                continue
            if isinstance(value, NegBoolView):  # 1 - b
                constant += weight
                weight, value = -weight, value._bv
            name = self.name(value)
            total[name] = total.get(name, 0) + weight
        return {name: weight for name, weight in total.items() if weight}, constant

    def parity(self, literals: Sequence[Literal], constant: bool) -> Constraint | bool:
        """The statement that an odd number of truths are true; literals that occur twice cancel out.

        Args:
            literals: pairs (variable, value).
            constant: one more truth.
        """
        odd = not constant
        left: dict[str, int] = {}
        for name, value in literals:
            if name in left:
                odd ^= left.pop(name) != value  # x xor x is false, x xor not x is true
            else:
                left[name] = value
        return Xor(tuple(left.items()), odd) if left else not odd


def _integer(value: Any) -> int:
    if isinstance(value, BoolVal):
        return int(bool(value))
    if is_num(value) and int(value) == value:
        return int(value)
    raise ModelError(f"{value} is not an integer", "numbers are integers: scale by a power of ten")


def _weighed(expression: Any) -> list[tuple[int, Any]]:
    """A flat linear expression as pairs of weight and variable or number."""
    if isinstance(expression, Operator):
        if expression.name == "wsum":
            weights, values = expression.args
            return [(_integer(weight), value) for weight, value in zip(weights, values, strict=True)]
        if expression.name == "sum":
            return [(1, value) for value in expression.args]
        if expression.name == "sub":
            return [(1, expression.args[0]), (-1, expression.args[1])]
        if expression.name == "-":
            return [(-1, expression.args[0])]
        if expression.name == "mul":
            first, second = expression.args
            return [(_integer(first), second)] if is_num(first) else [(_integer(second), first)]
    if isinstance(expression, GlobalFunction) and expression.name == "mul" and is_num(expression.args[0]):
        return [(_integer(expression.args[0]), expression.args[1])]
    if is_num(expression) or isinstance(expression, _NumVarImpl | BoolVal):
        return [(1, expression)]
    raise ModelError(f"{str(expression)[:200]} is not linear", "name it by a variable of its own")
