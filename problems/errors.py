"""Errors and warnings about input: what is wrong, where, and what to do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..engine.errors import MullError

LONGEST = 400
"""Characters of a message: longer ones are cut in the middle."""


class InputError(MullError, ValueError):
    """Input that cannot be read: what is wrong, where, and what to do.

    Args:
        message: what is wrong, quoting little of the input.
        path: the file or ``family:spec``.
        line: 1-based, where the input has lines.
        hint: what the user may try.
    """

    def __init__(self, message: str, path: str = "", line: int | None = None, hint: str = "") -> None:
        if len(message) > LONGEST:  # a name of thousands of characters in it
            message = f"{message[: LONGEST - 100]}…{message[-99:]}"
        super().__init__(message, hint)
        self.message, self.path, self.line = message, path, line

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}" if where else self.message

    def at(self, path: str, line: int | None = None) -> InputError:
        """The same error with its place filled in where it was not known."""
        return InputError(self.message, self.path or path, self.line if self.line is not None else line, self.hint)


class Ambiguous(InputError):
    """Input that two readings fit equally well; the hint says how to mark the one that is meant."""


class InputWarning(UserWarning):
    """Input that is read although something in it is wrong: a count that does not fit, an edge left out."""


_kept: ContextVar[list[InputError] | None] = ContextVar("kept", default=None)


def warn(message: str, line: int | None = None, hint: str = "") -> None:
    """Warn about the input that is being read; with ``strict``, reading refuses it with the same words.

    Args:
        message: what is wrong and how it is read.
        line: 1-based, where the input has lines.
        hint: what the user may do about it.
    """
    kept = _kept.get()
    if kept is None:
        warnings.warn(message, InputWarning, stacklevel=3)
    else:
        kept.append(InputError(message, line=line, hint=hint))


@contextmanager
def warned(path: str, strict: bool, silent: bool = False) -> Iterator[None]:
    """Complete the warnings of a reader with the path, and issue them when it has read; with ``silent``, drop them.

    Raises:
        InputError: the first of them, where ``strict`` is set.
    """
    kept: list[InputError] = []
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
    for found in () if silent else kept:
        error = found.at(path)
        if strict:
            raise error
        warnings.warn(f"{error} ({error.hint})" if error.hint else str(error), InputWarning, stacklevel=2)


def excerpt(text: str, length: int = 40) -> str:
    """At most ``length`` characters of a piece of input, quoted for a message."""
    return repr(text if len(text) <= length else text[:length] + "…")
