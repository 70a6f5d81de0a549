"""What an exception of somebody else's code looks like in a message: its type, its text and the line that raised it."""

from __future__ import annotations

import os
import sys
import traceback

DEBUG = "MULL_DEBUG"
"""Environment variable: when it is set, and not 0, whole tracebacks are printed to stderr (``solve --debug`` sets it)."""


def described(error: BaseException, own: str = "") -> str:
    """An exception in one line, with the file and line of its last frame.

    With ``MULL_DEBUG`` the traceback is printed to stderr too.

    Args:
        error: as it was caught.
        own: a file whose own errors need no place: they are about what somebody else did.
    """
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    frames = traceback.extract_tb(error.__traceback__)
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        print("".join(traceback.format_exception(error)), file=sys.stderr, end="")
    if not frames or frames[-1].filename == own or isinstance(error, SyntaxError):  # a SyntaxError names its own place
        return text
    return f"{text} ({frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name})"
