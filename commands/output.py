"""Output files, which are written completely or not at all, and their formats by suffix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mull.engine import files
from mull.engine.errors import MullError


@contextmanager
def open_output(path: Path, option: str = "--to") -> Iterator[IO[bytes]]:
    """Open a file for writing; it replaces an older one when it is complete, and after an error the older one stays.

    Args:
        path: of the file.
        option: that names the file, for the hint.

    Raises:
        MullError: the file cannot be written.
    """
    try:
        with files.write_whole(path) as file:
            yield file
    except BrokenPipeError:  # not an error: the program ends quietly when the reader of its output has closed it
        raise
    except OSError as error:
        raise MullError(
            f"cannot write {path}: {error.strerror or error}", f"choose another file with {option}"
        ) from None


def format_of(path: Path, formats: Mapping[str, str]) -> str:
    """The format of a file, by its suffix.

    Args:
        path: the file.
        formats: suffix with its dot -> format.

    Raises:
        MullError: the suffix is unknown.
    """
    kind = formats.get(path.suffix.lower())
    if kind is None:
        suffix = f"unknown suffix {path.suffix}" if path.suffix else "the name has no suffix"
        raise MullError(f"{path}: {suffix}", f"use one of {', '.join(formats)}")
    return kind
