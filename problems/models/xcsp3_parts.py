"""Parts of XCSP3 constraints: lists of terms, conditions, and the constraints that they state."""

from __future__ import annotations

from collections.abc import Sequence

from ...engine.constraints import NValues
from ...engine.constraints.base import Constraint
from ...engine.values import Term
from ..errors import InputError, excerpt
from .building import Builder
from .expressions import RELATIONS, Expressions, number
from .forms import Sum, Truth, sum_of
from .xcsp3_text import Lists
from .xml_tree import Node

Condition = tuple[str, Sum | range | list[int]]
"""An operator and its operand: a linear form for a comparison, integers for ``in`` and ``notin``."""


class Parts:
    """Reads parts of constraints into a graph under construction.

    Attributes:
        to: the graph.
        lists: reads lists of variables.
        expressions: lowers expressions.
    """

    def __init__(self) -> None:
        self.to = Builder()
        self.lists = Lists(self.to.domains)
        self.expressions = Expressions(self.to)

    def terms(self, text: str) -> list[Term]:
        """A list of variables, numbers and expressions as terms."""
        return [self.expressions.term(item) for item in self.lists.items(text)]

    def listed(self, node: Node, tag: str = "list") -> list[Term]:
        """The terms of a child, or of the element's own text where there is no such child.

        Args:
            node: of a constraint.
            tag: of the child.

        Raises:
            InputError: the list is empty.
        """
        found = node.find(tag)
        terms = self.terms(found.text if found is not None else node.text)
        if not terms:
            raise InputError(f"<{node.tag}> has no variables")
        return terms

    def condition(self, node: Node, text: str | None = None) -> Condition:
        """The operator and the operand of a constraint's condition.

        Args:
            node: of the constraint.
            text: of the condition; by default that of the child ``condition``.

        Returns:
            A comparison and a linear form, or ``in`` or ``notin`` and a range or a list of integers.

        Raises:
            InputError: the text is not a condition.
        """
        given = (node.need("condition").text if text is None else text).strip()
        if not (given.startswith("(") and given.endswith(")") and "," in given):
            raise InputError(f"{excerpt(given)} is not a condition", hint="write (le,10)")
        operator, _, operand = (part.strip() for part in given[1:-1].partition(","))
        if operator in RELATIONS:
            items = self.lists.items(operand)
            if len(items) != 1:
                raise InputError(f"{excerpt(given)} is not a condition", hint="write (le,10)")
            (item,) = items
            return RELATIONS[operator], self.expressions.sum(item)
        if operator not in ("in", "notin"):
            raise InputError(f"unknown operator {excerpt(operator)} of a condition", hint="lt le ge gt ne eq in notin")
        if operand.startswith("{") and operand.endswith("}"):
            return operator, self.lists.numbers(operand[1:-1].replace(",", " "))
        low, dots, high = operand.partition("..")
        if not dots:
            raise InputError(f"{excerpt(operand)} is not a set", hint="write 1..5 or {1,2,3}")
        return operator, range(number(low), number(high) + 1)

    def restrict(self, form: Sum, condition: Condition) -> None:
        """State that a linear form satisfies a condition.

        Args:
            form: the linear form.
            condition: as ``condition`` returns it.
        """
        self.to.add(self.satisfied(form, condition))

    def satisfied(self, form: Sum, condition: Condition) -> Constraint | bool:
        """The constraint that ``restrict`` adds.

        Args:
            form: the linear form.
            condition: as ``condition`` returns it.
        """
        operator, operand = condition
        if isinstance(operand, tuple):
            return self.to.compare(form, operator, operand)
        stated = self.to.within(form, operand)
        return stated if operator == "in" else self.to.clause([self.to.negate(self.to.truth(stated))])

    def equal(self, one: Term, other: Term) -> Truth:
        """The truth of an equality of two terms.

        Args:
            one: a term.
            other: a term.
        """
        if isinstance(other, int):
            return self.to.literal(one, other)
        if isinstance(one, int):
            return self.to.literal(other, one)
        return self.to.truth(self.to.equal(sum_of(one), sum_of(other)))

    def target(self, condition: Condition) -> Term | None:
        """The variable or number that a condition makes equal; None for any other condition."""
        operator, operand = condition
        if operator != "==" or not isinstance(operand, tuple):
            return None
        terms, constant = operand
        if not terms:
            return constant
        if not constant and list(terms.values()) == [1]:
            return next(iter(terms))
        return None

    def valued(self, low: int, high: int, node: Node) -> Term:
        """A term for a function's value under the condition of its element, which is stated.

        Args:
            low: the least value.
            high: the largest value.
            node: of the constraint.
        """
        condition = self.condition(node)
        target = self.target(condition)
        if target is None:
            target = self.to.new(low, high)
            self.restrict(sum_of(target), condition)
        return target

    def n_values(self, terms: Sequence[Term], exempt: Sequence[int], value: Term | None = None) -> Term:
        """A term for the number of distinct values.

        Args:
            terms: the terms.
            exempt: values that do not count.
            value: the term to use, or None for a new one.
        """
        target = self.to.new(0 if exempt else 1, len(terms)) if value is None else value
        self.to.add(NValues(tuple(terms), target, tuple(exempt)))
        return target
