"""Solvers from plain files, without packaging: added to the list in ``manifest``, and removed from it.

Nothing is copied: who edits the file adds it again.
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
from .manifest import HOME, SolverFile, added, digest, place


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

    module = SolverFile("", "", str(path), content).module
    with isolated(str(path), "correct it, and add it again"):
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
            listed = added()
            before = list(listed)
            yield listed
            if listed != before:
                _write(target, listed)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PluginError(f"{target} cannot be written: {reason}", f"set {HOME} to a folder of yours") from None


def _write(target: Path, listed: Sequence[SolverFile]) -> None:
    data = {"solvers": [asdict(file) for file in sorted(listed, key=lambda file: file.name)]}
    with files.write_whole(target) as written:
        written.write((json.dumps(data, indent=1) + "\n").encode())
