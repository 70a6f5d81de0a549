"""Exceptions of other packages' code as text for a message: type, text, and the line that raised them."""

from __future__ import annotations

import os
import sys
import traceback

DEBUG = "MULL_DEBUG"
"""Environment variable: if it is set and not 0, tracebacks are printed to stderr. ``solve --debug`` sets it."""


def described(error: BaseException, own: str = "") -> str:
    """An exception in one line, with the file and line of its last frame.

    With ``MULL_DEBUG`` the traceback is printed to stderr too.

    Args:
        error: the exception.
        own: a file whose own errors are shown without their place, because they describe an error elsewhere.
    """
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    frames = traceback.extract_tb(error.__traceback__)
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        print("".join(traceback.format_exception(error)), file=sys.stderr, end="")
    if not frames or frames[-1].filename == own or isinstance(error, SyntaxError):  # whose text has its place
        return text
    return f"{text} ({frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name})"
