"""The base class of the project's errors, and the error of invalid graphs."""

from __future__ import annotations


class MullError(Exception):
    """Base of all errors that mull raises for a caller. The program prints message and hint, and exits with status 2.

    Args:
        message: what is wrong, and where.
        hint: what the user can do about it, or an empty string.

    Example:
        >>> try:
        ...     raise MullError("cannot read board.txt", "check the path")
        ... except MullError as error:
        ...     print(error, "-", error.hint)
        cannot read board.txt - check the path
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class GraphError(MullError, ValueError):
    """A graph, constraint, problem or assignment is not valid. The message names the variable or constraint."""
