"""Solvers from plain files, without packaging: add them to the list in ``manifest``, or remove them.

Files are not copied. After an edit, the user adds the file again.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..engine import files
from ..engine.registry import SOLVERS, PluginError, entries, isolated
from .added import execute
from .manifest import HOME, SolverFile, added, digest, manifest_path


def add(path: Path) -> list[SolverFile]:
    """Import a file or a package's folder, and add its solvers to the list.

    Adding a path again replaces its earlier solvers.

    Args:
        path: a ``.py`` file, or a folder with an ``__init__.py``.

    Returns:
        The added solvers.

    Raises:
        PluginError: the file cannot be read or imported, or defines no solver, or a solver's name is taken. The list
            does not change then.
    """
    found = defined(path)
    path = Path(found[0].path)
    with _listed() as listed:
        # Names are compared with the list as it is under the lock: another process may have added a solver.
        others = [file for file in listed if file.path != str(path)]
        takers = {entry.name: entry for entry in [*entries(SOLVERS), *(file.entry for file in others)]}
        for file in found:
            if file.name in takers:
                taker = takers[file.name]
                hint = "give your solver another name" + (
                    f", or: solve solvers remove {file.name}" if taker.path else ""
                )
                raise PluginError(f"{path}: the name {file.name!r} is taken by a solver of {taker.origin}", hint)
        listed[:] = [*others, *found]
    return found


def defined(path: Path) -> list[SolverFile]:
    """Import a file or a package's folder, and return the solvers that it defines, at least one.

    Args:
        path: a ``.py`` file, or a folder with an ``__init__.py``.

    Raises:
        PluginError: the file cannot be read or imported, or defines no solver.
    """
    path = _checked(path)
    try:
        content = digest(path)
    except OSError as error:
        raise PluginError(f"{path}: {error.strerror or error}", "check the permissions of the file") from None
    return _solvers(path, content)


def remove(name: str) -> SolverFile:
    """Remove a solver from the list. Its file stays.

    Args:
        name: the solver's name.

    Returns:
        The removed solver.

    Raises:
        PluginError: no added solver has this name.
    """
    with _listed() as listed:
        for file in listed:
            if file.name == name:
                listed.remove(file)
                return file
        for entry in entries(SOLVERS):
            if entry.name == name:
                hint = "it is part of mull" if entry.built_in else f"pip uninstall {entry.distribution}"
                raise PluginError(f"solver {name!r} was not added from a file: it belongs to {entry.origin}", hint)
        names = [file.name for file in listed]
        close = get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"added solvers: {', '.join(names) or 'none'}"
        raise PluginError(f"no solver {name[:40]!r} was added", hint)


def _checked(path: Path) -> Path:
    """The absolute path; refuses a path that cannot be imported."""
    path = path.expanduser().resolve()
    if not path.exists():
        raise PluginError(f"{path}: no such file", "give a .py file, or a folder with an __init__.py")
    if path.is_dir() and not (path / "__init__.py").exists():
        inner = sorted(p.parent for p in [*path.glob("*/__init__.py"), *path.glob("src/*/__init__.py")])
        packaged = f"pip install --editable {path}" if (path / "pyproject.toml").exists() else ""
        named = f"solve solvers add {inner[0]}" if inner else ""
        hint = ", or: ".join(filter(None, (packaged, named))) or "name the folder that contains the __init__.py"
        raise PluginError(f"{path} is not a package: it has no __init__.py", hint)
    if not path.is_dir() and path.suffix != ".py":
        raise PluginError(f"{path} is not a .py file", "give a .py file, or a folder with an __init__.py")
    return path


def _solvers(path: Path, content: str) -> list[SolverFile]:
    from ..engine.solver import AbstractSolver

    module = SolverFile("", "", str(path), content).module
    with isolated(str(path), "correct the file, then add it again"):
        defined = vars(execute(module, path, content))
    found = []
    unfinished = []
    for attribute, kind in defined.items():
        local = isinstance(kind, type) and (kind.__module__ == module or kind.__module__.startswith(f"{module}."))
        if local and issubclass(kind, AbstractSolver) and not attribute.startswith("_"):
            missing = sorted(getattr(kind, "__abstractmethods__", ()))
            name: Any = getattr(kind, "name", None)
            if missing:
                unfinished.append(f"{attribute} does not implement {', '.join(missing)}")
            elif not (isinstance(name, str) and re.fullmatch(r"[\w.-]+", name)):
                unfinished.append(
                    f"the name of {attribute} must consist of letters, digits, '_', '-' and '.': {name!r}"
                )
            else:
                found.append(SolverFile(name, attribute, str(path), content))
    if not found:
        reason = "; ".join(unfinished) or "a solver is a subclass of mull.engine.Solver with a name"
        raise PluginError(f"{path} defines no solver", reason)
    names = [file.name for file in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        classes = " and ".join(file.attribute for file in found if file.name == twice)
        raise PluginError(f"{path}: {classes} have the same name {twice!r}", "give one of them another name")
    return found


@contextmanager
def _listed() -> Iterator[list[SolverFile]]:
    """The list of added solvers, to be changed in place. It is written afterwards; a lock keeps other processes out."""
    target = manifest_path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / ".solvers.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a file of its own: replacing the list would drop a lock on it
            listed = added()
            before = list(listed)
            yield listed
            if listed != before:
                _write(target, listed)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PluginError(
            f"{target} cannot be written: {reason}", f"set {HOME} to a folder that you may write to"
        ) from None


def _write(target: Path, listed: Sequence[SolverFile]) -> None:
    data = {"solvers": [asdict(file) for file in sorted(listed, key=lambda file: file.name)]}
    with files.write_whole(target) as written:
        written.write((json.dumps(data, indent=1) + "\n").encode())
