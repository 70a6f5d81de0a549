"""A CP-SAT model under construction: constraint kinds add themselves to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count

import numpy as np
from ortools.sat.python import cp_model

from .values import Domain, Term, Value, bounds


class Posting:
    """CP-SAT variables for graph variables.

    Integers stand for themselves; strings get codes shared by all variables, so equal strings are equal codes.

    Args:
        domains: variable name -> domain.
        givens: variable name -> the one value it may take.
    """

    def __init__(self, domains: Mapping[str, Domain], givens: Mapping[str, Value]) -> None:
        self.model = cp_model.CpModel()
        self.domains = {name: (givens[name],) if name in givens else domain for name, domain in domains.items()}
        distinct = set(self.domains.values())
        texts = [domain for domain in distinct if isinstance(domain, tuple) and any(type(v) is str for v in domain)]
        # Small codes: CP-SAT adds up the domains of all variables.
        self._unused = (
            (code for code in count(1) if not any(code in domain for domain in distinct)) if texts else count(1)
        )
        self._codes: dict[str, int] = {}
        self._values: dict[int, str] = {}
        self._variables: dict[str, cp_model.IntVar] = {}
        self._literals: dict[tuple[str, Value], cp_model.LiteralT] = {}
        self._definitions: set[int] = set()
        for name in self.domains:
            self._variables[name] = self._variable(name)

    def code(self, value: Value) -> int:
        """The integer that stands for a value."""
        if isinstance(value, int):
            return value
        if value not in self._codes:
            self._codes[value] = code = next(self._unused)
            self._values[code] = value
        return self._codes[value]

    def value(self, name: str, code: int) -> Value:
        """The value of a variable that a code stands for."""
        return self._values.get(code, code) if isinstance(self.domains[name], tuple) else code

    def variable(self, name: str) -> cp_model.IntVar:
        """The integer variable of a graph variable; its values are codes."""
        return self._variables[name]

    def term(self, term: Term) -> cp_model.IntVar | int:
        """The integer variable of a name; an integer as it is."""
        return term if isinstance(term, int) else self._variables[term]

    def terms(self, terms: Iterable[Term]) -> list[cp_model.IntVar | int]:
        """``term`` of each."""
        return [self.term(each) for each in terms]

    def bounds(self, term: Term) -> tuple[int, int]:
        """The least and the largest value of a term."""
        return (term, term) if isinstance(term, int) else bounds(self.domains[term])

    def integer(self, least: int, most: int) -> cp_model.IntVar:
        """A new integer variable that is no variable of the graph: what the graph's variables determine."""
        return self.model.new_int_var(least, most, "")

    def literal(self, name: Term, value: Value) -> cp_model.LiteralT:
        """The Boolean "the term takes the value"; constant where the domain leaves no choice."""
        if isinstance(name, int):
            return name == value
        key = (name, value)
        if key not in self._literals:
            self._literals[key] = self._literal(name, value)
        return self._literals[key]

    def truth(
        self, holds: cp_model.BoundedLinearExpression | bool, fails: cp_model.BoundedLinearExpression | bool
    ) -> cp_model.LiteralT:
        """A Boolean that is true exactly where ``holds`` does.

        Args:
            holds: a linear comparison.
            fails: its negation.
        """
        if isinstance(holds, bool):
            return holds
        literal = self.model.new_bool_var("")
        with self.defining():
            self.model.add(holds).only_enforce_if(literal)
            self.model.add(fails).only_enforce_if(~literal)
        return literal

    def opposite(self, literal: cp_model.LiteralT) -> cp_model.LiteralT:
        """The negation of a literal or of a constant."""
        return not literal if isinstance(literal, bool | int) else ~literal

    def within(self, term: Term, least: int, most: int) -> cp_model.LiteralT:
        """The Boolean "the term lies between ``least`` and ``most``"."""
        low, high = self.bounds(term)
        if low >= least and high <= most:
            return True
        if high < least or low > most:
            return False
        variable, literal = self.term(term), self.model.new_bool_var("")
        with self.defining():
            self.model.add_linear_constraint(variable, least, most).only_enforce_if(literal)
            self.outside(variable, least, most).only_enforce_if(~literal)
        return literal

    def outside(self, total: cp_model.LinearExprT, least: int, most: int) -> cp_model.Constraint:
        """Add that a sum is below ``least`` or above ``most``."""
        beyond = cp_model.Domain.from_intervals([[-(2**62), least - 1], [most + 1, 2**62]])
        return self.model.add_linear_expression_in_domain(total, beyond)

    def hull(self, terms: Iterable[Term]) -> tuple[int, int]:
        """The least and the largest value that any of the terms may take."""
        ends = [self.bounds(each) for each in terms]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def equal(self, left: Term, right: Term) -> cp_model.LiteralT:
        """The Boolean "two terms are equal"."""
        if isinstance(right, int):
            return self.literal(left, right)
        if isinstance(left, int):
            return self.literal(right, left)
        a, b = self.variable(left), self.variable(right)
        return self.truth(a == b, a != b)

    @contextmanager
    def only_if(self, *conditions: cp_model.LiteralT) -> Iterator[None]:
        """Enforce the constraints added meanwhile only where all conditions are true.

        Definitions (of literals, and within ``defining``) and intervals hold in any case: others may use them.
        """
        first = len(self.model.proto.constraints)
        yield
        for i in range(first, len(self.model.proto.constraints)):
            constraint = self.model.proto.constraints[i]
            if i not in self._definitions and not constraint.has_interval():
                constraint.enforcement_literal.extend(self._index(each) for each in conditions)

    @contextmanager
    def defining(self) -> Iterator[None]:
        """Constraints added meanwhile define auxiliary variables: ``only_if`` leaves them alone."""
        first = len(self.model.proto.constraints)
        yield
        self._definitions.update(range(first, len(self.model.proto.constraints)))

    def _index(self, literal: cp_model.LiteralT) -> int:
        if isinstance(literal, int | np.integer):
            return int(self.model.new_constant(int(literal)).index)
        return int(literal.index)

    def _variable(self, name: str) -> cp_model.IntVar:
        domain = self.domains[name]
        if isinstance(domain, range) and domain.step == 1:
            return self.model.new_int_var(domain[0], domain[-1], name)
        if len(domain) == 2 and set(domain) == {0, 1}:
            return self.model.new_bool_var(name)
        codes = [self.code(value) for value in domain]
        return self.model.new_int_var_from_domain(cp_model.Domain.from_values(codes), name)

    def _literal(self, name: str, value: Value) -> cp_model.LiteralT:
        domain = self.domains[name]
        if value not in domain:
            return False
        if len(domain) == 1:
            return True
        variable = self.variable(name)
        if len(domain) == 2 and set(domain) == {0, 1}:
            return variable if value == 1 else ~variable
        code = self.code(value)
        return self.truth(variable == code, variable != code)
