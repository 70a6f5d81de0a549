"""The errors of the project: one base, which the program catches."""

from __future__ import annotations


class MullError(Exception):
    """Base of all errors that mull raises on purpose; the program prints the message and the hint, and exits with 2.

    Args:
        message: what is wrong, and where.
        hint: what the user can do about it, or the empty string.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class GraphError(MullError, ValueError):
    """A graph, constraint or assignment that makes no sense; the message names the variable or constraint."""
