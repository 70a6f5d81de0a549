"""A CP-SAT model under construction, to which constraint kinds add their constraints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count

import numpy as np

from .lazy import cp_model
from .values import Domain, Term, Value, bounds


class Posting:
    """A CP-SAT model with one integer variable for each variable of a graph.

    An integer value is its own code. A string has a code that all variables share, so equal strings have equal codes.
    A kind's ``post`` adds to ``model``. It uses ``variable`` and ``term`` in arithmetic, and ``literal`` and ``truth``
    as Boolean conditions.

    Args:
        domains: variable name -> domain.
        givens: variable name -> its only value.
        enumerating: whether all solutions are listed. Auxiliary variables then have one value in each.

    Attributes:
        model: the OR-Tools model.
        enumerating: as given.
        domains: variable name -> domain, reduced to one value where one is given.

    Example:
        >>> from ortools.sat.python import cp_model
        >>> from mull.engine import AllDifferent
        >>> posting = Posting({"a": (1, 2), "b": ("x", 2)}, {"a": 2})
        >>> AllDifferent(("a", "b")).post(posting)
        >>> solver = cp_model.CpSolver()
        >>> solver.solve(posting.model) == cp_model.OPTIMAL
        True
        >>> posting.value("b", solver.value(posting.variable("b")))
        'x'
    """

    def __init__(
        self, domains: Mapping[str, Domain], givens: Mapping[str, Value], *, enumerating: bool = False
    ) -> None:
        self.model = cp_model.CpModel()
        self.enumerating = enumerating
        self.domains = {name: (givens[name],) if name in givens else domain for name, domain in domains.items()}
        distinct = set(self.domains.values())
        texts = [domain for domain in distinct if isinstance(domain, tuple) and any(type(v) is str for v in domain)]
        # Codes of strings are small: CP-SAT adds up the domains of all variables.
        self._unused = (
            (code for code in count(1) if not any(code in domain for domain in distinct)) if texts else count(1)
        )
        self._codes: dict[str, int] = {}
        self._values: dict[int, str] = {}
        self._variables: dict[str, cp_model.IntVar] = {}
        self._literals: dict[tuple[str, Value], cp_model.LiteralT] = {}
        self._definitions: set[int] = set()
        self._conditions = 0
        for name in self.domains:
            self._variables[name] = self._variable(name)

    def code(self, value: Value) -> int:
        """The integer that represents a value in the model."""
        if isinstance(value, int):
            return value
        if value not in self._codes:
            self._codes[value] = code = next(self._unused)
            self._values[code] = value
        return self._codes[value]

    def value(self, name: str, code: int) -> Value:
        """The value that a code represents.

        Args:
            name: a variable of the graph.
            code: a value of its integer variable in a solution.
        """
        return self._values.get(code, code) if isinstance(self.domains[name], tuple) else code

    def variable(self, name: str) -> cp_model.IntVar:
        """The integer variable of a graph variable; its values are codes."""
        return self._variables[name]

    def hint(self, values: Mapping[str, Value]) -> None:
        """Replace the model's hint.

        Args:
            values: for some of the variables; a value outside its domain is left out.
        """
        self.model.clear_hints()  # type: ignore[no-untyped-call,unused-ignore]
        for name, value in values.items():
            if name in self.domains and value in self.domains[name]:
                self.model.add_hint(self.variable(name), self.code(value))

    def term(self, term: Term) -> cp_model.IntVar | int:
        """The integer variable of a name, or the integer itself."""
        return term if isinstance(term, int) else self._variables[term]

    def terms(self, terms: Iterable[Term]) -> list[cp_model.IntVar | int]:
        """The integer variables and integers of several terms."""
        return [self.term(each) for each in terms]

    def bounds(self, term: Term) -> tuple[int, int]:
        """The least and the largest value of a term."""
        return (term, term) if isinstance(term, int) else bounds(self.domains[term])

    def integer(self, least: int, most: int) -> cp_model.IntVar:
        """A new integer variable, not of the graph. The graph's variables must determine its value.

        Otherwise the enumeration of solutions returns one assignment several times.

        Args:
            least: the smallest value.
            most: the largest value.
        """
        return self.model.new_int_var(least, most, "")

    def integer_in(self, *intervals: tuple[int, int]) -> cp_model.IntVar:
        """A new integer variable within intervals; see ``integer``.

        Args:
            intervals: pairs of a least and a largest value, in increasing order.
        """
        return self.model.new_int_var_from_domain(
            cp_model.Domain.from_intervals([list(each) for each in intervals]), ""
        )

    def literal(self, name: Term, value: Value) -> cp_model.LiteralT:
        """The Boolean "this term has this value", the same object at every call.

        Args:
            name: a variable of the graph, or an integer.
            value: any value.

        Returns:
            A Boolean variable, its negation, or a constant: False outside the domain, True for the only value of a
                domain.
        """
        if isinstance(name, int):
            return name == value
        key = (name, value)
        if key not in self._literals:
            self._literals[key] = self._literal(name, value)
        return self._literals[key]

    def truth(
        self, holds: cp_model.BoundedLinearExpression | bool, fails: cp_model.BoundedLinearExpression | bool
    ) -> cp_model.LiteralT:
        """A new Boolean that is true exactly where a linear comparison holds.

        Args:
            holds: the comparison.
            fails: its negation.

        Returns:
            A Boolean variable, or ``holds`` where it is a constant.
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

    def at_least(self, term: Term, least: int) -> cp_model.IntVar | int:
        """The larger of a term and an integer.

        Args:
            term: a variable of the graph, or an integer.
            least: the integer.
        """
        low, high = self.bounds(term)
        if low >= least:
            return self.term(term)
        if high <= least:
            return least
        larger = self.integer(least, high)
        with self.defining():
            self.model.add_max_equality(larger, [self.term(term), least])
        return larger

    def within(self, term: Term, least: int, most: int) -> cp_model.LiteralT:
        """The Boolean "this term is in an interval".

        Args:
            term: a variable of the graph, or an integer.
            least: the lower bound, included.
            most: the upper bound, included.
        """
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
        """Add the constraint that a sum is outside an interval.

        Args:
            total: a linear expression.
            least: the lower bound of the interval, included.
            most: the upper bound, included.
        """
        beyond = cp_model.Domain.from_intervals([[-(2**62), least - 1], [most + 1, 2**62]])
        return self.model.add_linear_expression_in_domain(total, beyond)

    def member(self, term: Term, values: Iterable[int]) -> cp_model.LiteralT:
        """The Boolean "this term has one of these values".

        Args:
            term: a variable of the graph, or an integer.
            values: integers; those outside the domain of the term have no effect.
        """
        if isinstance(term, int):
            return term in values
        domain = self.domains[term]
        inside = sorted({value for value in values if value in domain})
        if len(inside) <= 1:
            return self.literal(term, inside[0]) if inside else False
        if len(inside) == len(domain):
            return True
        literal, variable = self.model.new_bool_var(""), self.variable(term)
        wanted = cp_model.Domain.from_values(inside)
        with self.defining():
            self.model.add_linear_expression_in_domain(variable, wanted).only_enforce_if(literal)
            self.model.add_linear_expression_in_domain(variable, wanted.complement()).only_enforce_if(~literal)
        return literal

    def any_of(self, literals: Iterable[cp_model.LiteralT]) -> cp_model.LiteralT:
        """The Boolean "at least one of these literals is true"."""
        found = list(literals)
        if any(each is True for each in found):
            return True
        found = [each for each in found if each is not False]
        if len(found) <= 1:
            return found[0] if found else False
        literal = self.model.new_bool_var("")
        with self.defining():
            self.model.add_bool_or(found).only_enforce_if(literal)
            self.model.add_bool_and([~each for each in found]).only_enforce_if(~literal)
        return literal

    def all_of(self, literals: Iterable[cp_model.LiteralT]) -> cp_model.LiteralT:
        """The Boolean "all of these literals are true"."""
        return self.opposite(self.any_of(self.opposite(each) for each in literals))

    def hull(self, terms: Iterable[Term]) -> tuple[int, int]:
        """The least and the largest value that any of the terms may take."""
        ends = [self.bounds(each) for each in terms]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def equal(self, left: Term, right: Term) -> cp_model.LiteralT:
        """The Boolean "these terms are equal".

        Args:
            left: a variable of the graph, or an integer.
            right: the same.
        """
        if isinstance(right, int):
            return self.literal(left, right)
        if isinstance(left, int):
            return self.literal(right, left)
        a, b = self.variable(left), self.variable(right)
        return self.truth(a == b, a != b)

    @property
    def conditional(self) -> bool:
        """Whether constraints are being added within ``only_if``."""
        return self._conditions > 0

    @contextmanager
    def only_if(self, *conditions: cp_model.LiteralT) -> Iterator[None]:
        """Enforce the constraints that the block adds only where all conditions are true.

        Definitions (literals, and constraints added within ``defining``) and intervals always hold: other constraints
        may use them.

        Args:
            conditions: literals of this model.
        """
        first = len(self.model.proto.constraints)
        self._conditions += 1
        yield
        self._conditions -= 1
        for i in range(first, len(self.model.proto.constraints)):
            constraint = self.model.proto.constraints[i]
            if i not in self._definitions and not constraint.has_interval():
                constraint.enforcement_literal.extend(self._index(each) for each in conditions)

    @contextmanager
    def defining(self) -> Iterator[None]:
        """Mark the constraints that the block adds as definitions of auxiliary variables, which ``only_if`` skips."""
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
        if len(domain) == 2 and set(domain) == {0, 1}:  # the variable is Boolean itself: no defining constraints
            return variable if value == 1 else ~variable
        code = self.code(value)
        return self.truth(variable == code, variable != code)
