"""Files that are written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mull.engine import files

from ..common import Failure


@contextmanager
def open_output(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes its name when it is complete; after an error the old one stays.

    Raises:
        Failure: it cannot be written.
    """
    try:
        with files.write_whole(path) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}", "choose another with --to") from None


def format_of(path: Path, endings: dict[str, str]) -> str:
    """What a file's ending stands for.

    Raises:
        Failure: no such ending is known.
    """
    kind = endings.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(endings)
        raise Failure(f"{path}: {path.suffix or 'no ending'} does not say what to write", f"endings are {known}")
    return kind
