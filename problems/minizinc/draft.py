"""A graph under construction: auxiliary variables, linear forms, clauses, and the truth of constraints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...engine.constraints import Clause, Compare, Constraint, Linear, Reify
from ...engine.values import Domain, Term, bounds
from ..errors import InputError
from ..models.linear import compared

FALSE = "false"
"""The variable that a plain contradiction gets. It is a keyword of FlatZinc, so no model has it."""

Literal = tuple[str, int]
Stated = Constraint | bool
"""A constraint, or its truth where it is constant."""


class Draft:
    """Variables and constraints of a graph under construction.

    Attributes:
        domains: variable name -> domain.
        constraints: the constraints so far.
        line: the line of the current statement, for errors.
    """

    def __init__(self) -> None:
        self.domains: dict[str, Domain] = {}
        self.constraints: list[Constraint] = []
        self.line = 0
        self._fresh = 0
        self._domains: dict[Domain, Domain] = {}  # equal domains are one object, which a graph checks once

    def error(self, message: str, hint: str = "") -> InputError:
        """An error at the line of the current statement.

        Args:
            message: what is wrong.
            hint: what to do.
        """
        return InputError(message, line=self.line, hint=hint)

    def bounds(self, term: Term) -> tuple[int, int]:
        """The least and the largest value of a term."""
        return (term, term) if isinstance(term, int) else bounds(self.domains[term])

    def fresh(self, domain: Domain) -> str:
        """A new auxiliary variable."""
        self._fresh += 1
        name = f"#{self._fresh}"
        self.domains[name] = self._domains.setdefault(domain, domain)
        return name

    def distinct(self, terms: Iterable[Term]) -> tuple[str, ...]:
        """Names of distinct variables: a number gets a variable of one value, a repeated one a copy."""
        names: dict[str, None] = {}
        for term in terms:
            if isinstance(term, int):
                names[self.fresh((term,))] = None
            elif term in names:
                copy = self.fresh(self.domains[term])
                self.constraints.append(Compare(copy, "=", term))
                names[copy] = None
            else:
                names[term] = None
        return tuple(names)

    def linear(self, terms: dict[str, int], op: str, bound: int) -> Stated:
        """``sum(terms) op bound`` as a constraint, or its truth.

        Args:
            terms: coefficients by variable.
            op: ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
            bound: the right-hand side.
        """
        return compared({name: weight for name, weight in terms.items() if weight}, op, bound)

    def compare(self, weights: Sequence[int], terms: Sequence[Term], op: str, bound: Term = 0) -> Stated:
        """A comparison of a weighted sum of terms as a constraint, or its truth.

        Args:
            weights: the coefficients.
            terms: as many terms; one may occur several times.
            op: ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
            bound: the right-hand side.

        Raises:
            InputError: the lists have different lengths.
        """
        if len(weights) != len(terms):
            raise self.error(f"has {len(weights)} coefficients for {len(terms)} variables")
        total: dict[str, int] = {}
        constant = 0
        for weight, term in zip((*weights, -1), (*terms, bound), strict=True):
            if isinstance(term, int):
                constant += weight * term
            else:
                total[term] = total.get(term, 0) + weight
        return self.linear(total, op, -constant)

    def clause(self, positive: Iterable[Term], negative: Iterable[Term] = ()) -> Stated:
        """A disjunction of Booleans as a constraint, or its truth.

        Args:
            positive: terms of which one is true,
            negative: or one of these is false.
        """
        literals: dict[Literal, None] = {}
        for terms, value in ((positive, 1), (negative, 0)):
            for term in terms:
                if isinstance(term, int):
                    if bool(term) == bool(value):
                        return True
                elif (term, 1 - value) in literals:
                    return True
                else:
                    literals[term, value] = None
        return Clause(tuple(literals)) if literals else False

    def require(self, stated: Stated) -> None:
        """Add a constraint, or a contradiction where it is plainly false."""
        if isinstance(stated, Constraint):
            self.constraints.append(stated)
        elif not stated:
            self.constraints.append(Linear((self._false(),), (1,), "=", 1))

    def truth(self, stated: Stated) -> Term:
        """A new Boolean that is true exactly where a constraint holds."""
        if isinstance(stated, bool):
            return int(stated)
        literal = self.fresh((0, 1))
        self.reify(literal, stated, half=False)
        return literal

    def reify(self, literal: Term, stated: Stated, half: bool) -> None:
        """State that a Boolean is the truth of a constraint.

        Args:
            literal: the Boolean, a variable or 0 or 1.
            stated: the constraint.
            half: the constraint holds where the Boolean is true; where it is false nothing is stated.
        """
        if isinstance(literal, int):
            if literal:
                self.require(stated)
            elif not half:
                self._deny(stated)
        elif isinstance(stated, bool):
            if not (half and stated):
                self.require(Clause(((literal, int(stated)),)))
        elif half and isinstance(stated, Clause):
            self.require(Clause(((literal, 0), *(each for each in stated.literals if each != (literal, 0)))))
        else:
            self._check_negatable(stated, half)
            self.constraints.append(Reify((literal, 1), stated, half))

    def _deny(self, stated: Stated) -> None:
        if isinstance(stated, bool):
            self.require(not stated)
        else:
            self._check_negatable(stated, half=False)
            self.constraints.append(Reify((self._false(), 1), stated))

    def _check_negatable(self, stated: Constraint, half: bool) -> None:
        if not half and not stated.negatable:
            raise self.error(f"{stated.kind} cannot be reified", "compile the model without this global constraint")

    def _false(self) -> str:
        self.domains.setdefault(FALSE, (0,))
        return FALSE
