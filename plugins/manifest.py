"""The list of solvers added from files: JSON in the user's configuration folder.

The list has the SHA-256 of each file. A file that has changed is refused until the user adds it again.
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
"""Environment variable that names the user's configuration folder."""

MAX_BYTES = 64 << 20
"""Largest size of an added file, or of all files of an added package, in bytes."""

ADDED = f"{__package__}.added"
"""The package into which files are imported."""


@dataclass(frozen=True)
class SolverFile:
    """A solver that was added from a file.

    Args:
        name: the solver's name.
        attribute: name of its class in the file.
        path: absolute path of the ``.py`` file or the package's folder.
        sha256: SHA-256 of the content at the time it was added.
    """

    name: str
    attribute: str
    path: str
    sha256: str

    @property
    def module(self) -> str:
        """Name of the module of the file. It depends on the content, so that two versions never mix in one process."""
        return f"{ADDED}.{re.sub(r'[^A-Za-z0-9]', '_', Path(self.path).stem)}_{self.sha256[:12]}"

    @property
    def entry(self) -> Entry:
        """The solver as an entry of the registry."""
        return Entry(SOLVERS, self.name, f"{self.module}:{self.attribute}", "", "", self.path)

    def diagnose(self) -> str | None:
        """The reason why the file cannot be used, or None."""
        try:
            changed = digest(Path(self.path)) != self.sha256
        except OSError as error:
            return f"{self.path}: {error.strerror or error}"
        return f"{self.path} has changed since it was added: solve solvers add {self.path}" if changed else None


def digest(path: Path) -> str:
    """The SHA-256 of a file, or of all files of a package, sorted by name; Python's caches are left out.

    Raises:
        OSError: a file cannot be read, or is too large.
    """
    if not path.is_dir():
        return hashlib.sha256(files.read(path, MAX_BYTES)).hexdigest()
    # Names and hashes of all files: a renamed file changes the digest of the package, as it changes its modules.
    total, size = hashlib.sha256(), 0
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path)
        if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in inside.parts):
            data = files.read(file, MAX_BYTES)
            size += len(data)
            if size > MAX_BYTES:
                raise files.too_large(path, MAX_BYTES)
            total.update(f"{inside.as_posix()}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return total.hexdigest()


def manifest_path() -> Path:
    """The file that has the list of added solvers."""
    return Path(os.environ.get(HOME) or user_config_path("mull", appauthor=False)) / "solvers.json"


def added() -> list[SolverFile]:
    """The added solvers, sorted by name.

    Raises:
        PluginError: the list cannot be read.
    """
    try:
        data = json.loads(files.read(manifest_path(), MAX_BYTES))
        return [SolverFile(**{key: str(value) for key, value in item.items()}) for item in data["solvers"]]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PluginError(f"{manifest_path()}: {error.strerror or error}", "check the file's permissions") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(
            f"{manifest_path()} is not a valid list of added solvers ({reason})",
            "correct the file, or delete it and add your solvers again",
        ) from None
