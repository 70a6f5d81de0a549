"""The functional expressions of XCSP3, ``eq(add(x,y),3)``: a parser, and their lowering to constraints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...engine.constraints import AllEqual, Reify, Xor
from ...engine.constraints.base import Constraint
from ...engine.values import Term
from ..errors import InputError, excerpt
from .building import Builder
from .forms import Sum, Truth, sum_of

Expression = int | str | tuple[Any, ...]
"""A number, a name, or a tuple of an operator and its arguments."""

DEEPEST = 120
"""The most operators inside each other."""

_TOKEN = re.compile(r"\s*(?:([-+]?\d+)(?![\w.])|([A-Za-z_](?:[\w-]*\w)?(?:\[\d+\])*)|([(),]))")

RELATIONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
OPPOSITES = {"eq": "ne", "ne": "eq", "lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "in": "notin", "notin": "in"}
LOGIC = frozenset({"not", "and", "or", "xor", "iff", "imp"})
NUMERIC = frozenset({"neg", "abs", "add", "sub", "mul", "div", "mod", "sqr", "pow", "min", "max", "dist", "if"})
ARITY = {
    "neg": (1, 1), "abs": (1, 1), "sqr": (1, 1), "not": (1, 1), "sub": (2, 2), "div": (2, 2), "mod": (2, 2),
    "pow": (2, 2), "dist": (2, 2), "if": (3, 3), "imp": (2, 2), "lt": (2, 2), "le": (2, 2), "gt": (2, 2),
    "ge": (2, 2), "in": (2, 2), "notin": (2, 2), "ne": (2, 2), "eq": (2, 10**9), "set": (0, 10**9),
}  # fmt: skip
KNOWN = frozenset(RELATIONS) | LOGIC | NUMERIC | {"in", "notin", "set"}


def number(text: str) -> int:
    """An integer of at most 2^60 in magnitude.

    Raises:
        InputError: the text is not an integer, or is too large.
    """
    digits = text[1:] if text[:1] in "+-" else text
    if not (digits.isascii() and digits.isdigit()):
        raise InputError(f"{excerpt(text)} is not an integer", hint="only integers are read")
    if len(digits) > 19 or abs(int(text)) > 1 << 60:
        raise InputError(f"the number {excerpt(text)} exceeds 2^60", hint="scale the numbers down")
    return int(text)


def parse(text: str) -> Expression:
    """The expression of a text.

    Raises:
        InputError: the text is not one expression, has an unknown operator, or is nested too deeply.
    """
    position, depth = 0, 0
    stack: list[list[Expression]] = [[]]
    operators: list[str] = []
    after_value = False
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise InputError(f"not an expression at {excerpt(text[position:].strip())}", hint="e.g. eq(add(x,y),3)")
        position = match.end()
        digits, name, sign = match.groups()
        if ((digits or name) and after_value) or (sign in (",", ")") and not after_value and sign == ","):
            raise InputError(f"not an expression: {excerpt(text)}", hint="arguments are separated by commas")
        if digits:
            stack[-1].append(number(digits))
            after_value = True
        elif name:
            if text[position : position + 1] == "(":
                if name not in KNOWN:
                    hint = f"operators are {', '.join(sorted(KNOWN))}"
                    raise InputError(f"unknown operator {excerpt(name)}", hint=hint)
                position += 1
                depth += 1
                if depth > DEEPEST:
                    raise InputError("an expression is nested too deeply", hint=f"up to {DEEPEST} levels are read")
                operators.append(name)
                stack.append([])
                after_value = False
            else:
                stack[-1].append(name)
                after_value = True
        elif sign == ",":
            after_value = False
        elif sign == ")" and operators and (after_value or not stack[-1]):
            arguments, operator = stack.pop(), operators.pop()
            least, most = ARITY.get(operator, (1, 10**9))
            if not least <= len(arguments) <= most:
                raise InputError(f"{operator} has {len(arguments)} arguments", hint="see the XCSP3 specification")
            stack[-1].append((operator, *arguments))
            depth -= 1
            after_value = True
        else:
            raise InputError(f"not an expression: {excerpt(text)}", hint="check the parentheses")
        if not operators and sign == ",":
            raise InputError(f"not one expression: {excerpt(text)}", hint="e.g. eq(add(x,y),3)")
    if operators or len(stack[0]) != 1:
        raise InputError(f"not an expression: {excerpt(text)}", hint="check the parentheses")
    return stack[0][0]


class Expressions:
    """The lowering of expressions.

    Args:
        builder: receives the constraints and auxiliary variables.

    A partial function that is undefined, such as a division by zero, violates the whole model, also under a negation.
    """

    def __init__(self, builder: Builder) -> None:
        self.to = builder
        self._terms: dict[Expression, Term] = {}

    # Numbers ----------------------------------------------------------------------------------------------------------

    def sum(self, expression: Expression) -> Sum:
        """An expression as a linear form.

        Raises:
            InputError: a variable is unknown, a set stands outside ``in``, or a value may exceed 2^60.
        """
        if isinstance(expression, int):
            return {}, expression
        if isinstance(expression, str):
            if expression not in self.to.domains:
                raise InputError(f"unknown variable {excerpt(expression)}", hint="declare it in <variables>")
            return {expression: 1}, 0
        operator, *arguments = expression
        if operator == "neg":
            return self.to.sum([(-1, self.sum(arguments[0]))])
        if operator == "add":
            return self.to.sum((1, self.sum(each)) for each in arguments)
        if operator == "sub":
            return self.to.sum(((1, self.sum(arguments[0])), (-1, self.sum(arguments[1]))))
        if operator == "mul":
            forms = [self.sum(each) for each in arguments]
            constant = 1
            for terms, shift in forms:
                constant *= 1 if terms else shift
            variable = [form for form in forms if form[0]]
            if len(variable) < 2:
                return self.to.sum([(constant, variable[0] if variable else 1)])
            product = self.to.product([self.to.term(form) for form in variable])
            return self.to.sum([(constant, product)])
        if operator == "set":
            raise InputError("a set stands only after 'in'", hint="e.g. in(x,set(1,2,3))")
        if operator in NUMERIC:
            return sum_of(self.term(expression))
        return self.to.sum_of_truth(self.truth(expression))

    def term(self, expression: Expression) -> Term:
        """A term that equals an expression; the same one for an equal expression."""
        if isinstance(expression, int):
            return expression
        if expression not in self._terms:
            # A product may be linear.
            if isinstance(expression, tuple) and expression[0] in FUNCTIONS and expression[0] != "mul":
                self._terms[expression] = self.function(expression, None)
            else:
                self._terms[expression] = self.to.term(self.sum(expression))
        return self._terms[expression]

    def function(self, expression: tuple[Any, ...], value: Term | None) -> Term:
        """A term for a function that is not linear.

        Args:
            expression: its operator and arguments.
            value: the term to use, or None for a new one.
        """
        operator, *arguments = expression
        if operator == "if":
            return self._choice(arguments, value)
        if operator == "dist":
            return self.to.absolute(self.to.term(self.sum(("sub", *arguments))), value)
        terms = [self.term(each) for each in arguments]
        if operator == "abs":
            return self.to.absolute(terms[0], value)
        if operator == "mul":
            return self.to.product(terms, value)
        if operator == "sqr":
            return self.to.product([terms[0], terms[0]], value)
        if operator in ("min", "max"):
            return self.to.extreme(terms, operator == "max", value)
        return self.to.arithmetic(operator, terms[0], terms[1], value)

    def _choice(self, arguments: Sequence[Expression], value: Term | None) -> Term:
        condition, yes, no = self.truth(arguments[0]), self.sum(arguments[1]), self.sum(arguments[2])
        if isinstance(condition, bool):
            chosen = yes if condition else no
            if value is None:
                return self.to.term(chosen)
            self.to.add(self.to.equal(chosen, sum_of(value)))
            return value
        if value is None:
            ranges = [self.to.range_of(yes), self.to.range_of(no)]
            value = self.to.new(min(low for low, _ in ranges), max(high for _, high in ranges))
        for truth, form in ((condition, yes), (self.to.negate(condition), no)):
            self.imply(truth, self.to.equal(form, sum_of(value)))
        return value

    # Truths -----------------------------------------------------------------------------------------------------------

    def imply(self, truth: Truth, stated: Constraint | bool) -> None:
        """State that a truth implies a constraint.

        Args:
            truth: the condition.
            stated: the constraint, or its truth.
        """
        if isinstance(truth, bool):
            if truth:
                self.to.add(stated)
        elif isinstance(stated, bool):
            if not stated:
                self.to.add_clause([self.to.negate(truth)])
        elif isinstance(stated, Constraint):
            self.to.add(Reify(truth, stated, half=True))

    def truth(self, expression: Expression) -> Truth:
        """A literal that is true exactly where an expression is true, that is, not 0."""
        if isinstance(expression, tuple) and expression[0] == "not":
            return self.to.negate(self.truth(expression[1]))
        return self.to.truth(self.constraint(expression))

    def constraint(self, expression: Expression) -> Constraint | bool:
        """One constraint that holds where an expression is true; auxiliary variables define its parts."""
        to = self.to
        if isinstance(expression, tuple):
            operator, *arguments = expression
            if operator in RELATIONS:
                return self._relation(operator, arguments)
            if operator in ("in", "notin"):
                return self._membership(operator == "in", arguments)
            if operator == "not":
                return self.negation(arguments[0])
            if operator == "and":
                return to.all_of([self.truth(each) for each in arguments])
            if operator == "or":
                return to.clause([self.truth(each) for each in arguments])
            if operator == "imp":
                return to.clause([to.negate(self.truth(arguments[0])), self.truth(arguments[1])])
            if operator == "xor":
                return self.parity([self.truth(each) for each in arguments])
            if operator == "iff":
                truths = [self.truth(each) for each in arguments]
                if len(truths) == 2:
                    return self.parity(truths, odd=False)
                return AllEqual(tuple(to.term(to.sum_of_truth(each)) for each in truths))
        return to.compare(self.sum(expression), "!=", ({}, 0))

    def negation(self, expression: Expression) -> Constraint | bool:
        """One constraint that holds where an expression is false."""
        if isinstance(expression, tuple):
            operator, *arguments = expression
            if operator == "not":
                return self.constraint(arguments[0])
            if operator in OPPOSITES and len(arguments) == 2:
                return self.constraint((OPPOSITES[operator], *arguments))
            if operator in ("and", "or"):
                return self.constraint(("or" if operator == "and" else "and", *(("not", each) for each in arguments)))
        return self.to.clause([self.to.negate(self.truth(expression))])

    def parity(self, truths: Sequence[Truth], odd: bool = True) -> Constraint | bool:
        """An odd number of truths hold, or an even number.

        Args:
            truths: literals and constants.
            odd: whether the number is odd.
        """
        left: dict[str, int] = {}
        for truth in truths:
            if isinstance(truth, bool):
                odd ^= truth
                continue
            name, value = truth
            if len(self.to.domains[name]) != 2:
                plain = self.to.truth(self.to.clause([truth]), plain=True)
                assert not isinstance(plain, bool)
                name, value = plain
            if name in left:
                odd ^= left.pop(name) != value  # x xor x is false, x xor not x is true
            else:
                left[name] = value
        return Xor(tuple(left.items()), odd) if left else not odd

    def _relation(self, operator: str, arguments: Sequence[Expression]) -> Constraint | bool:
        if operator == "eq" and len(arguments) > 2:
            return AllEqual(tuple(self.term(each) for each in arguments))
        if operator in ("eq", "ne") and all(map(_is_truth, arguments)):
            return self.parity([self.truth(each) for each in arguments], odd=operator == "ne")
        return self.to.compare(self.sum(arguments[0]), RELATIONS[operator], self.sum(arguments[1]))

    def _membership(self, inside: bool, arguments: Sequence[Expression]) -> Constraint | bool:
        item, members = arguments
        if not (isinstance(members, tuple) and members[0] == "set"):
            raise InputError("'in' has no set", hint="e.g. in(x,set(1,2,3))")
        numbers = [each for each in members[1:] if isinstance(each, int)]
        if len(numbers) == len(members) - 1:
            stated = self.to.within(self.sum(item), numbers)
        else:
            stated = self.to.clause([self.truth(("eq", item, each)) for each in members[1:]])
        return stated if inside else self.to.clause([self.to.negate(self.to.truth(stated))])

    def state(self, expression: Expression) -> None:
        """Add an expression that must be true."""
        if isinstance(expression, tuple):
            operator, *arguments = expression
            if operator == "and":
                for each in arguments:
                    self.state(each)
                return
            if operator == "imp":
                self.imply(self.truth(arguments[0]), self.constraint(arguments[1]))
                return
            if operator in ("eq", "iff") and len(arguments) == 2:
                for one, other in (arguments, arguments[::-1]):
                    if self._defined(one, other):
                        return
        self.to.add(self.constraint(expression))

    def _defined(self, target: Expression, expression: Expression) -> bool:
        """Whether ``target = expression`` could be stated without a variable for the expression."""
        if not isinstance(expression, tuple):
            return False
        if expression[0] in FUNCTIONS:
            if expression[0] == "mul" and any(isinstance(each, int) for each in expression):
                return False
            if isinstance(target, int) or (isinstance(target, str) and target in self.to.domains):
                self.function(expression, target)
                return True
            return False
        if _is_truth(expression):
            truth: Truth | None = self.truth(target) if _is_truth(target) else None
            if isinstance(target, str) and self.to.domains.get(target) == (0, 1):
                truth = (target, 1)
            if truth is None or isinstance(truth, bool):
                return False
            stated = self.constraint(expression)
            if isinstance(stated, bool):
                self.to.add_clause([truth if stated else self.to.negate(truth)])
            else:
                self.to.add(Reify(truth, stated))
            return True
        return False


FUNCTIONS = frozenset({"abs", "mul", "div", "mod", "sqr", "pow", "min", "max", "dist", "if"})
"""Operators that are not linear."""


def _is_truth(expression: Expression) -> bool:
    return isinstance(expression, tuple) and expression[0] not in NUMERIC and expression[0] != "set"
