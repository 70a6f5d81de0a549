"""From FlatZinc statements to a graph: variables, arrays, output and the goal."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod
from typing import NamedTuple

from ...engine.errors import GraphError
from ...engine.graph import ConstraintGraph
from ...engine.objective import Objective
from ...engine.values import Domain, Term, bounds
from ..errors import InputError, excerpt
from .draft import FALSE, Draft
from .syntax import Call, Declaration, Float, Goal, Name, Statement, Value, statements

UNBOUNDED = range(-(2**31), 2**31)
"""The domain of ``var int`` without bounds."""


class Output(NamedTuple):
    """One item of the answer: a variable, or an array with its dimensions; its terms, and whether they are Booleans."""

    name: str
    dimensions: tuple[range, ...] | None
    terms: tuple[Term, ...]
    boolean: bool


class Builder(Draft):
    """Variables and constraints of a graph under construction, with the names of a FlatZinc file.

    Args:
        text: the FlatZinc text.
        state: adds a constraint of a name and arguments to this object.

    Raises:
        InputError: the text is not FlatZinc, or has a part that mull cannot state; with the line.
    """

    def __init__(self, text: str, state: Callable[[Builder, str, list[Value]], None]) -> None:
        super().__init__()
        self.objective: Objective | None = None
        self.output: list[Output] = []
        self._values: dict[str, Value] = {}
        self._declared: list[Declaration] = []
        self._shown: dict[str, str] = {}
        goal = None
        started = False
        for each in statements(text):
            self.line = each.line
            if isinstance(each, Declaration):
                if started or goal:
                    raise InputError(f"{excerpt(each.name)} is declared after the constraints", line=each.line)
                self._declared.append(each)
                continue
            if not started:
                self._declare()
                started, self.line = True, each.line
            if isinstance(each, Statement):
                try:
                    state(self, each.name, each.arguments)
                except GraphError as error:
                    raise InputError(f"{each.name}: {error}", line=each.line, hint=error.hint) from None
            elif goal is not None:
                raise InputError("has a second solve item", line=each.line)
            else:
                goal = each
                self._aim(each)
        if goal is None:
            raise InputError("has no solve item", hint="the file may be truncated")

    def graph(self) -> ConstraintGraph:
        """The graph of the file."""
        return ConstraintGraph(self.domains, self.constraints, self.objective)

    @property
    def auxiliary(self) -> frozenset[str]:
        """The variables that no output item names; none where the file states no output."""
        if not self.output:
            return frozenset(name for name in self.domains if name.startswith(("X_INTRODUCED", FALSE, "#")))
        return frozenset(self.domains) - {term for item in self.output for term in item.terms if isinstance(term, str)}

    # Declarations -----------------------------------------------------------------------------------------------------

    def _declare(self) -> None:
        self._rename()
        for each in self._declared:
            self.line = each.line
            if each.name in self._values:
                raise self.error(f"{excerpt(each.name)} is declared twice")
            if each.type.base == "float" and each.type.variable:
                raise self.error(f"{each.name}: float variables are not supported", "scale to integers")
            if each.type.of_sets and each.type.variable:
                raise self.error(f"{each.name}: set variables are not supported", "model sets by arrays of Booleans")
            if each.type.variable and each.type.length is None:
                self._variable(each)
            elif each.value is None:
                raise self.error(f"{excerpt(each.name)} has no value")
            else:
                self._values[each.name] = self._resolved(each.value)
                if each.type.length is not None and len(self.items(each.value)) != each.type.length:
                    raise self.error(f"{excerpt(each.name)} does not have {each.type.length} elements")
            self._show(each)

    def _rename(self) -> None:
        """Name introduced variables by their place in an array of the output."""
        own = {each.name for each in self._declared if each.type.variable and _has(each, "output_var")}
        for each in self._declared:
            dimensions = _dimensions(each)
            if dimensions is None or not isinstance(each.value, list) or not each.type.variable:
                continue
            for place, item in zip(product(*dimensions), each.value, strict=False):
                if isinstance(item, Name) and item.element is None and item.name not in own:
                    self._shown.setdefault(item.name, f"{each.name}[{','.join(map(str, place))}]")

    def _variable(self, each: Declaration) -> None:
        values = each.type.values
        domain: Domain = (0, 1) if each.type.base == "bool" else UNBOUNDED
        if isinstance(values, range):
            domain = values
        elif values is not None:
            domain = tuple(sorted(values))
        if not domain:
            raise self.error(f"{excerpt(each.name)} has an empty domain")
        name = self._shown.get(each.name, each.name)
        if name in self.domains:
            raise self.error(f"{excerpt(name)} is the name of two variables")
        self._values[each.name] = name
        self.domains[name] = self._domains.setdefault(domain, domain)
        if each.value is not None:
            self.require(self.compare((1,), (name,), "==", self.term(each.value)))

    def _show(self, each: Declaration) -> None:
        dimensions, boolean = _dimensions(each), each.type.base == "bool"
        if dimensions is not None:
            self.output.append(Output(each.name, dimensions, self.terms(Name(each.name)), boolean))
        elif _has(each, "output_var"):
            self.output.append(Output(each.name, None, (self.term(Name(each.name)),), boolean))

    def _aim(self, goal: Goal) -> None:
        if goal.value is not None:
            term = self.term(goal.value)
            terms, constant = ({}, term) if isinstance(term, int) else ({term: 1}, 0)
            self.objective = Objective(terms, constant, maximise=goal.goal == "maximize")

    # Values -----------------------------------------------------------------------------------------------------------

    def _resolved(self, value: Value) -> Value:
        """A value without names of the file: a term, a list of terms, a set."""
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        if isinstance(value, Float):
            return value
        if isinstance(value, Name):
            if value.name not in self._values:
                raise self.error(f"unknown name {excerpt(value.name)}")
            found = self._values[value.name]
            if value.element is None:
                return found
            if not isinstance(found, list) or not 1 <= value.element <= len(found):
                raise self.error(f"{excerpt(value.name)} has no element {value.element}")
            return found[value.element - 1]
        return value

    def term(self, value: Value) -> Term:
        """A variable's name, or an integer; true is 1.

        Raises:
            InputError: it is neither a variable nor an integer.
        """
        found = self._resolved(value)
        if isinstance(found, str | int):
            return found
        raise self.error(f"expected a variable or an integer, found {_kind(found)}")

    def items(self, value: Value) -> list[Value]:
        """The elements of an array.

        Raises:
            InputError: it is not an array.
        """
        found = self._resolved(value)
        if isinstance(found, list):
            return found
        raise self.error(f"expected an array, found {_kind(found)}")

    def terms(self, value: Value) -> tuple[Term, ...]:
        """The elements of an array of variables and integers."""
        return tuple(self.term(each) if not isinstance(each, str | int) else each for each in self.items(value))

    def integer(self, value: Value) -> int:
        """An integer; a variable with one value counts as one.

        Raises:
            InputError: it is not an integer.
        """
        found = self.term(value)
        if isinstance(found, int):
            return found
        if len(self.domains[found]) == 1:
            return bounds(self.domains[found])[0]
        raise self.error(f"expected an integer, found the variable {excerpt(found)}")

    def integers(self, value: Value) -> tuple[int, ...]:
        """The elements of an array of integers."""
        return tuple(self.integer(each) if isinstance(each, str) else self._number(each) for each in self.items(value))

    def _number(self, value: Value) -> int:
        if isinstance(value, int):
            return int(value)
        raise self.error(f"expected an integer, found {_kind(value)}")

    def values(self, value: Value) -> range | frozenset[int]:
        """A set of integers.

        Raises:
            InputError: it is not a set of integers.
        """
        found = self._resolved(value)
        if isinstance(found, range | frozenset):
            return found
        raise self.error(f"expected a set, found {_kind(found)}")


def _has(declaration: Declaration, name: str) -> bool:
    return any(isinstance(each, Name) and each.name == name for each in declaration.annotations)


def _dimensions(declaration: Declaration) -> tuple[range, ...] | None:
    """The dimensions of an array of the output; None of anything else.

    Raises:
        InputError: the dimensions do not fit the array's length.
    """
    length = declaration.type.length
    for each in declaration.annotations:
        if isinstance(each, Call) and each.name == "output_array" and len(each.arguments) == 1 and length is not None:
            (sets,) = each.arguments
            ranges = [one for one in sets if isinstance(one, range)] if isinstance(sets, list) else []
            if not ranges or len(ranges) < len(sets):  # type: ignore[arg-type]
                return (range(1, length + 1),)  # indices that are no interval
            if prod(one.stop - one.start for one in ranges) != length:
                message = f"output_array of {excerpt(declaration.name)} does not have {length} elements"
                raise InputError(message, line=declaration.line)
            return tuple(ranges)
    return None


def _kind(value: Value) -> str:
    if isinstance(value, Float):
        return f"the number {value.text}"
    if isinstance(value, range | frozenset):
        return "a set"
    return "an array" if isinstance(value, list) else "a text"
