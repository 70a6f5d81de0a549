"""The constraint kinds by name: from mull, from installed packages, and registered by the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from ..errors import GraphError
from ..registry import CONSTRAINTS, PluginError, entries, find_entry, load_entry
from ..values import brief, refuse_unknown
from .base import Constraint

KINDS: dict[str, type[Constraint]] = {}
"""Class name -> kind, for the kinds in use. A kind is added when a graph first names it; mull's own all together, when
``mull.engine.constraints.KINDS`` is read or a program registers a kind."""


def register(kind: type[Constraint]) -> type[Constraint]:
    """Register a kind under its class name, so that ``from_json`` reads it in this process. Usable as a decorator.

    A package names its kinds as entry points of ``mull.constraints`` instead.

    Args:
        kind: the class.

    Returns:
        The class.

    Raises:
        GraphError: another class has that name.
    """
    load_own()  # so that their names are known
    return _added(kind)


def _added(kind: type[Constraint]) -> type[Constraint]:
    if KINDS.setdefault(kind.__name__, kind) is not kind:
        raise GraphError(f"constraint kind {kind.__name__} is already registered")
    return kind


def from_json(data: Any) -> Constraint:
    """The constraint that a JSON object describes.

    Args:
        data: an object with ``kind``, the kind's own keys, and maybe ``name`` and ``comment``.

    Raises:
        GraphError: the data is not an object, the kind is unknown or cannot be loaded, or a key is missing, unknown or
            not valid.

    Example:
        >>> import mull.engine.constraints
        >>> from_json({"kind": "Compare", "left": "a", "op": "<", "right": "b"})
        Compare(left='a', op='<', right='b', offset=0)
    """
    if not isinstance(data, Mapping):
        raise GraphError(
            f"a constraint is an object, not {brief(data)}", 'write {"kind": "AllDifferent", "scope": [...]}'
        )
    kind = _kind(data.get("kind"))
    own = kind.keys or ()
    if isinstance(data.get("scope"), str):
        raise GraphError(
            f"{kind.__name__}: the scope is a list, not {brief(data['scope'])}", 'write "scope": ["a", "b"]'
        )
    labels = {key: data[key] for key in LABELS if key in data and key not in own}  # a kind may have its own "name"
    fields = {key: item for key, item in data.items() if key not in labels}
    if kind.keys is not None:
        refuse_unknown(fields, ("kind", *own, *LABELS), kind.__name__)
    try:
        made = kind.from_json(fields)
        if kind.keys is None:
            known = dict.fromkeys(("kind", *made.to_json(), *(f.name for f in _fields(kind)), *LABELS))
            refuse_unknown(fields, known, kind.__name__)
        return made.named(**labels) if labels else made
    except GraphError:
        raise
    except KeyError as error:
        raise GraphError(f"{kind.__name__}: the key {error} is missing", f"its keys are {', '.join(own)}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise GraphError(f"{kind.__name__}: malformed field ({error})") from error


LABELS = ("name", "comment")
"""The keys that every constraint may have besides its own."""


def _fields(kind: type[Constraint]) -> tuple[Any, ...]:
    return fields_of(kind) if is_dataclass(kind) else ()


def _kind(name: Any) -> type[Constraint]:
    """The class of a kind, loaded where it is not in use yet."""
    if not isinstance(name, str):
        raise GraphError(f'a constraint has a "kind", not {brief(name)}', 'write "kind": "AllDifferent"')
    if name not in KINDS:
        known = entries(CONSTRAINTS)
        if name not in {entry.name for entry in known}:
            names = sorted({*KINDS, *(entry.name for entry in known)})
            close = get_close_matches(name, names, 1, 0.5)
            hint = f'did you mean "{close[0]}"?' if close else f"the kinds are {', '.join(names)}"
            raise GraphError(f"unknown constraint kind {brief(name)}", hint)
        try:
            KINDS[name] = load_entry(find_entry(CONSTRAINTS, name, known), Constraint, "__name__")
        except PluginError as error:
            raise GraphError(f"{error} ({error.hint})") from error
    return KINDS[name]


@cache
def load_own() -> None:
    """Register mull's own kinds, once, from the same registry as those of other packages.

    A name that another package claims too is skipped. ``from_json`` refuses it when a graph names it.
    """
    found = entries(CONSTRAINTS)
    names = [entry.name for entry in found]
    for entry in found:
        if entry.built_in and names.count(entry.name) == 1:
            _added(load_entry(entry, Constraint, "__name__"))
