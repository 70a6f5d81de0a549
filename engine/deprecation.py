"""Deprecation of public names and options: they work for one more minor release, and warn with their replacement."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar, cast

T = TypeVar("T", bound=Callable[..., Any])


class MullDeprecationWarning(FutureWarning):
    """A deprecated name or option was used. Python shows this warning by default, also to users of the program."""


def deprecated(since: str, removed: str, use: str) -> Callable[[T], T]:
    """Mark a function or class as deprecated: a call warns, then works as before.

    Args:
        since: the release that deprecates it, e.g. ``"0.2"``.
        removed: the release that removes it.
        use: the replacement, as a user types it.

    Returns:
        A decorator. It wraps a function. It changes a class in place, so that subclasses and ``isinstance`` still work.

    Example:
        >>> @deprecated("0.2", "0.3", use="load")
        ... def read(path): ...
    """

    def mark(target: T) -> T:
        message = text(f"{target.__module__}.{target.__qualname__}", since, removed, use)
        note = f".. deprecated:: {since}\n    {message}"
        if isinstance(target, type):
            return cast(T, _class(target, message, note))

        @functools.wraps(target)
        def call(*arguments: Any, **named: Any) -> Any:
            _warn(message)
            return target(*arguments, **named)

        call.__doc__ = f"{target.__doc__ or ''}\n\n{note}".strip()
        return cast(T, call)

    return mark


def renamed(given: Mapping[str, Any], names: Mapping[str, str], since: str, removed: str) -> dict[str, Any]:
    """Options under their present names. Each old name warns.

    Args:
        given: options by name, as the user gave them.
        names: old name -> present name.
        since: the release that renamed them.
        removed: the release that stops reading the old names.

    Returns:
        The options in the same order, with present names.

    Raises:
        TypeError: an option is given under both names.
    """
    result: dict[str, Any] = {}
    for name, value in given.items():
        new = names.get(name, name)
        if new != name:
            if new in given:
                raise TypeError(f"option {new} is given twice: {name} is its old name; leave out {name}")
            _warn(text(f"option {name}", since, removed, new))
        result[new] = value
    return result


def warn_renamed(what: str, since: str, removed: str, use: str) -> None:
    """Warn of a former name where a decorator cannot: the name of a method that a subclass overrides.

    Args:
        what: the former name.
        since: the release that renamed it.
        removed: the release that stops reading it.
        use: the present name.
    """
    _warn(text(what, since, removed, use))


def former_names(module: str, names: Mapping[str, str], since: str, removed: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for a module that finds renamed names under their former names and warns.

    Args:
        module: ``__name__`` of the module that has the present names.
        names: the present name of each former one; ``module:attribute`` if another module has it.
        since: the release that renamed them.
        removed: the release that removes the former names.

    Returns:
        The function to assign to the module's ``__getattr__``.

    Raises:
        AttributeError: the returned function got a name that ``names`` does not have.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        new_module, _, new_name = names[name].rpartition(":")
        new_module = new_module or module
        _warn(text(f"{module}.{name}", since, removed, f"{new_module}.{new_name}"))
        return getattr(import_module(new_module), new_name)

    return find


def dropped(
    given: Mapping[str, Any], former: Mapping[str, tuple[Any, str]], since: str, removed: str
) -> dict[str, Any]:
    """The options without removed ones. A removed option that differs from its default gives a warning.

    Args:
        given: options by name, as the user or a stored run gave them.
        former: name -> default of the former option, and what to use instead.
        since: the release that dropped them.
        removed: the release that refuses them.

    Returns:
        The other options in their order.
    """
    for name, (default, use) in former.items():
        if name in given and given[name] != default:
            _warn(text(f"option {name}", since, removed, use))
    return {name: value for name, value in given.items() if name not in former}


def text(what: str, since: str, removed: str, use: str) -> str:
    """The message of a deprecation.

    Args:
        what: the deprecated name.
        since: the release that deprecates it.
        removed: the release that removes it.
        use: the replacement.
    """
    return f"{what} is deprecated since {since} and will be removed in {removed}: use {use}"


def _warn(message: str) -> None:
    warnings.warn(message, MullDeprecationWarning, stacklevel=3)


def _class(target: type, message: str, note: str) -> type:
    original = cast(Any, target).__init__

    @functools.wraps(original)
    def begin(self: Any, *arguments: Any, **named: Any) -> None:
        if type(self) is target:
            _warn(message)
        original(self, *arguments, **named)

    cast(Any, target).__init__ = begin
    target.__doc__ = f"{target.__doc__ or ''}\n\n{note}".strip()
    return target
