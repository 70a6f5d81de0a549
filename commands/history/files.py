"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..common import Failure


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes its name when all is written; until then, or after an error, the old one stays.

    Raises:
        Failure: it cannot be written.
    """
    special = path.exists() and not path.is_file()  # /dev/stdout, a pipe: written as they are; a directory is refused
    place = path if special else path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with place.open("wb") as file:
            yield file
        if not special:
            place.replace(path)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise Failure(f"{path} cannot be written: {error.strerror or error}", "choose another with --to") from None
    finally:
        if not special:
            with suppress(OSError):
                place.unlink(missing_ok=True)


def by_ending(path: Path, endings: dict[str, str]) -> str:
    """What a file's ending stands for.

    Raises:
        Failure: no such ending is known.
    """
    kind = endings.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(endings)
        raise Failure(f"{path}: {path.suffix or 'no ending'} does not say what to write", f"endings are {known}")
    return kind
