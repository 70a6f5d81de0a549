"""The constraint kinds, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..graph import GraphError
from .all_different import AllDifferent
from .base import Constraint, Factor, LiteralGroup
from .clause import Clause
from .compare import Compare
from .count import Count
from .linear import Linear
from .table import Table
from .xor import Xor

__all__ = [
    "KINDS",
    "AllDifferent",
    "Clause",
    "Compare",
    "Constraint",
    "Count",
    "Factor",
    "Linear",
    "LiteralGroup",
    "Table",
    "Xor",
    "from_json",
    "register",
]

KINDS: dict[str, type[Constraint]] = {}


def register(kind: type[Constraint]) -> type[Constraint]:
    """Make a kind known to ``from_json`` under its class name; usable as a decorator.

    Raises:
        GraphError: another class has that name.
    """
    if KINDS.setdefault(kind.__name__, kind) is not kind:
        raise GraphError(f"constraint kind {kind.__name__} is already registered")
    return kind


for _kind in (AllDifferent, Clause, Compare, Count, Linear, Table, Xor):
    register(_kind)


def from_json(data: Any) -> Constraint:
    """The constraint a JSON object describes.

    Raises:
        GraphError: no object, an unknown kind, missing or malformed fields.
    """
    if not isinstance(data, Mapping):
        raise GraphError(f"a constraint is an object, not {data!r}")
    kind = KINDS.get(data.get("kind", ""))
    if kind is None:
        raise GraphError(f"unknown constraint kind {data.get('kind')!r} (known: {', '.join(sorted(KINDS))})")
    try:
        return kind.from_json(data)
    except GraphError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GraphError(f"{data['kind']}: missing or malformed field ({error})") from error
