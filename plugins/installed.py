"""The available solvers: of installed packages, and added from files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.registry import (
    ALLOWED,
    SOLVERS,
    Entry,
    PluginError,
    allowed_plugins,
    entries,
    find_entry,
    load_entry,
    normalise,
    permitted,
)
from .diagnosis import diagnose
from .files import defined
from .manifest import added

if TYPE_CHECKING:
    from ..engine.solver import AbstractSolver


def installed() -> list[Entry]:
    """All available solvers, without importing them: mull's own first, then the others by name.

    A name that two packages claim occurs twice.

    Raises:
        PluginError: the list of added files cannot be read.
    """
    return entries(SOLVERS) + [file.entry for file in added() if permitted(file.name)]


def is_file(name: str) -> bool:
    """Whether a solver's name is the path of a file: ``walk.py`` or ``walk.py:NAME``."""
    return name.endswith(".py") or ".py:" in name


def load(name: str) -> type[AbstractSolver]:
    """The class of a solver.

    Args:
        name: name of an available solver, or a ``.py`` file, which is used without adding it: ``./walk.py``,
            ``./walk.py:NAME``.

    Raises:
        PluginError: no solver has this name, two packages claim it, its import fails, or it is not a solver.
    """
    if is_file(name):
        path, dot, wanted = name.partition(".py:")
        return _from_file(Path(f"{path}.py" if dot else name), wanted)
    packaged = entries(SOLVERS)
    try:
        every = installed()
    except PluginError:
        if all(entry.name != name for entry in packaged):
            raise
        every = packaged  # a damaged list of files must not make installed solvers unusable
    # A solver that MULL_PLUGINS excludes exists: the error names the variable and not a similar solver.
    if all(entry.name != name for entry in every):
        for file in added():
            if file.name == name:
                raise PluginError(f"{ALLOWED} leaves out {file.entry}", f"{ALLOWED}={name}")
    entry = find_entry(SOLVERS, name, every)
    changed = diagnose(entry) if entry.path else None  # also if this process has imported the file before
    if changed:
        raise PluginError(f"{entry} cannot be loaded: {changed}", entry.hint)
    from ..engine.solver import AbstractSolver  # imports torch, so only after the name is known to be valid

    loaded: type[AbstractSolver] = load_entry(entry, AbstractSolver)
    return loaded


def _from_file(path: Path, wanted: str) -> type[AbstractSolver]:
    """The only solver of a file, or the named one."""
    found = defined(path)
    mine = [file for file in found if file.name == wanted] if wanted else found
    names = ", ".join(file.name for file in found)
    if not mine:
        raise PluginError(f"{path} has no solver {wanted[:40]!r}", f"its solvers are {names}")
    if len(mine) > 1:
        raise PluginError(f"{path} has several solvers: {names}", f"name one: {path}:{mine[0].name}")
    from ..engine.solver import AbstractSolver

    loaded: type[AbstractSolver] = load_entry(mine[0].entry, AbstractSolver)
    return loaded


def name_conflicts(among: Sequence[Entry]) -> dict[str, str]:
    """Each name that several packages claim -> these packages, as text."""
    twice = {name for name, count in Counter(entry.name for entry in among).items() if count > 1}
    return {name: " and ".join(entry.origin for entry in among if entry.name == name) for name in sorted(twice)}


def not_installed() -> list[str]:
    """The names in ``MULL_PLUGINS`` of which no package or added solver exists: probably misspelt."""
    missing = []
    try:
        names = {normalise(file.name) for file in added()}
    except PluginError:
        names = set()
    for name in sorted(allowed_plugins() or ()):
        try:
            distribution(name)
        except PackageNotFoundError:
            if name not in names:
                missing.append(name)
    return missing
