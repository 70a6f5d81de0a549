"""Errors and warnings about input: what is wrong, where, and what to do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..engine.errors import MullError

LONGEST = 400
"""Most characters of a message. A longer one is shortened in the middle."""


class InputError(MullError, ValueError):
    """Input that cannot be read. The message states what is wrong and where, the hint what to do.

    Args:
        message: what is wrong. It quotes at most an ``excerpt`` of the input.
        path: the file or ``family:spec``; empty if the caller adds it (``at``).
        line: 1-based, or None if it is not known.
        hint: what the user may try.
    """

    def __init__(self, message: str, path: str = "", line: int | None = None, hint: str = "") -> None:
        if len(message) > LONGEST:  # it has a name of thousands of characters
            message = f"{message[: LONGEST - 100]}…{message[-99:]}"
        super().__init__(message, hint)
        self.message, self.path, self.line = message, path, line

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}" if where else self.message

    def at(self, path: str, line: int | None = None) -> InputError:
        """The same error, with path and line if it has none yet.

        Args:
            path: the file or ``family:spec``.
            line: 1-based.
        """
        return InputError(self.message, self.path or path, self.line if self.line is not None else line, self.hint)


class Ambiguous(InputError):
    """Input that has two readings. The hint states how to mark the intended one."""


class InputWarning(UserWarning):
    """Input that is read although a part of it is wrong: a count that does not fit, or an edge that is ignored."""


_collected: ContextVar[list[InputError] | None] = ContextVar("collected", default=None)
"""The warnings of the reader that is running, in this thread or task; None outside ``warned``."""


def warn(message: str, line: int | None = None, hint: str = "") -> None:
    """Warn about the input that is being read. With ``strict`` the warning becomes the error of the reader.

    Args:
        message: what is wrong, and how it is read.
        line: 1-based, or None if it is not known.
        hint: what the user may try.
    """
    collected = _collected.get()
    if collected is None:
        warnings.warn(message, InputWarning, stacklevel=3)
    else:
        collected.append(InputError(message, line=line, hint=hint))


@contextmanager
def warned(path: str, strict: bool, silent: bool = False) -> Iterator[None]:
    """Collect the warnings of a reader, and issue them with the path after it has finished.

    Args:
        path: of the file.
        strict: raise the first warning as an error.
        silent: drop the warnings.

    Raises:
        InputError: the first warning, with ``strict``.
    """
    collected: list[InputError] = []
    token = _collected.set(collected)
    try:
        yield
    finally:
        _collected.reset(token)
    for found in () if silent else collected:
        error = found.at(path)
        if strict:
            raise error
        warnings.warn(f"{error} ({error.hint})" if error.hint else str(error), InputWarning, stacklevel=2)


def excerpt(text: str, length: int = 40) -> str:
    """The start of a piece of input, quoted for a message.

    Args:
        text: the input.
        length: most characters; a longer text ends in "…".
    """
    return repr(text if len(text) <= length else text[:length] + "…")
