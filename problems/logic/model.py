"""The constraint graph of a logic grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product

from ...engine.constraints import AllDifferent, Compare, Table
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.values import Domain
from .items import Categories, Item
from .statements import Different, Extreme, OneOf, Order, Pairing, Same, Statement

SEPARATOR = ": "
"""Between category and item in the name of a variable."""
DERIVED = "@"
"""The first character of the names of variables that follow from others: the number that an item stands beside."""


def name(categories: Categories, item: Item) -> str:
    """The variable of an item: ``category: item``. Its value is the row, from 1.

    Args:
        categories: of the puzzle.
        item: of one of them.
    """
    return f"{categories.names[item[0]]}: {categories.items[item[0]][item[1]]}"


def template(categories: Categories, statements: Sequence[tuple[str, Statement]]) -> ConstraintGraph:
    """The constraint graph of a puzzle.

    Each item has a variable, its row. The items of the first category have their rows fixed.

    Args:
        categories: of the puzzle.
        statements: each with the name of its clue.
    """
    return _Model(categories).graph(statements)


class _Model:
    """The graph under construction. Mutable, private."""

    def __init__(self, categories: Categories) -> None:
        self.categories = categories
        rows = tuple(range(1, categories.rows + 1))
        self.rows = rows
        self.domains: dict[str, Domain] = {}
        for c, items in enumerate(categories.items):
            for i in range(len(items)):
                self.domains[self.name((c, i))] = (i + 1,) if c == 0 else rows
        self.constraints: list[Constraint] = [
            AllDifferent(tuple(self.name((c, i)) for i in range(len(items))))
            for c, items in enumerate(categories.items)
            if c
        ]
        self.placed: dict[tuple[Item, int], str] = {}

    def name(self, item: Item) -> str:
        return name(self.categories, item)

    def graph(self, statements: Sequence[tuple[str, Statement]]) -> ConstraintGraph:
        for clue, statement in statements:
            self.constraints += [each.named(clue) for each in self._of(statement)]
        return ConstraintGraph(self.domains, self.constraints)

    def _of(self, statement: Statement) -> Iterator[Constraint]:
        match statement:
            case Same(left, right, equal):
                yield Compare(self.name(left), "=" if equal else "!=", self.name(right))
            case Different(items):
                yield AllDifferent(tuple(map(self.name, items)))
            case OneOf(item, options):
                scope = [item, *options]
                yield from self._table(scope, lambda rows: rows[1:].count(rows[0]) == 1)
            case Pairing(items, ((first, is_first), (second, is_second))):
                scope = [*items, first, second]

                def paired(rows: Sequence[int]) -> bool:
                    a, b, p, q = rows
                    straight = (a == p) is is_first and (b == q) is is_second
                    crossed = (b == p) is is_first and (a == q) is is_second
                    return a != b and (straight or crossed)

                yield from self._table(scope, paired)
            case Order(left, right, category, op, difference):
                yield from self._order(left, right, category, op, difference)
            case Extreme(item, category, largest, holds):
                numbers = self._numbers(category)
                extreme = (max if largest else min)(numbers)
                allowed = [(i + 1,) for i, number in enumerate(numbers) if (number == extreme) is holds]
                yield Table((self._place(item, category),), tuple(allowed))

    def _order(self, left: Item, right: Item, category: int, op: str, difference: Fraction) -> Iterator[Constraint]:
        numbers = self._numbers(category)
        test: dict[str, Callable[[Fraction], bool]] = {
            ">": lambda gap: gap > difference,
            "<": lambda gap: gap < difference,
            ">=": lambda gap: gap >= difference,
            "<=": lambda gap: gap <= difference,
            "=": lambda gap: gap == difference,
        }
        rows = range(len(numbers))
        allowed = [(i + 1, j + 1) for i, j in product(rows, rows) if test[op](numbers[i] - numbers[j])]
        yield Table((self._place(left, category), self._place(right, category)), tuple(allowed))

    def _numbers(self, category: int) -> tuple[Fraction, ...]:
        scale = self.categories.scales[category]
        assert scale is not None  # the grammar compares on scales only
        return scale.numbers

    def _place(self, item: Item, category: int) -> str:
        """The variable with the position, from 1, of the item of a category that stands in the row of an item."""
        if category == 0:
            return self.name(item)
        key = (item, category)
        if key not in self.placed:
            self.placed[key] = place = f"{DERIVED}{self.categories.names[category]}, {self.name(item)}"
            if item[0] == category:
                self.domains[place] = (item[1] + 1,)
                return place
            self.domains[place] = self.rows
            for i in range(self.categories.rows):
                other = self.name((category, i))
                triples = [t for t in product(self.rows, repeat=3) if (t[0] == t[1]) is (t[2] == i + 1)]
                self.constraints.append(Table((self.name(item), other, place), tuple(triples)))
        return self.placed[key]

    def _table(self, items: Sequence[Item], holds: Callable[[Sequence[int]], bool]) -> Iterator[Constraint]:
        """The rows of some items that satisfy a test; an item that occurs twice has one row."""
        distinct = list(dict.fromkeys(items))
        place = [distinct.index(item) for item in items]
        choices = [self.domains[self.name(item)] for item in distinct]
        allowed = [rows for rows in product(*choices) if holds([int(rows[p]) for p in place])]
        yield Table(tuple(map(self.name, distinct)), tuple(allowed))
