"""A CP-SAT model under construction: how constraint kinds speak to OR-Tools."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from ortools.sat.python import cp_model

from .values import Value

Domain = tuple[Value, ...]


class Posting:
    """CP-SAT variables for graph variables, made on demand.

    Integers stand for themselves; strings get codes shared by all variables, so equal strings are equal codes.

    Args:
        domains: variable name -> domain.
        givens: variable name -> the one value it may take.
    """

    def __init__(self, domains: Mapping[str, Domain], givens: Mapping[str, Value]) -> None:
        self.model = cp_model.CpModel()
        self.domains = {name: (givens[name],) if name in givens else domain for name, domain in domains.items()}
        integers = {v for domain in set(self.domains.values()) for v in domain if isinstance(v, int)}
        # Small codes: CP-SAT adds up the domains of all variables.
        self._unused = (code for code in count(1) if code not in integers)
        self._codes: dict[str, int] = {}
        self._variables: dict[str, cp_model.IntVar] = {}
        self._literals: dict[tuple[str, Value], cp_model.LiteralT] = {}
        for name in self.domains:
            self._variables[name] = self._variable(name)

    def code(self, value: Value) -> int:
        """The integer that stands for a value."""
        if isinstance(value, int):
            return value
        if value not in self._codes:
            self._codes[value] = next(self._unused)
        return self._codes[value]

    def variable(self, name: str) -> cp_model.IntVar:
        """The integer variable of a graph variable; its values are codes."""
        return self._variables[name]

    def literal(self, name: str, value: Value) -> cp_model.LiteralT:
        """The Boolean "name takes value"; constant where the domain leaves no choice."""
        key = (name, value)
        if key not in self._literals:
            self._literals[key] = self._literal(name, value)
        return self._literals[key]

    def _variable(self, name: str) -> cp_model.IntVar:
        if set(self.domains[name]) == {0, 1}:
            return self.model.new_bool_var(name)
        codes = [self.code(value) for value in self.domains[name]]
        return self.model.new_int_var_from_domain(cp_model.Domain.from_values(codes), name)

    def _literal(self, name: str, value: Value) -> cp_model.LiteralT:
        domain = self.domains[name]
        if value not in domain:
            return False
        if len(domain) == 1:
            return True
        variable = self.variable(name)
        if set(domain) == {0, 1}:
            return variable if value == 1 else ~variable
        literal = self.model.new_bool_var("")
        self.model.add(variable == self.code(value)).only_enforce_if(literal)
        self.model.add(variable != self.code(value)).only_enforce_if(~literal)
        return literal
