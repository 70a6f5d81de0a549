"""A constraint graph under construction by a reader: functions of terms, tables, and the finished problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...engine.constraints import MDD, Abs, AllDifferent, Division, Maximum, Minimum, Modulo, Power, Product, Table
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.objective import Objective
from ...engine.problem import Problem, Source
from ...engine.values import LARGEST, Term, Value
from ..errors import InputError
from ..family import Family
from .forms import Forms, Sum
from .starred import Diagram, Row, diagram


class Builder(Forms):
    """A constraint graph under construction; as ``Forms``, with functions of terms and tables."""

    def __init__(self) -> None:
        super().__init__()
        self._diagrams: dict[tuple[object, ...], Diagram | None] = {}
        self._split: dict[int, tuple[Sequence[Row], dict[tuple[int, ...], list[tuple[int, ...]]]]] = {}

    # Functions --------------------------------------------------------------------------------------------------------

    def product(self, factors: Sequence[Term], value: Term | None = None) -> Term:
        """A term for the product of terms.

        Args:
            factors: the terms.
            value: the term to use, or None for a new one.
        """
        ranges = [self.bounds(factor) for factor in factors]
        low, high = 1, 1
        for least, most in ranges:
            ends = (low * least, low * most, high * least, high * most)
            low, high = min(ends), max(ends)
        if len(factors) == 2 and factors[0] == factors[1]:  # a square
            low = max(0, low)
        return self._valued(low, high, value, lambda to: Product(tuple(factors), to))

    def extreme(self, items: Sequence[Term], largest: bool, value: Term | None = None) -> Term:
        """A term for the minimum or the maximum of terms.

        Args:
            items: at least one term.
            largest: whether the maximum is meant.
            value: the term to use, or None for a new one.
        """
        lows, highs = zip(*map(self.bounds, items), strict=True)
        pick = max if largest else min
        kind = Maximum if largest else Minimum
        return self._valued(pick(lows), pick(highs), value, lambda to: kind(tuple(items), to))

    def absolute(self, item: Term, value: Term | None = None) -> Term:
        """A term for the absolute value of a term.

        Args:
            item: the term.
            value: the term to use, or None for a new one.
        """
        low, high = self.bounds(item)
        least = 0 if low <= 0 <= high else min(abs(low), abs(high))
        return self._valued(least, max(abs(low), abs(high)), value, lambda to: Abs(item, to))

    def arithmetic(self, op: str, left: Term, right: Term, value: Term | None = None) -> Term:
        """A term for a quotient, a remainder or a power of two terms.

        Args:
            op: ``div``, ``mod`` or ``pow``.
            left: dividend or base.
            right: divisor or exponent.
            value: the term to use, or None for a new one.

        Raises:
            InputError: a value may exceed 2^60.
        """
        low, high = self.bounds(left)
        least, most = self.bounds(right)
        largest = max(abs(low), abs(high))
        if op == "pow":
            exponents = {max(least, 0), max(most, 0), max(most - 1, 0)}
            if max(exponents) > 64 and largest > 1:
                raise InputError("a power may exceed 2^60", hint="use smaller domains")
            ends = [base**e for base in (low, high, 0, 1) if low <= base <= high for e in exponents] or [0]
            return self._valued(min(ends), max(ends), value, lambda to: Power(left, right, to))
        if op == "mod":
            largest = min(largest, max(abs(least), abs(most)) - 1)
            ends = [-largest if low < 0 else 0, largest if high > 0 else 0]
            return self._valued(min(ends), max(ends), value, lambda to: Modulo(left, right, to))
        if least <= 0 <= most:  # divisors 1 and -1 give the extremes
            ends = [-largest, largest] if least < 0 else [min(low, 0), max(high, 0)]
        else:
            ends = [abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) for a in (low, high) for b in (least, most)]
        return self._valued(min(ends), max(ends), value, lambda to: Division(left, right, to))

    def _valued(self, low: int, high: int, value: Term | None, kind: Callable[[Term], Constraint]) -> Term:
        target = self.new(low, high) if value is None else value
        self.add(kind(target))
        return target

    def all_different(self, terms: Sequence[Term], exempt: Sequence[int] = ()) -> None:
        """Add AllDifferent over terms.

        Args:
            terms: variables and numbers.
            exempt: values that may repeat.
        """
        if not exempt and len(set(terms)) < len(terms):
            self.add(False)
        elif len(terms) > 1:
            self.add(AllDifferent(self.distinct(terms), tuple(exempt)))

    # Tables -----------------------------------------------------------------------------------------------------------

    def table(self, terms: Sequence[Term], rows: Sequence[tuple[int | None, ...]], allowed: bool) -> None:
        """Add a table whose rows may have None for any value.

        Args:
            terms: the columns.
            rows: the tuples.
            allowed: whether the rows are the allowed or the forbidden ones.
        """
        scope = self.distinct(terms)
        patterns = self._patterns(rows)
        if () in patterns:
            self.add(allowed)
            if not allowed:
                return
        if not allowed or len(patterns) == 1:
            for columns, listed in patterns.items():
                if columns:
                    self.add(Table(tuple(scope[k] for k in columns), tuple(listed), allowed))
            return
        if () in patterns:
            return
        if not patterns:
            self.add(False)
            return
        found = self._diagram(terms, rows)
        if found is not None:
            self.add(MDD(tuple(terms), found.arcs, 0, found.accepting) if found.arcs else False)
            return
        # One truth for each row: it holds exactly where the row matches, so that it follows from the columns.
        self.add_clause(
            self.truth(self.all_of([self.literal(scope[k], value) for k, value in zip(columns, values, strict=True)]))
            for columns, listed in patterns.items()
            for values in listed
        )

    def _patterns(self, rows: Sequence[Row]) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
        """The columns without ``*`` of rows -> the values there of all rows that have these columns."""
        if id(rows) not in self._split:
            patterns: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
            for row in rows:
                if None in row:
                    columns = tuple([k for k, value in enumerate(row) if value is not None])
                    patterns.setdefault(columns, []).append(tuple([value for value in row if value is not None]))
                else:
                    patterns.setdefault(tuple(range(len(row))), []).append(row)  # type: ignore[arg-type]
            # The rows are stored as well, so that no other list gets their identity.
            self._split[id(rows)] = rows, patterns
        return self._split[id(rows)][1]

    def _diagram(self, terms: Sequence[Term], rows: Sequence[Row]) -> Diagram | None:
        """The decision diagram of a table. Tables with the same rows and domains share one."""
        domains = [(term,) if isinstance(term, int) else self.domains[term] for term in terms]
        key = (id(rows), *domains)
        if key not in self._diagrams:
            self._diagrams[key] = diagram(rows, domains)
        return self._diagrams[key]

    # The result -------------------------------------------------------------------------------------------------------

    def lexicographic(self, forms: Sequence[Sum]) -> Sum:
        """One linear form whose minimum is the lexicographic minimum of several.

        Args:
            forms: linear forms, the most important first.

        Raises:
            InputError: the weights exceed 2^60.
        """
        total: Sum = ({}, 0)
        weight = 1
        for form in reversed(forms):
            total = self.sum(((weight, form), (1, total)))
            low, high = self.range_of(form)
            weight *= high - low + 1
            if weight > LARGEST:
                raise InputError("the ranges of the lexicographic objectives exceed 2^60", hint="use smaller domains")
        return total

    def problem(self, family: str, path: str, objective: Sum | None = None, maximise: bool = False) -> Problem:
        """The finished problem.

        Args:
            family: the name of the family.
            path: of the file.
            objective: the linear form to optimise, or None.
            maximise: whether the objective is maximised.
        """
        goal = Objective(objective[0], objective[1], maximise) if objective is not None else None
        graph = ConstraintGraph(self.domains, self.constraints, goal)
        return Problem(graph, family=family, source=Source(path), auxiliary=frozenset(self.auxiliary))


class ModelFamily(Family):
    """A family whose problems a ``Builder`` makes: its drawing hides auxiliary variables."""

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return super().draw({name: value for name, value in assignment.items() if not name.startswith("_")})
