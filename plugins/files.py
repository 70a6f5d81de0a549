"""Solvers from plain files, without packaging: which file each is in, and the sha256 that it had when it was added.

The list is JSON in the user's configuration folder. Nothing is copied: who edits the file adds it again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from ..engine import files
from ..engine.registry import SOLVERS, Entry, PluginError, contained, entries

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


def add(path: Path) -> list[SolverFile]:
    """Import a file or a package's folder, and list the solvers that are defined in it.

    Adding a path again replaces what it had.

    Raises:
        PluginError: it cannot be read or imported, holds no solver, or one whose name is taken; nothing is listed then.
    """
    found = defined(path)
    path = Path(found[0].path)
    with _listed() as listed:
        others = [file for file in listed if file.path != str(path)]
        takers = {entry.name: entry for entry in [*entries(SOLVERS), *(file.entry for file in others)]}
        for file in found:
            if file.name in takers:
                taker = takers[file.name]
                hint = "give yours another name" + (f", or: solve solvers remove {file.name}" if taker.path else "")
                raise PluginError(f"{path}: there is a solver {file.name!r} already, of {taker.origin}", hint)
        listed[:] = [*others, *found]
    return found


def defined(path: Path) -> list[SolverFile]:
    """Import a file or a package's folder; the solvers that it defines, at least one.

    Raises:
        PluginError: it cannot be read or imported, or holds no solver.
    """
    path = _checked(path)
    try:
        content = digest(path)
    except OSError as error:
        raise PluginError(f"{path}: {error.strerror or error}", "check its permissions") from None
    return _solvers(path, content)


def remove(name: str) -> SolverFile:
    """Forget a solver that was added; its file stays.

    Raises:
        PluginError: none of that name was added.
    """
    with _listed() as listed:
        for file in listed:
            if file.name == name:
                listed.remove(file)
                return file
        for entry in entries(SOLVERS):
            if entry.name == name:
                hint = "it is mull's own" if entry.built_in else f"pip uninstall {entry.distribution}"
                raise PluginError(f"solver {name!r} was not added from a file: it is of {entry.origin}", hint)
        names = [file.name for file in listed]
        close = get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"added are {', '.join(names) or 'none'}"
        raise PluginError(f"no solver {name[:40]!r} was added", hint)


def _checked(path: Path) -> Path:
    """The absolute path of something that can be imported."""
    path = path.expanduser().resolve()
    if not path.exists():
        raise PluginError(f"{path}: no such file", "give a .py file, or a folder with an __init__.py")
    if path.is_dir() and not (path / "__init__.py").exists():
        inner = sorted(p.parent for p in [*path.glob("*/__init__.py"), *path.glob("src/*/__init__.py")])
        packaged = f"pip install --editable {path}" if (path / "pyproject.toml").exists() else ""
        named = f"solve solvers add {inner[0]}" if inner else ""
        hint = ", or: ".join(filter(None, (packaged, named))) or "name the folder that holds the __init__.py"
        raise PluginError(f"{path} is no package: it has no __init__.py", hint)
    if not path.is_dir() and path.suffix != ".py":
        raise PluginError(f"{path} is no .py file", "give a .py file, or a folder with an __init__.py")
    return path


def _solvers(path: Path, content: str) -> list[SolverFile]:
    from ..engine.solver import Solver
    from .added import execute

    module = SolverFile("", "", str(path), content).module
    with contained(str(path), "correct it, and add it again"):
        defined = vars(execute(module, path, content))
    found = []
    unfinished = []
    for attribute, kind in defined.items():
        mine = isinstance(kind, type) and (kind.__module__ == module or kind.__module__.startswith(f"{module}."))
        if mine and issubclass(kind, Solver) and not attribute.startswith("_"):
            missing = sorted(getattr(kind, "__abstractmethods__", ()))
            name: Any = getattr(kind, "name", None)
            if missing:
                unfinished.append(f"{attribute} does not implement {', '.join(missing)}")
            elif not (isinstance(name, str) and re.fullmatch(r"[\w.-]+", name)):
                unfinished.append(f"{attribute} has no name, or none that could be typed: {name!r}")
            else:
                found.append(SolverFile(name, attribute, str(path), content))
    if not found:
        reason = "; ".join(unfinished) or "a solver is a subclass of mull.engine.Solver with a name"
        raise PluginError(f"{path} holds no solver", reason)
    names = [file.name for file in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        classes = " and ".join(file.attribute for file in found if file.name == twice)
        raise PluginError(f"{path}: {classes} are both called {twice!r}", "give one of them another name")
    return found


@contextmanager
def _listed() -> Iterator[list[SolverFile]]:
    """The list, to be changed in place; written when all went well, while no other process does the same."""
    target = place()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / ".solvers.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = added()
            before = list(files)
            yield files
            if files != before:
                _write(target, files)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PluginError(f"{target} cannot be written: {reason}", f"set {HOME} to a folder of yours") from None


def _write(target: Path, files: Sequence[SolverFile]) -> None:
    """Whoever reads finds the old list or the new one, whole."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    data = {"solvers": [asdict(file) for file in sorted(files, key=lambda file: file.name)]}
    with partial.open("w") as file:
        file.write(json.dumps(data, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
