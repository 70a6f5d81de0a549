"""Parts of the kinds that count: membership in a set of values, the number of distinct values, and their base."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..lazy import torch
from ..values import Domain, Term
from .move_arithmetic import is_listed
from .move_form import Ints, counter, specialised
from .term_moves import OWN, Begin, PlaceFunctions, Put, by_place, term_bounds
from .terms import TermConstraint

if TYPE_CHECKING:
    from ortools.sat.python import cp_model
    from torch import Tensor

    from ..posting import Posting


class Counting(TermConstraint):
    """A number that is a sum of literals equals the term in the last field of ``of``. A subclass implements ``total``."""

    @abstractmethod
    def total(self, to: Posting) -> cp_model.LinearExprT:
        """The number, as a sum of literals of a CP-SAT model."""

    def post(self, to: Posting) -> None:
        to.model.add(self.total(to) == to.term(getattr(self, self.of[-1])))

    def post_negation(self, to: Posting) -> None:
        to.model.add(self.total(to) != to.term(getattr(self, self.of[-1])))


def listed(values: Collection[int]) -> np.ndarray:
    """A set of values as an array, for ``is_one_of``."""
    return np.array(sorted(values), dtype=np.int64)


def is_one_of(terms: Tensor, values: Tensor) -> Tensor:
    """Which terms have one of some values.

    Args:
        terms: [..., n] int64.
        values: [..., m] int64; the leading axes of both broadcast.

    Returns:
        [..., n] bool.
    """
    return (terms[..., None] == values[..., None, :]).any(-1)


def runs(items: Tensor, exempt: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The items in increasing order, with what the counts of distinct values need.

    Args:
        items: [..., n] int64.
        exempt: [..., m] int64, the values that do not count.

    Returns:
        [..., n] bool, which sorted items count; [..., n] bool, which of those are the first of their value; [..., n]
            int64, how many equal items come no later in the order.
    """
    ordered = items.sort(-1).values
    counts = ~is_one_of(ordered, exempt).expand(ordered.shape)
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    place = torch.arange(ordered.shape[-1], device=items.device)
    start = torch.where(new, place, 0).cummax(-1).values
    return counts, new & counts, place - start + 1


def distinct(to: Posting, items: Sequence[Term], exempt: Collection[int]) -> cp_model.LinearExprT:
    """The number of distinct values of some terms, without the exempt values, as a sum of literals.

    The sum is over the values of the terms, or over the terms where these are fewer than a few values each.

    Args:
        to: the model under construction.
        items: the terms.
        exempt: the values that do not count.
    """
    domains: list[Domain] = [(each,) if isinstance(each, int) else to.domains[each] for each in items]
    if sum(map(len, domains)) <= max(64, len(items) ** 2):
        values = sorted({int(value) for domain in domains for value in domain if value not in exempt})
        return sum(to.any_of([to.literal(item, value) for item in items]) for value in values)
    first = []  # of each item: no earlier item has its value, and its value counts
    for i, item in enumerate(items):
        same = [to.equal(item, other) for other in items[:i]]
        first.append(to.opposite(to.any_of([*same, to.member(item, exempt)])))
    return sum(first)


# Move forms. The memory after the terms begins with the number minus the last term.


def value_counts(
    items: Sequence[Term], exempt: Collection[int], domains: Mapping[str, Domain]
) -> tuple[list[int], int]:
    """The layout of counts by value, where some values are exempt.

    Args:
        items: the terms that are counted.
        exempt: the exempt values.
        domains: variable name -> domain.

    Returns:
        The parameters for ``move_arithmetic.count``, then those for ``is_exempt``; the number of int64 of memory.
    """
    layout, cells = counter(*term_bounds(domains, items), len(items))
    return [*layout, len(set(exempt)), *sorted(set(exempt))], cells


def is_exempt(params: Ints, value: int) -> bool:
    """Whether a value is exempt; see ``value_counts``.

    Args:
        params: with the layout from ``OWN`` on.
        value: the value.
    """
    return is_listed(params, OWN + 3, params[OWN + 2], value)


def by_difference(
    name: str, begin: Begin, more: Put, keep: Put | None = None, suggest: Put | None = None
) -> PlaceFunctions:
    """The functions of a kind whose degree is the distance of a number from its last term.

    Args:
        name: of the kind.
        begin: see ``by_place``.
        more: returns by how much the number grows when an item changes.
        keep: updates the memory after that number; it returns 0.
        suggest: for an item, see ``by_place``.
    """
    rise = specialised(_rise, f"{name}.rise", _more=more)  # type: ignore[arg-type]
    put = specialised(_put, f"{name}.put", _rise=rise, _keep=keep or _nothing)  # type: ignore[arg-type]
    peek = specialised(_peek, f"{name}.peek", _rise=rise)  # type: ignore[arg-type]
    hint = specialised(_suggest, f"{name}.hint", _item=suggest or _present)  # type: ignore[arg-type]
    return by_place(name, begin, peek, put, hint)  # type: ignore[arg-type]


def _nothing(params: Ints, memory: Ints, place: int, new: int) -> int:
    return 0


def _present(params: Ints, memory: Ints, place: int, new: int) -> int:
    return memory[place]


_more = _keep = _item = _nothing  # ``by_difference`` replaces them


def _rise(params: Ints, memory: Ints, place: int, new: int) -> int:
    return memory[place] - new if place == params[0] - 1 else _more(params, memory, place, new)


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    difference = memory[params[0]]
    return abs(difference + _rise(params, memory, place, new)) - abs(difference)


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    difference = memory[params[0]]
    after = difference + _rise(params, memory, place, new)
    memory[params[0]] = after
    if place < params[0] - 1:
        _keep(params, memory, place, new)
    memory[place] = new
    return abs(after) - abs(difference)


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """The count, or what the kind suggests for an item."""
    if place == params[0] - 1:
        return memory[place] + memory[params[0]]
    return _item(params, memory, place, new)
