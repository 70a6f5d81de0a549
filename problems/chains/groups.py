"""Finite groups as permutations: their elements, the elements' names, and the multiplication table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import permutations

from ..errors import InputError, excerpt

Permutation = tuple[int, ...]
"""The images of 0, 1, 2, ..."""

LARGEST_ORDER = 120
"""Most elements of a group: the table of one step then has 14,400 rows."""
HINT = "groups are S2 to S5, A3 to A5, Z2 to Z120 and D3 to D60, e.g. A5"


@dataclass(frozen=True)
class Group:
    """A finite group, the identity first.

    Args:
        name: such as ``A5``.
        elements: the permutations, all of one degree; closed under composition.
        names: of the elements, as they are typed and shown.
    """

    name: str
    elements: tuple[Permutation, ...]
    names: tuple[str, ...]

    @property
    def order(self) -> int:
        """How many elements there are."""
        return len(self.elements)

    @cached_property
    def product(self) -> tuple[tuple[int, ...], ...]:
        """``product[a][b]``: the number of the element that applies a first, then b."""
        number = {element: k for k, element in enumerate(self.elements)}
        return tuple(tuple(number[tuple(b[i] for i in a)] for b in self.elements) for a in self.elements)

    @cached_property
    def rows(self) -> tuple[tuple[int, int, int], ...]:
        """All (a, b, a·b): the tuples of a ``Table``."""
        return tuple((a, b, c) for a, row in enumerate(self.product) for b, c in enumerate(row))

    @cached_property
    def number(self) -> dict[str, int]:
        """The numbers of the elements by name."""
        return {name: k for k, name in enumerate(self.names)}

    def word(self, elements: Sequence[int]) -> list[int]:
        """The states after each element, from the identity: the products of the first 1, 2, ... elements."""
        state, states = 0, []
        for element in elements:
            state = self.product[state][element]
            states.append(state)
        return states


@lru_cache(maxsize=32)
def group(name: str) -> Group:
    """The group of a name: ``S4`` and ``A5`` of all and of the even permutations, ``Z60`` cyclic, ``D4`` of a polygon.

    Raises:
        InputError: no group has the name.
    """
    letter, digits = name[:1].upper(), name[1:]
    if letter in _MAKERS and digits.isascii() and digits.isdigit() and len(digits) < 4:
        least, most, make = _MAKERS[letter]
        if least <= int(digits) <= most:
            return make(int(digits))
    raise InputError(f"unknown group {excerpt(name)}", hint=HINT)


def cycles(permutation: Permutation) -> str:
    """A permutation of up to nine points as its cycles, ``(123)(45)``; ``e`` for the identity.

    Args:
        permutation: images of 0, 1, ...; shown from 1.
    """
    seen: set[int] = set()
    found = []
    for first in range(len(permutation)):
        cycle = []
        at = first
        while at not in seen:
            seen.add(at)
            cycle.append(str(at + 1))
            at = permutation[at]
        if len(cycle) > 1:
            found.append(f"({''.join(cycle)})")
    return "".join(found) or "e"


def _symmetric(n: int) -> Group:
    elements = tuple(permutations(range(n)))
    return Group(f"S{n}", elements, tuple(map(cycles, elements)))


def _alternating(n: int) -> Group:
    elements = tuple(p for p in permutations(range(n)) if _even(p))
    return Group(f"A{n}", elements, tuple(map(cycles, elements)))


def _cyclic(n: int) -> Group:
    return Group(f"Z{n}", tuple(_turned(n, k, 1) for k in range(n)), tuple(map(str, range(n))))


def _dihedral(n: int) -> Group:
    elements = tuple(_turned(n, k, sign) for sign in (1, -1) for k in range(n))
    return Group(f"D{n}", elements, tuple(f"{letter}{k}" for letter in "rs" for k in range(n)))


def _turned(n: int, k: int, sign: int) -> Permutation:
    """The rotation by k of a polygon of n corners; for sign -1 after a reflection."""
    return tuple((k + sign * i) % n for i in range(n))


def _even(permutation: Permutation) -> bool:
    inversions = sum(a > b for j, b in enumerate(permutation) for a in permutation[:j])
    return inversions % 2 == 0


_MAKERS: dict[str, tuple[int, int, Callable[[int], Group]]] = {
    "S": (2, 5, _symmetric),
    "A": (3, 5, _alternating),
    "Z": (2, LARGEST_ORDER, _cyclic),
    "D": (3, LARGEST_ORDER // 2, _dihedral),
}
"""Letter -> least and largest number, and the function that makes the group."""
