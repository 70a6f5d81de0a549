"""The solvers there are: those of installed packages, and those added from files."""

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
from .faults import fault
from .files import defined
from .manifest import added

if TYPE_CHECKING:
    from ..engine.solver import Solver


def installed() -> list[Entry]:
    """All solvers, none of them imported: mull's own, then by name. A name that two claim occurs twice.

    Raises:
        PluginError: the list of added files cannot be read.
    """
    return entries(SOLVERS) + [file.entry for file in added() if permitted(file.name)]


def is_file(name: str) -> bool:
    """Whether a solver's name is that of a file: ``walk.py`` or ``walk.py:NAME``."""
    return name.endswith(".py") or ".py:" in name


def load(name: str) -> type[Solver]:
    """The solver class of a name, or of a ``.py`` file for this process alone: ``./walk.py``, ``./walk.py:NAME``.

    Raises:
        PluginError: no such solver, a name that two claim, one that fails to import, or no solver at all.
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
        every = packaged  # a damaged list of files is no reason to do without what is installed
    if all(entry.name != name for entry in every):
        for file in added():
            if file.name == name:
                raise PluginError(f"{ALLOWED} leaves out {file.entry}", f"{ALLOWED}={name}")
    entry = find_entry(SOLVERS, name, every)
    changed = fault(entry) if entry.path else None  # also where this process has imported it before
    if changed:
        raise PluginError(f"{entry} cannot be loaded: {changed}", entry.hint)
    from ..engine.solver import Solver  # torch comes with it: a wrong name is refused before

    loaded: type[Solver] = load_entry(entry, Solver)
    return loaded


def _from_file(path: Path, wanted: str) -> type[Solver]:
    """The one solver of a file, or the one that is wanted."""
    found = defined(path)
    mine = [file for file in found if file.name == wanted] if wanted else found
    names = ", ".join(file.name for file in found)
    if not mine:
        raise PluginError(f"{path} has no solver {wanted[:40]!r}", f"it has {names}")
    if len(mine) > 1:
        raise PluginError(f"{path} has several solvers: {names}", f"name one: {path}:{mine[0].name}")
    from ..engine.solver import Solver

    loaded: type[Solver] = load_entry(mine[0].entry, Solver)
    return loaded


def claimed_twice(among: Sequence[Entry]) -> dict[str, str]:
    """Name -> who claim it, for the names that more than one does."""
    twice = {name for name, count in Counter(entry.name for entry in among).items() if count > 1}
    return {name: " and ".join(entry.origin for entry in among if entry.name == name) for name in sorted(twice)}


def not_installed() -> list[str]:
    """The names in ``MULL_PLUGINS`` that nothing answers to: misspelt, most likely."""
    missing = []
    try:
        files = {normalise(file.name) for file in added()}
    except PluginError:
        files = set()
    for name in sorted(allowed_plugins() or ()):
        try:
            distribution(name)
        except PackageNotFoundError:
            if name not in files:
                missing.append(name)
    return missing
