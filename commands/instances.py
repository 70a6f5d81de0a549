"""The instances that arguments name: folders, lists, files and generated problems."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from mull.engine.errors import MullError
from mull.engine.registry import PROBLEMS, entries

LIST_BYTES = 1 << 20
"""Bytes of a file within which the first entry of a list is searched."""


def expand(arguments: Sequence[str]) -> list[str]:
    """The files and generated problems that arguments name, in their order and each once.

    Args:
        arguments: folders (all files below them, sorted by path; hidden ones are left out), lists (text files with one
            file, folder or ``family:spec`` per line; a relative path may start at the list's folder; lines with ``#`` are
            comments), files, and ``family:spec``.

    Raises:
        MullError: an argument does not exist, or a folder holds no files or cannot be read.
    """
    families = {entry.name for entry in entries(PROBLEMS)}
    found: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if os.path.isdir(argument):  # os.path: a text that is too long for a path does not raise
            found += _below(path)
        elif os.path.exists(argument):
            found += _listed(path, families) or [argument]
        elif argument.partition(":")[0] in families and ":" in argument:
            found.append(argument)
        else:
            raise MullError(f"{argument}: no such file or folder", "name folders, files, or generated problems")
    return list(dict.fromkeys(found))


def _refuse(error: OSError) -> NoReturn:
    # Without this, os.walk leaves out a folder that it cannot read, and its problems are never solved.
    raise MullError(f"{error.filename}: cannot be read: {error.strerror}", "correct its permissions")


def _below(folder: Path) -> list[str]:
    files: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(parent, name) for name in names if not name.startswith(".")]
        files += [path for path in paths if path.is_file()]
    files.sort()
    if not files:
        raise MullError(f"{folder}: the folder holds no files", "name a folder with problem files")
    return [str(path) for path in files]


def _listed(path: Path, families: set[str]) -> list[str]:
    """The entries of a list; empty if the file is not a list, which its first entry decides."""
    try:
        if not path.is_file() or not _is_list(path, families):
            return []
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return []  # the reader of problems reports the error
    named = [line for line in lines if line and not line.startswith("#")]
    found: list[str] = []
    for line in named:
        entry = _entry(line, path.parent, families) or line  # a missing file is reported when it is read
        found += _below(Path(entry)) if Path(entry).is_dir() else [entry]
    return found


def _is_list(path: Path, families: set[str]) -> bool:
    """Whether the first entry of a file names an instance. Only the head of a file is read: a large one may be a problem."""
    with path.open("rb") as file:
        head = file.read(LIST_BYTES)
    for line in head.decode("utf-8", errors="replace").splitlines():
        if line.strip() and not line.strip().startswith("#"):
            return _entry(line.strip(), path.parent, families) is not None
    return False


def _entry(line: str, folder: Path, families: set[str]) -> str | None:
    """A line of a list as a path or ``family:spec``, or None."""
    try:
        for path in (folder / line, Path(line)):
            if path.exists():
                return str(path)
    except (OSError, ValueError):  # a line that is too long for a path, or has a null byte
        return None
    return line if ":" in line and line.partition(":")[0] in families else None
