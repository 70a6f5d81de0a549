"""Reading of regular files of bounded size, and atomic writing."""

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
        most: the largest size in bytes.
        pipes: whether to accept a pipe that the shell opened: ``/dev/stdin``, or ``/dev/fd/63`` of ``<(command)``.

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
    """The content of a regular file of bounded size.

    Args:
        path: of the file.
        most: the largest size in bytes.
        pipes: see ``check``.

    Raises:
        OSError: the file cannot be read, or ``check`` refuses it.
    """
    check(path, most, pipes=pipes)
    with open(path, "rb") as file:
        data = file.read(most + 1)  # a file may grow, and files of /proc state size 0
    if len(data) > most:
        raise too_large(path, most)
    return data


@contextmanager
def write_whole(path: str | Path) -> Iterator[IO[bytes]]:
    """Write a file atomically: readers find the old content or the complete new one, never a part.

    Args:
        path: of the file, in an existing folder. A device or pipe is written directly.

    Yields:
        A binary file. It is renamed to ``path`` at the end of the block, unless the block raises.

    Raises:
        OSError: the file cannot be written; the old one stays.
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
            os.fsync(file.fileno())  # without it, a crash after the renaming could leave an empty file
        partial.replace(target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def too_large(path: str | Path, most: int) -> OSError:
    """The error for a file that is too large.

    Args:
        path: of the file.
        most: the largest size in bytes.
    """
    size = f"{most // MIB} MiB" if most >= MIB else f"{most} bytes"
    return OSError(errno.EFBIG, f"is larger than {size}", str(path))


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"
