"""Variables, truths and linear forms of a constraint graph that a reader builds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...engine.constraints import Clause, Compare, Linear, Reify
from ...engine.constraints.base import Constraint
from ...engine.values import LARGEST, Domain, Term, bounds
from ..errors import InputError
from .linear import compared

Literal = tuple[str, int]
"""A variable and one of its values."""

Truth = Literal | bool
"""A literal, or its truth where it is constant."""

Sum = tuple[dict[str, int], int]
"""A linear form: coefficients by variable, none of them zero, and a constant."""

COPIES = 100_000
"""The most values of a domain that a reader lists one by one."""


class Forms:
    """Variables, truths and linear forms of a graph under construction.

    Attributes:
        domains: variable name -> domain.
        constraints: the constraints so far.
        auxiliary: names of the variables that the reader added.
    """

    def __init__(self) -> None:
        self.domains: dict[str, Domain] = {}
        self.constraints: list[Constraint] = []
        self.auxiliary: set[str] = set()
        self._truths: dict[Constraint, Truth] = {}
        self._copies: dict[tuple[str, int], str] = {}

    # Variables --------------------------------------------------------------------------------------------------------

    def new(self, least: int, most: int) -> str:
        """A new auxiliary variable.

        Args:
            least: its smallest value.
            most: its largest value.

        Raises:
            InputError: the values exceed 2^60, or there are none.
        """
        if max(abs(least), abs(most)) > LARGEST:
            raise InputError("a value may exceed 2^60", hint="use smaller domains or coefficients")
        if least > most:
            raise InputError("an expression has no possible value", hint="check the domains of its variables")
        return self._added(range(least, most + 1) if most - least > 1 else tuple(range(least, most + 1)))

    def _added(self, domain: Domain) -> str:
        number = len(self.auxiliary)
        while (name := f"_{number}") in self.domains:
            number += 1
        self.domains[name] = domain
        self.auxiliary.add(name)
        return name

    def bounds(self, term: Term) -> tuple[int, int]:
        """The least and the largest value of a term."""
        return (term, term) if isinstance(term, int) else bounds(self.domains[term])

    def distinct(self, terms: Iterable[Term]) -> tuple[str, ...]:
        """Names of distinct variables for terms; a number or a repeated variable gets a copy."""
        names: list[str] = []
        seen: dict[Term, int] = {}
        for term in terms:
            count = seen[term] = seen.get(term, -1) + 1
            names.append(term if isinstance(term, str) and not count else self._copy(term, count))
        return tuple(names)

    def _copy(self, term: Term, count: int) -> str:
        key = (str(term), count)
        if key not in self._copies:
            if isinstance(term, int):
                self._copies[key] = self.new(term, term)
            else:
                self._copies[key] = self._added(self.domains[term])
                self.add(Compare(self._copies[key], "=", term))
        return self._copies[key]

    # Constraints ------------------------------------------------------------------------------------------------------

    def add(self, stated: Constraint | bool) -> None:
        """Add a constraint, or a contradiction for False."""
        if isinstance(stated, Constraint) and not stated.scope:
            stated = stated.check(())
        if isinstance(stated, Constraint):
            self.constraints.append(stated)
        elif not stated:
            self.constraints.append(Linear((self._copy(0, 0),), (1,), "=", 1))

    def add_clause(self, truths: Iterable[Truth]) -> None:
        """State that at least one of several truths holds."""
        self.add(self.clause(truths))

    def clause(self, truths: Iterable[Truth]) -> Constraint | bool:
        """At least one of several truths, as a constraint."""
        literals = _literals(truths, True)
        if literals is None:
            return True
        return Clause(literals) if literals else False

    def all_of(self, truths: Iterable[Truth]) -> Constraint | bool:
        """All of several truths, as one constraint."""
        literals = _literals(truths, False)
        if literals is None:
            return False
        if len(literals) < 2:
            return Clause(literals) if literals else True
        terms, constant = self.sum((1, self.sum_of_truth(literal)) for literal in literals)
        return compared(terms, "==", len(literals) - constant)

    # Truths -----------------------------------------------------------------------------------------------------------

    def literal(self, term: Term, value: int) -> Truth:
        """The truth of ``term = value``.

        Args:
            term: a variable or a number.
            value: any integer.
        """
        if isinstance(term, int):
            return term == value
        domain = self.domains[term]
        if value not in domain:
            return False
        return True if len(domain) == 1 else (term, value)

    def negate(self, truth: Truth) -> Truth:
        """The opposite truth."""
        if isinstance(truth, bool):
            return not truth
        name, value = truth
        domain = self.domains[name]
        if len(domain) == 2:
            return name, int(domain[1] if domain[0] == value else domain[0])
        return self.negate(self.truth(Clause((truth,)), plain=True))

    def truth(self, stated: Constraint | bool, plain: bool = False) -> Truth:
        """A literal that is true exactly where a constraint holds.

        Args:
            stated: the constraint.
            plain: require a literal of a Boolean variable.
        """
        if isinstance(stated, Constraint) and not stated.scope:
            stated = stated.check(())
        if isinstance(stated, bool):
            return stated
        if isinstance(stated, Clause) and len(stated.literals) == 1 and not plain:
            name, value = stated.literals[0]
            return name, int(value)
        if stated not in self._truths:
            name = self.new(0, 1)
            self._truths[stated] = (name, 1)
            self.add(Reify((name, 1), stated))
        return self._truths[stated]

    def sum_of_truth(self, truth: Truth) -> Sum:
        """A truth as the number 0 or 1."""
        if isinstance(truth, bool):
            return {}, int(truth)
        name, value = truth
        domain = self.domains[name]
        if len(domain) != 2:
            return self.sum_of_truth(self.truth(Clause((truth,)), plain=True))
        if domain == (0, 1):
            return ({name: 1}, 0) if value else ({name: -1}, 1)
        if abs(int(domain[0]) - int(domain[1])) == 1:
            return ({name: 1}, 1 - value) if value == self.bounds(name)[1] else ({name: -1}, value + 1)
        return self.sum_of_truth(self.truth(Clause((truth,)), plain=True))

    # Sums -------------------------------------------------------------------------------------------------------------

    def sum(self, parts: Iterable[tuple[int, Sum | Term]]) -> Sum:
        """The weighted sum of linear forms and terms."""
        total: dict[str, int] = {}
        constant = 0
        for weight, part in parts:
            if isinstance(part, int):
                constant += weight * part
            elif isinstance(part, str):
                total[part] = total.get(part, 0) + weight
            else:
                constant += weight * part[1]
                for name, coefficient in part[0].items():
                    total[name] = total.get(name, 0) + weight * coefficient
        return {name: weight for name, weight in total.items() if weight}, constant

    def range_of(self, form: Sum) -> tuple[int, int]:
        """The least and the largest value of a linear form, by the bounds of its variables."""
        least = most = form[1]
        for name, weight in form[0].items():
            low, high = self.bounds(name)
            least, most = least + min(weight * low, weight * high), most + max(weight * low, weight * high)
        return least, most

    def term(self, form: Sum) -> Term:
        """A term that equals a linear form."""
        terms, constant = form
        if not terms:
            return constant
        if not constant and list(terms.values()) == [1]:
            return next(iter(terms))
        name = self.new(*self.range_of(form))
        self.add(self.equal(form, ({name: 1}, 0)))
        return name

    def equal(self, left: Sum, right: Sum) -> Constraint | bool:
        """``left = right`` as a constraint, or its truth where it is constant.

        Args:
            left: a linear form.
            right: a linear form.
        """
        return self.compare(left, "==", right)

    def compare(self, left: Sum, op: str, right: Sum) -> Constraint | bool:
        """A comparison of two linear forms as a constraint, or its truth where the bounds of the variables decide it.

        Args:
            left: a linear form.
            op: ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
            right: a linear form.
        """
        terms, constant = self.sum(((1, left), (-1, right)))
        least, most = self.range_of((terms, constant))
        decided = {
            "==": False if least > 0 or most < 0 else None,
            "!=": True if least > 0 or most < 0 else None,
            "<": True if most < 0 else False if least >= 0 else None,
            "<=": True if most <= 0 else False if least > 0 else None,
            ">": True if least > 0 else False if most <= 0 else None,
            ">=": True if least >= 0 else False if most < 0 else None,
        }[op]
        if decided is not None:
            return decided
        if len(terms) == 1 and op in ("==", "!="):
            ((name, weight),) = terms.items()
            value, rest = divmod(-constant, weight)
            truth = False if rest else self.literal(name, value)
            if isinstance(truth, bool):
                return truth == (op == "==")
            if op == "==" or len(self.domains[name]) == 2:
                return self.clause([truth if op == "==" else self.negate(truth)])
        return compared(terms, op, -constant)

    def within(self, form: Sum, values: Sequence[int]) -> Constraint | bool:
        """A linear form has one of several values.

        Args:
            form: the linear form.
            values: a range, or a list.

        Raises:
            InputError: there are too many values to list.
        """
        term = self.term(form)
        if isinstance(term, int):
            return term in values
        low, high = self.bounds(term)
        if isinstance(values, range) and values.step == 1:
            values = range(max(low, values.start), min(high, values.stop - 1) + 1)
            if len(values) == high - low + 1:
                return True
            if values and values[-1] == high:
                return self.compare(({term: 1}, 0), ">=", ({}, values[0]))
            if values and values[0] == low:
                return self.compare(({term: 1}, 0), "<=", ({}, values[-1]))
        if len(values) > COPIES:
            raise InputError(f"a set of {len(values)} values is too large", hint=f"sets hold up to {COPIES} values")
        domain = self.domains[term]
        listed = [value for value in dict.fromkeys(values) if value in domain]
        if len(listed) == len(domain):
            return True
        return self.clause([(term, value) for value in listed])


def sum_of(term: Term) -> Sum:
    """A term as a linear form."""
    return ({}, term) if isinstance(term, int) else ({term: 1}, 0)


def _literals(truths: Iterable[Truth], decisive: bool) -> tuple[Literal, ...] | None:
    """The distinct literals among truths; None where a truth is the constant that decides the constraint."""
    literals: dict[Literal, None] = {}
    for truth in truths:
        if truth is decisive:
            return None
        if not isinstance(truth, bool):
            literals[truth] = None
    return tuple(literals)
