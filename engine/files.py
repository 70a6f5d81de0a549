"""Files: read only if regular and of bounded size, written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

MIB = 1 << 20


def check(path: str | Path, most: int, *, pipes: bool = False) -> None:
    """Refuse a path that is not a regular file of at most ``most`` bytes.

    Args:
        path: of the file.
        most: bytes.
        pipes: whether a pipe that the shell opened is accepted: ``/dev/stdin``, or ``/dev/fd/63`` of ``<(command)``.

    Raises:
        OSError: the path does not exist, is a folder, device, socket or pipe, or is too large; ``strerror`` says which.
    """
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
    if not stat.S_ISREG(found.st_mode):
        opened = str(path) == "/dev/stdin" or str(path).startswith(("/dev/fd/", "/proc/self/fd/"))
        if not (pipes and opened and stat.S_ISFIFO(found.st_mode)):
            raise OSError(errno.EINVAL, f"is a {_kind(found.st_mode)}, not a regular file", str(path))
    if found.st_size > most:
        raise too_large(path, most)


def read(path: str | Path, most: int, *, pipes: bool = False) -> bytes:
    """The content of a regular file of at most ``most`` bytes; see ``check``.

    Raises:
        OSError: the file cannot be read, or ``check`` refuses it.
    """
    check(path, most, pipes=pipes)
    with open(path, "rb") as file:
        data = file.read(most + 1)  # a file may grow, and those of /proc have no size
    if len(data) > most:
        raise too_large(path, most)
    return data


@contextmanager
def write_whole(path: str | Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes its name when it is complete: a reader finds the old file or the new one, whole.

    Args:
        path: of the file; its folder exists. A device or pipe is written directly.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a crash after the renaming would else leave an empty file
        partial.replace(target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def too_large(path: str | Path, most: int) -> OSError:
    """The error for a file of more than ``most`` bytes."""
    size = f"{most // MIB} MiB" if most >= MIB else f"{most} bytes"
    return OSError(errno.EFBIG, f"is larger than {size}", str(path))


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"
