"""What a clue says: statements about items of the puzzle."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from .items import Item


@dataclass(frozen=True)
class Same:
    """Two items stand in one row, or in different rows.

    Args:
        left, right: the items.
        equal: whether they stand in one row.
    """

    left: Item
    right: Item
    equal: bool = True


@dataclass(frozen=True)
class OneOf:
    """An item stands in the row of exactly one of several others.

    Args:
        item: that has one of the others.
        options: the others.
    """

    item: Item
    options: tuple[Item, ...]


@dataclass(frozen=True)
class Pairing:
    """Of two items in different rows, one has the first property and the other the second.

    Args:
        items: the two items.
        properties: for each of the two properties an item, and whether it holds or not.
    """

    items: tuple[Item, Item]
    properties: tuple[tuple[Item, bool], tuple[Item, bool]]


@dataclass(frozen=True)
class Different:
    """All items stand in different rows.

    Args:
        items: at least two.
    """

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Order:
    """The number of one row compared with the number of another: ``left - right op difference``.

    Args:
        left, right: items of the two rows.
        category: whose numbers are compared.
        op: ``>``, ``<``, ``>=``, ``<=`` or ``=``.
        difference: on the scale of the category.
    """

    left: Item
    right: Item
    category: int
    op: str
    difference: Fraction = Fraction(0)


@dataclass(frozen=True)
class Extreme:
    """The row of an item has the largest or the smallest number.

    Args:
        item: of the row.
        category: whose numbers are compared.
        largest: or smallest.
        holds: whether it is so, or not.
    """

    item: Item
    category: int
    largest: bool
    holds: bool = True


Statement: TypeAlias = Same | OneOf | Pairing | Different | Order | Extreme
