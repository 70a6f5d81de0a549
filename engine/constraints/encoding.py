"""Functions that several kinds share: they read domains and look up parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import GraphError
from ..values import Domain, Value

if TYPE_CHECKING:
    from torch import Tensor

    from .base import Constraint


def numbers(domain: Domain, name: str, kind: str) -> list[int]:
    """The domain of one variable as integers.

    Args:
        domain: the values.
        name: the variable, for the message.
        kind: the constraint's kind, for the message.

    Raises:
        GraphError: the domain contains a string.
    """
    require_integers(domain, name, kind)
    return [int(value) for value in domain]


def require_integers(domain: Domain, name: str, kind: str) -> None:
    """Refuse a domain that contains a string.

    Args:
        domain: the values.
        name: the variable, for the message.
        kind: the constraint's kind, for the message.

    Raises:
        GraphError: the domain contains a string.
    """
    if isinstance(domain, range) or _NUMERIC.get(id(domain)) is domain:
        return
    if not all(isinstance(value, int) for value in domain):
        raise GraphError(f"{kind}: the domain of {name!r} is not numeric", "use integers as values")
    if isinstance(domain, tuple):  # a list might change
        if len(_NUMERIC) >= MOST_NUMERIC:
            _NUMERIC.clear()
        _NUMERIC[id(domain)] = domain


MOST_NUMERIC = 1024
_NUMERIC: dict[int, Domain] = {}
"""Domains that were found numeric, by identity: most graphs share one among all variables, and checking 100 values for
each term took half the time of building a graph."""


def validate_literals(
    constraint: Constraint, literals: Iterable[tuple[str, Value]], domains: Mapping[str, Domain]
) -> None:
    """Refuse a literal whose value is not in the domain of its variable.

    Args:
        constraint: the constraint, for the message.
        literals: (variable, value) pairs.
        domains: variable name -> domain.

    Raises:
        GraphError: with the value and the variable.
    """
    for name, value in literals:
        if value not in domains[name]:
            raise GraphError(f"{constraint.describe()}: {value!r} is outside the domain of {name!r}")


def membership(wanted: Sequence[Sequence[Value]], domains: Sequence[Domain], arity: int, size: int) -> np.ndarray:
    """Which literals of a scope take one of the wanted values.

    Args:
        wanted: the wanted values of each scope variable, in scope order.
        domains: the domain of each scope variable, in scope order.
        arity: K, the scope length to pad to.
        size: D, the domain length to pad to.

    Returns:
        [K, D] bool, False in padding.
    """
    member = np.zeros((arity, size), dtype=bool)
    for k, (values, domain) in enumerate(zip(wanted, domains, strict=True)):
        member[k, : len(domain)] = [value in values for value in domain]
    return member


def pick(table: Tensor, values: Tensor) -> Tensor:
    """The entry of each table row at a domain index.

    Args:
        table: [..., D].
        values: [...] int64 domain indices; the leading axes of both broadcast.

    Returns:
        [...] of the dtype of ``table``.
    """
    # PyTorch's function of this name imports sympy at its first call, which takes a third of a second.
    shape = np.broadcast_shapes(values.shape, table.shape[:-1])
    return table.expand(*shape, -1).gather(-1, values.expand(shape)[..., None])[..., 0]
