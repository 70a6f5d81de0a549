"""What goes wrong with input, told the way a person can act on it."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be read: what is wrong, where, and what to do.

    Args:
        message: what is wrong, quoting little of the input.
        path: the file or ``family:spec``.
        line: 1-based, where the input has lines.
        hint: what the user may try.
    """

    def __init__(self, message: str, path: str = "", line: int | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.path, self.line, self.hint = message, path, line, hint

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}" if where else self.message

    def at(self, path: str, line: int | None = None) -> InputError:
        """The same error with its place filled in where it was not known."""
        return InputError(self.message, self.path or path, self.line if self.line is not None else line, self.hint)


def excerpt(text: str, length: int = 40) -> str:
    """At most ``length`` characters of a piece of input, quoted for a message."""
    return repr(text if len(text) <= length else text[:length] + "…")
