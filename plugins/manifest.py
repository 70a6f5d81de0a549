"""The list of solvers added from files: JSON in the user's configuration folder.

Each file's sha256 is kept with it: a file that has changed is refused until it is added again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path

from ..engine import files
from ..engine.registry import SOLVERS, Entry, PluginError

HOME = "MULL_CONFIG"
"""Environment variable: the user's configuration folder."""

LARGEST = 64 << 20
"""Bytes of the largest file, or of all files of the largest package, that is added."""

ADDED = f"{__package__}.added"
"""The module under which files are imported."""


@dataclass(frozen=True)
class SolverFile:
    """A solver that was added from a file.

    Args:
        name: the solver's.
        attribute: its class in the file.
        path: of the ``.py`` file or the package's folder, absolute.
        sha256: of its content when it was added.
    """

    name: str
    attribute: str
    path: str
    sha256: str

    @property
    def module(self) -> str:
        """Where it is imported: other content is another module, so that no two versions mix in one process."""
        return f"{ADDED}.{re.sub(r'[^A-Za-z0-9]', '_', Path(self.path).stem)}_{self.sha256[:12]}"

    @property
    def entry(self) -> Entry:
        return Entry(SOLVERS, self.name, f"{self.module}:{self.attribute}", "", "", self.path)

    def fault(self) -> str | None:
        """Why the file cannot be used, or None."""
        try:
            changed = digest(Path(self.path)) != self.sha256
        except OSError as error:
            return f"{self.path}: {error.strerror or error}"
        return f"{self.path} has changed since it was added: solve solvers add {self.path}" if changed else None


def digest(path: Path) -> str:
    """The sha256 of a file, or of all files of a package by name; what Python caches there is left out.

    Raises:
        OSError: it cannot be read.
    """
    if not path.is_dir():
        return hashlib.sha256(files.read(path, LARGEST)).hexdigest()
    total, size = hashlib.sha256(), 0
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path)
        if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in inside.parts):
            data = files.read(file, LARGEST)
            size += len(data)
            if size > LARGEST:
                raise files.too_large(path, LARGEST)
            total.update(f"{inside.as_posix()}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return total.hexdigest()


def place() -> Path:
    """The file that lists what was added."""
    return Path(os.environ.get(HOME) or user_config_path("mull", appauthor=False)) / "solvers.json"


def added() -> list[SolverFile]:
    """What was added, by name.

    Raises:
        PluginError: the list cannot be read.
    """
    try:
        data = json.loads(files.read(place(), LARGEST))
        return [SolverFile(**{key: str(value) for key, value in item.items()}) for item in data["solvers"]]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PluginError(f"{place()}: {error.strerror or error}", "check the file's permissions") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(
            f"{place()} is no list of added solvers ({reason})", "correct it; or delete it and add your files again"
        ) from None
