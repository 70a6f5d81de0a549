"""The constraint kinds, by name: mull's own, those of installed packages, and what a program registers itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..graph import GraphError
from ..registry import CONSTRAINTS, PluginError, entries, load, pick
from .all_different import AllDifferent
from .base import Constraint, LiteralGroup
from .clause import Clause
from .compare import Compare
from .count import Count
from .factor import Factor
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
"""Those in use, by class name; a kind of another package is added when a graph first names it."""


def register(kind: type[Constraint]) -> type[Constraint]:
    """Make a kind known to ``from_json`` under its class name, in this process; usable as a decorator.

    A package that brings kinds names them as entry points of ``mull.constraints`` instead.

    Raises:
        GraphError: another class has that name.
    """
    if KINDS.setdefault(kind.__name__, kind) is not kind:
        raise GraphError(f"constraint kind {kind.__name__} is already registered")
    return kind


def from_json(data: Any) -> Constraint:
    """The constraint a JSON object describes.

    Raises:
        GraphError: no object, an unknown or broken kind, missing or malformed fields.
    """
    if not isinstance(data, Mapping):
        raise GraphError(f"a constraint is an object, not {data!r}")
    kind = _kind(data.get("kind"))
    try:
        return kind.from_json(data)
    except GraphError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GraphError(f"{data['kind']}: missing or malformed field ({error})") from error


def _kind(name: Any) -> type[Constraint]:
    if not isinstance(name, str):
        raise GraphError(f'a constraint has a "kind", not {name!r}')
    if name not in KINDS:
        known = entries(CONSTRAINTS)
        if name not in {entry.name for entry in known}:
            names = sorted({*KINDS, *(entry.name for entry in known)})
            raise GraphError(f"unknown constraint kind {name!r} (known: {', '.join(names)})")
        try:
            KINDS[name] = load(pick(CONSTRAINTS, name, known), Constraint, "__name__")
        except PluginError as error:
            raise GraphError(f"{error} ({error.hint})") from error
    return KINDS[name]


def _own() -> None:
    """mull's own, through the door that others use; a name that another package claims too waits to be asked for."""
    found = entries(CONSTRAINTS)
    names = [entry.name for entry in found]
    for entry in found:
        if entry.built_in and names.count(entry.name) == 1:
            register(load(entry, Constraint, "__name__"))


_own()
